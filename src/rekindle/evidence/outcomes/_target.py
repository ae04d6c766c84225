"""A row of clinical outcomes as readings of simulated people and a summary of them."""

from __future__ import annotations

from dataclasses import dataclass

from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes._arm import OutcomeArm, Setup
from rekindle.evidence.outcomes._reading import Reading

#: Names under which random numbers know the two sides of a comparison.
ACTIVE, CONTROL = "arm", "control"


@dataclass(frozen=True)
class OutcomeTarget:
    """Arm, reading and summary of a row.

    ``control`` is the setup that the arm is compared with, ``before`` a reading of the same arm that it is
    compared with, and ``paired`` says that both sides are the same people.
    """

    arm: OutcomeArm
    reading: Reading
    summary: str
    control: Setup | None = None
    before: Reading | None = None
    paired: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[tuple[Setup, str, Reading], ...]:
        """What must be simulated: setup, name under which random numbers know it, and what is read there."""
        found = [(self.arm.setup, ACTIVE, self.reading)]
        if self.before is not None:
            found.append((self.arm.setup, ACTIVE, self.before))
        if self.control is not None:
            found.append((self.control, CONTROL, self.reading))
        return tuple(found)


def read_time(row: Row) -> float:
    """Time of an assessment, h from the first dose.

    Raises:
        EvidenceError: none is stated.

    >>> read_time(Row(2, {"time_h": "24"}))
    24.0
    """
    time = row.number_of("time_h", low=0.0)
    if time is None:
        raise not_simulated(f"line {row.number}: no time is stated", remedy="Fill time_h")
    return time
