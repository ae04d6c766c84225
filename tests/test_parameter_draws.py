"""Fitted and pharmacokinetic parameters are drawn together; kinetics move ketamine and no other compound."""

from dataclasses import replace

import numpy as np
import pytest

from rekindle.errors import ParameterError
from rekindle.people import Person, Setting, compound_regimen
from rekindle.people._uncertainty import _scores
from rekindle.questions._inquiry import Arm, Crowd, Inquiry
from rekindle.regimen import parse_regimen
from rekindle.therapy import (
    ParameterSet,
    calibration,
    find_compound,
    parameter_draws,
    pharmacokinetic_model,
    therapy_model,
)
from rekindle.trials import Treatment, World, run_replicates, shipped_design

MECHANISM = "disinhibition"
#: A typical person who clears ketamine ten times more slowly.
SLOW = ParameterSet(pharmacokinetics={"CLint": 0.1 * pharmacokinetic_model("D1").parameters["CLint"].value})


def test_fitted_parameters_are_those_of_the_posterior_and_kinetics_come_on_top():
    together = parameter_draws(MECHANISM, 3, np.random.default_rng(5))
    fitted = calibration(MECHANISM).draws(3, np.random.default_rng(5))
    assert [one.values for one in together] == [one.values for one in fitted]
    assert [one.control for one in together] == [one.control for one in fitted]
    kinetics = [one.pharmacokinetics for one in together]
    assert kinetics[0] != kinetics[1]
    assert all(set(one) <= set(therapy_model().parameters) for one in kinetics)
    assert not any(set(one.values) & set(one.pharmacokinetics) for one in together)


def test_a_mechanism_without_calibration_is_refused():
    with pytest.raises(ParameterError, match="RK-PAR-180"):
        parameter_draws("mixture", 1, np.random.default_rng(1))


PEOPLE = [Person(number) for number in range(1, 4)]


def score(regimen, compound, drawn):
    """Mean score after one day."""
    switches, nothing = {"mechanism": MECHANISM}, {}
    return _scores(regimen, PEOPLE, [24.0], Setting(), compound, drawn, switches, nothing, 1, 1).mean()


def test_kinetics_move_the_score_of_ketamine():
    dose = parse_regimen("ketamine 0.5 mg/kg iv over 40 min")
    assert score(dose, None, SLOW) < score(dose, None, ParameterSet()) - 0.5


@pytest.mark.parametrize(("name", "moves"), [("arketamine", True), ("analog-h1", False)])
def test_kinetics_of_ketamine_are_not_given_to_another_compound(name, moves):
    compound = find_compound(name)
    dose = compound_regimen(compound, "40 mg iv over 40 min")
    assert (score(dose, compound, SLOW) != score(dose, compound, ParameterSet())) == moves


@pytest.mark.parametrize(("regimen", "moves"), [("84 mg nasal", True), ("memantine 20 mg oral", False)])
def test_kinetics_move_the_arms_of_a_question(regimen, moves):
    arm, inquiry = Arm(Treatment("one", regimen), None), Inquiry(people=2)
    best, slow = (
        inquiry.simulate(arm, Crowd(PEOPLE, drawn), [24.0], ["improvement_share"])["improvement_share"]
        for drawn in (ParameterSet(), SLOW)
    )
    assert (best != slow).any() == moves


def test_kinetics_move_a_trial():
    design = replace(shipped_design("saline_crossover"), number=6)
    usual, slow = (
        run_replicates(design, [0], world=World(drawn=drawn))[0] for drawn in (ParameterSet(), SLOW)
    )
    assert usual.notes != slow.notes
