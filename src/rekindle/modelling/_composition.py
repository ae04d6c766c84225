"""Components: include other files of the same folder, as they are or as copies with a suffix."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rekindle.errors import ModelError, reason
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._statements import parse_statements
from rekindle.modelling._syntax import (
    CovariateLine,
    Declaration,
    DefinitionLine,
    IncludeLine,
    Line,
    ParameterLine,
    ParametersLine,
    StateLine,
    Statement,
    SwitchLine,
    names_in,
)

_DEEPEST_INCLUDE, _MOST_STATEMENTS = 10, 100_000
_DECLARATIONS = (ParameterLine, CovariateLine, SwitchLine, StateLine, DefinitionLine)


@dataclass(frozen=True)
class Scope:
    """How names of one file are written in the whole model; the innermost copy comes first."""

    copies: tuple[tuple[frozenset[str], str], ...] = ()

    def full(self, name: str) -> str:
        """Name with the suffixes of all copies in whose files it is declared.

        >>> Scope(((frozenset({"CL"}), "S"),)).full("CL")
        'CL_S'
        """
        for declared, suffix in self.copies:
            if name in declared:
                name = f"{name}_{suffix}"
        return name


@dataclass(frozen=True)
class Placed:
    """A statement together with what its names mean."""

    line: Line
    scope: Scope
    shared: bool = False


@dataclass
class Composition:
    """All statements of a model and its components, in order, data files that they name, and texts read."""

    placed: list[Placed] = field(default_factory=list)
    data_files: dict[Path, Token] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)


def compose(text: str, file: str, folder: Path | None) -> Composition:
    """Read a text and everything that it includes.

    Raises:
        ModelError: a file that is missing, outside the folder, or that includes itself.
    """
    composer = _Composer(folder)
    composer.place(parse_statements(text, file), Scope(), (file,))
    return composer.result


def read_text(path: Path, token: Token | None = None) -> str:
    """Read a text file, naming the place that asked for it when that fails."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ModelError(
            "RK-MOD-023",
            given=f'file "{path}" cannot be read ({reason(error)})',
            remedy="Check the name and the folder",
            line=token.line if token else 0,
            column=token.column if token else 0,
            file=token.file if token else "",
        ) from error


class _Composer:
    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.result = Composition()
        self.parsed: dict[str, list[Statement]] = {}
        self.included: dict[str, Token] = {}
        self.shared: set[tuple[str, int]] = set()

    def place(self, statements: list[Statement], scope: Scope, trail: tuple[str, ...]) -> None:
        for statement in statements:
            line = statement.line
            match line:
                case IncludeLine():
                    self._include(line, scope, trail)
                case ParametersLine(token):
                    self.result.data_files.setdefault(self._beside(token), token)
                case _:
                    if not statement.shared or self._first_of_copies(line, scope):
                        self.result.placed.append(Placed(line, scope, statement.shared))
        if len(self.result.placed) > _MOST_STATEMENTS:
            raise ModelError("RK-MOD-032", given=f"the model has more than {_MOST_STATEMENTS} statements")

    def _include(self, line: IncludeLine, scope: Scope, trail: tuple[str, ...]) -> None:
        token = line.file
        statements = self._statements(token)
        if token.text in trail or len(trail) > _DEEPEST_INCLUDE:
            raise refusal(
                token,
                "RK-MOD-024",
                f"{token} includes itself: {' -> '.join((*trail, token.text))}"
                if token.text in trail
                else f"{token} is included more than {_DEEPEST_INCLUDE} deep",
            )
        if not line.suffixes:
            self._refuse_second_inclusion(token, scope)
            self.place(statements, scope, (*trail, token.text))
        declared = self._declared(statements, (*trail, token.text))
        for suffix in line.suffixes:
            copy = Scope(((declared, suffix.text), *scope.copies))
            self.place(statements, copy, (*trail, token.text))

    def _refuse_second_inclusion(self, token: Token, scope: Scope) -> None:
        key = "_".join((token.text, *(suffix for _, suffix in scope.copies)))
        earlier = self.included.setdefault(key, token)
        if earlier is not token:
            raise refusal(
                token,
                "RK-MOD-024",
                f"{token} is included already in line {earlier.line} of {earlier.file or 'the model'}",
                remedy='Include it once, or as copies: include "file.model" for A, B',
            )

    def _statements(self, token: Token) -> list[Statement]:
        if token.text not in self.parsed:
            path = self._beside(token)
            self.result.texts[path] = read_text(path, token)
            self.parsed[token.text] = parse_statements(self.result.texts[path], token.text)
        return self.parsed[token.text]

    def _beside(self, token: Token) -> Path:
        plain = token.text and not set(token.text) & set("/\\:\0") and token.text not in (".", "..")
        if self.folder is None or not plain:
            raise refusal(
                token,
                "RK-MOD-025",
                f"{token} is not a file of the model's folder"
                if self.folder
                else f"{token} cannot be found: the model is a text without a folder",
                allowed="The plain name of a file in the same folder",
                remedy="" if self.folder else "Give read_model the path of the model, or folder=...",
            )
        return self.folder / token.text

    def _declared(self, statements: list[Statement], trail: tuple[str, ...]) -> frozenset[str]:
        """Names that get a suffix when these statements are copied."""
        names: set[str] = set()
        for statement in statements:
            line = statement.line
            if isinstance(line, _DECLARATIONS) and not statement.shared:
                names.add(line.name.text)
            elif isinstance(line, IncludeLine) and line.file.text not in trail:
                inner = self._declared(self._statements(line.file), (*trail, line.file.text))
                suffixes = [f"_{suffix.text}" for suffix in line.suffixes] or [""]
                names.update(name + suffix for name in inner for suffix in suffixes)
        return frozenset(names)

    def _first_of_copies(self, line: Declaration | Line, scope: Scope) -> bool:
        """Whether a shared declaration is met for the first time; it must not use names of one copy."""
        assert isinstance(line, _DECLARATIONS)
        key = (line.name.file, line.name.line)
        if isinstance(line, DefinitionLine):
            for token in names_in(line.expression):
                if scope.full(token.text) != token.text:
                    raise refusal(
                        token,
                        "RK-MOD-031",
                        f'shared "{line.name.text}" uses "{token.text}", which every copy has for itself',
                        remedy=f'Declare "{token.text}" as shared too, or do not share "{line.name.text}"',
                    )
        known = key in self.shared
        self.shared.add(key)
        return not known
