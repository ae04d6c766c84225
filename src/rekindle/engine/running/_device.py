"""Whether people are run on a graphics card or on the processor: decided before a run, with the reason.

The numbers of the rule are judged, not measured: no card was at hand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from rekindle.engine.gpu._driver import OLDEST_CAPABILITY, Card, CardError, load_driver
from rekindle.errors import SolverError, nearest

DEVICES = ("auto", "cpu", "gpu")
#: Fewer people neither fill a card nor outweigh the seconds in which its driver translates a model.
LEAST_PEOPLE = 10_000
#: Times that double precision is slower than single; 2 on cards for computing, 32 or more on others.
MOST_DOUBLE_COST = 4
#: Solvers that a card has.
_ON_CARD = ("auto", "L1'", "L1", "L0")


@dataclass(frozen=True)
class Device:
    """Where people are run.

    Attributes:
        group: people with one schedule from which they go to the card; 0 keeps everybody on the processor.
        required: whether a failure of the card is an error.
        reason: why, in words.
    """

    group: int = 0
    required: bool = False
    reason: str = "the processor was asked for"


#: Everybody on the processor.
PROCESSOR = Device()


def choose_device(wanted: str, *, solver: str, ramps: Collection[str], people: int) -> Device:
    """Decide where a run takes place.

    Args:
        wanted: "auto", "cpu" or "gpu".
        solver: as asked for.
        ramps: covariates that move between records; who has them is run by the general driver.
        people: how many there are.

    Raises:
        SolverError: an unknown device, "gpu" where there is no card, or with a solver that no card has.
    """
    if wanted not in DEVICES:
        raise SolverError(
            "RK-SOL-020",
            given=f'device "{wanted}"{nearest(wanted, DEVICES)}',
            allowed=f"device: {', '.join(DEVICES)}",
        )
    if wanted == "cpu":
        return PROCESSOR
    required = wanted == "gpu"
    if solver not in _ON_CARD:
        if required:
            raise SolverError(
                "RK-SOL-031",
                given=f'device "gpu" with solver "{solver}"',
                allowed=f"On a card: {', '.join(_ON_CARD)}",
                remedy='Leave the solver to "auto", or use device "cpu"',
            )
        return Device(reason=f'solver "{solver}" runs on the processor')
    if ramps:
        return Device(reason=f"covariates move between records: {', '.join(sorted(ramps))}")
    if not required and people < LEAST_PEOPLE:
        return Device(reason=f"fewer than {LEAST_PEOPLE} people")
    try:
        card = find_card()
    except CardError as problem:
        if required:
            raise SolverError(
                "RK-SOL-030",
                given=f'device "gpu", but {problem}',
                allowed=f"An NVIDIA card of compute capability {_capability(OLDEST_CAPABILITY)} or newer, "
                "with its driver",
                remedy='Check with nvidia-smi that the card is seen, or use device "auto" or "cpu"',
            ) from None
        return Device(reason=str(problem))
    if not required and card.double_cost > MOST_DOUBLE_COST:
        slower = f"{card.double_cost} times slower in double precision than in single"
        return Device(reason=f"{card.name} is {slower}")
    return Device(1 if required else LEAST_PEOPLE, required, card.name)


def card_failure(name: str, problem: CardError) -> SolverError:
    """The error of a run on a card that was asked for."""
    return SolverError(
        "RK-SOL-032",
        given=f"the card {name} could not finish the run: {problem}",
        why="Nobody was run elsewhere, because the card was asked for",
        remedy='Use device "auto", which carries on with the processor, or "cpu"',
    )


def _capability(pair: tuple[int, int]) -> str:
    return ".".join(map(str, pair))


def find_card() -> Card:
    """The card of this machine, looked for once.

    Raises:
        CardError: why there is none, in words.
    """
    found = _search()
    if isinstance(found, str):
        raise CardError(found)
    return found


@lru_cache(maxsize=1)
def _search() -> Card | str:
    try:
        card = Card(load_driver())
    except CardError as problem:
        return str(problem)
    if card.capability < OLDEST_CAPABILITY:
        return f"{card.name} has compute capability {_capability(card.capability)}"
    return card
