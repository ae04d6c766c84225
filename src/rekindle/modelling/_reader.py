"""Read a model: statements of all files become one checked ``Model``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rekindle.errors import ModelError
from rekindle.modelling._composition import Composition, compose, read_text
from rekindle.modelling._declarations import (
    declaration,
    declared_names,
    read_covariates,
    read_parameters,
    read_switches,
)
from rekindle.modelling._equations import Equations
from rekindle.modelling._events import read_crossing_events, read_named_events, read_peak_events
from rekindle.modelling._expression import Expression, symbols
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._model import Model
from rekindle.modelling._parameter_file import ParameterRow, read_parameter_rows
from rekindle.modelling._syntax import ModelLine, OutputLine, TimeLine
from rekindle.modelling._unit_check import UnitChecker
from rekindle.modelling._unit_rules import unit_of
from rekindle.units import parse_unit


def parse_model(
    text_or_path: str | os.PathLike[str],
    switches: Mapping[str, str],
    parameters: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str] | None,
) -> tuple[Model, dict[Path, str], int]:
    """A model from its text, see ``read_model``; with the texts of its files and its number of statements."""
    texts: dict[Path, str] = {}
    place = None if folder is None else Path(folder)
    if isinstance(text_or_path, str) and ("\n" in text_or_path or text_or_path.startswith("model ")):
        text, file = text_or_path.replace("\r\n", "\n"), ""
    else:
        path = Path(text_or_path)
        text, file, place = _read(path, texts), path.name, path.parent if place is None else place
    overlays = [_rows(source, texts) for source in parameters]
    try:
        composition = compose(text, file, place)
        texts |= composition.texts
        beside = [_rows(path, texts, token) for path, token in composition.data_files.items()]
        model = _Reader(composition, file).read(switches, beside, overlays)
    except RecursionError as error:  # the limit on nesting is met first, unless the caller is deep already
        raise ModelError(
            "RK-MOD-004",
            given="the expressions are nested too deep for the stack that is left",
            remedy="Give names to their parts",
            file=file,
        ) from error
    return model, texts, len(composition.placed)


def _read(path: Path, texts: dict[Path, str], token: Token | None = None) -> str:
    texts[path] = read_text(path, token)
    return texts[path]


def _rows(
    source: str | os.PathLike[str], texts: dict[Path, str], token: Token | None = None
) -> dict[str, ParameterRow]:
    if isinstance(source, str) and "\n" in source:
        return read_parameter_rows(source, "parameters text")
    return read_parameter_rows(_read(Path(source), texts, token), Path(source).name)


class _Reader:
    def __init__(self, composition: Composition, file: str) -> None:
        self.placed, self.file = composition.placed, file
        self.names = declared_names(composition)
        self.title, self.time = self._heading()

    def read(
        self,
        switches: Mapping[str, str],
        beside: Sequence[Mapping[str, ParameterRow]],
        overlays: Sequence[Mapping[str, ParameterRow]],
    ) -> Model:
        checker = UnitChecker(unit_of(self.time))
        checker.switches = read_switches(self.names, switches)
        checker.outputs = {p.line.name.text for p in self.placed if isinstance(p.line, OutputLine)}
        equations = Equations(self.placed, self.names, checker, unit_of(self.time))
        definitions = equations.definitions()
        events = read_named_events(self.placed, checker)
        peaks = read_peak_events(self.placed, checker, events)
        model = Model(
            name=self.title.name.text,
            time_unit=self.time.text,
            states=equations.states(),
            derivatives=equations.derivatives(),
            parameters=read_parameters(self.names, beside, overlays),
            covariates=read_covariates(self.names),
            switches=checker.switches,
            definitions=definitions,
            outputs=equations.outputs(),
            dosing=equations.dosing(),
            events=events,
            peaks=peaks,
            crossings=read_crossing_events(self.placed, checker, {**events, **peaks}),
            description=self.title.description,
        )
        self._refuse_moving_parts(model)
        return model

    def _heading(self) -> tuple[ModelLine, Token]:
        titles = [
            p.line for p in self.placed if isinstance(p.line, ModelLine) and p.line.name.file == self.file
        ]
        times = [p.line.unit for p in self.placed if isinstance(p.line, TimeLine)]
        own = [unit for unit in times if unit.file == self.file]
        for found, word, example in ((titles, "model", "model warfarin"), (own, "time", "time [h]")):
            if len(found) != 1:
                raise ModelError(
                    "RK-MOD-026",
                    given=f"{len(found)} statements begin with {word}",
                    allowed=f'Exactly one, such as "{example}"',
                    line=1,
                    column=1,
                    file=self.file,
                )
        for unit in times:
            if not unit_of(unit).same_scale(unit_of(own[0])):
                raise refusal(unit, "RK-MOD-026", f"this component has time in {unit}, the model in {own[0]}")
        if not unit_of(own[0]).same_dimension(parse_unit("h")):
            raise refusal(
                own[0], "RK-MOD-026", f"{own[0]} is not a unit of time", allowed="For example [h] or [d]"
            )
        return titles[0], own[0]

    def _refuse_moving_parts(self, model: Model) -> None:
        """Initial values and dosing rules are known before the states move: they cannot depend on them."""
        for name, state in model.states.items():
            self._refuse_moving(model, state.initial, f'the initial value of "{name}"', name)
        for name, rule in model.dosing.items():
            for word in ("bioavailability", "lag", "duration", "rate"):
                expression = getattr(rule, word)
                if expression is not None:
                    self._refuse_moving(model, expression, f"{word}({name})", name)

    def _refuse_moving(self, model: Model, expression: Expression, what: str, state: str) -> None:
        fixed = {*model.parameters, *model.covariates}
        moving = sorted(symbols(*model.inline(expression)) - fixed)
        if moving:
            raise refusal(
                declaration(self.names[state]).name,
                "RK-MOD-027",
                f'{what} depends on "{moving[0]}"',
                allowed="Parameters, covariates and definitions made of them",
                why="It must be known before the states move",
            )
