"""Draw one person's parameters from typical values and variability."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rekindle.errors import ParameterError, PersonError, nearest
from rekindle.people._correlation import correlate
from rekindle.people._random import Stream, random_generator
from rekindle.people._variability import Level, RandomEffect, Variability, check_typical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rekindle.modelling import Model
    from rekindle.people._person import Person

    Drawn = dict[str, float | NDArray[np.float64]]


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
    normals = draw_normals(variability, level, seed=seed, trial=trial, person=person, occasion=occasion)
    return _etas(variability, level, normals)


def draw_normals(
    variability: Variability, level: Level, *, seed: int, trial: int, person: int | str, occasion: int
) -> dict[str, float]:
    """Return the independent standard normal numbers behind ``draw_effects``."""
    return {
        effect.parameter: float(
            random_generator(
                seed, trial, person, occasion, Stream.PARAMETERS, effect.parameter
            ).standard_normal()
        )
        for effect in variability.at(level)
    }


def _etas(variability: Variability, level: Level, normals: Mapping[str, float]) -> dict[str, float]:
    effects = variability.at(level)
    if not effects:
        return {}
    correlated = correlate(variability.roots[level], {e.parameter: normals[e.parameter] for e in effects})
    return {effect.parameter: effect.omega * correlated[effect.parameter] for effect in effects}


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
    if occasions < 1:
        raise PersonError("RK-PER-009", given=f"{occasions} occasions", allowed="At least 1")
    drawn = _typical_values(model, variability, typical or {}, occasions)
    if normals is None:
        between = draw_effects(variability, "person", seed=seed, trial=trial, person=person, occasion=0)
        within = [
            draw_effects(variability, "occasion", seed=seed, trial=trial, person=person, occasion=number)
            for number in range(1, occasions + 1)
        ]
    else:
        between = _etas(variability, "person", normals.person)
        within = [_etas(variability, "occasion", own) for own in normals.occasions[:occasions]]
    for effect in {effect.parameter: effect for effect in variability.effects}.values():
        name = effect.parameter
        value = drawn[name]
        check_typical(effect, np.atleast_1d(value).tolist())
        eta: float | NDArray[np.float64] = between.get(name, 0.0)
        if within and name in within[0]:
            eta = eta + np.array([effects[name] for effects in within])
        drawn[name] = _shift(effect, value, eta)
    return drawn


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
    return {
        person.id: draw_parameters(
            model, variability, seed=seed, person=person.id, trial=trial, occasions=occasions
        )
        for person in people
    }


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


def _shift(
    effect: RandomEffect, value: float | NDArray[np.float64], eta: float | NDArray[np.float64]
) -> float | NDArray[np.float64]:
    if isinstance(value, float) and isinstance(eta, float):
        return _moved(effect.scale, value, eta)
    values, etas = np.broadcast_arrays(value, eta)
    pairs = zip(values.tolist(), etas.tolist(), strict=True)
    return np.array([_moved(effect.scale, one, by) for one, by in pairs])


def _moved(scale: str, value: float, eta: float) -> float:
    if scale == "log":
        return value * math.exp(eta)
    return 1 / (1 + (1 - value) / value * math.exp(-eta))
