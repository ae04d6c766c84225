"""What the parser produces: nodes of expressions and statements, each with its token for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rekindle.modelling._lexer import Token


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A literal number, with a unit or pure."""

    token: Token
    value: float
    unit: Token | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A name."""

    token: Token


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """``-x`` or ``not x``."""

    token: Token
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Operands joined from left to right by operators of one rank: + -, * /, and, or."""

    first: Node
    rest: tuple[tuple[Token, Node], ...]

    @property
    def token(self) -> Token:
        """The first operator."""
        return self.rest[0][0]


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """A comparison or a power."""

    token: Token
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function applied to arguments."""

    token: Token
    arguments: tuple[Node, ...]


Node = Number | Name | Prefix | Chain | Binary | Call


def names_in(node: Node) -> Iterator[Token]:
    """Tokens of all names under a node, in the order of the text."""
    stack: list[Node] = [node]
    while stack:
        found = stack.pop()
        match found:
            case Name(token):
                yield token
            case Prefix(_, operand):
                stack.append(operand)
            case Chain(first, rest):
                stack.extend([*(operand for _, operand in reversed(rest)), first])
            case Binary(_, left, right):
                stack.extend([right, left])
            case Call(_, arguments):
                stack.extend(reversed(arguments))


@dataclass(frozen=True, slots=True)
class Literal:
    """A signed number outside an expression, with an optional unit."""

    token: Token
    value: float
    unit: Token | None = None


@dataclass(frozen=True, slots=True)
class ModelLine:
    """``model name "description"``."""

    name: Token
    description: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """``time [h]``."""

    unit: Token


@dataclass(frozen=True, slots=True)
class ParametersLine:
    """``parameters "file.csv"``."""

    file: Token


@dataclass(frozen=True, slots=True)
class IncludeLine:
    """``include "file.model" for S, R``."""

    file: Token
    suffixes: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """``parameter CL [L/h] = 0.13 in 0.05 to 0.3 mark seen source "..." "description"``."""

    name: Token
    unit: Token
    value: Literal | None
    low: Literal | None
    high: Literal | None
    mark: Token | None
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class CovariateLine:
    """``covariate weight [kg] = 70 in 30 to 200 carry locf "description"``."""

    name: Token
    unit: Token
    default: Literal | None
    low: Literal | None
    high: Literal | None
    carry: Token | None
    description: str


@dataclass(frozen=True, slots=True)
class SwitchLine:
    """``switch mechanism in first, second "description"``."""

    name: Token
    options: tuple[Token, ...]
    description: str


@dataclass(frozen=True, slots=True)
class StateLine:
    """``state C [mg] = 0 "description"``."""

    name: Token
    unit: Token
    initial: Node | None
    description: str


@dataclass(frozen=True, slots=True)
class DefinitionLine:
    """``name [unit] = expression "description"``."""

    name: Token
    unit: Token | None
    expression: Node
    description: str


@dataclass(frozen=True, slots=True)
class DerivativeLine:
    """``d/dt(state) = expression``."""

    name: Token
    expression: Node


@dataclass(frozen=True, slots=True)
class OutputLine:
    """``output name [unit] = expression "description"``."""

    name: Token
    unit: Token | None
    expression: Node
    description: str
    measurable: bool


@dataclass(frozen=True, slots=True)
class DoseLine:
    """``bioavailability(state) = expression`` and its like; ``rule`` is the first word."""

    rule: Token
    name: Token
    unit: Token | None
    expression: Node


@dataclass(frozen=True, slots=True)
class AssignmentPart:
    """``state <- expression``."""

    name: Token
    expression: Node


@dataclass(frozen=True, slots=True)
class NamedEventLine:
    """``on name "description": assignments``."""

    name: Token
    assignments: tuple[AssignmentPart, ...]
    description: str


@dataclass(frozen=True, slots=True)
class PeakEventLine:
    """``when peak(expression) if condition "description" as name: assignments``."""

    token: Token
    expression: Node
    condition: Node | None
    name: Token | None
    assignments: tuple[AssignmentPart, ...]
    description: str


@dataclass(frozen=True, slots=True)
class CrossingEventLine:
    """``when left > right if condition "description" as name: assignments``."""

    token: Token
    comparison: Binary
    condition: Node | None
    name: Token
    assignments: tuple[AssignmentPart, ...]
    description: str


Declaration = ParameterLine | CovariateLine | SwitchLine | StateLine | DefinitionLine
Line = (
    ModelLine | TimeLine | ParametersLine | IncludeLine | Declaration | DerivativeLine | OutputLine | DoseLine
    | NamedEventLine | PeakEventLine | CrossingEventLine
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement; ``shared`` names stay one name when their file is included in copies."""

    line: Line
    shared: bool = False
