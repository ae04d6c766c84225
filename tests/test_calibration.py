"""Calibration: likelihood, fit, diagnostics and result files against closed forms and bootstraps."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import multivariate_normal, norm

from rekindle.cli._main import run
from rekindle.errors import EvidenceError
from rekindle.evidence import development_outcomes
from rekindle.evidence._table import read_arms
from rekindle.evidence.calibration import (
    Fit,
    FreeParameter,
    Problem,
    correlated,
    fit,
    free_parameters,
    influences,
    learned,
    write_result,
)
from rekindle.evidence.calibration import _problem as problem_module
from rekindle.evidence.calibration._block import Block, normal_log_density
from rekindle.evidence.calibration._fit import Slopes, log_posterior
from rekindle.evidence.calibration._free_parameters import parameter_set
from rekindle.evidence.calibration._individuals import individual_block, individual_studies
from rekindle.evidence.calibration._influence import Side, summarise_people
from rekindle.evidence.calibration._result import _provenance
from rekindle.evidence.calibration._simulator import Simulator, acts_on
from rekindle.evidence.calibration._studies import study_block
from rekindle.evidence.calibration._study_spread import log_prior, most_probable_spread, prior_spread
from rekindle.evidence.calibration._targets import StudyTargets, read_targets
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._simulation import simulate_arm
from rekindle.evidence.outcomes._study import between_studies
from rekindle.evidence.outcomes._target import ACTIVE
from rekindle.therapy import (
    SHARED_BETWEEN_ARMS,
    ParameterSet,
    _calibration,
    _tables,
    calibrated_mechanisms,
    calibration,
    to_line,
)

Array = NDArray[np.float64]
COUNT = len(free_parameters())
LINES = read_arms(development_outcomes()).rows


def arm(**changes: Any) -> dict[str, Any]:
    """A ketamine arm of a saline-controlled trial that may be fitted."""
    return {
        "study_id": "A", "arm_id": "ketamine", "design": "double-blind parallel", "drug": "ketamine",
        "route": "iv", "dose": 0.5, "dose_unit": "mg/kg", "infusion_min": 40, "session_days": "0",
        "control_class": "saline_parallel", "n": 20, "baseline_mean": 33, "baseline_sd": 6,
        "outcome": "madrs_change", "threshold": "", "time_h": 24, "value": -12, "sd": 9, "se": "",
        "n_at_time": "", "role": "calibrate", "notes": "",
    } | changes  # fmt: skip


def saline(**changes: Any) -> dict[str, Any]:
    """The other arm of the same trial."""
    return arm(**{"arm_id": "saline", "drug": "saline", "dose": "", "value": -4, **changes})


def refusal(table: Any) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        read_targets(table)
    return caught.value


# ---- blocks ------------------------------------------------------------------------------------------------


def random_covariance(size: int, generator: np.random.Generator) -> Array:
    root = generator.standard_normal((size, size + 2))
    return np.asarray(root @ root.T / size)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_log_densities_are_those_of_a_multivariate_normal(size: int) -> None:
    generator = np.random.default_rng(size)
    sampling, mood, acute = (random_covariance(size, generator) for _ in range(3))
    observed, predicted = generator.standard_normal((2, size))
    block = Block("A", ("x",) * size, observed, predicted, sampling, {"mood": mood, "acute": acute})
    covariance = sampling + 0.3**2 * mood + 2.0**2 * acute
    assert block.covariance({"mood": 0.3, "acute": 2.0}) == pytest.approx(covariance)
    expected = multivariate_normal(predicted, covariance).logpdf(observed)
    assert block.log_likelihood({"mood": 0.3, "acute": 2.0}) == pytest.approx(expected)
    assert normal_log_density(observed - predicted, covariance) == pytest.approx(expected)
    assert (block.sampling == sampling).all(), "a covariance must not be changed by its use"


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=6))
def test_studies_differ_half_in_common_and_half_by_arm(slopes: list[float]) -> None:
    """Each arm of a study differs by a common and an own normal number, of variance one half each."""
    moves = np.array([slopes[:2], slopes[-2:]])
    cause = SHARED_BETWEEN_ARMS * np.ones((2, 2)) + (1.0 - SHARED_BETWEEN_ARMS) * np.eye(2)
    assert between_studies(moves) == pytest.approx(moves @ cause @ moves.T, abs=1e-9)


def test_the_spread_between_studies_is_recovered_and_is_the_most_probable_one() -> None:
    assert most_probable_spread(()) == pytest.approx(prior_spread(), rel=1e-3)
    generator, truth = np.random.default_rng(5), {"mood": 0.1, "acute": 0.45}
    blocks = []
    for place in range(300):
        kind = "mood" if place % 2 else "acute"
        between = {name: random_covariance(2, generator) * 900.0 * (name == kind) for name in truth}
        sampling = np.eye(2)
        miss = np.linalg.cholesky(sampling + truth[kind] ** 2 * between[kind]) @ generator.standard_normal(2)
        blocks.append(Block(str(place), ("x", "y"), miss, np.zeros(2), sampling, between))
    found = most_probable_spread(tuple(blocks))
    assert {kind: found[kind] for kind in truth} == pytest.approx(truth, rel=0.15)

    def density(spread: dict[str, float]) -> float:
        return log_prior(spread) + sum(block.log_likelihood(spread) for block in blocks)

    for factor in (0.97, 1.03):
        for kind in truth:
            assert density({**found, kind: found[kind] * factor}) < density(found)


# ---- influence of people -----------------------------------------------------------------------------------

PEOPLE, RESAMPLES = 250, 1500


def bootstrap(kinds: dict[str, list[Array]], *, paired: bool) -> tuple[list[dict[str, Array]], Array]:
    """Influences on some numbers of the same people, and the numbers in samples drawn from these people."""
    generator = np.random.default_rng(11)

    def numbers(columns: dict[str, list[Array]]) -> list[Any]:
        return [
            summarise_people(
                kind,
                [Side(str(0 if paired else place), values) for place, values in enumerate(sides)],
                paired=paired,
                horizon=40.0,
            )
            for kind, sides in columns.items()
        ]

    samples = []
    for _ in range(RESAMPLES):
        first = generator.integers(PEOPLE, size=PEOPLE)
        second = first if paired else generator.integers(PEOPLE, size=PEOPLE)
        drawn = {
            kind: [values[chosen] for values, chosen in zip(sides, (first, second), strict=False)]
            for kind, sides in kinds.items()
        }
        samples.append([number.value for number in numbers(drawn)])
    return [number.influences for number in numbers(kinds)], np.array(samples)


def covariance_of(influences: list[dict[str, Array]]) -> Array:
    return np.array(
        [
            [sum(float(np.mean(one[arm] * other[arm])) for arm in one) / PEOPLE for other in influences]
            for one in influences
        ]
    )


def readings() -> tuple[Array, Array]:
    """Changes of people before and after, related within a person; some are not known."""
    generator = np.random.default_rng(3)
    common = generator.standard_normal((PEOPLE, 1))
    first = -4.0 + 6.0 * common + 4.0 * generator.standard_normal((PEOPLE, 1))
    second = -1.0 + 6.0 * common + 5.0 * generator.standard_normal((PEOPLE, 1))
    return first, second


def test_influences_of_one_arm_are_those_of_a_bootstrap() -> None:
    first, _ = readings()
    generator = np.random.default_rng(8)
    partly = np.where(generator.random(first.shape) < 0.3, np.nan, first)
    sessions = (generator.random((PEOPLE, 3)) < [0.2, 0.3, 0.4]).astype(float)
    kinds = {
        "mean": [partly], "share": [(first < -6.0).astype(float)], "session_share": [sessions],
        "log_sd": [first],
    }  # fmt: skip
    found, samples = bootstrap(kinds, paired=False)
    expected, covariance = np.cov(samples.T), covariance_of(found)
    assert np.diag(covariance) == pytest.approx(np.diag(expected), rel=0.15)
    scale = np.sqrt(np.diag(expected))
    assert np.abs((covariance - expected) / np.outer(scale, scale)).max() < 0.12
    assert covariance[0, 1] / (scale[0] * scale[1]) < -0.4, "who improves more responds more often"


@pytest.mark.parametrize("paired", [False, True])
def test_influences_of_comparisons_are_those_of_a_bootstrap(paired: bool) -> None:
    sides = list(readings())
    kinds = {"difference": sides, "effect_size": sides, "own_effect_size": sides}
    found, samples = bootstrap(kinds, paired=paired)
    assert np.diag(covariance_of(found)) == pytest.approx(np.var(samples, axis=0), rel=0.15)
    assert len(found[0]) == (1 if paired else 2)


def test_a_difference_follows_the_mean_of_either_arm() -> None:
    first, second = (Side(name, values) for name, values in zip("ab", readings(), strict=True))
    gap, one, other = (
        summarise_people(kind, sides, paired=False, horizon=1.0).influences
        for kind, sides in (("difference", [first, second]), ("mean", [first]), ("mean", [second]))
    )
    assert gap["a"] == pytest.approx(one["a"])
    assert gap["b"] == pytest.approx(-other["b"])


def test_the_median_time_at_a_constant_hazard() -> None:
    generator = np.random.default_rng(2)
    times = generator.exponential(20.0 / np.log(2.0), (PEOPLE, 1))
    times = np.where(generator.random(times.shape) < 0.2, np.nan, times)
    (found,), samples = bootstrap({"median": [times]}, paired=False)
    value = summarise_people("median", [Side("0", times)], paired=False, horizon=40.0).value
    assert value == pytest.approx(20.0, rel=0.2)
    assert covariance_of([found])[0, 0] == pytest.approx(float(np.var(samples)), rel=0.2)


def test_the_largest_mean_is_that_of_its_time() -> None:
    values = np.random.default_rng(1).normal([0.0, 5.0, 1.0], 1.0, (PEOPLE, 3))
    most = summarise_people("largest_mean", [Side("a", values)], paired=False, horizon=1.0)
    there = summarise_people("mean", [Side("a", values[:, 1:2])], paired=False, horizon=1.0)
    assert most.value == pytest.approx(there.value)
    assert most.influences["a"] == pytest.approx(there.influences["a"])


# ---- free parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", free_parameters(), ids=lambda parameter: parameter.name)
def test_priors(parameter: Any) -> None:
    """Median and 90 % points of each prior are those of its table."""
    assert parameter.value(0.0) == parameter.centre
    assert parameter.low < parameter.centre < parameter.high
    points = [parameter.value(norm.ppf(share)) for share in (0.05, 0.95)]
    assert points == pytest.approx([parameter.low, parameter.high])
    for side in (-1.0, 1.0):
        centre = to_line(parameter.scale, parameter.centre)
        near, far = (to_line(parameter.scale, parameter.value(k * side)) - centre for k in (1.0, 3.0))
        assert far == pytest.approx(3.0 * near), "normal on each side"
    assert parameter.source


def flat(found: ParameterSet) -> dict[str, float]:
    """Parameters by their written names."""
    control = {f"{name}[{of}]": value for of, own in found.control.items() for name, value in own.items()}
    spread = {f"spread[{name}]": value for name, value in found.spread.items()}
    pairs = {f"correlation[{one}:{two}]": value for (one, two), value in found.correlation.items()}
    return {**found.values, **control, **spread, **pairs}


@settings(max_examples=20)
@given(st.lists(st.floats(-3, 3), min_size=COUNT, max_size=COUNT))
def test_every_free_parameter_reaches_the_model_under_its_name(standard: list[float]) -> None:
    found = flat(parameter_set(standard))
    expected = {p.name: p.value(place) for p, place in zip(free_parameters(), standard, strict=True)}
    assert found == expected


# ---- what is fitted ----------------------------------------------------------------------------------------


def test_only_rows_with_role_calibrate_are_fitted_and_the_others_say_why() -> None:
    studies, left_out = read_targets(development_outcomes())
    fitted = [target.row for study in studies for target in study.targets]
    assert {row.word("role") for row in fitted} == {"calibrate"}
    assert sorted(row.number for row in (*fitted, *(item.row for item in left_out))) == [
        row.number for row in LINES
    ]
    assert all(item.reason for item in left_out)
    for study in studies:
        assert {target.row.text("study_id") for target in study.targets} == {study.study_id}
    one_by_one = individual_studies(left_out)
    assert {study.study_id for study in one_by_one} == {"NIMH_DS005917_ODD", "DIA_ODD"}
    assert not {study.study_id for study in one_by_one} & {study.study_id for study in studies}


NUMBERS = st.one_of(st.floats(-60, 60).map(repr), st.sampled_from(["", "not a number"]))


@settings(max_examples=15)
@given(st.data())
def test_nothing_in_a_check_row_reaches_the_fit(data: st.DataObject) -> None:
    told = {column: data.draw(NUMBERS, label=column) for column in ("value", "sd", "se", "n", "n_at_time")}
    changed = [dict(row.cells) | (told if row.word("role") == "check" else {}) for row in LINES]
    before, after = (read_targets(table) for table in ([dict(row.cells) for row in LINES], changed))
    assert after[0] == before[0]
    assert individual_studies(after[1]) == individual_studies(before[1])


def test_patients_of_a_study_whose_rows_are_only_checked_are_not_fitted() -> None:
    told = [dict(row.cells) for row in LINES if row.text("study_id") == "DIA_ODD"]
    _, left_out = read_targets([arm(), *told])
    assert [study.study_id for study in individual_studies(left_out)] == ["DIA_ODD"]
    _, left_out = read_targets([arm(), *({**cells, "role": "check"} for cells in told)])
    assert individual_studies(left_out) == ()


def test_a_row_that_cannot_be_simulated_is_left_out_with_its_reason() -> None:
    studies, left_out = read_targets([arm(), arm(drug="lithium"), arm(value=""), arm(role="check")])
    assert [len(study.targets) for study in studies] == [1]
    assert [item.row.number for item in left_out] == [3, 4, 5]
    assert "lithium" in left_out[0].reason
    assert "no value" in left_out[1].reason
    assert left_out[2].reason == 'role is "check"'


def test_a_number_of_unknown_weight_is_refused() -> None:
    empty = {"sd": "", "se": "", "n": "", "n_at_time": ""}
    problem = refusal([arm(), arm(**empty)])
    assert problem.code == "RK-EVI-030"
    assert "line 3" in str(problem)
    for column, value in {"sd": 9, "se": 2, "n": 20, "n_at_time": 18}.items():
        assert len(read_targets([arm(**(empty | {column: value}))])[0]) == 1
    read_targets([arm(), arm(**empty, role="check")])


def test_a_table_without_a_row_that_can_be_fitted_is_refused() -> None:
    assert refusal([arm(role="check")]).code == "RK-EVI-031"
    assert refusal([arm(drug="lithium")]).code == "RK-EVI-031"


# ---- blocks of simulated studies ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated() -> tuple[Block, Simulator, tuple[Setup, ...]]:
    """A trial of two arms with few virtual people."""
    rows = [
        arm(), arm(outcome="response_pct", threshold="fall >=50%", value=40, sd=""), arm(time_h=72, se=1.5),
        saline(),
    ]  # fmt: skip
    problem = Problem.of(rows, people=12, seed=1, mechanism="disinhibition")
    (study,) = problem.studies
    block = study_block(study, problem.simulator, np.zeros(COUNT))
    return block, problem.simulator, (study.targets[0].outcome.arm.setup, study.targets[3].outcome.arm.setup)


def test_numbers_of_a_study_hang_together_by_their_people(
    simulated: tuple[Block, Simulator, tuple[Setup, ...]],
) -> None:
    block = simulated[0]
    kinds = [label.split()[-1] for label in block.labels]
    assert kinds == ["mean", "log_sd", "share", "mean", "log_sd", "mean", "log_sd"]
    assert block.observed == pytest.approx([-12, np.log(9), 40, -12, np.log(9), -4, np.log(9)])
    assert np.linalg.eigvalsh(block.sampling).min() > 0.0
    scale = np.sqrt(np.diag(block.sampling))
    related = block.sampling / np.outer(scale, scale)
    assert related[0, 3] > 0.3, "two visits of the same people"
    assert related[0, 2] < -0.3, "who improves more responds more often"
    assert related[:5, 5:] == pytest.approx(0.0), "the arms of a parallel trial are other people"
    assert scale[3] == pytest.approx(1.5, rel=0.01), "a stated standard error decides"
    # The people of one arm improve by the same share of baseline more: its mean moves by that share of 33.
    mood = block.between["mood"]
    assert np.sqrt(np.diag(mood))[[0, 3, 5]] == pytest.approx(33.0, rel=0.15)
    assert mood[0, 5] / np.sqrt(mood[0, 0] * mood[5, 5]) == pytest.approx(SHARED_BETWEEN_ARMS, rel=0.01)
    assert (block.between["acute"] == 0.0).all()


def test_parameters_that_do_not_act_on_an_arm_leave_it_as_it_is(
    simulated: tuple[Block, Simulator, tuple[Setup, ...]],
) -> None:
    """Simulations are kept while only such parameters move; this is exact."""
    _, _, (active, control) = simulated
    assert set(acts_on(control)) < set(acts_on(active))
    for setup in (active, control):
        moved = np.ones(COUNT)
        moved[acts_on(setup)] = 0.0
        assert moved.any()
        first, second = (
            simulate_arm(
                setup, ["improvement_share"], [24.0, 72.0], count=4, seed=1, name=ACTIVE,
                parameters=parameter_set(point.tolist()),
            ).outputs["improvement_share"]
            for point in (np.zeros(COUNT), moved)
        )  # fmt: skip
        assert first == pytest.approx(second, rel=1e-12, abs=1e-12)


def test_the_sessions_of_one_patient_are_rated_with_errors_of_their_own() -> None:
    """Without a drug both sessions of a crossover are the same course; only its raters tell them apart."""
    table = [dict(row.cells) for row in LINES if row.text("study_id") == "NIMH_DS005917_ODD"]
    without = [{**row, "dose": "", "drug": "saline"} for row in table]
    problem = Problem.of([arm(), *without], people=40, seed=1, mechanism="disinhibition")
    (patients,) = problem.individuals
    block = individual_block(patients, problem.simulator, np.zeros(COUNT))
    name = next(own for own, changes in patients.changes.items() if len(changes) == len(patients.visits))
    places = [block.labels.index(f"{name} {arm} {time:g}") for arm, time in patients.visits]
    visits = block.sampling[np.ix_(places, places)]
    assert visits[0, 2] < visits[0, 0] - 3.0


# ---- the fit -----------------------------------------------------------------------------------------------


@dataclass
class World:
    """Studies whose numbers follow from the parameters by a formula, so that the fit is known."""

    truth: Array
    curve: float = 0.0
    noise: float = 0.0
    studies: int = 7
    numbers: int = 10
    sd: float = 0.1
    calls: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        generator = np.random.default_rng(17)
        shape = self.studies, self.numbers
        self.slopes = generator.standard_normal((*shape, COUNT))
        self.start = generator.standard_normal(shape)
        self.errors = self.noise * generator.standard_normal(shape)

    def predicted(self, study: int, point: Array) -> Array:
        return np.asarray(self.start[study] + self.slopes[study] @ (point + self.curve * point**2))

    def observed(self, study: int) -> Array:
        return self.predicted(study, self.truth) + self.errors[study]

    def block(self, study: StudyTargets, _: Simulator, point: Array) -> Block:
        self.calls.append(np.asarray(point).tobytes())
        place = int(study.study_id)
        labels = tuple(f"number {k}" for k in range(self.numbers))
        sampling = self.sd**2 * np.eye(self.numbers)
        return Block(study.study_id, labels, self.observed(place), self.predicted(place, point), sampling, {})

    def exact(self, without: int | None = None) -> tuple[Array, Array]:
        """Posterior mean and covariance of the linear problem."""
        kept = [place for place in range(self.studies) if place != without]
        weight = self.sd**-2
        precision = np.eye(COUNT) + weight * sum(self.slopes[k].T @ self.slopes[k] for k in kept)
        score = weight * sum(self.slopes[k].T @ (self.observed(k) - self.start[k]) for k in kept)
        return np.linalg.solve(precision, score), np.linalg.inv(precision)


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Problem]:
    """A problem whose studies are those of a world."""

    def make(world: World, checkpoint: Path | None = None, *, seed: int = 1) -> Problem:
        monkeypatch.setattr(problem_module, "study_block", world.block)
        studies = tuple(StudyTargets(str(place), ()) for place in range(world.studies))
        return Problem(studies, (), (), Simulator(8, seed, 1, "synthetic"), checkpoint)

    return make


def near(size: float = 0.4) -> Array:
    return size * np.random.default_rng(23).uniform(-1.0, 1.0, COUNT)


def test_a_linear_problem_is_solved_exactly(of: Callable[..., Problem]) -> None:
    world = World(near(), noise=0.1)
    found = fit(of(world))
    point, covariance = world.exact()
    assert found.converged
    assert found.point == pytest.approx(point, abs=1e-7)
    assert found.covariance == pytest.approx(covariance, rel=1e-6, abs=1e-9)
    assert found.study_spread == pytest.approx(prior_spread(), rel=1e-3), "no number speaks of it"


def test_a_nonlinear_problem_far_from_its_prior_is_found(of: Callable[..., Problem]) -> None:
    truth = near()
    truth[3] = 2.2
    told: list[tuple[int, float]] = []
    found = fit(of(World(truth, curve=0.08)), progress=lambda number, value: told.append((number, value)))
    assert found.converged
    assert found.point == pytest.approx(truth, abs=0.03)
    assert len(told) > 2, "a step moves a parameter by one prior SD at most"
    assert [value for _, value in told] == list(found.history)
    assert all(later >= earlier for earlier, later in zip(found.history, found.history[1:], strict=False))


def test_prior_and_numbers_are_weighed_as_a_general_optimiser_weighs_them(of: Callable[..., Problem]) -> None:
    world = World(near(1.4), curve=0.05, noise=1.0, sd=1.0)

    def misses(point: Array) -> Array:
        own = [(world.observed(k) - world.predicted(k, point)) / world.sd for k in range(world.studies)]
        return np.concatenate([point, *own])

    best = least_squares(misses, np.zeros(COUNT), xtol=1e-12, ftol=1e-12).x
    found = fit(of(world))
    assert found.converged
    assert np.abs((found.point - best) / np.sqrt(np.diag(found.covariance))).max() < 0.05


def test_numbers_that_say_nothing_leave_the_prior(of: Callable[..., Problem]) -> None:
    found = fit(of(World(near(), sd=1e5)))
    assert found.point == pytest.approx(0.0, abs=1e-6)
    assert all(item.prior_only for item in learned(found))
    for item in learned(found):
        own = item.parameter
        assert item.value == pytest.approx(own.centre, rel=1e-5)
        assert item.low == pytest.approx(own.value(norm.ppf(0.05)), rel=1e-4)
        assert item.high == pytest.approx(own.value(norm.ppf(0.95)), rel=1e-4)
    assert correlated(found) == ()


def test_parameters_that_only_act_together_are_told_as_such(of: Callable[..., Problem]) -> None:
    world = World(near())
    world.slopes[:, :, 5] = world.slopes[:, :, 9]
    names = {free_parameters()[place].name for place in (5, 9)}
    ((first, second, size),) = correlated(fit(of(world)), least=0.9)
    assert {first, second} == names
    assert size < -0.99


def same(one: Fit, other: Fit) -> None:
    assert (one.point == other.point).all()
    assert (one.precision == other.precision).all()
    assert one.history == other.history
    assert (one.study_spread, one.converged) == (other.study_spread, other.converged)


def test_processes_and_interruptions_do_not_change_the_result(
    of: Callable[..., Problem], tmp_path: Path
) -> None:
    truth = near(1.4)
    alone = fit(of(World(truth, curve=0.05)))
    same(fit(of(World(truth, curve=0.05), tmp_path), workers=2), alone)

    again = World(truth, curve=0.05)
    same(fit(of(again, tmp_path)), alone)
    assert again.calls == [], "every point was kept"
    fit(of(again, tmp_path, seed=2), most_steps=1)
    assert again.calls != [], "points of another seed are other points"

    parts, whole = World(truth, curve=0.05), World(truth, curve=0.05)
    fit(of(parts, tmp_path / "parts"), most_steps=1)
    begun = len(parts.calls)
    same(fit(of(parts, tmp_path / "parts")), alone)
    fit(of(whole))
    assert begun < len(parts.calls) == len(whole.calls)


def test_a_search_that_is_cut_short_says_so(of: Callable[..., Problem]) -> None:
    truth = near()
    truth[0] = 2.5
    found = fit(of(World(truth)), most_steps=1)
    assert not found.converged
    assert len(found.history) == 2
    assert np.abs(found.point).max() <= 1.0


def test_the_log_posterior_adds_the_priors(of: Callable[..., Problem]) -> None:
    world, point = World(near(), noise=0.1), near(0.3)
    spread = {"mood": 0.07, "acute": 0.3, "spread": 0.12, "shape": 4.0}
    likelihood = sum(
        norm(world.predicted(k, point), world.sd).logpdf(world.observed(k)).sum()
        for k in range(world.studies)
    )
    prior = norm.logpdf(point).sum() - norm.logpdf(np.zeros(COUNT)).sum()
    found = log_posterior(of(world), point, spread)
    assert found == pytest.approx(likelihood + prior + log_prior(spread))


# ---- leaving studies out -----------------------------------------------------------------------------------


def test_leaving_a_study_out_in_one_step_is_the_exact_refit_of_a_linear_problem(
    of: Callable[..., Problem],
) -> None:
    world = World(near(), noise=0.3, studies=9)
    found = fit(of(world))
    scale = np.sqrt(np.diag(found.covariance))
    names = [parameter.name for parameter in free_parameters()]
    for place, item in enumerate(influences(found)):
        point, covariance = world.exact(without=place)
        slope = world.slopes[place]
        wide = slope @ covariance @ slope.T + world.sd**2 * np.eye(world.numbers)
        mean = world.predicted(place, point)
        observed = world.observed(place)
        assert item.study_id == str(place)
        assert item.numbers == world.numbers
        assert item.log_score == pytest.approx(multivariate_normal(mean, wide).logpdf(observed), rel=1e-5)
        assert item.standard_errors == pytest.approx(
            (observed - mean) / np.sqrt(np.diag(wide)), rel=1e-4, abs=1e-5
        )
        shifts = dict(zip(names, ((point - found.point) / scale).tolist(), strict=True))
        expected = {name: by for name, by in shifts.items() if abs(by) > 0.25}
        assert item.shifts == pytest.approx(expected, rel=1e-4)
    assert any(item.shifts for item in influences(found))


# ---- result files ------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(of: Callable[..., Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fit]:
    """A fit whose files lie where the therapy model looks for its calibrations."""
    found = fit(of(World(near(), noise=0.4, sd=0.8)))
    write_result(found, tmp_path / "calibration")
    for module in (_calibration, _tables):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    caches = (_calibration.calibrated_mechanisms, _calibration._read, _tables.read_table)
    for cache in caches:
        cache.cache_clear()
    yield found
    for cache in caches:
        cache.cache_clear()


def test_the_same_fit_gives_the_same_files(of: Callable[..., Problem], tmp_path: Path) -> None:
    found = [fit(of(World(near(), curve=0.05)), workers=workers) for workers in (1, 2)]
    first, second = (write_result(one, tmp_path / str(place)) for place, one in enumerate(found))
    names = sorted(path.name for path in first.iterdir())
    assert names == ["correlation.csv", "parameters.csv", "provenance.csv", "studies.csv"]
    for name in names:
        content = (first / name).read_bytes()
        assert content == (second / name).read_bytes()
        assert b"\r" not in content
        assert all(None not in row.values() for row in csv.DictReader(io.StringIO(content.decode())))


def test_result_files_are_read_as_they_were_written(shipped: Fit) -> None:
    assert _calibration.calibrated_mechanisms() == ("synthetic",)
    read = _calibration.calibration("synthetic")
    assert flat(read.parameter_set) == pytest.approx(flat(parameter_set(shipped.point.tolist())), rel=1e-5)
    scale = np.sqrt(np.diag(shipped.covariance))
    for own, item in zip(read.parameters, learned(shipped), strict=True):
        assert (own.name, own.scale) == (item.parameter.name, item.parameter.scale)
        assert (own.low, own.high) == pytest.approx((item.low, item.high), rel=1e-5)
        assert own.sd_ratio == pytest.approx(item.sd_ratio, rel=1e-5)
        assert own.prior_only == item.prior_only
        assert own.at(own.standard) == pytest.approx(own.value, rel=1e-4)
        assert own.at(own.standard + norm.ppf(0.95) * own.sd_ratio) == pytest.approx(own.high, rel=1e-4)
    expected = shipped.covariance / np.outer(scale, scale)
    assert np.array(read.correlation) == pytest.approx(expected, abs=1e-4)
    assert read.study_spread == pytest.approx(dict(shipped.study_spread), rel=1e-5)


def _standard(parameter: FreeParameter, value: float) -> float:
    """Prior SDs of a value from the median of its prior."""
    centre = to_line(parameter.scale, parameter.centre)
    moved = to_line(parameter.scale, value) - centre
    end = to_line(parameter.scale, parameter.high if moved > 0.0 else parameter.low)
    return moved / abs(end - centre) * float(norm.ppf(0.95))


def test_draws_have_the_spread_and_the_correlations_of_the_posterior(shipped: Fit) -> None:
    read = _calibration.calibration("synthetic")
    drawn = [flat(one) for one in read.draws(4000, np.random.default_rng(4))]
    places = {parameter.name: parameter for parameter in free_parameters()}
    lines = np.array(
        [[_standard(places[own.name], one[own.name]) for own in read.parameters] for one in drawn]
    )
    centre = [own.standard for own in read.parameters]
    spread = np.array([own.sd_ratio for own in read.parameters])
    # Five standard errors of 4000 draws.
    assert np.abs((lines.mean(axis=0) - centre) / spread).max() < 5.0 / np.sqrt(4000)
    assert np.abs(lines.std(axis=0) / spread - 1.0).max() < 5.0 / np.sqrt(8000)
    correlation = np.array(read.correlation)
    assert np.abs(np.corrcoef(lines.T) - correlation).max() < 5.0 / np.sqrt(4000)
    assert np.abs(correlation - np.eye(COUNT)).max() > 0.2, "draws that are independent would pass too"


@pytest.mark.parametrize("mechanism", calibrated_mechanisms())
def test_shipped_results_belong_to_the_shipped_tables(mechanism: str) -> None:
    """A result whose priors or data have changed since must be made again."""
    read = calibration(mechanism)
    problem = Problem.of(
        development_outcomes(), people=int(read.provenance["people per arm"]), seed=1, mechanism=mechanism
    )
    told = dict(_provenance(Fit(problem, Slopes(np.zeros(COUNT), (), ()), read.study_spread, (0.0,), True)))
    for name in ("data fingerprint", "prior fingerprint", "published numbers", "real patients"):
        assert read.provenance[name] == told[name]
    assert [own.name for own in read.parameters] == [parameter.name for parameter in free_parameters()]
    assert len(read.draws(3, np.random.default_rng(1))) == 3, "correlations as rounded are possible ones"


# ---- the command -------------------------------------------------------------------------------------------


def command(arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Message of a calibration that must be refused."""
    assert run(["evidence", "calibrate", *arguments, "--out", str(folder / "out")]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "Traceback" not in caught.err
    assert not list((folder / "out").glob("*/parameters.csv"))
    return caught.err


def table(path: Path, *rows: dict[str, Any]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evidence", "calibrate", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--mechanism", "--people", "--seed", "--steps", "--workers"))


def test_the_command_refuses_what_cannot_be_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = {"sd": "", "se": "", "n": "", "n_at_time": ""}
    weightless = table(tmp_path / "weightless.csv", arm(), arm(**empty))
    assert "RK-EVI-030" in (told := command([weightless], tmp_path, capsys))
    assert "sd, se, n, n_at_time" in told
    checked = table(tmp_path / "checked.csv", arm(role="check"))
    assert "RK-EVI-031" in command([checked], tmp_path, capsys)
    assert "RK-EVI-001" in command([str(tmp_path / "none.csv")], tmp_path, capsys)
    usable = table(tmp_path / "usable.csv", arm())
    told = command([usable, "--mechanism", "disinhibitoin", "--workers", "1"], tmp_path, capsys)
    assert "disinhibition" in told
    command([usable, "--people", "2"], tmp_path, capsys)


def test_the_command_fits_a_small_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = table(tmp_path / "rows.csv", saline(sd=""), saline(time_h=72, sd="", value=-5))
    arguments = ["evidence", "calibrate", rows, "--people", "8", "--steps", "1", "--out", str(tmp_path)]
    written = []
    for workers in ("1", "2"):
        assert run([*arguments, "--workers", workers]) == 0
        assert "Fitted parameters" in capsys.readouterr().out
        own = tmp_path / "disinhibition"
        written.append({path.name: path.read_bytes() for path in own.iterdir()})
    assert written[0] == written[1]
    assert not (tmp_path / ".unfinished").exists()
    with (own / "parameters.csv").open(encoding="utf-8", newline="") as stream:
        found = {row["name"]: row for row in csv.DictReader(stream)}
    assert list(found) == [parameter.name for parameter in free_parameters()]
    silent = {name for name, row in found.items() if row["sd_ratio"] == "1"}
    assert {"EP", "kelim", "A_class[midazolam]", "Emax_BP"} <= silent, "a saline arm says nothing of them"
    assert "A_class[saline_parallel]" not in silent
