"""The report of the replayed crossover trial: from what the replay found to figures, tables and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rekindle.report._bands import Band, band_of, trajectory_bands
from rekindle.report._course import ACUTE_LABELS, BLOCK_LABELS, INFUSION_LABELS
from rekindle.report._crossover import ArmChange, PatientPanel, PatientVisit
from rekindle.report._figures_acute import acute_figure
from rekindle.report._figures_crossover import arm_change_figure, patients_figure
from rekindle.report._figures_mood import mood_figure
from rekindle.report._format import interval, number, percent
from rekindle.report._page import Page, PageFigure, PageTable, Section

if TYPE_CHECKING:
    import pandas

    from rekindle.trials import CrossoverReplay, PatientReplay, SummaryRow

_COLUMNS = ("arm and visit", "n", "observed", "predicted", "90 % of trials", "inside", "naive")


def patient_panels(replay: CrossoverReplay) -> list[PatientPanel]:
    """One panel for each simulated patient."""
    return [_panel(patient) for patient in replay.patients]


def arm_changes(replay: CrossoverReplay, scale: str = "MADRS") -> list[ArmChange]:
    """Mean changes by arm and visit; the observed interval is the 95 % confidence interval of a mean."""
    from scipy.stats import t

    rows = [row for row in replay.summary if row.scale == scale]
    spread = {(row.arm, row.day): row.observed for row in rows if row.quantity == "SD of change"}
    changes = []
    for row in rows:
        if row.quantity == "mean change":
            half = float(t.ppf(0.975, row.n - 1)) * spread[row.arm, row.day] / row.n**0.5
            observed = (row.observed, row.observed - half, row.observed + half)
            changes.append(
                ArmChange(row.arm, f"day {row.day}", row.n, *observed, row.predicted, row.low, row.high)
            )
    return sorted(changes, key=lambda change: (change.arm, int(change.visit.split()[1])))


def crossover_figures(replay: CrossoverReplay) -> dict[str, PageFigure]:
    """All figures of the replay, by file name."""
    from rekindle.report._figures_states import block_figure

    changes = arm_changes(replay)
    panels = patient_panels(replay)
    acute = {
        arm: trajectory_bands(found, list(ACUTE_LABELS), labels=ACUTE_LABELS)
        for arm, found in replay.acute.items()
    }
    plasma = trajectory_bands(replay.acute["ketamine"], list(INFUSION_LABELS), labels=INFUSION_LABELS)
    block = trajectory_bands(replay.acute["ketamine"], list(_blocks(replay)), labels=BLOCK_LABELS)
    return {
        "arm_changes": PageFigure(
            arm_change_figure(changes),
            "Mean change of MADRS by arm and visit. " + " ".join(_change_words(change) for change in changes),
            "Mean change of MADRS from baseline: observed in the real patients, "
            "and predicted by simulated trials of the same size.",
        ),
        "patients": PageFigure(
            patients_figure(panels),
            f"Small multiples of {len(panels)} patients: observed MADRS at each visit over predictions. "
            f"{percent(replay.coverage[0])} of {replay.coverage[1]} scores lie inside their 90 % interval.",
            "Every patient: observed scores over the predicted band (rating error included). "
            "Panels are ordered by first infusion; coloured lines mark the infusions.",
        ),
        "mood": PageFigure(
            mood_figure(
                _mood(replay), sessions_h=[0.0], threshold=None, label="improvement, % of baseline", top=None
            ),
            "Predicted improvement without rating error over two weeks, ketamine and saline.",
            "Improvement without rating error after one infusion, in the simulated patients. Line: median; "
            "band: 90 % of people.",
        ),
        "plasma": PageFigure(
            acute_figure({"ketamine": list(plasma.values())}),
            "Ketamine in venous and arterial plasma in the first four hours after the start of the infusion.",
            "Ketamine (S + R) in plasma during and after 0.5 mg/kg over 40 min. Line: median; "
            "band: 90 % of people.",
        ),
        "acute": PageFigure(
            acute_figure({arm: [bands[name] for name in ACUTE_LABELS] for arm, bands in acute.items()}),
            "Dissociation and blood pressure in the first four hours, ketamine and saline.",
            "The first four hours. The trial's files hold no such measurements to compare with.",
        ),
        "receptor_block": PageFigure(
            block_figure(list(block.values()), window_h=4.0),
            "NMDA receptor block after ketamine, a model state that was not measured.",
            "NMDA receptor block after ketamine. Model state, not measured.",
        ),
    }


def crossover_page(replay: CrossoverReplay, figures: dict[str, PageFigure]) -> Page:
    """The page of the replay."""
    share, count = replay.coverage
    inside = sum(row.inside for row in replay.summary)
    lead = [
        f"{len(replay.patients)} real patients of a double-blind crossover of one ketamine and one saline "
        f"infusion, simulated {replay.replicates} times with their own age, sex, body mass index, baseline "
        "and infusion order.",
        f"{percent(share)} of {count} observed MADRS scores lie inside their own 90 % prediction interval. "
        f"{inside} of {len(replay.summary)} summary numbers lie inside theirs.",
        "Naive is the prediction that nobody changes but for rating error.",
        "These patients helped to set the control arm of the model: agreement is no independent evidence.",
    ]
    errors = PageTable(
        "Root-mean-square error of single MADRS scores, points",
        ("predictor", "error"),
        [(name, number(value)) for name, value in replay.error.items()],
    )
    left_out = [f"{patient}: {why}." for patient, why in replay.left_out.items()]
    sections = [
        Section("Arms", figures=[figures["arm_changes"]], tables=crossover_tables(replay)),
        Section("Patients", figures=[figures["patients"]], tables=[errors]),
        Section("Course of mood", figures=[figures["mood"]]),
        Section("During the infusion", figures=[figures["plasma"], figures["acute"]]),
        Section("Inside the model", figures=[figures["receptor_block"]], state=True),
        Section("The other scale", tables=crossover_tables(replay, "HAM-D17")),
        Section("Assumptions", [*replay.assumptions, *(f"Left out: {text}" for text in left_out)]),
    ]
    facts = (
        ("Replicates", str(replay.replicates)),
        ("Seed", str(replay.seed)),
        ("Mechanism", replay.mechanism),
    )
    return Page("Replay: ketamine and saline crossover (NIMH, ds005917)", lead, sections, facts)


def crossover_tables(replay: CrossoverReplay, scale: str = "MADRS") -> list[PageTable]:
    """Observed beside predicted, one table for each kind of quantity of a scale."""
    kinds: dict[str, list[SummaryRow]] = {}
    for row in replay.summary:
        if row.scale == scale:
            kinds.setdefault(f"{scale}: {_kind(row.quantity)}, {row.unit}", []).append(row)
    return [PageTable(title, _COLUMNS, [_cells(row) for row in rows]) for title, rows in kinds.items()]


def write_crossover(replay: CrossoverReplay, folder: Path) -> list[Path]:
    """Write tables, figures and the page of a replay; return what was written, the page first."""
    import pandas

    from rekindle.report._page import render_page
    from rekindle.report._tables import write_table

    folder.mkdir(parents=True, exist_ok=True)
    figures = crossover_figures(replay)
    summary = pandas.DataFrame([{**asdict(row), "inside": row.inside} for row in replay.summary])
    written = [*write_table(summary, folder / "summary"), *write_table(_visits(replay), folder / "patients")]
    written += [path for name, figure in figures.items() for path in figure.save(folder / name)]
    page = folder / "report.html"
    page.write_text(render_page(crossover_page(replay, figures)), encoding="utf-8")
    return [page, *written]


def _panel(patient: PatientReplay) -> PatientPanel:
    starts = dict(zip(patient.infusions, patient.starts_h, strict=True))
    visits = []
    for (arm, day), scores in patient.visits.items():
        low, middle, high = np.quantile(scores, (0.05, 0.5, 0.95)).tolist()
        observed = patient.observed.get((arm, day))
        visits.append(PatientVisit(starts[arm] / 24 + day, f"{arm} day {day}", observed, middle, low, high))
    band = Band("madrs", "MADRS", "points", patient.times_h, patient.median, patient.low, patient.high)
    infusions = [(start / 24, arm) for arm, start in starts.items()]
    return PatientPanel(
        patient.id, infusions, sorted(visits, key=lambda visit: visit.day), band, patient.baseline
    )


def _visits(replay: CrossoverReplay) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame(
        [
            {
                "patient": panel.id,
                "first_infusion": panel.infusions[0][1],
                "baseline": panel.baseline,
                **asdict(visit),
            }
            for panel in patient_panels(replay)
            for visit in panel.visits
        ]
    )


def _mood(replay: CrossoverReplay) -> dict[str, Band]:
    bands = {}
    for arm, found in replay.mood.items():
        assert found.grid is not None
        bands[arm] = band_of(100 * found["improvement_share"], found.grid, name="improvement", unit="%")
    return bands


def _blocks(replay: CrossoverReplay) -> Sequence[str]:
    return [name for name in BLOCK_LABELS if name in replay.acute["ketamine"].names]


def _change_words(change: ArmChange) -> str:
    predicted = f"{number(change.predicted)} ({interval(change.predicted_low, change.predicted_high)})"
    return f"{change.arm}, {change.visit}: observed {number(change.observed)}, predicted {predicted}."


def _kind(quantity: str) -> str:
    """Differences within patients stand in the table of changes, because they are read together."""
    return {"mean paired difference": "mean change", "SD of paired difference": "SD of change"}.get(
        quantity, quantity
    )


def _cells(row: SummaryRow) -> list[str]:
    places = 0 if row.unit == "%" else 1
    shown = [f"{value:.{places}f}" for value in (row.observed, row.predicted, row.low, row.high)]
    inside = "yes" if row.inside else "no"
    naive = f"{row.naive:.{places}f}"
    visit = f"{row.arm}, day {row.day}"
    return [visit, str(row.n), shown[0], shown[1], f"{shown[2]} to {shown[3]}", inside, naive]
