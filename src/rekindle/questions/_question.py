"""The ten questions: their texts, what was published on them, and where the published numbers stand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rekindle.errors import ParameterError, nearest


@dataclass(frozen=True, slots=True)
class Published:
    """A row of a shipped evidence table.

    Attributes:
        label: words for the table of the answer.
        table: ``outcomes``, ``plasma`` or ``facts``.
        keys: column -> text that picks exactly one row.
        quantity: key of the simulated quantity beside it; empty where the row is simulated as its trial was
            run.
    """

    label: str
    table: str
    keys: Mapping[str, str]
    quantity: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        number: 1 to 10.
        name: short name, which is also that of its module.
        title: the question.
        asks: what is simulated for it, in one line.
        evidence: what was observed, in sentences.
        model: what is assumed or calibrated.
        unknown: what nobody can say.
        published: rows of the evidence tables that belong to it.
    """

    number: int
    name: str
    title: str
    asks: str
    evidence: tuple[str, ...]
    model: tuple[str, ...]
    unknown: tuple[str, ...]
    published: tuple[Published, ...]


@cache
def questions() -> tuple[Question, ...]:
    """All questions in their order.

    >>> questions()[0].name
    'onset'
    """
    folder = files("rekindle.questions").joinpath("data")
    found = [
        _read(tomllib.loads(one.read_text(encoding="utf-8")), one.name.removesuffix(".toml"))
        for one in folder.iterdir()
        if one.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda one: one.number))


def find_question(which: int | str) -> Question:
    """A question by its number or name.

    Raises:
        ParameterError: no such question.

    >>> find_question(1) == find_question("onset")
    True
    """
    for one in questions():
        if str(which) in (str(one.number), one.name):
            return one
    known = [one.name for one in questions()]
    raise ParameterError(
        "RK-PAR-260",
        given=f'question "{which}"{nearest(str(which), known)}',
        allowed="; ".join(f"{one.number} or {one.name}" for one in questions()),
        remedy="List them with `rekindle question`",
    )


def _read(table: Mapping[str, Any], name: str) -> Question:
    texts = {key: tuple(table[key]) for key in ("evidence", "model", "unknown")}
    return Question(
        table["number"],
        name,
        table["title"],
        table["asks"],
        **texts,
        published=tuple(_published(row) for row in table.get("published", ())),
    )


def _published(row: Mapping[str, Any]) -> Published:
    other = ("label", "table", "quantity")
    keys = {key: f"{value:g}" if isinstance(value, float | int) else value
            for key, value in row.items() if key not in other}  # fmt: skip
    return Published(row["label"], row.get("table", "outcomes"), keys, row.get("quantity", ""))
