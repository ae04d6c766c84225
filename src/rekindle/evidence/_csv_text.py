"""A table as CSV text, written to a file if one is named."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from rekindle.errors import OutputError


def csv_text(
    columns: Sequence[str], rows: Iterable[Sequence[object]], path: str | Path | None, what: str
) -> str:
    """CSV text of a table; with a path it is also written there (UTF-8).

    Args:
        columns: header.
        rows: cells in the order of the header.
        path: file, or None.
        what: the table in words, for the error.

    Raises:
        OutputError: the file cannot be written.

    >>> csv_text(["a", "b"], [[1, "x, y"]], None, "the table")
    'a,b\\n1,"x, y"\\n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    text = stream.getvalue()
    if path is not None:
        try:
            Path(path).write_text(text, encoding="utf-8", newline="")
        except OSError as problem:
            raise OutputError(
                "RK-OUT-031", given=f"{what} cannot be written to {str(path)!r} ({problem})"
            ) from None
    return text
