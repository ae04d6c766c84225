"""The goals of the design, what was reached, and what the same run measured as the limit."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks._figures import Figures


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        label: in words; "at least" or "at most" says which side is better.
        first: the bar.
        then: the bar after it, if there is one.
        reached: what was measured; None if it was not.
        limit: what stands in the way, as measured.
    """

    label: str
    first: float
    then: float | None
    reached: float | None
    limit: str = ""

    @property
    def met(self) -> bool:
        """Whether the first bar was reached."""
        if self.reached is None:
            return False
        return self.reached <= self.first if self.label.endswith("at most") else self.reached >= self.first


def goals(figures: Figures) -> list[Goal]:
    """All goals of the design page."""
    return [*_speed_goals(figures), *_kinetic_goals(figures), *_other_goals(figures)]


def _speed_goals(figures: Figures) -> list[Goal]:
    l1, l2 = _judged(figures, "L1"), _judged(figures, "L2")

    def over(label: str, ours: str | None, peer: str, first: float, then: float | None = None) -> Goal:
        found = figures.ratio_to("W1", ours, peer)
        limit = _against_floor(figures, ours, peer, first) if ours else ""
        return Goal(f"{label}, at least", first, then, found.value if found else None, limit)

    above = figures.above_floor(l2) if l2 else None
    return [
        over("L1 over numbalsoda", l1, "numbalsoda", 25),
        over("L2 over numbalsoda", l2, "numbalsoda", 100, 200),
        over("L1 over heyoka in batches of 8", l1, "heyoka8", 8),
        over("L2 over heyoka in batches of 8", l2, "heyoka8", 30, 60),
        over("L2 over libroadrunner", l2, "roadrunner", 150, 350),
        over("L2 over diffrax (Tsit5) on the CPU", l2, "diffrax", 500),
        Goal("L2 above the floor, at most", 4, 2, above, "work beside the right-hand side"),
    ]


def _judged(figures: Figures, solver: str) -> str | None:
    """The run that stands for a solver: its own, or the engine's choice if it was that or does not say."""
    rates, chosen = figures.results.get("W1", {}), figures.best("W1")
    if (key := f"rekindle-{solver}") in rates and rates[key].rates:
        return key
    said = rates[chosen].last.get("solver", "") if chosen else ""
    return chosen if not said or said.startswith(solver) else None


def _against_floor(figures: Figures, ours: str, peer: str, first: float) -> str:
    """Whether steps or the work in a step stand between us and the bar."""
    race, above = figures.results.get("W1", {}), figures.above_floor(ours)
    if above is None or peer not in race or not race[peer].rates:
        return ""
    result = race[ours]
    wanted, floor = first * race[peer].rate, result.rate * above
    said = f"needs {wanted:,.0f} people/s; {result.last['steps']:,.0f} steps a person allow {floor:,.0f}"
    return (
        f"{said}: too many steps" if wanted > floor else f"{said}; the solver takes {above:.3g} times as long"
    )


def _kinetic_goals(figures: Figures) -> list[Goal]:
    best = figures.best("W2")
    result = figures.results.get("W2", {}).get(best or "")
    found = figures.ratio_to("W2", best, "numbalsoda")
    speed = result.rate * result.last["bytes"] / result.people / 1e9 if result and result.rates else None
    limit = ""
    if figures.memory:
        warm, cold = (value / 1e9 for value in figures.memory)
        limit = f"this machine fills a buffer at {warm:.3g} GB/s, one that is new at {cold:.3g} GB/s"
    return [
        Goal("W2 over numbalsoda, at least", 500, None, found.value if found else None, limit),
        Goal("W2, GB/s of results, at least", 5, None, speed, limit),
    ]


def _other_goals(figures: Figures) -> list[Goal]:
    waited = figures.waited
    tangents = figures.tangents[0].value if figures.tangents else None
    cores = f"{figures.cores} cores; people are drawn and programs recorded in one thread"

    def first(cache: str, bar: float, key: str) -> Goal:
        label = f"first simulation {cache} cache, s, at most"
        return Goal(label, bar, None, waited.medians.get(key), waited.limits.get(key, ""))

    return [
        Goal("W3, value and 10 tangents over the value, at most", 10, 5, tangents),
        first("without", 2, "first_cold"),
        first("with", 0.3, "first_warm"),
        Goal("two workers over one, W1, at least", 1.8, None, waited.medians.get("two_workers"), cores),
    ]
