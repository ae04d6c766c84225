"""The regimen language: doses and schedules as they are written on a chart.

Grammar (EBNF; letters in any case; blanks between a number and its unit are optional; "×" is "x"; a hyphen
between letters is a blank)::

    regimen   = "none" | block { [","] "then" block }
    block     = { name } [ visit ] { name } [ [","] schedule ] { name }
    name      = drug | product                      (any word of products.csv: "nasal spray")
    visit     = step { ";" step }
    step      = amount [ "over" time ] [ "after" time ]
              | rate "for" time [ "after" time ]
              | "over" time [ "after" time ]        (saline only)
    amount    = number mass [ "/kg" ]               (mass: mg, g, ug)
    rate      = amount "/" time-unit                (0.28 mg/kg/h)
    schedule  = "once" [ start ]
              | frequency ( "x" | "for" ) ( integer [ "doses" ] | time ) [ start ]
              | [ "on" ] "days" integer { "," integer } [ "at" time ]
              | "at" time { "," time }
              | start
    frequency = "daily" | "weekly" | times ( "daily" | "weekly" | "a day" | "a week" )
              | ( "every" | "q" ) ( time | time-unit | "other" time-unit )
    times     = "once" | "twice" | "three times" | "thrice"
    start     = "starting" "day" integer [ "at" time ] | "at" time
    time      = number time-unit                    (s, min, h, days, weeks)

What the phrases mean:

* Day 1 is the first day; it starts at time 0. ``on days 1, 4`` are 0 h and 72 h; ``at 6 h`` behind days is
  the time after the start of each day. ``at 6 h`` alone is 6 h after time 0.
* ``weekly`` is every 7 days. ``twice weekly`` has gaps of 3 and 4 days (days 1, 4, 8, 11, ...), ``three
  times weekly`` of 2, 2 and 3 days (days 1, 3, 5, 8, ...). ``twice daily`` is every 12 h, ``three times
  daily`` every 8 h. ``q 24 h`` is ``every 24 h``.
* ``x 4`` is four sessions. ``x 4 weeks`` is every session that starts within four weeks of the first one.
* A visit without a schedule is given once, when it is due.
* The steps of a visit follow one another without a gap; a step with ``after 30 min`` starts 30 min after the
  start of the session.
* A block behind ``then`` starts when the next session of the block before it would have been due: after
  ``twice weekly x 4 weeks`` that is day 29. After ``once``, ``on days`` and ``at`` nothing is due, so the
  block needs ``starting day N``. A block without a visit repeats the visit before it.
* ``0.5 mg/kg over 40 min`` without a product is intravenous, because nothing else takes a duration. A
  product that holds one drug only names the drug. Nothing else is guessed.
* For a product of devices the dose is the total of the session.
"""

from __future__ import annotations

from collections.abc import Sequence

from rekindle.errors import RegimenError
from rekindle.regimen._dose import Dose, Session
from rekindle.regimen._parser import Parser
from rekindle.regimen._product import (
    DRUGS,
    MAXIMUM_DOSES,
    Product,
    find_product,
    normalised,
    products,
    products_meant,
    too_many,
)
from rekindle.regimen._raw import RawBlock, RawSchedule, RawStep
from rekindle.regimen._regimen import Regimen
from rekindle.regimen._rules import (
    check_dose,
    check_drug,
    check_known,
    check_order,
    check_visit,
    widened,
)
from rekindle.regimen._tokens import pointing, refusal


def parse_regimen(text: str, *, drug: str | None = None, product: str | Product | None = None) -> Regimen:
    """Read a regimen; the grammar is in the documentation of this module.

    Args:
        text: for example ``"ketamine 0.5 mg/kg over 40 min, twice weekly x 4 weeks, then weekly x 4"``.
        drug: one of ``DRUGS``, if the text does not name it.
        product: a product or any word for one, if the text does not name it.

    Raises:
        RegimenError: the text cannot be read, or what it says cannot be given; the message shows the place.

    >>> regimen = parse_regimen("esketamine 56 mg nasal twice weekly x 4 weeks, then 84 mg weekly x 4")
    >>> [session.day for session in regimen.sessions]
    [1, 4, 8, 11, 15, 18, 22, 25, 29, 36, 43, 50]
    >>> parse_regimen("0.14 mg/kg/h for 1 h; 0.28 mg/kg/h for 1 h", drug="esketamine").sessions[0].doses[1]
    Dose(amount=0.28, unit='mg/kg', duration_h=1.0, offset_h=1.0)
    """
    parser = Parser(text)
    blocks = parser.blocks()
    given_drug = _drug(parser, drug)
    given_product = _product(parser, blocks, given_drug, product)
    given_drug = given_drug or _only_drug(text, given_product)
    with pointing(text, parser.names[0][1] if parser.names else 0):
        check_drug(given_product, given_drug)
    if given_drug == "none":
        if len(blocks) > 1 or blocks[0].steps or blocks[0].schedule:
            where = blocks[0].position
            raise refusal(text, where, "RK-REG-023", given="doses of no drug", allowed='"none" stands alone')
        return Regimen.of(drug="none", product=given_product, text=text)
    builder = _Builder(text, given_drug, given_product)
    for block in blocks:
        builder.add(block)
    visits, warnings = builder.sessions, builder.warnings
    return Regimen.of(drug=given_drug, product=given_product, sessions=visits, text=text, warnings=warnings)


def _drug(parser: Parser, drug: str | None) -> str | None:
    chosen = None if drug is None else normalised(drug)
    if chosen is not None:
        check_known(chosen)
    for name, position in parser.names:
        if name not in DRUGS:
            continue
        if chosen is not None and name != chosen:
            raise _conflict(parser.text, position, f"drug {name} after {chosen}", "drug")
        chosen = name
    return chosen


def _product(
    parser: Parser, blocks: Sequence[RawBlock], drug: str | None, product: str | Product | None
) -> Product:
    """Product that every word for it agrees with; the first of them in the file."""
    if isinstance(product, Product):
        meant: tuple[Product, ...] = (product,)
    else:
        meant = _meant(product) if product is not None else ()
    for name, position in parser.names:
        if name in DRUGS:
            continue
        narrowed = tuple(p for p in products_meant(name) if not meant or p in meant)
        if not narrowed:
            raise _conflict(parser.text, position, f'"{name}" after {meant[0].name}', "product")
        meant = narrowed
    if meant:
        return meant[0]
    if drug == "none":
        return find_product("none")
    timed = [p for p in products().values() if p.needs_duration]
    if len(timed) == 1 and (drug == "saline" or any(step.duration_h for b in blocks for step in b.steps)):
        return timed[0]
    possible = [p.word for p in products().values() if drug is None or drug in p.drugs]
    raise RegimenError(
        "RK-REG-008",
        given=f'the regimen "{_shortened(parser.text)}" names no product and no route',
        allowed="One of " + ", ".join(possible) if possible else "A drug of " + ", ".join(DRUGS),
        why="The same amount acts differently by every route",
        remedy="Write the word in the text, or give product=",
    )


def _meant(name: str) -> tuple[Product, ...]:
    find_product(name)
    return products_meant(normalised(name))


def _only_drug(text: str, product: Product) -> str:
    if len(product.drugs) == 1:
        return product.drugs[0]
    raise RegimenError(
        "RK-REG-012",
        given=f'the regimen "{_shortened(text)}" names no drug',
        allowed="One of " + ", ".join(product.drugs),
        why="Esketamine is not the racemate: the same amount acts differently",
        remedy="Write it in the text, or give drug=",
    )


def _conflict(text: str, position: int, given: str, what: str) -> RegimenError:
    return refusal(
        text,
        position,
        "RK-REG-032",
        given=given,
        allowed=f"A regimen has one {what}",
        remedy="Write the other part as a regimen of its own",
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


class _Builder:
    """Turns raw blocks into sessions, one after the other."""

    def __init__(self, text: str, drug: str, product: Product) -> None:
        self.sessions: list[Session] = []
        self.warnings: list[str] = []
        self._text, self._drug, self._product = text, drug, product
        self._doses: tuple[Dose, ...] = ()
        self._due: float | None = 0.0

    def add(self, block: RawBlock) -> None:
        if block.steps or not self._doses:
            self._doses = self._visit(block)
        schedule = block.schedule or RawSchedule(block.position)
        times = self._times(schedule)
        with pointing(self._text, schedule.position):
            new = [Session(time, self._doses) for time in times]
            check_order(self._product, [*self.sessions[-1:], *new])
            self.sessions += new
            if len(self.sessions) > MAXIMUM_DOSES:
                raise too_many(len(self.sessions))

    def _visit(self, block: RawBlock) -> tuple[Dose, ...]:
        steps = block.steps
        if not steps:
            if self._drug != "saline":
                raise refusal(
                    self._text,
                    block.position,
                    "RK-REG-033",
                    given="the first block has no dose",
                    allowed='Start with a dose, for example "0.5 mg/kg over 40 min"',
                )
            steps = (RawStep(block.position, None, "mg", None, None),)
        doses: list[Dose] = []
        end = 0.0
        for step in steps:
            with pointing(self._text, step.position):
                offset = end if step.after_h is None else step.after_h
                dose = Dose(step.amount or 0.0, step.unit, step.duration_h, offset)
                fitted, _ = widened(self._product, [dose])
                check_dose(self._product, self._drug, fitted[0])
            end = dose.offset_h + (dose.duration_h or 0.0)
            doses.append(dose)
        result, warnings = widened(self._product, doses)
        self.warnings += warnings
        with pointing(self._text, block.position):
            check_visit(self._product, result)
            Session(0.0, result)
        return result

    def _times(self, schedule: RawSchedule) -> list[float]:
        if schedule.listed:
            self._due = None
            return list(schedule.listed)
        start = schedule.start_h if schedule.start_h is not None else self._due
        if start is None:
            raise refusal(
                self._text,
                schedule.position,
                "RK-REG-034",
                given="it is not clear when this block starts",
                allowed='Say "starting day N" behind the schedule',
                why="The block before it is a list of times, after which nothing is due",
            )
        if schedule.cadence is None:
            self._due = None
            return [start]
        self._due = start + schedule.cadence.elapsed(schedule.count)
        return [start + schedule.cadence.elapsed(index) for index in range(schedule.count)]
