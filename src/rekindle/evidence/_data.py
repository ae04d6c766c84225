"""The data files of the evidence floor."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


def development_arms() -> Path:
    """Path of the table of published pharmacokinetic arms that ships with the package.

    >>> development_arms().name
    'pk_arms.csv'
    """
    return _FOLDER / "pk_arms.csv"


def development_outcomes() -> Path:
    """Path of the table of published clinical outcomes that ships with the package.

    >>> development_outcomes().name
    'outcome_arms.csv'
    """
    return _FOLDER / "outcome_arms.csv"


@cache
def mechanism_facts() -> dict[str, dict[str, str]]:
    """Facts on mechanism, time course and safety beside the arms: identifier -> its row.

    Columns: statement, quantity, expected with low, high and unit, source, mark, role.

    >>> mechanism_facts()["C24b"]["unit"]
    'min'
    """
    return {row["fact_id"]: row for row in _rows("mechanism_facts.csv")}


@cache
def assumption(name: str) -> float:
    """A number of ``assumptions.csv``, in the unit stated there.

    >>> assumption("weight")
    70.0
    """
    return {row["name"]: float(row["value"]) for row in _rows("assumptions.csv")}[name]


@cache
def co_medication_records() -> dict[str, str]:
    """Interacting drug -> name of its record in the therapy's interactions.

    >>> co_medication_records()["rifampin"]
    'rifampicin'
    """
    return {row["name"]: row["acts_as"] for row in _rows("co_medications.csv")}


@cache
def assessments() -> tuple[float, ...]:
    """Usual assessments after one infusion, h; for outcomes "at any assessment".

    >>> assessments()[-1]
    336.0
    """
    return tuple(float(row["time_h"]) for row in _rows("assessments.csv"))


@cache
def entry_criterion(study_id: str, scale: str) -> tuple[float, str] | None:
    """Score from which patients entered a study, with its mark; None if it is not known.

    >>> entry_criterion("TRANSFORM1", "MADRS")
    (28.0, 'recalled')
    """
    for row in _rows("entry_criteria.csv"):
        if (row["study_id"], row["scale"]) == (study_id, scale):
            return float(row["threshold"]), row["mark"]
    return None


@cache
def outcomes_not_modelled() -> dict[str, str]:
    """Outcome -> what the model lacks for it.

    >>> outcomes_not_modelled()["hr_peak_change"]
    'the model has no heart rate'
    """
    return {row["outcome"]: row["missing"] for row in _rows("outcomes_not_modelled.csv")}


@cache
def report_outputs() -> dict[str, str]:
    """Outcome that counts reports of an adverse event -> output of the model with its probability a session.

    >>> report_outputs()["nausea_pct"]
    'p_report_nausea'
    """
    return {row["outcome"]: row["output"] for row in _rows("report_outputs.csv")}


def study_assumption_rows() -> list[dict[str, str]]:
    """Rows of ``study_assumptions.csv``."""
    return _rows("study_assumptions.csv")


@cache
def fact_rows() -> dict[str, dict[str, str]]:
    """Quantity of a fact that is a number of ``outcome_arms.csv`` -> where that number stands.

    With ``less``, the same number of another arm is subtracted.

    >>> fact_rows()["madrs_change_ketamine_24h"]["study_id"]
    'MURROUGH2013'
    """
    return {row["quantity"]: row for row in _rows("fact_rows.csv")}


@cache
def facts_not_computed() -> dict[str, str]:
    """Quantity of a fact -> what the model lacks for it.

    >>> facts_not_computed()["co_rise_320"]
    'the model has no cardiac output'
    """
    return {row["quantity"]: row["missing"] for row in _rows("facts_not_computed.csv")}


@cache
def known_tensions() -> tuple[dict[str, str], ...]:
    """Where the specification knew that its nominal parameters miss.

    >>> [row["quantity"] for row in known_tensions()][:1]
    ['bliss_effect_168h']
    """
    return tuple(_rows("known_tensions.csv"))


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
