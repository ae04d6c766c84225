"""One arm of a clinical trial as a row describes it: who, what was given when, and under which design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rekindle.errors import nearest
from rekindle.evidence._data import assumption
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._schedule import DAILY_DRUGS, session_times
from rekindle.regimen import Dose, Regimen, Session, find_product
from rekindle.therapy import control_response, coverage

KETAMINES = ("ketamine", "esketamine", "arketamine")
CONTROLS = ("saline", "midazolam", "placebo_spray", "placebo_oral", "none")
SEROTONERGIC = ("ssri", "paroxetine")
DRUGS = (*KETAMINES, *CONTROLS, *SEROTONERGIC, "quetiapine", "ect")
#: Design without numbers of its own: a withdrawal trial is open label until it is randomised.
WITHDRAWAL = "withdrawal"
_ALLOCATION = 0.5


@dataclass(frozen=True)
class Phase:
    """A stretch of a trial: from ``start_h`` on, person i receives plan i modulo their number.

    ``believed`` is the probability of active treatment that people believe in.
    """

    start_h: float
    believed: float
    plans: tuple[Regimen, ...]


@dataclass(frozen=True)
class Setup:
    """Everything that the simulation of an arm depends on; rows with equal setups share one.

    ``antidepressant`` is the daily dose of a conventional one over its usual minimum dose. With
    ``session_pressure`` a session brings a rise of blood pressure of its own.
    """

    study_id: str
    control_class: str
    phases: tuple[Phase, ...]
    antidepressant: float = 0.0
    age_years: float | None = None
    female_pct: float | None = None
    weight_kg: float | None = None
    session_pressure: bool = False

    def control(self) -> Setup:
        """The control arm of the same trial: same people, design and sessions, nothing active.

        A run-in before the last phase is the same in both arms.
        """
        times = [session.time_h for session in self.phases[-1].plans[0].sessions]
        last = replace(self.phases[-1], plans=(inactive_plan(times),))
        return replace(self, phases=(*self.phases[:-1], last), antidepressant=0.0)

    def crowd_size(self, n_people: int) -> int:
        """People to simulate: as many as asked for, fewer in proportion for a course of many sessions."""
        share = assumption("unreduced_sessions") / max(len(self.session_starts), 1)
        return min(n_people, max(round(assumption("fewest_people")), round(share * n_people)))

    @property
    def session_starts(self) -> tuple[float, ...]:
        """Start of every session, h from the first dose."""
        return tuple(
            phase.start_h + session.time_h for phase in self.phases for session in phase.plans[0].sessions
        )


@dataclass(frozen=True)
class OutcomeArm:
    """Setup and size of the arm of a row, with remarks about what had to be assumed."""

    setup: Setup
    subjects: int
    active: bool
    remarks: tuple[str, ...] = ()


def read_outcome_arm(row: Row, *, acute: bool) -> OutcomeArm:
    """Read the arm of one row.

    Args:
        row: a row in the format of ``outcome_arms.csv``.
        acute: whether the outcome belongs to a session, so that a single session stands for an arm that
            states no schedule.

    Raises:
        EvidenceError, RegimenError, ParameterError: why this arm cannot be simulated.
    """
    drug, design = row.word("drug"), course_class(row)
    if drug not in DRUGS:
        raise not_simulated(
            f'line {row.number}: drug is "{row.text("drug")}"{nearest(drug, DRUGS)}',
            allowed=", ".join(DRUGS),
        )
    if drug in ("quetiapine", "ect"):
        raise not_simulated(f"line {row.number}: the model has no numbers for {drug}")
    remarks: list[str] = []
    phases = _withdrawal_phases(row) if design == WITHDRAWAL else None
    if phases is None:
        believed = control_response(design).believed_probability
        phases = (Phase(0.0, believed, _plans(row, drug, acute, remarks)),)
    else:
        remarks.append(
            "run-in simulated: people with a response at its end go on; placebo then means the same sessions "
            f"without drug, believed to be active with probability {_ALLOCATION:g}"
        )
    setup = Setup(
        row.text("study_id"),
        "open_label" if design == WITHDRAWAL else design,
        phases,
        _antidepressant(row, drug, remarks),
        row.positive("age_mean"),
        row.number_of("female_pct", low=0.0),
        row.positive("weight_kg"),
    )
    remarks += [f"extrapolation: {label}" for label in _labels(setup)]
    return OutcomeArm(setup, _subjects(row, remarks), drug in KETAMINES, tuple(remarks))


def course_class(row: Row) -> str:
    """Control class of a row as natural courses are known.

    Open-label tablets have a course of their own: such patients have not been through failed treatments, as
    those have who come for ketamine.

    >>> course_class(Row(2, {"control_class": "open_label", "drug": "paroxetine"}))
    'open_label_tablets'
    """
    stated = row.word("control_class")
    return "open_label_tablets" if stated == "open_label" and row.word("drug") in DAILY_DRUGS else stated


def _subjects(row: Row, remarks: list[str]) -> int:
    size = row.positive("n_at_time", whole=True) or row.positive("n", whole=True)
    if size is None:
        size = assumption("subjects")
        remarks.append(f"subjects assumed {size:g}")
    if size > assumption("largest_arm"):
        remarks.append(f"interval for {assumption('largest_arm'):g} subjects")
    return int(min(size, assumption("largest_arm")))


def _plans(row: Row, drug: str, acute: bool, remarks: list[str]) -> tuple[Regimen, ...]:
    """Regimens of the arm, one for each level of a flexible dose."""
    if drug == "none":
        return (Regimen.of(drug="none"),)
    times = session_times(row, acute=acute, remarks=remarks)
    if drug not in KETAMINES:
        if drug == "midazolam":
            remarks.append("midazolam acts through the cue of its control class only")
        return (inactive_plan(times),)
    sizes = _sizes(row, remarks)
    if row.word("route") == "nasal" and drug != "esketamine":
        raise not_simulated(
            f"line {row.number}: nasal {drug}",
            allowed="The esketamine device",
            why="No product with its bioavailability is known for another spray",
        )
    first = notes.first_dose(row)
    if first is not None:
        remarks.append(f"first session {first:g} mg, as the notes assume")
    return tuple(_plan(row, drug, times, size, first) for size in sizes)


def _sizes(row: Row, remarks: list[str]) -> list[tuple[float, str, float | None]]:
    """Amount, unit and duration (h) of the dose; several for a flexible one."""
    minutes = row.positive("infusion_min")
    hours = None if minutes is None else minutes / 60.0
    amount, unit, levels = row.positive("dose"), row.word("dose_unit"), notes.dose_levels(row)
    if amount is not None:
        if unit not in ("mg", "mg/kg"):
            raise not_simulated(
                f'line {row.number}: dose_unit is "{row.text("dose_unit")}"', allowed="mg or mg/kg"
            )
        return [(amount, unit, hours)]
    if levels:
        words = ", ".join(f"{level:g}" for level in levels)
        remarks.append(f"flexible dose: people divided evenly over {words} mg (assumed)")
        return [(level, "mg", hours) for level in levels]
    usual = notes.usual_dose(row)
    if usual is None:
        raise not_simulated(f"line {row.number}: no dose is stated", remedy="Fill dose and dose_unit")
    remarks.append(f"dose of most trials of the pool for all: {usual[0]:g} mg/kg over {60 * usual[1]:g} min")
    return [(usual[0], "mg/kg", usual[1])]


def _plan(
    row: Row,
    drug: str,
    times: Sequence[float],
    size: tuple[float, str, float | None],
    first: float | None,
) -> Regimen:
    amount, unit, hours = size
    product = find_product(row.word("route"))
    if product.needs_duration and hours is None:
        raise not_simulated(f"line {row.number}: no infusion time is stated", remedy="Fill infusion_min")
    duration = hours if product.needs_duration else None
    doses = [Dose(amount, "mg/kg" if unit == "mg/kg" else "mg", duration)]
    continued = notes.continued_infusion(row)
    if continued is not None and duration is not None:
        rate, end = continued
        doses.append(Dose(rate * (end - duration), "mg/kg", end - duration, duration))
    sessions = [Session(time, tuple(doses)) for time in times]
    if first is not None and len(sessions) > 1:
        sessions[0] = Session(times[0], (Dose(first, "mg", duration),))
    return Regimen.of(drug=drug, product=product, sessions=sessions)


def inactive_plan(times: Sequence[float]) -> Regimen:
    """Sessions without an active substance, whatever their form."""
    empty = (Dose(0.0, "mg", assumption("reference_infusion") / 60.0),)
    if not times:
        return Regimen.of(drug="none")
    return Regimen.of(drug="saline", product="iv_infusion", sessions=[Session(time, empty) for time in times])


def _withdrawal_phases(row: Row) -> tuple[Phase, ...]:
    """Open run-in and randomised stretch of a withdrawal trial."""
    found, amount = notes.run_in(row), row.positive("dose")
    if found is None or amount is None or row.word("drug") not in KETAMINES:
        raise not_simulated(
            f"line {row.number}: the run-in of this withdrawal trial is not described",
            allowed='Notes such as "twice weekly for 12 weeks, after 5 daily open-label doses of 120 mg"',
            why="People are selected by their response to it",
        )
    drug, product = row.word("drug"), find_product(row.word("route"))
    before = [Session(24.0 * day, (Dose(found.dose_mg, "mg"),)) for day in range(found.doses)]
    start = 168.0 * -(-found.doses // 7)
    gaps = (0.0, 72.0)[: found.sessions_a_week]
    after = [
        Session(168.0 * week + gap, (Dose(amount, "mg"),)) for week in range(found.weeks) for gap in gaps
    ]
    return (
        Phase(0.0, 1.0, (Regimen.of(drug=drug, product=product, sessions=before),)),
        Phase(start, _ALLOCATION, (Regimen.of(drug=drug, product=product, sessions=after),)),
    )


def _antidepressant(row: Row, drug: str, remarks: list[str]) -> float:
    """Daily dose of a conventional antidepressant that the arm starts, over the usual minimum dose.

    One that both arms start is part of the natural course of its control class.
    """
    return dose_ratio(row, drug, remarks) if drug in SEROTONERGIC else 0.0


def dose_ratio(row: Row, drug: str, remarks: list[str]) -> float:
    """Daily dose of a conventional antidepressant over its usual minimum dose, assumed if none is stated."""
    dose = row.positive("dose")
    if drug == "paroxetine" and dose is not None and row.word("dose_unit") == "mg/day":
        return dose / assumption("paroxetine_minimum_dose")
    ratio = assumption("serotonergic_dose_ratio")
    remarks.append(f"daily dose assumed {ratio:g} times the usual minimum dose")
    return ratio


def _labels(setup: Setup) -> list[str]:
    found: dict[str, None] = {}
    for phase in setup.phases:
        for plan in phase.plans:
            found |= dict.fromkeys(coverage(plan, setup.weight_kg or assumption("weight")).labels)
    return [label for label in found if "more than the" not in label]
