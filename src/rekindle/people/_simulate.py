"""Simulate the therapy for one person, a cohort or a population."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekindle.engine import DEFAULT_TOLERANCE, Trajectory, solve
from rekindle.errors import ParameterError, RegimenError
from rekindle.people._compound_regimen import compound_regimen, read_treatment, refuse_unmeasured
from rekindle.people._course_tables import course_tables
from rekindle.people._person import Person
from rekindle.people._treatment import Course, Setting, refuse_idle_numbers, with_implied_switches
from rekindle.people._variability import Variability, default_variability
from rekindle.regimen import DRUGS, Regimen
from rekindle.therapy import coverage, pharmacokinetic_model, therapy_model

if TYPE_CHECKING:
    from rekindle.modelling import Model
    from rekindle.therapy import Compound

#: Hours of an hour-by-hour first day and a coarser course, used when no times are asked for.
_AFTER_LAST_SESSION_H = 14 * 24.0


def simulate_people(
    regimen: Regimen | str,
    people: Person | Iterable[Person],
    *,
    times: Iterable[float] | None = None,
    outputs: Sequence[str] | None = None,
    setting: Setting | None = None,
    compound: Compound | None = None,
    pharmacokinetics: str = "D1",
    mechanism: str = "disinhibition",
    switches: Mapping[str, str] | None = None,
    typical: bool | None = None,
    variability: Variability | None = None,
    parameters: Mapping[str, float] | None = None,
    allow_extrapolation: bool = False,
    seed: int = 1,
    trial: int = 0,
    tolerance: float = DEFAULT_TOLERANCE,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    estimate_error: bool = False,
    device: str = "auto",
) -> Trajectory:
    """Simulate a regimen from the dose to mood and safety.

    Args:
        regimen: a ``Regimen`` or its text, for example ``"ketamine 0.5 mg/kg iv over 40 min, weekly x 4"``;
            the drug of a text may be a compound of this package.
        people: one person, or any number of them.
        times: output times in h from the first dose; default ``output_times`` of the regimen.
        outputs: names of outputs; default all.
        setting: control class of the trial and what people believe; default none (drug and open label).
        compound: the compound that the regimen gives, if it is not ketamine (see ``read_treatment``).
        pharmacokinetics: "D1", or an alternative published set, which gives plasma only.
        mechanism: hypothesis that carries the mood effect.
        switches: further structural choices, for example ``{"mood": "double_well"}``; see
            ``rekindle model show``. What people take may set one by itself (naltrexone: ``opioid_gate``).
        typical: True gives everybody the typical parameters, False draws them; default True for one person.
        variability: random effects; default those of the therapy model.
        parameters: typical values that replace the model's own.
        allow_extrapolation: simulate doses that nobody studied; ``rekindle.therapy.coverage`` words them.
        seed: seed of all random numbers.
        trial: replicate; another replicate draws other parameters for the same people.
        tolerance: relative tolerance of the nonlinear solver.
        workers: threads or processes (see ``rekindle.engine.solve``); the numbers do not depend on it.
        checkpoint: folder in which finished people are kept until the run is complete.
        progress: called with (people done, people in all).
        estimate_error: run everybody a second time, more accurately, and give the difference as
            ``trajectory.solver.errors``; see ``rekindle.simulate``.
        device: "auto", "cpu" or "gpu"; see ``rekindle.simulate``.

    Raises:
        RekindleError: with what was given, what is allowed and what to do.

    >>> dose = "ketamine 0.5 mg/kg iv over 40 min"
    >>> one = simulate_people(dose, Person(1), times=[24], outputs=["madrs_latent"])
    >>> bool(20 < one["madrs_latent"][0, 0] < 26)
    True
    """
    if isinstance(regimen, str):
        if compound is None:
            regimen, compound = read_treatment(regimen)
        else:
            regimen = compound_regimen(compound, regimen)
    persons = [people] if isinstance(people, Person) else list(people)
    model = course_model(
        regimen,
        compound,
        persons,
        pharmacokinetics=pharmacokinetics,
        **{"mechanism": mechanism, **(switches or {})},
    )
    if not allow_extrapolation:
        refuse_uncovered(regimen, persons)
    refuse_idle_numbers(persons, parameters or {})
    if typical is None:
        typical = len(persons) == 1
    grid = list(times) if times is not None else output_times(regimen)
    return simulate_courses(
        {person: [Course(regimen)] for person in persons},
        times=grid,
        model=model,
        model_name=pharmacokinetics,
        setting=setting or Setting(),
        variability=None if typical else variability or known_variability(model, pharmacokinetics),
        outputs=outputs,
        parameters=parameters or {},
        seed=seed,
        trial=trial,
        tolerance=tolerance,
        workers=workers,
        checkpoint=checkpoint,
        progress=progress,
        estimate_error=estimate_error,
        device=device,
    )


def known_variability(model: Model, pharmacokinetics: str = "D1") -> Variability:
    """The variability that goes with a model: its spreads were fitted under the mechanism of the model."""
    mechanism = model.switches.get("mechanism")
    if mechanism is None:
        return default_variability(pharmacokinetics)
    return default_variability(pharmacokinetics, mechanism=mechanism.chosen)


def refuse_uncovered(regimen: Regimen, persons: Sequence[Person]) -> None:
    """Refuse doses that no evidence covers in one of these people.

    Raises:
        RegimenError: such a dose.

    >>> from rekindle.regimen import parse_regimen
    >>> refuse_uncovered(parse_regimen("ketamine 0.5 mg/kg iv over 40 min"), [Person(1)])
    """
    everybody = sorted(persons, key=lambda person: person.weight_kg)
    # A dose by weight leaves what was studied at one of its ends.
    if not any(coverage(regimen, person.weight_kg).refusals for person in (*everybody[:1], *everybody[-1:])):
        return
    for person in persons:
        refusals = coverage(regimen, person.weight_kg).refusals
        if refusals:
            raise RegimenError(
                "RK-REG-090",
                given=f"person {person.id}: {refusals[0]}",
                why="No evidence in this package covers such a dose",
                remedy="Correct the dose, or ask for extrapolation (allow_extrapolation=True, "
                "--extrapolate); results then carry this label",
            )


def simulate_courses(
    courses: Mapping[Person, Sequence[Course]],
    *,
    times: Iterable[float],
    model: Model,
    setting: Setting,
    variability: Variability | None,
    model_name: str = "D1",
    extra_rows: Sequence[Mapping[str, Any]] = (),
    outputs: Sequence[str] | None = None,
    parameters: Mapping[str, float] | None = None,
    seed: int = 1,
    trial: int | Mapping[str, int] = 0,
    tolerance: float = DEFAULT_TOLERANCE,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    estimate_error: bool = False,
    device: str = "auto",
) -> Trajectory:
    """Simulate people who each receive their own courses; see ``simulate_people`` for the arguments.

    ``extra_rows`` are further rows of an event table without ID, the same for everybody: an antidepressant
    (``ssri_records``), training, electroconvulsive sessions.
    """
    events, drawn = course_tables(
        courses,
        model=model,
        setting=setting,
        variability=variability,
        model_name=model_name,
        extra_rows=extra_rows,
        parameters=parameters,
        seed=seed,
        trial=trial,
    )
    return solve(
        model,
        events,
        parameters=drawn,
        times=times,
        outputs=outputs,
        tolerance=tolerance,
        workers=workers,
        checkpoint=checkpoint,
        progress=progress,
        estimate_error=estimate_error,
        device=device,
    )


def course_model(
    regimen: Regimen,
    compound: Compound | None,
    people: Iterable[Person],
    *,
    pharmacokinetics: str = "D1",
    **switches: str,
) -> Model:
    """The model in which a regimen can be given to these people.

    Raises:
        ParameterError: an incomplete compound, a regimen of another one, or a published set of ketamine.
        PersonError: people with interacting drugs that were never measured with the compound.

    >>> from rekindle.regimen import parse_regimen
    >>> course_model(parse_regimen("84 mg nasal"), None, [], mechanism="mixture").name
    'ketamine_therapy'
    """
    label = "" if compound is None else compound.label
    if regimen.compound != ("" if label in DRUGS else label):
        raise ParameterError(
            "RK-PAR-136",
            given=f"a regimen of {regimen.given}, simulated with {label or 'ketamine'}",
            allowed="The compound that the regimen was read with",
            why="Another molecule would be simulated than the one that is named",
            remedy="Give the compound as well: compound=",
        )
    persons = list(people)
    if pharmacokinetics == "D1":
        switches = with_implied_switches(persons, switches)
    if compound is None:
        return treatment_model(pharmacokinetics, **switches)
    if pharmacokinetics != "D1":
        raise ParameterError(
            "RK-PAR-137",
            given=f"{label} with the parameter set {pharmacokinetics}",
            allowed="D1, in which a compound has kinetics of its own",
            why="The other sets were published for ketamine alone",
        )
    from rekindle.therapy import compound_model

    refuse_unmeasured(compound, persons)
    return compound_model(compound, **switches)


def treatment_model(pharmacokinetics: str = "D1", mechanism: str = "disinhibition", **switches: str) -> Model:
    """The whole therapy on D1, or the plasma model of an alternative published set, which has no mechanism.

    Raises:
        ModelError: a switch or option that the model does not have.
    """
    if pharmacokinetics == "D1":
        return therapy_model(mechanism=mechanism, **switches)
    return pharmacokinetic_model(pharmacokinetics, **switches)


def output_times(regimen: Regimen, duration_h: float | None = None) -> list[float]:
    """Times that show a course well: fine around the first and last session, daily in between (h).

    >>> from rekindle.regimen import parse_regimen
    >>> times = output_times(parse_regimen("ketamine 0.5 mg/kg iv over 40 min, weekly x 3"))
    >>> times[0], times[-1]
    (0.0, 672.0)
    """
    starts = [session.time_h for session in regimen.sessions] or [0.0]
    end = duration_h if duration_h is not None else starts[-1] + _AFTER_LAST_SESSION_H
    fine = [minute / 60 for minute in range(0, 241, 5)] + [5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0]
    points = {start + after for start in (starts[0], starts[-1]) for after in fine}
    points |= {start + after for start in starts for after in (0.0, 40 / 60, 2.0)}
    points |= {24.0 * day for day in range(int(end // 24) + 1)} | {end}
    return sorted({round(point, 9) for point in points if 0.0 <= point <= end})
