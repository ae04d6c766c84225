"""W1 on a graphics card: accuracy first, then people per second, and diffrax on the same card.

Without a card the section says so and why; nothing else is affected.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks._accuracy import MEDIAN_LIMIT, TAIL_LIMIT, loosest, percentiles, tolerance_at
from benchmarks._workload import Array, Workload, w1
from rekindle.engine import solve
from rekindle.engine.gpu._driver import Card, CardError
from rekindle.engine.running._device import find_card

PEOPLE = (100_000, 1_000_000)
#: People of one call, so that results fit into memory: 54 kB for each person of W1.
PIECE = 65_536
_CHECKED = 64
_REFERENCE_TOLERANCE = 1e-11
_Engine = Callable[[Workload, Array, float], Array]


@dataclass
class Ours:
    """Our engine on a device; counts what the solver says of its run."""

    device: str
    on_card: int = 0

    def __call__(self, workload: Workload, people: Array, tolerance: float) -> Array:
        events = workload.event_table(len(people))
        own = [dict(zip(workload.varied, row, strict=True)) for row in people.tolist()]
        found = solve(
            workload.model, events, parameters=dict(zip(events.subjects, own, strict=True)),
            times=workload.times, outputs=workload.states, tolerance=tolerance, device=self.device,
        )  # fmt: skip
        self.on_card += found.solver.on_card
        return found.rows.reshape(len(people), len(workload.times), len(workload.states))


def gpu(say: Callable[[str], None], counts: Sequence[int] = PEOPLE, piece: int = PIECE) -> str:
    """The section of the page."""
    try:
        card = find_card()
    except CardError as problem:
        return (
            f"**Not measured**: {problem}. `python -m benchmarks --sections gpu` measures it where a card is."
        )
    say(f"W1 on {card.name}: accuracy")
    capability = ".".join(map(str, card.capability))
    head = " ".join(
        [
            f"{card.name}, compute capability {capability}, double precision; all states of W1 at all times.",
            f"Errors as in the first section, over {_CHECKED} people of W1 and as many of the stress",
            f"population, against our own engine on the processor at tolerance {_REFERENCE_TOLERANCE:g};",
            "tolerances are the loosest that meet the gate. Kernel is the time of the card alone; call is",
            f"all that a user waits for, in pieces of at most {piece:,} people (the same in every piece),",
            "with the tables of people and the copies of results.",
        ]
    )
    rows = [
        head, "",
        "| engine | people | tolerance | error: median, 95th, largest | kernel, people/s | call, people/s |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    references = _references()
    rows += _our_rows(card, references, counts, piece, say)
    rows += _their_rows(references, min(counts[0], piece // 4), say)
    return "\n".join(rows)


def _references() -> list[tuple[Workload, Array]]:
    run = Ours("cpu")
    workloads = (w1(), w1().stressed)
    return [(each, run(each, each.people(_CHECKED), _REFERENCE_TOLERANCE)) for each in workloads]


def _errors(
    run: _Engine, references: Sequence[tuple[Workload, Array]], tolerance: float
) -> list[list[float]]:
    """Error of each person, for each population."""
    found = []
    for workload, wanted in references:
        miss = np.abs(run(workload, workload.people(_CHECKED), tolerance) - wanted)
        found.append(list((miss / (1e-8 + 1e-6 * np.abs(wanted))).max(axis=(1, 2))))
    return found


def _gate(
    run: _Engine, references: Sequence[tuple[Workload, Array]]
) -> tuple[float, tuple[float, float, float]] | None:
    """Loosest tolerance that meets the gate, and the errors there over both populations."""

    def passes(step: int) -> bool:
        each = [percentiles(errors) for errors in _errors(run, references, tolerance_at(step))]
        return all(middle <= MEDIAN_LIMIT and tail <= TAIL_LIMIT for middle, tail, _ in each)

    step = loosest(passes)
    if step is None:
        return None
    tolerance = tolerance_at(step)
    together = [error for errors in _errors(run, references, tolerance) for error in errors]
    return tolerance, percentiles(together)


def _our_rows(
    card: Card,
    references: Sequence[tuple[Workload, Array]],
    counts: Sequence[int],
    piece: int,
    say: Callable[[str], None],
) -> list[str]:
    run, workload = Ours("gpu"), references[0][0]
    gate = _gate(run, references)
    if gate is None:
        return ["| Rekindle | | | gate not met at any tolerance | | |"]
    tolerance, errors = gate
    people = workload.people(min(piece, max(counts)))
    rows = []
    for count in counts:
        say(f"W1 on {card.name}: {count:,} people")
        run.on_card, busy, start = 0, card.busy, time.perf_counter()
        for first in range(0, count, len(people)):
            run(workload, people[: min(len(people), count - first)], tolerance)
        wall, kernel = time.perf_counter() - start, card.busy - busy
        left = "" if run.on_card == count else f" ({count - run.on_card} of them on the processor)"
        rows.append(_row("Rekindle", f"{count:,}{left}", tolerance, errors, count / kernel, count / wall))
    return rows


def _their_rows(
    references: Sequence[tuple[Workload, Array]], count: int, say: Callable[[str], None]
) -> list[str]:
    """diffrax, where JAX sees the card."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        import diffrax
        import jax
    except ImportError:
        return ["", 'diffrax is missing: `pip install "jax[cuda12]" diffrax`.']
    if jax.default_backend() != "gpu":
        return ["", 'JAX sees no card: `pip install "jax[cuda12]"`.']
    return diffrax_rows(f"diffrax {diffrax.__version__}", references, count, say)


@dataclass(frozen=True)
class _Prepared:
    """An engine that was prepared for each workload."""

    engines: Mapping[str, Callable[[Array, float], Array]]

    def __call__(self, workload: Workload, people: Array, tolerance: float) -> Array:
        return self.engines[workload.name](people, tolerance)


def diffrax_rows(
    label: str, references: Sequence[tuple[Workload, Array]], count: int, say: Callable[[str], None]
) -> list[str]:
    """One row for each method of diffrax, on whatever device JAX uses."""
    from benchmarks.peers.diffrax import prepare

    workload, rows = references[0][0], []
    for method in ("Tsit5", "Kvaerno5"):
        say(f"W1: {label}, {method}")
        run = _Prepared({each.name: prepare(each, method) for each, _ in references})
        gate = _gate(run, references)
        if gate is None:
            rows.append(f"| {label}, {method} | | | gate not met at any tolerance | | |")
            continue
        tolerance, errors = gate
        people = workload.people(count)
        run(workload, people, tolerance)  # compiles for this number of people
        start = time.perf_counter()
        run(workload, people, tolerance)
        wall = time.perf_counter() - start
        rows.append(_row(f"{label}, {method}", f"{count:,}", tolerance, errors, None, count / wall))
    return rows


def _row(
    label: str, people: str, tolerance: float, errors: Sequence[float], kernel: float | None, call: float
) -> str:
    alone = "–" if kernel is None else f"{kernel:,.4g}"
    return (
        f"| {label} | {people} | {tolerance:.2g} | {', '.join(f'{error:.2g}' for error in errors)} | {alone} "
        f"| {call:,.4g} |"
    )
