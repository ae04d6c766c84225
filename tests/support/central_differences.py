"""Derivatives of an output by central differences of runs, to hold symbolic ones against."""

from dataclasses import replace

import rekindle
from rekindle.modelling import constant

TIGHT = 1e-11


def shifted(model, name, step):
    """The model with another value of a parameter, or another initial value."""
    if name in model.parameters:
        return model.with_parameters(**{name: model.parameters[name].value + step})
    state = model.states[name]
    changed = replace(state, initial=state.initial + constant(step))
    return replace(model, states={**model.states, name: changed})


def differences(model, events, name, output, times, tolerance=TIGHT, share=2e-4):
    """Central differences of fourth order of one output, every state stepped by Rodas5P."""
    return all_differences(model, events, name, times, tolerance, share)[output]


def all_differences(model, events, name, times, tolerance=TIGHT, share=2e-4, outputs=None):
    """The same for all outputs."""
    size = abs(model.parameters[name].value) if name in model.parameters else 1.0
    step = share * (size or 1.0)
    at = {
        multiple: rekindle.simulate(
            shifted(model, name, multiple * step), events, times=times, tolerance=tolerance, solver="L1",
            outputs=outputs,
        )
        for multiple in (-2, -1, 1, 2)
    }  # fmt: skip
    return {o: fourth_order(at[-2][o], at[-1][o], at[1][o], at[2][o], step) for o in at[1]}


def fourth_order(two_below, below, above, two_above, step):
    """Slope from values at two steps on either side."""
    return (8 * (above - below) - (two_above - two_below)) / (12 * step)
