"""The shipped patients of a ketamine versus saline crossover, as they were observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.errors import PersonError
from rekindle.people._cohort import known_cells, read_cell
from rekindle.people._distributions import CovariateDistributions, default_distributions
from rekindle.people._person import Person
from rekindle.people._tables import data_path, read_rows

if TYPE_CHECKING:
    import pandas as pd

_PARTICIPANT = ("participant_id", "age", "sex", "BMI", "group", "infusion_1", "infusion_2")
#: Column -> scale.
_SCALES = {"MADRS_Total": "MADRS", "HAMD_Bech": "HAM-D6", "HAM17_Total": "HAM-D17"}
_PHENOTYPE = ("participant_id", "session_id", *_SCALES)
_TREATMENTS = {"d": "ketamine", "p": "saline", "b": "baseline"}


@dataclass(frozen=True, slots=True)
class Score:
    """One rating: ``day`` counts from the infusion of ``treatment`` (None at baseline, before either).

    ``value`` is None where the rating is missing: a visit that was listed but not rated.
    """

    person: str
    treatment: str
    day: int | None
    scale: str
    value: float | None


@dataclass(frozen=True, slots=True)
class CrossoverPatient:
    """What is known of one patient. ``infusions`` are those given, in order: "ketamine" or "saline"."""

    id: str
    age_years: float | None
    sex: str | None
    bmi: float | None
    infusions: tuple[str, ...]


@dataclass(frozen=True)
class CrossoverCohort:
    """Patients and ratings of a two-period crossover.

    Attributes:
        patients: everybody in the files, in their order.
        scores: every visit and scale of the files, also the missing ones.
    """

    patients: tuple[CrossoverPatient, ...]
    scores: tuple[Score, ...]

    @cached_property
    def incomplete(self) -> Mapping[str, str]:
        """Patient -> what is missing, for those who cannot be simulated."""
        missing = {}
        for patient in self.patients:
            facts = {
                "age": patient.age_years,
                "sex": patient.sex,
                "body mass index": patient.bmi,
                "infusion": patient.infusions or None,
                "baseline MADRS": self.score(patient.id, "baseline", None, "MADRS"),
            }
            unknown = [name for name, value in facts.items() if value is None]
            if unknown:
                missing[patient.id] = f"no {', no '.join(unknown)}"
        return missing

    def score(self, person: str, treatment: str, day: int | None, scale: str = "MADRS") -> float | None:
        """Return one rating; None if it is missing or the visit was not made.

        >>> nimh_crossover().score("sub-MOA101", "ketamine", 2)
        24.0
        """
        return self._scores.get((person, treatment, day, scale))

    @cached_property
    def _scores(self) -> dict[tuple[str, str, int | None, str], float | None]:
        return {(s.person, s.treatment, s.day, s.scale): s.value for s in self.scores}

    def persons(
        self, *, seed: int, trial: int = 0, distributions: CovariateDistributions | None = None
    ) -> tuple[Person, ...]:
        """Return the patients who are not ``incomplete``, as people who can be simulated.

        Weight is not in the data. It is body mass index times height squared, with a height drawn by sex
        from ``distributions`` (default: adults of the USA), keyed by seed, trial and patient: average over
        trials to let the unknown weight count.

        >>> cohort = nimh_crossover()
        >>> len(cohort.patients), len(cohort.persons(seed=1)), dict(cohort.incomplete)
        (16, 15, {'sub-MOA117': 'no age, no sex, no body mass index, no infusion, no baseline MADRS'})
        """
        rows = (distributions or default_distributions()).only("female", "height_cm")
        people = []
        for patient in self.patients:
            if patient.id in self.incomplete or patient.age_years is None or patient.bmi is None:
                continue
            female = {"female": float(patient.sex == "F")}
            height = rows.draw(seed=seed, trial=trial, person=patient.id, fixed=female)["height_cm"]
            person = Person(
                patient.id,
                weight_kg=patient.bmi * (height / 100) ** 2,
                age_years=patient.age_years,
                sex=patient.sex,
                height_cm=height,
                bmi=patient.bmi,
                madrs_baseline=self.score(patient.id, "baseline", None, "MADRS"),
                hamd17_baseline=self.score(patient.id, "baseline", None, "HAM-D17"),
            )
            people.append(person)
        return tuple(people)

    def to_frame(self) -> pd.DataFrame:
        """Return the ratings as a long frame: person, treatment, day, scale, value (missing: NaN)."""
        import pandas as pd

        columns = ["person", "treatment", "day", "scale", "value"]
        frame = pd.DataFrame([[getattr(score, c) for c in columns] for score in self.scores], columns=columns)
        return frame.astype({"day": "Int64", "value": float})


def nimh_crossover() -> CrossoverCohort:
    """Return the shipped half of the NIMH ketamine versus saline crossover.

    OpenNeuro ds005917 version 1.0.1, 10.18112/openneuro.ds005917.v1.0.1, licence CC0 1.0: 16 patients with
    major depression, 15 of them with a baseline; design and caveats are in the README beside the data.

    >>> nimh_crossover().patients[0].infusions
    ('ketamine', 'saline')
    """
    return read_crossover(data_path("nimh_crossover"))


def read_crossover(folder: str | PathLike[str]) -> CrossoverCohort:
    """Read ``participants.tsv`` and ``phenotype.tsv`` of a folder in the layout of that data set.

    Raises:
        PersonError: naming file, row and patient.
    """
    patients: dict[str, CrossoverPatient] = {}
    for row_place, cells in read_rows(Path(folder, "participants.tsv"), _PARTICIPANT):
        row = known_cells(cells)
        place = f"{row_place}, person {row['participant_id']}"
        patients[row["participant_id"]] = _patient(place, row)
    scores: list[Score] = []
    for row_place, cells in read_rows(Path(folder, "phenotype.tsv"), _PHENOTYPE):
        row = known_cells(cells)
        place = f"{row_place}, person {row['participant_id']}"
        if row["participant_id"] not in patients:
            raise PersonError("RK-PER-026", given=f"{place}: not in participants.tsv")
        treatment, day = _visit(place, row["session_id"])
        for column, scale in _SCALES.items():
            value = read_cell(place, column, row[column])
            scores.append(Score(row["participant_id"], treatment, day, scale, value))
    return CrossoverCohort(tuple(patients.values()), tuple(scores))


def _patient(place: str, row: Mapping[str, str]) -> CrossoverPatient:
    codes = [code for code in (row["infusion_1"], row["infusion_2"]) if code]
    if not set(codes) <= {"d", "p"} or len(set(codes)) < len(codes):
        raise PersonError(
            "RK-PER-027",
            given=f"{place}: infusions {', '.join(codes)}",
            allowed="d, p or n/a, each at most once",
        )
    return CrossoverPatient(
        row["participant_id"],
        read_cell(place, "age", row["age"]),
        row["sex"] or None,
        read_cell(place, "BMI", row["BMI"]),
        tuple(_TREATMENTS[code] for code in codes),
    )


def _visit(place: str, session: str) -> tuple[str, int | None]:
    code, day = session.removeprefix("ses-")[:1], session.removeprefix("ses-")[1:]
    if code not in _TREATMENTS or not day.isdigit() or (code == "b" and day != "0"):
        raise PersonError(
            "RK-PER-027", given=f'{place}: visit "{session}"', allowed="ses-b0, ses-d<day>, ses-p<day>"
        )
    return _TREATMENTS[code], None if code == "b" else int(day)
