"""What a user waits for: start-up, one person and a thousand people over 26 weeks, peak memory.

Each figure is taken in a fresh process, several times; the page quotes the median and the range.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import _course as course
from benchmarks._course import REGIMEN
from benchmarks._workload import w1
from benchmarks.peers.rekindle import Run

#: People of W1 whom two workers share, and the tolerance at which they are run.
_SHARED, _TOLERANCE = 2000, 1e-6


def in_fresh_process(people: int, workers: int, runs: int, cache: str) -> list[dict[str, Any]]:
    """Run the course several times, each in its own process.

    Args:
        people: how many people.
        workers: how many share them.
        runs: how often.
        cache: folder for the user's caches; empty takes a new empty one each time.
    """
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as empty:
            environment = {**os.environ, "REKINDLE_CACHE_DIR": cache or empty}
            # Python's own compiled files are there for a user too; the first run makes them.
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
            command = [sys.executable, course.__file__, str(people), str(workers)]
            done = subprocess.run(
                [*command, repr(time.time())], capture_output=True, text=True, check=True, env=environment
            )
        found.append(json.loads(done.stdout))
    return found


def _wall(command: list[str], runs: int) -> list[float]:
    """Wall time of a command, several runs after one warm-up."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def _line(label: str, values: list[float], unit: str) -> str:
    return f"| {label} | {statistics.median(values):.3g} {unit} | {min(values):.3g} to {max(values):.3g} |"


@dataclass(frozen=True)
class Waited:
    """What the goals need of this section.

    Attributes:
        medians: goal -> figure.
        limits: goal -> what its time went to, in words.
    """

    medians: dict[str, float] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)


def parts_of(found: list[dict[str, Any]]) -> dict[str, float]:
    """Median seconds of each part over several runs; a part that a run did not enter took none."""
    names = dict.fromkeys(name for run in found for name in run["parts"])
    return {name: statistics.median(run["parts"].get(name, 0.0) for run in found) for name in names}


def in_words(parts: dict[str, float], named: int = 5) -> str:
    """The largest parts in order, and the sum of the others."""
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    words = [f"{name}: {seconds:.2g} s" for name, seconds in ordered[:named]]
    if rest := sum(seconds for _, seconds in ordered[named:]):
        words.append(f"the rest: {rest:.2g} s")
    return "; ".join(words)


def _parts_table(cold: dict[str, float], warm: dict[str, float]) -> list[str]:
    return [
        "Where the first call of one person spends its time: medians of the same runs, in s. Each import "
        "counts what no earlier one has brought.",
        "",
        "| part | empty cache | warm cache |",
        "|---|---|---|",
        *(f"| {name} | {cold.get(name, 0.0):.2g} | {warm.get(name, 0.0):.2g} |" for name in {**cold, **warm}),
        "",
    ]


def _two_workers(runs: int) -> tuple[list[float], list[float]]:
    """Wall time of W1 with one worker and with two, taking turns in this process."""
    workload = w1()
    people = workload.people(_SHARED)
    alone, shared = Run(workload, "auto"), Run(workload, "auto", workers=2)
    alone(people, _TOLERANCE)
    seconds: tuple[list[float], list[float]] = [], []
    for _ in range(runs):
        for found, run in zip(seconds, (alone, shared), strict=True):
            start = time.perf_counter()
            run(people, _TOLERANCE)
            found.append(time.perf_counter() - start)
    return seconds


def waiting(runs: int, say: Callable[[str], None]) -> tuple[str, Waited]:
    """The section of the page, and what the goals need of it."""
    rekindle = [sys.executable, "-m", "rekindle"]
    with tempfile.TemporaryDirectory() as cache:
        say("waiting: start of the command line")
        start = _wall([*rekindle, "--help"], runs)
        say("waiting: one person, no cache")
        cold = in_fresh_process(1, 1, runs, "")
        say("waiting: one person, with cache")
        in_fresh_process(1, 1, 1, cache)
        one = in_fresh_process(1, 1, runs, cache)
        say("waiting: 1,000 people, one worker")
        in_fresh_process(1000, 1, 1, cache)
        thousand = in_fresh_process(1000, 1, runs, cache)
        say("waiting: 1,000 people, two workers")
        shared = in_fresh_process(1000, 2, runs, cache)
    say("waiting: W1, one worker and two")
    w1_alone, w1_shared = _two_workers(runs)
    cold_parts, warm_parts = parts_of(cold), parts_of(one)
    rows = [
        f"Workload: `{REGIMEN}`, the whole therapy model, all outputs at {one[0]['rows']} times per person, "
        "between-person variability on, the default tolerance. Wall time, each figure in a fresh process "
        "from its start, which imports nothing but what the course needs. The two rows of W1 are calls that "
        "take turns in one process.",
        "",
        "| what | median | range |",
        "|---|---|---|",
        _line("`rekindle --help`, whole process", start, "s"),
        _line("one person, 26 weeks, first call, empty cache", [r["first_s"] for r in cold], "s"),
        _line("one person, 26 weeks, first call, warm cache", [r["first_s"] for r in one], "s"),
        _line("one person, 26 weeks, again in the same process", [r["repeat_s"] for r in one], "s"),
        _line("1,000 people, 26 weeks, one worker", [r["first_s"] for r in thousand], "s"),
        _line("1,000 people, 26 weeks, two workers", [r["first_s"] for r in shared], "s"),
        _line(f"{_SHARED:,} people of W1, again in the same process, one worker", w1_alone, "s"),
        _line(f"{_SHARED:,} people of W1, again in the same process, two workers", w1_shared, "s"),
        _line("people per second, one worker", [1000 / r["first_s"] for r in thousand], "/s"),
        _line("peak memory, one person", [r["peak_memory_mib"] for r in one], "MiB"),
        _line("peak memory, 1,000 people, one worker", [r["peak_memory_mib"] for r in thousand], "MiB"),
        "",
        *_parts_table(cold_parts, warm_parts),
    ]
    medians = {
        "first_cold": statistics.median(r["first_s"] for r in cold),
        "first_warm": statistics.median(r["first_s"] for r in one),
        "two_workers": statistics.median(w1_alone) / statistics.median(w1_shared),
    }
    limits = {"first_cold": in_words(cold_parts), "first_warm": in_words(warm_parts)}
    return "\n".join(rows), Waited(medians, limits)
