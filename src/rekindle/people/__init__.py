"""People: facts, variability, virtual populations, and cohorts read from data.

>>> Population(1, seed=1)[0] == Population(500, seed=1)[0]
True
"""

from typing import TYPE_CHECKING

from rekindle._on_demand import on_demand
from rekindle.people._compound_regimen import compound_regimen, read_treatment, refuse_unmeasured
from rekindle.people._draw import DrawnCrowd, Normals, draw_crowd, draw_effects, draw_parameters, draw_people
from rekindle.people._person import Person
from rekindle.people._random import STREAMS, Stream, person_key, random_generator
from rekindle.people._simulate import (
    course_model,
    output_times,
    refuse_uncovered,
    simulate_courses,
    simulate_people,
    treatment_model,
)
from rekindle.people._treatment import Course, Setting, refuse_idle_numbers, with_implied_switches
from rekindle.people._variability import RandomEffect, Variability, default_variability, read_variability

if TYPE_CHECKING:
    from rekindle.people._analog import AnalogProperty, analog, analog_properties
    from rekindle.people._analog_molecules import treated
    from rekindle.people._analog_optimum import ONSET_H, AnalogOptimum, least_dissociation
    from rekindle.people._analog_search import AnalogSearch, search_analogs, undominated, vary_one
    from rekindle.people._analog_uncertainty import uncertain_parameters
    from rekindle.people._candidate import CandidateComparison, CandidateRow, Readout, compare_candidate
    from rekindle.people._cohort import read_cohort
    from rekindle.people._compound import simulate_compound
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
    from rekindle.people._eligibility import (
        DECISION_NOTICE,
        Criterion,
        Eligibility,
        assess_eligibility,
        criteria,
    )
    from rekindle.people._equal_effect import DAY_1_H, DAY_7_H, Bench, Molecule, Readouts
    from rekindle.people._even_draw import draw_evenly
    from rekindle.people._person_file import PersonFacts, read_fact, read_person_facts
    from rekindle.people._person_notes import co_medication_notes, idle_fact_notes
    from rekindle.people._population import Population
    from rekindle.people._ranges import Range, person_ranges
    from rekindle.people._reduce_people import reduce_people
    from rekindle.people._resistance import FailedTreatment, Resistance, resistance
    from rekindle.people._uncertainty import ScoreUncertainty, score_uncertainty
else:
    __getattr__ = on_demand(
        __name__,
        {
            "_analog": "AnalogProperty, analog, analog_properties",
            "_analog_molecules": "treated",
            "_analog_optimum": "ONSET_H, AnalogOptimum, least_dissociation",
            "_analog_search": "AnalogSearch, search_analogs, undominated, vary_one",
            "_analog_uncertainty": "uncertain_parameters",
            "_candidate": "CandidateComparison, CandidateRow, Readout, compare_candidate",
            "_cohort": "read_cohort",
            "_compound": "simulate_compound",
            "_correlation": "Correlation",
            "_crossover": "CrossoverCohort, CrossoverPatient, Score, nimh_crossover, read_crossover",
            "_distributions": "CovariateDistributions, Distribution, default_distributions, "
            "read_distributions",
            "_eligibility": "DECISION_NOTICE, Criterion, Eligibility, assess_eligibility, criteria",
            "_equal_effect": "DAY_1_H, DAY_7_H, Bench, Molecule, Readouts",
            "_even_draw": "draw_evenly",
            "_person_file": "PersonFacts, read_fact, read_person_facts",
            "_person_notes": "co_medication_notes, idle_fact_notes",
            "_population": "Population",
            "_ranges": "Range, person_ranges",
            "_reduce_people": "reduce_people",
            "_resistance": "FailedTreatment, Resistance, resistance",
            "_uncertainty": "ScoreUncertainty, score_uncertainty",
        },
    )

__all__ = [
    "DAY_1_H",
    "DAY_7_H",
    "DECISION_NOTICE",
    "ONSET_H",
    "STREAMS",
    "AnalogOptimum",
    "AnalogProperty",
    "AnalogSearch",
    "Bench",
    "CandidateComparison",
    "CandidateRow",
    "Correlation",
    "Course",
    "CovariateDistributions",
    "Criterion",
    "CrossoverCohort",
    "CrossoverPatient",
    "Distribution",
    "DrawnCrowd",
    "Eligibility",
    "FailedTreatment",
    "Molecule",
    "Normals",
    "Person",
    "PersonFacts",
    "Population",
    "RandomEffect",
    "Range",
    "Readout",
    "Readouts",
    "Resistance",
    "Score",
    "ScoreUncertainty",
    "Setting",
    "Stream",
    "Variability",
    "analog",
    "analog_properties",
    "assess_eligibility",
    "co_medication_notes",
    "compare_candidate",
    "compound_regimen",
    "course_model",
    "criteria",
    "default_distributions",
    "default_variability",
    "draw_crowd",
    "draw_effects",
    "draw_evenly",
    "draw_parameters",
    "draw_people",
    "idle_fact_notes",
    "least_dissociation",
    "nimh_crossover",
    "output_times",
    "person_key",
    "person_ranges",
    "random_generator",
    "read_cohort",
    "read_crossover",
    "read_distributions",
    "read_fact",
    "read_person_facts",
    "read_treatment",
    "read_variability",
    "reduce_people",
    "refuse_idle_numbers",
    "refuse_uncovered",
    "refuse_unmeasured",
    "resistance",
    "score_uncertainty",
    "search_analogs",
    "simulate_compound",
    "simulate_courses",
    "simulate_people",
    "treated",
    "treatment_model",
    "uncertain_parameters",
    "undominated",
    "vary_one",
    "with_implied_switches",
]
