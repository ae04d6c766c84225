"""Compounds as data: ketamine through them is ketamine, and nothing incomplete gets through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rekindle.errors import ParameterError, PersonError, RekindleError
from rekindle.people import (
    Person,
    compare_candidate,
    compound_regimen,
    simulate_compound,
    simulate_people,
)
from rekindle.therapy import (
    PRIOR_ONLY,
    compound_model,
    compound_source,
    compounds,
    find_compound,
    read_compound,
    therapy_model,
)

INFUSION = "0.5 mg/kg iv over 40 min"
MECHANISMS = ("disinhibition", "tonic_eef2", "hnk_direct", "mixture")
ANALOG = compound_source("analog-h1")


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    """The file of the shipped analog with some texts replaced."""
    text = ANALOG
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["ketamine", "esketamine", "arketamine"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_ketamine_as_a_compound_has_the_parameters_of_the_default_model(name: str, mechanism: str) -> None:
    base = therapy_model(mechanism=mechanism)
    made = compound_model(find_compound(name), mechanism=mechanism)
    assert made.parameters == base.parameters
    assert made.outputs.keys() == base.outputs.keys()


@pytest.mark.parametrize("name", ["ketamine", "esketamine", "arketamine"])
def test_ketamine_as_a_compound_gives_exactly_the_default_numbers(name: str) -> None:
    times, outputs = [0.5, 1.0, 24.0, 168.0], ["madrs_latent", "cadss", "systolic_change", "ketamine_venous"]
    usual = simulate_people(f"{name} {INFUSION}", Person(1), times=times, outputs=outputs)
    found = simulate_compound(find_compound(name), INFUSION, Person(1), times=times, outputs=outputs)
    for output in outputs:
        np.testing.assert_array_equal(found[output], usual[output])


def test_every_number_of_every_compound_has_a_mark_and_its_source() -> None:
    for compound in compounds().values():
        measures = [m for one in compound.species for m in one.measures.values()]
        for measure in [*measures, *compound.kinetics.values()]:
            assert measure.mark
            assert measure.source or measure.mark == "assumed"


def test_a_compound_changes_only_what_belongs_to_the_molecule() -> None:
    base, made = therapy_model(), compound_model(find_compound("memantine"))
    changed = {n for n, p in made.parameters.items() if p.value != base.parameters[n].value}
    assert {"KS", "rho", "CLint", "V1", "fm", "e_H", "allosteric_S", "trapping_factor_S"} <= changed
    assert not changed & {"EP", "ES", "kPoff", "kelim", "gI", "EC50D", "Emax_BP", "KR"}
    assert made.parameters["trapping_factor_S"].value == pytest.approx(0.71 / 0.86)
    assert made.parameters["dissociation_S"].value == pytest.approx(0.45 / 1.5)
    # Plasma clearance 6.9 L/h comes back out of the well-mixed liver.
    intrinsic, flow = made.parameters["CLint"].value, base.parameters["Qh"].value
    assert intrinsic is not None
    assert flow is not None
    assert flow * intrinsic / (flow + intrinsic) == pytest.approx(6.9)


def test_outputs_that_describe_people_on_ketamine_are_not_offered_for_others() -> None:
    outputs = compound_model(find_compound("analog-h1")).outputs
    assert "madrs_latent" in outputs
    assert not [name for name in outputs if name.startswith("p_report")]


def test_memantine_stays_for_days() -> None:
    found = simulate_compound(
        find_compound("memantine"), "20 mg oral", Person(1), times=[24, 94], outputs=["ketamine_venous"]
    )["ketamine_venous"][0]
    assert np.log(2) * 70 / np.log(found[0] / found[1]) == pytest.approx(70, rel=0.05)


def test_less_trapping_means_less_dissociation_and_the_same_mood(tmp_path: Path) -> None:
    trapping = "trapping = { value = 0.5, low = 0.3, high = 0.86"
    full = read_compound(written(tmp_path, (trapping, "trapping = { value = 0.86")))
    options = {"outputs": ["cadss", "madrs_latent"], "parameters": {"EX": 0.0}}
    less, more = (
        simulate_compound(one, INFUSION, Person(1), times=[2 / 3, 24], **options)
        for one in (find_compound("analog-h1"), full)
    )
    assert less["cadss"][0, 0] < 0.6 * more["cadss"][0, 0]
    assert less["madrs_latent"][0, 1] == pytest.approx(more["madrs_latent"][0, 1], rel=1e-6)


def test_a_hypothetical_compound_says_so_wherever_it_is_shown() -> None:
    analog = find_compound("analog-h1")
    assert "hypothetical" in analog.label
    assert "hypothetical" in compound_model(analog).description


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ([("k_block", "k_blok")], "RK-PAR-121", 'did you mean "k_block"'),
        (
            [(ANALOG[ANALOG.index("[kinetics]") :], "")],
            "RK-PAR-123",
            "without kinetics no dose becomes a concentration",
        ),
        (
            [
                ("koff = { value = 0.9", "koff = { value = 0.001"),
                ("kon = { value = 1e6", "kon = { value = 1e3"),
            ],
            "RK-PAR-124",
            "At most 60 s",
        ),
        (
            [('molar_mass = { value = 240, unit = "g/mol"', "molar_mass = { value = 240")],
            "RK-PAR-122",
            "unit",
        ),
        (
            [('mark = "assumed", source = "as lanicemine"', 'mark = "seen", source = "x"')],
            "RK-PAR-124",
            "does not exist",
        ),
        ([("share = 1", "share = 0.7")], "RK-PAR-124", "share"),
        (
            [('amp_direct = { value = "none"', 'amp_direct = { value = 0.1, unit = "uM"')],
            "RK-PAR-126",
            "no place",
        ),
        ([("hypothetical = true\n", "")], "RK-PAR-122", "hypothetical"),
        (
            [("trapping = { value = 0.5, low = 0.3, high = 0.86", "trapping = { value = 1.5")],
            "RK-PAR-122",
            "at most 1",
        ),
        (
            [("value = 0.9, low = 0.45, high = 1.8", "value = 9, low = 0.45, high = 1.8")],
            "RK-PAR-124",
            "range",
        ),
        ([('like = "ketamine"', 'like = "ketamin"')], "RK-PAR-122", "did you mean"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, changes: list[tuple[str, str]], code: str, words: str
) -> None:
    with pytest.raises(RekindleError, match=code) as error:
        read_compound(written(tmp_path, *changes))
    assert words in str(error.value)


def test_what_is_missing_is_named_with_why_it_matters() -> None:
    lanicemine = find_compound("lanicemine")
    assert {gap.field for gap in lanicemine.gaps} >= {"rho of lanicemine", "kinetics: fu"}
    assert all(gap.why for gap in lanicemine.gaps)
    with pytest.raises(ParameterError, match="RK-PAR-123"):
        compound_model(lanicemine)


def test_a_compound_without_any_kinetics_can_be_looked_at_but_not_used(tmp_path: Path) -> None:
    head = ANALOG[: ANALOG.index("[kinetics]")]
    path = tmp_path / "mine.toml"
    path.write_text(head, encoding="utf-8")
    gaps = {gap.field for gap in read_compound(path, allow_gaps=True).gaps}
    assert {"kinetics: clearance", "kinetics: V1", "kinetics: FRn"} <= gaps


def test_unknown_names_routes_and_co_medication_are_refused() -> None:
    analog = find_compound("analog-h1")
    with pytest.raises(ParameterError, match='did you mean "ketamine"'):
        find_compound("ketamin")
    with pytest.raises(ParameterError, match="RK-PAR-127"):
        compound_regimen(analog, "40 mg oral")
    with pytest.raises(PersonError, match="RK-PER-032"):
        simulate_compound(analog, INFUSION, Person(1, co_medication=("rifampicin",)))
    with pytest.raises(ParameterError, match="RK-PAR-128"):
        compare_candidate(analog, "84 mg nasal")


def test_esketamine_as_a_candidate_equals_itself() -> None:
    for row in compare_candidate(find_compound("esketamine"), "20 mg iv over 40 min").rows:
        assert row.reference is not None
        assert row.reference.dose_mg == pytest.approx(20, rel=2e-3)
        assert row.reference.dissociation == pytest.approx(row.candidate.dissociation, rel=5e-3)


def test_a_candidate_is_held_against_the_dose_with_equal_effect() -> None:
    found = compare_candidate(find_compound("analog-h1"), INFUSION, draws=8)
    assert found.label == PRIOR_ONLY
    rows = {row.mechanism: row for row in found.rows}
    assert set(rows) == set(MECHANISMS)
    first = rows["disinhibition"]
    assert first.reference is not None
    assert first.low is not None
    assert first.high is not None
    assert first.reference.effect_24h == pytest.approx(first.candidate.effect_24h, rel=1e-3)
    assert first.candidate.dissociation < first.reference.dissociation
    assert first.low.dissociation < first.candidate.dissociation < first.high.dissociation
    # Without a direct metabolite the third hypothesis promises nothing, and no dose equals nothing.
    assert rows["hnk_direct"].candidate.effect_24h == pytest.approx(0, abs=1e-4)
    assert rows["hnk_direct"].reference is None
