"""One person: the facts that a simulation starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rekindle.errors import PersonError
from rekindle.people._random import person_key
from rekindle.people._ranges import person_ranges

if TYPE_CHECKING:
    from rekindle.modelling import Model
    from rekindle.people._resistance import FailedTreatment

SEXES = ("F", "M")
#: Child-Pugh classes and their codes in the model; None means no liver disease. Class C was not studied.
CHILD_PUGH = {None: 0, "A": 1, "B": 2}
#: Weight, height and body mass index are called contradictory beyond this relative difference.
BMI_TOLERANCE = 0.05


@dataclass(frozen=True)
class Person:
    """An adult, described by what the model can use. None means unknown: the model's own default is used.

    Attributes:
        id: identifier, kept as text (event tables know people by text); a number is accepted, and 7 and "7"
            are the same person.
        weight_kg: body weight, kg. Validated from 39 to 170.
        age_years: age, years. Validated from 18 to 86; nobody under 18 is accepted.
        sex: "F", "M" or None.
        height_cm: body height, cm.
        bmi: body mass index as stated, kg/m^2; see ``body_mass_index`` for the computed one.
        madrs_baseline: MADRS total before treatment, points.
        hamd17_baseline: HAM-D17 total before treatment, points.
        item10_baseline: MADRS item 10 before treatment, points.
        co_medication: names of interacting drugs, see ``rekindle.therapy.interaction_names``.
        diazepam_equivalent_mg: daily benzodiazepine dose as diazepam, mg.
        sedatives: number of further sedatives (opioids, alcohol, antipsychotics); acts only with the switch
            ``depressant_sedation`` ``assumed``.
        hypertension: acts only with the switch ``pressure_covariates`` ``assumed``.
        systolic_mmhg, diastolic_mmhg: pressure before a session, mmHg; a rise is added to it.
        inflammation_z: inflammation, z-score; a moderator whose direction and size are assumed.
        stress: stress load, relative units, of assumed size.
        mtor_inhibition: share of mTORC1 signalling that a drug blocks, 0 to 1.
        ssri_dose_ratio: daily dose of an SSRI that starts with the treatment, over its usual minimum dose.
        training_hours_per_day: training or psychotherapy all along, hours a day.
        failed_treatments: what did not help before, with dose, duration and adherence; None is not stated.
            No size of effect is attached to it.
        child_pugh: None (no liver disease), "A" or "B".
        cyp2b6_poor: ``CYP2B6*6/*6``.
        allow_extrapolation: accept what is possible but outside the validated range.
        extrapolations: what lies outside the validated range, in words.

    Raises:
        PersonError: impossible, contradictory or (without ``allow_extrapolation``) not validated facts.

    >>> Person("A-17", weight_kg=82, age_years=35, sex="F", madrs_baseline=33).covariates()["weight"]
    82.0
    >>> Person(1, weight_kg=180, allow_extrapolation=True).extrapolations
    ('body weight 180 kg is outside 39 to 170 kg',)
    """

    id: str
    weight_kg: float = 70.0
    age_years: float = 40.0
    sex: str | None = None
    height_cm: float | None = field(default=None, kw_only=True)
    bmi: float | None = field(default=None, kw_only=True)
    madrs_baseline: float | None = field(default=None, kw_only=True)
    hamd17_baseline: float | None = field(default=None, kw_only=True)
    item10_baseline: float | None = field(default=None, kw_only=True)
    co_medication: tuple[str, ...] = field(default=(), kw_only=True)
    diazepam_equivalent_mg: float = field(default=0.0, kw_only=True)
    sedatives: float | None = field(default=None, kw_only=True)
    hypertension: bool | None = field(default=None, kw_only=True)
    systolic_mmhg: float | None = field(default=None, kw_only=True)
    diastolic_mmhg: float | None = field(default=None, kw_only=True)
    inflammation_z: float | None = field(default=None, kw_only=True)
    stress: float | None = field(default=None, kw_only=True)
    mtor_inhibition: float | None = field(default=None, kw_only=True)
    ssri_dose_ratio: float | None = field(default=None, kw_only=True)
    training_hours_per_day: float | None = field(default=None, kw_only=True)
    failed_treatments: tuple[FailedTreatment, ...] | None = field(default=None, kw_only=True)
    child_pugh: str | None = field(default=None, kw_only=True)
    cyp2b6_poor: bool = field(default=False, kw_only=True)
    allow_extrapolation: bool = field(default=False, kw_only=True, repr=False, compare=False)
    extrapolations: tuple[str, ...] = field(default=(), init=False, compare=False)

    def __post_init__(self) -> None:
        labels = []
        object.__setattr__(self, "id", _identifier(self.id))
        for name, limits in person_ranges().items():
            value = getattr(self, name)
            if value is not None:
                number, label = limits.check(self.id, value)
                object.__setattr__(self, name, number)
                labels.extend([label] if label else [])
        self._check_size()
        self._check_pressure()
        self._check_classes()
        if labels and not self.allow_extrapolation:
            raise PersonError(
                "RK-PER-013",
                given=f"person {self.id}: {'; '.join(labels)}",
                why="The models were not built on such people",
                remedy="Set allow_extrapolation=True to go on; results then carry this label",
            )
        object.__setattr__(self, "extrapolations", tuple(labels))

    @property
    def body_mass_index(self) -> float | None:
        """Body mass index, kg/m^2: as stated, else from weight and height, else None.

        >>> Person(1, weight_kg=81, height_cm=180).body_mass_index
        25.0
        """
        if self.bmi is None and self.height_cm is not None:
            return self.weight_kg / (self.height_cm / 100) ** 2
        return self.bmi

    def covariates(self, model: Model | None = None) -> dict[str, float]:
        """Return covariate name -> value in the units of the therapy model.

        Unknown facts are left out. With a model, only the covariates that it has are returned.

        >>> sorted(Person(1).covariates())
        ['age', 'child_pugh', 'cyp2b6_poor', 'diazepam_equivalent', 'weight']
        """
        training = self.training_hours_per_day
        values: dict[str, float | None] = {
            "female": None if self.sex is None else float(self.sex == "F"),
            "child_pugh": float(CHILD_PUGH[self.child_pugh]),
            "cyp2b6_poor": float(self.cyp2b6_poor),
            "hypertension": None if self.hypertension is None else float(self.hypertension),
            "training_rate": None if training is None else training / 24.0,
        }
        for name, limits in person_ranges().items():
            if limits.covariate:
                values[limits.covariate] = getattr(self, name)
        return {
            name: value
            for name, value in values.items()
            if value is not None and (model is None or name in model.covariates)
        }

    def _check_size(self) -> None:
        if self.height_cm is None:
            return
        computed = self.weight_kg / (self.height_cm / 100) ** 2
        person_ranges()["bmi"].check(self.id, computed)
        if self.bmi is not None and abs(computed / self.bmi - 1) > BMI_TOLERANCE:
            raise PersonError(
                "RK-PER-014",
                given=f"person {self.id}: weight {self.weight_kg:g} kg and height {self.height_cm:g} cm "
                f"make a body mass index of {computed:.1f} kg/m^2, not {self.bmi:g}",
                remedy="Correct one of the three, or leave one out",
            )

    def _check_pressure(self) -> None:
        upper, lower = self.systolic_mmhg, self.diastolic_mmhg
        if upper is not None and lower is not None and upper <= lower:
            raise PersonError(
                "RK-PER-014",
                given=f"person {self.id}: systolic pressure {upper:g} mmHg and diastolic {lower:g} mmHg",
                why="Systolic pressure is the higher of the two",
                remedy="Correct one of them, or leave one out",
            )

    def _check_classes(self) -> None:
        if self.hypertension not in (None, True, False):
            raise PersonError(
                "RK-PER-033",
                given=f"person {self.id}: hypertension {self.hypertension!r}",
                allowed="True, False or None (unknown)",
            )
        if self.sex is not None and self.sex not in SEXES:
            raise PersonError(
                "RK-PER-015",
                given=f"person {self.id}: sex {self.sex!r}",
                allowed='"F", "M" or None (unknown)',
            )
        if self.child_pugh not in CHILD_PUGH:
            raise PersonError(
                "RK-PER-016",
                given=f"person {self.id}: Child-Pugh class {self.child_pugh!r}",
                allowed='None, "A" or "B"',
                why="Ketamine was not studied in class C",
            )
        if isinstance(self.co_medication, str):
            raise PersonError(
                "RK-PER-017",
                given=f"person {self.id}: co_medication {self.co_medication!r} is one text",
                remedy=f"Write ({self.co_medication!r},)",
            )
        object.__setattr__(self, "co_medication", tuple(self.co_medication))


def _identifier(value: object) -> str:
    text = str(value).strip()
    if not text or isinstance(value, bool) or not isinstance(value, int | np.integer | str):
        raise PersonError(
            "RK-PER-018",
            given=f"person identifier {value!r}",
            allowed="A whole number or a text that is not empty",
        )
    person_key(text if isinstance(value, str) else int(value))
    return text
