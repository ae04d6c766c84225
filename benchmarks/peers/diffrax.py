"""diffrax on the CPU: people in one batch (vmap), one scan over segments, double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks._equations import Array, equations
from benchmarks._workload import Workload


def prepare(workload: Workload, solver: str) -> Any:
    """Trace; returns ``run(people, tolerance)``, which compiles at the first call of a batch size."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import diffrax
    import jax.numpy as jnp

    system = equations(workload)
    keep, pieces = len(workload.states), workload.segments
    own = [np.unique([*piece.times, piece.end]) for piece in pieces]
    # Segments with fewer output times are padded with their end, so that one scan takes them all.
    widest = max(len(grid) for grid in own)
    grids = np.stack([np.r_[grid, np.full(widest - len(grid), grid[-1])] for grid in own])
    starts = np.array([piece.start for piece in pieces])
    chosen = np.array([i * widest + j for i, piece in enumerate(pieces) for j in range(len(piece.times))])
    space: dict[str, Any] = {"jnp": jnp, "m": jnp}
    head = f"d = [None]*{len(system.states)}"
    exec(system.source("rates", "t, y, c", head, "d[{place}] = {value}", "return jnp.stack(d)"), space)  # noqa: S102 - written by _equations
    term, method = diffrax.ODETerm(space["rates"]), getattr(diffrax, solver)()

    def course(constants: Any, tolerance: Any) -> Any:
        controller = diffrax.PIDController(rtol=tolerance, atol=tolerance * 0.01)

        def segment(y: Any, given: Any) -> Any:
            start, grid, values = given
            found = diffrax.diffeqsolve(
                term, method, start, grid[-1], None, y, values, saveat=diffrax.SaveAt(ts=grid),
                stepsize_controller=controller, max_steps=1_000_000, throw=False,
            )  # fmt: skip
            return found.ys[-1], found.ys

        return jax.lax.scan(segment, jnp.asarray(system.initial), (starts, grids, constants))[1]

    batch = jax.jit(jax.vmap(course, in_axes=(0, None)))

    def run(people: Array, tolerance: float) -> Array:
        found = np.asarray(batch(system.all_constants(people), tolerance))
        return found.reshape(len(people), -1, found.shape[-1])[:, chosen, :keep]

    return run


def prepare_tsit5(workload: Workload) -> Any:
    """The explicit method of order five; returns ``run(people, tolerance)``."""
    return prepare(workload, "Tsit5")


def prepare_kvaerno5(workload: Workload) -> Any:
    """The implicit method of order five; returns ``run(people, tolerance)``."""
    return prepare(workload, "Kvaerno5")
