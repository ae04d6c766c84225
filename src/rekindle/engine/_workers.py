"""Running many people: in this process or several, with finished people kept on disk."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from rekindle.engine._batch import run_batch
from rekindle.engine._cascade_choice import cascade_suits
from rekindle.engine._compiled import CompiledSystem
from rekindle.engine._kernel import Kernel
from rekindle.engine._motion import NoModalFormError
from rekindle.engine._plan import CHUNK, Batch, host_lanes, plan
from rekindle.engine._subject import Failure, Subject, SubjectResult, run_subject
from rekindle.engine._system import build_system
from rekindle.errors import OutputError, SolverError
from rekindle.modelling import Assignment, Expression, Model

_CHUNK = CHUNK

_compiled: dict[tuple[object, ...], CompiledSystem] = {}
_kernels: dict[tuple[int, int, str], tuple[CompiledSystem, Kernel]] = {}

#: What the caller may ask for: the best that fits; exact linear part and cascade collocation; exact linear
#: part and stepped rest; all states stepped; the general driver, which carries out one person at a time.
SOLVERS = ("auto", "L2", "L1'", "L1", "driver")

#: What a process works out again instead of receiving it.
_DERIVED = ("compiled", "chunks", "integrator")

Outcome = SubjectResult | Failure


@dataclass(frozen=True)
class Job:
    """Everything that determines the numbers of a run."""

    model: Model
    outputs: tuple[str, ...]
    ramps: tuple[str, ...]
    subjects: tuple[Subject, ...]
    tolerance: float
    solver: str = "auto"
    lanes: int = 0
    stepped: tuple[str, ...] = ()

    @cached_property
    def compiled(self) -> CompiledSystem:
        """Machine code for the model, shared by all runs of the same equations in this process."""
        exact = self.solver != "L1"
        return _compile(self.model, self.outputs, self.ramps, exact_linear=exact, stepped=self.stepped)

    @cached_property
    def integrator(self) -> str:
        """How lane groups move their nonlinear states: "L2" where it is asked for or fits, else "L1"."""
        if self.solver == "auto":
            return "L2" if cascade_suits(self.compiled).suits else "L1"
        return self.solver if self.solver == "L2" and self.compiled.system.nonlinear else "L1"

    @cached_property
    def chunks(self) -> list[list[Batch]]:
        """Units of work."""
        in_lanes = self.solver != "driver" and not self.ramps
        return plan(self.subjects, self.lanes or host_lanes(), in_lanes=in_lanes)

    def kernel(self, lanes: int) -> Kernel:
        """The program runner for groups of some size, shared like ``compiled``."""
        key = id(self.compiled), lanes, self.integrator
        if key not in _kernels:
            _kernels[key] = self.compiled, Kernel(self.compiled, lanes, self.integrator)
        return _kernels[key][1]

    def prepare(self) -> None:
        """Compile what the plan needs, before processes are forked."""
        for lanes in sorted({batch.lanes for chunk in self.chunks for batch in chunk}):
            if lanes:
                self.kernel(lanes)
            else:
                self.compiled.prepare()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in _DERIVED}

    def run(self, subject: Subject) -> SubjectResult:
        """Run one person by the general driver, with every state stepped where there is no modal form."""
        try:
            return run_subject(self.compiled, subject, self.tolerance)
        except NoModalFormError:
            general = _compile(self.model, self.outputs, self.ramps, exact_linear=False)
            return run_subject(general, subject, self.tolerance)

    def run_chunk(self, chunk: Sequence[Batch]) -> list[Outcome]:
        """Results of a unit of work, batch by batch."""
        return [result for batch in chunk for result in self._run_batch(batch)]

    def _run_batch(self, batch: Batch) -> list[Outcome]:
        people = [self.subjects[place] for place in batch.places]
        found: list[SubjectResult | None] = [None] * len(people)
        if batch.lanes:
            found = run_batch(self.kernel(batch.lanes), people, self.tolerance)
        return [
            self._run_alone(person) if result is None else result
            for person, result in zip(people, found, strict=True)
        ]

    def _run_alone(self, subject: Subject) -> Outcome:
        try:
            return self.run(subject)
        except SolverError as problem:
            return Failure(problem.code, problem.given, problem.allowed, problem.why, problem.remedy)

    def fingerprint(self) -> str:
        """Digest of model, people, outputs and tolerance."""
        content = pickle.dumps(
            (
                self.model, self.outputs, self.ramps, self.subjects, self.tolerance, self.solver, self.lanes,
                self.stepped,
            ),
            protocol=4,
        )  # fmt: skip
        return hashlib.sha256(content).hexdigest()


def _compile(
    model: Model,
    outputs: tuple[str, ...],
    ramps: tuple[str, ...],
    *,
    exact_linear: bool,
    stepped: tuple[str, ...] = (),
) -> CompiledSystem:
    equations = model.inline(
        *model.derivatives.values(), *(model.outputs[name].expression for name in outputs)
    )
    initial = [state.initial for state in model.states.values()]
    rules = [
        (name, rule.bioavailability, rule.lag, rule.duration, rule.rate)
        for name, rule in model.dosing.items()
    ]
    events = [(name, _pairs(event.assignments)) for name, event in model.events.items()]
    peaks = [(n, p.expression, p.condition, _pairs(p.assignments)) for n, p in model.peaks.items()]
    names = (*model.derivatives, "|", *model.parameters, "|", *model.covariates, "|", *outputs, "|", *ramps)
    definitions = tuple(model.inlined_definitions.items())
    parts = (names, exact_linear, stepped, definitions, *equations, *initial, *rules, *events, *peaks)
    if parts not in _compiled:
        system = build_system(model, outputs, ramps, exact_linear=exact_linear, stepped=stepped)
        compiled = CompiledSystem(system)
        if compiled.peak_names and not system.nonlinear:
            # Peaks are looked for between the steps of the stepper, so something must be stepped.
            compiled = CompiledSystem(build_system(model, outputs, ramps, exact_linear=False))
        _compiled[parts] = compiled
    return _compiled[parts]


def _pairs(assignments: Sequence[Assignment]) -> tuple[tuple[str, Expression], ...]:
    return tuple((assignment.state, assignment.expression) for assignment in assignments)


def run_job(
    job: Job,
    *,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """Results of all people in order; identical at any number of workers."""
    chunks = job.chunks
    store = _Store(Path(checkpoint), job) if checkpoint is not None else None
    total = len(job.subjects)
    results: dict[int, list[Outcome]] = {}
    for number, chunk in enumerate(chunks):
        kept = store.load(number, _size(chunk)) if store else None
        if kept is not None:
            results[number] = kept
    done = sum(len(part) for part in results.values())
    if progress:
        progress(done, total)
    missing = [number for number in range(len(chunks)) if number not in results]
    if missing:
        job.prepare()
    for number, part in _run_chunks(job, missing, workers):
        results[number] = part
        if store:
            store.save(number, part)
        done += len(part)
        if progress:
            progress(done, total)
    places = [place for chunk in chunks for batch in chunk for place in batch.places]
    found = [result for number in range(len(chunks)) for result in results[number]]
    return [found[position] for position in np.argsort(places)]


def _size(chunk: Sequence[Batch]) -> int:
    return sum(len(batch.places) for batch in chunk)


def _run_chunks(job: Job, missing: Sequence[int], workers: int) -> Iterator[tuple[int, list[Outcome]]]:
    if workers <= 1 or len(missing) <= 1:
        for number in missing:
            yield number, job.run_chunk(job.chunks[number])
        return
    # Forked workers inherit the machine code; elsewhere each compiles its own.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    global _shared
    _shared = job
    pool = ProcessPoolExecutor(min(workers, len(missing)), context, _start_worker, (job,))
    try:
        pending = {pool.submit(_work, number): number for number in missing}
        for future in as_completed(pending):
            yield pending[future], future.result()
    finally:
        # After an interruption nothing that is queued should run on.
        pool.shutdown(wait=False, cancel_futures=True)


_shared: Job | None = None


def _start_worker(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    global _shared
    _shared = job


def _work(number: int) -> list[Outcome]:
    assert _shared is not None
    return _shared.run_chunk(_shared.chunks[number])


class _Store:
    """Finished chunks in a folder; each file is complete or absent."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        note, mine = folder / "run.json", job.fingerprint()
        if note.exists():
            theirs = json.loads(note.read_text()).get("fingerprint")
            if theirs != mine:
                raise OutputError(
                    "RK-OUT-005",
                    given=f"{folder} holds an unfinished run with other inputs",
                    why="Mixing two runs would give numbers that belong to neither",
                    remedy="Choose another folder, or delete this one",
                )
        else:
            self._write(note, json.dumps({"fingerprint": mine}).encode())

    def _path(self, number: int) -> Path:
        return self.folder / f"people_{number * _CHUNK:07d}.npz"

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content)
        os.replace(part, path)

    def save(self, number: int, outcomes: Sequence[Outcome]) -> None:
        """Keep one finished chunk; one with failures is run again when the call is repeated."""
        import io

        results = [outcome for outcome in outcomes if isinstance(outcome, SubjectResult)]
        if len(results) < len(outcomes):
            return
        buffer = io.BytesIO()
        np.savez(
            buffer,
            lengths=[len(result.times) for result in results],
            times=np.concatenate([result.times for result in results]),
            values=np.concatenate([result.values for result in results]),
            counts=[(r.steps, r.rejected, r.cycles, r.lanes, r.groups) for r in results],
        )
        self._write(self._path(number), buffer.getvalue())

    def load(self, number: int, expected: int) -> list[Outcome] | None:
        """A finished chunk, or None if it is absent or damaged (it is then run again)."""
        try:
            with np.load(self._path(number)) as stored:
                lengths, counts = stored["lengths"], stored["counts"]
                ends = np.cumsum(lengths)[:-1]
                times, values = np.split(stored["times"], ends), np.split(stored["values"], ends)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if len(lengths) != expected:
            return None
        return [
            SubjectResult(t, v, *(int(count) for count in c))
            for t, v, c in zip(times, values, counts, strict=True)
        ]
