"""The circuit view ("microscope"): firing rates of cells in a mean field while receptors are blocked.

Never part of a fit or of the therapy model: it shows what disinhibition means. Equations of Wong and Wang
and of Deco, with the defaults published with The Virtual Brain (``parameters/circuit.csv``)::

    x_E = w_p J_N (1 - B_E) S_E - J_i S_I + W_E I_0      x_I = J_N (1 - B_I) S_E - S_I + W_I I_0
    H(x) = (a x - b)/(1 - exp(-d (a x - b)))
    dS_E/dt = -S_E/tau_E + (1 - S_E) gamma_E H_E         dS_I/dt = -S_I/tau_I + gamma_I H_I
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import ParameterError, SolverError
from rekindle.therapy._tables import read_table


@dataclass(frozen=True, slots=True)
class CircuitRates:
    """Steady firing rates (Hz) at one block of the two pools, and ``surge`` = excitatory rate over no block.

    Model state, not measured.
    """

    interneuron_block: float
    pyramidal_block: float
    excitatory_Hz: float
    inhibitory_Hz: float
    surge: float


def circuit_rates(interneuron_block: float, pyramidal_block: float) -> CircuitRates:
    """Firing rates of the mean field in its steady state.

    Args:
        interneuron_block: share of NMDA current on inhibitory cells that is blocked, 0 to 1.
        pyramidal_block: the same on excitatory cells.

    Raises:
        ParameterError: a block outside 0 to 1.
        SolverError: no steady state was found.

    >>> rates = circuit_rates(0.2, 0.06)
    >>> rates.inhibitory_Hz < circuit_rates(0.0, 0.0).inhibitory_Hz, rates.surge > 1.0
    (True, True)
    """
    for block in (interneuron_block, pyramidal_block):
        if not 0.0 <= block <= 1.0:
            raise ParameterError("RK-PAR-046", given=f"block {block:g}", allowed="A share from 0 to 1")
    excitatory, inhibitory = _steady_rates(interneuron_block, pyramidal_block)
    undrugged, _ = _steady_rates(0.0, 0.0)
    return CircuitRates(interneuron_block, pyramidal_block, excitatory, inhibitory, excitatory / undrugged)


def circuit_course(
    interneuron_blocks: Sequence[float], pyramidal_blocks: Sequence[float]
) -> tuple[CircuitRates, ...]:
    """Rates along a course of block: the outputs ``interneuron_block`` and ``pyramidal_block`` of a run.

    Raises:
        ParameterError: two courses of different length.

    >>> [rates.surge for rates in circuit_course([0.0], [0.0])]
    [1.0]
    """
    if len(interneuron_blocks) != len(pyramidal_blocks):
        raise ParameterError(
            "RK-PAR-047",
            given=f"{len(interneuron_blocks)} values of one block and {len(pyramidal_blocks)} of the other",
            allowed="As many of one as of the other",
        )
    pairs = zip(interneuron_blocks, pyramidal_blocks, strict=True)
    return tuple(circuit_rates(min(1.0, max(0.0, i)), min(1.0, max(0.0, e))) for i, e in pairs)


@cache
def _constants() -> dict[str, float]:
    return {row["name"]: float(row["value"]) for row in read_table("parameters/circuit.csv")}


def _rate(current: float, cell: str) -> float:
    """Firing rate (Hz) of one population at a current (nA)."""
    c = _constants()
    drive = c[f"a_{cell}"] * current - c[f"b_{cell}"]
    if abs(drive) < 1e-9:
        return 1.0 / c[f"d_{cell}"]
    return drive / -math.expm1(-c[f"d_{cell}"] * drive)


@cache
def _steady_rates(interneuron_block: float, pyramidal_block: float) -> tuple[float, float]:
    from scipy.optimize import root

    c = _constants()

    def rates(excitatory: float, inhibitory: float) -> tuple[float, float]:
        to_excitatory = c["w_p"] * c["J_N"] * (1.0 - pyramidal_block) * excitatory - c["J_i"] * inhibitory
        to_inhibitory = c["J_N"] * (1.0 - interneuron_block) * excitatory - inhibitory
        return (
            _rate(to_excitatory + c["W_E"] * c["I_0"], "E"),
            _rate(to_inhibitory + c["W_I"] * c["I_0"], "I"),
        )

    def drift(gating: NDArray[np.float64], /) -> list[float]:
        excitatory, inhibitory = gating.tolist()
        fast, slow = rates(excitatory, inhibitory)
        return [
            -excitatory / c["tau_E"] + (1.0 - excitatory) * c["gamma_E"] * fast,
            -inhibitory / c["tau_I"] + c["gamma_I"] * slow,
        ]

    found = root(drift, [0.16, 0.04], tol=1e-13)
    if not found.success:
        raise SolverError(
            "RK-SOL-040",
            given=f"no steady state at block {interneuron_block:g} and {pyramidal_block:g}: {found.message}",
        )
    return rates(float(found.x[0]), float(found.x[1]))
