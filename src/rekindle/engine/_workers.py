"""Running many people: in this process or several, with finished people kept on disk."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from rekindle.engine._compiled import CompiledSystem
from rekindle.engine._motion import NoModalFormError
from rekindle.engine._subject import Subject, SubjectResult, run_subject
from rekindle.engine._system import build_system
from rekindle.errors import OutputError
from rekindle.modelling import Assignment, Expression, Model

#: People per unit of work: small enough to lose little, large enough to make files and messages rare.
_CHUNK = 25

_compiled: dict[tuple[object, ...], CompiledSystem] = {}


@dataclass(frozen=True)
class Job:
    """Everything that determines the numbers of a run."""

    model: Model
    outputs: tuple[str, ...]
    ramps: tuple[str, ...]
    subjects: tuple[Subject, ...]
    tolerance: float

    @cached_property
    def compiled(self) -> CompiledSystem:
        """Machine code for the model, shared by all runs of the same equations in this process."""
        return _compile(self.model, self.outputs, self.ramps, exact_linear=True)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "compiled"}

    def run(self, subject: Subject) -> SubjectResult:
        """Run one person; fall back to the general solver where the linear part has no modal form."""
        try:
            return run_subject(self.compiled, subject, self.tolerance)
        except NoModalFormError:
            general = _compile(self.model, self.outputs, self.ramps, exact_linear=False)
            return run_subject(general, subject, self.tolerance)

    def fingerprint(self) -> str:
        """Digest of model, people, outputs and tolerance."""
        content = pickle.dumps(
            (self.model, self.outputs, self.ramps, self.subjects, self.tolerance), protocol=4
        )
        return hashlib.sha256(content).hexdigest()


def _compile(
    model: Model, outputs: tuple[str, ...], ramps: tuple[str, ...], *, exact_linear: bool
) -> CompiledSystem:
    equations = model.inline(
        *model.derivatives.values(), *(model.outputs[name].expression for name in outputs)
    )
    initial = [state.initial for state in model.states.values()]
    rules = [
        (name, rule.bioavailability, rule.lag, rule.duration, rule.rate)
        for name, rule in model.dosing.items()
    ]
    events = [(name, _pairs(event.assignments)) for name, event in model.events.items()]
    peaks = [(n, p.expression, p.condition, _pairs(p.assignments)) for n, p in model.peaks.items()]
    names = (*model.derivatives, "|", *model.parameters, "|", *model.covariates, "|", *outputs, "|", *ramps)
    definitions = tuple(model.inlined_definitions.items())
    parts = (names, exact_linear, definitions, *equations, *initial, *rules, *events, *peaks)
    if parts not in _compiled:
        system = build_system(model, outputs, ramps, exact_linear=exact_linear)
        compiled = CompiledSystem(system)
        if compiled.peak_names and not system.nonlinear:
            # Peaks are looked for between the steps of the stepper, so something must be stepped.
            compiled = CompiledSystem(build_system(model, outputs, ramps, exact_linear=False))
        _compiled[parts] = compiled
    return _compiled[parts]


def _pairs(assignments: Sequence[Assignment]) -> tuple[tuple[str, Expression], ...]:
    return tuple((assignment.state, assignment.expression) for assignment in assignments)


def run_job(
    job: Job,
    *,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[SubjectResult]:
    """Results of all people in order; identical at any number of workers."""
    job.compiled  # noqa: B018 - compile once, before processes are forked
    store = _Store(Path(checkpoint), job) if checkpoint is not None else None
    total = len(job.subjects)
    chunks = [range(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK)]
    results: dict[int, list[SubjectResult]] = {}
    for number in range(len(chunks)):
        kept = store.load(number, len(chunks[number])) if store else None
        if kept is not None:
            results[number] = kept
    done = sum(len(part) for part in results.values())
    if progress:
        progress(done, total)
    missing = [number for number in range(len(chunks)) if number not in results]
    for number, part in _run_chunks(job, chunks, missing, workers):
        results[number] = part
        if store:
            store.save(number, part)
        done += len(part)
        if progress:
            progress(done, total)
    return [result for number in range(len(chunks)) for result in results[number]]


def _run_chunks(
    job: Job, chunks: Sequence[range], missing: Sequence[int], workers: int
) -> Iterator[tuple[int, list[SubjectResult]]]:
    if workers <= 1 or len(missing) <= 1:
        for number in missing:
            yield number, [job.run(job.subjects[place]) for place in chunks[number]]
        return
    # Forked workers inherit the machine code; elsewhere each compiles its own.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    global _shared
    _shared = job
    pool = ProcessPoolExecutor(min(workers, len(missing)), context, _start_worker, (job,))
    try:
        pending = {pool.submit(_work, chunks[number]): number for number in missing}
        for future in as_completed(pending):
            yield pending[future], future.result()
    finally:
        # After an interruption nothing that is queued should run on.
        pool.shutdown(wait=False, cancel_futures=True)


_shared: Job | None = None


def _start_worker(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    global _shared
    _shared = job


def _work(places: range) -> list[SubjectResult]:
    assert _shared is not None
    return [_shared.run(_shared.subjects[place]) for place in places]


class _Store:
    """Finished chunks in a folder; each file is complete or absent."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        note, mine = folder / "run.json", job.fingerprint()
        if note.exists():
            theirs = json.loads(note.read_text()).get("fingerprint")
            if theirs != mine:
                raise OutputError(
                    "RK-OUT-005",
                    given=f"{folder} holds an unfinished run with other inputs",
                    why="Mixing two runs would give numbers that belong to neither",
                    remedy="Choose another folder, or delete this one",
                )
        else:
            self._write(note, json.dumps({"fingerprint": mine}).encode())

    def _path(self, number: int) -> Path:
        return self.folder / f"people_{number * _CHUNK:07d}.npz"

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content)
        os.replace(part, path)

    def save(self, number: int, results: Sequence[SubjectResult]) -> None:
        """Keep one finished chunk."""
        import io

        buffer = io.BytesIO()
        np.savez(
            buffer,
            lengths=[len(result.times) for result in results],
            times=np.concatenate([result.times for result in results]),
            values=np.concatenate([result.values for result in results]),
            counts=[(result.steps, result.rejected, result.cycles) for result in results],
        )
        self._write(self._path(number), buffer.getvalue())

    def load(self, number: int, expected: int) -> list[SubjectResult] | None:
        """A finished chunk, or None if it is absent or damaged (it is then run again)."""
        try:
            with np.load(self._path(number)) as stored:
                lengths, counts = stored["lengths"], stored["counts"]
                ends = np.cumsum(lengths)[:-1]
                times, values = np.split(stored["times"], ends), np.split(stored["values"], ends)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if len(lengths) != expected:
            return None
        return [
            SubjectResult(t, v, int(c[0]), int(c[1]), int(c[2]))
            for t, v, c in zip(times, values, counts, strict=True)
        ]
