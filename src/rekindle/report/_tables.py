"""Tables as files: CSV for everybody, Parquet for programs; the unit stands in the name of each column."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.report._extras import require_extra
from rekindle.report._style import STATE_NOTICE

if TYPE_CHECKING:
    import pandas

    from rekindle.engine import Trajectory

#: Rows beyond which text would take longer to write and read than it is worth.
LONGEST_CSV = 1_000_000


def write_table(
    frame: pandas.DataFrame, stem: Path, *, units: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """Write ``stem.csv`` and ``stem.parquet``; return their paths. A very long table is Parquet only.

    Args:
        frame: tidy table.
        stem: path without suffix.
        units: column -> unit, written behind the name in brackets; columns without one keep their name.

    Raises:
        OutputError: the extra ``parquet`` is not installed.
    """
    require_extra("parquet")
    stem.parent.mkdir(parents=True, exist_ok=True)
    named = frame.rename(columns={name: f"{name} [{unit}]" for name, unit in (units or {}).items()})
    named.attrs = {}
    text, binary = stem.with_name(stem.name + ".csv"), stem.with_name(stem.name + ".parquet")
    named.to_parquet(binary, index=False)
    if len(named) > LONGEST_CSV:
        return (binary,)
    # Ten digits: more than any output is good for, and the same text on every machine.
    named.to_csv(text, index=False, float_format="%.10g", lineterminator="\n")
    return text, binary


def trajectory_columns(
    trajectory: Trajectory, descriptions: Mapping[str, str] | None = None
) -> pandas.DataFrame:
    """What the columns of a trajectory's table are: unit, words, and whether it can be measured at all."""
    import pandas

    rows = [
        {
            "column": f"{name} [{trajectory.units[name]}]",
            "description": (descriptions or {}).get(name, ""),
            "status": "observable" if trajectory.measurable[name] else STATE_NOTICE,
        }
        for name in trajectory.names
    ]
    return pandas.DataFrame(rows)
