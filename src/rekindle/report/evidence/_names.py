"""Names of the tables in words, and the unit that an outcome is counted in."""

from __future__ import annotations

import re

from rekindle.report._format import duration

PLASMA = "plasma"
POINTS, SHARES, PRESSURE, EFFECT_SIZE, DAYS, OTHER = (
    "points",
    "per cent",
    "mmHg",
    "effect size",
    "days",
    "other",
)
# Checked in this order: "madrs_pct_reduction" and "madrs_effect_size" also begin with the name of a scale.
_FAMILIES = (
    (r"_pct(_|$)", SHARES),
    (r"_effect_size$", EFFECT_SIZE),
    (r"_days$", DAYS),
    (r"^[sd]bp_", PRESSURE),
    (r"_(change|total|difference)$", POINTS),
)
_WORDS = {
    "madrs": "MADRS", "hamd17": "HAM-D17", "hdrs": "HAM-D", "cadss": "CADSS", "phq9": "PHQ-9",
    "qids": "QIDS", "gad7": "GAD-7", "ptsd": "PTSD", "pct": "%", "sbp": "systolic", "dbp": "diastolic",
    "bp": "blood pressure", "hr": "heart rate", "ae": "event", "vas": "VAS", "cmax": "Cmax",
    "tmax": "Tmax", "auc": "AUC", "s": "S", "r": "R", "hnk": "HNK", "iv": "IV", "im": "IM", "sc": "SC",
    "sl": "sublingual", "er": "prolonged release", "ad": "antidepressant",
}  # fmt: skip


def plain_name(name: str) -> str:
    """A name of a table in words.

    >>> plain_name("madrs_change"), plain_name("response_pct"), plain_name("s_ketamine_auc_0_24")
    ('MADRS change', 'response (%)', 'S-ketamine AUC 0 to 24 h')
    """
    name = re.sub(r"auc_0_(\w+)$", r"auc 0 to \1 h", name)
    text = " ".join(_WORDS.get(word, word) for word in re.split("[_ ]", name))
    text = re.sub(r"\b([SR]) (?=\w)", r"\1-", text)
    return re.sub(r" %$", " (%)", text)


def family_of(outcome: str) -> str:
    """The unit of an outcome; outcomes of different families are never put together.

    >>> family_of("madrs_change"), family_of("response_pct")
    ('points', 'per cent')
    """
    return next((family for pattern, family in _FAMILIES if re.search(pattern, outcome)), OTHER)


def when(hours: float) -> str:
    """Time since the first dose in words; a number and its unit stay on one line."""
    return duration(hours).replace(" ", "\N{NO-BREAK SPACE}") if hours else "before"
