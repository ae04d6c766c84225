"""Interacting drugs as records of multipliers on clearances and on the escape from the gut wall."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rekindle.errors import nearest
from rekindle.therapy._tables import read_table

_FACTORS = ("m_CLint", "m_Fg", "m_CLN")


@dataclass(frozen=True, slots=True)
class Interaction:
    """What one interacting drug does, as parameter values of the models (pure numbers).

    ``start_h`` and ``end_h`` bound the time in which it acts; None means always. Induction and its loss take
    days to two weeks (assumed), which is left to whoever sets these times. ``confidence`` is ``"moderate"``
    for effects compared with observations and ``"low"`` for class guesses, to be shown as such.

    An effect without a number (naltrexone) names the ``switch`` of the model with the ``option`` it needs,
    the parameter that the user must give, and its value in people who do not take the drug.
    """

    name: str
    parameters: Mapping[str, float]
    confidence: str
    mark: str
    source: str
    description: str
    start_h: float | None = None
    end_h: float | None = None
    switch: str = ""
    option: str = ""
    user_parameter: str = ""
    without: float = 1.0

    def acts_at(self, time_h: float) -> bool:
        """Whether the drug acts at this time (h)."""
        after = self.start_h is None or time_h >= self.start_h
        return after and (self.end_h is None or time_h < self.end_h)


def interaction_names() -> tuple[str, ...]:
    """Names of the interacting drugs and classes with multipliers.

    >>> "rifampicin" in interaction_names()
    True
    """
    return tuple(dict.fromkeys(row["name"] for row in read_table("interactions.csv")))


def scenario_interactions() -> tuple[Interaction, ...]:
    """Interacting drugs whose effect has no number: the user gives it.

    >>> [(one.name, one.switch, one.user_parameter) for one in scenario_interactions()]
    [('naltrexone', 'opioid_gate', 'o')]
    """
    rows = [row for row in read_table("interactions.csv") if row["switch"]]
    return tuple(interaction(row["name"], row["route"]) for row in rows)


def interaction(
    name: str, route: str, *, start_h: float | None = None, end_h: float | None = None
) -> Interaction:
    """Multipliers of one interacting drug for one route of ketamine.

    Args:
        name: one of ``interaction_names``; an unknown drug is taken as neutral, with a warning.
        route: route of the ketamine dose (iv, nasal, oral, sl, im, sc, rectal); some drugs need different
            numbers for oral dosing.
        start_h: time from which the drug acts (h), None for always.
        end_h: time until which it acts (h), None for always.

    >>> interaction("rifampicin", "oral").parameters["m_Fg"]
    0.23
    >>> [interaction("cyp2b6_inhibitor", route).parameters["m_CLint"] for route in ("iv", "oral")]
    [0.66, 0.42]
    """
    rows = {row["route"]: row for row in read_table("interactions.csv") if row["name"] == name}
    if not rows:
        warnings.warn(
            f'interacting drug "{name}" is unknown{nearest(name, interaction_names())}; '
            "it is taken as without effect, which may be wrong",
            stacklevel=2,
        )
        neutral = {**dict.fromkeys(_FACTORS, 1.0), "L_ltg": 0.0}
        return Interaction(name, neutral, "low", "assumed", "", "unknown drug", start_h, end_h)
    row = rows.get(route, rows["any"])
    values = {factor: float(row[factor]) for factor in (*_FACTORS, "L_ltg")}
    return Interaction(
        name,
        values,
        row["confidence"],
        row["mark"],
        row["source"],
        row["description"],
        start_h,
        end_h,
        row["switch"],
        row["option"],
        row["user_parameter"],
        float(row["without"] or 1.0),
    )


def combined_interactions(agents: Iterable[Interaction], *, time_h: float = 0.0) -> dict[str, float]:
    """Parameter values for several interacting drugs at one time; their multipliers multiply.

    The values are for one session: they may change between sessions, not within one.

    >>> two = [interaction("rifampicin", "iv"), interaction("cyp2b6_inhibitor", "iv")]
    >>> round(combined_interactions(two)["m_CLint"], 4)
    1.0692
    """
    values = {**dict.fromkeys(_FACTORS, 1.0), "L_ltg": 0.0}
    for agent in agents:
        if agent.acts_at(time_h):
            for factor in _FACTORS:
                values[factor] *= agent.parameters[factor]
            values["L_ltg"] = 1.0 - (1.0 - values["L_ltg"]) * (1.0 - agent.parameters["L_ltg"])
    return values
