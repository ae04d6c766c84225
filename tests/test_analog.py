"""Invented molecules: what must hold of every search, whatever the calibrated numbers are."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rekindle.errors import PersonError
from rekindle.people import (
    Bench,
    Molecule,
    Person,
    analog,
    analog_properties,
    least_dissociation,
    search_analogs,
    simulate_people,
    treated,
    uncertain_parameters,
    undominated,
    vary_one,
)
from rekindle.questions._analog_study import needed
from rekindle.questions._analog_tasks import run_all
from rekindle.therapy import compound_model, compound_parameters, find_compound, therapy_model

KETAMINE = "ketamine 0.5 mg/kg iv over 40 min"


def molecule(**properties: float) -> Molecule:
    return Molecule.given(analog(**properties), "1 mg im")


def test_the_reference_is_what_a_patient_simulation_gives() -> None:
    one = treated(KETAMINE)
    found = Bench().read([one], np.array([one.dose_mg]))
    course = simulate_people(
        KETAMINE, Person(1), times=[24, 168], outputs=["improvement_share"], parameters={"EX": 0.0}
    )
    assert one.dose_mg == pytest.approx(35.0)
    assert found.effect_day_1[0] == pytest.approx(course["improvement_share"][0, 0], rel=1e-3)
    assert found.effect_day_7[0] == pytest.approx(course["improvement_share"][0, 1], rel=1e-4)


def test_a_compound_beside_itself_needs_its_own_dose() -> None:
    one, bench = treated("esketamine 20 mg iv over 40 min"), Bench()
    effect = float(bench.read([one], np.array([20.0])).effect_day_1[0])
    found, _ = bench.equal_effect([one], effect)
    assert found.dose_mg[0] == pytest.approx(20.0, rel=0.01)


@settings(max_examples=8, deadline=None)
@given(factor=st.floats(0.2, 5.0), rho=st.floats(1.5, 8.0), absorption=st.floats(0.3, 15.0))
def test_a_common_factor_on_all_affinities_only_moves_the_dose(
    factor: float, rho: float, absorption: float
) -> None:
    known = analog_properties()
    scaled = {name: factor * known[name].start for name in ("affinity", "allosteric", "direct")}
    pair = [molecule(rho=rho, absorption=absorption), molecule(rho=rho, absorption=absorption, **scaled)]
    found, _ = Bench("mixture").equal_effect(pair, 0.2)
    assert found.dose_mg[1] == pytest.approx(factor * found.dose_mg[0], rel=2e-3)
    for name in ("cadss", "liking", "systolic_rise", "sedated", "onset", "effect_day_7"):
        first, second = getattr(found, name)
        assert second == pytest.approx(first, rel=2e-3), name


def test_trapping_lowers_dissociation_at_the_same_dose_and_pressure_by_it_alone() -> None:
    found = vary_one("trapping", steps=4)
    assert np.ptp(found.readouts.dose_mg) < 1e-6 * found.readouts.dose_mg[0]
    assert (np.diff(found.readouts.cadss) > 0).all()
    assert np.ptp(found.readouts.sedated) < 1e-9


@pytest.mark.parametrize(("mechanism", "idle"), [("disinhibition", ("allosteric", "direct")),
                                                 ("tonic_eef2", ("rho", "direct")),
                                                 ("hnk_direct", ("rho", "allosteric"))])  # fmt: skip
def test_what_a_mechanism_does_not_use_changes_nothing(mechanism: str, idle: tuple[str, ...]) -> None:
    for name in idle:
        cadss = vary_one(name, steps=3, mechanism=mechanism).readouts.cadss
        assert np.ptp(cadss) < 1e-3 * cadss[0]


def test_every_molecule_of_a_search_has_the_effect_or_no_number() -> None:
    found = search_analogs(molecules=16, mechanism="tonic_eef2")
    effects = found.readouts.effect_day_1
    wanted = float(found.reference.effect_day_1[0])
    assert np.abs(effects[found.reached] - wanted).max() < 1e-3
    assert np.isnan(found.readouts.cadss[~found.reached]).all()
    assert (found.largest[~found.reached] < wanted).all()
    assert found.reached.sum() > 0


def test_a_seed_gives_the_same_search_again() -> None:
    first, second = (search_analogs(molecules=4, seed=3) for _ in range(2))
    assert first.readouts.cadss.tolist() == second.readouts.cadss.tolist()
    assert first.values["rho"].tolist() != search_analogs(molecules=4, seed=4).values["rho"].tolist()


def test_a_search_with_more_freedom_finds_no_more_dissociation_than_s_ketamine_has() -> None:
    wanted = float(Bench().read([treated(KETAMINE)], np.array([35.0])).effect_day_1[0])
    start, _ = Bench().equal_effect([molecule()], wanted)
    one = least_dissociation(wanted, vary=["trapping", "absorption"], generations=8)
    assert one.found
    assert one.readouts.cadss[0] < start.cadss[0]
    assert one.readouts.effect_day_1[0] >= wanted - 1e-9
    assert one.readouts.onset[0] <= 2.0
    assert not least_dissociation(0.9, vary=["trapping"], generations=2).found


def test_the_value_that_halves_the_peak_halves_it() -> None:
    found = vary_one("trapping", steps=25)
    value = needed(found)
    again, _ = Bench().equal_effect([molecule(trapping=value)], float(found.reference.effect_day_1[0]))
    assert again.cadss[0] == pytest.approx(0.5 * found.reference.cadss[0], rel=0.05)


def test_undominated_keeps_what_nothing_betters() -> None:
    points = np.random.default_rng(1).random((60, 2))
    kept = undominated(points)
    for place in range(60):
        bettered = ((points <= points[place]).all(axis=1) & (points < points[place]).any(axis=1)).any()
        assert (place in kept) != bettered


def test_uncertain_parameters_lie_in_their_stated_ranges() -> None:
    parameters = therapy_model(parameters="nominal").parameters
    for drawn in uncertain_parameters(5):
        for name, value in drawn.items():
            low, high = parameters[name].low, parameters[name].high
            assert low is not None and high is not None and low <= value <= high  # noqa: PT018


def test_the_parameters_of_a_compound_are_those_of_its_model() -> None:
    memantine = find_compound("memantine")
    model = compound_model(memantine)
    for name, value in compound_parameters(memantine).items():
        assert model.parameters[name].value == value, name


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(PersonError, match="trapping"):
        analog(traping=0.5)
    with pytest.raises(PersonError, match="positive"):
        analog(trapping=0.0)
    with pytest.raises(PersonError, match="RK-PER-092"):
        search_analogs(molecules=1)
    with pytest.raises(PersonError, match="RK-PER-090"):
        vary_one("afinity")


def test_tasks_give_the_same_at_any_number_of_workers() -> None:
    tasks = {place: partial(pow, place, 2) for place in range(5)}
    shares: list[float] = []
    assert run_all(tasks, 2, shares.append) == run_all(tasks, 1, shares.append)
    assert shares[-1] == 1.0
