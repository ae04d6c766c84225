"""Tables and rows of files of the question of an analog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from rekindle.people import AnalogSearch, Readouts, analog_properties
from rekindle.questions._analog_figures import TITLES
from rekindle.questions._analog_study import ALL, FREEDOMS, KETAMINE, Whole
from rekindle.report import PageTable, interval, number
from rekindle.therapy import PRIOR_ONLY

#: Readout -> words of a table, and factor.
_COLUMNS = {
    "dose_mg": ("dose, mg", 1.0),
    "cadss": ("peak CADSS", 1.0),
    "hours": ("h above CADSS 4", 1.0),
    "liking": ("liking", 1.0),
    "systolic_rise": ("systolic rise, mmHg", 1.0),
    "sedated": ("MOAA/S 4 or less, %", 100.0),
    "onset": ("h to half of the effect", 1.0),
    "effect_day_1": ("severity removed, day 1, %", 100.0),
    "effect_day_7": ("day 7, %", 100.0),
}


def equal_tables(whole: Whole) -> Iterator[PageTable]:
    """What each compound does at the effect of a reference."""
    for reference, found in whole.equal.items():
        rows = dict(found)
        if reference == KETAMINE:
            rows |= {f"analog, {name} free": one.readouts for name, one in whole.best.items()}
        yield PageTable(
            f"At the effect of {reference} ({whole.main.mechanism}). {PRIOR_ONLY.capitalize()}",
            ("compound", *(words for words, _ in _COLUMNS.values())),
            [[name, *_cells(one)] for name, one in rows.items()],
        )


def _cells(one: Readouts) -> list[str]:
    values = [factor * float(getattr(one, name)[0]) for name, (_, factor) in _COLUMNS.items()]
    return [number(value) if np.isfinite(value) else "no dose" for value in values]


def needed_table(whole: Whole) -> PageTable:
    """What each property alone would have to become, by mechanism."""
    known = analog_properties()
    return PageTable(
        f"Value that alone halves the peak of CADSS at the effect of ketamine IV. {PRIOR_ONLY.capitalize()}",
        ("property", "S-ketamine", "searched", *whole.studies),
        [
            [
                TITLES[name],
                number(one.start),
                interval(one.low, one.high),
                *(
                    number(study.needed[name], 2) if np.isfinite(study.needed[name]) else "none"
                    for study in whole.studies.values()
                ),
            ]
            for name, one in known.items()
        ],
    )


def rank_table(whole: Whole) -> PageTable:
    """Which properties go with dissociation, by mechanism."""
    return PageTable(
        "Rank correlation of each property with the peak of CADSS over the molecules at equal effect",
        ("property", *whole.studies),
        [
            [
                TITLES[name],
                *(
                    number(rank(study.cloud.values[name], study.cloud.readouts.cadss), 2)
                    for study in whole.studies.values()
                ),
            ]
            for name in analog_properties()
        ],
    )


def cloud_rows(whole: Whole) -> Iterator[dict[str, object]]:
    """Every invented molecule."""
    for mechanism, study in whole.studies.items():
        yield from _rows({"mechanism": mechanism}, study.cloud)


def lever_rows(whole: Whole) -> Iterator[dict[str, object]]:
    """Every value of one property."""
    for mechanism, study in whole.studies.items():
        for name, found in study.levers.items():
            for row in _rows({"mechanism": mechanism, "property": name}, found):
                yield {**row, "value": row.pop(name)}


def _rows(facts: Mapping[str, str], found: AnalogSearch) -> Iterator[dict[str, object]]:
    for place in range(len(found.readouts)):
        values = {name: float(column[place]) for name, column in found.values.items()}
        read = {name: float(getattr(found.readouts, name)[place]) for name in _COLUMNS}
        yield {
            **facts,
            **values,
            **{k if k != "liking" else "liking_peak": v for k, v in read.items()},
            "label": found.label,
        }


def front_rows(whole: Whole) -> Iterator[dict[str, object]]:
    """Every molecule of a front."""
    for mechanism, study in whole.studies.items():
        for freedom, optima in study.by_effect.items():
            for one in optima:
                read = {name: float(getattr(one.readouts, name)[0]) for name in _COLUMNS}
                values = {name: one.values.get(name) for name in FREEDOMS[ALL]}
                facts = {"mechanism": mechanism, "free": freedom, "wanted": one.effect}
                yield {**facts, **read, **values, "label": PRIOR_ONLY}


def rank(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Rank correlation where both are known; 0 where nothing varies."""
    from scipy.stats import spearmanr

    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 3:
        return 0.0
    found = float(spearmanr(first[known], second[known]).statistic)
    return found if np.isfinite(found) else 0.0
