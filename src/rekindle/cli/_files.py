"""The files of a simulated course."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekindle.cli._course import Request, entry_scores, rated_scores
from rekindle.cli._course_outputs import MOOD, peak_labels

if TYPE_CHECKING:
    import pandas

    from rekindle.engine import Trajectory
    from rekindle.report import CourseReport, CourseSummary


def summary_json(summary: CourseSummary, report: CourseReport, outputs: tuple[str, ...] = ()) -> str:
    """The summary as JSON; with the course of the outputs that were asked for by name."""
    from rekindle.cli._version import version
    from rekindle.report import STANDING_NOTICE, STATE_NOTICE

    content: dict[str, Any] = {
        "rekindle": version(),
        "notice": STANDING_NOTICE,
        "states": STATE_NOTICE,
        "made": dict(report.facts),
        **({"compound": report.compound} if report.compound else {}),
        "summary": summary.to_dict(),
    }
    if outputs:
        content["course"] = {name: _band(report, name) for name in outputs}
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)


def write_files(request: Request, trajectory: Trajectory, report: CourseReport, folder: Path) -> list[Path]:
    """Write the report, the tables and the summary; return what was written, the page first."""
    from rekindle.report import trajectory_columns, write_course, write_table

    written = write_course(report, folder)
    written += write_table(_people_table(request, trajectory), folder / "people")
    units = {"time": trajectory.time_unit, **trajectory.units}
    frame = trajectory.to_frame()
    if request.regimen.compound:
        frame.insert(1, "compound", request.regimen.compound)
    written += write_table(frame, folder / "trajectories", units=units)
    descriptions = {name: output.description for name, output in request.model.outputs.items()}
    columns = trajectory_columns(trajectory, descriptions)
    if request.regimen.compound:
        columns["compound"] = request.regimen.compound
    written += write_table(columns, folder / "columns")
    summary = folder / "summary.json"
    summary.write_text(summary_json(report.summary, report) + "\n", encoding="utf-8")
    return [*written, summary]


def _people_table(request: Request, trajectory: Trajectory) -> pandas.DataFrame:
    """One row for each person: facts, peaks of what can be measured, and simulated ratings."""
    import pandas

    from rekindle.report import SCORE_DAYS

    people = request.group.people
    columns: dict[str, Any] = {
        "id": list(trajectory.ids),
        **({"compound": request.regimen.compound} if request.regimen.compound else {}),
        "weight_kg": [person.weight_kg for person in people],
        "age_years": [person.age_years for person in people],
        "sex": [person.sex for person in people],
    }
    for peak in peak_labels(request.model):
        columns[f"peak_{peak}_{_word(trajectory.units[peak])}"] = trajectory[peak].max(axis=1)
    if MOOD in trajectory.names:
        columns["madrs_at_entry_points"] = entry_scores(request)
        for day, scores in rated_scores(request, trajectory, SCORE_DAYS).items():
            columns[f"madrs_rated_day_{day:g}_points"] = scores
    return pandas.DataFrame(columns)


def _word(unit: str) -> str:
    """A unit as a part of a name.

    >>> _word("ng/mL")
    'ng_per_mL'
    """
    return unit.replace("/", "_per_")


def _band(report: CourseReport, name: str) -> dict[str, Any]:
    band = report.bands[name]
    return {
        "unit": band.unit,
        "measurable": band.measurable,
        "time_h": band.time_h.tolist(),
        "median": band.median.tolist(),
        "low": None if band.low is None else band.low.tolist(),
        "high": None if band.high is None else band.high.tolist(),
    }
