"""Measure what a user waits for: start-up, one person and a thousand people over 26 weeks, peak memory.

Each figure is taken in a fresh process, several times; the page quotes the median and the range. Run
``make bench``; it writes ``docs/performance-figures.md`` with the machine they were taken on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

REGIMEN = "ketamine 0.5 mg/kg iv over 40 min, twice weekly x 4 weeks, then weekly x 4, then every 2 weeks x 9"
WEEKS = 26
PAGE = Path(__file__).parent.parent / "docs" / "performance-figures.md"


def course(people: int, workers: int) -> dict[str, float]:
    """Simulate the course once in this process; first call and repeat."""
    from rekindle.people import Person, Population, output_times, simulate_people
    from rekindle.regimen import parse_regimen

    times = output_times(parse_regimen(REGIMEN), WEEKS * 7 * 24.0)
    who = Person(1) if people == 1 else Population(people, seed=1)
    seconds = []
    for _ in range(2 if people == 1 else 1):
        start = time.perf_counter()
        result = simulate_people(REGIMEN, who, times=times, workers=workers)
        seconds.append(time.perf_counter() - start)
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "first_s": seconds[0],
        "repeat_s": seconds[-1],
        "rows": len(result.time),
        "steps": result.solver.steps,
        "peak_memory_mib": max(usage, children) / 1024,
    }


def in_fresh_process(arguments: list[str], runs: int) -> list[dict[str, float]]:
    """Run this file with arguments several times and collect what it prints."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(runs)
    ]


def wall(command: list[str], runs: int) -> list[float]:
    """Wall time of a command, several runs after one warm-up."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def line(label: str, values: list[float], unit: str) -> str:
    """One row of the table: median and range."""
    return f"| {label} | {statistics.median(values):.3g} {unit} | {min(values):.3g} to {max(values):.3g} |"


def machine() -> str:
    """Processor, cores, system and versions."""
    model = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = next(
            part.split(":", 1)[1].strip() for part in text.splitlines() if part.startswith("model name")
        )
    except (OSError, StopIteration):
        pass
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "llvmlite"))
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {system}, {packages}"


def write_page(runs: int) -> str:
    """Measure everything and return the page."""
    rekindle = [sys.executable, "-m", "rekindle"]
    one = in_fresh_process(["--people", "1"], runs)
    thousand = in_fresh_process(["--people", "1000"], max(1, runs // 2))
    shared = in_fresh_process(["--people", "1000", "--workers", "2"], max(1, runs // 2))
    rows = [
        "| what | median | range |",
        "|---|---|---|",
        line("`rekindle --help`, whole process", wall([*rekindle, "--help"], runs), "s"),
        line(
            "one person, 26 weeks, first call (reads and compiles the model)",
            [r["first_s"] for r in one],
            "s",
        ),
        line("one person, 26 weeks, again in the same process", [r["repeat_s"] for r in one], "s"),
        line("1,000 people, 26 weeks, one process", [r["first_s"] for r in thousand], "s"),
        line("1,000 people, 26 weeks, two processes", [r["first_s"] for r in shared], "s"),
        line("people per second, one process", [1000 / r["first_s"] for r in thousand], "/s"),
        line("peak memory, one person", [r["peak_memory_mib"] for r in one], "MiB"),
        line("peak memory, 1,000 people, one process", [r["peak_memory_mib"] for r in thousand], "MiB"),
    ]
    note = (
        f"Machine: {machine()}.\n\nWorkload: `{REGIMEN}`, all outputs at {one[0]['rows']} times per person, "
        f"between-person variability on, "
        f"relative tolerance 1e-7; one person takes {one[0]['steps']} solver steps."
    )
    return "\n".join([note, "", *rows, ""])


def main() -> None:
    """Measure one course (with --people) or write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if options.people:
        print(json.dumps(course(options.people, options.workers)))
        return
    page = write_page(options.runs)
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
