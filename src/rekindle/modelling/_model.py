"""What a model is once it has been read: names, units, equations, dosing rules and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType

from rekindle.errors import ParameterError, nearest
from rekindle.modelling._expression import Expression, substitute

#: How far a number can be trusted; "user" marks what the user gave.
MARKS = ("seen", "derived", "calibrated", "assumed", "recalled", "user")
#: How a covariate is carried between the records that state it.
CARRY_RULES = ("locf", "nocb", "linear")
_LEAST = 1e-300


@dataclass(frozen=True)
class State:
    """A quantity with a differential equation; ``initial`` may depend on parameters and covariates."""

    name: str
    unit: str
    initial: Expression
    description: str = ""


@dataclass(frozen=True)
class Parameter:
    """A number of the model with its provenance. ``value`` is in ``unit``; None: the user must give it."""

    name: str
    unit: str
    value: float | None
    low: float | None = None
    high: float | None = None
    mark: str = "user"
    source: str = ""
    description: str = ""


@dataclass(frozen=True)
class Covariate:
    """A fact about a person that event records may change.

    ``default`` None means that it must be given; ``carry`` None means that the user must state how it is
    carried between records when it changes.
    """

    name: str
    unit: str
    default: float | None = None
    low: float | None = None
    high: float | None = None
    carry: str | None = None
    description: str = ""


@dataclass(frozen=True)
class Switch:
    """A structural alternative: one of ``options`` is chosen when the model is read."""

    name: str
    options: tuple[str, ...]
    chosen: str
    description: str = ""


@dataclass(frozen=True)
class Definition:
    """An algebraic name. ``expression`` may use states, parameters, covariates and earlier definitions."""

    name: str
    unit: str
    expression: Expression
    description: str = ""


@dataclass(frozen=True)
class Output:
    """What a simulation returns. ``measurable`` is False for model states that nobody can measure."""

    name: str
    unit: str
    expression: Expression
    description: str = ""
    measurable: bool = True


@dataclass(frozen=True)
class DoseRule:
    """How a dose enters a state: fraction absorbed, lag, modelled duration or rate (None: not modelled)."""

    bioavailability: Expression | None = None
    lag: Expression | None = None
    duration: Expression | None = None
    rate: Expression | None = None


@dataclass(frozen=True)
class Assignment:
    """``state <- expression``, evaluated with the values before the event."""

    state: str
    expression: Expression


@dataclass(frozen=True)
class NamedEvent:
    """Assignments that an event record fires by name (column EVENT), all at once."""

    name: str
    assignments: tuple[Assignment, ...]
    description: str = ""


@dataclass(frozen=True)
class PeakEvent:
    """Assignments made whenever ``expression`` passes a maximum while ``condition`` holds (None = always)."""

    name: str
    expression: Expression
    condition: Expression | None
    assignments: tuple[Assignment, ...]
    description: str = ""

    @property
    def watched(self) -> Expression:
        """What is looked at."""
        return self.expression


@dataclass(frozen=True)
class CrossingEvent:
    """Assignments made whenever ``comparison`` turns true while ``condition`` holds (None = always).

    The comparison is one of ``<``, ``<=``, ``>`` and ``>=``; one that is true at the start turns true there.
    """

    name: str
    comparison: Expression
    condition: Expression | None
    assignments: tuple[Assignment, ...]
    description: str = ""

    @property
    def watched(self) -> Expression:
        """What is looked at."""
        return self.comparison

    @property
    def distance(self) -> Expression:
        """Positive while the comparison is false, not positive while it is true."""
        left, right = self.comparison.arguments
        rises = self.comparison.operation in ("gt", "ge")
        gap = right - left if rises else left - right
        # Where both sides are equal a strict comparison is still false.
        return gap + _LEAST if self.comparison.operation in ("gt", "lt") else gap


@dataclass(frozen=True)
class Model:
    """A declared model. Immutable; ``with_parameters`` returns a changed copy.

    Expressions refer by name to states, parameters, covariates, definitions, ``time`` (in ``time_unit``) and
    ``infusion(STATE)``, the rate at which doses now run into a state after bioavailability. All numbers are
    in the declared units; conversions have been inserted when the text was read.
    """

    name: str
    time_unit: str
    states: Mapping[str, State]
    derivatives: Mapping[str, Expression]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    covariates: Mapping[str, Covariate] = field(default_factory=dict)
    switches: Mapping[str, Switch] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    dosing: Mapping[str, DoseRule] = field(default_factory=dict)
    events: Mapping[str, NamedEvent] = field(default_factory=dict)
    peaks: Mapping[str, PeakEvent] = field(default_factory=dict)
    crossings: Mapping[str, CrossingEvent] = field(default_factory=dict)
    description: str = ""

    def __post_init__(self) -> None:
        for name in (
            "states", "derivatives", "parameters", "covariates", "switches", "definitions", "outputs",
            "dosing", "events", "peaks", "crossings",
        ):  # fmt: skip
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[object, ...]:
        values = (getattr(self, part.name) for part in fields(self))
        return Model, tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    @property
    def watched(self) -> Mapping[str, PeakEvent | CrossingEvent]:
        """Events that the states fire, not the records."""
        return {**self.peaks, **self.crossings}

    @cached_property
    def inlined_definitions(self) -> Mapping[str, Expression]:
        """Every definition with the earlier ones substituted."""
        done: dict[str, Expression] = {}
        for name, definition in self.definitions.items():
            done[name] = substitute([definition.expression], done)[0]
        return MappingProxyType(done)

    def inline(self, *expressions: Expression) -> list[Expression]:
        """Replace all definitions in the expressions by what they stand for."""
        return substitute(expressions, self.inlined_definitions)

    def with_parameters(self, **values: float) -> Model:
        """Return a copy in which the named parameters have other values (in their declared units).

        Raises:
            ParameterError: a name that the model does not have.
        """
        changed = dict(self.parameters)
        for name, value in values.items():
            if name not in changed:
                raise ParameterError(
                    "RK-PAR-001",
                    given=f'parameter "{name}" is not in model "{self.name}"{nearest(name, changed)}',
                    remedy="See `rekindle model show` for the names",
                )
            changed[name] = replace(changed[name], value=float(value), mark="user", source="set by the user")
        return replace(self, parameters=changed)
