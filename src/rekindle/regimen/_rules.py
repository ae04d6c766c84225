"""Rules that join drug, product, doses and sessions. Everything that makes a regimen checks them here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from rekindle.errors import RegimenError, nearest
from rekindle.regimen._dose import Dose, Session
from rekindle.regimen._product import DRUGS, MAXIMUM_DOSES, Product, too_many, unknown_nasal

#: A course longer than a century is a typing error; the limit also keeps times exact to a microsecond.
LONGEST_COURSE_H = 100 * 365.25 * 24
#: Times closer than this (a few nanoseconds) are the same: the end of one infusion and the start of the next.
_SAME_TIME_H = 1e-9


def check_known(drug: str) -> None:
    """Refuse a drug that is not in ``DRUGS``."""
    if drug not in DRUGS:
        raise RegimenError(
            "RK-REG-003",
            given=f'unknown drug "{drug}"{nearest(drug, DRUGS)}',
            allowed="Drugs: " + ", ".join(DRUGS),
        )


def check_drug(product: Product, drug: str) -> None:
    """Refuse an unknown drug, and a drug that the product does not hold."""
    check_known(drug)
    if drug in product.drugs:
        return
    if product.route == "nasal":
        raise unknown_nasal(f"{drug} cannot be given with {product.name}")
    raise RegimenError(
        "RK-REG-007",
        given=f"{product.name} cannot hold {drug}",
        allowed=f"{product.name} holds " + ", ".join(product.drugs),
        why="Its absorption was measured with that drug only" if len(product.drugs) == 1 else "",
        remedy="Choose another product or another drug",
    )


def check_dose(product: Product, drug: str, dose: Dose) -> None:
    """Refuse a dose that the product cannot give: amount, unit, devices, duration."""
    if (dose.amount == 0) != (drug == "saline"):
        raise RegimenError(
            "RK-REG-009",
            given=f"dose {dose.amount:g} {dose.unit} of {drug}",
            allowed="Saline has no dose" if drug == "saline" else "A dose is greater than zero",
            remedy='Write "saline over 40 min"' if drug == "saline" else 'Write "none" for an untreated arm',
        )
    if dose.unit == "mg/kg" and not product.per_kg:
        raise RegimenError(
            "RK-REG-011",
            given=f"{dose.amount:g} mg/kg with {product.name}",
            allowed=f"{product.name} is dosed in mg",
            why="It is made in fixed amounts, whatever the body weight",
            remedy="Write the total in mg",
        )
    product.device_count(dose.amount)
    _check_duration(product, dose)


def _check_duration(product: Product, dose: Dose) -> None:
    if dose.duration_h is None:
        if product.needs_duration:
            raise RegimenError(
                "RK-REG-013",
                given=f"{product.name} without a duration",
                allowed='Say how long it lasts, for example "over 40 min"',
                why="The peak and the dissociation depend on the rate of the infusion",
            )
    elif not product.needs_duration:
        raise RegimenError(
            "RK-REG-014",
            given=f"duration {dose.duration_h:g} h for {product.name}",
            allowed=f"{product.name} takes no duration",
            why="How it is absorbed belongs to the product, so the duration would be silently ignored",
            remedy='Leave out "over ..." or name an intravenous product',
        )
    elif dose.duration_h < product.minimum_duration_h:
        raise bad_short(product, dose.duration_h)


def bad_short(product: Product, duration_h: float) -> RegimenError:
    """Return the refusal of an infusion that is too short and was not widened."""
    return RegimenError(
        "RK-REG-016",
        given=f"duration {60 * duration_h:g} min",
        allowed=f"{product.name} lasts {60 * product.minimum_duration_h:g} min or longer",
        remedy="Regimen.of and parse_regimen widen it and warn",
    )


def widened(product: Product, doses: Sequence[Dose]) -> tuple[tuple[Dose, ...], tuple[str, ...]]:
    """Doses of one session with too short durations widened, later doses moved behind, and the warnings."""
    shortest, result, warnings = product.minimum_duration_h, list[Dose](), list[str]()
    for dose in doses:
        if warnings:
            dose = replace(dose, offset_h=max(dose.offset_h, _end(product, result[-1])))
        if dose.duration_h is not None and dose.duration_h < shortest:
            warnings.append(
                f"A duration of {3600 * dose.duration_h:g} s was widened to {60 * shortest:g} min: "
                f"the early peak after a faster {product.label} push is not credible in this model."
            )
            dose = replace(dose, duration_h=shortest)
        result.append(dose)
    return tuple(result), tuple(warnings)


def visit_length(product: Product, doses: Sequence[Dose]) -> float:
    """Hours from the start of a session to the end of its last infusion or to its last device."""
    return max(_end(product, dose) for dose in doses)


def _end(product: Product, dose: Dose) -> float:
    devices = (product.device_count(dose.amount) - 1) * product.device_interval_h
    return dose.offset_h + (dose.duration_h or devices)


def check_visit(product: Product, doses: Sequence[Dose]) -> None:
    """Refuse doses of one session that are out of order or overlap, and devices split into several doses."""
    if product.device_mg is not None and len(doses) > 1:
        raise RegimenError(
            "RK-REG-022",
            given=f"{len(doses)} doses in one session with {product.name}",
            allowed="The dose of a session is the total of its devices",
            why="The order of a device in its session decides how much of it is absorbed",
            remedy='Write the total, for example "84 mg" for three devices',
        )
    for before, after in pairwise(doses):
        if not _follows(before.offset_h, _end(product, before), after.offset_h):
            raise RegimenError(
                "RK-REG-017",
                given=f"the dose at {after.offset_h:g} h of a session starts before the dose before it ends",
                allowed="Doses of a session follow one another",
                remedy='Join them to one dose, or move the later one: "10 mg; 20 mg after 30 min"',
            )


def check_order(product: Product, sessions: Iterable[Session]) -> None:
    """Refuse sessions that are out of order, overlap, are too many, or last longer than a lifetime."""
    before: Session | None = None
    length, devices, doses = 0.0, 0, 0
    for session in sessions:
        if before is not None and not _follows(before.time_h, before.time_h + length, session.time_h):
            raise RegimenError(
                "RK-REG-018",
                given=f"the session at {session.time_h:g} h (day {session.day}) starts before the session at "
                f"{before.time_h:g} h (day {before.day}) ends",
                allowed="Sessions come in order of time and do not overlap",
                remedy="Lengthen the interval, or start later",
            )
        if before is None or session.doses is not before.doses:
            length = visit_length(product, session.doses)
            devices = sum(product.device_count(dose.amount) for dose in session.doses)
        doses += devices
        if doses > MAXIMUM_DOSES:
            raise too_many(doses)
        if session.time_h + length > LONGEST_COURSE_H:
            raise too_long(session.time_h + length)
        before = session


def _follows(start: float, end: float, next_start: float) -> bool:
    return next_start > start and next_start >= end - _SAME_TIME_H and next_start - start > _SAME_TIME_H


def too_long(hours: float) -> RegimenError:
    """Return the refusal of a course longer than a century."""
    return RegimenError(
        "RK-REG-020",
        given=f"a course of {hours:g} h",
        allowed=f"At most {LONGEST_COURSE_H:g} h (100 years)",
        remedy="Check the intervals and the days",
    )
