"""Split a regimen text into words, numbers and marks, and point at a position in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from rekindle.errors import RegimenError

_TOKEN = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>[A-Za-zµμ]+(?:_[A-Za-z0-9]+)*|×)"
    r"|(?P<mark>[,;/])"
    r"|(?P<blank>\s+|(?<=[A-Za-z])-(?=[A-Za-z]))"
)
_BEFORE, _AFTER = 50, 30
_LONGEST_WORD = 60


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text. ``word`` is in lower case; ``kind`` "end" stands behind the last piece."""

    kind: Literal["number", "word", "mark", "end"]
    word: str
    position: int


def tokens_of(text: str) -> list[Token]:
    """Pieces of a text, closed by an "end" token.

    >>> [token.word for token in tokens_of("84mg x4")]
    ['84', 'mg', 'x', '4', '']

    Raises:
        RegimenError: a character that the language does not use, or an endless word.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise refusal(
                text,
                position,
                "RK-REG-024",
                given=f"character {text[position]!a} has no meaning here",
                allowed="Letters, numbers with a decimal point, and the marks , ; /",
            )
        word = match.group().lower()
        if len(word) > _LONGEST_WORD and match.lastgroup != "blank":
            raise refusal(
                text,
                position,
                "RK-REG-024",
                given=f"{len(word)} characters without a blank have no meaning here",
                allowed=f"Words and numbers have at most {_LONGEST_WORD} characters",
            )
        if match.lastgroup == "number":
            tokens.append(Token("number", word, position))
        elif match.lastgroup == "word":
            tokens.append(Token("word", "x" if word == "×" else word, position))
        elif match.lastgroup == "mark":
            tokens.append(Token("mark", word, position))
        position = match.end()
    return [*tokens, Token("end", "", len(text))]


def picture(text: str, position: int) -> str:
    """Return the part of the text around a position, with a caret under it.

    >>> print(picture("84 mg wekly", 6))
        84 mg wekly
              ^
    """
    start = max(0, position - _BEFORE)
    stop = min(len(text), position + _AFTER)
    left, right = "..." * (start > 0), "..." * (stop < len(text))
    shown = "".join(letter if letter.isprintable() else " " for letter in text[start:stop])
    return f"    {left}{shown}{right}\n    {' ' * (len(left) + position - start)}^"


def refusal(
    text: str, position: int, code: str, *, given: str, allowed: str = "", why: str = "", remedy: str = ""
) -> RegimenError:
    """Return an error that shows the text with a caret at the position."""
    where = f"cannot read the regimen at character {position + 1}:\n{picture(text, position)}\n"
    return RegimenError(code, given=where + given, allowed=allowed, why=why, remedy=remedy)


@contextmanager
def pointing(text: str, position: int) -> Iterator[None]:
    """Add the picture of a position to any regimen error raised inside."""
    try:
        yield
    except RegimenError as error:
        raise refusal(
            text,
            position,
            error.code,
            given=error.given,
            allowed=error.allowed,
            why=error.why,
            remedy=error.remedy,
        ) from error
