"""Expressions as text that reads like the model language."""

from __future__ import annotations

from collections.abc import Callable

from rekindle.modelling._expression import Expression, constant, topological

#: Ranks of operators, loosest first; an argument of a lower rank needs parentheses.
OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 10)
RANKS = {
    "or": OR, "and": AND, "not": NOT, "lt": COMPARE, "le": COMPARE, "gt": COMPARE, "ge": COMPARE,
    "eq": COMPARE, "ne": COMPARE, "add": SUM, "sub": SUM, "mul": PRODUCT, "div": PRODUCT, "neg": SIGN,
    "pow": POWER,
}  # fmt: skip
_INFIX = {
    "or": " or ", "and": " and ", "lt": " < ", "le": " <= ", "gt": " > ", "ge": " >= ", "eq": " == ",
    "ne": " != ", "add": " + ", "sub": " - ", "mul": "*", "div": "/", "pow": "^",
}  # fmt: skip
#: A shared part can occur so often that the text would not fit into memory.
_LONGEST = 20_000
_SHORT = 60


def to_text(expression: Expression) -> str:
    """Text of an expression.

    >>> from rekindle.modelling import symbol
    >>> to_text(-symbol("CL") / symbol("V") * (symbol("C") + 1.0))
    '-CL/V*(C + 1)'
    """
    return written(expression, _text_of)


def shortened(expression: Expression) -> str:
    """Text of an expression for a message: its beginning when it is long."""
    text = to_text(expression)
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."


Piece = tuple[str, int]
Writer = Callable[[Expression, Callable[[Expression, int], str]], Piece]


def written(expression: Expression, writer: Writer) -> str:
    """Apply a writer of single nodes to a whole expression, arguments first."""
    done: dict[Expression, Piece] = {}

    def part(node: Expression, lowest: int) -> str:
        text, rank = done[node]
        return text if rank >= lowest else f"({text})"

    for node in topological([expression]):
        text, rank = writer(node, part)
        done[node] = ("(...)", ATOM) if len(text) > _LONGEST else (text, rank)
    return done[expression][0]


def number_text(value: float) -> str:
    """Shortest text that reads back as the same number."""
    short = f"{value:.12g}"
    return short if float(short) == value else repr(value)


def recognised(node: Expression) -> tuple[str, tuple[Expression, ...]] | None:
    """The function of the language that was expanded to this node, with its arguments."""
    match node.operation, node.arguments:
        case "max", (x, zero) if zero.equals(0.0):
            return "positive", (x,)
        case "log", (inner,) if inner.operation == "div" and _is_complement(*inner.arguments):
            return "logit", (inner.arguments[0],)
        case "div", (above, below) if below.operation == "add" and below.arguments[0].equals(1.0):
            return _hill(above) if below.arguments[1] is above else _logistic(above, below.arguments[1])
    return None


def _is_complement(x: Expression, rest: Expression) -> bool:
    return rest.operation == "sub" and rest.arguments[0].equals(1.0) and rest.arguments[1] is x


def _hill(above: Expression) -> tuple[str, tuple[Expression, ...]] | None:
    base, exponent = above.arguments if above.operation == "pow" else (above, None)
    if base.operation != "max" or not base.arguments[1].equals(0.0):
        return None
    ratio = base.arguments[0]
    quotient = ratio.arguments if ratio.operation == "div" else (ratio, constant(1.0))
    return "hill", (*quotient, exponent or constant(1.0))


def _logistic(one: Expression, power: Expression) -> tuple[str, tuple[Expression, ...]] | None:
    if not one.equals(1.0) or power.operation != "exp" or power.arguments[0].operation != "min":
        return None
    negative = power.arguments[0].arguments[0]
    return ("logistic", negative.arguments) if negative.operation == "neg" else None


def _text_of(node: Expression, part: Callable[[Expression, int], str]) -> Piece:
    known = recognised(node)
    if known:
        return f"{known[0]}({', '.join(part(argument, OR) for argument in known[1])})", ATOM
    operation, arguments = node.operation, node.arguments
    if operation == "constant":
        return number_text(node.value), SIGN if node.value < 0 else ATOM
    if operation == "symbol":
        return node.name, ATOM
    rank = RANKS.get(operation, ATOM)
    if operation in _INFIX:
        left = part(arguments[0], rank + (operation == "pow"))
        # a*(b/c) and a + (b - c) read the same without parentheses; after - and / they are needed
        right = part(
            arguments[1], rank + (operation in ("sub", "div") or rank == COMPARE) - (operation == "pow")
        )
        return left + _INFIX[operation] + right, rank
    if operation in ("neg", "not"):
        return ("-" if operation == "neg" else "not ") + part(arguments[0], rank), rank
    name = "if" if operation == "select" else operation
    return f"{name}({', '.join(part(argument, OR) for argument in arguments)})", ATOM
