"""The three numbers whose uncertainty is divided up, for the typical person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._typical_person import typical_courses

Array = NDArray[np.float64]

INFUSION = "ketamine 0.5 mg/kg iv over 40 min"
SPRAYS = "esketamine 84 mg nasal, twice weekly x 8"
_INERT = "saline over 40 min"
_INERT_SPRAYS = "saline over 40 min, twice weekly x 8"
_DAY_ONE_H, _DAY_28_H = 24.0, 28.0 * 24.0
#: Search for the highest dissociation, h after the start.
_PEAK_TIMES = tuple(np.arange(0.0, 2.0, 1.0 / 24.0).round(9).tolist())
_MADRS = "madrs_latent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A number of the typical person: short name, words, unit."""

    name: str
    words: str
    unit: str


OUTCOMES = (
    Outcome("effect_24h", f"MADRS 24 h after one infusion ({INFUSION}), less than after saline", "points"),
    Outcome("effect_day28", f"MADRS on day 28 ({SPRAYS}), less than after as many inert sessions", "points"),
    Outcome("peak_cadss", f"highest CADSS after one infusion ({INFUSION})", "points"),
)


def outcome_values(
    sets: Sequence[Mapping[str, float]],
    mechanism: str,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Array]:
    """The three outcomes at each parameter set, shape (sets,).

    >>> found = outcome_values([{}], "disinhibition")
    >>> sorted(found) == sorted(outcome.name for outcome in OUTCOMES)
    True
    """
    parts = (
        (INFUSION, (*_PEAK_TIMES, _DAY_ONE_H), (_MADRS, "cadss")),
        (_INERT, (_DAY_ONE_H,), (_MADRS,)),
        (SPRAYS, (_DAY_28_H,), (_MADRS,)),
        (_INERT_SPRAYS, (_DAY_28_H,), (_MADRS,)),
    )
    found = []
    for place, (treatment, times, outputs) in enumerate(parts):

        def tell(done: int, before: int = place * len(sets)) -> None:
            if progress is not None:
                progress(before + done, len(parts) * len(sets))

        found.append(
            typical_courses(
                treatment, sets, times, outputs, mechanism=mechanism, workers=workers, progress=tell
            )
        )
    infusion, inert, sprays, inert_sprays = found
    return {
        "effect_24h": inert[_MADRS][:, -1] - infusion[_MADRS][:, -1],
        "effect_day28": inert_sprays[_MADRS][:, -1] - sprays[_MADRS][:, -1],
        "peak_cadss": infusion["cadss"].max(axis=1),
    }
