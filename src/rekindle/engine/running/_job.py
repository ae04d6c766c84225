"""Everything that determines the numbers of a run, and what is worked out from it once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._equations_digest import equations_digest
from rekindle.engine._plan import CHUNK, UNITS, Batch, Block, host_lanes, plan
from rekindle.engine._system import build_system
from rekindle.engine.cascade._choice import Suitability, cascade_suits
from rekindle.engine.driver._compiled import CompiledSystem
from rekindle.engine.program._kernel import Kernel
from rekindle.engine.program._program import Program
from rekindle.engine.program._recordings import Recording, columns, record
from rekindle.engine.records._subjects import Subject, Subjects
from rekindle.engine.running._device import PROCESSOR, Device, find_card
from rekindle.engine.running._outcomes import Failure, SubjectResult
from rekindle.engine.running._whole_files import fingerprint
from rekindle.errors import SolverError
from rekindle.modelling import Model

if TYPE_CHECKING:
    from rekindle.engine.gpu._batch import CardKernel

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
        from rekindle.engine.gpu._batch import CardKernel

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
        """Record what a unit of work begins with."""
        first = self.chunks[number][0]
        if first.lanes and not first.on_card:
            self.recordings(self.kernel(first.block.lanes), first.block)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in _DERIVED}

    def run(self, subject: Subject) -> SubjectResult:
        """Run one person by the general driver, with every state stepped where there is no modal form."""
        from rekindle.engine.driver._motion import NoModalFormError
        from rekindle.engine.driver._subject import run_subject

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

    def share_in_programs(self, batch: Batch) -> float:
        """Share of the people of a block who are together in programs; lags part the others, for example."""
        found = self.recordings(self.kernel(batch.block.lanes), batch.block)
        return sum(len(one.members) for one in found if one.program) / len(batch.block.places)

    def programs(
        self, kernel: Kernel | CardKernel, batch: Batch
    ) -> Iterator[tuple[NDArray[np.int64], Program, slice]]:
        """Programs of a batch, each with the positions of its people in the batch and its columns."""
        recordings, last = self.recordings(kernel, batch.block), batch.first + len(batch.places)
        return columns(kernel, self.people, batch.block.places, recordings, batch.first, last)

    def run_alone(self, place: int) -> SubjectResult | Failure:
        """Run one person by the general driver; what goes wrong is kept with the results."""
        try:
            return self.run(self.people[place])
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
