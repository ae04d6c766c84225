"""How parameters vary between people and between occasions: tables of random effects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from itertools import combinations
from os import PathLike
from typing import TYPE_CHECKING, Literal

from rekindle.errors import ParameterError, PersonError, nearest
from rekindle.people._correlation import Correlation, correlation_root, read_correlations
from rekindle.people._tables import read_choice, read_number, read_provenance, read_rows
from rekindle.therapy import ALTERNATIVES, default_parameters, pharmacokinetic_models

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rekindle.modelling import Model

_COLUMNS = ("parameter", "scale", "omega", "level", "mark", "source", "description")
_GROUP_COLUMNS = ("group", "correlation")

Level = Literal["person", "occasion"]


#: Values of a scale around which nothing can vary.
_ENDS: dict[str, tuple[float, ...]] = {"log": (0.0,), "logit": (0.0, 1.0)}


@dataclass(frozen=True, slots=True)
class RandomEffect:
    """One row: ``parameter`` varies with standard deviation ``omega`` of eta, at one level.

    Scale ``log`` means P·exp(eta), ``logit`` means logistic(logit(P) + eta); eta is normal with mean 0.
    """

    parameter: str
    scale: str
    omega: float
    level: str
    mark: str = "user"
    source: str = "set by the user"
    description: str = ""


@dataclass(frozen=True)
class Variability:
    """Random effects at the levels ``person`` and ``occasion``, and their correlations.

    A correlation concerns the level ``person`` if both parameters vary there, else the level ``occasion``.

    Raises:
        PersonError: a parameter twice at one level or on two scales, a correlation with a parameter that
            does not vary, correlations that contradict each other.

    >>> effects = (RandomEffect("CL", "log", 0.3, "person"), RandomEffect("F", "logit", 0.2, "occasion"))
    >>> [effect.parameter for effect in Variability(effects).at("occasion")]
    ['F']
    """

    effects: tuple[RandomEffect, ...]
    correlations: tuple[Correlation, ...] = ()

    def __post_init__(self) -> None:
        scales: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        for effect in self.effects:
            place = (effect.parameter, effect.level)
            if place in seen or scales.setdefault(effect.parameter, effect.scale) != effect.scale:
                raise PersonError(
                    "RK-PER-008",
                    given=f'"{effect.parameter}" is given twice at level {effect.level}, or on two scales',
                    allowed="One row for each parameter and level, on one scale",
                )
            seen.add(place)
        self.roots  # noqa: B018 - contradicting correlations must fail here, not at the first draw

    def at(self, level: Level) -> tuple[RandomEffect, ...]:
        """Return the effects of one level, in the order of the table."""
        return tuple(effect for effect in self.effects if effect.level == level)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that vary, each once."""
        return tuple(dict.fromkeys(effect.parameter for effect in self.effects))

    @cached_property
    def roots(self) -> dict[str, NDArray[np.float64]]:
        """Triangular root of the correlation matrix of each level."""
        people = [effect.parameter for effect in self.at("person")]
        both = [item for item in self.correlations if {item.first, item.second} <= set(people)]
        other = [item for item in self.correlations if item not in both]
        occasions = [effect.parameter for effect in self.at("occasion")]
        return {"person": correlation_root(people, both), "occasion": correlation_root(occasions, other)}

    def only(self, parameters: Collection[str]) -> Variability:
        """Return the variability of some parameters; the rest stay at their typical values.

        The numbers drawn for the parameters that remain are the same as before, unless they were correlated
        with an earlier one that was taken out.
        """
        for name in parameters:
            if name not in self.parameters:
                raise ParameterError(
                    "RK-PAR-081",
                    given=f'parameter "{name}" does not vary{nearest(name, self.parameters)}',
                    allowed=f"Those that vary: {', '.join(self.parameters)}",
                )
        return Variability(
            tuple(effect for effect in self.effects if effect.parameter in parameters),
            tuple(item for item in self.correlations if {item.first, item.second} <= set(parameters)),
        )

    def of(self, model: Model) -> Variability:
        """Return the variability of the parameters that a model has (a part of the therapy model, say)."""
        return self.only([name for name in self.parameters if name in model.parameters])

    def around(self, model: Model, given: Collection[str] = ()) -> Variability:
        """Return what can vary in a model, for parameters that have its values unless they are ``given``.

        A share that a model states as none or as the whole has nothing to vary around and is left out, as
        with a compound that is absorbed completely or has no metabolite.
        """
        known = self.of(model)
        fixed = {
            effect.parameter
            for effect in known.effects
            if effect.parameter not in given
            and model.parameters[effect.parameter].value in _ENDS[effect.scale]
        }
        return known.only([name for name in known.parameters if name not in fixed]) if fixed else known

    def without(self, level: Level) -> Variability:
        """Return a copy in which nothing varies at one level."""
        effects = tuple(effect for effect in self.effects if effect.level != level)
        left = {effect.parameter for effect in effects}
        return Variability(effects, tuple(c for c in self.correlations if {c.first, c.second} <= left))

    def scaled(self, factor: float) -> Variability:
        """Return a copy with every omega multiplied by a factor (0 switches variability off)."""
        if not factor >= 0:
            raise PersonError("RK-PER-008", given=f"factor {factor} of omega", allowed="A number from 0")
        return replace(self, effects=tuple(replace(e, omega=e.omega * factor) for e in self.effects))

    def with_spread(self, spread: Mapping[str, float]) -> Variability:
        """Return a copy with other omegas between people, by parameter; others are ignored.

        >>> default_variability().with_spread({"kelim": 0.5}).only(["kelim"]).effects[0].omega
        0.5
        """
        if not spread:
            return self
        effects = (
            replace(effect, omega=spread.get(effect.parameter, effect.omega))
            if effect.level == "person"
            else effect
            for effect in self.effects
        )
        return replace(self, effects=tuple(effects))

    def with_correlation(self, correlation: Mapping[tuple[str, str], float]) -> Variability:
        """Return a copy with other correlations between two parameters; pairs that do not vary are ignored.

        >>> pair = ("course_sensitivity", "mood_sensitivity")
        >>> moved = default_variability().with_correlation({pair: 0.25})
        >>> [item.value for item in moved.correlations if {item.first, item.second} == set(pair)]
        [0.25]
        """
        moved = {frozenset(pair): value for pair, value in correlation.items()}
        if not moved:
            return self
        return replace(
            self,
            correlations=tuple(
                replace(item, value=moved.get(frozenset((item.first, item.second)), item.value))
                for item in self.correlations
            ),
        )

    def check(self, model: Model, given: Collection[str] = ()) -> None:
        """Check that the model has every parameter, with a value that its scale can hold.

        Values of the parameters in ``given`` are not looked at: somebody else states them.

        Raises:
            ParameterError: an unknown parameter (with the nearest name), one without a value, a value that
                is not positive (scale log) or not between 0 and 1 (scale logit).
        """
        for effect in self.effects:
            known = model.parameters.get(effect.parameter)
            if known is None:
                raise ParameterError(
                    "RK-PAR-082",
                    given=f'variability is stated for "{effect.parameter}", which model "{model.name}" does '
                    f"not have{nearest(effect.parameter, model.parameters)}",
                    remedy="Correct the name, or keep the wanted rows with `only`",
                )
            if effect.parameter not in given:
                check_typical(effect, () if known.value is None else (known.value,))


def check_typical(effect: RandomEffect, values: Sequence[float]) -> None:
    """Refuse typical values that the scale of an effect cannot hold."""
    inside = [value > 0 if effect.scale == "log" else 0 < value < 1 for value in values]
    if not (inside and all(inside)):
        raise ParameterError(
            "RK-PAR-083",
            given=f'typical value of "{effect.parameter}" is {list(values) or "not given"}, varied on the '
            f"{effect.scale} scale",
            allowed="A number above 0" if effect.scale == "log" else "A number between 0 and 1, not 0 or 1",
        )


def read_variability(
    path: str | PathLike[str], correlations: str | PathLike[str] | None = None
) -> Variability:
    """Read a table of random effects, and if given the table of their correlations.

    Args:
        path: comma-separated, columns parameter, scale (log or logit), omega (SD of eta), level (person or
            occasion), mark, source, description; optionally group and correlation: all parameters of a
            group have that correlation with each other.
        correlations: comma-separated, columns parameter_1, parameter_2, correlation, mark, source.

    Raises:
        PersonError: naming file and row, for anything that cannot be used as written.
    """
    effects: list[RandomEffect] = []
    groups: dict[str, list[Correlation]] = {}
    for place, row in read_rows(path, _COLUMNS, _GROUP_COLUMNS):
        scale = read_choice(place, row, "scale", ("log", "logit"))
        level = read_choice(place, row, "level", ("person", "occasion"))
        omega = read_number(place, row, "omega", low=0)
        mark, source = read_provenance(place, row)
        effects.append(RandomEffect(row["parameter"], scale, omega, level, mark, source, row["description"]))
        if row["group"] or row["correlation"]:
            value = read_number(place, row, "correlation", -1, 1)
            member = Correlation(row["parameter"], row["parameter"], value, mark, source)
            groups.setdefault(row["group"], []).append(member)
    within = [pair for name, members in groups.items() for pair in _pairs(name, members)]
    between = read_correlations(correlations, "parameter") if correlations else ()
    return Variability(tuple(effects), (*within, *between))


@cache
def default_variability(pharmacokinetics: str = "D1", *, mechanism: str = "disinhibition") -> Variability:
    """Return the variability of the therapy model, or of an alternative pharmacokinetic model.

    Spreads and correlations that the shipped calibration of the mechanism moved have their fitted values.

    A model without a published spread gives none: its people then differ only by their covariates.

    Raises:
        ParameterError: a name that is not in ``pharmacokinetic_models()``.

    >>> [effect.omega for effect in default_variability().effects if effect.parameter == "FRn"]
    [0.681, 0.2]
    """
    if pharmacokinetics not in pharmacokinetic_models():
        raise ParameterError(
            "RK-PAR-085",
            given=f'variability of model "{pharmacokinetics}"'
            f"{nearest(pharmacokinetics, pharmacokinetic_models())}",
            allowed=f"Models: {', '.join(pharmacokinetic_models())}",
        )
    folder = files("rekindle").joinpath("therapy", "parameters")
    if pharmacokinetics not in ALTERNATIVES:
        fitted = default_parameters(mechanism)
        nominal = read_variability(str(folder.joinpath("variability.csv")))
        return nominal.with_spread(fitted.spread).with_correlation(fitted.correlation)
    own = folder.joinpath("alternatives", f"{pharmacokinetics}_variability.csv")
    return read_variability(str(own)) if own.is_file() else Variability(())


def _pairs(group: str, members: Sequence[Correlation]) -> list[Correlation]:
    if not group or len(members) < 2 or len({member.value for member in members}) > 1:
        raise PersonError(
            "RK-PER-006",
            given=f'group "{group}" holds {", ".join(f"{m.first} ({m.value:g})" for m in members)}',
            allowed="A named group of two or more parameters with one correlation",
        )
    return [replace(one, second=two.first) for one, two in combinations(members, 2)]
