"""Numbers of single people in Parquet files that appear as people are finished."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.running._whole_files import claim, write_whole
from rekindle.errors import OutputError

Array = NDArray[np.float64]


class ParquetParts:
    """A folder with one file for each piece, which Parquet readers take as one table.

    Args:
        folder: where; made if need be.
        mine: digest of the run.
        units: column -> unit, kept as metadata of the column.

    Raises:
        OutputError: the extra ``parquet`` is not installed, or the folder belongs to another run.
    """

    def __init__(self, folder: Path, mine: str, units: Mapping[str, str]) -> None:
        if find_spec("pyarrow") is None:
            raise OutputError(
                "RK-OUT-020",
                given="pyarrow is not installed",
                why="Parquet files cannot be written without it",
                remedy="Run: pip install 'rekindle[parquet]'",
            )
        self._arrow: Any = import_module("pyarrow")
        self._parquet: Any = import_module("pyarrow.parquet")
        # Readers of a folder pass over names that begin with an underscore.
        claim(folder, "_stream.json", mine)
        self.folder, self.units = folder, units

    def path(self, number: int) -> Path:
        """File of a piece."""
        return self.folder / f"people_{number:06d}.parquet"

    def holds(self, number: int) -> bool:
        """Whether the file of a piece is there and can be read."""
        try:
            self._parquet.read_metadata(self.path(number))
        except (OSError, self._arrow.ArrowException):
            return False
        return True

    def save(self, number: int, people: Sequence[str], numbers: Array) -> None:
        """Write the numbers (people, columns) of a piece; NaN, a person who failed, becomes null."""
        arrow = self._arrow
        fields = [arrow.field("id", arrow.string())]
        fields += [arrow.field(name, arrow.float64(), metadata={"unit": u}) for name, u in self.units.items()]
        columns = [arrow.array(list(people), arrow.string())]
        columns += [arrow.array(column, arrow.float64(), from_pandas=True) for column in numbers.T]
        buffer = io.BytesIO()
        table = arrow.Table.from_arrays(columns, schema=arrow.schema(fields))
        self._parquet.write_table(table, buffer, compression="zstd")
        write_whole(self.path(number), buffer.getvalue())
