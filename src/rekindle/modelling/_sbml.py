"""Export to SBML Level 3 Version 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rekindle.errors import OutputError, ParameterError, nearest
from rekindle.modelling._expression import Expression, add, symbol, symbols
from rekindle.modelling._mathml import load_libsbml, to_node
from rekindle.modelling._model import Covariate, Model, Parameter
from rekindle.modelling._sbml_events import Happening, happenings
from rekindle.modelling._unit_check import infusion_symbol


def to_sbml(
    model: Model,
    *,
    events: Sequence[Mapping[str, object]] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> str:
    """Write a model, and what happens to one person, as SBML Level 3 Version 2.

    States become parameters with rate rules, definitions and outputs assignment rules; units stand in names
    and notes. The rate of doses into a state is the parameter ``infusion_STATE``. An output with the name of
    another quantity that it does not equal is written as ``output_NAME``.

    Args:
        model: the model.
        events: mappings with ``time`` and either ``state``, ``amount`` and ``duration`` (0: bolus) in the
            units of the model, or ``event`` (name of an event); a number can also be the name of a
            parameter that holds it. Bioavailability and lag are applied; an
            infusion keeps its duration. Those of one time take place in the order of the list.
        parameters: values of parameters and covariates that replace those of the model.

    Returns:
        The text of the SBML document.

    Raises:
        OutputError: python-libsbml is missing, or the document would not be valid.
        ParameterError: an unknown name, or a parameter or covariate without a value.
        EventError: an event that the model does not know.
        ModelError: a peak event that SBML cannot express.

    >>> from rekindle.modelling import read_model
    >>> text = "model decay\\ntime [h]\\nparameter k [1/h] = 0.1\\nstate A [mg]\\nd/dt(A) = -k*A"
    >>> dose = {"time": 0, "state": "A", "amount": 5}
    >>> '<rateRule variable="A">' in to_sbml(read_model(text), events=[dose])
    True
    """
    libsbml = load_libsbml()
    document = libsbml.SBMLDocument(3, 2)
    _Writer(model, document.createModel()).write(
        _values(model, parameters or {}), happenings(model, events or ())
    )
    problems = [document.getError(i) for i in range(document.checkConsistency())]
    serious = [problem.getMessage().strip() for problem in problems if problem.getSeverity() >= 2]
    if serious:
        raise OutputError("RK-OUT-091", given=f'model "{model.name}" gives no valid SBML: {serious[0]}')
    return str(libsbml.writeSBMLToString(document))


def _values(model: Model, given: Mapping[str, float]) -> dict[str, float]:
    own = {name: parameter.value for name, parameter in model.parameters.items()}
    own |= {name: covariate.default for name, covariate in model.covariates.items()}
    for name in given:
        if name not in own:
            raise ParameterError(
                "RK-PAR-001",
                given=f'"{name}" is no parameter or covariate of model "{model.name}"{nearest(name, own)}',
                remedy="See `rekindle model show` for the names",
            )
    values = {}
    for name, value in {**own, **given}.items():
        if value is None:
            raise ParameterError(
                "RK-PAR-029", given=f'"{name}" has no value', remedy="Give it with parameters={...}"
            )
        values[name] = float(value)
    return values


class _Writer:
    def __init__(self, model: Model, target: Any) -> None:
        self.model, self.target = model, target
        taken = {*model.parameters, *model.covariates, *model.states, *model.definitions}
        self.identifiers: dict[str, str] = {}
        for state in model.states:
            self._name(infusion_symbol(state), f"infusion_{state}", taken)
        self.outputs = {
            name: output
            for name, output in model.outputs.items()
            if name not in taken or output.expression is not symbol(name)
        }
        self.output_names = {
            name: self._name(f"output {name}", f"output_{name}" if name in taken else name, taken)
            for name in self.outputs
        }

    def _name(self, name: str, wanted: str, taken: set[str]) -> str:
        while wanted in taken:
            wanted += "_"
        taken.add(wanted)
        self.identifiers[name] = wanted
        return wanted

    def identifier(self, name: str) -> str:
        """SBML name of a symbol."""
        return self.identifiers.get(name, name)

    def write(self, values: Mapping[str, float], events: Sequence[Happening]) -> None:
        model = self.model
        self.target.setId(model.name)
        self._notes(self.target, model.description, f"Time in {model.time_unit}.", *self._chosen())
        fixed: list[Parameter | Covariate] = [*model.parameters.values(), *model.covariates.values()]
        for quantity in fixed:
            self._quantity(quantity.name, quantity.unit, values[quantity.name], quantity.description)
        self._infusions(events)
        for state in model.states.values():
            number = state.initial.value if state.initial.is_constant else None
            self._quantity(state.name, state.unit, number, state.description, constant=False)
        for name, definition in model.definitions.items():
            self._quantity(name, definition.unit, None, definition.description, constant=False)
        for name, output in self.outputs.items():
            text = output.description if output.measurable else f"{output.description} (hypothesis)"
            self._quantity(self.output_names[name], output.unit, None, text, constant=False)
        self._rules()
        for rank, event in enumerate(reversed(events)):
            self._event(event, rank)

    def _chosen(self) -> list[str]:
        return [f"Switch {switch.name}: {switch.chosen}." for switch in self.model.switches.values()]

    def _infusions(self, events: Sequence[Happening]) -> None:
        model = self.model
        used = symbols(
            *(
                part
                for event in events
                for _, expression in event.assignments
                for part in (expression, event.trigger)
            ),
            *model.derivatives.values(),
            *(definition.expression for definition in model.definitions.values()),
            *(output.expression for output in model.outputs.values()),
        )
        self.infused = {state for state in model.states if infusion_symbol(state) in used}
        for state in model.states:
            if state in self.infused:
                unit = f"{model.states[state].unit}/{model.time_unit}"
                name = self.identifier(infusion_symbol(state))
                self._quantity(name, unit, 0.0, f"rate of doses into {state}", constant=False)

    def _quantity(
        self, name: str, unit: str, value: float | None, description: str, *, constant: bool = True
    ) -> None:
        parameter = self.target.createParameter()
        parameter.setId(name)
        parameter.setName(f"{name} [{unit}]")
        parameter.setConstant(constant)
        if value is not None:
            parameter.setValue(value)
        known = self.model.parameters.get(name)
        provenance = f"{known.mark}: {known.source}." if known and known.source else ""
        self._notes(parameter, f"Unit {unit}.", description, provenance)

    def _rules(self) -> None:
        model = self.model
        for state in model.states.values():
            if not state.initial.is_constant:
                start = self.target.createInitialAssignment()
                start.setSymbol(state.name)
                start.setMath(self._math(state.initial))
        for name, definition in model.definitions.items():
            self._rule(self.target.createAssignmentRule(), name, definition.expression)
        for name, output in self.outputs.items():
            self._rule(self.target.createAssignmentRule(), self.output_names[name], output.expression)
        for name, rate in model.derivatives.items():
            whole = add(rate, symbol(infusion_symbol(name))) if name in self.infused else rate
            self._rule(self.target.createRateRule(), name, whole)

    def _rule(self, rule: Any, name: str, expression: Expression) -> None:
        rule.setVariable(name)
        rule.setMath(self._math(expression))

    def _event(self, happening: Happening, rank: int) -> None:
        event = self.target.createEvent()
        event.setName(happening.name)
        # Events of one time run by priority, each on the values that the one before has left.
        event.setUseValuesFromTriggerTime(False)
        trigger = event.createTrigger()
        trigger.setInitialValue(not happening.at_start)
        trigger.setPersistent(True)
        trigger.setMath(self._math(happening.trigger))
        event.createPriority().setMath(load_libsbml().parseL3Formula(str(rank)))
        for name, expression in happening.assignments:
            assignment = event.createEventAssignment()
            assignment.setVariable(self.identifier(name))
            assignment.setMath(self._math(expression))

    def _math(self, expression: Expression) -> Any:
        return to_node(expression, self.identifier)

    def _notes(self, target: Any, *sentences: str) -> None:
        text = " ".join(sentence for sentence in sentences if sentence)
        printable = "".join(character for character in text if character.isprintable())
        target.setNotes(f'<p xmlns="http://www.w3.org/1999/xhtml">{escape(printable)}</p>')
