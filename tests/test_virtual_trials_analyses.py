"""Analyses of virtual trials against closed forms, other implementations and examples done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm, t, ttest_ind, ttest_rel

from rekindle.trials import (
    Estimate,
    Finding,
    ResultRow,
    ancova,
    carried_forward,
    hazard_ratio,
    kaplan_meier,
    mmrm,
    number_needed,
    paired,
    random_intercept,
    share_difference,
    welch,
)
from rekindle.trials._result_rows import result_rows
from rekindle.trials._subgroups import interaction
from rekindle.trials._unstructured import fit_unstructured

Array = NDArray[np.float64]
VISITS = 3


def repeated(people: int = 60, seed: int = 5) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(seed)
    root = np.linalg.cholesky(np.array([[30.0, 20, 15], [20, 50, 35], [15, 35, 70]]))
    baseline = generator.normal(35, 5, people)
    arm = (np.arange(people) % 2).astype(float)
    scores = -10 - 0.2 * (baseline - 35)[:, None] - np.outer(arm, [1, 2, 4])
    return scores + generator.standard_normal((people, VISITS)) @ root.T, baseline, arm


def with_dropout(scores: Array, seed: int = 6) -> Array:
    generator, found = np.random.default_rng(seed), scores.copy()
    for row in found:
        last = generator.integers(1, 2 * VISITS)
        row[last:] = np.nan
    found[3, 0] = np.nan
    return found


def test_welch_is_that_of_scipy() -> None:
    generator = np.random.default_rng(1)
    one, two = generator.normal(-12, 9, 30), generator.normal(-8, 6, 21)
    found, known = welch([*one, math.nan], two), ttest_ind(one, two, equal_var=False)
    interval = known.confidence_interval()
    assert found.p == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.n == 51


def test_paired_is_that_of_scipy() -> None:
    generator = np.random.default_rng(2)
    one, two = generator.normal(20, 5, 12), generator.normal(25, 5, 12)
    found = paired(np.append(one, math.nan), np.append(two, 20.0))
    assert found.p == pytest.approx(ttest_rel(one, two).pvalue)
    assert found.n == 12


def test_ancova_with_equal_baselines_is_the_pooled_t_test() -> None:
    generator = np.random.default_rng(3)
    change, arm = generator.normal(-10, 8, 40), np.repeat([1.0, 0.0], 20)
    found = ancova(change, np.full(40, 30.0), arm)
    assert found.p == pytest.approx(ttest_ind(change[:20], change[20:]).pvalue)


def test_ancova_removes_a_difference_that_the_baseline_explains() -> None:
    baseline = np.array([30.0, 32, 34, 36, 28, 30, 32, 34])
    found = ancova(-0.5 * baseline, baseline, np.repeat([1.0, 0.0], 4))
    assert found.value == pytest.approx(0.0, abs=1e-9)


@given(
    st.lists(st.lists(st.one_of(st.just(math.nan), st.integers(0, 60)), min_size=3, max_size=3), min_size=1)
)
@settings(max_examples=50, deadline=None)
def test_carried_forward_keeps_what_was_seen_and_leaves_no_gap(table: list[list[float]]) -> None:
    scores, baseline = np.array(table, dtype=float), np.full(len(table), 33.0)
    found = carried_forward(scores, baseline)
    seen = np.isfinite(scores)
    assert np.isfinite(found).all()
    assert (found[seen] == scores[seen]).all()


def test_mixed_model_of_complete_data_is_the_analysis_of_covariance_of_each_visit() -> None:
    scores, baseline, arm = repeated()
    for place, found in enumerate(mmrm(scores, baseline, arm)):
        known = ancova(scores[:, place], baseline, arm)
        assert (found.value, found.se, found.p) == pytest.approx((known.value, known.se, known.p), rel=1e-6)


def test_random_intercept_of_complete_data_has_the_same_estimates() -> None:
    scores, baseline, arm = repeated()
    found = random_intercept(scores, baseline, arm)
    known = [ancova(scores[:, place], baseline, arm).value for place in range(VISITS)]
    assert [one.value for one in found] == pytest.approx(known, rel=1e-5)


def test_mixed_model_with_missing_visits_maximises_the_restricted_likelihood() -> None:
    complete, baseline, arm = repeated()
    scores = with_dropout(complete)
    table = np.column_stack([np.ones(len(arm)), arm, baseline - baseline.mean()])

    def fitted(flat: Array) -> tuple[float, Array, Array]:
        root = np.zeros((VISITS, VISITS))
        root[np.tril_indices(VISITS)] = flat
        covariance = root @ root.T
        normal, right, value = np.zeros((9, 9)), np.zeros(9), 0.0
        kept = []
        for row, facts in zip(scores, table, strict=True):
            seen = np.isfinite(row)
            if not seen.any():
                continue
            design = np.kron(np.eye(VISITS), facts[None])[seen]
            weight = np.linalg.inv(covariance[np.ix_(seen, seen)])
            normal += design.T @ weight @ design
            right += design.T @ weight @ row[seen]
            value += np.linalg.slogdet(covariance[np.ix_(seen, seen)])[1]
            kept.append((design, weight, row[seen]))
        effects = np.linalg.solve(normal, right)
        value += sum((y - design @ effects) @ weight @ (y - design @ effects) for design, weight, y in kept)
        return value + np.linalg.slogdet(normal)[1], effects, np.linalg.inv(normal)

    start = np.linalg.cholesky(np.cov(complete.T))[np.tril_indices(VISITS)]
    best = minimize(lambda flat: fitted(flat)[0], start, method="BFGS", options={"gtol": 1e-6})
    _, effects, spread = fitted(best.x)
    for place, found in enumerate(mmrm(scores, baseline, arm)):
        at = 3 * place + 1
        assert found.value == pytest.approx(effects[at], rel=1e-4)
        # The correction of Kenward and Roger only widens.
        assert 1.0 <= found.se / math.sqrt(spread[at, at]) < 1.1


def dense_inference(scores: Array, table: Array, covariance: Array) -> tuple[Array, Array, Array]:
    """Kenward and Roger's formulas written out for the whole covariance matrix V of all scores.

    Returns effects, standard errors and degrees of freedom of all effects; the derivatives of the covariance
    of the effects are taken numerically.
    """
    people, visits = np.nonzero(np.isfinite(scores))
    y, columns = scores[people, visits], table.shape[1]
    x = np.zeros((len(y), VISITS * columns))
    for column in range(columns):
        x[np.arange(len(y)), visits * columns + column] = table[people, column]
    same = people[:, None] == people

    def whole(matrix: Array) -> Array:
        return np.asarray(np.where(same, matrix[np.ix_(visits, visits)], 0.0))

    def effects_covariance(matrix: Array) -> Array:
        return np.linalg.inv(x.T @ np.linalg.solve(whole(matrix), x))

    inverse, phi = np.linalg.inv(whole(covariance)), effects_covariance(covariance)
    projector = inverse - inverse @ x @ phi @ x.T @ inverse
    units = []
    for row, column in zip(*np.tril_indices(VISITS), strict=True):
        unit = np.zeros((VISITS, VISITS))
        unit[row, column] = unit[column, row] = 1.0
        units.append(unit)
    parts = [whole(unit) for unit in units]
    w = np.linalg.inv([[0.5 * np.trace(projector @ a @ projector @ b) for b in parts] for a in parts])
    p = [-x.T @ inverse @ a @ inverse @ x for a in parts]
    middle = sum(
        w[i, j] * (x.T @ inverse @ a @ inverse @ b @ inverse @ x - p[i] @ phi @ p[j])
        for i, a in enumerate(parts)
        for j, b in enumerate(parts)
    )
    step = 1e-4
    slopes = np.array(
        [
            np.diag(effects_covariance(covariance + step * u) - effects_covariance(covariance - step * u))
            / (2 * step)
            for u in units
        ]
    )
    adjusted = np.sqrt(np.diag(phi + 2 * phi @ middle @ phi))
    freedom = 2 * np.diag(phi) ** 2 / np.einsum("ia,ij,ja->a", slopes, w, slopes)
    return phi @ x.T @ inverse @ y, adjusted, freedom


@pytest.mark.parametrize("people", [14, 40])
def test_mixed_model_has_the_inference_of_kenward_and_roger(people: int) -> None:
    complete, baseline, arm = repeated(people)
    scores = with_dropout(complete)
    table = np.column_stack([np.ones(people), arm, baseline - baseline.mean()])
    covariance = fit_unstructured(scores, table).covariance
    effects, errors, freedom = dense_inference(scores, table, covariance)
    for place, found in enumerate(mmrm(scores, baseline, arm)):
        at = 3 * place + 1
        assert found.value == pytest.approx(effects[at], rel=1e-6)
        assert found.se == pytest.approx(errors[at], rel=1e-6)
        assert found.p == pytest.approx(2 * t.sf(abs(effects[at] / errors[at]), freedom[at]), rel=1e-4)


def test_corrected_errors_keep_the_level_in_a_small_trial_with_dropout() -> None:
    rejected = []
    for seed in range(150):
        complete, baseline, arm = repeated(16, seed)
        scores = with_dropout(complete + np.outer(arm, [1, 2, 4]), seed)
        rejected.append(mmrm(scores, baseline, arm)[-1].p < 0.05)
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 150))


def test_difference_of_shares_has_newcombes_published_interval() -> None:
    # Newcombe 1998, Stat Med 17:873, example (a), method 10: 56/70 against 48/80.
    found = share_difference(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_number_needed_is_the_reciprocal_and_its_interval_may_pass_infinity() -> None:
    clear, unclear = (
        number_needed(share_difference(40, 100, 20, 100)),
        number_needed(share_difference(22, 100, 20, 100)),
    )
    assert clear.value == pytest.approx(5.0)
    assert clear.low < clear.value < clear.high
    assert unclear.crosses_infinity
    assert not clear.crosses_infinity


def rows_of(unit: str, values: list[float]) -> ResultRow:
    return result_rows([[Finding("one", math.nan, "a", unit, value)] for value in values])[0]


def test_numbers_needed_are_summarised_as_the_differences_behind_them() -> None:
    gaps = np.array([-0.1, 0.0, 0.1, 0.2, 0.4])
    found = rows_of("people", [math.inf if gap == 0 else 1 / gap for gap in gaps])
    assert found.value == pytest.approx(1 / np.median(gaps))
    assert found.low == pytest.approx(1 / np.quantile(gaps, 0.95))
    assert found.high == pytest.approx(1 / np.quantile(gaps, 0.05))
    assert found.high < 0 < found.low


def test_a_time_that_is_not_reached_stays_in_the_summary() -> None:
    assert rows_of("day", [7.0, 14.0, math.inf]).value == 14.0
    assert rows_of("day", [7.0, math.inf, math.inf]).value == math.inf


def test_an_interaction_is_the_difference_of_two_independent_differences() -> None:
    one, two = Estimate(-4.5, 1.41, n=379), Estimate(-1.6, 2.04, n=186)
    found = interaction(one, two)
    assert found.value == pytest.approx(-2.9)
    assert found.se == pytest.approx(math.hypot(1.41, 2.04))
    assert found.p == pytest.approx(2 * norm.sf(2.9 / math.hypot(1.41, 2.04)))


def test_kaplan_meier_by_hand() -> None:
    # 5 people: event at 2 (5 at risk), lost at 3, event at 4 (3 at risk), lost at 5, event at 6 (1 at risk).
    curve = kaplan_meier([2, 3, 4, 5, 6], [True, False, True, False, True])
    assert curve.share.tolist() == pytest.approx([0.8, 0.8 * 2 / 3, 0.0])
    assert curve.median == 6.0
    assert (curve.at(1.0), curve.at(3.9)) == (1.0, pytest.approx(0.8))


def test_hazard_ratio_by_hand() -> None:
    # Partial likelihood of control 1, active 2, control 3: ratio/((2 + ratio)(1 + ratio)), highest at root 2.
    found = hazard_ratio([1, 2, 3], [True] * 3, [False, True, False])
    assert found.value == pytest.approx(math.sqrt(2.0), rel=1e-6)


def test_a_hazard_ratio_without_an_event_in_one_arm_is_tested_by_log_rank() -> None:
    # Events of the control arm at 1, 2 and 3 with 3, 2 and 1 of it at risk beside 3 of the active arm.
    time, active = [1, 2, 3, 4, 5, 6], [False] * 3 + [True] * 3
    event = [True] * 3 + [False] * 3
    at_risk = [(3, 6), (2, 5), (1, 4)]
    expected = sum(own / everybody for own, everybody in at_risk)
    variance = sum(own / everybody * (1 - own / everybody) for own, everybody in at_risk)
    none_active = hazard_ratio(time, event, active)
    none_control = hazard_ratio(time, event, [not one for one in active])
    assert (none_active.value, none_control.value) == (0.0, math.inf)
    assert none_active.p == pytest.approx(2 * norm.sf((3 - expected) / math.sqrt(variance)))
    assert none_control.p == pytest.approx(none_active.p)


def test_too_few_people_give_no_result() -> None:
    assert math.isnan(welch([1.0], [2.0, 3.0]).value)
    assert all(math.isnan(one.value) for one in mmrm([[1.0, 2.0], [2.0, 1.0]], [30, 31], [1, 0]))
    assert math.isnan(hazard_ratio([1, 2], [False, False], [True, False]).value)
