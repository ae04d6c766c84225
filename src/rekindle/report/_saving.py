"""Figures to bytes: the same figure gives the same bytes on every day."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from rekindle.report._style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Both formats would otherwise hold the date or the version of the library.
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def figure_bytes(figure: Figure, form: str) -> bytes:
    """A figure as ``"svg"`` or ``"png"``."""
    buffer = BytesIO()
    with styled():
        figure.savefig(buffer, format=form, metadata=_METADATA[form])
    return buffer.getvalue()
