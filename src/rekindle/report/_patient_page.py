"""A plain-language page for a talk between a clinician and a patient: printable, with no dose in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from itertools import product as product_of
from typing import TYPE_CHECKING, Any

from rekindle.report._extras import require_extra
from rekindle.report._figure_patient import Count, frequency_figure, of_100
from rekindle.report._page import PageFigure

if TYPE_CHECKING:
    from rekindle.regimen import Regimen
    from rekindle.trials import Outlook, Report, TrialResponse

#: Outcome -> arm -> day -> people of 100.
Counts = Mapping[str, Mapping[str, Mapping[int, Count]]]

_ROUTE_WORDS = {
    "iv": "a drip into a vein",
    "nasal": "a nose spray",
    "oral": "a drink or a tablet",
    "sl": "a tablet or film in the mouth",
    "im": "a shot into a muscle",
    "sc": "a shot under the skin",
    "rectal": "a dose into the bowel",
}
_ARM_WORDS = {
    "treatment": "With this\ntreatment",
    "control": "With a dummy\ntreatment",
    "antidepressant": "With a usual\ntablet (SSRI)",
}
#: The same where both arms start a new antidepressant.
_ARM_WORDS_NEW_TABLET = {
    "treatment": "With this\ntreatment and\na tablet",
    "control": "With a dummy\ntreatment and\na tablet",
}
_DAY_WORDS = {
    1: "After 1 day",
    2: "After 2 days",
    7: "After 1 week",
    10: "After 10 days",
    14: "After 2 weeks",
    21: "After 3 weeks",
    28: "After 4 weeks",
}
#: Reading grade that the page must not exceed (Flesch-Kincaid).
HIGHEST_GRADE = 8.0


@dataclass(frozen=True, slots=True)
class PatientPage:
    """The page and what it was made of."""

    html: str
    figure: PageFigure

    @property
    def text(self) -> str:
        """The words that a reader sees, one block a line."""
        return visible_text(self.html)

    @property
    def prose(self) -> str:
        """The sentences for the patient: without headings, tables and the footer."""
        lines = visible_text(self.html.split("<footer>")[0]).splitlines()
        return "\n".join(line for line in lines if line[-1] in ".?!" and len(line.split()) > 4)


def patient_page(outlook: Outlook) -> PatientPage:
    """Make the page of a planned supervised course.

    Raises:
        OutputError: the extra ``report`` is not installed.
    """
    from rekindle import __version__
    from rekindle.trials import responses_in_trials, spray_reports

    studies = responses_in_trials(outlook.regimen)
    counts = _counts(outlook, studies)
    figure = _figure(outlook, counts["response"])
    product = outlook.regimen.product
    last = max(outlook.better["treatment"])
    html: str = _template().render(
        drug=outlook.regimen.drug,
        route=_ROUTE_WORDS[product.route],
        visits=len(outlook.regimen.sessions),
        weeks=_weeks(outlook.regimen),
        figure=figure,
        better=counts["response"],
        well=counts["remission"],
        first_study=_study(studies, 1),
        last_study=_study(studies, last),
        other_studies=[
            (_DAY_WORDS[found.days], found.words, _range(found)) for found in _others(studies, last)
        ],
        sources=[found.source for found in studies],
        last=last,
        last_words=_DAY_WORDS[last].lower(),
        new_tablet=_starts_tablet(outlook),
        reports=[_report(one) for one in spray_reports()],
        has_model=any(
            counts[outcome][arm][day].from_model
            for outcome, arm, day in product_of(counts, ("treatment", "control"), (1, last))
            if outcome == "response" or day == last
        ),
        is_spray=product.route == "nasal",
        dissociation="more than half" if outlook.dissociated > 0.5 else "some",
        peak=5 * round(outlook.peak_min / 5),
        people=outlook.people,
        seed=outlook.seed,
        control_class=outlook.control_class,
        version=__version__,
    )
    return PatientPage(html, figure)


def reading_grade(text: str) -> float:
    """Flesch-Kincaid grade of a text: years of school needed to read it.

    Raises:
        OutputError: the extra ``reading`` is not installed.
    """
    require_extra("reading")
    import textstat

    return float(textstat.flesch_kincaid_grade(text))


def visible_text(html: str) -> str:
    """The words of a page, without markup, style and figure.

    >>> visible_text("<p>One <b>two</b>.</p><style>x</style><p>Three.</p>")
    'One two.\\nThree.'
    """
    reader = _Reader()
    reader.feed(html)
    lines = (" ".join("".join(block).split()) for block in reader.blocks)
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    _HIDDEN = ("style", "title", "head")
    _BLOCKS = ("p", "li", "h1", "h2", "td", "th", "figcaption", "div", "footer", "caption")

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[list[str]] = [[]]
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in self._HIDDEN
        if tag in self._BLOCKS:
            self.blocks.append([])

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in self._HIDDEN
        if tag in self._BLOCKS:
            self.blocks.append([])

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.blocks[-1].append(data)


def _counts(outlook: Outlook, studies: Sequence[TrialResponse]) -> Counts:
    """People of 100: those of studies where any speak, of the model elsewhere."""
    simulated = {"response": outlook.better, "remission": outlook.well}
    counts = {
        outcome: {arm: {day: _simulated(share) for day, share in days.items()} for arm, days in arms.items()}
        for outcome, arms in simulated.items()
    }
    for found in studies:
        arms = counts[found.outcome]
        if found.days in arms["treatment"]:
            arms["treatment"][found.days] = Count(found.drug_low, found.drug_high, from_model=False)
            arms["control"][found.days] = Count(found.control_low, found.control_high, from_model=False)
    return counts


def _simulated(share: float) -> Count:
    return Count(of_100(share), of_100(share), from_model=True)


def _study(studies: Sequence[TrialResponse], day: int) -> TrialResponse | None:
    return next((one for one in studies if (one.outcome, one.days) == ("response", day)), None)


def _others(studies: Sequence[TrialResponse], last: int) -> list[TrialResponse]:
    return [one for one in studies if one.outcome == "response" and one.days not in (1, last)]


def _range(found: TrialResponse) -> tuple[str, str]:
    return (
        Count(found.drug_low, found.drug_high, from_model=False).words,
        Count(found.control_low, found.control_high, from_model=False).words,
    )


def _figure(outlook: Outlook, better: Mapping[str, Mapping[int, Count]]) -> PageFigure:
    days = list(outlook.better["treatment"])
    shown = [1, 7, days[-1]] if days[-1] > 7 else days
    columns = [_DAY_WORDS[day] for day in shown]
    words = _ARM_WORDS_NEW_TABLET if _starts_tablet(outlook) else _ARM_WORDS
    rows = [
        (arm, words[arm], {_DAY_WORDS[day]: counts.get(day) for day in shown})
        for arm, counts in better.items()
    ]
    alternative = " ".join(
        f"{arm_words} {column.lower()}: {count.marked if count is not None else 'not known'}.".replace(
            "\n", " "
        )
        for _, arm_words, counts in rows
        for column, count in counts.items()
    )
    ranges = any(
        count is not None and count.low < count.high for _, _, counts in rows for count in counts.values()
    )
    return PageFigure(
        frequency_figure(rows, columns),
        "People of 100 whose depression is at least half gone. " + alternative,
        "Each dot is one person. A coloured dot is a person whose depression is at least half gone."
        + (" Pale dots: the studies did not agree." if ranges else ""),
    )


def _starts_tablet(outlook: Outlook) -> bool:
    from rekindle.trials import NEW_ANTIDEPRESSANT

    return outlook.control_class in NEW_ANTIDEPRESSANT


def _report(one: Report) -> tuple[str, int, int]:
    return one.words, round(one.drug), round(one.placebo)


def _weeks(regimen: Regimen) -> str:
    days = regimen.duration_h / 24.0
    weeks = max(1, -(-int(days + 1) // 7))
    return "one day" if days < 1 else "one week" if weeks == 1 else f"{weeks} weeks"


@cache
def _template() -> Any:
    require_extra("report")
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((files("rekindle.report") / "patient.html.j2").read_text("utf-8"))
