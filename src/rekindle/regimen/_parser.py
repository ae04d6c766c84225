"""Phrases of the regimen language: from tokens to raw blocks, which know their position in the text.

The grammar is in ``_language.py``; every method here reads one phrase of it.
"""

from __future__ import annotations

import math

from rekindle.regimen._cadence import Cadence
from rekindle.regimen._dose import DoseUnit
from rekindle.regimen._product import MAXIMUM_DOSES, too_many
from rekindle.regimen._raw import RawBlock, RawSchedule, RawStep
from rekindle.regimen._reader import Reader
from rekindle.regimen._rules import LONGEST_COURSE_H, too_long
from rekindle.regimen._tokens import pointing
from rekindle.regimen._words import (
    COUNTED,
    MASS,
    NOT_FINITE,
    PER_DAY,
    PER_WEEK,
    TIME,
    TIMES_OF,
    to_hours,
    to_mg,
    to_per_hour,
)


class Parser(Reader):
    """Reads one text. After ``blocks()``, ``names`` holds the drug and product words with their positions."""

    def blocks(self) -> list[RawBlock]:
        """Read the whole text."""
        found = [self._block(first=True)]
        while self._next.kind != "end":
            self._commas()
            if not self._take("then"):
                self._unexpected('", then ..." or the end of the text')
            found.append(self._block())
        return found

    def _block(self, *, first: bool = False) -> RawBlock:
        self._descriptors()
        position = self._next.position
        steps = self._visit()
        self._descriptors()
        schedule = self._schedule()
        self._descriptors()
        only_names = first and bool(self.names) and self._next.kind == "end"
        if not steps and schedule is None and not only_names:
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
        first = self._next
        amount: float | None = None
        unit: DoseUnit = "mg"
        rate = False
        if self._next.word != "over":
            amount, unit, rate = self._amount()
            self._descriptors(commas=False)
        duration: float | None = None
        if rate:
            self._expect("for", 'a rate lasts a stated time: "for 1 h"')
            duration = self._time()
            amount = self._positive_dose((amount or 0.0) * duration, first)
        elif self._take("over"):
            duration = self._time()
        elif self._next.word == "for":
            self._unexpected('"over": an amount is given "over" a time, a rate "for" a time')
        self._descriptors(commas=False)
        after = self._time(zero=True) if self._take("after") else None
        self._descriptors(commas=False)
        return RawStep(first.position, amount, unit, duration, after)

    def _amount(self) -> tuple[float, DoseUnit, bool]:
        token = self._pop()
        written = math.nan if token.kind == "word" else float(token.word)
        if math.isfinite(written) and self._next.word not in MASS:
            self._no_unit(token, self._next)
        value = self._positive_dose(written, token)
        value = self._positive_dose(to_mg(value, self._pop().word), token)
        unit: DoseUnit = "mg"
        rate = False
        while not rate and self._take("/"):
            per = self._pop()
            if per.word == "kg" and unit == "mg":
                unit = "mg/kg"
            elif per.word in TIME:
                value, rate = self._positive_dose(to_per_hour(value, per.word), token), True
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
            return to_hours(2.0, self._time_word())
        if self._next.word in TIME:
            return to_hours(1.0, self._time_word())
        return self._time()

    def _count(self, cadence: Cadence) -> int:
        if not (self._take("x") or self._take("for")):
            raise self._refusal(
                self._next,
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
            raise self._refusal(
                token,
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
                raise self._refusal(
                    token,
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
            raise self._refusal(
                token,
                "RK-REG-015",
                given=f"{hour:g} h is not within a day",
                allowed="From 0 h to less than 24 h after the start of the day",
            )
        return hour

    def _day(self) -> float:
        token = self._next
        value = self._number("the number of a day")
        if not (value >= 1 and value.is_integer()):
            raise self._refusal(
                token,
                "RK-REG-027",
                given=f'day "{token.word}"',
                allowed="Days are whole numbers; day 1 is the first day (time 0)",
            )
        if value > LONGEST_COURSE_H / 24:
            with pointing(self.text, token.position):
                raise too_long(24 * value)
        return 24.0 * (value - 1)
