"""A plain-language page for a talk between a clinician and a patient: printable, with no dose in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rekindle.report._extras import require_extra
from rekindle.report._figure_patient import about, frequency_figure
from rekindle.report._page import PageFigure

if TYPE_CHECKING:
    from rekindle.regimen import Regimen
    from rekindle.trials import Outlook, Report

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
    "treatment": "With this\ntreatment and\na new tablet",
    "control": "With a dummy\ntreatment and\na new tablet",
}
_DAY_WORDS = {
    1: "After 1 day",
    7: "After 1 week",
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
    from rekindle.trials import spray_reports, trial_responses

    figure = _figure(outlook)
    product = outlook.regimen.product
    last = max(outlook.better["treatment"])
    html: str = _template().render(
        drug=outlook.regimen.drug,
        route=_ROUTE_WORDS[product.route],
        visits=len(outlook.regimen.sessions),
        weeks=_weeks(outlook.regimen),
        figure=figure,
        better=_words(outlook.better),
        well=_words(outlook.well),
        last=last,
        last_words=_DAY_WORDS[last].lower(),
        new_tablet=_starts_tablet(outlook),
        reports=[_report(one) for one in spray_reports()],
        is_spray=product.route == "nasal",
        real=next(
            (one for one in trial_responses() if (one.product, one.days) == (product.name, last)), None
        ),
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


def _figure(outlook: Outlook) -> PageFigure:
    days = list(outlook.better["treatment"])
    shown = [1, 7, days[-1]] if days[-1] > 7 else days
    columns = [_DAY_WORDS[day] for day in shown]
    words = _ARM_WORDS_NEW_TABLET if _starts_tablet(outlook) else _ARM_WORDS
    rows = [
        (arm, words[arm], {_DAY_WORDS[day]: shares.get(day) for day in shown})
        for arm, shares in outlook.better.items()
    ]
    alternative = " ".join(
        f"{arm_words} {column.lower()}: {about(share) if share is not None else 'not known'}.".replace(
            "\n", " "
        )
        for _, arm_words, shares in rows
        for column, share in shares.items()
    )
    return PageFigure(
        frequency_figure(rows, columns),
        "People of 100 who feel at least half as ill as before. " + alternative,
        "Each dot is one person. A coloured dot is a person whose depression is at least half gone.",
    )


def _known(share: float | None) -> str:
    return "not known" if share is None else about(share)


def _starts_tablet(outlook: Outlook) -> bool:
    from rekindle.trials import NEW_ANTIDEPRESSANT

    return outlook.control_class in NEW_ANTIDEPRESSANT


def _words(shares: Mapping[str, Mapping[int, float]]) -> dict[str, dict[int, str]]:
    return {arm: {day: about(share) for day, share in found.items()} for arm, found in shares.items()}


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
