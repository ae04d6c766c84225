"""One treatment of a comparison, and the comparisons that come with the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rekindle.errors import ParameterError, nearest
from rekindle.regimen import Regimen, parse_regimen
from rekindle.therapy import ect_records, refuse_double_count, ssri_records, training_records

#: Scale that a comparison is read on; the only one that the model carries from baseline to every visit.
SCALE = "MADRS"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one group of a comparison receives.

    Attributes:
        name: words for tables and figures.
        regimen: what is given and when; ``none`` for no sessions.
        drug: drug, if the regimen does not say.
        product: product or route, if the regimen does not say.
        ssri_dose_ratio: a new daily SSRI, relative to its usual minimum dose; 0 is none.
        training_hours_per_day: training or psychotherapy, hours a day.
        training_days: first and last day of it.
        ect_days: days of electroconvulsive sessions, 0 is the first day.
        scale: scale on which its result is known.
    """

    name: str
    regimen: str
    drug: str | None = None
    product: str | None = None
    ssri_dose_ratio: float = 0.0
    training_hours_per_day: float = 0.0
    training_days: tuple[float, float] = (1.0, 29.0)
    ect_days: tuple[float, ...] = ()
    scale: str = SCALE

    @property
    def with_ssri(self) -> bool:
        """Whether a new antidepressant belongs to it."""
        return self.ssri_dose_ratio > 0.0

    @property
    def with_training(self) -> bool:
        """Whether training or psychotherapy belongs to it."""
        return self.training_hours_per_day > 0.0

    def parsed(self) -> Regimen:
        """The regimen, read."""
        return parse_regimen(self.regimen, drug=self.drug, product=self.product)

    def extra_rows(self, control_class: str | None) -> list[dict[str, Any]]:
        """Rows of an event table for everything besides the regimen.

        Raises:
            ParameterError: an antidepressant that the control class contains already.

        >>> [row["ssri_dose_ratio"] for row in Treatment("a", "none", ssri_dose_ratio=2).extra_rows(None)]
        [2]
        """
        refuse_double_count(control_class, self.ssri_dose_ratio)
        rows = ect_records(self.ect_days)
        if self.with_ssri:
            rows += ssri_records(self.ssri_dose_ratio)
        if self.with_training:
            start, end = (24.0 * day for day in self.training_days)
            rows += training_records(self.training_hours_per_day / 24.0, start_h=start, end_h=end)
        return sorted(rows, key=lambda row: float(row["TIME"]))

    def words(self) -> str:
        """Everything that is given, in one line."""
        parts = [str(self.parsed()) if self.regimen != "none" else ""]
        if self.with_ssri:
            parts.append(f"a daily SSRI at {self.ssri_dose_ratio:g} times its usual minimum dose")
        if self.with_training:
            start, end = self.training_days
            parts.append(
                f"{60 * self.training_hours_per_day:.0f} min of training a day, day {start:g} to {end:g}"
            )
        if self.ect_days:
            parts.append(f"{len(self.ect_days)} electroconvulsive sessions")
        return "; ".join(part for part in parts if part) or "no treatment"


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """A comparison that is ready to be run: its treatments and the setting that all of them share."""

    name: str
    title: str
    treatments: tuple[Treatment, ...]
    control_class: str | None = None
    notes: tuple[str, ...] = ()


@cache
def comparison_plans() -> Mapping[str, ComparisonPlan]:
    """Shipped comparisons by name.

    >>> [one.name for one in comparison_plans()["ketamine_and_ssri"].treatments]
    ['IV ketamine', 'SSRI', 'IV ketamine and SSRI']
    """
    text = files("rekindle.trials").joinpath("data/comparisons.toml").read_text(encoding="utf-8")
    return {name: _plan(name, table) for name, table in tomllib.loads(text).items()}


def comparison_plan(name: str) -> ComparisonPlan:
    """The shipped comparison with this name.

    Raises:
        ParameterError: an unknown name.
    """
    plans = comparison_plans()
    if name not in plans:
        raise ParameterError(
            "RK-PAR-130",
            given=f'comparison "{name}"{nearest(name, plans)}',
            allowed=f"Shipped comparisons: {', '.join(plans)}",
            remedy="Give one of these names, or two or more regimens",
        )
    return plans[name]


def _plan(name: str, table: Mapping[str, Any]) -> ComparisonPlan:
    treatments = tuple(_treatment(row) for row in table["treatments"])
    return ComparisonPlan(
        name, table["title"], treatments, table.get("control_class"), tuple(table.get("notes", ()))
    )


def _treatment(row: Mapping[str, Any]) -> Treatment:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    return Treatment(**fields)
