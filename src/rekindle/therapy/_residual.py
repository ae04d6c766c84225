"""Measurement error of plasma concentrations."""

from __future__ import annotations

from rekindle.therapy._tables import read_table


def residual_errors() -> tuple[dict[str, str], ...]:
    """Measurement error by observation and setting, as rows of ``parameters/residual.csv``.

    >>> residual_errors()[0]["observation"]
    'ketamine'
    """
    return read_table("parameters/residual.csv")
