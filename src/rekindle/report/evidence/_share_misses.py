"""Responders and remitters: what a miss beyond the aim may come from, and what chance alone would leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from rekindle.report._format import number
from rekindle.report._page import PageFigure, PageTable, Section
from rekindle.report.evidence._aims import SHARE_POINTS, share_held, share_rows
from rekindle.report.evidence._groupings import signed
from rekindle.report.evidence._groups import grouped, of_role, roles_of
from rekindle.report.evidence._names import plain_name
from rekindle.report.evidence._points import EvidencePoint
from rekindle.report.evidence._tables import role_words

HELD, CHANCE, COVERED, MISSED, UNKNOWN = range(5)
_COLUMNS = (
    "within 10 points",
    "beyond, but choice of people alone could do it",
    "beyond, inside the 90 % interval",
    "beyond and outside it",
    "beyond, arm of unknown size",
)
#: Ends of the sizes of arms that are counted together.
_SIZES = ((15, "up to 15 people"), (50, "16 to 50 people"), (150, "51 to 150 people"))
_LARGER, _UNSTATED = "more than 150 people", "size not stated"
_TAIL = 0.05


def cause(point: EvidencePoint) -> int:
    """Which column of the tables a row belongs to.

    The choice of people could do it where the number of people observed lies in the middle 90 % of the
    binomial distribution around the predicted share.
    """
    if share_held(point):
        return HELD
    if point.outside:
        return MISSED
    if point.people is None:
        return UNKNOWN
    return CHANCE if _by_chance(point, point.people) else COVERED


def expected_within(point: EvidencePoint) -> float | None:
    """Chance that an arm of this size reports a share within the aim if the prediction is exact."""
    if point.people is None:
        return None
    from scipy.stats import binom

    _, predicted, _, _ = point.numbers
    chances = binom.pmf(range(point.people + 1), point.people, predicted / 100.0)
    return math.fsum(
        chance
        for count, chance in enumerate(np.asarray(chances).tolist())
        if abs(100.0 * count / point.people - predicted) <= SHARE_POINTS
    )


def share_section(points: Sequence[EvidencePoint], figures: Sequence[PageFigure]) -> Section | None:
    """Where misses of response and remission may come from; None without such rows."""
    rows = share_rows(points)
    if not rows:
        return None
    words = [_words(role, of_role(rows, role)) for role in roles_of(rows)]
    told = (
        "An arm of 30 people reports a share of 50 % with a standard error of 9 points: one such arm in five "
        "misses by more than ten points through the choice of its people alone, however good the prediction. "
        "Rows beyond the aim are therefore parted by what could have put them there. Several rows of one arm "
        "are news of the same people and miss together."
    )
    tables = [
        _table(role, name, of_role(rows, role), key) for role in roles_of(rows) for name, key in _KEYS.items()
    ]
    return Section("Why shares of people miss", [told, *words], figures, tables)


def _by_chance(point: EvidencePoint, people: int) -> bool:
    from scipy.stats import binom

    observed, predicted, _, _ = point.numbers
    count, share = round(people * observed / 100.0), predicted / 100.0
    return bool(binom.cdf(count, people, share) > _TAIL and binom.sf(count - 1, people, share) > _TAIL)


def _words(role: str, rows: Sequence[EvidencePoint]) -> str:
    counts = [sum(cause(point) == place for point in rows) for place in range(len(_COLUMNS))]
    chances = [chance for point in rows if (chance := expected_within(point)) is not None]
    words = role_words(role)
    sentences = [
        f"{words[:1].upper()}{words[1:]}: {counts[HELD]} of {len(rows)} lie within {SHARE_POINTS:g} points.",
        f"If every prediction were exact, {number(sum(chances))} of the {len(chances)} with a known size "
        "would be expected there."
        if chances
        else "",
    ]
    beyond = len(rows) - counts[HELD]
    if beyond:
        sentences.append(
            f"Of the {beyond} beyond, choice of people alone could account for {counts[CHANCE]}; "
            f"{counts[COVERED]} more lie inside their interval, which also holds what is not known of the "
            f"parameters, the mechanism and the study; {counts[MISSED]} lie outside it."
        )
    if counts[UNKNOWN]:
        sentences.append(f"{counts[UNKNOWN]} inside their interval do not state their size.")
    return " ".join(sentence for sentence in sentences if sentence)


def size_class(point: EvidencePoint) -> str:
    """The size of an arm in words."""
    people = point.people
    if people is None:
        return _UNSTATED
    return next((words for end, words in _SIZES if people <= end), _LARGER)


def criterion(point: EvidencePoint) -> str:
    """Response or remission, by which rule."""
    name = plain_name(point.name.removesuffix("_pct"))
    return f"{name}, {point.threshold or 'rule not stated'}"


_KEYS: dict[str, Callable[[EvidencePoint], str]] = {
    "number of people": size_class,
    "criterion": criterion,
    "control class": lambda point: plain_name(point.control_class),
}


def _table(
    role: str, name: str, rows: Sequence[EvidencePoint], key: Callable[[EvidencePoint], str]
) -> PageTable:
    order = [*(words for _, words in _SIZES), _LARGER, _UNSTATED]
    groups = grouped(rows, key)
    cells = []
    for group in sorted(groups, key=lambda one: (order.index(one) if one in order else 0, one)):
        own = groups[group]
        chances = [chance for point in own if (chance := expected_within(point)) is not None]
        errors = [point.error for point in own]
        cells.append(
            (
                group,
                str(len(own)),
                *(str(sum(cause(point) == place for point in own)) for place in _shown(rows)),
                f"{number(sum(chances), 2)} of {len(chances)}" if chances else "–",
                signed(sum(errors) / len(errors)),
            )
        )
    columns = [_COLUMNS[place] for place in _shown(rows)]
    return PageTable(
        f"By {name}, {role_words(role)}.",
        (name, "rows", *columns, "within if exact", "mean error, points"),
        cells,
    )


def _shown(rows: Sequence[EvidencePoint]) -> list[int]:
    """Columns of the tables; arms of unknown size have one where there are any."""
    unknown = any(cause(point) == UNKNOWN for point in rows)
    return [HELD, CHANCE, COVERED, MISSED, *([UNKNOWN] if unknown else [])]
