"""The searches of the question of an analog, shared out to workers."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from rekindle.people import (
    DAY_1_H,
    DAY_7_H,
    ONSET_H,
    AnalogOptimum,
    AnalogSearch,
    Bench,
    Molecule,
    Readouts,
    analog,
    analog_properties,
    least_dissociation,
    search_analogs,
    treated,
    uncertain_parameters,
    vary_one,
)
from rekindle.questions._analog_study import (
    ALL,
    ESKETAMINE,
    FREEDOMS,
    KETAMINE,
    SHIPPED,
    SPRAY,
    SPRAYS,
    THRIFT,
    Doubt,
    Study,
    Whole,
    needed,
)
from rekindle.questions._inquiry import Inquiry
from rekindle.therapy import therapy_model

#: Limits on the time to half of the effect (h), and effects as multiples of ketamine's.
_ONSETS_H = (0.8, 1.0, 1.25, 1.5, 3.0)
_EFFECTS = (0.5, 1.0, 1.3, 1.6, 1.75)
#: Doses of a curve, as multiples of the usual one.
_MULTIPLES = np.geomspace(0.1, 20.0, 24)
#: Values of one property, and generations of a search with 200 people.
_STEPS, _GENERATIONS = 7, 25
#: With fewer people, which serves to look at the page only, a property has fewer values.
_ENOUGH, _FEW_STEPS = 50, 3


def study_all(inquiry: Inquiry) -> Whole:
    """Run every search; ``people`` is the number of molecules in a cloud and sets the effort.

    The searches are shared out to the workers; none depends on another, so that no number depends on them.
    """
    mechanisms, own = therapy_model().switches["mechanism"].options, inquiry.mechanism
    effort = max(2, min(_GENERATIONS, _GENERATIONS * inquiry.people // 200))
    steps = _STEPS if inquiry.people >= _ENOUGH else _FEW_STEPS
    search = _Search(own, inquiry.people, effort, steps, inquiry.seed)
    searches = {name: replace(search, mechanism=name) for name in mechanisms}
    search.ketamine()  # compiles the model once, before workers share it
    tasks: dict[Any, Callable[[], Any]] = {
        ("cloud", name): partial(one.cloud, DAY_1_H) for name, one in searches.items()
    }
    tasks["week"] = partial(search.cloud, DAY_7_H)
    tasks |= {("levers", name): partial(one.levers, {}) for name, one in searches.items()}
    tasks |= {("curves", name): one.curves for name, one in searches.items()}
    tasks |= {
        ("effect", name, freedom, share): partial(one.optimum, freedom, share, ONSET_H)
        for name, one in searches.items()
        for freedom in (FREEDOMS if name == own else [ALL])
        for share in _EFFECTS
    }
    tasks |= {
        ("onset", freedom, limit): partial(search.optimum, freedom, 1.0, limit)
        for freedom in FREEDOMS
        for limit in _ONSETS_H
    }
    drawn = list(_draws(inquiry))
    tasks |= {("drawn", place): partial(search.levers, one) for place, one in enumerate(drawn)}
    tasks["equal"] = search.equal
    found = run_all(tasks, inquiry.workers, lambda share: inquiry.tell(0.95 * share))
    studies = {
        name: Study(
            name,
            found["cloud", name],
            found["levers", name],
            found["curves", name],
            {
                freedom: [found[key] for key in tasks if key[:3] == ("effect", name, freedom)]
                for freedom in (FREEDOMS if name == own else [ALL])
            },
        )
        for name in mechanisms
    }
    main = studies[own]
    by_onset = {freedom: [found["onset", freedom, limit] for limit in _ONSETS_H] for freedom in FREEDOMS}
    best = {freedom: found["effect", own, freedom, 1.0] for freedom in FREEDOMS}
    again = {
        (freedom, place): partial(search.again, one, drawn[place])
        for freedom, one in best.items()
        for place in range(len(drawn))
    }
    repeated = run_all(again, inquiry.workers, lambda share: inquiry.tell(0.95 + 0.05 * share))
    doubt = _doubt([found["drawn", place] for place in range(len(drawn))], repeated) if drawn else None
    return Whole(studies, main, by_onset, best, found["equal"], found["week"], doubt)


def run_all(
    tasks: Mapping[Any, Callable[[], Any]], workers: int, tell: Callable[[float], None]
) -> dict[Any, Any]:
    """Results of independent tasks by their keys."""
    found: dict[Any, Any] = {}
    if workers <= 1 or len(tasks) <= 1:
        for key, task in tasks.items():
            found[key] = task()
            tell(len(found) / len(tasks))
        return found
    # Forked workers inherit the machine code; elsewhere each compiles its own.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context)
    try:
        pending = {pool.submit(task): key for key, task in tasks.items()}
        for future in as_completed(pending):
            found[pending[future]] = future.result()
            tell(len(found) / len(tasks))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return {key: found[key] for key in tasks}


@dataclass(frozen=True)
class _Search:
    """The searches under one mechanism."""

    mechanism: str
    molecules: int
    generations: int
    steps: int
    seed: int

    def ketamine(self) -> Readouts:
        """The reference at its usual dose."""
        given = treated(KETAMINE)
        return Bench(self.mechanism).read([given], np.array([given.dose_mg]))

    def cloud(self, time_h: float) -> AnalogSearch:
        return search_analogs(
            molecules=self.molecules, time_h=time_h, mechanism=self.mechanism, seed=self.seed
        )

    def levers(self, parameters: Mapping[str, float]) -> dict[str, AnalogSearch]:
        return {
            name: vary_one(name, steps=self.steps, mechanism=self.mechanism, parameters=parameters)
            for name in analog_properties()
        }

    def curves(self) -> dict[str, Readouts]:
        """Shipped compounds over doses; the spray in its devices."""
        bench, found = Bench(self.mechanism), {}
        for name, text in SHIPPED.items():
            given = treated(text)
            found[name] = bench.read([given] * len(_MULTIPLES), given.dose_mg * _MULTIPLES)
        sprays = [treated(text) for text in SPRAYS]
        found[SPRAY] = bench.read(sprays, np.array([one.dose_mg for one in sprays]))
        return found

    def optimum(self, freedom: str, share: float, onset: float) -> AnalogOptimum:
        """The optimum at a multiple of the effect of ketamine."""
        return least_dissociation(
            share * float(self.ketamine().effect_day_1[0]),
            vary=FREEDOMS[freedom],
            onset=onset,
            thrift=THRIFT,
            mechanism=self.mechanism,
            generations=self.generations,
            seed=self.seed,
        )

    def equal(self) -> dict[str, dict[str, Readouts]]:
        """Reference -> compound -> what it does at the dose with the effect of the reference."""
        bench = Bench(self.mechanism)
        found: dict[str, dict[str, Readouts]] = {}
        for reference in (KETAMINE, ESKETAMINE):
            given = treated(reference)
            own = bench.read([given], np.array([given.dose_mg]))
            names = [name for name, text in SHIPPED.items() if text != reference]
            readouts, _ = bench.equal_effect(
                [treated(SHIPPED[name]) for name in names], float(own.effect_day_1[0])
            )
            found[reference] = {reference: own} | {name: readouts[[i]] for i, name in enumerate(names)}
        return found

    def again(self, one: AnalogOptimum, parameters: Mapping[str, float]) -> float:
        """CADSS of a found molecule over that of ketamine, at equal effect under other parameters."""
        if not one.found:
            return float("nan")
        bench, given = Bench(self.mechanism, parameters), treated(KETAMINE)
        beside = bench.read([given], np.array([given.dose_mg]))
        molecule = Molecule.given(analog(**one.values), "1 mg im")
        readouts, _ = bench.equal_effect([molecule], float(beside.effect_day_1[0]))
        return float(readouts.cadss[0] / beside.cadss[0])


def _doubt(drawn: Sequence[Mapping[str, AnalogSearch]], again: Mapping[tuple[str, int], float]) -> Doubt:
    names = tuple(drawn[0])
    ratios = {
        name: np.array([own[name].readouts.cadss / own[name].reference.cadss for own in drawn])
        for name in names
    }
    values = {name: np.array([needed(own[name]) for own in drawn]) for name in names}
    optima = {
        freedom: np.array([again[freedom, place] for place in range(len(drawn))]) for freedom in FREEDOMS
    }
    return Doubt(ratios, values, optima)


def _draws(inquiry: Inquiry) -> Iterator[dict[str, float]]:
    """Stated ranges, and the shipped calibration where it says more."""
    fitted = inquiry.parameter_draws()
    ranges = uncertain_parameters(inquiry.draws, mechanism=inquiry.mechanism, seed=inquiry.seed)
    for place, one in enumerate(ranges):
        yield {**one, **(fitted[place].values if fitted else {})}
