"""Write a regimen: as canonical text of the regimen language, and as one English sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rekindle.regimen._cadence import DAY_H, WEEK_H, Cadence, longest_run, number
from rekindle.regimen._dose import Dose, Session
from rekindle.regimen._product import Product
from rekindle.regimen._words import to_hours

_SHORTEST_RUN = 3
_LISTED_IN_SENTENCE = 8


@dataclass(frozen=True, slots=True)
class Block:
    """Sessions with the same doses that one phrase describes.

    ``cadence`` None: the times are listed one by one. ``due`` True: the block starts when the block before it
    would have gone on, or it is the first block and starts at time 0.
    """

    doses: tuple[Dose, ...]
    times: tuple[float, ...]
    cadence: Cadence | None
    due: bool


def blocks_of(sessions: Sequence[Session]) -> list[Block]:
    """Split sessions into blocks, longest cadences first."""
    blocks: list[Block] = []
    due: float | None = 0.0
    first = 0
    while first < len(sessions):
        end = first + 1
        while end < len(sessions) and sessions[end].doses == sessions[first].doses:
            end += 1
        times = [session.time_h for session in sessions[first:end]]
        for cadence, some in _runs(times):
            blocks.append(Block(sessions[first].doses, some, cadence, some[0] == due))
            due = some[0] + cadence.elapsed(len(some)) if cadence else None
        first = end
    return blocks


def _runs(times: Sequence[float]) -> list[tuple[Cadence | None, tuple[float, ...]]]:
    """Split times of equal doses into runs of one cadence and lists of irregular times."""
    runs: list[tuple[Cadence | None, tuple[float, ...]]] = []
    irregular: list[float] = []
    first, end = 0, len(times)
    while first < end:
        cadence, count = longest_run(times, first, end)
        if count < _SHORTEST_RUN and not (count == end - first == 2 and not irregular):
            irregular.append(times[first])
            first += 1
            continue
        if first + count < end:
            # The last session of a run is also where the next cadence starts, so it is left to that one.
            count -= 1
        if irregular:
            runs.append((None, tuple(irregular)))
            irregular = []
        runs.append((cadence, tuple(times[first : first + count])))
        first += count
    if irregular:
        runs.append((None, tuple(irregular)))
    return runs


def write_text(drug: str, product: Product, sessions: Sequence[Session]) -> str:
    """Canonical text; reading it gives the same drug (or compound), product and sessions."""
    if not sessions:
        return drug
    phrases, before = [], None
    for block in blocks_of(sessions):
        visit = "" if block.doses == before else write_visit(block.doses) + ", "
        phrases.append(visit + _write_schedule(block))
        before = block.doses
    return f"{drug} {product.word} " + ", then ".join(phrases)


def write_visit(doses: Sequence[Dose], separator: str = "; ") -> str:
    """The steps of one visit.

    >>> write_visit([Dose(0.5, "mg/kg", duration_h=2 / 3)])
    '0.5 mg/kg over 40 min'
    """
    steps, end = [], 0.0
    for dose in doses:
        words = [f"{number(dose.amount)} {dose.unit}"] if dose.amount else []
        if dose.duration_h is not None:
            words.append(f"over {write_duration(dose.duration_h)}")
        if dose.offset_h != end:
            words.append(f"after {write_duration(dose.offset_h)}")
        steps.append(" ".join(words))
        end = dose.offset_h + (dose.duration_h or 0.0)
    return separator.join(steps)


def write_duration(hours: float) -> str:
    """Write a duration in whole minutes where that is exact, else in hours.

    >>> write_duration(2 / 3), write_duration(2.0)
    ('40 min', '2 h')
    """
    minutes = float(round(60 * hours)) if hours < 1e6 else 0.0
    if not hours.is_integer() and to_hours(minutes, "min") == hours:
        return f"{number(minutes)} min"
    return f"{number(hours)} h"


def _write_schedule(block: Block) -> str:
    if block.cadence is None:
        if len(block.times) == 1 and block.due:
            return "once"
        return _write_times(block.times)
    text = f"{block.cadence} x {len(block.times)}"
    if block.due:
        return text
    start = block.times[0]
    if start % DAY_H == 0:
        return f"{text} starting day {_day(start)}"
    return f"{text} at {number(start)} h"


def _write_times(times: Sequence[float]) -> str:
    if all(time % DAY_H == 0 for time in times):
        return "on days " + ", ".join(str(_day(time)) for time in times)
    return "at " + ", ".join(f"{number(time)} h" for time in times)


def _day(time_h: float) -> int:
    return int(time_h // DAY_H) + 1


def write_sentence(drug: str, product: Product, sessions: Sequence[Session]) -> str:
    """One plain-English line: what is given, how often, over how many days."""
    if not sessions:
        return "no treatment"
    blocks = blocks_of(sessions)
    same = all(block.doses == blocks[0].doses for block in blocks)
    first = _sentence_visit(sessions[0].doses, product, "begin") if same else product.label
    head = f"{drug} {first}; {len(sessions)} session{'s' if len(sessions) > 1 else ''}"
    if len(sessions) == 1:
        start = sessions[0].time_h
        return head + (f" on day {_day(start)}" if start >= DAY_H else "")
    parts = []
    for index, block in enumerate(blocks):
        dose = "" if same else _sentence_visit(block.doses, product, "none") + " "
        parts.append(dose + _sentence_schedule(block, last=index == len(blocks) - 1))
    last_day = sessions[-1].day
    return f"{head} over {last_day} day{'s' if last_day > 1 else ''}: " + ", then ".join(parts)


def _sentence_visit(doses: Sequence[Dose], product: Product, label: Literal["begin", "none"]) -> str:
    visit = write_visit(doses, separator=", then ")
    if label == "none":
        return visit
    if not doses[0].amount:
        return f"{product.label} {visit}"
    amount = f"{number(doses[0].amount)} {doses[0].unit}"
    return f"{amount} {product.label}{visit[len(amount) :]}"


def _sentence_schedule(block: Block, *, last: bool) -> str:
    if block.cadence is None:
        shown = _write_times(block.times[:_LISTED_IN_SENTENCE])
        return shown + (", ..." if len(block.times) > _LISTED_IN_SENTENCE else "")
    text = str(block.cadence)
    if not last:
        text += _sentence_length(block.cadence, len(block.times))
    return text if block.due else f"{text} from day {_day(block.times[0])}"


def _sentence_length(cadence: Cadence, count: int) -> str:
    span = cadence.elapsed(count)
    for size, unit in ((WEEK_H, "week"), (DAY_H, "day")):
        if span % size == 0 and cadence.gaps[0] <= span:
            length = int(span / size)
            return f" for {length} {unit}{'s' if length > 1 else ''}"
    return f" for {count} sessions"
