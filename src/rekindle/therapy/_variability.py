"""How people differ: spreads of parameters between people and between occasions, and measurement error."""

from __future__ import annotations

from dataclasses import dataclass

from rekindle.errors import ParameterError, nearest
from rekindle.therapy._tables import read_table


@dataclass(frozen=True, slots=True)
class Variability:
    """Spread of one parameter: eta ~ N(0, omega^2) on the scale.

    ``scale`` is ``"log"``: value * exp(eta), or ``"logit"``: logistic(logit(value) + eta). ``level`` is
    ``"person"`` or ``"occasion"``; a parameter with both gets both etas. Two parameters of one
    ``group`` have correlated etas with this ``correlation``; parameters without a group are independent.
    """

    parameter: str
    scale: str
    omega: float
    level: str
    group: str
    correlation: float
    mark: str
    source: str
    description: str


def variability(model: str = "therapy") -> tuple[Variability, ...]:
    """Spreads of the therapy model (``"therapy"``, also for D1) or of an alternative pharmacokinetic model.

    >>> [v.omega for v in variability() if v.parameter == "FRn"]
    [0.681, 0.2]
    """
    if model in ("therapy", "D1"):
        rows = list(read_table("parameters/variability.csv"))
    else:
        every = read_table("parameters/alternatives/variability.csv")
        rows = [row for row in every if row["model"] == model]
        _refuse_unknown(model, bool(rows))
    return tuple(
        Variability(
            row["parameter"],
            row["scale"],
            float(row["omega"]),
            row["level"],
            row["group"],
            float(row["correlation"] or 0.0),
            row["mark"],
            row["source"],
            row["description"],
        )
        for row in rows
    )


def residual_errors() -> tuple[dict[str, str], ...]:
    """Measurement error by observation and setting, as rows of ``parameters/residual.csv``.

    >>> residual_errors()[0]["observation"]
    'ketamine'
    """
    return read_table("parameters/residual.csv")


def _refuse_unknown(model: str, found: bool) -> None:
    from rekindle.therapy._models import pharmacokinetic_models

    known = pharmacokinetic_models()
    if not found and model not in known:
        raise ParameterError(
            "RK-PAR-043",
            given=f'variability of model "{model}"{nearest(model, known)}',
            allowed=f"therapy, {', '.join(known)}",
        )
