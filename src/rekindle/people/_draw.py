"""Draw one person's parameters from typical values and variability."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import ParameterError, PersonError, nearest
from rekindle.people._correlation import correlate
from rekindle.people._crowd_normals import standard_normals
from rekindle.people._random import Stream
from rekindle.people._variability import Level, Variability, check_typical

if TYPE_CHECKING:
    from rekindle.modelling import Model
    from rekindle.people._person import Person

Array = NDArray[np.float64]
Drawn = dict[str, float | Array]


@dataclass(frozen=True)
class DrawnCrowd:
    """Parameters of some people.

    Attributes:
        shared: what is the same for all: name -> float or array of shape (occasions,).
        varied: name -> array of shape (people,), or (occasions, people) for what changes between occasions.
    """

    shared: Drawn
    varied: Mapping[str, Array]

    def columns(self, people: int) -> dict[str, Array]:
        """All of them in columns of shape (people, occasions), or (people, 1) for what stays."""
        same = {name: np.atleast_1d(value) for name, value in self.shared.items()}
        found = {name: np.broadcast_to(one, (people, len(one))) for name, one in same.items()}
        return found | {name: np.atleast_2d(values).T for name, values in self.varied.items()}

    def of(self, place: int) -> Drawn:
        """Parameters of one of them, as ``draw_parameters`` gives them."""
        own = {name: values[..., place] for name, values in self.varied.items()}
        return self.shared | {name: one if one.ndim else float(one) for name, one in own.items()}


@dataclass(frozen=True)
class Normals:
    """Independent standard normal numbers of one person, by parameter: between people, and by occasion."""

    person: Mapping[str, float]
    occasions: tuple[Mapping[str, float], ...]


def draw_effects(
    variability: Variability, level: Level, *, seed: int, trial: int, person: int | str, occasion: int
) -> dict[str, float]:
    """Return eta of every parameter that varies at one level, for one person and occasion (0 for a person).

    Each parameter has a stream of its own, so its independent part does not depend on which others vary.
    """
    normals = draw_normals(variability, level, [person], seed=seed, trial=trial, occasion=occasion)
    return {name: float(etas[0]) for name, etas in _etas(variability, level, normals).items()}


def draw_normals(
    variability: Variability,
    level: Level,
    people: Sequence[int | str],
    *,
    seed: int,
    trial: int,
    occasion: int,
) -> Array:
    """Return the independent standard normal numbers behind ``draw_effects``, shape (effects, people)."""
    names = [effect.parameter for effect in variability.at(level)]
    return standard_normals(seed, trial, people, occasion, Stream.PARAMETERS, names)


def _etas(variability: Variability, level: Level, normals: Array) -> dict[str, Array]:
    correlated = correlate(variability.roots[level], normals)
    return {
        effect.parameter: effect.omega * own
        for effect, own in zip(variability.at(level), correlated, strict=True)
    }


def draw_parameters(
    model: Model,
    variability: Variability,
    *,
    seed: int,
    person: int | str,
    trial: int = 0,
    occasions: int = 1,
    typical: Mapping[str, float | Sequence[float]] | None = None,
    normals: Normals | None = None,
) -> Drawn:
    """Draw the parameters of one person.

    On its scale a parameter is typical value + eta of the person + eta of the occasion.

    Args:
        model: gives the typical values, in its units.
        variability: random effects and correlations.
        seed: seed of the simulation.
        person: identifier of the person; the numbers depend on nobody else.
        trial: replicate of the trial.
        occasions: number of occasions (sessions).
        typical: values that replace the model's, one number or one for each occasion (interacting drugs that
            start or stop); they may name parameters that do not vary.
        normals: numbers in place of drawn ones (see ``draw_evenly``), for at least as many occasions.

    Returns:
        Parameter name -> float, or array of shape (occasions,) for what changes between occasions. What
        neither varies nor is in ``typical`` is left out and keeps the model's value.

    Raises:
        ParameterError: a parameter that the model does not have, or a typical value its scale cannot hold.
        PersonError: fewer than one occasion, or as many typical values as there are not occasions.
    """
    return draw_crowd(
        model,
        variability,
        [person],
        seed=seed,
        trial=trial,
        occasions=occasions,
        typical=typical,
        normals=None if normals is None else [normals],
    ).of(0)


def draw_crowd(
    model: Model,
    variability: Variability,
    people: Sequence[int | str],
    *,
    seed: int,
    trial: int = 0,
    occasions: int = 1,
    typical: Mapping[str, float | Sequence[float]] | None = None,
    normals: Sequence[Normals] | None = None,
) -> DrawnCrowd:
    """Draw the parameters of people who share their typical values; see ``draw_parameters``.

    A person's numbers are those that ``draw_parameters`` gives, whoever else is drawn.
    """
    if occasions < 1:
        raise PersonError("RK-PER-009", given=f"{occasions} occasions", allowed="At least 1")
    shared = _typical_values(model, variability, typical or {}, occasions)
    if normals is None:
        key: Any = {"seed": seed, "trial": trial}
        between = draw_normals(variability, "person", people, **key, occasion=0)
        within = [
            draw_normals(variability, "occasion", people, **key, occasion=number)
            for number in range(1, occasions + 1)
        ]
    else:
        between = _given(variability, "person", [one.person for one in normals])
        within = [
            _given(variability, "occasion", [one.occasions[number] for one in normals])
            for number in range(min(occasions, *(len(one.occasions) for one in normals)))
        ]
    person = _etas(variability, "person", between)
    occasion = [_etas(variability, "occasion", own) for own in within]
    varied = {}
    for effect in {effect.parameter: effect for effect in variability.effects}.values():
        name = effect.parameter
        value = shared.pop(name)
        check_typical(effect, [value] if isinstance(value, float) else value.tolist())
        eta = person[name] if name in person else np.zeros(len(people))
        if occasion and name in occasion[0]:
            eta = eta + np.array([etas[name] for etas in occasion])
        varied[name] = _moved(effect.scale, np.asarray(value)[..., None], eta)
    return DrawnCrowd(shared, varied)


def _given(variability: Variability, level: Level, normals: Sequence[Mapping[str, float]]) -> Array:
    return np.array([[own[effect.parameter] for own in normals] for effect in variability.at(level)])


def draw_people(
    model: Model,
    variability: Variability,
    people: Iterable[Person],
    *,
    seed: int,
    trial: int = 0,
    occasions: int = 1,
) -> dict[str, Drawn]:
    """Return person id -> parameters (see ``draw_parameters``), as the engine takes them.

    >>> from rekindle.people import Person, RandomEffect, Variability
    >>> from rekindle.modelling import Model, Parameter
    >>> model = Model("m", "h", {}, {}, {"CL": Parameter("CL", "L/h", 5.0)})
    >>> variability = Variability((RandomEffect("CL", "log", 0.3, "person"),))
    >>> drawn = draw_people(model, variability, [Person(1), Person(2)], seed=4)
    >>> list(drawn), drawn["1"]["CL"] != drawn["2"]["CL"]
    (['1', '2'], True)
    """
    identifiers = [person.id for person in people]
    drawn = draw_crowd(model, variability, identifiers, seed=seed, trial=trial, occasions=occasions)
    return {person: drawn.of(place) for place, person in enumerate(identifiers)}


def _typical_values(
    model: Model,
    variability: Variability,
    given: Mapping[str, float | Sequence[float]],
    occasions: int,
) -> Drawn:
    variability.check(model, given)
    values: Drawn = {}
    for name in variability.parameters:
        value = model.parameters[name].value
        if value is not None:
            values[name] = float(value)
    for name, entry in given.items():
        if name not in model.parameters:
            raise ParameterError(
                "RK-PAR-084",
                given=f'typical value of "{name}", which model "{model.name}" does not have'
                f"{nearest(name, model.parameters)}",
                remedy="See `rekindle model show` for the names",
            )
        array = np.asarray(entry, dtype=float)
        if array.ndim and array.shape != (occasions,):
            raise PersonError(
                "RK-PER-009",
                given=f'{array.size} typical values of "{name}" for {occasions} occasions',
                allowed="One number, or one for each occasion",
            )
        values[name] = array if array.ndim else float(array)
    return values


def _moved(scale: str, value: Array, eta: Array) -> Array:
    # The exponential of NumPy differs in the last bit from one processor to another.
    grown = [math.exp(by) for by in (eta if scale == "log" else -eta).ravel().tolist()]
    factors = np.array(grown).reshape(eta.shape)
    moved: Array = value * factors if scale == "log" else 1 / (1 + (1 - value) / value * factors)
    return moved
