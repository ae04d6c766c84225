"""Names of the shipped compounds and what is said of all, without reading what is known of them."""

from __future__ import annotations

#: What stands beside every result about a compound.
PRIOR_ONLY = "hypothesis for a study, prior only"
#: Shipped compounds; the ones below may take species from those above.
SHIPPED = ("ketamine", "esketamine", "arketamine", "memantine", "lanicemine", "analog-h1")


def compound_names() -> tuple[str, ...]:
    """Names of the shipped compounds, without reading what is known of them.

    >>> from rekindle.therapy import compounds
    >>> compound_names() == tuple(compounds())
    True
    """
    return SHIPPED
