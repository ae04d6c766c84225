"""One treatment of a comparison, and the comparisons that come with the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from rekindle.errors import ParameterError, PersonError, nearest, reason
from rekindle.people import Person, read_treatment
from rekindle.regimen import Regimen
from rekindle.therapy import Compound, ect_records, refuse_double_count, ssri_records, training_records

#: Scale that a comparison is read on; the only one that the model carries from baseline to every visit.
SCALE = "MADRS"
_PLAN_KEYS = ("title", "treatments", "control_class", "notes", "switches")


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
        co_medication: interacting drugs that everybody takes besides, see ``Person``.
        diazepam_equivalent_mg: daily benzodiazepine dose that everybody takes besides, as diazepam, mg.
        empirical: comparator without a model, whose reported results stand in the table (``empirical_arm``).
        scale: scale on which its result is known.
        compound: compound of the user, which the regimen gives; one of this package is named in the regimen.
    """

    name: str
    regimen: str
    drug: str | None = None
    product: str | None = None
    ssri_dose_ratio: float = 0.0
    training_hours_per_day: float = 0.0
    training_days: tuple[float, float] = (1.0, 29.0)
    ect_days: tuple[float, ...] = ()
    co_medication: tuple[str, ...] = ()
    diazepam_equivalent_mg: float = 0.0
    empirical: str = ""
    scale: str = SCALE
    compound: Compound | None = None

    @property
    def with_ssri(self) -> bool:
        """Whether a new antidepressant belongs to it."""
        return self.ssri_dose_ratio > 0.0

    @property
    def with_training(self) -> bool:
        """Whether training or psychotherapy belongs to it."""
        return self.training_hours_per_day > 0.0

    def read(self) -> tuple[Regimen, Compound | None]:
        """The regimen, and the compound that it gives; None for ketamine and its enantiomers.

        >>> Treatment("a", "memantine 20 mg oral").read()[1].name
        'memantine'
        """
        if self.compound is None:
            return read_treatment(self.regimen, drug=self.drug, product=self.product)
        drug = self.drug or self.compound.name
        return read_treatment(self.regimen, drug=drug, product=self.product, own=(self.compound,))

    def parsed(self) -> Regimen:
        """The regimen, read."""
        return self.read()[0]

    def marked(self) -> Treatment:
        """The treatment under a name that says so where its compound does not exist.

        >>> Treatment("analog", "analog-h1 40 mg iv over 40 min").marked().name
        'analog (hypothetical)'
        """
        compound = self.read()[1]
        if compound is None or not compound.hypothetical or "hypothetical" in self.name:
            return self
        return replace(self, name=f"{self.name} (hypothetical)")

    def extra_rows(self, control_class: str | None) -> list[dict[str, Any]]:
        """Rows of an event table for everything besides the regimen.

        Raises:
            ParameterError: an antidepressant, or contact with ECT, that the control class contains already.

        >>> [row["ssri_dose_ratio"] for row in Treatment("a", "none", ssri_dose_ratio=2).extra_rows(None)]
        [2]
        """
        refuse_double_count(control_class, self.ssri_dose_ratio, ect=bool(self.ect_days))
        rows = ect_records(self.ect_days)
        if self.with_ssri:
            rows += ssri_records(self.ssri_dose_ratio)
        if self.with_training:
            start, end = (24.0 * day for day in self.training_days)
            rows += training_records(self.training_hours_per_day / 24.0, start_h=start, end_h=end)
        return sorted(rows, key=lambda row: float(row["TIME"]))

    def people(self, group: Sequence[Person]) -> list[Person]:
        """The same people under this treatment, with what they take besides.

        Raises:
            PersonError: a benzodiazepine on top of one that somebody takes anyway.

        >>> one = Treatment("a", "none", co_medication=("lamotrigine",))
        >>> one.people([Person(1)])[0].co_medication
        ('lamotrigine',)
        """
        if not (self.co_medication or self.diazepam_equivalent_mg):
            return list(group)
        return [self._taking(person) for person in group]

    def _taking(self, person: Person) -> Person:
        if person.diazepam_equivalent_mg and self.diazepam_equivalent_mg:
            raise PersonError(
                "RK-PER-038",
                given=f'person {person.id} takes a benzodiazepine, and so does treatment "{self.name}"',
                remedy="State it for the person or for the treatment",
            )
        drugs = dict.fromkeys((*person.co_medication, *self.co_medication))
        dose = person.diazepam_equivalent_mg or self.diazepam_equivalent_mg
        return replace(
            person,
            co_medication=tuple(drugs),
            diazepam_equivalent_mg=dose,
            allow_extrapolation=bool(person.extrapolations),
        )

    def words(self) -> str:
        """Everything that is given, in one line."""
        if self.empirical:
            return f"{self.empirical}, as reported; nothing is simulated"
        parts = [str(self.parsed()) if self.regimen != "none" else ""]
        if self.with_ssri:
            parts.append(f"a daily SSRI at {self.ssri_dose_ratio:g} times its usual minimum dose")
        if self.with_training:
            start, end = self.training_days
            parts.append(
                f"{60 * self.training_hours_per_day:.0f} min of training a day, day {start:g} to {end:g}"
            )
        if self.co_medication:
            parts.append(f"with {', '.join(self.co_medication)}")
        if self.diazepam_equivalent_mg:
            parts.append(f"with {self.diazepam_equivalent_mg:g} mg a day of a benzodiazepine (as diazepam)")
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
    switches: Mapping[str, str] = field(default_factory=dict)


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


def read_comparison(path: str | PathLike[str]) -> ComparisonPlan:
    """A comparison of your own, from a file in the format of the shipped ones.

    The file is TOML: ``title`` and, for every treatment, a table ``[[treatments]]`` with the fields of
    ``Treatment``; ``control_class``, ``notes`` and ``switches`` (name = option) are optional.

    Raises:
        ParameterError: a file that cannot be read, an unknown key, or a treatment without name or regimen.
    """
    name = Path(path).name
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(
            "RK-PAR-140",
            given=f'comparison file "{name}" cannot be read: {reason(error)}',
            allowed="A TOML file with title and one table [[treatments]] for each treatment",
        ) from None
    _check_keys(name, table, _PLAN_KEYS, ("title", "treatments"))
    rows = table["treatments"]
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ParameterError(
            "RK-PAR-140", given=f'{name}: "treatments"', allowed="Tables under [[treatments]]"
        )
    known = [one.name for one in fields(Treatment) if one.name != "compound"]
    for number, row in enumerate(rows, 1):
        _check_keys(f"{name}, treatment {number}", row, known, ("name", "regimen"))
    return _plan(Path(path).stem, table)


def _check_keys(place: str, table: Mapping[str, Any], known: Sequence[str], needed: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            raise ParameterError(
                "RK-PAR-140",
                given=f'{place}: "{key}" is unknown{nearest(key, known)}',
                allowed=f"Keys: {', '.join(known)}",
            )
    for key in needed:
        if key not in table:
            raise ParameterError(
                "RK-PAR-140", given=f'{place} has no "{key}"', allowed=f"Needed: {', '.join(needed)}"
            )


def _plan(name: str, table: Mapping[str, Any]) -> ComparisonPlan:
    treatments = tuple(_treatment(row) for row in table["treatments"])
    return ComparisonPlan(
        name,
        table["title"],
        treatments,
        table.get("control_class"),
        tuple(table.get("notes", ())),
        dict(table.get("switches", {})),
    )


def _treatment(row: Mapping[str, Any]) -> Treatment:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    return Treatment(**fields)
