"""A trial as a trialist writes it down: arms, phases, visits, rules, people, and what is analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rekindle.regimen import Regimen

#: How people come to the arm of a phase.
RANDOMISE, CONTINUE, CROSS = "randomise", "continue", "cross"
#: Between the names of two arms that are compared, and in place of a name for all of them.
AGAINST, EVERYBODY = " - ", "all"
#: What changes of a score count from.
ENTRY, PHASE = "entry", "phase"
#: What becomes of scores after a rescue.
OBSERVED, MISSING = "observed", "missing"
#: Control classes without a blinded control.
WITHOUT_CONTROL = ("open_label", "open_label_tablets")
#: Tests of a condition, with their words.
TESTS = {
    "at_least": ">=",
    "at_most": "<=",
    "above": ">",
    "below": "<",
    "fall_at_least_pct": "fall of at least",
    "fall_below_pct": "fall of less than",
}
#: Readings after a session that a condition may use, with the unit of their limit.
READINGS = {"cadss": "points", "systolic_rise": "mmHg", "diastolic_rise": "mmHg", "moaas": "points"}


@dataclass(frozen=True, slots=True)
class Arm:
    """What one group receives.

    Attributes:
        name: short name, used in allocation and in every table.
        treatment: words of the design.
        session: one session of an active drug; None for sessions without an active substance.
        sessions: whether it has sessions at all.
        control: whether other arms are compared with it.
        antidepressant: daily dose of an antidepressant started with the arm, over its usual minimum dose.
        training_hours_per_day: training or psychotherapy, hours a day while the person is in the arm.
    """

    name: str
    treatment: str
    session: Regimen | None
    sessions: bool = True
    control: bool = False
    antidepressant: float = 0.0
    training_hours_per_day: float = 0.0

    @property
    def active(self) -> bool:
        """Whether its sessions hold an active substance of the ketamine model."""
        return self.session is not None


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that has been observed: a score, a reading of the last session, or a report in it.

    ``what`` is a scale, a reading (``READINGS``) or ``report``; ``limit`` is in points, mmHg or per cent, or
    the name of an adverse event ("any" for one of them). ``consecutive`` visits in a row must meet it.
    """

    what: str
    test: str
    limit: float = 0.0
    event: str = ""
    consecutive: int = 1

    @property
    def label(self) -> str:
        """In words.

        >>> Condition("MADRS", "at_least", 22, consecutive=2).label
        'MADRS >= 22 at 2 visits in a row'
        """
        if self.what == "report":
            return f"report of {self.event}"
        unit = " %" if self.test.endswith("pct") else ""
        row = f" at {self.consecutive} visits in a row" if self.consecutive > 1 else ""
        return f"{self.what} {TESTS[self.test]} {self.limit:g}{unit}{row}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A decision at visits from what has been observed so far: if all conditions hold, then the action.

    Attributes:
        name: words for the data set.
        conditions: all must hold; none means always.
        action: leave, stop, dose, skip, interval or antidepressant.
        value: reason, dose (mg), days or dose ratio that the action needs.
        days: days of the phase on which it is asked; empty for every visit and session.
        phases: phases in which it applies; empty for all.
        arms: arms in which it applies; empty for all.
        chance: probability that it acts when the conditions hold.
        weekly: whether ``chance`` is a probability per week instead of one per occasion.
        once: whether it acts at most once in a person.
        rescue: whether the person counts as rescued from then on.
    """

    name: str
    conditions: tuple[Condition, ...]
    action: str
    value: float | str = 0.0
    days: tuple[float, ...] = ()
    phases: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    chance: float = 1.0
    weekly: bool = False
    once: bool = False
    rescue: bool = False

    def applies(self, phase: str, arm: str, day: float) -> bool:
        """Whether it is asked in this phase and arm on this day."""
        return (
            (not self.phases or phase in self.phases)
            and (not self.arms or arm in self.arms)
            and (not self.days or any(abs(day - one) < 1e-6 for one in self.days))
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """Scales rated on a day of a phase; the visit is made up to ``window`` days earlier or later."""

    day: float
    scales: tuple[str, ...]
    window: float = 0.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the trial.

    Attributes:
        name: its name.
        days: its length.
        assign: ``randomise``, ``continue`` (the arm of before) or ``cross`` (the next arm in turn).
        allocation: arm -> share, for ``randomise``; the arms in turn for ``cross``.
        sessions: days of the phase with a session.
        visits: assessments.
        believed: believed probability of active treatment; None takes that of the control class.
        enter: conditions on the last scores of the phase before; who does not meet them does not enter.
        only: arms of the phase before whose people may enter; empty for all.
        others: what happens to the rest: ``leave`` or ``continue`` in their arm.
    """

    name: str
    days: float
    assign: str
    allocation: Mapping[str, float]
    sessions: tuple[float, ...]
    visits: tuple[Visit, ...]
    believed: float | None = None
    enter: tuple[Condition, ...] = ()
    only: tuple[str, ...] = ()
    others: str = "leave"


@dataclass(frozen=True, slots=True)
class MoodScale:
    """Severity on one scale in everybody who is screened, and how it is rated.

    ``mean`` and ``sd`` are those of the observed scores of people who are screened. A score looks back over
    ``recall_days``; 0 is the state at the visit.
    """

    name: str
    mean: float
    sd: float
    error: float
    recall_days: float = 0.0


@dataclass(frozen=True, slots=True)
class Eligibility:
    """A score that people must have to enter, rated at screening, at baseline or at both."""

    condition: Condition
    at: tuple[str, ...] = ("baseline",)


@dataclass(frozen=True, slots=True)
class Sites:
    """Number of sites and the SD (points) by which their raters differ in the mean."""

    number: int = 1
    offset_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Acute:
    """Readings after the start of every session: minutes, and the SD of the error of a pressure change."""

    minutes: tuple[float, ...]
    systolic_error: float
    diastolic_error: float


@dataclass(frozen=True, slots=True)
class Primary:
    """The result that decides whether a trial is positive.

    ``looks`` are interim analyses: after this share of the people the trial stops if p is below this alpha
    in favour of the active arm. ``alpha`` is then the level that is left for the last analysis.
    """

    analysis: str
    scale: str
    phase: str
    day: float
    arms: tuple[str, str]
    alpha: float = 0.05
    looks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Design:
    """A whole trial; see ``read_design``.

    Attributes:
        title: one line.
        source: name of the file, for messages.
        number: people who enter.
        control_class: design class of the non-specific response.
        facts: fields of ``Population``'s fixed people, and means that move its distributions.
        scales: mood scales, the primary one first.
        strata, subgroups: ``site``, ``sex`` or thresholds at baseline.
        rules: decisions from what was observed.
        dropout: reasons for leaving, which compete with each other.
        response, remission, relapse: definitions on their scales.
        session_rise: whether a session raises blood pressure by itself.
        change_from: what changes and falls count from in analyses: ``entry`` into the trial, or the score at
            the start of the compared ``phase``.
        after_rescue: whether scores after a rescue count as ``observed`` or as ``missing``.
    """

    title: str
    source: str
    number: int
    control_class: str | None
    arms: Mapping[str, Arm]
    phases: tuple[Phase, ...]
    scales: Mapping[str, MoodScale]
    facts: Mapping[str, float] = field(default_factory=dict)
    eligibility: tuple[Eligibility, ...] = ()
    sites: Sites = Sites()
    strata: tuple[str | Condition, ...] = ()
    subgroups: tuple[str | Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    dropout: tuple[Rule, ...] = ()
    acute: Acute | None = None
    missed_sessions: float = 0.0
    missed_visits: float = 0.0
    response: Condition | None = None
    remission: Condition | None = None
    relapse: Condition | None = None
    relapse_phase: str = ""
    primary: Primary | None = None
    session_rise: bool = False
    change_from: str = ENTRY
    after_rescue: str = OBSERVED
    notes: tuple[str, ...] = ()

    def phase(self, name: str) -> Phase:
        """The phase with this name."""
        return next(phase for phase in self.phases if phase.name == name)

    @property
    def leave_reasons(self) -> tuple[str, ...]:
        """Reasons for which somebody may leave, those of dropout first."""
        rules = (rule for rule in (*self.dropout, *self.rules) if rule.action == "leave")
        return tuple(dict.fromkeys(str(rule.value) for rule in rules))

    def start_h(self, name: str) -> float:
        """Planned start of a phase, h from the first day of the trial."""
        hours = 0.0
        for phase in self.phases:
            if phase.name == name:
                break
            hours += 24.0 * phase.days
        return hours

    @property
    def scale(self) -> str:
        """The primary scale."""
        return next(iter(self.scales))

    @property
    def changes_from_start(self) -> bool:
        """Whether changes are 0 on day 0 of the compared phase."""
        return self.change_from == PHASE or (self.compared or self.phases[-1]) is self.phases[0]

    @property
    def compared(self) -> Phase | None:
        """The last phase in which people are randomised to, or cross between, two or more arms."""
        found = [phase for phase in self.phases if phase.assign != CONTINUE and len(phase.allocation) > 1]
        return found[-1] if found else None
