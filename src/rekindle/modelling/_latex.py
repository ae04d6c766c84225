"""Expressions as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable

from rekindle.modelling._expression import Expression
from rekindle.modelling._notation import (
    ATOM,
    OR,
    POWER,
    PRODUCT,
    RANKS,
    SIGN,
    Piece,
    number_text,
    recognised,
    written,
)

_GREEK = frozenset(
    (
        *(
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "kappa",
            "lambda",
            "mu",
            "nu",
        ),
        *("xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
    )
)
_INFIX = {
    "or": r" \lor ", "and": r" \land ", "lt": " < ", "le": r" \le ", "gt": " > ", "ge": r" \ge ",
    "eq": " = ", "ne": r" \ne ", "add": " + ", "sub": " - ", "mul": r" \, ",
}  # fmt: skip
_FUNCTIONS = {"exp": r"\exp", "log": r"\ln", "tanh": r"\tanh", "min": r"\min", "max": r"\max"}
_EXPONENT = re.compile(r"e([+-]?)0*(\d+)$")


def to_latex(expression: Expression) -> str:
    r"""LaTeX of an expression.

    >>> from rekindle.modelling import symbol
    >>> print(to_latex(symbol("k_a") * symbol("rho") / symbol("V")))
    \frac{k_{\mathrm{a}} \, \rho}{V}
    """
    return written(expression, _latex_of)


def latex_name(name: str) -> str:
    r"""LaTeX of a name: what follows the first underscore becomes its index.

    >>> print(latex_name("CL_int_S"), latex_name("infusion(C)"))
    \mathrm{CL}_{\mathrm{int,S}} \mathrm{infusion}(C)
    """
    if "(" in name:
        function, argument = name.rstrip(")").split("(", 1)
        return rf"\mathrm{{{function}}}({latex_name(argument)})"
    if name == "time":
        return "t"
    first, *rest = [part for part in name.split("_") if part] or [r"\_"]
    base = rf"\{first}" if first in _GREEK else first if len(first) == 1 else rf"\mathrm{{{first}}}"
    return rf"{base}_{{\mathrm{{{','.join(rest)}}}}}" if rest else base


def _latex_of(node: Expression, part: Callable[[Expression, int], str]) -> Piece:
    known = recognised(node)
    if known:
        inner = ", ".join(part(argument, OR) for argument in known[1])
        return rf"\mathrm{{{known[0]}}}\left({inner}\right)", ATOM
    operation, arguments = node.operation, node.arguments
    rank = RANKS.get(operation, ATOM)
    match operation:
        case "constant":
            return _number(node.value)
        case "symbol":
            return latex_name(node.name), ATOM
        case "div":
            return rf"\frac{{{part(arguments[0], OR)}}}{{{part(arguments[1], OR)}}}", PRODUCT
        case "pow":
            return f"{{{part(arguments[0], ATOM)}}}^{{{part(arguments[1], OR)}}}", POWER
        case "neg":
            return f"-{part(arguments[0], SIGN)}", SIGN
        case "not":
            return rf"\lnot {part(arguments[0], rank)}", rank
        case "sqrt":
            return rf"\sqrt{{{part(arguments[0], OR)}}}", ATOM
        case "abs":
            return rf"\left|{part(arguments[0], OR)}\right|", ATOM
        case "floor":
            return rf"\left\lfloor {part(arguments[0], OR)} \right\rfloor", ATOM
        case "select":
            condition, first, second = (part(argument, OR) for argument in arguments)
            lines = rf"{first} & \text{{if }} {condition} \\ {second} & \text{{otherwise}}"
            return rf"\begin{{cases}} {lines} \end{{cases}}", ATOM
        case _ if operation in _INFIX:
            right = part(arguments[1], rank + (operation == "sub"))
            return part(arguments[0], rank) + _INFIX[operation] + right, rank
    inner = ", ".join(part(argument, OR) for argument in arguments)
    return rf"{_FUNCTIONS[operation]}\left({inner}\right)", ATOM


def _number(value: float) -> Piece:
    text = number_text(value)
    exponent = _EXPONENT.search(text)
    if exponent is None:
        return text, SIGN if value < 0 else ATOM
    return rf"{text[: exponent.start()]} \cdot 10^{{{exponent[1].strip('+')}{exponent[2]}}}", PRODUCT
