"""Import of SBML: a text of the model language, its model, and timed events as records."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rekindle.errors import ModelError, UnitError
from rekindle.modelling._expression import Expression
from rekindle.modelling._model import Model
from rekindle.modelling._notation import number_text, to_text
from rekindle.modelling._read_model import read_model
from rekindle.modelling._sbml_document import open_document, unsupported
from rekindle.modelling._sbml_elements import Quantity, UndeclaredUnit, label
from rekindle.modelling._sbml_quantities import Quantities
from rekindle.modelling._sbml_timed import ReleasedEvent, TimedEvent, read_events
from rekindle.modelling._statements import RESERVED

_UNIT_CHOICES = ("auto", "declared", "none")
_CUT = "(...)"


@dataclass(frozen=True)
class SbmlImport:
    """What an SBML document became.

    Attributes:
        text: the model in the model language; ``model`` is what it reads to.
        model: the checked model. Every species and every other quantity that changes is an output.
        rows: records for ``EventTable.from_rows(rows, model)``: one at time 0, one for each timed event.
        remarks: what a reader should know, such as why units were left out; also at the head of ``text``.
        has_units: whether the units of the document were taken over.
    """

    text: str
    model: Model
    rows: tuple[Mapping[str, Any], ...]
    remarks: tuple[str, ...] = field(default=())
    has_units: bool = False


def import_sbml(source: str | os.PathLike[str], *, units: str = "auto") -> SbmlImport:
    """Read an SBML document of any level, with its timed events.

    Species, compartments, parameters, local parameters, rules, initial assignments, reactions with
    stoichiometry and conversion factors, functions, piecewise and events that a time or one comparison
    releases are read. Algebraic rules, delays, events with other triggers, fast reactions, reactions without
    a rate law, required packages and functions that the model language lacks are refused.

    Args:
        source: path, or the text of the document.
        units: ``"declared"`` takes the units of the document and refuses one whose units are missing or do
            not balance; ``"none"`` writes every quantity as a pure number; ``"auto"`` takes them if they
            balance without a single conversion, else none, and says why in ``remarks``.

    Raises:
        ModelError: RK-MOD-040 no valid SBML, RK-MOD-041 something that is not supported (element, what and
            why), RK-MOD-042 a missing number, RK-MOD-044 units that cannot be taken over.
        OutputError: python-libsbml is missing.

    >>> from rekindle.modelling import to_sbml
    >>> text = "model decay\\ntime [h]\\nparameter k [1/h] = 0.1\\nstate A [mg] = 5\\nd/dt(A) = -k*A"
    >>> found = import_sbml(to_sbml(read_model(text)))
    >>> to_text(found.model.derivatives["A"])
    '-k*A'
    """
    if units not in _UNIT_CHOICES:
        raise ModelError("RK-MOD-044", given=f"units={units!r}", allowed=f"One of {', '.join(_UNIT_CHOICES)}")
    document = open_document(source)  # owns the model below
    source_model = document.getModel()
    bare = _build(source_model, with_units=False)
    if units == "none":
        return bare
    try:
        return _with_units(source_model, bare)
    except UndeclaredUnit as problem:
        if units == "declared":
            raise ModelError(
                "RK-MOD-044",
                given=f"the units of the SBML document cannot be taken over: {problem}",
                why="A model with units must balance everywhere",
                remedy='Complete the units in the SBML file, or import with units="none"',
            ) from None
        return _build(source_model, with_units=False, reason=str(problem))


def load_sbml(source: str | os.PathLike[str], *, units: str = "auto") -> Model:
    """Read an SBML document without events; see ``import_sbml``.

    Raises:
        ModelError: as ``import_sbml``, and RK-MOD-043 for a document with timed events.
    """
    found = import_sbml(source, units=units)
    if len(found.rows) > 1:
        names = ", ".join(str(row["EVENT"]) for row in found.rows[1:6])
        raise ModelError(
            "RK-MOD-043",
            given=f"the SBML document has timed events ({names})",
            why="A model alone would leave them out without a word",
            remedy="Use import_sbml(...): its rows are the records that fire them",
        )
    return found.model


def _with_units(source_model: Any, bare: SbmlImport) -> SbmlImport:
    """The same model with units; refused where reading it would convert anything.

    Raises:
        UndeclaredUnit: units are missing or do not balance.
    """
    try:
        found = _build(source_model, with_units=True)
    except UnitError as problem:
        raise UndeclaredUnit(problem.given) from None
    except ModelError as problem:
        raise UndeclaredUnit(problem.given.removeprefix("model text, ")) from None
    for what, own, plain in (
        ("d/dt({})", found.model.derivatives, bare.model.derivatives),
        ("{}", found.model.inlined_definitions, bare.model.inlined_definitions),
        ("{} at time 0", _initial(found.model), _initial(bare.model)),
    ):
        for name, expression in plain.items():
            if own[name] is not expression:
                raise UndeclaredUnit(
                    f"the units of {what.format(name)} differ in scale from its declared unit"
                )
    for name, event in bare.model.events.items():
        if found.model.events[name].assignments != event.assignments:
            raise UndeclaredUnit(f"event {name} assigns in another scale")
    return found


def _initial(model: Model) -> dict[str, Expression]:
    return {name: state.initial for name, state in model.states.items()}


def _build(source_model: Any, *, with_units: bool, reason: str = "") -> SbmlImport:
    quantities = Quantities(source_model, with_units)
    found = quantities.all()
    events, released, remarks = read_events(quantities, found)
    if not with_units:
        why = f" because {reason}" if reason else ""
        remarks.insert(
            0, f"All quantities are pure numbers{why}; they are in the units of the SBML document."
        )
        if not quantities.time_is_declared:
            remarks.append(
                "The document does not say its unit of time; s is written only because a model needs one."
            )
    if source_model.getNumConstraints():
        remarks.append("Constraints of the document are not checked.")
    text = _text(source_model, quantities, found, events, released, remarks)
    rows: list[dict[str, Any]] = [{"ID": 1, "TIME": 0.0, "EVID": 2}]
    rows += [{"ID": 1, "TIME": event.time, "EVID": 2, "EVENT": event.name} for event in events]
    return SbmlImport(text, read_model(text), tuple(rows), tuple(remarks), with_units)


def _text(
    source_model: Any,
    quantities: Quantities,
    found: Sequence[Quantity],
    events: Sequence[TimedEvent],
    released: Sequence[ReleasedEvent],
    remarks: Sequence[str],
) -> str:
    identifier = source_model.getId()
    name = identifier if identifier.isascii() and identifier.isidentifier() else "imported"
    heading = ["# Imported from SBML."] + [f"# {' '.join(remark.split())}" for remark in remarks]
    heading.append(f"model {name}{'_' if name in RESERVED else ''}{_quoted(label(source_model))}")
    heading.append(f"time [{quantities.time_unit}]")
    order = ("parameter", "state", "definition")
    lines = [_declared(quantity) for kind in order for quantity in found if quantity.kind == kind]
    scale = "" if quantities.with_units else f"/1[{quantities.time_unit}]"
    lines += [
        f"d/dt({q.name}) = ({_written(q.expression, q.name)}){scale}" for q in found if q.kind == "state"
    ]
    lines += [
        f"on {event.name}{_quoted(event.description)}: {_assigned(event)}"
        for event in events
        if event.assignments
    ]
    later = f" if time > 0[{quantities.time_unit}]"
    lines += [
        f"when {_written(event.comparison, event.name)}{'' if event.counts_at_start else later}"
        f"{_quoted(event.description)} as {event.name}: {_assigned(event)}"
        for event in released
        if event.assignments
    ]
    lines += [f"output {q.name} = {q.name}{_quoted(q.description)}" for q in found if q.shown]
    return "\n".join([*heading, *lines]) + "\n"


def _declared(quantity: Quantity) -> str:
    unit = "" if quantity.unit is None else f" [{quantity.unit}]"
    text = _quoted(quantity.description)
    if quantity.kind == "parameter":
        value = "" if quantity.value is None else f" = {number_text(quantity.value)}"
        return f"parameter {quantity.name}{unit}{value}{text}"
    if quantity.kind == "state":
        return f"state {quantity.name}{unit} = {_written(quantity.initial, quantity.name)}{text}"
    return f"{quantity.name}{unit} = {_written(quantity.expression, quantity.name)}{text}"


def _assigned(event: TimedEvent | ReleasedEvent) -> str:
    return ", ".join(f"{state} <- {_written(value, event.name)}" for state, value in event.assignments)


def _written(expression: Expression | None, name: str) -> str:
    text = "0" if expression is None else to_text(expression)
    if _CUT in text:
        raise unsupported(
            f'the equation of "{name}"', "it is longer than 20000 characters",
            "It could not be read or edited as text", "Split it with assignment rules",
        )  # fmt: skip
    return text


def _quoted(description: str) -> str:
    return f' "{description}"' if description else ""
