"""Running many people: in this process or several, with finished people kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._equations_digest import equations_digest
from rekindle.engine._plan import CHUNK, UNITS, Batch, Block, host_lanes, plan
from rekindle.engine._system import build_system
from rekindle.engine.cascade._choice import Suitability, cascade_suits
from rekindle.engine.driver._compiled import CompiledSystem
from rekindle.engine.driver._motion import NoModalFormError
from rekindle.engine.driver._subject import run_subject
from rekindle.engine.gpu._batch import CardKernel
from rekindle.engine.gpu._driver import CardError
from rekindle.engine.program._batch import run_batch, run_program
from rekindle.engine.program._kernel import Kernel
from rekindle.engine.program._program import Program
from rekindle.engine.program._recordings import Recording, columns, record
from rekindle.engine.records._subjects import Subject, Subjects
from rekindle.engine.running._device import PROCESSOR, Device, card_failure, find_card
from rekindle.engine.running._kept_results import KeptResults
from rekindle.engine.running._outcomes import Failure, Outcomes, ProgramResults, SubjectResult
from rekindle.engine.running._whole_files import fingerprint
from rekindle.engine.streaming._stream_pieces import run_pieces
from rekindle.errors import SolverError
from rekindle.modelling import Model

Array = NDArray[np.float64]

_compiled: dict[str, CompiledSystem] = {}
_kernels: dict[tuple[int, int, str], tuple[CompiledSystem, Kernel]] = {}
_suitable: dict[tuple[int, float], tuple[CompiledSystem, Suitability]] = {}

#: What the caller may ask for: the best that fits; exact linear part and cascade collocation; exact linear
#: part and stepped rest; all states stepped; none stepped; the general driver, one person at a time.
SOLVERS = ("auto", "L2", "L1'", "L1", "L0", "driver")

#: What a process works out again instead of receiving it.
_DERIVED = ("compiled", "people", "chunks", "integrator", "card_kernel", "card_troubles", "latest")


@dataclass(frozen=True)
class Job:
    """Everything that determines the numbers of a run."""

    model: Model
    outputs: tuple[str, ...]
    ramps: tuple[str, ...]
    subjects: Sequence[Subject]
    tolerance: float
    solver: str = "auto"
    lanes: int = 0
    stepped: tuple[str, ...] = ()
    units: int = UNITS
    device: Device = PROCESSOR

    @cached_property
    def people(self) -> Subjects:
        """Everybody, in columns."""
        return Subjects.of(self.subjects)

    @cached_property
    def compiled(self) -> CompiledSystem:
        """Machine code for the model, shared by all runs of the same equations in this process."""
        exact = self.solver != "L1"
        return _compile(self.model, self.outputs, self.ramps, exact_linear=exact, stepped=self.stepped)

    @cached_property
    def integrator(self) -> str:
        """How lane groups move their nonlinear states: "L2" where it is asked for or fits, else "L1"."""
        if self.solver == "auto":
            return "L2" if self.suitability.suits else "L1"
        return self.solver if self.solver == "L2" and self.compiled.system.nonlinear else "L1"

    @property
    def suitability(self) -> Suitability:
        """Whether cascade collocation fits, judged once for the same equations."""
        key = id(self.compiled), self.tolerance
        if key not in _suitable:
            _suitable[key] = self.compiled, cascade_suits(self.compiled, self.tolerance)
        return _suitable[key][1]

    @cached_property
    def chunks(self) -> list[list[Batch]]:
        """Units of work."""
        in_lanes = self.solver != "driver" and not self.ramps
        lanes, group = self.lanes or host_lanes(), self.device.group
        states = len(self.compiled.system.linear) if in_lanes else 1
        return plan(
            self.people, lanes, in_lanes=in_lanes, units=self.units, card_group=group, linear_states=states
        )

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

    def record_first(self, number: int) -> None:
        """Record what a unit of work begins with, so that forked processes inherit it."""
        first = self.chunks[number][0]
        if first.lanes and not first.on_card:
            self.recordings(self.kernel(first.lanes), first.block)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in _DERIVED}

    def run(self, subject: Subject) -> SubjectResult:
        """Run one person by the general driver, with every state stepped where there is no modal form."""
        try:
            return run_subject(self.compiled, subject, self.tolerance)
        except NoModalFormError:
            general = _compile(self.model, self.outputs, self.ramps, exact_linear=False)
            return run_subject(general, subject, self.tolerance)

    @cached_property
    def latest(self) -> dict[tuple[object, Block], list[Recording]]:
        """The programs of the block that was run last."""
        return {}

    def recordings(self, kernel: Kernel | CardKernel, block: Block) -> list[Recording]:
        """The programs of a block, recorded when they are first needed."""
        if (kernel, block) not in self.latest:
            self.latest.clear()
            self.latest[kernel, block] = record(kernel, self.people.take(block.places), fewest=CHUNK)
        return self.latest[kernel, block]

    def run_chunk(self, chunk: Sequence[Batch], room: Outcomes | None = None) -> Outcomes:
        """Results of a unit of work, batch by batch, in ``room`` if it is given."""
        if room is None:
            places = [place for batch in chunk for place in batch.places]
            room = Outcomes.empty(self.people.take(places), len(self.outputs))
        first = 0
        for batch in chunk:
            last = first + len(batch.places)
            own = room.part(first, last)
            self._run_batch(batch, own)
            room.put(range(first, last), own)
            first = last
        return room

    def _run_batch(self, batch: Batch, found: Outcomes) -> None:
        fine = np.zeros(len(found), bool)
        if batch.on_card:
            fine = self._run_on_card(batch, found)
        elif batch.lanes:
            kernel = self.kernel(batch.lanes)
            fine = run_batch(self._work(kernel, batch), self.tolerance, partial(run_program, kernel), found)
        for place in np.flatnonzero(~fine).tolist():
            found.put_one(place, self._run_alone(self.people[batch.places[place]]))

    def _work(
        self, kernel: Kernel | CardKernel, batch: Batch
    ) -> Iterator[tuple[NDArray[np.int64], Program, slice]]:
        recordings, last = self.recordings(kernel, batch.block), batch.first + len(batch.places)
        return columns(kernel, self.people, batch.block.places, recordings, batch.first, last)

    def _run_on_card(self, batch: Batch, found: Outcomes) -> NDArray[np.bool_]:
        """Results from the card; where it fails, an error if it was asked for, else from the processor."""
        kernel = self.card_kernel

        def run(program: Program, tolerance: float, chosen: slice, room: Array | None) -> ProgramResults:
            if program.constants.shape[1] >= self.device.group:
                return kernel.run_program(program, tolerance)
            return run_program(self.kernel(batch.lanes), program, tolerance, chosen, room)  # lags part them

        try:
            return run_batch(self._work(kernel, batch), self.tolerance, run, found)
        except CardError as problem:
            if self.device.required:
                raise card_failure(kernel.card.name, problem) from None
            self.card_troubles.append(str(problem))
            self._run_batch(replace(batch, on_card=False), found)
            return np.ones(len(found), bool)

    def _run_alone(self, subject: Subject) -> SubjectResult | Failure:
        try:
            return self.run(subject)
        except SolverError as problem:
            return Failure(problem.code, problem.given, problem.allowed, problem.why, problem.remedy)

    def fingerprint(self) -> str:
        """Digest of model, people, outputs and tolerance."""
        return fingerprint(
            (
                self.model, self.outputs, self.ramps, self.people.content, self.tolerance, self.solver,
                self.lanes, self.stepped, self.device.group,
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
) -> Outcomes:
    """Results of all people in order; identical at any number of workers."""
    chunks = [[place for batch in chunk for place in batch.places] for chunk in job.chunks]
    store = KeptResults(Path(checkpoint), job.fingerprint()) if checkpoint is not None else None
    found, done = Outcomes.empty(job.people, len(job.outputs)), 0
    missing = []
    for number, places in enumerate(chunks):
        kept = store.load(number, job.people.take(places), len(job.outputs)) if store else None
        if kept is None:
            missing.append(number)
        else:
            found.put(places, kept)
            done += len(places)
    if progress:
        progress(done, len(found))
    if missing:
        job.prepare()
    for number, part in _run_numbers(job, missing, workers, found):
        found.put(chunks[number], part)
        if store:
            store.save(number, part)
        done += len(part)
        if progress:
            progress(done, len(found))
    return found


def _run_numbers(
    job: Job, missing: Sequence[int], workers: int, found: Outcomes
) -> Iterator[tuple[int, Outcomes]]:
    # A card is used by this process alone, before others are forked, which must not touch it.
    on_card = [number for number in missing if any(batch.on_card for batch in job.chunks[number])]
    rest = sorted(set(missing).difference(on_card))
    if workers <= 1 or len(rest) <= 1:
        on_card, rest = list(missing), []
    for number in on_card:
        yield number, job.run_chunk(job.chunks[number], _room(job.chunks[number], found))
    if rest:
        job.record_first(rest[0])
    yield from run_pieces(_run_number, job, rest, workers=workers)


def _room(chunk: Sequence[Batch], found: Outcomes) -> Outcomes | None:
    """Where the results of a unit of work belong, if its people stand next to each other."""
    first = last = chunk[0].places[0]
    for batch in chunk:  # places ascend within a batch
        begin, end = batch.places[0], batch.places[-1] + 1
        if begin != last or end - begin != len(batch.places):
            return None
        last = end
    return found.part(first, last)


def _run_number(job: Job, number: int) -> Outcomes:
    return job.run_chunk(job.chunks[number])
