"""Textbook models of many kinds, what each is given, and until when it is watched."""

from pathlib import Path

import numpy as np

from rekindle.modelling import read_model

MODELS = Path(__file__).parents[1] / "data" / "models"
#: Where two engines report an output at the moment of a dose, one gives the left and one the right limit.
APART = 0.0137


def infused(state, *starts, amount, duration):
    return [{"time": t, "state": state, "amount": amount, "duration": duration} for t in starts]


def doses(state, *starts, amount):
    return infused(state, *starts, amount=amount, duration=0.0)


#: What each model is given, and until when it is watched.
CASES = {
    "one_compartment": (doses("depot", 0, 12, 24, amount=200) + doses("central", 30, amount=50), 60),
    "two_compartment": (
        doses("central", 0, amount=100) + infused("central", 24, 48, amount=300, duration=2), 96
    ),
    "three_compartment": (infused("central", 0, 12, 24, amount=80, duration=1.5), 72),
    "metabolites": (doses("gut", 0, 8, 16, amount=150), 72),
    "michaelis_menten": (
        doses("depot", 0, 24, amount=500) + infused("central", 48, amount=300, duration=4), 96
    ),
    "indirect_response": (doses("depot", 0, amount=100), 240),
    "transit": (doses("t1", 0, 12, amount=100), 36),
    "target_mediated": (infused("drug", 0, 504, amount=250, duration=1), 1008),
    "myelosuppression": (infused("central", 0, 504, amount=140, duration=3), 900),
    "robertson": ([], 1e4),
    "van_der_pol": ([], 40),
    "predator_prey": ([], 40),
    "nerve": (infused("current", 20, amount=75, duration=150), 200),
}  # fmt: skip


def case(name):
    """Model, doses and output times; times of Robertson's problem spread over powers of ten."""
    given, end = CASES[name]
    model = read_model(MODELS / f"{name}.model")
    grid = np.geomspace(1e-3, end, 50) if name == "robertson" else np.linspace(0, end, 61)[1:] - APART
    return model, given, grid
