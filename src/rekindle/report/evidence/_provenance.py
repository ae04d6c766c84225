"""What the page was made with: versions, seeds, and fingerprints of data and calibrations."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from rekindle.therapy import calibration

if TYPE_CHECKING:
    from rekindle.evidence import Prediction

_PACKAGES = ("numpy", "scipy", "SALib", "matplotlib")
#: Columns of a prediction that were not in its table.
_ADDED = ("predicted", "ratio", "difference", "verdict", "reason", "se_")


def provenance(plasma: Prediction, outcomes: Prediction, mechanisms: Sequence[str]) -> list[tuple[str, str]]:
    """Facts in the order of the page."""
    from rekindle import __version__

    facts = [
        ("Rekindle", __version__),
        ("Python", platform.python_version()),
        ("Packages", ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))),
        ("People for each arm", _both(plasma.n_people, outcomes.n_people)),
        ("Parameter draws", f"{outcomes.draws} of each mechanism, for clinical outcomes"),
        ("Seed", _both(plasma.seed, outcomes.seed)),
        ("Rows", f"{len(plasma.rows)} plasma, {len(outcomes.rows)} clinical outcomes"),
        ("Fingerprint of the plasma table", fingerprint(plasma)),
        ("Fingerprint of the outcome table", fingerprint(outcomes)),
    ]
    for name in mechanisms:
        known = calibration(name).provenance
        told = ", ".join(
            f"{key} {known[key]}"
            for key in ("data fingerprint", "prior fingerprint", "log posterior")
            if key in known
        )
        facts.append((f"Calibration {name}", f"{known.get('command', 'command not stated')} ({told})"))
    return facts


def fingerprint(prediction: Prediction) -> str:
    """Hash of the cells that came with the table, without what the prediction added."""
    columns = [name for name in prediction.columns if not name.startswith(_ADDED)]
    cells = [[str(row[name]) for name in columns] for row in prediction.rows]
    return hashlib.blake2b(repr((columns, cells)).encode(), digest_size=8).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _both(first: int, second: int) -> str:
    return str(first) if first == second else f"{first} for plasma, {second} for outcomes"
