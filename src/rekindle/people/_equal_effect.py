"""Many molecules in one simulation, and the dose of each that has a wanted effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Courses, EventTable, FirstPassage, TimeAbove, solve
from rekindle.people._compound_regimen import compound_regimen
from rekindle.people._person import Person
from rekindle.people._treatment import Course, Setting, event_rows
from rekindle.regimen import Regimen
from rekindle.therapy import Compound, compound_parameters, is_ketamine, therapy_model

if TYPE_CHECKING:
    from rekindle.modelling import Model

Array = NDArray[np.float64]
#: Hours after the dose at which the effect is read.
DAY_1_H, DAY_7_H = 24.0, 168.0
#: CADSS above which trials of esketamine counted people as dissociated (points).
DISSOCIATED_CADSS = 4.0
#: Acute effects are looked for on this grid (h); a slow molecule peaks late.
_ACUTE_H = np.concatenate([[0.0], np.geomspace(0.03, 72.0, 110)])
#: Doses that are searched (mg), their number, and the accuracy of the effect.
LOWEST_MG, HIGHEST_MG, _DOSES, _TOLERANCE = 0.01, 5000.0, 16, 1e-5
#: Effects below this are taken as none.
_NO_EFFECT = 1e-4
_PEAKS = {
    "cadss": "cadss",
    "liking": "liking",
    "systolic_rise": "systolic_change",
    "sedated": "p_moaas_4",
}


@dataclass(frozen=True)
class Readouts:
    """What molecules do in a typical person, one value for each.

    Attributes:
        dose_mg: dose; nan where none has the wanted effect, and then everything else as well.
        effect_day_1: improvement at 24 h, share of baseline severity, without expectancy.
        effect_day_7: the same at 7 days.
        cadss: highest CADSS, points.
        liking: highest score of liking, 50 is neutral.
        systolic_rise: highest rise of systolic pressure, mmHg.
        sedated: highest probability of MOAA/S 4 or less.
        hours: time with CADSS above ``DISSOCIATED_CADSS``, h.
        onset: time to half of the improvement at 24 h, h; infinite without any.
    """

    dose_mg: Array
    effect_day_1: Array
    effect_day_7: Array
    cadss: Array
    liking: Array
    systolic_rise: Array
    sedated: Array
    hours: Array
    onset: Array

    @classmethod
    def nothing(cls, count: int) -> Readouts:
        """Readouts of molecules of which none has the wanted effect."""
        return cls(*(np.full(count, np.nan) for _ in fields(cls)))

    def __len__(self) -> int:
        return len(self.dose_mg)

    def __getitem__(self, chosen: Any) -> Readouts:
        return Readouts(*(np.atleast_1d(getattr(self, one.name)[chosen]) for one in fields(self)))


@dataclass(frozen=True)
class Molecule:
    """A compound with the event rows of one dose."""

    compound: Compound
    rows: tuple[Mapping[str, Any], ...]
    dose_mg: float

    @classmethod
    def given(cls, compound: Compound, regimen: Regimen | str, person: Person | None = None) -> Molecule:
        """A compound as a regimen gives it; other doses keep its times and durations."""
        read = compound_regimen(compound, regimen) if isinstance(regimen, str) else regimen
        someone = person or Person("1")
        first = read.sessions[0]
        dose = sum(one.amount * (someone.weight_kg if one.unit == "mg/kg" else 1.0) for one in first.doses)
        rows = event_rows(therapy_model(), someone, [Course(read)], Setting())
        return cls(compound, tuple(rows), dose)

    def events(self, name: str, dose_mg: float) -> list[dict[str, Any]]:
        """Rows with another dose and the name of a person."""
        share = dose_mg / self.dose_mg
        return [
            {**row, "ID": name, **({"AMT": row["AMT"] * share} if "AMT" in row else {})} for row in self.rows
        ]


@dataclass(frozen=True)
class Bench:
    """Where molecules are held against each other: a mechanism, and replacements of parameters.

    ``parameters`` are overruled by what a compound says about itself.
    """

    mechanism: str = "disinhibition"
    parameters: Mapping[str, float] = field(default_factory=dict)
    workers: int = 1

    @cached_property
    def model(self) -> Model:
        """The therapy model of ketamine, whose numbers each molecule replaces."""
        return therapy_model(mechanism=self.mechanism)

    def own(self, molecules: Sequence[Molecule]) -> list[dict[str, float]]:
        """Parameters of each molecule, without expectancy."""
        return [{**self.parameters, **self._decided(one.compound), "EX": 0.0} for one in molecules]

    def _decided(self, compound: Compound) -> dict[str, float]:
        """What a compound says about itself; ketamine says what the model says."""
        return {} if is_ketamine(compound) else compound_parameters(compound, mechanism=self.mechanism)

    def read(self, molecules: Sequence[Molecule], doses_mg: Array) -> Readouts:
        """Simulate each molecule at its dose; a dose of nan gives nan."""
        return self._read(molecules, self.own(molecules), doses_mg)

    def effects(
        self,
        molecules: Sequence[Molecule],
        own: Sequence[Mapping[str, float]],
        doses_mg: Array,
        time_h: float,
    ) -> Array:
        """Improvement at a time (share of baseline severity)."""
        found = self._solve(molecules, own, doses_mg, [time_h], ["improvement_share"])
        return np.asarray(found["improvement_share"][:, -1])

    def equal_effect(
        self, molecules: Sequence[Molecule], effect: float, time_h: float = DAY_1_H
    ) -> tuple[Readouts, Array]:
        """The lowest dose of each molecule with an effect, and the largest effect that any dose has.

        Args:
            molecules: what is given.
            effect: improvement wanted, share of baseline severity.
            time_h: when it is read (h).

        Returns:
            Readouts at these doses (nan where no dose up to ``HIGHEST_MG`` has the effect), and the largest
            effects among the doses that were tried.
        """
        from scipy.optimize.elementwise import find_root

        own = self.own(molecules)
        doses = np.geomspace(LOWEST_MG, HIGHEST_MG, _DOSES)
        count = len(molecules)
        tried = self.effects(
            [one for one in molecules for _ in doses],
            [one for one in own for _ in doses],
            np.tile(doses, count),
            time_h,
        ).reshape(count, _DOSES)
        above = tried >= effect
        reached = np.flatnonzero(above.any(axis=1))
        found = np.full(count, np.nan)
        if len(reached):
            first = above[reached].argmax(axis=1)
            upper = np.log(doses[first])
            lower = np.log(np.where(first > 0, doses[first - 1], 1e-3 * LOWEST_MG))

            def excess(dose: Array, place: Array) -> Array:
                who = place.astype(int).tolist()
                chosen, numbers = [molecules[i] for i in who], [own[i] for i in who]
                return self.effects(chosen, numbers, np.exp(dose), time_h) - effect

            root = find_root(
                excess, (lower, upper), args=(reached.astype(float),), tolerances={"fatol": _TOLERANCE}
            )
            found[reached] = np.where(root.success, np.exp(root.x), np.nan)
        return self._read(molecules, own, found), tried.max(axis=1)

    def _read(
        self, molecules: Sequence[Molecule], own: Sequence[Mapping[str, float]], doses_mg: Array
    ) -> Readouts:
        known = np.flatnonzero(np.isfinite(doses_mg)).tolist()
        columns = {one.name: np.full(len(molecules), np.nan) for one in fields(Readouts)}
        columns["dose_mg"] = np.asarray(doses_mg, float)
        if len(known):
            times = [*_ACUTE_H.tolist(), DAY_7_H]
            course = self._solve(
                [molecules[i] for i in known],
                [own[i] for i in known],
                doses_mg[known],
                times,
                ["improvement_share", *_PEAKS.values()],
            )
            grid = np.asarray(course.grid)
            for name, output in _PEAKS.items():
                columns[name][known] = course[output].max(axis=1)
            cadss = Courses.straight(grid, course["cadss"])
            columns["hours"][known] = TimeAbove("cadss", threshold=DISSOCIATED_CADSS).numbers(cadss)
            effect = course["improvement_share"]
            day_1 = np.array([np.interp(DAY_1_H, grid, row) for row in effect])
            columns["effect_day_1"][known], columns["effect_day_7"][known] = day_1, effect[:, -1]
            columns["onset"][known] = _half_time(grid, effect, day_1)
        return Readouts(**columns)

    def _solve(
        self,
        molecules: Sequence[Molecule],
        own: Sequence[Mapping[str, float]],
        doses_mg: Array,
        times: Sequence[float],
        outputs: Sequence[str],
    ) -> Any:
        names = [str(place) for place in range(len(molecules))]
        rows = [
            row
            for name, one, dose in zip(names, molecules, doses_mg, strict=True)
            for row in one.events(name, float(dose))
        ]
        return solve(
            self.model,
            EventTable.from_rows(rows, self.model),
            parameters=dict(zip(names, own, strict=True)),
            times=times,
            outputs=outputs,
            workers=self.workers,
        )


def _half_time(grid: Array, effect: Array, day_1: Array) -> Array:
    """Time at which half of the effect at day 1 is first reached; infinite without an effect."""
    some = day_1 > _NO_EFFECT
    scaled = Courses.straight(grid, effect / np.where(some, day_1, 1.0)[:, None])
    return np.where(some, FirstPassage("improvement_share", threshold=0.5).numbers(scaled), np.inf)
