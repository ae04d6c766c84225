"""Non-specific response by trial design: what changes without the drug, kept apart from the drug.

Every number of ``control_response.csv`` is derived from the control arms in ``control_targets.csv`` with
the expectancy layer on (``derive_control_response``), so that a control
arm simulated with the model meets its own observations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rekindle.errors import ParameterError, nearest
from rekindle.therapy._calibration import calibrated_mechanisms, calibration
from rekindle.therapy._tables import read_table


@dataclass(frozen=True, slots=True)
class ControlResponse:
    """Natural course of one control class and what its people believe.

    ``parameters`` are values for the therapy model (A_class and P_class are shares of baseline severity,
    tau_class and tau_P are hours, k_fade is 1/h, control_cue_size is a share). ``believed_probability`` is
    a value for the covariate with that name. ``mark`` says how far the numbers can be trusted.
    """

    name: str
    parameters: Mapping[str, float]
    believed_probability: float
    mark: str
    description: str


def control_response(name: str, *, mechanism: str = "disinhibition") -> ControlResponse:
    """The control class with this name, with the values of the shipped calibration where it moved them.

    Raises:
        ParameterError: an unknown class.

    >>> control_response("open_label").believed_probability
    1.0
    """
    classes = control_responses()
    if name not in classes:
        raise ParameterError(
            "RK-PAR-041",
            given=f'control class "{name}"{nearest(name, classes)}',
            allowed=f"Classes: {', '.join(classes)}",
            why="The change in a control arm is set by the design of its trial",
        )
    found = classes[name]
    if mechanism not in calibrated_mechanisms():
        return found
    fitted = calibration(mechanism).parameter_set.control.get(name, {})
    return replace(found, parameters={**found.parameters, **fitted}, mark="calibrated") if fitted else found


def control_responses() -> dict[str, ControlResponse]:
    """All control classes by name, with the values of ``control_response.csv``.

    >>> "midazolam" in control_responses()
    True
    """
    columns = ("A_class", "tau_class", "k_fade", "P_class", "tau_P", "control_cue_size")
    return {
        row["control_class"]: ControlResponse(
            row["control_class"],
            {column: float(row[column]) for column in columns},
            float(row["believed_probability"]),
            row["mark"],
            row["description"],
        )
        for row in read_table("control_response.csv")
    }


def expectancy_course(
    times_h: Sequence[float],
    session_times_h: Sequence[float],
    *,
    believed_probability: float,
    control_cue_size: float,
    x0: float,
    x1: float,
    kX: float,
    cue_h: float = 40.0 / 60.0,
) -> list[float]:
    """Expectancy X (0 to 1) of a control arm at some times (h): two jumps a session, exponential decay.

    >>> belief = {"believed_probability": 0.5, "control_cue_size": 0.0}
    >>> expectancy_course([0.0], [0.0], **belief, x0=0.5, x1=0.3, kX=0.004)
    [0.25]
    """
    jumps = [(time, x0 * believed_probability) for time in session_times_h]
    jumps += [(time + cue_h, x1 * control_cue_size) for time in session_times_h]
    values = []
    for wanted in times_h:
        level, last = 0.0, 0.0
        for time, size in sorted(jumps):
            if time <= wanted:
                level = level * math.exp(-kX * (time - last))
                level, last = level + (1.0 - level) * size, time
        values.append(level * math.exp(-kX * (wanted - last)))
    return values
