"""Parameters of everybody in one array, from values by name, by person or by columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.errors import ParameterError, nearest
from rekindle.modelling import Model

Array = NDArray[np.float64]

ParameterValues = Mapping[str, float | Sequence[float] | Array]


@dataclass(frozen=True, eq=False)
class ParameterTable:
    """Values that replace the model's own, one column a parameter: the quickest way to give them for many.

    Attributes:
        people: identifiers, in the order of the columns.
        columns: parameter -> shape (people,), or (people, occasions).

    >>> from rekindle import EventTable, load_model, simulate
    >>> from rekindle.engine import ParameterTable
    >>> text = "model m\\ntime [h]\\nparameter k [1/h] = 0.1\\nstate C [mg]\\nd/dt(C) = -k*C\\noutput A = C"
    >>> model = load_model(text)
    >>> events = EventTable.from_rows([dict(ID=i, TIME=0, AMT=100, CMT="C") for i in (1, 2)], model)
    >>> table = ParameterTable(("2", "1"), {"k": [0.2, 0.1]})
    >>> simulate(model, events, parameters=table, times=[10])["A"].round(2).tolist()
    [[36.79], [13.53]]
    """

    people: tuple[str, ...]
    columns: Mapping[str, ArrayLike]


Parameters = ParameterTable | ParameterValues | Mapping[str, ParameterValues]


def parameter_array(model: Model, people: Sequence[str], given: Parameters | None) -> Array:
    """Values (people, occasions, parameters) in the model's order.

    Args:
        model: whose values hold where none are given.
        people: everybody who is simulated.
        given: see ``solve``.

    Raises:
        ParameterError: an unknown, missing or non-finite parameter; names the person.
    """
    if isinstance(given, ParameterTable):
        return _table(model, people, *_columns(people, given))
    given = given or {}
    if any(isinstance(value, Mapping) for value in given.values()):
        return _table(model, people, *_by_person(people, given))
    one = _table(model, people[:1], *_by_person(people[:1], {people[0]: given}))
    return np.broadcast_to(one, (len(people), *one.shape[1:]))


#: Places of people, names of parameters, and their values (people, names, occasions).
_Part = tuple[list[int], tuple[str, ...], Array]


def _table(model: Model, people: Sequence[str], parts: Iterable[_Part], occasions: int) -> Array:
    """Put the values that were given over those of the model."""
    base = {name: parameter.value for name, parameter in model.parameters.items()}
    position = {name: place for place, name in enumerate(base)}
    table = np.empty((len(people), occasions, len(base)))
    table[:] = [np.nan if value is None else value for value in base.values()]
    for places, names, values in parts:
        _refuse_unknown(model, people[places[0]], names)
        _refuse_missing(model, people[places[0]], names)
        if names:
            wanted = np.minimum(np.arange(occasions), values.shape[2] - 1)
            columns = np.array([position[name] for name in names])
            table[np.array(places)[:, None], :, columns[None, :]] = values[:, :, wanted]
    if not np.isfinite(table).all():
        place, _, column = np.argwhere(~np.isfinite(table))[0]
        raise _not_finite(people[place], list(base)[column])
    return table


def _by_person(people: Sequence[str], given: Mapping[str, Any]) -> tuple[list[_Part], int]:
    """Values of people with the same names together, and the largest number of occasions."""
    own: list[Mapping[str, Any]] = [given.get(person, {}) for person in people]
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, values in enumerate(own):
        groups.setdefault(tuple(values), []).append(place)
    parts = []
    for names, places in groups.items():
        rows = [list(own[place].values()) for place in places]
        parts.append((places, names, _numbers([people[place] for place in places], names, rows)))
    return parts, max(values.shape[2] for _, _, values in parts)


def _numbers(people: Sequence[str], names: Sequence[str], rows: list[list[Any]]) -> Array:
    """Values (people, names, occasions); the last one that is given holds for later occasions."""
    if not names:
        return np.empty((len(rows), 0, 1))
    try:
        columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    except (TypeError, ValueError):  # sequences of different lengths, or no numbers
        columns = []
    most = max((column[0].size for column in columns), default=0)
    if most and all(column.shape[1:] in ((), (most,)) for column in columns):
        whole = [np.broadcast_to(column.reshape(len(rows), -1), (len(rows), most)) for column in columns]
        return np.stack(whole, axis=1)
    single = [_occasions(person, names, row) for person, row in zip(people, rows, strict=True)]
    most = np.arange(max(own.shape[1] for own in single))
    return np.array([own[:, np.minimum(most, own.shape[1] - 1)] for own in single])


def _occasions(person: str, names: Sequence[str], row: Sequence[Any]) -> Array:
    """Values (names, occasions) of one person."""
    columns = []
    for name, value in zip(names, row, strict=True):
        try:
            columns.append(np.atleast_1d(np.asarray(value, dtype=float)))
        except (TypeError, ValueError):
            raise _not_finite(person, name) from None
    most = max((len(column) for column in columns), default=1)
    for name, column in zip(names, columns, strict=True):
        if column.ndim != 1 or len(column) not in (1, most):
            raise ParameterError(
                "RK-PAR-006",
                given=f'person {person}: parameter "{name}" has {len(column)} values, another one {most}',
                allowed="One value, or one for each occasion",
                why="It would not be clear which occasion a value belongs to",
            )
    return np.array([np.broadcast_to(column, most) for column in columns])


def _columns(people: Sequence[str], given: ParameterTable) -> tuple[list[_Part], int]:
    """The columns of the people who are simulated, in their order."""
    position = {person: place for place, person in enumerate(given.people)}
    if len(position) < len(given.people) or not position.keys() >= set(people):
        absent = next((person for person in people if person not in position), None)
        raise ParameterError(
            "RK-PAR-007",
            given="a person stands twice in the parameter table"
            if absent is None
            else f"person {absent} is not in the parameter table",
            allowed="Everybody of the event table, once",
        )
    order = np.array([position[person] for person in people])
    columns = {name: np.asarray(column, dtype=float) for name, column in given.columns.items()}
    most = max((column.shape[1] for column in columns.values() if column.ndim == 2), default=1)
    for name, column in columns.items():
        if len(column) != len(position) or column.shape[1:] not in ((), (1,), (most,)):
            raise ParameterError(
                "RK-PAR-006",
                given=f'column "{name}" of the parameter table has shape {column.shape}',
                allowed=f"({len(position)},), or ({len(position)}, occasions) with as many as the others",
            )
    found = [
        np.broadcast_to(column.reshape(len(column), -1), (len(column), most)) for column in columns.values()
    ]
    values = np.array([column[order] for column in found]).reshape(len(found), len(order), most)
    return [(list(range(len(people))), tuple(columns), values.transpose(1, 0, 2))], most


def _refuse_unknown(model: Model, person: str, names: Iterable[str]) -> None:
    for name in names:
        if name not in model.parameters:
            raise ParameterError(
                "RK-PAR-001",
                given=f'person {person}: parameter "{name}" is not in model "{model.name}"'
                f"{nearest(name, model.parameters)}",
                remedy="See `rekindle model show` for the names",
            )


def _refuse_missing(model: Model, person: str, names: Iterable[str]) -> None:
    for name, parameter in model.parameters.items():
        if parameter.value is None and name not in names:
            raise ParameterError(
                "RK-PAR-004",
                given=f'person {person}: parameter "{name}" has no value',
                why="The model gives none, on purpose",
                remedy=f"Give parameters={{{name!r}: ...}} in {parameter.unit}",
            )


def _not_finite(person: str, name: str) -> ParameterError:
    return ParameterError(
        "RK-PAR-005", given=f'person {person}: parameter "{name}" is not finite', allowed="Finite numbers"
    )
