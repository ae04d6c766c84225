"""Global sensitivity: what is uncertain, what cannot matter, and agreement with closed forms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rekindle.errors import EvidenceError, ParameterError
from rekindle.evidence.hypotheses import contrasts
from rekindle.evidence.sensitivity import (
    GROUPS,
    OUTCOMES,
    Plan,
    Sensitivity,
    _indices,
    outcome_values,
    parameter_set,
    sensitivity,
    uncertain_inputs,
)
from rekindle.report.evidence._sensitivity import sensitivity_figure, sensitivity_records, sensitivity_section
from rekindle.therapy import calibration, pharmacokinetic_model, therapy_model

MECHANISM = "disinhibition"


@pytest.fixture(scope="module")
def found() -> Sensitivity:
    return sensitivity(MECHANISM, samples=4, seed=3)


def test_the_centre_is_the_model_as_it_is_used() -> None:
    inputs = uncertain_inputs(MECHANISM)
    centre = parameter_set(inputs, np.zeros(len(inputs)), MECHANISM)
    model = therapy_model(mechanism=MECHANISM)
    assert {name: model.parameters[name].value for name in centre} == pytest.approx(dict(centre))
    # All that the specification or the calibration leaves open of plasma is part of it.
    assert set(centre) & set(pharmacokinetic_model("D1").parameters)


def test_one_sd_is_that_of_the_posterior() -> None:
    inputs = uncertain_inputs(MECHANISM)
    place = next(place for place, one in enumerate(inputs) if one.name == "EC50D")
    fitted = next(one for one in calibration(MECHANISM).parameters if one.name == "EC50D")
    moves = np.zeros(len(inputs))
    moves[place] = 1.6448536269514722
    assert parameter_set(inputs, moves, MECHANISM)["EC50D"] == pytest.approx(fitted.high, rel=0.05)


def test_groups_keep_the_correlations_of_the_posterior() -> None:
    inputs = uncertain_inputs(MECHANISM)
    plan = Plan(inputs, MECHANISM)
    names = [one.name for one in calibration(MECHANISM).parameters]
    points = np.random.default_rng(1).standard_normal((4000, len(inputs)))
    points[:, [one.kind == "variant" for one in inputs]] = 0.5
    sets = [plan.set_at(point, correlated=True) for point in points]
    pairs = [("Emax_BP", "kBP"), ("affinity_scale", "kelim")]
    for first, second in pairs:
        stated = calibration(MECHANISM).correlation[names.index(first)][names.index(second)]
        drawn = np.corrcoef(np.log([one[first] for one in sets]), np.log([one[second] for one in sets]))[0, 1]
        assert drawn == pytest.approx(stated, abs=0.07)


def test_indices_of_a_linear_function_are_its_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outcome that is linear in numbers of SDs has indices in proportion to its squared slopes."""
    inputs = uncertain_inputs(MECHANISM)
    slopes = {"CLint": 3.0, "V1": 4.0}
    centre = parameter_set(inputs, np.zeros(len(inputs)), MECHANISM)
    sds = {one.name: one.sd for one in inputs}

    def linear(sets: Sequence[Mapping[str, float]], *_: Any, **__: Any) -> dict[str, Any]:
        def line(one: Mapping[str, float]) -> float:
            return sum(
                slope * math.log(one[name] / centre[name]) / sds[name] for name, slope in slopes.items()
            )

        return {outcome.name: np.array([line(one) for one in sets]) for outcome in OUTCOMES}

    monkeypatch.setattr(_indices, "outcome_values", linear)
    result = sensitivity(MECHANISM, samples=256, seed=1)
    assert {one.name for one in result.inputs} == set(slopes)
    for outcome in OUTCOMES:
        shares = {one.input: one for one in result.of(outcome)}
        for name, share in (("CLint", 9 / 25), ("V1", 16 / 25)):
            assert shares[name].first == pytest.approx(share, abs=0.05)
            assert shares[name].total == pytest.approx(share, abs=0.05)
    assert result.spreads[0].sd == pytest.approx(5.0, rel=0.05)


def test_what_cannot_matter_does_not(found: Sensitivity) -> None:
    assert {"EQ", "kQ", "Emax_BP", "F_im", "ka_rectal", "Fg_po"} <= set(found.idle)
    names = {one.name for one in found.inputs}
    assert {"EP", "ES", "EC50D", "CLint"} <= names
    assert not names & set(found.idle)
    dissociation = {one.input: one for one in found.of(OUTCOMES[2])}
    assert dissociation["EP"].total == pytest.approx(0.0, abs=1e-6)
    assert dissociation["Emax_CADSS"].total > 0.05
    infusion = {one.input: one for one in found.groups if one.outcome == "effect_24h"}
    assert infusion[GROUPS["variant"]].total == pytest.approx(0.0, abs=1e-6)


def test_the_same_seed_gives_the_same_points_and_numbers(found: Sensitivity) -> None:
    plan = Plan(found.inputs, MECHANISM)
    first, again, other = (plan.points(8, seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()
    values = {outcome.name: (first**2).sum(axis=1) for outcome in OUTCOMES}
    assert plan.indices(values, 3) == plan.indices(values, 3)


def test_an_outcome_is_what_the_simulation_gives() -> None:
    without = outcome_values([{"EP": 1e-9, "ES": 1e-9, "EA": 1e-9, "EX": 1e-9}], MECHANISM)
    assert without["effect_24h"][0] == pytest.approx(0.0, abs=1e-3)
    assert without["effect_day28"][0] == pytest.approx(0.0, abs=1e-3)
    normal, double = (
        outcome_values([{"Emax_CADSS": size}], MECHANISM)["peak_cadss"][0] for size in (20.0, 40.0)
    )
    assert double == pytest.approx(2.0 * normal, rel=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 3, 100])
def test_a_sequence_that_is_not_balanced_is_refused(samples: int) -> None:
    with pytest.raises(EvidenceError) as caught:
        sensitivity(samples=samples)
    assert caught.value.code == "RK-EVI-040"


def test_a_hypothesis_without_calibration_has_no_posterior() -> None:
    with pytest.raises(ParameterError):
        uncertain_inputs("mixture")


def test_the_page_shows_every_index_that_matters(found: Sensitivity) -> None:
    other = replace(found, mechanism="other", indices=tuple(replace(one, total=0.0) for one in found.indices))
    both = (found, other)
    section = sensitivity_section(both, [sensitivity_figure(both)])
    assert "disinhibition, other" in section.paragraphs[0]
    assert len(section.tables) == 1 + len(OUTCOMES)
    for outcome, table in zip(OUTCOMES, section.tables[1:], strict=True):
        listed = [one for one in found.of(outcome) if one.total >= 0.01]
        assert [line[0] for line in table.rows] == [*(one.input for one in listed), *GROUPS.values()]
        for line, one in zip(table.rows, listed, strict=False):
            assert line[3].startswith(f"{one.total:.2f} ")
            assert line[5].startswith("0.00 ")
    records = sensitivity_records(both)
    assert len(records) == 2 * len(OUTCOMES) * (len(found.inputs) + len(GROUPS))
    assert {record["mechanism"] for record in records} == {"disinhibition", "other"}


# ---- hypotheses --------------------------------------------------------------------------------------------


def test_contrasts_name_what_they_compare() -> None:
    names = [contrast.name for contrast in contrasts()]
    assert len(names) == len(set(names))
    for part in ("oral", "R over S", "0.1", "48 h", "inhibitor"):
        assert any(part in name for name in names)
