"""Phrases of the regimen language: from tokens to raw blocks, which know their position in the text.

The grammar is in ``_language.py``; every method here reads one phrase of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NoReturn

from rekindle.errors import nearest
from rekindle.regimen._cadence import Cadence
from rekindle.regimen._product import DRUGS, MAXIMUM_DOSES, normalised, products, products_meant, unknown_nasal
from rekindle.regimen._rules import LONGEST_COURSE_H, too_long, too_many
from rekindle.regimen._tokens import Token, pointing, refusal, tokens_of
from rekindle.regimen._words import (
    AMBIGUOUS,
    COUNTED,
    KEYWORDS,
    MASS,
    NOT_FINITE,
    PER_DAY,
    PER_WEEK,
    TIME,
    TIMES_OF,
    to_hours,
    to_mg,
)

_LONGEST_NAME = 6


@dataclass(frozen=True, slots=True)
class RawStep:
    """One step of a visit; ``amount`` None for saline, ``after_h`` None when it follows the step before."""

    position: int
    amount: float | None
    unit: Literal["mg", "mg/kg"]
    duration_h: float | None
    after_h: float | None


@dataclass(frozen=True, slots=True)
class RawSchedule:
    """When a block is given. ``listed`` wins over the cadence; ``start_h`` None: when it is due."""

    position: int
    cadence: Cadence | None = None
    count: int = 1
    start_h: float | None = None
    listed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RawBlock:
    """One block between two "then"; without steps it repeats those of the block before it."""

    position: int
    steps: tuple[RawStep, ...]
    schedule: RawSchedule | None


class Parser:
    """Reads one text. After ``blocks()``, ``names`` holds the drug and product words with their positions."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[tuple[str, int]] = []
        self._tokens = tokens_of(text)
        self._index = 0

    def blocks(self) -> list[RawBlock]:
        """Read the whole text."""
        found = [self._block()]
        while self._next.kind != "end":
            self._commas()
            if not self._take("then"):
                self._unexpected('", then ..." or the end of the text')
            found.append(self._block())
        return found

    # -- phrases ---------------------------------------------------------------------------------

    def _block(self) -> RawBlock:
        self._descriptors()
        position = self._next.position
        steps = self._visit()
        self._descriptors()
        schedule = self._schedule()
        self._descriptors()
        if not steps and schedule is None and not (len(self.names) and self._next.kind == "end"):
            self._unexpected('a dose such as "0.5 mg/kg over 40 min", or a schedule such as "weekly x 4"')
        return RawBlock(position, steps, schedule)

    def _visit(self) -> tuple[RawStep, ...]:
        if not self._starts_step():
            return ()
        steps = [self._step()]
        while self._take(";"):
            if not self._starts_step():
                self._unexpected("another step")
            steps.append(self._step())
        return tuple(steps)

    def _starts_step(self) -> bool:
        return self._next.kind == "number" or self._next.word in ("over", *NOT_FINITE)

    def _step(self) -> RawStep:
        position = self._next.position
        amount: float | None = None
        unit: Literal["mg", "mg/kg"] = "mg"
        rate = False
        if self._next.word != "over":
            amount, unit, rate = self._amount()
            self._descriptors(commas=False)
        duration: float | None = None
        if rate:
            self._expect("for", 'a rate lasts a stated time: "for 1 h"')
            duration = self._duration()
            amount = self._dose_number((amount or 0.0) * duration, position)
        elif self._take("over"):
            duration = self._duration()
        elif self._next.word == "for":
            self._unexpected('"over": an amount is given "over" a time, a rate "for" a time')
        self._descriptors(commas=False)
        after = self._time(zero=True) if self._take("after") else None
        self._descriptors(commas=False)
        return RawStep(position, amount, unit, duration, after)

    def _amount(self) -> tuple[float, Literal["mg", "mg/kg"], bool]:
        token = self._pop()
        value = self._dose_number(math.nan if token.kind == "word" else float(token.word), token.position)
        word = self._next
        if word.word not in MASS:
            self._no_unit(token, word)
        self._pop()
        value = self._dose_number(to_mg(value, word.word), token.position)
        unit: Literal["mg", "mg/kg"] = "mg"
        rate = False
        while not rate and self._take("/"):
            per = self._pop()
            if per.word == "kg" and unit == "mg":
                unit = "mg/kg"
            elif per.word in TIME:
                value, rate = self._dose_number(value / to_hours(1.0, per.word), token.position), True
            else:
                self._bad_unit(per, '"mg", "mg/kg", "mg/h" or "mg/kg/h"')
        return value, unit, rate

    def _schedule(self) -> RawSchedule | None:
        self._commas()
        position = self._next.position
        if self._next.word in ("on", "day", "days"):
            return RawSchedule(position, listed=self._days())
        if self._next.word == "at":
            return RawSchedule(position, listed=self._clock_times())
        if self._next.word in ("starting", "from"):
            return RawSchedule(position, start_h=self._start())
        gaps = self._frequency()
        if gaps is None:
            return None
        if gaps == ():
            return RawSchedule(position, start_h=self._start())
        cadence = Cadence(gaps)
        count = self._count(cadence)
        return RawSchedule(position, cadence, count, self._start())

    def _frequency(self) -> tuple[float, ...] | None:
        """Gaps of a frequency phrase; empty for "once", None if there is no such phrase."""
        word = self._next.word
        if word in ("daily", "weekly"):
            self._pop()
            return (PER_DAY if word == "daily" else PER_WEEK)[1]
        if word in ("every", "q"):
            self._pop()
            return (self._interval(),)
        if word not in TIMES_OF:
            return None
        self._pop()
        if word == "three":
            self._expect("times", '"three times weekly"')
        unit = self._next
        if unit.word in ("a", "per"):
            self._pop()
            unit = self._next
        table = {"daily": PER_DAY, "day": PER_DAY, "weekly": PER_WEEK, "week": PER_WEEK}.get(unit.word)
        if table is None:
            if word == "once":
                return ()
            self._unexpected('"daily" or "weekly"')
        self._pop()
        return table[TIMES_OF[word]]

    def _interval(self) -> float:
        if self._take("other"):
            return 2 * self._time_unit()
        if self._next.kind == "word" and self._next.word in TIME:
            return self._time_unit()
        return self._time()

    def _count(self, cadence: Cadence) -> int:
        if not (self._take("x") or self._take("for")):
            raise refusal(
                self.text,
                self._next.position,
                "RK-REG-025",
                given=f'"{cadence}" does not say how often',
                allowed='A number of doses ("x 4") or a time ("x 4 weeks")',
                why="A course without an end cannot be simulated",
            )
        token = self._next
        value = self._number('a number of doses ("x 4") or a time ("x 4 weeks")')
        if self._next.word in TIME:
            span = self._positive_time(value, token)
            with pointing(self.text, token.position):
                if span > LONGEST_COURSE_H:
                    raise too_long(span)
                if span / cadence.gaps[0] > MAXIMUM_DOSES:
                    raise too_many(span / cadence.gaps[0])
            return cadence.count_within(span)
        if self._next.word in COUNTED:
            self._pop()
        if not (value >= 1 and value.is_integer()):
            raise refusal(
                self.text,
                token.position,
                "RK-REG-026",
                given=f'"x {token.word}"',
                allowed="A whole number of doses, 1 or more",
            )
        if value > MAXIMUM_DOSES:
            with pointing(self.text, token.position):
                raise too_many(value)
        return int(value)

    def _start(self) -> float | None:
        if self._take("starting") or self._take("from"):
            self._take("on")
            if not (self._take("day") or self._take("days")):
                self._unexpected('"day" and its number')
            return self._day() + self._hour_of_day()
        if self._take("at"):
            return self._time(zero=True)
        return None

    def _days(self) -> tuple[float, ...]:
        self._take("on")
        if not (self._take("days") or self._take("day")):
            self._unexpected('"days" and their numbers')
        found = [self._day()]
        while self._more_numbers():
            token = self._next
            day = self._day()
            if day <= found[-1]:
                raise refusal(
                    self.text,
                    token.position,
                    "RK-REG-027",
                    given=f"day {token.word} does not come after day {int(found[-1] // 24) + 1}",
                    allowed="Days increase; day 1 is the first day",
                )
            found.append(day)
        hour = self._hour_of_day()
        return tuple(day + hour for day in found)

    def _clock_times(self) -> tuple[float, ...]:
        self._expect("at", '"at 6 h"')
        found = [self._time(zero=True)]
        while self._more_numbers():
            found.append(self._time(zero=True))
        return tuple(found)

    def _more_numbers(self) -> bool:
        """Whether a list goes on: skips a comma or "and" if a number stands behind it."""
        skip = 0
        while self._tokens[self._index + skip].word in (",", "and"):
            skip += 1
        if not skip or self._tokens[self._index + skip].kind != "number":
            return False
        self._index += skip
        return True

    def _hour_of_day(self) -> float:
        if not self._take("at"):
            return 0.0
        token = self._next
        hour = self._time(zero=True)
        if hour >= 24:
            raise refusal(
                self.text,
                token.position,
                "RK-REG-015",
                given=f"{hour:g} h is not within a day",
                allowed="From 0 h to less than 24 h after the start of the day",
            )
        return hour

    def _day(self) -> float:
        token = self._next
        value = self._number("the number of a day")
        if not (value >= 1 and value.is_integer()):
            raise refusal(
                self.text,
                token.position,
                "RK-REG-027",
                given=f'day "{token.word}"',
                allowed="Days are whole numbers; day 1 is the first day (time 0)",
            )
        if value > LONGEST_COURSE_H / 24:
            with pointing(self.text, token.position):
                raise too_long(24 * value)
        return 24.0 * (value - 1)

    # -- times and numbers -------------------------------------------------------------------------

    def _duration(self) -> float:
        return self._time()

    def _time(self, *, zero: bool = False) -> float:
        token = self._next
        return self._positive_time(self._number('a time such as "40 min"'), token, zero=zero)

    def _positive_time(self, value: float, token: Token, *, zero: bool = False) -> float:
        hours = value * self._time_unit(token)
        if self._tokens[self._index - 1].word in TIME:
            hours = to_hours(value, self._tokens[self._index - 1].word) if math.isfinite(value) else value
        if not (math.isfinite(hours) and (hours > 0 or (zero and hours == 0))):
            raise refusal(
                self.text,
                token.position,
                "RK-REG-015",
                given=f'time "{token.word}"',
                allowed="A finite time, " + ("zero or more" if zero else "greater than zero"),
            )
        return hours

    def _time_unit(self, number: Token | None = None) -> float:
        word = self._next
        if word.word not in TIME:
            if number is not None and (word.kind != "word" or word.word in KEYWORDS or self._is_name(word)):
                self._missing_time_unit(number)
            self._bad_unit(word, "min, h, days, weeks (or s)")
        self._pop()
        return to_hours(1.0, word.word)

    def _number(self, expected: str) -> float:
        if self._next.kind != "number":
            self._unexpected(expected)
        return float(self._pop().word)

    def _dose_number(self, value: float, position: int) -> float:
        if not (math.isfinite(value) and value > 0):
            raise refusal(
                self.text,
                position,
                "RK-REG-009",
                given="the dose is " + ("not finite" if not math.isfinite(value) else "not greater than zero"),
                allowed="A dose is a positive, finite number",
                remedy='Write "none" for an untreated arm and "saline over 40 min" for an infusion of saline',
            )
        return value

    # -- names of drugs and products ---------------------------------------------------------------

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

    # -- tokens and refusals -----------------------------------------------------------------------

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

    def _no_unit(self, number: Token, word: Token) -> NoReturn:
        if word.kind == "word" and word.word not in KEYWORDS and not self._is_name(word):
            self._bad_unit(word, "mg, g, ug (also per kg and per h: mg/kg, mg/h, mg/kg/h)")
        raise refusal(
            self.text,
            number.position,
            "RK-REG-001",
            given=f'dose "{number.word}" has no unit',
            allowed=f'Write "{number.word} mg" or "{number.word} mg/kg", with a point as decimal mark',
            why="The same bare number means mg to one reader and mg/kg to another",
        )

    def _missing_time_unit(self, number: Token) -> NoReturn:
        raise refusal(
            self.text,
            number.position,
            "RK-REG-028",
            given=f'time "{number.word}" has no unit',
            allowed=f'Write "{number.word} h" or "{number.word} min"',
        )

    def _bad_unit(self, token: Token, allowed: str) -> NoReturn:
        raise refusal(
            self.text,
            token.position,
            "RK-REG-029",
            given=f'"{token.word}" is not a unit that fits here'
            if token.word
            else "the text ends before its unit",
            allowed="Units: " + allowed,
        )

    def _unexpected(self, expected: str) -> NoReturn:
        token = self._next
        if token.word in AMBIGUOUS:
            raise refusal(
                self.text,
                token.position,
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
            given = f'unknown word "{token.word}"{nearest(token.word, sorted(known))} (character {token.position + 1})'
        else:
            given = f'"{token.word}" does not fit here'
        raise refusal(self.text, token.position, "RK-REG-031", given=given, allowed=f"Expected: {expected}")
