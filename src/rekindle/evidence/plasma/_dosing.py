"""What an arm received: formulation, dose, duration and devices of a row as a regimen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from warnings import catch_warnings, simplefilter

from rekindle.evidence._data import assumption
from rekindle.evidence._row import Row, not_simulated
from rekindle.regimen import Dose, Product, Regimen, Session, find_product, products

DoseUnit = Literal["mg", "mg/kg"]

_NUMBER = r"(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_DURATION = r"(?P<time>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s+(?P<time_unit>h|min|s)\s*\Z"
_AMOUNT_STEP = re.compile(rf"\s*{_NUMBER}\s+(?P<unit>mg|mg/kg)\s+over\s+{_DURATION}")
_RATE_STEP = re.compile(rf"\s*{_NUMBER}\s+(?P<unit>mg|mg/kg)/h\s+for\s+{_DURATION}")
_PER_HOUR = {"h": 1.0, "min": 60.0, "s": 3600.0}


def read_product(row: Row) -> Product:
    """Product that formulation and route of a row mean.

    Raises:
        EvidenceError: no formulation although the route has several products.
        RegimenError: an unknown formulation, or one that is not given by that route.
    """
    form, route = row.word("formulation"), row.word("route")
    if not form:
        same = [product for product in products().values() if route in product.words]
        if len(same) != 1:
            raise not_simulated(
                f'line {row.number}: no formulation for route "{row.text("route")}"',
                allowed=f"Products of that route: {', '.join(product.name for product in same) or 'none'}",
                why="Absorption belongs to the product",
            )
        return same[0]
    if form == "solution_for_injection" and route == "iv":
        form = "iv"  # the same vial, given into a vein
    return find_product(form, route=route or None)


@dataclass(frozen=True, slots=True)
class Given:
    """Regimen of a row. Where dose or duration is not known it holds a stand-in."""

    regimen: Regimen
    dose_known: bool
    duration_known: bool
    remarks: tuple[str, ...]


def read_regimen(row: Row, product: Product) -> Given:
    """Regimen of a row, and remarks about what was decided.

    Raises:
        EvidenceError, RegimenError: a dose that is contradictory or that the product cannot give.
    """
    drug = row.word("drug")
    if drug not in ("ketamine", "esketamine", "arketamine"):
        raise not_simulated(
            f'line {row.number}: drug is "{row.text("drug")}"', allowed="ketamine, esketamine or arketamine"
        )
    stated = bool(row.text("regimen"))
    doses = _steps(row, product) if stated else ()
    amount = _amount(row, product)
    duration_h = _duration(row, product)
    remarks = _contradiction(row, doses) if stated else []
    if not stated:
        doses = (_single_dose(row, product, amount, duration_h),)
        if duration_h is not None and duration_h < product.minimum_duration_h:
            remarks.append("a push is widened: the early peak of a faster one is not credible in this model")
    with catch_warnings():
        simplefilter("ignore")  # widened infusions are stated in the remarks
        regimen = Regimen.of(drug=drug, product=product, sessions=[Session(0.0, doses)])
    duration_known = stated or not product.needs_duration or duration_h is not None
    return Given(regimen, stated or amount is not None, duration_known, tuple(remarks))


def _amount(row: Row, product: Product) -> tuple[float, DoseUnit] | None:
    """Dose of a row with its unit; None if neither a dose nor devices are stated."""
    amount, unit, devices = row.positive("dose"), row.word("dose_unit"), row.positive("devices", whole=True)
    if devices is not None and product.device_mg is None:
        raise not_simulated(f"line {row.number}: devices is {devices:g} for {product.name}, which has none")
    total = (devices or 0.0) * (product.device_mg or 0.0)
    if amount is None:
        return (total, "mg") if total else None
    if unit == "mg":
        known: DoseUnit = "mg"
    elif unit == "mg/kg":
        known = "mg/kg"
    else:
        raise not_simulated(
            f'line {row.number}: dose_unit is "{row.text("dose_unit")}"', allowed="mg or mg/kg"
        )
    if total and (known != "mg" or abs(amount - total) > 1e-9 * total):
        raise not_simulated(
            f"line {row.number}: dose {amount:g} {known} and {devices:g} devices of {product.device_mg:g} mg "
            "contradict each other"
        )
    return amount, known


def _duration(row: Row, product: Product) -> float | None:
    """Duration of an infusion in h; None if none is stated."""
    minutes = row.number_of("infusion_min", low=0.0)
    if minutes is None:
        return None
    if not product.needs_duration:
        raise not_simulated(
            f"line {row.number}: infusion_min is {minutes:g} for {product.name}",
            why="The product sets its own time course, so the duration would be ignored",
        )
    return minutes / 60.0


def _single_dose(
    row: Row, product: Product, amount: tuple[float, DoseUnit] | None, duration_h: float | None
) -> Dose:
    """Dose of a row without steps, with stand-ins for what it does not state."""
    if amount is None and product.device_mg is not None:
        raise not_simulated(
            f"line {row.number}: neither dose nor devices are stated",
            why="The share that is absorbed depends on the number of devices",
        )
    film = assumption("film") if product.name == "oral_thin_film" else None
    size, unit = amount or (film or assumption("reference_dose"), "mg")
    if film and (unit != "mg" or size < film or abs(size / film - round(size / film)) > 1e-9):
        raise not_simulated(
            f"line {row.number}: dose {size:g} {unit} of {product.name}",
            allowed=f"Whole films of {film:g} mg",
        )
    if not product.needs_duration:
        return Dose(size, unit)
    shortest = product.minimum_duration_h
    hours = assumption("reference_infusion") / 60.0 if duration_h is None else max(duration_h, shortest)
    return Dose(size, unit, hours)


def _steps(row: Row, product: Product) -> tuple[Dose, ...]:
    """Steps of the column ``regimen``: ``10 mg over 30 min; 0.2 mg/kg/h for 1 h``, one after the other."""
    if product.route != "iv":
        raise not_simulated(
            f"line {row.number}: regimen is filled for {product.name}", allowed="Intravenous doses only"
        )
    doses: list[Dose] = []
    start = 0.0
    for step in row.text("regimen").split(";"):
        amount_step, rate_step = _AMOUNT_STEP.match(step), _RATE_STEP.match(step)
        match = amount_step or rate_step
        if match is None:
            raise not_simulated(
                f'line {row.number}: regimen step "{step.strip()}"',
                allowed='"10 mg over 30 min" or "0.14 mg/kg/h for 1 h", joined by ";"',
            )
        hours = float(match["time"]) / _PER_HOUR[match["time_unit"]]
        amount = float(match["number"]) * (hours if rate_step else 1.0)
        if not (amount > 0.0 and hours > 0.0):
            raise not_simulated(f'line {row.number}: regimen step "{step.strip()}"', allowed="More than 0")
        doses.append(Dose(amount, "mg/kg" if match["unit"] == "mg/kg" else "mg", hours, start))
        start += hours
    return tuple(doses)


def _contradiction(row: Row, doses: tuple[Dose, ...]) -> list[str]:
    """Remark if the columns dose and infusion_min do not say the same as the regimen."""
    stated, minutes = row.number_of("dose"), row.number_of("infusion_min")
    given = sum(dose.amount for dose in doses)
    length = 60.0 * sum(dose.duration_h or 0.0 for dose in doses)
    remarks = []
    units = {dose.unit for dose in doses}
    if stated is not None and (
        units != {row.word("dose_unit")} or abs(stated / given - 1.0) > assumption("dose_agreement")
    ):
        remarks.append(f"column dose says {stated:g} {row.text('dose_unit')}; the regimen was followed")
    if minutes is not None and abs(minutes / length - 1.0) > assumption("dose_agreement"):
        remarks.append(f"column infusion_min says {minutes:g}; the regimen was followed")
    return remarks
