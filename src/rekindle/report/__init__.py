"""Figures, tables and pages of results: readable, deterministic, and honest about what was never measured.

Figures are matplotlib figures without global state; the same input gives the same bytes. Pages are single
HTML files that need nothing from anywhere.

>>> render_page(Page("Title", ["In short."], [Section("Part", ["Words."])])).count(STANDING_NOTICE)
2
"""

from rekindle.report._bands import BAND_LEVEL, Band, band_of, trajectory_bands
from rekindle.report._candidate_page import (
    CANDIDATE_REMARKS,
    candidate_figures,
    candidate_page,
    candidate_records,
    candidate_tables,
    write_candidate,
)
from rekindle.report._comparison_page import (
    REMARKS,
    comparison_figures,
    comparison_page,
    comparison_records,
    difference_rows,
    outcome_rows,
    setting_words,
    write_comparison,
)
from rekindle.report._course import CourseReport, course_figures, course_page, write_course
from rekindle.report._crossover import ArmChange, PatientPanel, PatientVisit
from rekindle.report._crossover_page import (
    arm_changes,
    crossover_figures,
    crossover_page,
    crossover_tables,
    patient_panels,
    write_crossover,
)
from rekindle.report._extras import require_extra
from rekindle.report._figure_patient import about, frequency_figure, of_100
from rekindle.report._figures_acute import acute_figure
from rekindle.report._figures_comparison import (
    Bar,
    comparison_bars_figure,
    comparison_mood_figure,
)
from rekindle.report._figures_crossover import arm_change_figure, patients_figure
from rekindle.report._figures_mood import mood_figure
from rekindle.report._figures_plasma import plasma_figure
from rekindle.report._figures_states import block_figure, state_figure
from rekindle.report._figures_trial import power_figure, trial_figure
from rekindle.report._format import duration, interval, number, percent
from rekindle.report._page import STANDING_NOTICE, Page, PageFigure, PageTable, Section, render_page
from rekindle.report._patient_page import (
    HIGHEST_GRADE,
    PatientPage,
    patient_page,
    reading_grade,
    visible_text,
)
from rekindle.report._saving import figure_bytes
from rekindle.report._style import (
    INK,
    LINE_COLOURS,
    OBSERVED,
    QUIET,
    STATE_NOTICE,
    arm_colour,
    label_lines,
    mark_as_state,
    new_figure,
    styled,
)
from rekindle.report._summary import (
    SCORE_DAYS,
    CourseSummary,
    Estimate,
    Peak,
    ScoreAtDay,
    estimate,
    find_peaks,
    scores_by_day,
)
from rekindle.report._tables import trajectory_columns, write_table
from rekindle.report._terminal import print_summary, print_table
from rekindle.report._trial_page import trial_figures, trial_page, write_power, write_trial
from rekindle.report._trial_tables import primary_sentences, reported_table, variation_table
from rekindle.report._trial_words import (
    day_words,
    interval_words,
    p_words,
    version_words,
    with_unit,
    worth_a_line,
)
from rekindle.report.evidence import (
    EvidenceReport,
    evidence_figures,
    evidence_page,
    fact_tables,
    write_evidence,
)

__all__ = [
    "BAND_LEVEL",
    "CANDIDATE_REMARKS",
    "HIGHEST_GRADE",
    "INK",
    "LINE_COLOURS",
    "OBSERVED",
    "QUIET",
    "REMARKS",
    "SCORE_DAYS",
    "STANDING_NOTICE",
    "STATE_NOTICE",
    "ArmChange",
    "Band",
    "Bar",
    "CourseReport",
    "CourseSummary",
    "Estimate",
    "EvidenceReport",
    "Page",
    "PageFigure",
    "PageTable",
    "PatientPage",
    "PatientPanel",
    "PatientVisit",
    "Peak",
    "ScoreAtDay",
    "Section",
    "about",
    "acute_figure",
    "arm_change_figure",
    "arm_changes",
    "arm_colour",
    "band_of",
    "block_figure",
    "candidate_figures",
    "candidate_page",
    "candidate_records",
    "candidate_tables",
    "comparison_bars_figure",
    "comparison_figures",
    "comparison_mood_figure",
    "comparison_page",
    "comparison_records",
    "course_figures",
    "course_page",
    "crossover_figures",
    "crossover_page",
    "crossover_tables",
    "day_words",
    "difference_rows",
    "duration",
    "estimate",
    "evidence_figures",
    "evidence_page",
    "fact_tables",
    "figure_bytes",
    "find_peaks",
    "frequency_figure",
    "interval",
    "interval_words",
    "label_lines",
    "mark_as_state",
    "mood_figure",
    "new_figure",
    "number",
    "of_100",
    "outcome_rows",
    "p_words",
    "patient_page",
    "patient_panels",
    "patients_figure",
    "percent",
    "plasma_figure",
    "power_figure",
    "primary_sentences",
    "print_summary",
    "print_table",
    "reading_grade",
    "render_page",
    "reported_table",
    "require_extra",
    "scores_by_day",
    "setting_words",
    "state_figure",
    "styled",
    "trajectory_bands",
    "trajectory_columns",
    "trial_figure",
    "trial_figures",
    "trial_page",
    "variation_table",
    "version_words",
    "visible_text",
    "with_unit",
    "worth_a_line",
    "write_candidate",
    "write_comparison",
    "write_course",
    "write_crossover",
    "write_evidence",
    "write_power",
    "write_table",
    "write_trial",
]
