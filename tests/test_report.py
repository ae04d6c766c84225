"""Figures, tables and pages: nothing clipped or overlapping, nothing fetched, the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from rekindle.errors import OutputError
from rekindle.report import (
    STANDING_NOTICE,
    STATE_NOTICE,
    ArmChange,
    Band,
    CourseReport,
    CourseSummary,
    Page,
    PageFigure,
    PageTable,
    PatientPanel,
    PatientVisit,
    Peak,
    ScoreAtDay,
    Section,
    acute_figure,
    arm_change_figure,
    arm_colour,
    band_of,
    block_figure,
    course_figures,
    course_page,
    estimate,
    figure_bytes,
    find_peaks,
    mood_figure,
    number,
    patients_figure,
    plasma_figure,
    render_page,
    require_extra,
    scores_by_day,
    state_figure,
    trajectory_bands,
    trajectory_columns,
    write_course,
    write_table,
)
from rekindle.report._figure_flow import flow_figure
from rekindle.report._figures_trial import (
    estimates_figure,
    power_figure,
    share_figure,
    survival_figure,
    trial_figure,
)
from rekindle.report._style import ARM_COLOURS, LINE_COLOURS, _spread_out
from rekindle.trials import Estimate, Flow, FlowStep, PowerRow, ResultRow

SMALLEST_FONT = 9.0
HOURS = np.linspace(0.0, 24.0, 145)
DAYS = np.arange(0.0, 28 * 24.0 + 1, 12.0)


def rise_and_fall(size: float, speed: float, time: np.ndarray = HOURS, people: int = 40) -> np.ndarray:
    spread = np.exp(np.linspace(-0.5, 0.5, people))[:, None]
    return size * spread * (np.exp(-time / speed) - np.exp(-3.0 * time / speed))


def hours_band(
    name: str, label: str, unit: str, size: float, speed: float, *, measurable: bool = True
) -> Band:
    values = rise_and_fall(size, speed)
    return band_of(values, HOURS, name=name, unit=unit, label=label, measurable=measurable)


def mood_band(size: float) -> Band:
    values = 33.0 - rise_and_fall(size, 200.0, DAYS)
    return band_of(values, DAYS, name="madrs_latent", unit="points", label="MADRS")


def plasma_bands() -> list[Band]:
    return [
        hours_band("ketamine_venous", "ketamine", "ng/mL", 300, 1.5),
        hours_band("norketamine", "norketamine", "ng/mL", 150, 4),
        hours_band("hnk", "hydroxynorketamine", "ng/mL", 100, 8),
    ]


def acute_bands(size: float) -> list[Band]:
    return [
        hours_band("cadss", "Dissociation (CADSS)", "points", 60 * size, 1.0),
        hours_band("systolic_change", "Systolic pressure over baseline", "mmHg", 20 * size, 1.2),
    ]


def state_bands(names: tuple[str, ...]) -> list[Band]:
    return [
        hours_band(name, name, "1", 1.0, 3.0 + place, measurable=False) for place, name in enumerate(names)
    ]


def panels() -> list[PatientPanel]:
    found = []
    for place in range(7):
        order = ("ketamine", "saline") if place % 2 else ("saline", "ketamine")
        visits = [
            PatientVisit(
                14.0 * period + day, f"{arm} day {day}", None if place == 3 else 20.0 + place, 25, 15, 33
            )
            for period, arm in enumerate(order)
            for day in (2, 10)
        ]
        infusions = [(14.0 * period, arm) for period, arm in enumerate(order)]
        found.append(PatientPanel(f"sub-MOA{101 + place}", infusions, visits, mood_band(20), 34.0))
    return found


def changes() -> list[ArmChange]:
    return [
        ArmChange(arm, f"day {day}", 12, observed, observed - 5, observed + 5, observed - 1, -12, 1)
        for arm, day, observed in (("ketamine", 2, -7.4), ("ketamine", 10, -3.5), ("saline", 2, -2.5))
    ]


def trial_rows(
    outcome: str, last: float, arms: tuple[str, ...] = ("esketamine", "placebo")
) -> list[ResultRow]:
    return [
        ResultRow(outcome, day, arm, "points", last * day / 28 * share, last * day / 28 * share - 3,
                  last * day / 28 * share + 3, 9.0, 0.4, 12, 30.0)
        for arm, share in zip(arms, (1.0, 0.85, 0.8), strict=False)
        for day in (1.0, 7.0, 14.0, 21.0, 28.0)
    ]  # fmt: skip


def flow() -> Flow:
    left = {"adverse event": 2, "lack of effect": 11, "lost to follow-up": 1}
    steps = [
        FlowStep("induction", arm, (), 60, 59, left, {"blood pressure": 1}, 3, 5, 41)
        for arm in ("esketamine", "placebo", "ketamine and psychotherapy")
    ]
    steps += [
        FlowStep("maintenance", "esketamine", ("esketamine",), 41, 41, {}, {}, 0, 0, 41),
        FlowStep("maintenance", "placebo", ("placebo", "esketamine"), 41, 41, {"relapse": 12}, {}, 0, 0, 29),
    ]
    return Flow(412, 180, tuple(steps))


def trial_estimates() -> list[tuple[Estimate, bool]]:
    ends = [place / 3 for place in range(30)]
    return [(Estimate(end - 4.0, 2.0, end - 8.0, end, 0.04, 60), end < 3.0) for end in ends]


def power_rows() -> list[PowerRow]:
    return [
        PowerRow(size, effect, unblinding, drawn, drawn, share, 0.05, share - 0.08, share + 0.08, -4.0, 0, 40)
        for effect, share in ((0.0, 0.1), (0.5, 0.5), (1.0, 0.9))
        for unblinding in (True, False)
        for drawn in (True, False)
        for size in (10, 20)
    ]


FIGURES: dict[str, Callable[[], Figure]] = {
    "trial": lambda: trial_figure(trial_rows("MADRS change, observed cases", -20.0), "MADRS"),
    "trial with three arms": lambda: trial_figure(
        trial_rows("MADRS change, observed cases", -20.0, ("a", "b", "c")), "MADRS"
    ),
    "shares": lambda: share_figure([(name, trial_rows(name, 60.0)) for name in ("Response", "Remission")]),
    "survival": lambda: survival_figure(trial_rows("without relapse", 80.0), "without relapse, %"),
    "estimates": lambda: estimates_figure(trial_estimates(), "difference of MADRS, points"),
    "ratios": lambda: estimates_figure(trial_estimates(), "hazard ratio of relapse", ratios=True),
    "power": lambda: power_figure(power_rows()),
    "flow": lambda: flow_figure(flow()),
    "plasma": lambda: plasma_figure(plasma_bands()),
    "acute": lambda: acute_figure({"esketamine": acute_bands(1.0)}),
    "acute of two arms": lambda: acute_figure({"ketamine": acute_bands(1.0), "saline": acute_bands(0.05)}),
    "mood": lambda: mood_figure({"esketamine": mood_band(25)}, sessions_h=[0, 72, 168]),
    "mood of two arms": lambda: mood_figure(
        {"ketamine": mood_band(25), "saline": mood_band(24)}, points={"saline": [(7.0, 27.0, 24.0, 30.0)]}
    ),
    "block": lambda: block_figure(state_bands(("interneurons", "pyramidal cells", "tonic current"))),
    "states": lambda: state_figure(state_bands(("Fast potentiation", "Rescued synapses", "Expectancy"))),
    "patients": lambda: patients_figure(panels()),
    "changes": lambda: arm_change_figure(changes()),
}


def shown_texts(figure: Figure) -> list[Text]:
    """Texts that are really drawn; axes also keep labels of ticks beyond their limits."""
    drawn: dict[Text, None] = {}
    original = Text.draw

    def draw(text: Text, renderer: object) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn[text] = None
        original(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        FigureCanvasAgg(figure).draw()
    return list(drawn)


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_small_clipped_or_over_another(name: str) -> None:
    figure = FIGURES[name]()
    texts = shown_texts(figure)
    assert len(texts) > 5
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert text.get_fontsize() >= SMALLEST_FONT, text
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, box), (two, other) in combinations(zip(texts, boxes, strict=True), 2):
        assert not box.padded(-1.0).overlaps(other.padded(-1.0)), (one, two)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_gives_the_same_bytes_twice(name: str) -> None:
    first, second = (figure_bytes(FIGURES[name](), "svg") for _ in range(2))
    assert first == second
    assert b"<dc:date>" not in first


@pytest.mark.parametrize("name", ["block", "states"])
def test_figures_of_states_say_that_nobody_measured_them(name: str) -> None:
    assert STATE_NOTICE in {text.get_text() for text in shown_texts(FIGURES[name]())}


def test_no_figure_leaves_settings_behind() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    FIGURES["mood"]()
    assert dict(matplotlib.rcParams) == before


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("colour", sorted({*ARM_COLOURS.values(), *LINE_COLOURS}))
def test_every_colour_can_be_read_on_white(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5, "labels are written in this colour"


def test_an_arm_has_one_colour_and_esketamine_is_not_ketamine() -> None:
    assert arm_colour("Ketamine 0.5 mg/kg") == ARM_COLOURS["ketamine"]
    assert arm_colour("esketamine 84 mg") == ARM_COLOURS["esketamine"]
    assert len(set(ARM_COLOURS.values())) == len(ARM_COLOURS)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_labels_are_moved_apart_and_stay_in_order(heights: list[float]) -> None:
    gap = 0.05
    placed = _spread_out(sorted(heights), gap)
    assert all(above - below >= gap - 1e-12 for below, above in pairwise(placed))
    assert max(placed) <= 1.0 + 1e-12
    apart = sorted(heights)
    if all(above - below >= gap for below, above in pairwise(apart)):
        assert placed == pytest.approx(apart), "labels that do not collide stay where they are"


@given(st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-4))
def test_a_number_keeps_three_digits(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=0.0051)


@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 1000))
def test_a_band_holds_its_median_and_its_share(people: int, times: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(people, times))
    band = band_of(values, np.arange(times, dtype=float), name="x", unit="1")
    assert band.low is not None
    assert band.high is not None
    assert (band.low <= band.median).all()
    assert (band.median <= band.high).all()
    inside = ((values >= band.low) & (values <= band.high)).mean(axis=0)
    assert (inside >= 0.9 - 2 / people).all()


def test_one_person_has_no_interval() -> None:
    band = band_of(np.array([[1.0, 2.0]]), np.array([0.0, 1.0]), name="x", unit="1")
    assert band.low is None
    assert band.high is None
    assert band.median.tolist() == [1.0, 2.0]


@pytest.fixture(scope="module")
def trajectory():  # type: ignore[no-untyped-def]
    from rekindle.engine import EventTable, solve
    from rekindle.modelling import read_model

    model = read_model(
        "model m\ntime [h]\nparameter k [1/h] = 0.1\nstate A [mg]\nd/dt(A) = -k*A\n"
        'output amount [mg] = A "amount"\nhypothesis output hidden [1] = A/(A + 50[mg]) "hidden"\n'
        "output constant [1] = 2"
    )
    rows = [{"ID": n, "TIME": 6, "EVID": 1, "AMT": 100.0 * n, "CMT": "A"} for n in (1, 2, 3)]
    return solve(model, EventTable.from_rows(rows, model), times=[0.0, 6.0, 12.0, 24.0])


def test_peaks_are_of_each_person_and_count_from_their_session(trajectory) -> None:  # type: ignore[no-untyped-def]
    (peak,) = find_peaks(trajectory, {"amount": "amount", "constant": "never changes"})
    assert peak.size.value == 200.0
    assert peak.time.value == 6.0
    (peak,) = find_peaks(trajectory, {"amount": "amount"}, sessions_h=[0.0, 4.0])
    assert peak.time.value == 2.0


def test_scores_are_given_on_simulated_days_only(trajectory) -> None:  # type: ignore[no-untyped-def]
    (score,) = scores_by_day(trajectory, "amount", shares={1.0: {"response": 0.5}}, days=(1, 2))
    assert score.day == 1
    assert score.score.value == pytest.approx(200 * np.exp(-1.8))
    assert score.shares == {"response": 0.5}


def test_bands_keep_what_can_be_measured(trajectory) -> None:  # type: ignore[no-untyped-def]
    bands = trajectory_bands(trajectory)
    assert bands["amount"].measurable
    assert not bands["hidden"].measurable
    status = trajectory_columns(trajectory).set_index("column")["status"]
    assert status["hidden [1]"] == STATE_NOTICE
    assert status["amount [mg]"] == "observable"


def test_tables_say_the_same_in_both_formats_with_units(tmp_path: Path, trajectory) -> None:  # type: ignore[no-untyped-def]
    units = {"time": "h", "amount": "mg"}
    csv, parquet = write_table(trajectory.to_frame(), tmp_path / "deep" / "table", units=units)
    first, second = pandas.read_csv(csv, dtype={"id": str}), pandas.read_parquet(parquet)
    assert list(first.columns) == ["id", "time [h]", "amount [mg]", "hidden", "constant"]
    pandas.testing.assert_frame_equal(first, second, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize(
    ("extra", "module"), [("report", "matplotlib"), ("parquet", "pyarrow"), ("sbml", "libsbml")]
)
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, extra: str, module: str) -> None:
    import importlib.util

    from rekindle.report import _extras

    real = importlib.util.find_spec
    monkeypatch.setattr(_extras, "find_spec", lambda name: None if name == module else real(name))
    with pytest.raises(OutputError, match=re.escape(f"pip install 'rekindle[{extra}]'")) as caught:
        require_extra(extra)
    assert module in str(caught.value)


def course_report(people: int = 40) -> CourseReport:
    acute = estimate(np.linspace(10, 40, people), "points")
    summary = CourseSummary(
        title="esketamine 84 mg <nasal> & more",
        what=["40 virtual people."],
        people=people,
        peaks=[Peak("cadss", "dissociation", acute, estimate(np.full(people, 0.6), "h"))],
        scores=[
            ScoreAtDay(1, estimate(np.linspace(10, 30, people), "points"), {"remission (MADRS <= 10)": 0.1})
        ],
        states=[Peak("synapses", "synapses", acute, acute, measurable=False)],
        notes=["extrapolation: body weight"],
    )
    everything = [*plasma_bands(), *acute_bands(1.0), mood_band(20)]
    states = ("interneuron_block", "pyramidal_block", "potentiation", "synapses")
    bands = {band.name: band for band in [*everything, *state_bands(states)]}
    return CourseReport(summary, bands, "esketamine", [0.0, 72.0], [("Seed", "1")])


def test_a_page_needs_nothing_from_anywhere() -> None:
    report = course_report()
    text = render_page(course_page(report, course_figures(report)))
    linked = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)|@import", text)
    assert linked
    assert all(source.startswith(("data:image/svg+xml;base64,", "#")) for source, _ in linked)
    assert "<script" not in text
    assert text.startswith('<!doctype html>\n<html lang="en">')


def test_a_page_is_honest_and_accessible() -> None:
    report = course_report()
    text = render_page(course_page(report, course_figures(report)))
    assert text.count(STANDING_NOTICE) == 2
    assert "<nasal>" not in text, "texts of the user are never markup"
    assert "esketamine 84 mg &lt;nasal&gt; &amp; more" in text
    images = re.findall(r'<img [^>]*alt="([^"]*)"', text)
    assert len(images) == text.count("<img ") == 5
    assert all(len(words) > 40 for words in images)
    assert text.count("<table>") == text.count("<caption>") == 3
    assert [int(level) for level in re.findall(r"<h(\d)", text)] == [1, 2, 2, 2, 3, 2, 2]
    assert "remission (MADRS &lt;= 10)" in text
    states = text.index(STATE_NOTICE)
    assert text.index("synapses</th>") > states
    assert text.index("NMDA receptor block in three pools") > states


def test_a_page_without_states_has_no_heading_for_them() -> None:
    page = Page("t", [], [Section("Part", tables=[PageTable("c", ("a", "b"), [("1", "2")])])])
    assert STATE_NOTICE not in render_page(page)


def test_a_figure_of_a_page_is_drawn_once(tmp_path: Path) -> None:
    figure = PageFigure(FIGURES["mood"](), "words", "caption")
    paths = figure.save(tmp_path / "mood")
    assert [path.name for path in paths] == ["mood.png", "mood.svg"]
    assert paths[1].read_bytes() == figure.svg
    assert paths[0].read_bytes().startswith(b"\x89PNG")


def test_a_course_is_written_whole(tmp_path: Path) -> None:
    written = write_course(course_report(), tmp_path)
    assert written[0] == tmp_path / "report.html"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}
    table = pandas.read_csv(tmp_path / "course.csv")
    assert set(table.columns) == {"output", "unit", "status", "time_h", "median", "low", "high"}
    assert set(table[table["output"] == "synapses"]["status"]) == {STATE_NOTICE}
    assert set(table[table["output"] == "cadss"]["status"]) == {"observable"}
