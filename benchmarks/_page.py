"""The page of figures, from what was measured."""

from __future__ import annotations

import numpy as np

from benchmarks._accuracy import MEDIAN_LIMIT, TAIL_LIMIT
from benchmarks._figures import Figures
from benchmarks._floor import LANES
from benchmarks._goals import goals
from benchmarks._race import Ratio, Result


def number(value: float) -> str:
    """Three digits, without an exponent where people can read it."""
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def times(found: Ratio | None) -> str:
    """A ratio with its range."""
    return "–" if found is None else f"{number(found.value)} ({number(found.low)} to {number(found.high)})"


def verdict(met: bool) -> str:
    """In bold, so that nobody reads over it."""
    return "**met**" if met else "**not met**"


def page(figures: Figures) -> str:
    """The whole page."""
    parts = [_head(figures), _gates(figures), _race_table(figures), _kinetics(figures), _tangents(figures)]
    parts += [_floor(figures), _goals(figures)]
    parts += [f"## {heading}\n\n{text}" for heading, text in figures.sections.items()]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _head(figures: Figures) -> str:
    busy = "" if figures.load is None else f" One-minute load before the run: {figures.load:.2g}."
    short = (
        "\n\n**Made with `--quick`: fewer people, rounds and engines; not the figures of record.**"
        if figures.quick
        else ""
    )
    engines = [f"{e.label}: {e.versions}" for e in figures.engines if not e.ours]
    gone = [f"{e.label} is missing ({e.missing}): `{e.hint}`" for e in figures.missing]
    return "\n".join(
        [
            f"Machine: {figures.machine}.{busy}{short}",
            "",
            f"W1: {figures.structure}. Reference: {figures.reference}.",
            "",
            *(f"- {line}" for line in [*engines, *gone]),
        ]
    )


def _gates(figures: Figures) -> str:
    rows = [
        "## Accuracy first",
        "",
        f"Error of a person: largest over states and times of |y − y_ref| / (1e-8 + 1e-6 |y_ref|), over "
        f"{figures.people} people of W1 and as many of the stress population (fewer for engines that would "
        "take too long). For each engine the loosest tolerance is searched at which it is accurate "
        "enough: the median at most "
        f"{MEDIAN_LIMIT:g} for the peers; for Rekindle also the 95th percentile at most {TAIL_LIMIT:g}, in "
        "both populations. The gate column holds everybody to the stricter rule.",
        "",
        "| engine | tolerance | people | W1: median, 95th, largest | stress: median, 95th, largest | gate |",
        "|---|---|---|---|---|---|",
    ]
    for engine in figures.engines:
        found = figures.accuracy.get(engine.key)
        if found is None:
            continue
        if found.failed:
            rows.append(f"| {engine.label} | – | – | failed: {found.failed} | – | {verdict(False)} |")
            continue
        usual = ", ".join(map(number, found.usual))
        stress = "–" if found.stressed is None else ", ".join(map(number, found.stressed))
        rows.append(
            f"| {engine.label} | {found.tolerance:.2g} | {found.people} | {usual} | {stress} "
            f"| {verdict(found.met)} |"
        )
    return "\n".join(rows)


def _race_table(figures: Figures) -> str:
    best = figures.best("W1")
    label = next((e.label for e in figures.engines if e.key == best), "Rekindle")
    rows = [
        "## W1: how many times faster",
        "",
        f"People per CPU second on one core at those tolerances, engines taking turns over {figures.rounds} "
        f"rounds; the ratio is {label} over the engine: medians, smallest and largest of the rounds.",
        "",
        "| engine | people/s | range | people a run | times slower than ours |",
        "|---|---|---|---|---|",
    ]
    for engine in figures.engines:
        result = figures.results.get("W1", {}).get(engine.key)
        if result is None:
            continue
        if result.failed:
            rows.append(f"| {engine.label} | failed: {result.failed} | | | |")
            continue
        rows.append(
            f"| {engine.label} | {number(result.rate)} | {number(min(result.rates))} to "
            f"{number(max(result.rates))} | {result.people} | "
            f"{'1' if engine.key == best else times(figures.ratio_to('W1', best, engine.key))} |"
        )
    said = figures.results.get("W1", {}).get(best or "", Result(0)).last.get("report", "")
    return "\n".join([*rows, "", f"What our solver says of its run: {said}." if said else ""])


def _kinetics(figures: Figures) -> str:
    race = figures.results.get("W2", {})
    if not race:
        return ""
    best = figures.best("W2")
    rows = [
        "## W2: the pharmacokinetic part alone",
        "",
        "| engine | people/s | people a run | GB/s of results | error: median, 95th, largest "
        "| times slower than ours |",
        "|---|---|---|---|---|---|",
    ]
    for engine in figures.engines:
        result = race.get(engine.key)
        if result is None or (engine.ours and engine.key != best):
            continue
        if result.failed:
            rows.append(f"| {engine.label} | failed: {result.failed} | | | | |")
            continue
        speed = result.rate * result.last["bytes"] / result.people / 1e9
        errors = ", ".join(map(number, figures.kinetic_errors.get(engine.key, ())))
        rows.append(
            f"| {engine.label} | {number(result.rate)} | {result.people} | {number(speed)} | {errors} "
            f"| {'1' if engine.key == best else times(figures.ratio_to('W2', best, engine.key))} |"
        )
    return "\n".join(rows)


def _tangents(figures: Figures) -> str:
    head = "## W3: derivatives with respect to ten parameters\n\n"
    if figures.tangents is None:
        return head + "Not yet: the engine offers no derivatives."
    found, rate = figures.tangents
    return head + (
        f"Value and ten tangents take {times(found)} times as long as the value alone: "
        f"{number(rate)} people per CPU second."
    )


def _floor(figures: Figures) -> str:
    if figures.floor is None:
        return ""
    floor = figures.floor
    rows = [
        "## Distance from the physical floor",
        "",
        f"One right-hand side costs {floor.seconds * 1e9:.3g} ns per person ({LANES} people in the lanes of "
        f"a vector; {floor.words()}); the machine does at most {floor.peak_flops / 1e9:.3g} GFLOP/s of "
        "multiply-adds. Measured in the same run.",
        "",
        "| engine | steps per person | right-hand sides a step | floor, people/s | reached, people/s "
        "| times above the floor |",
        "|---|---|---|---|---|---|",
    ]
    for engine in figures.engines:
        above = figures.above_floor(engine.key)
        if above is None:
            continue
        result = figures.results["W1"][engine.key]
        rows.append(
            f"| {engine.label} | {number(result.last['steps'])} | {figures.nodes(engine.key)} "
            f"| {number(result.rate * above)} | {number(result.rate)} | {number(above)} |"
        )
    return "\n".join(rows)


def _goals(figures: Figures) -> str:
    rows = [
        "## Goals and what was reached",
        "",
        "| goal | first | then | reached | first bar | what limits it, as measured |",
        "|---|---|---|---|---|---|",
    ]
    for goal in goals(figures):
        reached = "not measured" if goal.reached is None else number(goal.reached)
        then = "–" if goal.then is None else f"{goal.then:g}"
        limit = "" if goal.met or goal.reached is None else goal.limit
        bar = "–" if goal.reached is None else verdict(goal.met)
        rows.append(f"| {goal.label} | {goal.first:g} | {then} | {reached} | {bar} | {limit} |")
    return "\n".join(rows)
