"""Who is stepped together: batches of people with the same times, packed into units of work.

The plan depends on the people alone, not on the number of workers, so that neither do the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rekindle.engine.records._records import Record
from rekindle.engine.records._schedules import changes, people_by_schedule
from rekindle.engine.records._subjects import Subject, Subjects

#: People per unit of work: small enough to lose little, large enough to make files and messages rare; whole
#: groups at any number of lanes. They grow with the number of people, as long as there are enough of them for
#: many workers.
CHUNK = 48
_LARGEST = 5 * CHUNK
#: Units of work into which people are cut at least, if that does not make them small.
UNITS = 32
#: Bytes that the program of a block may take; how many people that is, is estimated from their records.
BLOCK_BYTES = 64_000_000
#: People per unit of work on a card, whose memory decides how many of them are run at once.
CARD_CHUNK = 65_536


@dataclass(frozen=True, eq=False)
class Block:
    """People with one schedule, whose program is recorded once for all units of work they are cut into.

    The kernel for so many ``lanes`` records it, whichever of its batches is run first.
    """

    places: tuple[int, ...]
    lanes: int


@dataclass(frozen=True)
class Batch:
    """People who are stepped together in groups of ``lanes``; 0 lanes: by the general driver, one by one.

    Those ``on_card`` are tried there first. They are those of ``block`` from ``first`` on.
    """

    places: tuple[int, ...]
    lanes: int
    block: Block
    first: int
    on_card: bool = False


def host_lanes() -> int:
    """Doubles in the widest vector of the processor that code is generated for."""
    from rekindle.engine.code._processor import this_processor

    return this_processor().lanes


def plan(
    subjects: Sequence[Subject],
    lanes: int,
    *,
    in_lanes: bool,
    units: int = UNITS,
    card_group: int = 0,
    linear_states: int = 1,
) -> list[list[Batch]]:
    """Units of work, each a list of batches.

    Args:
        subjects: everybody.
        lanes: people in a group; those who share their times with nobody are run in one lane.
        in_lanes: False hands everybody to the general driver.
        units: units of work wanted at least.
        card_group: people with the same times from which they are run on a card; 0 for nobody.
        linear_states: states of the linear block, which decide how large a program is.
    """
    people = Subjects.of(subjects)
    most = min(max(len(people) // units // CHUNK * CHUNK, CHUNK), _LARGEST)
    schedules = people_by_schedule(people) if in_lanes else {None: [list(range(len(people)))]}
    batches = []
    for schedule, groups in schedules.items():
        if schedule is None:
            batches += _batches(groups, 0, most, most)
            continue
        few = []
        for places in groups:
            if 0 < card_group <= len(places):
                batches += _batches([places], lanes, CARD_CHUNK, CARD_CHUNK, on_card=True)
            else:
                few.append(places)
        if few:
            records = people.courses[people.course[few[0][0]]].records
            size = _block_size(records, people.parameters.shape[1], linear_states, most)
            batches += _batches(few, lanes, most, size)
    chunks: list[list[Batch]] = []
    size = most
    for batch in batches:
        if size + len(batch.places) > most:
            chunks.append([])
            size = 0
        chunks[-1].append(batch)
        size += len(batch.places)
    return chunks


def _batches(
    groups: Sequence[Sequence[int]], lanes: int, step: int, size: int, *, on_card: bool = False
) -> list[Batch]:
    """Batches of ``step`` people at most, who share their times, in blocks of ``size`` at most."""
    pieces = [
        (tuple(places[start : start + step]), min(lanes, 1) if len(places) == 1 else lanes)
        for places in groups
        for start in range(0, len(places), step)
    ]
    blocks: list[list[tuple[tuple[int, ...], int]]] = []
    total = size
    for piece in pieces:
        if total + len(piece[0]) > size:
            blocks.append([])
            total = 0
        blocks[-1].append(piece)
        total += len(piece[0])
    found = []
    for own in blocks:
        block, first = Block(tuple(place for places, _ in own for place in places), own[0][1]), 0
        for places, width in own:
            found.append(Batch(places, width, block, first, on_card))
            first += len(places)
    return found


def _block_size(records: Sequence[Record], occasions: int, states: int, step: int) -> int:
    """People of a block, a multiple of ``step``: as many as their program leaves room for."""
    doses = sum(1 + record.additional for record in records if record.is_dose)
    each = 8 * (4 * doses + 2 * changes(records, occasions) * states**2 + 1)
    return max(BLOCK_BYTES // each // step, 1) * step
