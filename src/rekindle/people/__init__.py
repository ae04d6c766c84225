"""People: facts, variability, virtual populations, and cohorts read from data.

>>> Population(1, seed=1)[0] == Population(500, seed=1)[0]
True
"""

from rekindle.people._candidate import CandidateComparison, CandidateRow, Readout, compare_candidate
from rekindle.people._cohort import read_cohort
from rekindle.people._compound import compound_regimen, simulate_compound
from rekindle.people._correlation import Correlation
from rekindle.people._crossover import (
    CrossoverCohort,
    CrossoverPatient,
    Score,
    nimh_crossover,
    read_crossover,
)
from rekindle.people._distributions import (
    CovariateDistributions,
    Distribution,
    default_distributions,
    read_distributions,
)
from rekindle.people._draw import draw_effects, draw_parameters, draw_people
from rekindle.people._eligibility import (
    DECISION_NOTICE,
    Criterion,
    Eligibility,
    assess_eligibility,
    criteria,
)
from rekindle.people._person import Person
from rekindle.people._person_file import PersonFacts, read_person_facts
from rekindle.people._population import Population
from rekindle.people._random import STREAMS, Stream, person_key, random_generator
from rekindle.people._ranges import Range, person_ranges
from rekindle.people._resistance import FailedTreatment, Resistance, resistance
from rekindle.people._simulate import (
    output_times,
    refuse_uncovered,
    simulate_courses,
    simulate_people,
    treatment_model,
)
from rekindle.people._treatment import Course, Setting
from rekindle.people._variability import RandomEffect, Variability, default_variability, read_variability

__all__ = [
    "DECISION_NOTICE",
    "STREAMS",
    "CandidateComparison",
    "CandidateRow",
    "Correlation",
    "Course",
    "CovariateDistributions",
    "Criterion",
    "CrossoverCohort",
    "CrossoverPatient",
    "Distribution",
    "Eligibility",
    "FailedTreatment",
    "Person",
    "PersonFacts",
    "Population",
    "RandomEffect",
    "Range",
    "Readout",
    "Resistance",
    "Score",
    "Setting",
    "Stream",
    "Variability",
    "assess_eligibility",
    "compare_candidate",
    "compound_regimen",
    "criteria",
    "default_distributions",
    "default_variability",
    "draw_effects",
    "draw_parameters",
    "draw_people",
    "nimh_crossover",
    "output_times",
    "person_key",
    "person_ranges",
    "random_generator",
    "read_cohort",
    "read_crossover",
    "read_distributions",
    "read_person_facts",
    "read_variability",
    "refuse_uncovered",
    "resistance",
    "simulate_compound",
    "simulate_courses",
    "simulate_people",
    "treatment_model",
]
