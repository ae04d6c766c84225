"""Statements: from the tokens of one statement to its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rekindle.errors import nearest
from rekindle.modelling._expression import FUNCTIONS
from rekindle.modelling._lexer import Token, refusal, tokenize
from rekindle.modelling._parser import ExpressionReader
from rekindle.modelling._syntax import (
    AssignmentPart,
    Binary,
    CovariateLine,
    CrossingEventLine,
    DefinitionLine,
    DerivativeLine,
    DoseLine,
    IncludeLine,
    Line,
    Literal,
    ModelLine,
    Name,
    NamedEventLine,
    OutputLine,
    ParameterLine,
    ParametersLine,
    PeakEventLine,
    StateLine,
    Statement,
    SwitchLine,
    TimeLine,
)

#: Functions that the language adds to those of expressions.
COMPOSED = ("if", "positive", "logistic", "logit", "hill", "infusion")
DOSE_RULES = ("bioavailability", "lag", "duration", "rate")
#: Comparisons that turn true where their sides are equal.
_CROSSED = ("<", "<=", ">", ">=")
_OTHER_WORDS = ("and", "or", "not", "peak", "hypothesis", "shared")


def parse_statements(text: str, file: str = "") -> list[Statement]:
    """Read all statements of a text.

    Raises:
        ModelError: with line and column of the first thing that is not part of the language.
    """
    return [_StatementReader(tokens).statement() for tokens in tokenize(text, file)]


class _StatementReader(ExpressionReader):
    def statement(self) -> Statement:
        shared = self.accept("shared")
        start = self.next
        line = self._line()
        if self.next.kind != "end":
            raise self.unexpected(
                "the end of the statement", "Start the next statement on a new line or after a semicolon"
            )
        if shared and not isinstance(line, ParameterLine | CovariateLine | SwitchLine | DefinitionLine):
            raise refusal(
                start,
                "RK-MOD-031",
                f"{start} cannot be shared",
                allowed="Parameters, covariates, switches and definitions can be shared by copies",
                remedy="Declare it in the model that includes the copies",
            )
        return Statement(line, shared)

    def _line(self) -> Line:
        first, second = self.next, self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        if first.kind != "name":
            raise self.unexpected("a statement")
        if first.text == "d" and second.text == "/" and second.kind == "operator":
            return self._derivative()
        reader = _READERS.get(first.text)
        if reader is not None:
            self.take()
            return reader(self)
        if second.kind == "unit" or (second.kind == "operator" and second.text == "="):
            return self._definition()
        if second.kind == "operator" and second.text == "<-":
            raise refusal(
                second, "RK-MOD-005", '"<-" stands only in events', remedy='Write "=" in a definition'
            )
        raise refusal(
            first,
            "RK-MOD-007",
            f"{first} does not begin a statement{nearest(first.text, _READERS)}",
            allowed='Statements begin with a word such as "parameter" or "state", with "name =" or "d/dt("',
        )

    def new_name(self, wanted: str) -> Token:
        """Read a name that is declared here."""
        token = self.expect_kind("name", wanted)
        if token.text in RESERVED:
            raise refusal(
                token,
                "RK-MOD-008",
                f"{token} is a word of the language and cannot be a name",
                remedy="Choose another name",
            )
        return token

    def unit(self, token: Token) -> Token:
        """Read the unit that a declaration must have."""
        if self.next.kind != "unit":
            raise refusal(
                token,
                "RK-MOD-015",
                f"{token} has no unit",
                allowed="A unit in brackets, such as [mg/L]; [1] for a pure number",
                why="A number without a unit cannot be checked",
            )
        return self.take()

    def optional_unit(self) -> Token | None:
        return self.take() if self.next.kind == "unit" else None

    def text(self) -> str:
        """Read a text if there is one."""
        return self.take().text if self.next.kind == "string" else ""

    def literal(self) -> Literal:
        """Read a signed number with an optional unit."""
        negative = self.accept("-")
        number = self.number()
        return Literal(number.token, -number.value if negative else number.value, number.unit)

    def _bounds(self) -> tuple[Literal, Literal]:
        low = self.literal()
        self.expect("to")
        return low, self.literal()

    def _words(self, wanted: str, read: Callable[[], Token]) -> tuple[Token, ...]:
        words = [read()]
        while self.accept(","):
            words.append(read())
        seen: set[str] = set()
        for word in words:
            if word.text in seen:
                raise refusal(word, "RK-MOD-009", f"{wanted} {word} is given twice")
            seen.add(word.text)
        return tuple(words)

    def _model(self) -> Line:
        return ModelLine(self.new_name("the name of the model"), self.text())

    def _time(self) -> Line:
        return TimeLine(self.unit(self.tokens[self.position - 1]))

    def _parameters(self) -> Line:
        return ParametersLine(self.expect_kind("string", "a file name in quotes"))

    def _include(self) -> Line:
        file = self.expect_kind("string", "a file name in quotes")
        suffixes: tuple[Token, ...] = ()
        if self.accept("for"):
            suffixes = self._words("copy", lambda: self.expect_kind("name", "the suffix of a copy"))
        return IncludeLine(file, suffixes)

    def _parameter(self) -> Line:
        name = self.new_name("the name of a parameter")
        found = ParameterLine(name, self.unit(name), None, None, None, None, "", "")
        if self.accept("="):
            found = replace(found, value=self.literal())
        while self.sees("in", "mark", "source"):
            match self.take().text:
                case "in":
                    low, high = self._bounds()
                    found = replace(found, low=low, high=high)
                case "mark":
                    found = replace(found, mark=self.expect_kind("name", "a mark"))
                case _:
                    found = replace(found, source=self.expect_kind("string", "a source in quotes").text)
        return replace(found, description=self.text())

    def _covariate(self) -> Line:
        name = self.new_name("the name of a covariate")
        found = CovariateLine(name, self.unit(name), None, None, None, None, "")
        if self.accept("="):
            found = replace(found, default=self.literal())
        while self.sees("in", "carry"):
            if self.take().text == "in":
                low, high = self._bounds()
                found = replace(found, low=low, high=high)
            else:
                found = replace(found, carry=self.expect_kind("name", "a carry rule"))
        return replace(found, description=self.text())

    def _switch(self) -> Line:
        name = self.new_name("the name of a switch")
        self.expect("in", 'Write "switch name in first, second"')
        options = self._words("option", lambda: self.expect_kind("name", "an option"))
        return SwitchLine(name, options, self.text())

    def _state(self) -> Line:
        name = self.new_name("the name of a state")
        unit = self.unit(name)
        return StateLine(name, unit, self.expression() if self.accept("=") else None, self.text())

    def _definition(self) -> Line:
        name, unit = self.new_name("a name"), self.optional_unit()
        self.expect("=")
        return DefinitionLine(name, unit, self.expression(), self.text())

    def _derivative(self) -> Line:
        self.take()
        self.expect("/")
        self.expect("dt", 'Write "d/dt(state) = ..."')
        name = self._target()
        self.expect("=")
        return DerivativeLine(name, self.expression())

    def _target(self) -> Token:
        self.expect("(")
        name = self.expect_kind("name", "the name of a state")
        self.expect(")")
        return name

    def _output(self, measurable: bool = True) -> Line:
        name = self.new_name("the name of an output")
        unit = self.optional_unit()
        self.expect("=")
        return OutputLine(name, unit, self.expression(), self.text(), measurable)

    def _hypothesis(self) -> Line:
        self.expect("output", 'Write "hypothesis output name [unit] = ..."')
        return self._output(measurable=False)

    def _dose_rule(self) -> Line:
        rule = self.tokens[self.position - 1]
        name, unit = self._target(), self.optional_unit()
        self.expect("=")
        return DoseLine(rule, name, unit, self.expression())

    def _named_event(self) -> Line:
        name, description = self.new_name("the name of an event"), self.text()
        return NamedEventLine(name, self._assignments(), description)

    def _watched_event(self) -> Line:
        return self._peak_event(self.take()) if self.sees("peak") else self._crossing_event()

    def _crossing_event(self) -> Line:
        token, comparison = self.next, self.expression()
        if not (isinstance(comparison, Binary) and comparison.token.text in _CROSSED):
            raise refusal(
                token,
                "RK-MOD-005",
                "one comparison is expected",
                allowed=f"when peak(expression), or when left {{{' '.join(_CROSSED)}}} right",
                why="The moment at which it turns true is looked for",
                remedy='Put what else must hold then after "if": when a > b if c > d as name: state <- ...',
            )
        condition = self.expression() if self.accept("if") else None
        description = self.text()
        self.expect("as", "Such an event needs a name: when a > b as name: state <- ...")
        name = self.new_name("the name of an event")
        description = description or self.text()
        return CrossingEventLine(token, comparison, condition, name, self._assignments(), description)

    def _peak_event(self, token: Token) -> Line:
        self.expect("(")
        watched = self.expression()
        self.expect(")")
        condition = self.expression() if self.accept("if") else None
        description = self.text()
        name = self.new_name("the name of an event") if self.accept("as") else None
        description = description or self.text()
        if name is None and not isinstance(watched, Name):
            raise self.unexpected(
                '"as" and a name', "Only a peak of a plain name can go without a name of its own"
            )
        return PeakEventLine(token, watched, condition, name, self._assignments(), description)

    def _assignments(self) -> tuple[AssignmentPart, ...]:
        self.expect(":")
        parts = []
        while True:
            name = self.expect_kind("name", "the name of a state")
            self.expect("<-", 'An event assigns with "<-"')
            parts.append(AssignmentPart(name, self.expression()))
            if not self.accept(","):
                return tuple(parts)


_READERS: dict[str, Callable[[_StatementReader], Line]] = {
    "model": _StatementReader._model,
    "time": _StatementReader._time,
    "parameters": _StatementReader._parameters,
    "include": _StatementReader._include,
    "parameter": _StatementReader._parameter,
    "covariate": _StatementReader._covariate,
    "switch": _StatementReader._switch,
    "state": _StatementReader._state,
    "output": _StatementReader._output,
    "hypothesis": _StatementReader._hypothesis,
    **dict.fromkeys(DOSE_RULES, _StatementReader._dose_rule),
    "on": _StatementReader._named_event,
    "when": _StatementReader._watched_event,
}
#: Words that cannot be names.
RESERVED = frozenset((*_READERS, *FUNCTIONS, *COMPOSED, *_OTHER_WORDS))
