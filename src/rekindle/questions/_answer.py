"""The answer to a question: sentences, figures, numbers, and what was published beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from rekindle.questions._inquiry import Inquiry
from rekindle.questions._published import Beside, agreement, beside
from rekindle.questions._quantity import Quantity
from rekindle.questions._question import Question, find_question
from rekindle.report import PageFigure, PageTable

_BRACKETS = (
    "In brackets: 90 % of what draws of the uncertain parameters give; not varied: the same at every draw."
)
_BEYOND = "Intervals are those of the draws and need not hold the number at the most probable parameters."
Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Findings:
    """What the module of a question finds.

    Attributes:
        sentences: the answer in plain words, made from the numbers.
        quantities: key -> number.
        figures: file name -> figure.
        courses: file name -> rows of a tidy table, for files.
        tables: further tables of the page.
        notes: what belongs to every number.
        effort: how much was simulated, in words and numbers; empty for people and parameter draws.
    """

    sentences: Sequence[str]
    quantities: Mapping[str, Quantity]
    figures: Mapping[str, PageFigure]
    courses: Mapping[str, Rows] = field(default_factory=dict)
    tables: Sequence[PageTable] = ()
    notes: Sequence[str] = ()
    effort: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Answer:
    """A question with everything that was found, published numbers included."""

    question: Question
    inquiry: Inquiry
    findings: Findings
    published: tuple[Beside, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer in plain words, and how far published numbers agree with it."""
        spread = _BRACKETS if self.inquiry.parameter_draws() else ""
        beyond = _BEYOND if any(_beyond(one) for one in self.quantities.values()) else ""
        told = " ".join(part for part in (spread, beyond, agreement(self.published)) if part)
        return (*self.findings.sentences, *([told] if told else []))

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """Simulated numbers by key."""
        return self.findings.quantities


def _beyond(one: Quantity) -> bool:
    low, high = one.parameters
    return one.varied and (one.value <= low or one.value >= high)


def answer_question(
    which: int | str,
    *,
    people: int | None = None,
    seed: int = 1,
    workers: int = 1,
    draws: int | None = None,
    mechanism: str = "disinhibition",
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """Answer one of the ten questions.

    Args:
        which: number or name of the question.
        people: virtual people; default 200.
        seed: seed of all random numbers.
        workers: processes; the numbers do not depend on it.
        draws: parameter sets drawn from the calibration for the second interval; default 16, 0 for none.
        mechanism: hypothesis that carries the mood effect.
        progress: called with (per cent done, 100).

    Raises:
        ParameterError: an unknown question, or fewer than two people.
        OutputError: the extra ``report`` is not installed.

    >>> answer_question(1, people=4, draws=0).quantities["half_time_ketamine"].unit
    'h'
    """
    question = find_question(which)
    default = Inquiry()
    inquiry = Inquiry(
        people=default.people if people is None else people,
        seed=seed,
        workers=workers,
        draws=default.draws if draws is None else draws,
        mechanism=mechanism,
        progress=progress,
    )
    findings: Findings = import_module(f"rekindle.questions._{question.name}").answer(inquiry)
    published = tuple(beside(question.published, findings.quantities, inquiry))
    inquiry.tell(1.0)
    return Answer(question, inquiry, findings, published)
