"""Results of a crossover by its periods, beside the paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rekindle.trials._analysis_sets import ArmData, compared_phases
from rekindle.trials._design import CROSS, Design
from rekindle.trials._finding import Finding, difference_of
from rekindle.trials._periods import Periods, periods_of


def crossover_findings(
    design: Design, groups: Mapping[str, ArmData], active: str, control: str
) -> Iterator[Finding]:
    """Difference adjusted for periods, period effects and carry-over; nothing for other designs."""
    if design.compared is None or design.compared.assign != CROSS:
        return
    phases = tuple(phase.name for phase in compared_phases(design))
    rated = {scale: groups[active].days(scale) for scale in design.scales}
    for scale, days in rated.items():
        for place, day in enumerate(days):
            table = periods_of(groups, control, phases, scale, place)
            yield from _of_day(table, phases, scale, day, active, control)
        if len(days):
            start = periods_of(groups, control, phases, scale, 0).second_start(active)
            words = f"{scale} at the start of {phases[1]}, by what came before"
            yield difference_of(words, 0.0, f"{active} - {control}", "points", start)


def _of_day(
    table: Periods, phases: tuple[str, ...], scale: str, day: float, active: str, control: str
) -> Iterator[Finding]:
    arms = f"{active} - {control}"
    found = {
        "difference, periods adjusted": table.within(active),
        "difference, periods and their starts adjusted": table.within(active, starts=True),
        "difference, first period only": table.first_only(active),
        "carry-over": table.carried_over(active),
    }
    adjusted = table.within(active, carry=True)
    if adjusted.n:
        found["difference, periods and carry-over adjusted"] = adjusted
    for words, estimate in found.items():
        yield difference_of(f"{scale} {words}", day, arms, "points", estimate)
    for place in range(1, len(phases)):
        yield difference_of(
            f"{scale} by period", day, f"{phases[place]} - {phases[0]}", "points", table.period(place)
        )
