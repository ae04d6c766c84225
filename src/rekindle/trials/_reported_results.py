"""What trials reported where nothing is modelled: an empirical arm, conditions other than depression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rekindle.errors import ParameterError, nearest
from rekindle.trials._tables import read_table

#: Conditions that the model itself is for.
_MODELLED = ("mdd", "trd")


@dataclass(frozen=True, slots=True)
class ReportedResult:
    """One number of one trial arm, on its own scale. None: not reported.

    ``unit`` is that of ``value`` and ``sd``; ``role`` ``check`` forbids fitting to it; ``time_h`` counts from
    the first dose. ``control_class`` ``open_label`` forbids comparing it with a blinded difference.
    """

    condition: str
    study: str
    arm: str
    drug: str
    outcome: str
    scale: str
    threshold: str
    time_h: float | None
    value: float
    unit: str
    n: int | None
    control_class: str
    mark: str
    role: str
    source: str
    notes: str


def condition_results(condition: str) -> tuple[ReportedResult, ...]:
    """Everything that is known of ketamine in a condition other than depression, each on its own scale.

    No amplitude is shared with depression, so nothing is simulated here.

    Raises:
        ParameterError: a condition without evidence.

    >>> sorted({result.scale for result in condition_results("anxiety")})
    ['LSAS', 'VAS anxiety']
    """
    results = [_result(row) for row in read_table("conditions.csv") if row["condition"] == condition]
    if results:
        return tuple(results)
    if condition in _MODELLED:
        raise ParameterError(
            "RK-PAR-096",
            given=f'condition "{condition}"',
            why="This is what the model itself is for",
            remedy="Simulate it",
        )
    known = conditions()
    raise ParameterError(
        "RK-PAR-097",
        given=f'condition "{condition}"{nearest(condition, known)}',
        allowed=f"Conditions with evidence: {', '.join(known)}",
        why="Without evidence there is nothing to show",
    )


def refuse_other_condition(condition: str) -> None:
    """Refuse to simulate a condition other than depression.

    Raises:
        ParameterError: such a condition, with or without evidence.

    >>> refuse_other_condition("trd")
    """
    if condition in _MODELLED:
        return
    found = condition_results(condition)
    scales = dict.fromkeys(result.scale for result in found if result.scale)
    raise ParameterError(
        "RK-PAR-144",
        given=f'a simulation in condition "{condition}"',
        allowed=f"Conditions that the model is for: {', '.join(_MODELLED)}",
        why=f"No amplitude is known there; trials reported on scales of their own ({', '.join(scales)})",
        remedy=f"See what they reported: rekindle evidence condition {condition}",
    )


def conditions() -> tuple[str, ...]:
    """Conditions other than depression for which there is evidence.

    >>> conditions()
    ('bipolar_depression', 'mdd_suicidal', 'ptsd', 'anxiety')
    """
    return tuple(dict.fromkeys(row["condition"] for row in read_table("conditions.csv")))


def empirical_arm(drug: str) -> tuple[ReportedResult, ...]:
    """All reported results of a comparator that has no model, such as quetiapine (ESCAPE-TRD, open label).

    Raises:
        ParameterError: a comparator without reported results.

    >>> {result.control_class for result in empirical_arm("quetiapine")}
    {'open_label'}
    """
    results = tuple(_result(row) for row in read_table("empirical_arms.csv") if row["drug"] == drug)
    if not results:
        known = list(dict.fromkeys(row["drug"] for row in read_table("empirical_arms.csv")))
        raise ParameterError(
            "RK-PAR-098",
            given=f'empirical arm "{drug}"{nearest(drug, known)}',
            allowed=f"Empirical arms: {', '.join(known)}",
        )
    return results


def empirical_result(drug: str, outcome: str, time_h: float) -> ReportedResult:
    """One reported result; nothing is interpolated between the times of the trial.

    Raises:
        ParameterError: an outcome or a time that the trial did not report.

    >>> empirical_result("quetiapine", "remission_pct", 1344).value
    17.6
    """
    results = empirical_arm(drug)
    for result in results:
        if (result.outcome, result.time_h) == (outcome, time_h):
            return result
    known = ", ".join(f"{result.outcome} at {result.time_h:g} h" for result in results)
    raise ParameterError(
        "RK-PAR-099",
        given=f"{outcome} of {drug} at {time_h:g} h",
        allowed=f"Reported: {known}",
        why="No mechanism is modelled, so nothing can be said about other times or outcomes",
    )


def _result(row: Mapping[str, str]) -> ReportedResult:
    return ReportedResult(
        condition=row["condition"],
        study=row["study_id"],
        arm=row["arm_id"],
        drug=row["drug"],
        outcome=row["outcome"],
        scale=row["scale"],
        threshold=row["threshold"],
        time_h=float(row["time_h"]) if row["time_h"] else None,
        value=float(row["value"]),
        unit=row["unit"],
        n=int(row["n"]) if row["n"] else None,
        control_class=row["control_class"],
        mark=row["mark"],
        role=row["role"],
        source=row["source"],
        notes=row["notes"],
    )
