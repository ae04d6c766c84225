"""Reads tokens one by one: numbers, times, names of drugs and products, and refusals that show the place."""

from __future__ import annotations

import math
from typing import NoReturn

from rekindle.errors import RegimenError, nearest
from rekindle.regimen._product import DRUGS, normalised, products, products_meant, unknown_nasal
from rekindle.regimen._tokens import Token, pointing, refusal, tokens_of
from rekindle.regimen._words import AMBIGUOUS, KEYWORDS, MASS, TIME, to_hours

#: No name of a drug or product has more words.
_LONGEST_NAME = 6


class Reader:
    """A text with a place in it; the phrases of the language are read by ``Parser``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[tuple[str, int]] = []
        self._tokens = tokens_of(text)
        self._index = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def _pop(self) -> Token:
        token = self._tokens[self._index]
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def _take(self, word: str) -> bool:
        if self._next.word != word:
            return False
        self._pop()
        return True

    def _expect(self, word: str, expected: str) -> None:
        if not self._take(word):
            self._unexpected(expected)

    def _commas(self) -> None:
        while self._take(","):
            pass

    def _time(self, *, zero: bool = False) -> float:
        token = self._next
        return self._positive_time(self._number('a time such as "40 min"'), token, zero=zero)

    def _positive_time(self, value: float, token: Token, *, zero: bool = False) -> float:
        word = self._time_word(token)
        hours = to_hours(value, word) if math.isfinite(value) else value
        if not (math.isfinite(hours) and (hours > 0 or (zero and hours == 0))):
            raise self._refusal(
                token,
                "RK-REG-015",
                given=f'time "{token.word} {word}"',
                allowed="A finite time, " + ("zero or more" if zero else "greater than zero"),
            )
        return hours

    def _time_word(self, number: Token | None = None) -> str:
        word = self._next
        if word.word not in TIME:
            if number is not None and (word.kind != "word" or word.word in KEYWORDS or self._is_name(word)):
                raise self._refusal(
                    number,
                    "RK-REG-028",
                    given=f'time "{number.word}" has no unit',
                    allowed=f'Write "{number.word} h" or "{number.word} min"',
                )
            self._bad_unit(word, "min, h, days, weeks (or s)")
        return self._pop().word

    def _number(self, expected: str) -> float:
        if self._next.kind != "number":
            self._unexpected(expected)
        return float(self._pop().word)

    def _positive_dose(self, value: float, token: Token) -> float:
        if not (math.isfinite(value) and value > 0):
            problem = "not greater than zero" if math.isfinite(value) else "not finite"
            raise self._refusal(
                token,
                "RK-REG-009",
                given=f'the dose "{token.word}" is {problem}',
                allowed="A dose is a positive, finite number",
                remedy='Write "none" for an untreated arm and "saline over 40 min" for an infusion of saline',
            )
        return value

    def _descriptors(self, *, commas: bool = True) -> None:
        while True:
            if commas and self._next.word == "," and self._name_length(self._index + 1):
                self._pop()
            length = self._name_length(self._index)
            if not length:
                return
            first = self._tokens[self._index]
            words = [self._pop().word for _ in range(length)]
            self.names.append((normalised(" ".join(words)), first.position))

    def _name_length(self, index: int) -> int:
        """Number of tokens, from ``index`` on, that make up the longest known name."""
        words: list[str] = []
        for token in self._tokens[index : index + _LONGEST_NAME]:
            if token.kind != "word":
                break
            words.append(token.word)
        for length in range(len(words), 0, -1):
            name = normalised(" ".join(words[:length]))
            if name in DRUGS or products_meant(name):
                return length
        return 0

    def _is_name(self, token: Token) -> bool:
        return token.word in DRUGS or bool(products_meant(normalised(token.word)))

    def _refusal(
        self, token: Token, code: str, *, given: str, allowed: str, why: str = "", remedy: str = ""
    ) -> RegimenError:
        return refusal(self.text, token.position, code, given=given, allowed=allowed, why=why, remedy=remedy)

    def _no_unit(self, number: Token, word: Token) -> NoReturn:
        if word.kind == "word" and word.word not in KEYWORDS and not self._is_name(word):
            self._bad_unit(word, "mg, g, ug (also per kg and per h: mg/kg, mg/h, mg/kg/h)")
        raise self._refusal(
            number,
            "RK-REG-001",
            given=f'dose "{number.word}" has no unit',
            allowed='Write it like "84 mg" or "0.5 mg/kg", with a point as decimal mark',
            why="The same bare number means mg to one reader and mg/kg to another",
        )

    def _bad_unit(self, token: Token, allowed: str) -> NoReturn:
        raise self._refusal(
            token,
            "RK-REG-029",
            given=f'"{token.word}" is not a unit that fits here'
            if token.word
            else "the text ends before its unit",
            allowed="Units: " + allowed,
        )

    def _unexpected(self, expected: str) -> NoReturn:
        token = self._next
        if token.word in AMBIGUOUS:
            raise self._refusal(
                token,
                "RK-REG-030",
                given=f'"{token.word}" means different things to different readers',
                allowed="Write " + AMBIGUOUS[token.word],
            )
        if "nasal" in token.word:
            with pointing(self.text, token.position):
                raise unknown_nasal(f'"{token.word}" is not a nasal product with known absorption')
        known = {*KEYWORDS, *DRUGS, *TIME, *MASS, *(word for p in products().values() for word in p.words)}
        if token.kind == "end":
            given = "the text ends here" if self.text.strip() else "the text is empty"
        elif token.kind == "word" and token.word not in known:
            closest = nearest(token.word, sorted(known))
            given = f'unknown word "{token.word}"{closest} (character {token.position + 1})'
        else:
            given = f'"{token.word}" does not fit here'
        raise refusal(self.text, token.position, "RK-REG-031", given=given, allowed=f"Expected: {expected}")
