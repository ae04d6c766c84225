"""What a user waits for: start-up, one person and a thousand people over 26 weeks, peak memory.

Each figure is taken in a fresh process, several times; the page quotes the median and the range.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REGIMEN = "ketamine 0.5 mg/kg iv over 40 min, twice weekly x 4 weeks, then weekly x 4, then every 2 weeks x 9"
WEEKS = 26


def course(people: int, workers: int, start: float) -> dict[str, float]:
    """Simulate the course in this process; first call and, for one person, repeat.

    Args:
        people: how many people.
        workers: how many share them.
        start: when this process was started (``time.time()``), so that Python and every import count.
    """
    from rekindle.people import Person, Population, output_times, simulate_people
    from rekindle.regimen import parse_regimen

    times = output_times(parse_regimen(REGIMEN), WEEKS * 7 * 24.0)
    who = Person(1) if people == 1 else Population(people, seed=1)
    seconds = []
    for _ in range(2 if people == 1 else 1):
        result = simulate_people(REGIMEN, who, times=times, workers=workers)
        seconds.append(time.time() - start)
        start = time.time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "first_s": seconds[0],
        "repeat_s": seconds[-1],
        "rows": len(result.time),
        "steps": result.solver.steps,
        "peak_memory_mib": max(_own_peak(), children) / 1024,
    }


def _own_peak() -> int:
    """Most memory that this process has had, KiB; what ``getrusage`` says includes that of its parent."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status names no VmHWM: this figure needs Linux")


def in_fresh_process(people: int, workers: int, runs: int, cache: str) -> list[dict[str, float]]:
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
            command = [sys.executable, "-m", "benchmarks._waiting", str(people), str(workers)]
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


def waiting(runs: int, say: Callable[[str], None]) -> tuple[str, dict[str, float]]:
    """The section of the page, and medians for the goals."""
    rekindle = [sys.executable, "-m", "rekindle"]
    few = max(1, runs // 2)
    with tempfile.TemporaryDirectory() as cache:
        say("waiting: start of the command line")
        start = _wall([*rekindle, "--help"], runs)
        say("waiting: one person, no cache")
        cold = in_fresh_process(1, 1, runs, "")
        say("waiting: one person, with cache")
        in_fresh_process(1, 1, 1, cache)
        one = in_fresh_process(1, 1, runs, cache)
        say("waiting: 1,000 people, one worker")
        thousand = in_fresh_process(1000, 1, few, cache)
        say("waiting: 1,000 people, two workers")
        shared = in_fresh_process(1000, 2, few, cache)
    rows = [
        f"Workload: `{REGIMEN}`, the whole therapy model, all outputs at {one[0]['rows']} times per person, "
        "between-person variability on, the default tolerance. Wall time, each figure in a fresh process.",
        "",
        "| what | median | range |",
        "|---|---|---|",
        _line("`rekindle --help`, whole process", start, "s"),
        _line("one person, 26 weeks, first call, empty cache", [r["first_s"] for r in cold], "s"),
        _line("one person, 26 weeks, first call, warm cache", [r["first_s"] for r in one], "s"),
        _line("one person, 26 weeks, again in the same process", [r["repeat_s"] for r in one], "s"),
        _line("1,000 people, 26 weeks, one worker", [r["first_s"] for r in thousand], "s"),
        _line("1,000 people, 26 weeks, two workers", [r["first_s"] for r in shared], "s"),
        _line("people per second, one worker", [1000 / r["first_s"] for r in thousand], "/s"),
        _line("peak memory, one person", [r["peak_memory_mib"] for r in one], "MiB"),
        _line("peak memory, 1,000 people, one worker", [r["peak_memory_mib"] for r in thousand], "MiB"),
        "",
    ]
    figures = {
        "first_cold": statistics.median(r["first_s"] for r in cold),
        "first_warm": statistics.median(r["first_s"] for r in one),
        "two_workers": statistics.median(r["first_s"] for r in thousand)
        / statistics.median(r["first_s"] for r in shared),
    }
    return "\n".join(rows), figures


if __name__ == "__main__":
    print(json.dumps(course(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
