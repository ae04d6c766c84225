"""Expressions: from tokens to nodes by precedence climbing, with a limit on nesting."""

from __future__ import annotations

import math

from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._syntax import Binary, Call, Chain, Name, Node, Number, Prefix

_DEEPEST = 60
_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER = range(1, 9)
_RANK = {
    "or": _OR, "and": _AND, "<": _COMPARE, "<=": _COMPARE, ">": _COMPARE, ">=": _COMPARE, "==": _COMPARE,
    "!=": _COMPARE, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER, "**": _POWER,
}  # fmt: skip


class TokenReader:
    """A position in the tokens of one statement, with the checks that every part of the parser needs."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.position = tokens, 0

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """Consume the next token."""
        token = self.tokens[self.position]
        if token.kind != "end":
            self.position += 1
        return token

    def sees(self, *texts: str) -> bool:
        """Whether the next token is one of these operators or words."""
        return self.next.kind in ("operator", "name") and self.next.text in texts

    def accept(self, text: str) -> bool:
        """Consume an operator or word if it comes next."""
        found = self.sees(text)
        if found:
            self.position += 1
        return found

    def expect(self, text: str, remedy: str = "") -> Token:
        """Consume an operator or word that must come next."""
        if not self.sees(text):
            raise self.unexpected(f'"{text}"', remedy)
        return self.take()

    def expect_kind(self, kind: str, wanted: str, remedy: str = "") -> Token:
        """Consume a token of a kind that must come next."""
        if self.next.kind != kind:
            raise self.unexpected(wanted, remedy)
        return self.take()

    def unexpected(self, wanted: str, remedy: str = "") -> Exception:
        """Error for a token that does not belong here."""
        return refusal(self.next, "RK-MOD-005", f"{wanted} is expected, not {self.next}", remedy=remedy)


class ExpressionReader(TokenReader):
    """Reads one expression; sums and products of any length are flat, so that only nesting costs depth."""

    depth = 0

    def expression(self, lowest: int = _OR) -> Node:
        """Read operators of at least the given rank."""
        left = self._operand()
        while True:
            rank = self._rank()
            if rank < lowest:
                return left
            if rank == _POWER:
                operator = self.take()
                left = Binary(operator, left, self._nested(operator, _SIGN))
            elif rank == _COMPARE:
                operator = self.take()
                left = Binary(operator, left, self.expression(_SUM))
                if self._rank() == _COMPARE:
                    raise self.unexpected("one comparison", 'Write "a < b and b < c"')
            else:
                left = self._chain(left, rank)

    def number(self) -> Number:
        """Read a literal number with an optional unit."""
        token = self.expect_kind("number", "a number")
        value = float(token.text)
        if not math.isfinite(value):
            raise refusal(
                token, "RK-MOD-006", f"the number {token} is too large", allowed="At most about 1.8e308"
            )
        return Number(token, value, self.take() if self.next.kind == "unit" else None)

    def _rank(self) -> int:
        if self.sees("<-"):
            raise self.unexpected("an operator", 'Write "< -" with a space to compare with a negative number')
        return _RANK.get(self.next.text, 0) if self.next.kind in ("operator", "name") else 0

    def _chain(self, first: Node, rank: int) -> Node:
        rest = []
        while self._rank() == rank:
            operator = self.take()
            rest.append((operator, self.expression(rank + 1)))
        return Chain(first, tuple(rest))

    def _operand(self) -> Node:
        token = self.next
        if token.kind == "number":
            return self.number()
        if self.sees("-", "+", "not"):
            self.take()
            operand = self._nested(token, _NOT if token.text == "not" else _SIGN)
            return operand if token.text == "+" else Prefix(token, operand)
        if self.accept("("):
            inner = self._nested(token, _OR)
            self._close(token)
            return inner
        if token.kind == "name" and token.text not in ("and", "or"):
            self.take()
            return self._call(token) if self.sees("(") else Name(token)
        raise self.unexpected('a number, a name or "("')

    def _call(self, name: Token) -> Node:
        opened = self.take()
        arguments = []
        while not self.sees(")"):
            arguments.append(self._nested(opened, _OR))
            if not self.accept(","):
                break
        self._close(opened)
        return Call(name, tuple(arguments))

    def _close(self, opened: Token) -> None:
        if not self.sees(")"):
            where = f"the parenthesis of line {opened.line}, column {opened.column}"
            raise self.unexpected(f'")" that closes {where}')
        self.take()

    def _nested(self, token: Token, lowest: int) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise refusal(
                token,
                "RK-MOD-004",
                f"the expression is nested more than {_DEEPEST} deep",
                remedy="Give a name to a part of it",
            )
        node = self.expression(lowest)
        self.depth -= 1
        return node
