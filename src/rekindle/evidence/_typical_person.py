"""The typical person under many sets of parameters: one table of events, many batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, solve
from rekindle.evidence._data import assumption
from rekindle.people import Person
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, therapy_model

Array = NDArray[np.float64]
ParameterValues = Mapping[str, float]

#: A trial with two arms of equal size: what people believe of their arm before the first session.
BELIEVED = 0.5
_BATCH = 256


def typical_courses(
    treatment: str,
    sets: Sequence[ParameterValues],
    times: Sequence[float],
    outputs: Sequence[str],
    *,
    mechanism: str,
    progress: Callable[[int], None] | None = None,
    workers: int = 1,
) -> dict[str, Array]:
    """Outputs of the typical person (70 kg, 40 years, MADRS 33) who receives a treatment.

    Nothing happens but the sessions: no natural course, no other drug, belief in active treatment 0.5.

    Args:
        treatment: a regimen in words.
        sets: replacements of typical parameter values, one set after the other.
        times: h from the first session.
        outputs: outputs of the therapy model.
        mechanism: hypothesis of the mood effect.
        progress: called with the number of sets done so far.
        workers: processes of the engine.

    Returns:
        Output -> values, shape (sets, times).

    >>> dose = "ketamine 0.5 mg/kg iv over 40 min"
    >>> found = typical_courses(dose, [{}, {"EP": 0.0}], [24], ["madrs_latent"], mechanism="disinhibition")
    >>> bool(found["madrs_latent"][0, 0] < found["madrs_latent"][1, 0] < 33)
    True
    """
    model = therapy_model(mechanism=mechanism)
    person = Person("1")
    known = {**person.covariates(model), "believed_probability": BELIEVED}
    regimen = parse_regimen(treatment)
    records = dose_records(regimen, weight_kg=person.weight_kg)
    if not any(record["TIME"] == 0.0 for record in records):
        records = [{"TIME": 0.0, "EVID": 2}, *records]
    grid = np.unique(np.asarray(times, dtype=float))
    found: dict[str, list[Array]] = {name: [] for name in outputs}
    table: EventTable | None = None
    for start in range(0, len(sets), _BATCH):
        batch = sets[start : start + _BATCH]
        if table is None or len(batch) != min(_BATCH, len(sets)):
            table = EventTable.from_rows(_rows(records, known, len(batch)), model)
        trajectory = solve(
            model,
            table,
            parameters={str(place): dict(one) for place, one in enumerate(batch)},
            times=grid,
            outputs=tuple(outputs),
            tolerance=assumption("solver_tolerance"),
            workers=workers,
        )
        for name in outputs:
            found[name].append(np.asarray(trajectory[name]))
        if progress is not None:
            progress(start + len(batch))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _rows(records: Sequence[Mapping[str, Any]], known: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    return [{"ID": str(place), **known, **record} for place in range(count) for record in records]
