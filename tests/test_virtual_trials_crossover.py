"""Crossovers by their periods: closed forms of two periods, simulated carry-over, and a virtual trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from rekindle.trials import Estimate, build_design, findings, primary_result, run_replicates
from rekindle.trials._periods import Periods

Array = NDArray[np.float64]


def crossover(
    people: int,
    *,
    seed: int,
    effect: float = -6.0,
    period: float = -2.0,
    carry: float = 0.0,
    orders: tuple[tuple[int, ...], ...] = ((1, 0), (0, 1)),
    starts: bool = False,
) -> Periods:
    """People in one of some orders; arm 1 changes the score by ``effect`` and leaves ``carry`` behind.

    With ``starts`` the score at the start of a period moves with that of the period, and holds what was left.
    """
    generator = np.random.default_rng(seed)
    arm = np.array(orders)[np.arange(people) % len(orders)]
    left = np.column_stack([np.zeros(people), carry * (arm[:, :-1] == 1)])
    own = 30.0 + 5.0 * generator.standard_normal((people, 1))
    drift = 3.0 * generator.standard_normal(arm.shape) if starts else np.zeros(arm.shape)
    score = own + effect * (arm == 1) + period * np.arange(arm.shape[1]) + left + drift
    score += 2.0 * generator.standard_normal(arm.shape)
    start = own + drift + left if starts else np.full(arm.shape, 30.0)
    return Periods(("control", *(f"drug {number}" for number in range(1, arm.max() + 1))), arm, score, start)


def test_two_periods_have_the_estimates_of_hills_and_armitage() -> None:
    found = crossover(20, seed=3, carry=-1.5)
    gaps = found.score[:, 0] - found.score[:, 1]
    one, two = gaps[found.arm[:, 0] == 1], gaps[found.arm[:, 0] == 0]
    test = ttest_ind(one, two)
    treatment = found.within("drug 1")
    assert treatment.value == pytest.approx((one.mean() - two.mean()) / 2.0)
    assert treatment.p == pytest.approx(test.pvalue)
    assert (treatment.low, treatment.high) == pytest.approx(
        (test.confidence_interval().low / 2.0, test.confidence_interval().high / 2.0)
    )
    assert treatment.n == 20
    later = found.period(1)
    assert later.value == pytest.approx(-(one.mean() + two.mean()) / 2.0)
    assert later.p == pytest.approx(ttest_ind(one, -two).pvalue)
    sums = found.score.sum(axis=1)
    left = ttest_ind(sums[found.arm[:, 0] == 1], sums[found.arm[:, 0] == 0])
    carried = found.carried_over("drug 1")
    assert carried.p == pytest.approx(left.pvalue)
    assert carried.value == pytest.approx(
        sums[found.arm[:, 0] == 1].mean() - sums[found.arm[:, 0] == 0].mean()
    )
    first = ttest_ind(found.score[found.arm[:, 0] == 1, 0], found.score[found.arm[:, 0] == 0, 0])
    assert found.first_only("drug 1").p == pytest.approx(first.pvalue)


def test_scores_at_the_start_of_periods_enter_as_their_difference_within_people() -> None:
    found = crossover(24, seed=4, starts=True)
    gaps, starts = (one[:, 0] - one[:, 1] for one in (found.score, found.start))
    began = np.where(found.arm[:, 0] == 1, 1.0, -1.0)
    weights = np.linalg.lstsq(np.column_stack([began, np.ones(24), starts]), gaps, rcond=None)[0]
    adjusted = found.within("drug 1", starts=True)
    assert adjusted.value == pytest.approx(weights[0])
    assert adjusted.se < 0.8 * found.within("drug 1").se


def mean_of(estimate: Callable[[Periods], Estimate], **changes: Any) -> tuple[float, float]:
    """Mean of an estimate over 300 simulated crossovers, and three standard errors of it."""
    found = [estimate(crossover(24, seed=seed, **changes)).value for seed in range(300)]
    return float(np.mean(found)), 3.0 * float(np.std(found)) / np.sqrt(300)


def test_carry_over_is_found_and_what_it_does_to_each_estimate_is_known() -> None:
    left, error = mean_of(lambda one: one.carried_over("drug 1"), carry=-4.0)
    assert left == pytest.approx(-4.0, abs=error)
    # Half of what is left behind is taken off the treatment within people.
    within, error = mean_of(lambda one: one.within("drug 1"), carry=-4.0)
    assert within == pytest.approx(-6.0 + 2.0, abs=error)
    first, error = mean_of(lambda one: one.first_only("drug 1"), carry=-4.0)
    assert first == pytest.approx(-6.0, abs=error)
    later, error = mean_of(lambda one: one.period(1), carry=-4.0)
    assert later == pytest.approx(-2.0 - 2.0, abs=error)
    none, error = mean_of(lambda one: one.carried_over("drug 1"))
    assert none == pytest.approx(0.0, abs=error)


def test_what_is_left_at_the_start_of_the_second_period_is_seen_there_and_taken_out() -> None:
    start, error = mean_of(lambda one: one.second_start("drug 1"), carry=-4.0, starts=True)
    assert start == pytest.approx(-4.0, abs=error)
    within, error = mean_of(lambda one: one.within("drug 1", starts=True), carry=-4.0, starts=True)
    assert within == pytest.approx(-6.0, abs=0.25 + error)


def test_carry_over_within_people_needs_more_than_two_periods_in_two_orders() -> None:
    two = crossover(24, seed=1, carry=-4.0)
    assert np.isnan(two.within("drug 1", carry=True).value)
    orders = ((1, 0, 0), (0, 1, 1))
    adjusted, error = mean_of(lambda one: one.within("drug 1", carry=True), carry=-4.0, orders=orders)
    assert adjusted == pytest.approx(-6.0, abs=error)
    left, error = mean_of(lambda one: one.carried_over("drug 1"), carry=-4.0, orders=orders)
    assert left == pytest.approx(-4.0, abs=error)


def test_people_with_one_period_do_not_count_within_people() -> None:
    found = crossover(20, seed=3)
    score = found.score.copy()
    score[3:6, 1] = np.nan
    kept = np.isfinite(score).all(axis=1)
    less = Periods(found.arms, found.arm[kept], found.score[kept], found.start[kept])
    assert Periods(found.arms, found.arm, score, found.start).within("drug 1") == less.within("drug 1")


def trial(washout_days: float, **changes: Any) -> Any:
    """Ketamine and saline in random order, a few days apart."""
    period = {"days": washout_days, "allocation": {"ketamine": 1, "saline": 1}, "sessions": [0]}
    return build_design(
        {
            "control_class": "saline_crossover",
            "people": {"number": 80},
            "scales": {"MADRS": {"mean": 33, "sd": 6}},
            "arms": {
                "ketamine": {"treatment": "ketamine 0.5 mg/kg iv over 40 min"},
                "saline": {"treatment": "saline", "control": True},
            },
            "phases": [
                period | {"name": "first", "visits": [{"days": [1]}]},
                period | {"name": "second", "assign": "cross", "visits": [{"days": [0, 1]}]},
            ],
            "primary": {"analysis": "crossover", "phase": "second", "day": 1, "arms": ["ketamine", "saline"]},
        }
        | changes
    )


def test_a_virtual_crossover_with_a_short_washout_shows_what_the_drug_left_behind() -> None:
    design = trial(2)
    data = run_replicates(design, [0])[0]
    by = {one.key: one for one in findings(design, data)}
    arms = "ketamine - saline"
    start = by["MADRS at the start of second, by what came before", 0.0, arms]
    assert start.high < -2.0
    scores = {
        (note.number, note.phase, note.day): note.value for note in data.notes if note.measure == "MADRS"
    }
    began = np.array([one.arms["first"] == "ketamine" for one in data.people])
    moved = np.array([scores[one.number, "second", 0.0] - one.baseline["MADRS"] for one in data.people])
    assert start.value == pytest.approx(moved[began].mean() - moved[~began].mean(), abs=1.0)
    paired, first = (
        by[f"MADRS difference, {words}", 1.0, arms].value for words in ("paired", "first period only")
    )
    # In the second period those on saline still feel the ketamine of the first.
    assert first < paired - 1.0
    adjusted = by["MADRS difference, periods and their starts adjusted", 1.0, arms]
    assert primary_result(design, data).value == adjusted.value
    assert by["MADRS by period", 1.0, "second - first"].n == 80
    assert by["MADRS carry-over", 1.0, arms].value < 0.0
