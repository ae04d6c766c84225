"""Facts about receptors and glutamate: affinities, block, concentrations of half effect, rat doses."""

from __future__ import annotations

import math
from functools import partial

from rekindle.evidence._data import assumption
from rekindle.evidence.facts._bench import Bench, Quantity
from rekindle.evidence.facts._fact import Fact, Found, direction, not_computed

#: Rat dose (mg/kg) at which glutamate did not change: it sets the scale from rat doses to block.
_SCALE_DOSE = 50.0
_SEARCH = (0.01, 1000.0)
_SET = "the parameter was set to this"


def affinity_ratio(bench: Bench, fact: Fact, *, top: str) -> Found:
    """Affinity constant over that of S-ketamine."""
    return Found(bench.parameter(top) / bench.parameter("KS"), "ratios were fixed to this source")


def channel_block(bench: Bench, fact: Fact, *, racemate: float) -> Found:
    """Block (%) at a concentration of racemate, uM."""
    inhibitory, pyramidal = (
        100.0 * bench.value(name, **_racemate(racemate)) for name in ("block_interneuron", "block_pyramidal")
    )
    return Found(inhibitory, f"tonically active interneurons; {pyramidal:.3g} % in the pyramidal pool")


def excitation_window(bench: Bench, fact: Fact) -> Found:
    """1 if the steady drive is raised at 1 uM and lowered at 10 uM, -1 if the other way round, else 0."""
    low, high = (bench.value("glutamate_drive", **_racemate(level)) - 1.0 for level in (1.0, 10.0))
    both = direction(low) if direction(low) == -direction(high) else 0.0
    return Found(both, f"steady glutamate drive {low:+.2g} at 1 uM and {high:+.2g} at 10 uM, relative")


def rat_glutamate(bench: Bench, fact: Fact, *, dose: float) -> Found:
    """Sign of the change of the steady glutamate drive at the block of a rat dose.

    Concentrations follow doses in proportion. The one unknown factor is set by the dose at which nothing
    changed, where the drive comes back to its baseline; that dose itself is then no test.
    """
    level = _neutral_level(bench)
    if dose == _SCALE_DOSE:
        raise not_computed("this dose sets the scale from rat doses to block, so it is met by construction")
    change = bench.value("glutamate_drive", **_racemate(level * dose / _SCALE_DOSE)) - 1.0
    return Found(
        direction(change, assumption("flat_glutamate")),
        f"{change:+.2g} of baseline; scale from {_SCALE_DOSE:g} mg/kg, where the drive is back at baseline",
    )


def drug_high(bench: Bench, fact: Fact) -> Found:
    """Total plasma S-ketamine (ng/mL) of half-maximal liking."""
    names = ("EC50L", "molar_mass_ketamine", "fu", "kp_K")
    half, mass, free, partition = (bench.parameter(name) for name in names)
    return Found(half * mass / (free * partition), _SET)


def equilibration(bench: Bench, fact: Fact) -> Found:
    """Half-life (min) between plasma and brain."""
    return Found(60.0 * math.log(2.0) / bench.parameter("ke0"), _SET)


def allosteric_site(bench: Bench, fact: Fact) -> Found:
    """Half-block of the allosteric site, uM."""
    return Found(bench.parameter("K_allo"), _SET)


def _neutral_level(bench: Bench) -> float:
    """Racemate (uM) above the peak of the inverted U at which the steady drive is back at its baseline."""
    from scipy.optimize import brentq

    def change(logarithm: float) -> float:
        return bench.value("glutamate_drive", **_racemate(math.exp(logarithm))) - 1.0

    low, high = (math.log(end) for end in _SEARCH)
    steps = [low + (high - low) * place / 60.0 for place in range(61)]
    sizes = [change(step) for step in steps]
    for place in range(sizes.index(max(sizes)), 60):
        if sizes[place] > 0.0 >= sizes[place + 1]:
            return math.exp(brentq(change, steps[place], steps[place + 1]))
    raise not_computed("the steady drive does not come back to its baseline, so rat doses have no scale")


def _racemate(level: float) -> dict[str, float]:
    """Half of it is S, half R."""
    return {"site_S": level / 2.0, "site_R": level / 2.0}


RECEPTORS: dict[str, Quantity] = {
    "ki_ratio_r_over_s_ketamine": partial(affinity_ratio, top="KR"),
    "ki_ratio_s_nk_over_s_k": partial(affinity_ratio, top="KNS"),
    "ki_ratio_r_nk_over_s_k": partial(affinity_ratio, top="KNR"),
    "nmda_block_1uM": partial(channel_block, racemate=1.0),
    "nmda_block_10uM": partial(channel_block, racemate=10.0),
    "window_1_vs_10uM": excitation_window,
    **{
        f"glutamate_sign_rat_{dose}mgkg": partial(rat_glutamate, dose=float(dose))
        for dose in (10, 20, 30, 50, 200)
    },
    "c50_drug_high": drug_high,
    "ke0_half_life": equilibration,
    "ec50_allosteric": allosteric_site,
}
