"""Expressions as nodes of libsbml, which writes them as MathML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rekindle.errors import ModelError, OutputError
from rekindle.modelling._expression import Expression

_NODES = {
    "add": "AST_PLUS", "sub": "AST_MINUS", "mul": "AST_TIMES", "div": "AST_DIVIDE", "neg": "AST_MINUS",
    "pow": "AST_POWER", "exp": "AST_FUNCTION_EXP", "log": "AST_FUNCTION_LN", "sqrt": "AST_FUNCTION_ROOT",
    "abs": "AST_FUNCTION_ABS", "floor": "AST_FUNCTION_FLOOR", "tanh": "AST_FUNCTION_TANH",
    "min": "AST_FUNCTION_MIN", "max": "AST_FUNCTION_MAX", "lt": "AST_RELATIONAL_LT",
    "le": "AST_RELATIONAL_LEQ", "gt": "AST_RELATIONAL_GT", "ge": "AST_RELATIONAL_GEQ",
    "eq": "AST_RELATIONAL_EQ", "ne": "AST_RELATIONAL_NEQ", "and": "AST_LOGICAL_AND", "or": "AST_LOGICAL_OR",
    "not": "AST_LOGICAL_NOT", "select": "AST_FUNCTION_PIECEWISE",
}  # fmt: skip
_MOST_NODES = 200_000


def load_libsbml() -> Any:
    """The libsbml module.

    Raises:
        OutputError: python-libsbml is not installed.
    """
    try:
        import libsbml
    except ImportError as error:
        raise OutputError(
            "RK-OUT-090",
            given="SBML can neither be read nor written: python-libsbml is not installed",
            remedy='Install it: pip install "rekindle[sbml]"',
        ) from error
    return libsbml


def to_node(expression: Expression, identifier: Callable[[str], str]) -> Any:
    """Build the libsbml node of an expression; ``identifier`` gives the SBML name of a symbol.

    Raises:
        ModelError: an expression that is too large when its shared parts are written out.
    """
    libsbml = load_libsbml()
    root = _single(libsbml, expression, identifier)
    pending, count = [(expression, root)], 0
    while pending:
        found, node = pending.pop()
        count += 1
        if count > _MOST_NODES:
            raise ModelError(
                "RK-MOD-035",
                given=f"an expression has more than {_MOST_NODES} parts when it is written out",
                remedy="Give names to its repeated parts",
            )
        for argument in _argument_order(found):
            child = _single(libsbml, argument, identifier)
            node.addChild(child)
            pending.append((argument, child))
    return root


def _argument_order(expression: Expression) -> tuple[Expression, ...]:
    if expression.operation == "select":
        condition, if_true, if_false = expression.arguments
        return if_true, condition, if_false
    return expression.arguments


def _single(libsbml: Any, expression: Expression, identifier: Callable[[str], str]) -> Any:
    if expression.operation == "constant":
        node = libsbml.ASTNode(libsbml.AST_REAL)
        node.setValue(expression.value)
        return node
    if expression.operation == "symbol":
        node = libsbml.ASTNode(libsbml.AST_NAME_TIME if expression.name == "time" else libsbml.AST_NAME)
        node.setName(identifier(expression.name))
        return node
    return libsbml.ASTNode(getattr(libsbml, _NODES[expression.operation]))
