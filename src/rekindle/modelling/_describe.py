"""A model as plain text: its equations and tables, for ``rekindle model show``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rekindle.modelling._model import CrossingEvent, Model, NamedEvent, PeakEvent
from rekindle.modelling._notation import number_text, to_text

#: Parts of a dosing rule in the order in which they are shown.
DOSE_PARTS = ("bioavailability", "lag", "duration", "rate")


def describe(model: Model) -> str:
    """Describe a model: equations as in the model language, then tables of everything that is declared.

    >>> from rekindle.modelling import read_model
    >>> model = read_model('''model decay "First-order loss"
    ... time [h]
    ... parameter k [1/h] = 0.1 in 0 to 1 mark assumed
    ... state A [mg] = 5 "amount"
    ... d/dt(A) = -k*A
    ... ''')
    >>> print(describe(model))
    Model decay: First-order loss
    Time in h. 1 state, 1 parameter, 0 covariates, 0 definitions, 0 outputs.
    <BLANKLINE>
    Equations
      d/dt(A) = -k*A
    <BLANKLINE>
    States
      name  unit  initial value  description
      A     mg    5              amount
    <BLANKLINE>
    Parameters
      name  unit  value  range   mark     source  description
      k     1/h   0.1    0 to 1  assumed
    """
    heading = f"Model {model.name}" + (f": {model.description}" if model.description else "")
    sections = [f"{heading}\nTime in {model.time_unit}. {_counts(model)}."]
    sections += [_section(title, lines) for title, lines in _texts(model) if lines]
    sections += [_section(title, _columns([header, *rows])) for title, header, rows in tables(model) if rows]
    return "\n\n".join(sections)


def tables(model: Model) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of the tables of states, parameters, covariates and switches."""
    yield (
        "States",
        ["name", "unit", "initial value", "description"],
        [[s.name, s.unit, to_text(s.initial), s.description] for s in model.states.values()],
    )
    yield (
        "Parameters",
        ["name", "unit", "value", "range", "mark", "source", "description"],
        [
            [p.name, p.unit, _value(p.value), _range(p.low, p.high), p.mark, p.source, p.description]
            for p in model.parameters.values()
        ],
    )
    yield (
        "Covariates",
        ["name", "unit", "default", "range", "carry", "description"],
        [
            [
                c.name,
                c.unit,
                _value(c.default),
                _range(c.low, c.high),
                c.carry or "to be stated",
                c.description,
            ]
            for c in model.covariates.values()
        ],
    )
    yield (
        "Switches",
        ["name", "chosen", "options", "description"],
        [[s.name, s.chosen, ", ".join(s.options), s.description] for s in model.switches.values()],
    )


def _texts(model: Model) -> Iterator[tuple[str, list[str]]]:
    yield "Equations", [f"d/dt({name}) = {to_text(rate)}" for name, rate in model.derivatives.items()]
    yield (
        "Definitions",
        [
            f"{d.name} [{d.unit}] = {to_text(d.expression)}{_quoted(d.description)}"
            for d in model.definitions.values()
        ],
    )
    yield (
        "Outputs (a hypothesis output cannot be measured)",
        [
            f"{'' if o.measurable else 'hypothesis '}output {o.name} [{o.unit}] = {to_text(o.expression)}"
            + _quoted(o.description)
            for o in model.outputs.values()
        ],
    )
    yield "Dosing", [*_dose_lines(model)]
    yield "Events", [*map(_named, model.events.values()), *map(_watched, model.watched.values())]


def _dose_lines(model: Model) -> Iterator[str]:
    for name, rule in model.dosing.items():
        for part in DOSE_PARTS:
            expression = getattr(rule, part)
            if expression is not None:
                yield f"{part}({name}) = {to_text(expression)}"


def _named(event: NamedEvent) -> str:
    return f"on {event.name}{_quoted(event.description)}: {_assignments(event)}"


def _watched(event: PeakEvent | CrossingEvent) -> str:
    moment = to_text(event.watched)
    moment = f"peak({moment})" if isinstance(event, PeakEvent) else moment
    condition = f" if {to_text(event.condition)}" if event.condition is not None else ""
    head = f"when {moment}{condition}{_quoted(event.description)} as {event.name}"
    return f"{head}: {_assignments(event)}"


def _assignments(event: NamedEvent | PeakEvent | CrossingEvent) -> str:
    return ", ".join(f"{a.state} <- {to_text(a.expression)}" for a in event.assignments)


def _quoted(text: str) -> str:
    return f' "{text}"' if text else ""


def _value(value: float | None) -> str:
    return "to be given" if value is None else number_text(value)


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f"{'' if low is None else number_text(low)} to {'' if high is None else number_text(high)}".strip()


def _counts(model: Model) -> str:
    words = ("state", "parameter", "covariate", "definition", "output")
    counts = [(word, len(getattr(model, word + "s"))) for word in words]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts)


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
