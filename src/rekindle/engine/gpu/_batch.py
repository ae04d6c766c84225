"""Running a program on a card: as many people at once as its memory holds."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine.gpu._driver import Card, CardError
from rekindle.engine.gpu._kernel import ARGUMENTS, ENTRY
from rekindle.engine.gpu._text import card_text
from rekindle.engine.program._operations import MOVE, WIDTH
from rekindle.engine.program._program import Program
from rekindle.engine.program._program_run import MOST_STEPS
from rekindle.engine.rodas import _contract as contract
from rekindle.engine.running._outcomes import COUNTS, ON_CARD, ProgramResults
from rekindle.modelling import evaluate

Array = NDArray[np.float64]

#: Share of the card's free memory that is used, so that others can work beside us.
_SHARE = 0.8


class CardKernel:
    """The program runner of a system on a card.

    Args:
        derivation: the system and what follows from it; it has no ramps.
        card: where it runs.
    """

    def __init__(self, derivation: Derivation, card: Card) -> None:
        self.derivation, self.card = derivation, card

    @cached_property
    def function(self) -> int:
        """The entry on the card."""
        return self.card.function(card_text(self.derivation), ENTRY)

    def matrix(self, constants: Array) -> Array:
        """Entries (entries, people) of the linear block for constants (constants, people)."""
        known = {name: constants[row] for name, row in self.derivation.constant_index.items()}
        entries = self.derivation.system.matrix.values()
        people = constants.shape[1:]
        found = [np.broadcast_to(np.asarray(evaluate(entry, known), float), people) for entry in entries]
        return np.array(found).reshape(len(found), *people)

    def run_program(self, program: Program, tolerance: float) -> ProgramResults:
        """Run a program for everybody in it; who is not finished, the general driver has to run.

        Raises:
            CardError: the card cannot, for example for lack of memory.
        """
        people = program.constants.shape[1]
        each = _Sizes(program, self.derivation)
        room = int(_SHARE * self.card.free_memory()) - self.card.own_memory(self.function) - each.shared
        at_once = min(people, room // each.person)
        if at_once < 1:
            raise CardError(f"{self.card.name} has too little free memory for one person of this run")
        found = ProgramResults(
            program.clock(0)[2],
            np.empty((people, each.rows, each.outputs)),
            np.zeros((people, len(COUNTS)), np.int64),
            np.zeros(people, bool),
        )
        for start in range(0, people, at_once):
            self._wave(program, each, start, min(start + at_once, people), tolerance, found)
        return found

    def _wave(
        self,
        program: Program,
        each: _Sizes,
        start: int,
        stop: int,
        tolerance: float,
        found: ProgramResults,
    ) -> None:
        people = stop - start
        controls = np.zeros((people, contract.CONTROLS))
        controls[:, contract.RELATIVE], controls[:, contract.ABSOLUTE] = tolerance, tolerance * 1e-2
        controls[:, contract.MOST_STEPS], controls[:, contract.WATCH] = MOST_STEPS, 1.0
        results = found.values[start:stop]
        statuses = np.empty(people, np.int64)
        with self.card.memory() as memory:
            given = {
                "operations": memory.upload(program.operations),
                "operation_count": len(program.operations),
                "moments": memory.upload(program.moments),
                **{
                    name: memory.upload(getattr(program, name)[:, start:stop])
                    for name in ("values", "constants", "modal")
                },
                "structures": memory.upload(program.structures),
                "stride": people,
                "output_times": memory.upload(program.output_times),
                "output_rows": memory.upload(program.output_rows),
                "results": memory.reserve(results.nbytes),
                "results_each": each.rows * each.outputs,
                "controls": memory.upload(controls),
                "scratch": memory.reserve(8 * people * each.scratch),
                "scratch_each": each.scratch,
                "statuses": memory.reserve(statuses.nbytes),
                "people": people,
            }
            self.card.launch(self.function, people, [given[name] for name in ARGUMENTS])
            memory.download(given["results"], results)
            memory.download(given["controls"], controls)
            memory.download(given["statuses"], statuses)
        found.fine[start:stop] = (statuses == contract.FINISHED) & ~np.isnan(results).any(axis=(1, 2))
        found.counts[start:stop, :2] = controls[:, [contract.STEPS, contract.REJECTED]]
        found.counts[start:stop, 3] = ON_CARD


class _Sizes:
    """Numbers a person needs, and bytes in all."""

    def __init__(self, program: Program, derivation: Derivation) -> None:
        self.rows, self.outputs = program.times.shape[1], len(derivation.outputs)
        most = int(program.operations.reshape(-1, WIDTH)[program.operations[:, 0] == MOVE, 4].max(initial=0))
        self.scratch = max(most * len(derivation.system.nonlinear), 1)
        own = sum(len(table) for table in (program.values, program.constants, program.modal))
        self.person = 8 * (own + self.rows * self.outputs + contract.CONTROLS + self.scratch + 1)
        shared = (program.operations, program.moments, program.structures, program.output_times)
        self.shared = sum(table.nbytes for table in shared) + program.output_rows.nbytes
