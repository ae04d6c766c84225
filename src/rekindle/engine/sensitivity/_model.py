"""A model with the tangents of its states: how each changes with parameters and initial values.

With x' = f(x, p), the tangent s = dx/dp obeys s' = (df/dx) s + df/dp. Named events, events that states fire
and outputs are differentiated in the same way, so that the engine solves the larger model as any other.
Tangents are kept per relative change of a parameter (multiplied by its typical size), which gives them the
size of the states and so the same error control.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rekindle.engine._system import TIME, infusion_name, needed_states
from rekindle.engine.sensitivity._jumps import jump
from rekindle.engine.sensitivity._parts import (
    DoseSlopes,
    TangentModel,
    after_dose,
    before_dose,
    check_names,
    tangent_name,
)
from rekindle.engine.sensitivity._powers import with_finite_powers
from rekindle.errors import SolverError
from rekindle.modelling import (
    Assignment,
    Expression,
    Model,
    NamedEvent,
    Output,
    PeakEvent,
    State,
    call,
    constant,
    differentiate,
    select,
    substitute,
    symbol,
    symbols,
)
from rekindle.units import parse_unit

#: Larger models built last, because whoever fits a model asks for the same one again and again.
_recent: deque[tuple[Model, tuple[tuple[str, ...], tuple[str, ...]], TangentModel]] = deque(maxlen=8)
#: What turns at an event and is larger than this share of its own slope (per time unit) has jumped there.
_FLAT = 1e-5


def tangent_model(model: Model, wanted: Sequence[str], outputs: Sequence[str]) -> TangentModel:
    """Build the larger model.

    Args:
        model: the declared model.
        wanted: parameters, and states for their initial values.
        outputs: names of the outputs wanted.

    Raises:
        ParameterError: an unknown name, one that is given twice, or none.
        SolverError: a derivative that would miss a jump.
    """
    check_names(model, wanted)
    asked = tuple(wanted), tuple(outputs)
    for known in _recent:
        if known[0] is model and known[1] == asked:
            return known[2]
    found = _Builder(model, *asked).build()
    _recent.appendleft((model, asked, found))
    return found


class _Builder:
    def __init__(self, model: Model, wanted: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self.model, self.wanted, self.outputs = model, wanted, outputs
        names = list(model.derivatives)
        rates = dict(zip(names, model.inline(*model.derivatives.values()), strict=True))
        needed = needed_states(model, outputs, rates)
        self.rates = {name: rates[name] for name in names if name in needed}
        self.initial = {name: model.inline(model.states[name].initial)[0] for name in self.rates}
        self.events = {name: self._pairs(event.assignments) for name, event in model.events.items()}
        self.watched = {name: self._pairs(event.assignments) for name, event in model.watched.items()}
        self.watched = {name: pairs for name, pairs in self.watched.items() if pairs}
        self.answers = {name: model.inline(model.outputs[name].expression)[0] for name in outputs}
        self._slopes: dict[tuple[Expression, str], Expression] = {}
        self.scales = {name: self._scale(name) for name in wanted}
        self.doses = self._doses()
        self.reached = {name: self._reached(name) for name in wanted}

    def _pairs(self, assignments: Iterable[Assignment]) -> dict[str, Expression]:
        return {a.state: self.model.inline(a.expression)[0] for a in assignments if a.state in self.rates}

    def _scale(self, name: str) -> float:
        """Typical size: what a change of a parameter is measured by."""
        if name in self.model.parameters:
            return abs(self.model.parameters[name].value or 0.0) or 1.0
        initial = self.model.inline(self.model.states[name].initial)[0]
        return (abs(initial.value) if initial.is_constant else 0.0) or 1.0

    # ---- slopes -----------------------------------------------------------------------------------

    def slope(self, expression: Expression, name: str) -> Expression:
        key = expression, name
        if key not in self._slopes:
            self._slopes[key] = with_finite_powers(differentiate(expression, name))
        return self._slopes[key]

    def own(self, expression: Expression, parameter: str) -> Expression:
        """Explicit change with a parameter, per relative change."""
        if parameter not in self.model.parameters:
            return constant(0.0)
        return self.slope(expression, parameter) * self.scales[parameter]

    def along(self, expression: Expression, parameter: str) -> Expression:
        """Total change with a parameter, per relative change."""
        total = self.own(expression, parameter)
        for name in sorted(symbols(expression) & self.reached[parameter]):
            total = total + self.slope(expression, name) * symbol(tangent_name(name, parameter))
        return total

    def _doses(self) -> dict[str, DoseSlopes]:
        found = {}
        for state, rule in self.model.dosing.items():
            if state not in self.rates:
                continue
            parts = (rule.bioavailability, rule.lag, rule.duration, rule.rate)
            roots = tuple(
                constant(default) if part is None else self.model.inline(part)[0]
                for part, default in zip(parts, (1.0, 0.0, -1.0, -1.0), strict=True)
            )
            slopes = {p: tuple(self.own(root, p) for root in roots) for p in self.wanted}
            slopes = {p: own for p, own in slopes.items() if not all(s.equals(0.0) for s in own)}
            if slopes:
                found[state] = DoseSlopes(roots, slopes, self._peak_made_by(state))
        return found

    def _peak_made_by(self, state: str) -> str:
        for name in self.watched:
            turning = self._turning(name)
            if state in symbols(turning, self._in_time(turning)):
                return name
        return ""

    def _turning(self, name: str) -> Expression:
        """What turns from positive to not positive at the moment of an event that the states fire."""
        event = self.model.watched[name]
        if isinstance(event, PeakEvent):
            return self._in_time(self.model.inline(event.expression)[0])
        return self.model.inline(event.distance)[0]

    # ---- which states a parameter reaches ---------------------------------------------------------

    def _reached(self, parameter: str) -> frozenset[str]:
        groups = [*self.events.values(), *self.watched.values()]
        changing = [self.rates, self.initial, *groups]
        found = {s for group in changing for s, e in group.items() if not self.own(e, parameter).equals(0.0)}
        found |= {parameter} & set(self.rates)
        for state, dose in self.doses.items():
            if parameter in dose.slopes:
                found.add(state)
        while True:
            grown = set(found)
            for group in (self.rates, *self.events.values()):
                grown |= {state for state, e in group.items() if symbols(e) & found}
            for name, pairs in self.watched.items():
                slope = self._turning(name)
                if symbols(slope, *pairs.values()) & found or not self.own(slope, parameter).equals(0.0):
                    grown |= set(pairs)
            if grown == found:
                return frozenset(found)
            found = grown

    def _in_time(self, expression: Expression) -> Expression:
        """Slope in time along the solution."""
        total = self.slope(expression, TIME)
        for name in sorted(symbols(expression) & set(self.rates)):
            total = total + self.slope(expression, name) * (self.rates[name] + symbol(infusion_name(name)))
        return total

    # ---- parts of the larger model ----------------------------------------------------------------

    def build(self) -> TangentModel:
        self._refuse_jumps()
        model = self.model
        states, rates = dict(model.states), dict(model.derivatives)
        stepped: list[str] = []
        for parameter in self.wanted:
            for name in self.rates:
                if name in self.reached[parameter]:
                    tangent = tangent_name(name, parameter)
                    states[tangent] = State(tangent, model.states[name].unit, self._start(name, parameter))
                    rates[tangent] = self.along(self.rates[name], parameter)
                    if symbols(self.own(self.rates[name], parameter)) & set(self.rates):
                        stepped.append(tangent)
        larger = replace(
            model,
            states=states,
            derivatives=rates,
            outputs=self._outputs(),
            dosing={name: rule for name, rule in model.dosing.items() if name not in self.doses},
            events=self._events(),
            peaks={
                name: replace(event, assignments=self._with_tangents(name))
                for name, event in model.peaks.items()
                if name in self.watched
            },
            crossings={
                name: replace(event, assignments=self._with_tangents(name))
                for name, event in model.crossings.items()
                if name in self.watched
            },
        )
        return TangentModel(larger, tuple(stepped), self.doses, self._units())

    def _start(self, state: str, parameter: str) -> Expression:
        if state == parameter:
            return constant(self.scales[parameter])
        return self.own(self.initial[state], parameter)

    def _outputs(self) -> dict[str, Output]:
        found = {name: self.model.outputs[name] for name in self.outputs}
        for name in self.outputs:
            for parameter in self.wanted:
                derivative = self.along(self.answers[name], parameter) * (1.0 / self.scales[parameter])
                if derivative.equals(0.0):
                    continue
                full = tangent_name(name, parameter)
                found[full] = Output(full, self.model.outputs[name].unit, derivative)
        return found

    def _units(self) -> dict[tuple[str, str], str]:
        model = self.model
        inputs = {p: (model.parameters.get(p) or model.states[p]).unit for p in self.wanted}
        return {
            (name, parameter): (parse_unit(model.outputs[name].unit) / parse_unit(unit)).text
            for name in self.outputs
            for parameter, unit in inputs.items()
        }

    def _events(self) -> dict[str, NamedEvent]:
        found = {}
        for name, pairs in self.events.items():
            tangents = tuple(
                Assignment(tangent_name(state, parameter), self.along(value, parameter))
                for state, value in pairs.items()
                for parameter in self.wanted
                if state in self.reached[parameter]
            )
            event = self.model.events[name]
            found[name] = replace(event, assignments=(*event.assignments, *tangents))
        for state, dose in self.doses.items():
            if any(not slopes[1].equals(0.0) for slopes in dose.slopes.values()):
                for name, sign in ((before_dose(state), 1.0), (after_dose(state), -1.0)):
                    found[name] = NamedEvent(name, self._shift(state, dose, sign))
        return found

    def _shift(self, dosed: str, dose: DoseSlopes, sign: float) -> tuple[Assignment, ...]:
        """What a later moment of a bolus takes from one side: the rates of change there."""
        return tuple(
            Assignment(tangent_name(state, p), symbol(tangent_name(state, p)) + slopes[1] * rate * sign)
            for p, slopes in dose.slopes.items()
            for state, rate in self.rates.items()
            if dosed in symbols(rate) and not slopes[1].equals(0.0)
        )

    def _with_tangents(self, name: str) -> tuple[Assignment, ...]:
        """What an event that states fire assigns, to the tangents as well."""
        return (*self.model.watched[name].assignments, *self._jump(name, self.watched[name]))

    def _jump(self, name: str, pairs: Mapping[str, Expression]) -> list[Assignment]:
        """Tangents after the assignments of an event whose moment depends on the parameters as well."""
        slope = self._turning(name)
        bend = self._in_time(slope)
        smooth = call("le", call("abs", slope), call("abs", bend) * _FLAT)
        added = []
        for parameter in self.wanted:
            later = select(smooth, -self.along(slope, parameter) / bend, constant(0.0))
            for state, rate in self.rates.items():
                if state not in self.reached[parameter]:
                    continue
                assigned = pairs.get(state)
                after = substitute([rate], pairs)[0]
                if assigned is None and after is rate:
                    continue
                tangent = symbol(tangent_name(state, parameter))
                total = tangent if assigned is None else self.along(assigned, parameter)
                running = symbol(infusion_name(state))
                before = rate + running if assigned is None else self._in_time(assigned)
                total = total + (before - (after + running)) * later
                added.append(Assignment(tangent_name(state, parameter), total))
        return added

    # ---- refusals ---------------------------------------------------------------------------------

    def _refuse_jumps(self) -> None:
        groups = [self.rates, self.initial, *self.events.values(), *self.watched.values(), self.answers]
        roots = [expression for group in groups for expression in group.values()]
        roots += [root for dose in self.doses.values() for root in dose.rule]
        for parameter in self.wanted:
            found = jump(roots, self.reached[parameter] | {parameter})
            if found:
                raise SolverError(
                    "RK-SOL-060",
                    given=f'derivative with respect to "{parameter}": "{found}" jumps where it depends on it',
                    why="The derivative would miss the jump",
                    remedy="Leave this parameter out, or write the model without the jump",
                )
        used = symbols(*roots)
        for state, dose in self.doses.items():
            if infusion_name(state) in used:
                raise SolverError(
                    "RK-SOL-061",
                    given=f"derivative with respect to {', '.join(dose.slopes)}, on which doses into {state} "
                    f"depend: the equations use infusion({state})",
                    why="The derivative would miss the jump of that rate",
                    remedy="Leave these parameters out, or use differences of two runs",
                )
