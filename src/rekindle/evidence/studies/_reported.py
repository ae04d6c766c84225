"""What a study reported, beside the result of the same name of a virtual trial of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rekindle.evidence._data import outcomes_not_modelled, report_outputs
from rekindle.evidence._row import Row
from rekindle.evidence.studies._people import treatment_of
from rekindle.evidence.studies._studies import study_design, study_rows
from rekindle.trials import Design, ResultRow

_SCALES = {"madrs": "MADRS", "hamd17": "HAM-D17", "hdrs": "HAM-D17"}
#: Days by which a visit and a reported time may differ.
_SAME_DAY = 1e-3


@dataclass(frozen=True, slots=True)
class Reported:
    """One number of a publication and what virtual trials of its design gave.

    Attributes:
        arm, outcome, day, unit: what it is, in the words of the results.
        value: as published.
        simulated: the result over replicates.
    """

    arm: str
    outcome: str
    day: float
    unit: str
    value: float
    simulated: ResultRow

    @property
    def inside(self) -> bool:
        """Whether 90 % of the virtual trials lie around it."""
        return self.simulated.low <= self.value <= self.simulated.high


def reported_results(study_id: str, rows: Sequence[ResultRow]) -> list[Reported]:
    """Published numbers that results of a run of this study speak about, in the order of the table.

    A number without a result of the same meaning is left out: totals, effect sizes, peaks, and outcomes
    that nothing in a trial is rated for.

    Args:
        study_id: the study.
        rows: results over replicates of its design (``TrialRun.rows``).

    >>> reported_results("DALY2018_P1", [])
    []
    """
    design = study_design(study_id)
    found = []
    for row in study_rows()[study_id]:
        value = row.number_of("value")
        outcome = _outcome(design, row)
        if value is None or outcome is None:
            continue
        match = _match(rows, row, outcome)
        if match is not None:
            found.append(Reported(match.arm, match.outcome, match.day, match.unit, value, match))
    return found


def _outcome(design: Design, row: Row) -> str | None:
    """Beginning of the results of the same meaning; None if there is none."""
    outcome = row.word("outcome")
    scale, _, form = outcome.partition("_")
    if outcome in outcomes_not_modelled():
        return None
    if outcome in report_outputs():
        event = report_outputs()[outcome].removeprefix("p_report_").replace("_", " ")
        return f"report of {event}"
    if form == "change" and scale in _SCALES:
        return f"{_SCALES[scale]} change, observed cases"
    if form == "difference" and scale in _SCALES:
        return f"{_SCALES[scale]} difference"
    for name, rule in (("response", design.response), ("remission", design.remission)):
        if outcome == f"{name}_pct" and rule is not None and _same_scale(row, rule.what):
            return f"{name} ({rule.label}), observed cases"
    if outcome == "response_ever_pct":
        return "response at any visit"
    if outcome == "relapse_median_days" and design.relapse is not None:
        return f"relapse ({design.relapse.label}), median time"
    return None


def _same_scale(row: Row, scale: str) -> bool:
    text = row.text("threshold").upper().replace("-", "")
    return ("HAMD17" in text) == (scale == "HAM-D17")


def _match(rows: Sequence[ResultRow], row: Row, outcome: str) -> ResultRow | None:
    arm, sex = treatment_of(row.text("arm_id")), _sex(row)
    known = [
        one
        for one in rows
        if one.outcome.startswith(outcome)
        and (one.outcome.endswith(f", {sex}") if sex else ", sex " not in one.outcome)
        and (one.arm == arm or one.arm.startswith(f"{arm} - "))
        and math.isfinite(one.value)
    ]
    time = row.number_of("time_h")
    if time is None:
        dated = [one.day for one in known if math.isfinite(one.day)]
        day = max(dated) if dated else math.nan
    else:
        day = time / 24.0
    same = [one for one in known if not math.isfinite(one.day) or abs(one.day - day) < _SAME_DAY]
    # The last analysis of a difference is the one that a protocol would prefer: MMRM, else LOCF, else paired.
    return same[-1] if same else None


def _sex(row: Row) -> str:
    words = {"_women": "sex F", "_men": "sex M"}
    return next((word for end, word in words.items() if row.text("arm_id").endswith(end)), "")
