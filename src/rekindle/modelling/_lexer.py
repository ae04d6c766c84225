"""From text to tokens, grouped into statements.

A statement begins on a line with the smallest indentation and goes on over deeper lines and open parentheses.
A semicolon ends it early, so that short statements can share a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from rekindle.errors import ModelError

_LONGEST_TEXT = 2_000_000
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\f\v]+|\#.*)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r'|"(?P<string>[^"]*)"'
    r"|\[(?P<unit>[^\[\]]*)\]"
    r"|(?P<operator><-|<=|>=|==|!=|\*\*|[-+*/^(),:;=<>])",
    re.ASCII,
)
#: Characters that users of other languages or of word processors write, and what to write here.
_INSTEAD = {
    "“": 'straight quotes ""', "”": 'straight quotes ""', "'": 'double quotes ""', "−": 'a plain minus "-"',
    "·": '"*"', "×": '"*"', "&": '"and"', "|": '"or"', "!": '"not" or "!="',
    "{": "parentheses", "~": '"="', "[": 'a unit between "[" and "]" on one line',
    '"': 'a text between " and " on one line',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text; ``kind`` is name, number, string, unit, operator or end."""

    kind: str
    text: str
    line: int
    column: int
    file: str

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end of the statement"
        brackets = {"string": '"{}"', "unit": "[{}]"}.get(self.kind, '"{}"')
        return brackets.format(self.text if len(self.text) <= 40 else self.text[:40] + "...")


def refusal(
    token: Token, code: str, given: str, *, allowed: str = "", why: str = "", remedy: str = ""
) -> ModelError:
    """Build the error for something wrong at a token."""
    return ModelError(
        code,
        given=given,
        allowed=allowed,
        why=why,
        remedy=remedy,
        line=token.line,
        column=token.column,
        file=token.file,
    )


def tokenize(text: str, file: str = "") -> list[list[Token]]:
    """Split a text into statements, each a list of tokens that closes with an end token.

    Raises:
        ModelError: a character that is not part of the language, or a text that is too long.
    """
    if len(text) > _LONGEST_TEXT:
        raise ModelError(
            "RK-MOD-003",
            given=f"the model text has {len(text)} characters",
            allowed=f"At most {_LONGEST_TEXT}",
            remedy="Split it into components or read the numbers from a parameters file",
        )
    statements: list[list[Token]] = []
    base, depth = -1, 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        tokens = _line_tokens(line, number, file)
        if not tokens:
            continue
        indentation = tokens[0].column
        base = indentation if base < 0 else base
        if not statements or (depth == 0 and indentation <= base):
            statements.append([])
            depth = 0
        for token in tokens:
            if token.kind == "operator":
                depth += (token.text == "(") - (token.text == ")")
                if token.text == ";" and depth == 0:
                    statements.append([])
                    continue
            statements[-1].append(token)
    statements = [tokens for tokens in statements if tokens]
    for tokens in statements:
        last = tokens[-1]
        tokens.append(Token("end", "", last.line, last.column + len(last.text), file))
    return statements


def _line_tokens(line: str, number: int, file: str) -> list[Token]:
    tokens: list[Token] = []
    make = partial(Token, line=number, file=file)
    position = 0
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            raise _strange(line, position, number, file)
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(make(kind, match[kind], column=position + 1))
        position = match.end()
    return tokens


def _strange(line: str, position: int, number: int, file: str) -> ModelError:
    character = line[position]
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    instead = _INSTEAD.get(character)
    return ModelError(
        "RK-MOD-001",
        given=f'unexpected character "{shown}"',
        allowed="Names are made of letters a-z, A-Z, digits and underscores",
        remedy=f"Write {instead}" if instead else "",
        line=number,
        column=position + 1,
        file=file,
    )
