"""The data set of one replicate, as the authors of a paper would have it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rekindle.trials._design import Design
from rekindle.trials._enrolment import Participant
from rekindle.trials._study_difference import StudyDifference
from rekindle.trials._walk import Note

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TrialData:
    """People and observations of one replicate.

    Attributes:
        replicate: its number.
        people: those who entered.
        notes: observations in the order of people and time.
        screened: people who were screened for them.
        study: how this replicate differs from the model beyond its design.
    """

    replicate: int
    people: tuple[Participant, ...]
    notes: tuple[Note, ...]
    screened: int
    study: StudyDifference = field(default_factory=StudyDifference)

    def first(self, number: int) -> TrialData:
        """The trial as it would have been with fewer people.

        People are screened, allocated and simulated by their own numbers and in the order in which they
        come, so the first ones of a large trial are the people of a small one.
        """
        people = self.people[:number]
        known = {one.number for one in people}
        found = self.only(lambda one: one.number in known)
        return replace(found, screened=people[-1].number if people else 0)

    def only(self, belongs: Callable[[Participant], bool]) -> TrialData:
        """The people for whom something is true, with their observations."""
        people = tuple(one for one in self.people if belongs(one))
        known = {one.number for one in people}
        notes = tuple(note for note in self.notes if note.number in known)
        return replace(self, people=people, notes=notes)

    def people_frame(self, design: Design) -> pandas.DataFrame:
        """One row for each person who entered: facts, scores at entry, arms, how it ended."""
        import pandas

        rows = []
        for one in self.people:
            row: dict[str, object] = {
                "replicate": self.replicate,
                "person": one.number,
                "site": one.site,
                "stratum": one.stratum,
                "sex": one.person.sex,
                "age_years": round(one.person.age_years, 1),
                "weight_kg": round(one.person.weight_kg, 1),
            }
            for scale in design.scales:
                row[f"{scale}_screening"] = one.screening[scale]
                row[f"{scale}_baseline"] = one.baseline[scale]
            row |= {f"arm_{phase.name}": one.arms.get(phase.name, "") for phase in design.phases}
            row |= {
                "sessions": len(one.given),
                "status": one.status,
                "reason": one.reason,
                "left_day": one.left_h / 24.0,
                "rescued_day": one.rescued_h / 24.0,
            }
            rows.append(row)
        return pandas.DataFrame(rows)

    def observation_frame(self) -> pandas.DataFrame:
        """One row for each observation: person, arm, site, phase, planned and actual time, measure, value."""
        import pandas

        by_number = {one.number: one for one in self.people}
        columns = (
            "replicate", "person", "site", "phase", "arm", "planned_day_of_phase", "planned_h", "actual_h",
            "measure", "value", "status", "reason",
        )  # fmt: skip
        rows = []
        for note in self.notes:
            one = by_number[note.number]
            left = not math.isnan(one.left_h) and note.time_h >= one.left_h
            status = (one.status, one.reason) if left else ("on", "")
            rows.append(
                (self.replicate, note.number, one.site, note.phase, note.arm, note.day, note.planned_h,
                 note.time_h, note.measure, note.value, *status)
            )  # fmt: skip
        return pandas.DataFrame(rows, columns=list(columns))
