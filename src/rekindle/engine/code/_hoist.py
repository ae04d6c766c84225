"""Moving what stays constant between events out of the integration loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rekindle.modelling import Expression, call, constant, rebuild, select, symbol, topological

#: Prefix of the names of hoisted subexpressions.
HOISTED = "hoisted "
#: Prefix of the names of subexpressions of known functions of time.
DERIVED = "derived "


def hoist(roots: Sequence[Expression], fixed: set[str]) -> tuple[list[Expression], list[Expression]]:
    """Replace the largest subexpressions of fixed symbols by ``hoisted i``; return roots and those parts."""
    roots = _multiplied(roots, fixed)
    order = topological(roots)
    is_fixed: dict[Expression, bool] = {}
    for node in order:
        if node.operation == "symbol":
            is_fixed[node] = node.name in fixed
        else:
            is_fixed[node] = all(is_fixed[argument] for argument in node.arguments)
    users: set[Expression] = set(roots)
    for node in order:
        if not is_fixed[node]:
            users.update(node.arguments)
    found = [node for node in order if is_fixed[node] and node in users and not node.is_constant]
    names = {node: _named(node, symbol(f"{HOISTED}{place}")) for place, node in enumerate(found)}
    return _replace_nodes(roots, names), [as_number(node) for node in found]


def hoist_groups(
    roots: Mapping[str, Sequence[Expression]], fixed: set[str]
) -> tuple[dict[str, list[Expression]], list[Expression]]:
    """Hoist several lists of expressions together; return them by name, and the hoisted parts."""
    flat, hoisted = hoist([root for group in roots.values() for root in group], fixed)
    found, start = {}, 0
    for name, group in roots.items():
        found[name] = flat[start : start + len(group)]
        start += len(group)
    return found, hoisted


def derive(
    roots: Sequence[Expression], fixed: set[str], also: Sequence[Sequence[Expression]]
) -> tuple[list[list[Expression]], list[Expression]]:
    """Replace the largest subexpressions of known functions of time by ``derived i``.

    Args:
        roots: where such subexpressions are looked for.
        fixed: names of the known functions of time; hoisted values count as known.
        also: further lists in which the same subexpressions are replaced.

    Returns:
        All lists, ``roots`` first, and the subexpressions.
    """
    order = topological(roots)
    is_known: dict[Expression, bool] = {}
    for node in order:
        if node.operation == "symbol":
            is_known[node] = node.name in fixed or node.name.startswith(HOISTED)
        else:
            is_known[node] = all(is_known[argument] for argument in node.arguments)
    users: set[Expression] = set(roots)
    for node in order:
        if not is_known[node]:
            users.update(node.arguments)
    found = [
        node
        for node in order
        if node.arguments and is_known[node] and node in users and not _is_condition(node)
    ]
    names = {node: symbol(f"{DERIVED}{place}") for place, node in enumerate(found)}
    return [_replace_nodes(group, names) for group in (roots, *also)], found


def _multiplied(roots: Sequence[Expression], fixed: set[str]) -> list[Expression]:
    """Divisions by what is fixed as multiplications by its inverse, which is then hoisted."""
    done: dict[Expression, Expression] = {}
    is_fixed: dict[Expression, bool] = {}
    for node in topological(roots):
        own = all(is_fixed[argument] for argument in node.arguments)
        is_fixed[node] = node.name in fixed if node.operation == "symbol" else own
        arguments = tuple(done[argument] for argument in node.arguments)
        if node.operation == "div" and is_fixed[node.arguments[1]] and not own:
            done[node] = arguments[0] * (1.0 / arguments[1])
        else:
            done[node] = rebuild(node, arguments) if arguments else node
    return [done[root] for root in roots]


def _named(node: Expression, name: Expression) -> Expression:
    """What stands for a hoisted node; a condition is stored as 1 or 0 and compared again."""
    return call("ne", name, constant(0.0)) if _is_condition(node) else name


def _is_condition(node: Expression) -> bool:
    return node.operation in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not")


def _replace_nodes(roots: Sequence[Expression], names: Mapping[Expression, Expression]) -> list[Expression]:
    done: dict[Expression, Expression] = {}
    for node in topological(roots):
        if node in names:
            done[node] = names[node]
        elif node.arguments:
            done[node] = rebuild(node, tuple(done[argument] for argument in node.arguments))
        else:
            done[node] = node
    return [done[root] for root in roots]


def as_number(condition: Expression) -> Expression:
    """A condition as 1 or 0; a number stays as it is."""
    if _is_condition(condition):
        return select(condition, constant(1.0), constant(0.0))
    return condition
