"""Who is stepped together: batches of people with one schedule, packed into units of work.

The plan depends on the people alone, not on the number of workers, so that neither do the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rekindle.engine._program import schedule_of
from rekindle.engine._subject import Subject

#: People per unit of work: small enough to lose little, large enough to make files and messages rare; whole
#: groups at any number of lanes. What the people of a unit share is worked out once, so that units grow with
#: the number of people, as long as there are enough of them for many workers.
CHUNK = 48
_LARGEST = 5 * CHUNK
#: Units of work into which people are cut at least, if that does not make them small.
UNITS = 32
#: People per unit of work on a card, whose memory decides how many of them are run at once.
CARD_CHUNK = 65_536


@dataclass(frozen=True)
class Batch:
    """People who are stepped together in groups of ``lanes``; 0 lanes: by the general driver, one by one.

    Those ``on_card`` are tried there first.
    """

    places: tuple[int, ...]
    lanes: int
    on_card: bool = False


def host_lanes() -> int:
    """Doubles in the widest vector of the processor that code is generated for."""
    from rekindle.engine._processor import this_processor

    return this_processor().lanes


def plan(
    subjects: Sequence[Subject], lanes: int, *, in_lanes: bool, units: int = UNITS, card_group: int = 0
) -> list[list[Batch]]:
    """Units of work, each a list of batches.

    Args:
        subjects: everybody.
        lanes: people in a group; those who share their schedule with nobody are run in one lane.
        in_lanes: False hands everybody to the general driver.
        units: units of work wanted at least.
        card_group: people with one schedule from which they are run on a card; 0 for nobody.
    """
    most = min(max(len(subjects) // units // CHUNK * CHUNK, CHUNK), _LARGEST)
    schedules: dict[Any, list[int]] = {}
    for place, subject in enumerate(subjects):
        schedules.setdefault(schedule_of(subject) if in_lanes else None, []).append(place)
    batches = []
    for schedule, places in schedules.items():
        own = 0 if schedule is None else 1 if len(places) == 1 else lanes
        on_card = bool(own and card_group and len(places) >= card_group)
        step = CARD_CHUNK if on_card else most
        batches += [Batch(tuple(places[i : i + step]), own, on_card) for i in range(0, len(places), step)]
    chunks: list[list[Batch]] = []
    size = most
    for batch in batches:
        if size + len(batch.places) > most:
            chunks.append([])
            size = 0
        chunks[-1].append(batch)
        size += len(batch.places)
    return chunks
