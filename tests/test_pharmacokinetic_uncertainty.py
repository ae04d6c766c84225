"""How well the typical pharmacokinetic parameters are known: rules, draws, and their use."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from rekindle.therapy import (
    moved_pharmacokinetics,
    nasal_variants,
    pharmacokinetic_draws,
    pharmacokinetic_model,
    uncertain_pharmacokinetics,
)
from rekindle.therapy._pharmacokinetic_uncertainty import _sd

ROWS = uncertain_pharmacokinetics()
VALUES = {name: one.value for name, one in pharmacokinetic_model("D1").parameters.items()}


@pytest.mark.parametrize(
    ("rule", "scale", "numbers", "expected"),
    [
        ("spread", "log", [1.0, math.e], math.sqrt(0.5)),
        ("interval90", "log", [math.exp(-1.0), math.exp(1.0)], 1.0 / norm.ppf(0.95)),
        ("interval90", "linear", [0.5, 1.0], 0.25 / norm.ppf(0.95)),
        ("means", "log", [10.0, 3.0, 9.0, 10.0, 4.0, 16.0], math.hypot(0.1, 0.1)),
        ("sampling", "log", [0.6, 36.0], 0.1),
        ("error", "log", [8.0, 2.0], 0.25),
    ],
)
def test_each_rule_is_its_closed_form(rule: str, scale: str, numbers: list[float], expected: float) -> None:
    assert _sd(rule, scale, numbers) == pytest.approx(expected)


def test_every_parameter_belongs_to_the_model_and_is_named_once() -> None:
    names = [name for row in ROWS for name in row.parameters]
    assert len(names) == len(set(names))
    assert set(names) <= set(VALUES)
    assert not set(names) & set(nasal_variants()[0])
    for row in ROWS:
        assert row.mark in ("seen", "derived", "assumed")
        assert (row.mark == "assumed") == (not row.source)
        assert row.sd > 0.0


def test_draws_have_the_stated_medians_and_spreads() -> None:
    draws = pharmacokinetic_draws(3000, np.random.default_rng(1))
    for row in ROWS:
        name = row.parameters[0]
        values = np.array([one[name] for one in draws])
        line = {"log": np.log, "logit": lambda x: np.log(x / (1.0 - x)), "linear": lambda x: x}[row.scale]
        assert np.std(line(values)) == pytest.approx(row.sd, rel=0.06)
        assert np.median(line(values)) == pytest.approx(
            float(line(np.array(VALUES[name]))), abs=0.08 * row.sd
        )


def test_a_draw_keeps_one_nasal_variant_together() -> None:
    variants = [dict(one) for one in nasal_variants()]
    found = [
        {name: one[name] for name in variants[0]}
        for one in pharmacokinetic_draws(60, np.random.default_rng(2))
    ]
    assert {tuple(one.values()) for one in found} == {tuple(one.values()) for one in variants}


def test_the_default_variant_is_the_default_model() -> None:
    assert nasal_variants()[0] == {name: VALUES[name] for name in nasal_variants()[0]}


def test_shares_stay_shares() -> None:
    assert 0.0 < moved_pharmacokinetics("F_im", "logit", 6.0) < 1.0
    assert moved_pharmacokinetics("exponent_volume", "linear", 0.1) == pytest.approx(1.1)
    assert moved_pharmacokinetics("CLint", "log", math.log(2.0)) == pytest.approx(2.0 * VALUES["CLint"])
