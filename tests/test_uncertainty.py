"""How sure a predicted score is, by source."""

from __future__ import annotations

import numpy as np
import pytest

from rekindle.people import Person, Setting, score_uncertainty, simulate_people
from rekindle.people._uncertainty import _Parts, _quantiles, _split
from rekindle.regimen import parse_regimen

DOSE = parse_regimen("ketamine 0.5 mg/kg iv over 40 min")
PEOPLE = [Person(number, madrs_baseline=34) for number in range(1, 31)]
ONE = {"disinhibition": 1.0}


def test_the_parts_add_up_to_the_variance_of_a_rating() -> None:
    generator = np.random.default_rng(5)
    shape = (2, 200, 100)
    centre, draw = np.array([20.0, 24.0])[:, None, None], generator.standard_normal(shape[:2])[:, :, None]
    scores = centre + 1.5 * draw + 4.0 * generator.standard_normal(shape)
    errors = 2.4 * generator.standard_normal((*shape, 1))
    parts = _Parts(np.array([0.75, 0.25]), scores, errors, np.full(2, 2.0), 2.4)
    found = _split(24.0, parts)
    assert found.mean == pytest.approx(21.0, abs=0.2)
    assert found.parameters == pytest.approx(1.5, rel=0.1)
    assert found.people == pytest.approx(4.0, rel=0.05)
    assert found.mechanisms == pytest.approx(4.0 * np.sqrt(0.75 * 0.25), rel=0.1)
    total = np.sqrt(1.5**2 + 4.0**2 + 2.0**2 + 2.4**2 + found.mechanisms**2)
    # A mixture of two normal distributions as near as these is nearly normal.
    assert found.high - found.low == pytest.approx(2 * 1.645 * total, rel=0.05)


def test_quantiles_of_a_mixture_follow_the_weights() -> None:
    values = np.array([np.zeros((1, 100)), np.ones((1, 100))])
    assert _quantiles(values, np.array([0.99, 0.01])) == (0.0, 0.0)
    assert _quantiles(values, np.array([0.5, 0.5])) == (0.0, 1.0)


def test_the_uncertainty_of_one_infusion() -> None:
    day, week = score_uncertainty(DOSE, PEOPLE, [24.0, 168.0], weights=ONE, draws=4)
    assert (day.time_h, week.time_h) == (24.0, 168.0)
    assert day.mean < week.mean < 34.0
    assert day.mechanisms == 0.0
    assert min(day.parameters, day.people, day.studies, day.raters) > 0.0
    assert day.low < day.mean_low < day.mean < day.mean_high < day.high


def test_the_same_seed_gives_the_same_numbers_at_any_number_of_workers() -> None:
    one, two = (score_uncertainty(DOSE, PEOPLE, [24.0], weights=ONE, draws=2, workers=n) for n in (1, 2))
    assert one == two


def test_parameters_that_are_given_are_known() -> None:
    fixed = dict.fromkeys(("EP", "ES", "EA", "EX"), 1e-6)
    (day,) = score_uncertainty(DOSE, PEOPLE, [24.0], weights=ONE, draws=3, parameters=fixed)
    assert day.mean == pytest.approx(34.0, abs=0.1)
    assert day.parameters < 0.05


def test_the_control_class_moves_with_the_draws() -> None:
    saline = parse_regimen("saline iv over 40 min")
    setting = Setting("midazolam")
    (day,) = score_uncertainty(saline, PEOPLE, [24.0], setting=setting, weights=ONE, draws=4)
    typical = simulate_people(saline, PEOPLE[0], times=[24.0], outputs=["madrs_latent"], setting=setting)
    assert day.parameters > 0.1
    assert day.mean_low < float(typical["madrs_latent"][0, 0]) + 4.0
