"""One course in a fresh process, with what each part of it took; run as a script by ``_waiting``.

The packages are imported one after the other, so that each pays for what nobody imported before it. Nothing
else is imported until the result is there.
"""

import sys
import time

REGIMEN = "ketamine 0.5 mg/kg iv over 40 min, twice weekly x 4 weeks, then weekly x 4, then every 2 weeks x 9"
WEEKS = 26

#: What takes most of a first call: function -> part; a part does not count the parts inside it.
PARTS = {
    "rekindle.people._simulate.course_model": "model, read or loaded",
    "rekindle.engine.running._job._compile": "equations, derived or loaded",
    "rekindle.engine.program._kernel.Kernel._module": "code, written",
    "rekindle.engine.code._machine_code.compiled": "code, optimised and translated by LLVM",
    "rekindle.engine.running._job.Kernel": "machine code, loaded",
    "rekindle.engine.running._job.record": "doses, turned into a program",
    "rekindle.engine.program._program_run.ProgramRun.work": "integration",
}
PYTHON, NUMPY, LLVM = "Python, until its first line", "NumPy, imported", "LLVM, imported"
OWN, REST = "Rekindle, imported", "regimen, people, tables, result"


class Clock:
    """Wall time by part; a part that is entered inside another one takes its time away from it.

    Args:
        start: when the first part began (``time.time()``).
        first: its name.
    """

    def __init__(self, start, first):
        self.seconds = {}
        self._parts, self._since = [first], start

    def enter(self, part):
        """Count for a part from now on."""
        self._stop()
        self._parts.append(part)

    def leave(self):
        """Count for the part around it again."""
        self._stop()
        self._parts.pop()

    def _stop(self):
        now = time.time()
        part = self._parts[-1]
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._since
        self._since = now

    def watch(self, path, part):
        """Count a function for a part from now on."""
        names, owner = path.split("."), sys.modules["rekindle"]
        for name in names[1:-1]:
            owner = getattr(owner, name)
        function = getattr(owner, names[-1])

        def watched(*given, **named):
            self.enter(part)
            try:
                return function(*given, **named)
            finally:
                self.leave()

        setattr(owner, names[-1], watched)


def course(people, workers, start):
    """Simulate the course in this process; first call and, for one person, repeat.

    Args:
        people: how many people.
        workers: how many share them.
        start: when this process was started (``time.time()``), so that Python and every import count.
    """
    clock = Clock(start, PYTHON)
    clock.enter(NUMPY)
    import numpy  # noqa: F401

    clock.enter(LLVM)
    import llvmlite.binding  # noqa: F401

    clock.enter(OWN)
    from rekindle.people import Person, Population, output_times, simulate_people
    from rekindle.regimen import parse_regimen

    for path, part in PARTS.items() if people == 1 else ():  # threads would count at the same time
        clock.watch(path, part)
    clock.enter(REST)
    times = output_times(parse_regimen(REGIMEN), WEEKS * 7 * 24.0)
    who = Person(1) if people == 1 else Population(people, seed=1)
    result = simulate_people(REGIMEN, who, times=times, workers=workers)
    clock.leave()
    parts = dict(clock.seconds)
    first = again = sum(parts.values())
    if people == 1:
        begin = time.time()
        simulate_people(REGIMEN, who, times=times, workers=workers)
        again = time.time() - begin
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "first_s": first,
        "repeat_s": again,
        "parts": parts,
        "rows": len(result.time),
        "steps": result.solver.steps,
        "peak_memory_mib": max(own_peak(), children) / 1024,
    }


def own_peak():
    """Most memory that this process has had, KiB; what ``getrusage`` says includes that of its parent."""
    with open("/proc/self/status", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    raise RuntimeError("/proc/self/status names no VmHWM: this figure needs Linux")


if __name__ == "__main__":
    found = course(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    import json

    print(json.dumps(found))
