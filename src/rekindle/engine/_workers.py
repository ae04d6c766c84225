"""Running many people: in this process or several, with finished people kept on disk."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from rekindle.engine._batch import run_batch, run_program
from rekindle.engine._compiled import CompiledSystem
from rekindle.engine._device import PROCESSOR, Device, card_failure, find_card
from rekindle.engine._equations_digest import equations_digest
from rekindle.engine._kernel import Kernel
from rekindle.engine._motion import NoModalFormError
from rekindle.engine._plan import UNITS, Batch, host_lanes, plan
from rekindle.engine._program import Program
from rekindle.engine._subject import Failure, Subject, SubjectResult, run_subject
from rekindle.engine._system import build_system
from rekindle.engine._whole_files import claim, fingerprint, write_whole
from rekindle.engine.cascade._choice import cascade_suits
from rekindle.engine.gpu._batch import CardKernel
from rekindle.engine.gpu._driver import CardError
from rekindle.engine.streaming._stream_pieces import run_pieces
from rekindle.errors import SolverError
from rekindle.modelling import Model

_compiled: dict[str, CompiledSystem] = {}
_kernels: dict[tuple[int, int, str], tuple[CompiledSystem, Kernel]] = {}

#: What the caller may ask for: the best that fits; exact linear part and cascade collocation; exact linear
#: part and stepped rest; all states stepped; none stepped; the general driver, one person at a time.
SOLVERS = ("auto", "L2", "L1'", "L1", "L0", "driver")

#: What a process works out again instead of receiving it.
_DERIVED = ("compiled", "chunks", "integrator", "card_kernel", "card_troubles")

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
    units: int = UNITS
    device: Device = PROCESSOR

    @cached_property
    def compiled(self) -> CompiledSystem:
        """Machine code for the model, shared by all runs of the same equations in this process."""
        exact = self.solver != "L1"
        return _compile(self.model, self.outputs, self.ramps, exact_linear=exact, stepped=self.stepped)

    @cached_property
    def integrator(self) -> str:
        """How lane groups move their nonlinear states: "L2" where it is asked for or fits, else "L1"."""
        if self.solver == "auto":
            return "L2" if cascade_suits(self.compiled, self.tolerance).suits else "L1"
        return self.solver if self.solver == "L2" and self.compiled.system.nonlinear else "L1"

    @cached_property
    def chunks(self) -> list[list[Batch]]:
        """Units of work."""
        in_lanes = self.solver != "driver" and not self.ramps
        lanes, group = self.lanes or host_lanes(), self.device.group
        return plan(self.subjects, lanes, in_lanes=in_lanes, units=self.units, card_group=group)

    def kernel(self, lanes: int) -> Kernel:
        """The program runner for groups of some size, shared like ``compiled``."""
        key = id(self.compiled), lanes, self.integrator
        if key not in _kernels:
            _kernels[key] = self.compiled, Kernel(self.compiled, lanes, self.integrator)
        return _kernels[key][1]

    @cached_property
    def card_kernel(self) -> CardKernel:
        """The program runner on the card."""
        return CardKernel(self.compiled, find_card())

    @cached_property
    def card_troubles(self) -> list[str]:
        """What the card did not do, in words."""
        return []

    def prepare(self) -> None:
        """Compile what the plan needs, before processes are forked."""
        lanes_used = {batch.lanes for chunk in self.chunks for batch in chunk if not batch.on_card}
        for lanes in sorted(lanes_used):
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
        if batch.on_card:
            return self._run_on_card(batch, people)
        if batch.lanes:
            kernel = self.kernel(batch.lanes)
            found = run_batch(kernel, people, self.tolerance, partial(run_program, kernel))
        return [
            self._run_alone(person) if result is None else result
            for person, result in zip(people, found, strict=True)
        ]

    def _run_on_card(self, batch: Batch, people: Sequence[Subject]) -> list[Outcome]:
        """Results from the card; where it fails, an error if it was asked for, else from the processor."""
        kernel = self.card_kernel

        def run(program: Program, tolerance: float) -> list[SubjectResult | None]:
            if program.constants.shape[1] >= self.device.group:
                return kernel.run_program(program, tolerance)
            return run_program(self.kernel(batch.lanes), program, tolerance)  # lags part them: few are left

        try:
            found = run_batch(kernel, people, self.tolerance, run)
        except CardError as problem:
            if self.device.required:
                raise card_failure(kernel.card.name, problem) from None
            self.card_troubles.append(str(problem))
            return self._run_batch(replace(batch, on_card=False))
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
        return fingerprint(
            (
                self.model, self.outputs, self.ramps, self.subjects, self.tolerance, self.solver, self.lanes,
                self.stepped, self.device.group,
            )
        )  # fmt: skip


def _compile(
    model: Model,
    outputs: tuple[str, ...],
    ramps: tuple[str, ...],
    *,
    exact_linear: bool,
    stepped: tuple[str, ...] = (),
) -> CompiledSystem:
    digest = equations_digest(model, outputs, ramps, exact_linear=exact_linear, stepped=stepped)
    if digest not in _compiled:
        system = build_system(model, outputs, ramps, exact_linear=exact_linear, stepped=stepped)
        compiled = CompiledSystem(system)
        if compiled.peak_names and not system.nonlinear:
            # Peaks are looked for between the steps of the stepper, so something must be stepped.
            compiled = CompiledSystem(build_system(model, outputs, ramps, exact_linear=False))
        _compiled[digest] = compiled
    return _compiled[digest]


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
    for number, part in _run_numbers(job, missing, workers):
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


def _run_numbers(job: Job, missing: Sequence[int], workers: int) -> Iterator[tuple[int, list[Outcome]]]:
    # A card is used by this process alone, before others are forked, which must not touch it.
    on_card = [number for number in missing if any(batch.on_card for batch in job.chunks[number])]
    for number in on_card:
        yield number, _run_number(job, number)
    rest = [number for number in missing if number not in on_card]
    yield from run_pieces(_run_number, job, rest, workers=workers)


def _run_number(job: Job, number: int) -> list[Outcome]:
    return job.run_chunk(job.chunks[number])


class _Store:
    """Finished chunks in a folder; each file is complete or absent."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        claim(folder, "run.json", job.fingerprint())

    def _path(self, number: int) -> Path:
        return self.folder / f"people_{number:06d}.npz"

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
        write_whole(self._path(number), buffer.getvalue())

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
