"""Run replicates of a trial from screening to the last visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rekindle.therapy import ParameterSet, control_response
from rekindle.trials._design import CONTINUE, CROSS, Design, Phase
from rekindle.trials._enrolment import Participant, enrol, holds, site_offsets
from rekindle.trials._exposure import World, draw_course_parameters, expose
from rekindle.trials._randomisation import randomise
from rekindle.trials._study_difference import StudyDifference
from rekindle.trials._trial_data import TrialData
from rekindle.trials._version import Version
from rekindle.trials._walk import Note, Walk


def run_replicates(
    design: Design,
    replicates: Sequence[int],
    *,
    seed: int = 1,
    world: World | None = None,
    parameter_draws: Sequence[ParameterSet] = (),
    study_spread: Mapping[str, float] | None = None,
    number: int | None = None,
) -> list[TrialData]:
    """Run some replicates of a trial in one go; each depends on seed and its own number only.

    Args:
        design: the trial.
        replicates: their numbers.
        seed: seed of all random numbers.
        world: assumptions about drug and mind.
        parameter_draws: parameters that replace those of the calibration; replicate r takes draw r modulo
            their number.
        study_spread: kind -> SD by which studies differ beyond their design (``Calibration.study_spread``);
            every replicate is then a study of its own.
        number: people who enter, if not those of the design.

    Raises:
        RekindleError: a design whose eligibility nobody meets, or a course that cannot be simulated.

    >>> from rekindle.trials import shipped_design
    >>> data = run_replicates(shipped_design("esketamine_spray"), [0], number=4)[0]
    >>> len(data.people), sorted({one.arms["induction"] for one in data.people})
    (4, ['esketamine', 'placebo'])
    """
    version = Version(tuple(parameter_draws), study_spread or {})
    return run_versions(design, replicates, [version], seed=seed, world=world, number=number)[0]


def run_versions(
    design: Design,
    replicates: Sequence[int],
    versions: Sequence[Version],
    *,
    seed: int = 1,
    world: World | None = None,
    number: int | None = None,
) -> list[list[TrialData]]:
    """Run versions of some replicates in one go; what two versions have in common is simulated once.

    Returns:
        For each version the data of every replicate.
    """
    known = world or World()
    groups = [
        group
        for replicate in replicates
        for group in _groups(design, replicate, versions, seed, known, number)
    ]
    for phase in design.phases:
        walks = [(group, walk) for group in groups for walk in _entered(design, phase, group, seed)]
        pending = [walk for _, walk in walks]
        while pending:
            requests = {walk.key: walk.request() for walk in pending}
            readings = expose(design, known, [one for one in requests.values() if one.times])
            pending = [walk for walk in pending if not walk.advance(readings.get(walk.key, {}))]
        for group, walk in walks:
            group.notes += walk.notes
    by_place = [groups[place :: len(versions)] for place in range(len(versions))]
    return [[group.data() for group in found] for found in by_place]


@dataclass
class _Group:
    """People of one version of one replicate, and what was observed of them."""

    replicate: int
    version: int
    people: list[Participant]
    screened: int
    study: StudyDifference
    notes: list[Note]

    def data(self) -> TrialData:
        """The data set when all phases are over."""
        for one in self.people:
            if one.status == "on":
                one.status = "completed"
        return TrialData(
            self.replicate, tuple(self.people), tuple(_ordered(self.notes)), self.screened, self.study
        )


def _groups(
    design: Design,
    replicate: int,
    versions: Sequence[Version],
    seed: int,
    world: World,
    number: int | None,
) -> list[_Group]:
    """Everybody who enters, once for each version; versions with the same parameters share them."""
    entered, screened = enrol(design, seed, replicate, number)
    drawn: list[tuple[ParameterSet | None, list[Participant]]] = []
    found = []
    for place, version in enumerate(versions):
        own = version.parameters(replicate)
        people = [one.again() for one in next((known for used, known in drawn if used is own), entered)]
        if not any(used is own for used, _ in drawn):
            mine = world if own is None else replace(world, drawn=own)
            draw_course_parameters(design, mine, people, seed=seed, replicate=replicate)
            drawn.append((own, people))
        found.append(_Group(replicate, place, people, screened, version.study(seed, replicate), []))
    return found


def _ordered(notes: list[Note]) -> list[Note]:
    return sorted(notes, key=lambda note: (note.number, note.time_h))


def _entered(design: Design, phase: Phase, group: _Group, seed: int) -> list[Walk]:
    """Admit people to a phase, give them an arm, and start their walk."""
    first, replicate = phase is design.phases[0], group.replicate
    offsets = site_offsets(design, seed, replicate)
    staying: list[Participant] = []
    entering: list[Participant] = []
    for one in group.people:
        if one.status != "on":
            continue
        if first or _may_enter(phase, one):
            entering.append(one)
        elif phase.others == "continue":
            staying.append(one)
        else:
            one.status, one.reason = "not entered", f"not admitted to {phase.name}"
            one.left_h = design.start_h(phase.name)
    if phase.assign == CONTINUE:
        arms = [one.arm for one in entering]
    elif phase.assign == CROSS:
        turn = list(phase.allocation)
        arms = [turn[(turn.index(one.arm) + 1) % len(turn)] for one in entering]
    else:
        strata = [one.stratum for one in entering]
        arms = randomise(strata, phase.allocation, seed=seed, replicate=replicate, phase=phase.name)
    for one, arm in zip(entering, arms, strict=True):
        one.entered.add(phase.name)
        _begin(design, phase, one, arm, period=first or phase.assign == CROSS)
    for one in staying:
        _begin(design, phase, one, one.arm, period=False)
    return [
        Walk(design, phase, one, float(offsets[one.site - 1]), seed, replicate, group.study, group.version)
        for one in (*entering, *staying)
    ]


def _may_enter(phase: Phase, one: Participant) -> bool:
    if phase.only and one.arm not in phase.only:
        return False
    return all(
        holds(condition, one.history[condition.what], one.history[condition.what][0])
        for condition in phase.enter
    )


def _begin(design: Design, phase: Phase, one: Participant, name: str, *, period: bool) -> None:
    start, arm = design.start_h(phase.name), design.arms[name]
    changed = name != one.arm
    one.arm, one.arms[phase.name] = name, name
    if period:
        one.periods.append(start)
    if changed:
        one.dose, one.interval = None, 0.0
        one.changes.append((start, "ssri_dose_ratio", arm.antidepressant))
        one.changes.append((start, "training_rate", arm.training_hours_per_day / 24.0))
    one.changes.append((start, "believed_probability", belief(design, phase)))


def belief(design: Design, phase: Phase) -> float:
    """Probability of active treatment that people believe in: stated, or that of the control class.

    Without a blinded comparison in the phase everybody knows.
    """
    if phase.believed is not None:
        return phase.believed
    blinded = len(phase.allocation) > 1 or phase.assign == CROSS
    if design.control_class is None or not blinded:
        return 1.0
    return control_response(design.control_class).believed_probability
