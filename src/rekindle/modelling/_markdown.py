"""A model as Markdown with LaTeX equations, for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rekindle.modelling._describe import DOSE_PARTS, tables
from rekindle.modelling._expression import Expression
from rekindle.modelling._latex import latex_name, to_latex
from rekindle.modelling._model import CrossingEvent, Model, NamedEvent, PeakEvent

_NOT_MEASURABLE = "a hypothesis, not measurable"


def to_markdown(model: Model) -> str:
    """Markdown page of a model: equations in LaTeX (``$$`` blocks) and tables of all numbers.

    >>> from rekindle.modelling import read_model
    >>> text = "model decay\\ntime [h]\\nparameter k [1/h]\\nstate A [mg]\\nd/dt(A) = -k*A"
    >>> print(to_markdown(read_model(text)).splitlines()[6])
    $$\\frac{\\mathrm{d}A}{\\mathrm{d}t} = -k \\, A \\qquad [\\mathrm{mg/h}]$$
    """
    sections = [f"# {model.name}\n\n{model.description or 'A model'}. Time in {model.time_unit}."]
    sections += [f"## {title}\n\n{body}" for title, body in _equation_sections(model) if body]
    for title, header, rows in tables(model):
        if rows:
            sections.append(f"## {title}\n\n{_table(header, rows)}")
    return "\n\n".join(sections) + "\n"


def _equation_sections(model: Model) -> Iterator[tuple[str, str]]:
    yield "Equations of the states", _blocks(_states(model))
    yield (
        "Definitions",
        _blocks(
            _equation(latex_name(d.name), d.expression, d.unit, d.description)
            for d in model.definitions.values()
        ),
    )
    yield (
        "Outputs",
        _blocks(
            _equation(
                latex_name(o.name),
                o.expression,
                o.unit,
                o.description if o.measurable else f"{o.description} ({_NOT_MEASURABLE})",
            )
            for o in model.outputs.values()
        ),
    )
    yield "Dosing", _blocks(_dosing(model))
    events: list[NamedEvent | PeakEvent | CrossingEvent] = [*model.events.values(), *model.watched.values()]
    yield "Events", "\n\n".join(map(_event, events))


def _states(model: Model) -> Iterator[str]:
    for name, state in model.states.items():
        shown = latex_name(name)
        left = rf"\frac{{\mathrm{{d}}{shown}}}{{\mathrm{{d}}t}}"
        yield _equation(left, model.derivatives[name], f"{state.unit}/{model.time_unit}", state.description)
        if not state.initial.equals(0.0):
            yield _equation(f"{shown}(0)", state.initial, state.unit)


def _dosing(model: Model) -> Iterator[str]:
    for name, rule in model.dosing.items():
        time, state = model.time_unit, model.states[name]
        units = {"bioavailability": "1", "rate": f"{state.unit}/{time}"}
        for part in DOSE_PARTS:
            expression = getattr(rule, part)
            if expression is not None:
                left = rf"\mathrm{{{part}}}({latex_name(name)})"
                yield _equation(left, expression, units.get(part, time))


def _event(event: NamedEvent | PeakEvent | CrossingEvent) -> str:
    lines = [f"**{event.name}**" + (f": {event.description}" if event.description else "")]
    if not isinstance(event, NamedEvent):
        words = "at a peak of" if isinstance(event, PeakEvent) else "when"
        condition = (
            rf" \quad\text{{if}}\quad {to_latex(event.condition)}" if event.condition is not None else ""
        )
        lines.append(rf"$$\text{{{words}}}\quad {to_latex(event.watched)}{condition}$$")
    lines += [rf"$${latex_name(a.state)} \leftarrow {to_latex(a.expression)}$$" for a in event.assignments]
    return "\n\n".join(lines)


def _equation(left: str, right: Expression, unit: str, description: str = "") -> str:
    shown = rf" \qquad [\mathrm{{{_escaped_unit(unit)}}}]" if unit != "1" else ""
    text = f"{description}\n\n" if description else ""
    return f"{text}$${left} = {to_latex(right)}{shown}$$"


def _escaped_unit(unit: str) -> str:
    return unit.replace("%", r"\%").replace("*", r"\,").replace("µ", r"\mu ")


def _blocks(equations: Iterator[str]) -> str:
    return "\n\n".join(equations)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
