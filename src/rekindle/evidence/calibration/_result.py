"""Write a fit as the files that the product loads as its default parameters."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rekindle.evidence.calibration._diagnostics import influences, learned
from rekindle.evidence.calibration._fit import Fit
from rekindle.evidence.calibration._free_parameters import free_parameters

_DIGITS = 6
_COLUMNS = (
    "name", "scale", "value", "low", "high", "standard", "sd_ratio", "prior", "prior_low", "prior_high",
    "prior_only",
)  # fmt: skip


def write_result(fit: Fit, folder: Path) -> Path:
    """Write parameters, correlations, provenance and the influence of every study; return their folder.

    The files are those of ``therapy/calibration``; the same fit gives the same bytes.
    """
    own = folder / fit.problem.simulator.mechanism
    own.mkdir(parents=True, exist_ok=True)
    scale = np.sqrt(np.diag(fit.covariance))
    names = [parameter.name for parameter in free_parameters()]
    _write(
        own / "parameters.csv",
        _COLUMNS,
        (
            (
                item.parameter.name,
                item.parameter.scale,
                _number(item.value),
                _number(item.low),
                _number(item.high),
                _number(item.standard),
                _number(item.sd_ratio),
                _number(item.parameter.centre),
                _number(item.parameter.low),
                _number(item.parameter.high),
                "yes" if item.prior_only else "no",
            )
            for item in learned(fit)
        ),
    )
    matrix = fit.covariance / np.outer(scale, scale)
    rows = ([name, *(f"{value:.4f}" for value in line)] for name, line in zip(names, matrix, strict=True))
    _write(own / "correlation.csv", ("name", *names), rows)
    _write(own / "provenance.csv", ("name", "value"), _provenance(fit))
    _write(
        own / "studies.csv",
        ("study_id", "numbers", "log_score", "rms_miss", "shifts"),
        (
            (
                item.study_id,
                item.numbers,
                f"{item.log_score:.2f}",
                f"{float(np.sqrt(np.mean(np.square(item.standard_errors)))):.2f}",
                "; ".join(f"{name} {by:+.2f}" for name, by in item.shifts.items()),
            )
            for item in influences(fit)
        ),
    )
    return own


def _provenance(fit: Fit) -> list[tuple[str, str]]:
    problem = fit.problem
    rows = [target.row.cells for study in problem.studies for target in study.targets]
    people = [sorted(study.changes.items()) for study in problem.individuals]
    data = hashlib.blake2b(repr((rows, people)).encode(), digest_size=8).hexdigest()
    prior = hashlib.blake2b(repr(free_parameters()).encode(), digest_size=8).hexdigest()
    return [
        (
            "command",
            f"rekindle evidence calibrate --mechanism {problem.simulator.mechanism} "
            f"--people {problem.simulator.people} --seed {problem.simulator.seed} "
            f"--steps {len(fit.history) - 1}",
        ),
        ("people per arm", str(problem.simulator.people)),
        ("seed", str(problem.simulator.seed)),
        ("published numbers", str(len(rows))),
        ("studies", str(len(problem.studies) + len(problem.individuals))),
        ("real patients", str(sum(len(study.changes) for study in problem.individuals))),
        ("data fingerprint", data),
        ("prior fingerprint", prior),
        ("steps", str(len(fit.history) - 1)),
        ("converged", "yes" if fit.converged else "no"),
        ("log posterior", f"{fit.history[-1]:.2f}"),
        ("log score left out", f"{sum(item.log_score for item in influences(fit)):.2f}"),
        *((f"study_spread {kind}", _number(value)) for kind, value in fit.study_spread.items()),
    ]


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
