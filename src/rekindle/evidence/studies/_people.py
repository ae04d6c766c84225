"""Who took part in a published study: severity at entry, sizes of arms, facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rekindle.evidence._data import assumption
from rekindle.evidence._row import Row
from rekindle.evidence.outcomes._baseline import read_baseline
from rekindle.evidence.outcomes._people import Baseline, before_selection

Arms = Mapping[str, Sequence[Row]]

#: Arms of the same treatment that differ by sex.
SEXES = ("_women", "_men")
_SCALES = {"hamd17": "HAM-D17", "hdrs": "HAM-D17"}
_COLUMNS = (("women_pct", "female_pct"), ("age_mean", "age_mean"), ("weight_mean", "weight_kg"))


def treatment_of(arm_id: str) -> str:
    """Name of the treatment of an arm, without the sex of its people.

    >>> treatment_of("esketamine_women")
    'esketamine'
    """
    for sex in SEXES:
        arm_id = arm_id.removesuffix(sex)
    return arm_id


def arm_size(rows: Sequence[Row], name: str, remarks: list[str]) -> int:
    """People of an arm."""
    stated = [row.positive("n", whole=True) for row in rows]
    size = next((value for value in stated if value is not None), None)
    if size is None:
        size = assumption("subjects")
        remarks.append(f"arm {name}: {size:g} people assumed")
    if size > assumption("largest_arm"):
        remarks.append(f"arm {name}: {assumption('largest_arm'):g} of {size:g} people are simulated")
    return int(min(size, assumption("largest_arm")))


def stated_facts(arms: Arms, sizes: Mapping[str, int]) -> dict[str, float]:
    """Share of women, mean age and weight, weighted over the arms that state them."""
    found = {}
    for key, column in _COLUMNS:
        stated = {name: [value for row in rows if (value := row.number_of(column)) is not None]
                  for name, rows in arms.items()}  # fmt: skip
        known = {name: values[0] for name, values in stated.items() if values}
        if known:
            people = sum(sizes[name] for name in known)
            found[key] = round(sum(sizes[name] * value for name, value in known.items()) / people, 3)
    return found


def entry_severity(
    arms: Arms, mood: Sequence[Row], remarks: list[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Severity on the scales that the study used, and the score at entry."""
    names = []
    for row in mood:
        named = f"{row.word('outcome')} {row.text('threshold').lower().replace('-', '')}"
        names.append(next((scale for word, scale in _SCALES.items() if word in named), "MADRS"))
    scales: dict[str, Any] = {}
    entry: list[dict[str, Any]] = []
    for scale in dict.fromkeys(names or ["MADRS"]):
        one = _pooled([read_baseline(rows[0], scale, remarks) for rows in arms.values()])
        mean, sd = one.mean, one.sd
        if one.entry is not None:
            entry.append({"scale": scale, "at_least": one.entry})
            if not one.before_selection:
                mean, sd = before_selection(mean, sd, one.entry - 0.5)
        scales[scale] = {"mean": round(mean, 3), "sd": round(sd, 3)}
    return scales, entry


def _pooled(found: Sequence[Baseline]) -> Baseline:
    """Baselines of all arms as one: randomisation draws them from the same people."""
    first = found[0]
    mean = sum(one.mean for one in found) / len(found)
    variance = sum(one.sd**2 for one in found) / len(found)
    return Baseline(first.scale, mean, math.sqrt(variance), first.entry, first.before_selection)
