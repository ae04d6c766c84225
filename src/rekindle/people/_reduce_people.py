"""Simulate a population of any size in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.engine import DEFAULT_TOLERANCE, Chunk, Reduced, Reducer, simulate_stream
from rekindle.errors import PersonError
from rekindle.people._compound_regimen import compound_regimen, read_treatment
from rekindle.people._course_tables import course_tables
from rekindle.people._population import Population
from rekindle.people._simulate import course_model, known_variability, output_times, refuse_uncovered
from rekindle.people._treatment import Course, Setting, refuse_idle_numbers
from rekindle.people._variability import Variability
from rekindle.regimen import Regimen
from rekindle.therapy import Compound

if TYPE_CHECKING:
    from rekindle.modelling import Model

#: People made and simulated at a time: a multiple of the engine's own groups, so that a person's numbers are
#: those of the same population simulated at once.
PIECE = 960


@dataclass(frozen=True)
class PopulationChunks:
    """A population in pieces of events and drawn parameters, each made when it is asked for."""

    population: Population
    regimen: Regimen
    model: Model
    model_name: str
    setting: Setting
    variability: Variability | None
    parameters: Mapping[str, float]
    seed: int
    trial: int
    covered_only: bool
    size: int

    def __len__(self) -> int:
        return -(-len(self.population) // self.size)

    def __getitem__(self, number: int) -> Chunk:
        start = range(len(self))[number] * self.size
        people = self.population[start : start + self.size]
        if self.covered_only:
            refuse_uncovered(self.regimen, people)
        return Chunk(
            *course_tables(
                {person: [Course(self.regimen)] for person in people},
                model=self.model,
                setting=self.setting,
                variability=self.variability,
                model_name=self.model_name,
                parameters=self.parameters,
                seed=self.seed,
                trial=self.trial,
            )
        )


def reduce_people(
    regimen: Regimen | str,
    population: Population,
    reducers: Mapping[str, Reducer],
    *,
    times: Iterable[float] | None = None,
    setting: Setting | None = None,
    compound: Compound | None = None,
    pharmacokinetics: str = "D1",
    mechanism: str = "disinhibition",
    switches: Mapping[str, str] | None = None,
    variability: Variability | None = None,
    parameters: Mapping[str, float] | None = None,
    allow_extrapolation: bool = False,
    seed: int = 1,
    trial: int = 0,
    tolerance: float = DEFAULT_TOLERANCE,
    workers: int = 1,
    cluster: str | None = None,
    checkpoint: str | Path | None = None,
    parquet: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Reduced:
    """Simulate a regimen in a population and keep only what the reducers ask for.

    People are drawn, simulated and reduced 960 at a time, so that memory does not grow with their number;
    their numbers are those of ``simulate_people`` with the same seed.

    Args:
        regimen: a ``Regimen`` or its text, see ``simulate_people``.
        population: the people.
        reducers: name -> what is wanted (``rekindle.engine``: Quantiles, MeanCourse, Peak, PeakTime, Area,
            TimeAbove, TimeBelow, FirstPassage, Value, Response, AtMost).
        times: output times in h from the first dose; default ``output_times`` of the regimen.
        setting, compound, pharmacokinetics, mechanism, switches, variability, parameters: see
            ``simulate_people``.
        allow_extrapolation: simulate doses that nobody studied.
        seed: seed of the parameters.
        trial: replicate of the parameters.
        tolerance: relative tolerance of the nonlinear solver.
        workers: processes; the numbers do not depend on it.
        cluster: address of a Dask scheduler, which is then used instead.
        checkpoint: folder from which the same call resumes after an interruption.
        parquet: folder for the measures of every person.
        progress: called with (people done, people in all).

    Raises:
        RekindleError: with what was given, what is allowed and what to do.

    >>> from rekindle.engine import AtMost
    >>> dose, well = "ketamine 0.5 mg/kg iv over 40 min", AtMost("madrs_latent", at=24, level=10)
    >>> found = reduce_people(dose, Population(48, seed=1), {"remission": well}, times=[0, 24])
    >>> found.people, 0 <= found["remission"].mean < 0.6
    (48, True)
    """
    if isinstance(regimen, str):
        if compound is None:
            regimen, compound = read_treatment(regimen)
        else:
            regimen = compound_regimen(compound, regimen)
    if not len(population):
        raise PersonError("RK-PER-020", given="population of 0 people", allowed="At least one person")
    # People of a population take the same drugs, so that the first stands for all.
    first = population[:1]
    model = course_model(
        regimen,
        compound,
        first,
        pharmacokinetics=pharmacokinetics,
        **{"mechanism": mechanism, **(switches or {})},
    )
    refuse_idle_numbers(first, parameters or {})
    setting = setting or Setting()
    known = variability or known_variability(model, pharmacokinetics)
    chunks = PopulationChunks(
        population,
        regimen,
        model,
        pharmacokinetics,
        setting,
        known,
        dict(parameters or {}),
        seed,
        trial,
        not allow_extrapolation,
        PIECE,
    )
    total = len(population)
    return simulate_stream(
        model,
        chunks,
        reducers,
        times=output_times(regimen) if times is None else times,
        tolerance=tolerance,
        workers=workers,
        cluster=cluster,
        checkpoint=checkpoint,
        parquet=parquet,
        progress=progress and (lambda done, _: progress(min(done * PIECE, total), total)),
    )
