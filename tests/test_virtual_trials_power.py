"""Power by simulation, what unblinding contributes, and replicates on a cluster that loses a machine."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rekindle.errors import DesignError, OutputError, ParameterError
from rekindle.therapy import ParameterSet
from rekindle.trials import (
    Design,
    Estimate,
    build_design,
    power,
    primary_result,
    run_replicates,
    run_trial,
    shipped_design,
)


def parallel(**changes: Any) -> Design:
    """A one-week parallel trial of one infusion."""
    content: dict[str, Any] = {
        "control_class": "saline_parallel",
        "people": {"number": 24},
        "scales": {"MADRS": {"mean": 33, "sd": 6}},
        "arms": {
            "ketamine": {"treatment": "ketamine 0.5 mg/kg iv over 40 min"},
            "saline": {"treatment": "saline", "control": True},
        },
        "phases": [
            {
                "name": "blinded",
                "days": 7,
                "allocation": {"ketamine": 1, "saline": 1},
                "sessions": [0],
                "visits": [{"days": [1, 7]}],
            }
        ],
    }
    return build_design({**content, **changes})


def test_unblinding_alone_makes_a_difference_that_vanishes_with_it() -> None:
    found = replace(shipped_design("saline_crossover"), number=14)
    rows = power(found, effects=[0.0], unblinding=[True, False], replicates=10)
    seeing, blind = rows
    assert seeing.difference < blind.difference
    assert blind.difference == pytest.approx(0.0, abs=1.2)
    assert blind.power <= 0.3


def test_power_rises_with_size_and_effect() -> None:
    rows = power(parallel(primary={"analysis": "locf", "day": 7, "arms": ["ketamine", "saline"]}),
                 numbers=[8, 36], effects=[0.2, 1.0], replicates=10)  # fmt: skip
    by = {(row.number, row.effect): row.power for row in rows}
    assert by[36, 1.0] > by[8, 1.0]
    assert by[36, 1.0] > by[36, 0.2]
    assert rows[0].error == pytest.approx(math.sqrt(rows[0].power * (1 - rows[0].power) / 10))


def test_one_run_at_the_largest_size_serves_every_size() -> None:
    found = parallel(primary={"analysis": "observed", "day": 1, "arms": ["ketamine", "saline"]})
    both = power(found, numbers=[8, 16], replicates=3)
    alone = power(found, numbers=[8], replicates=3)
    assert both[0] == alone[0]


def test_assurance_stands_beside_power_and_is_the_same_when_nothing_is_uncertain() -> None:
    found = parallel(primary={"analysis": "observed", "day": 1, "arms": ["ketamine", "saline"]})
    known, certain = power(found, numbers=[12], replicates=4, parameter_draws=[ParameterSet()])
    assert (known.drawn, certain.drawn) == (False, True)
    assert known.power == certain.power
    useless = ParameterSet(dict.fromkeys(("EP", "ES", "EA"), 1e-9))
    before, after = power(found, numbers=[12], replicates=4, parameter_draws=[useless])
    assert before == known
    assert after.difference > before.difference + 4


@pytest.mark.parametrize("changes", [{"numbers": [2]}, {"effects": [-1.0]}, {"replicates": 0}])
def test_impossible_questions_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        power(shipped_design("saline_crossover"), **changes)


def test_power_needs_a_primary_result() -> None:
    with pytest.raises(DesignError, match="primary"):
        power(parallel())


def test_a_cluster_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("rekindle.engine.streaming._stream_cluster._PATIENCE", 0.5)
    with pytest.raises(OutputError) as caught:
        run_trial(shipped_design("saline_crossover"), cluster="tcp://127.0.0.1:9")
    assert caught.value.code == "RK-OUT-040"


def test_a_killed_worker_of_a_cluster_loses_nothing(tmp_path: Path) -> None:
    distributed: Any = pytest.importorskip("distributed")
    found = replace(shipped_design("saline_crossover"), number=4)
    known = run_trial(found, replicates=15)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        workers: Sequence[int] = [one.process.pid for one in cluster.workers.values()]
        killed: list[int] = []

        def kill_one(done: int, total: int) -> None:
            if done and not killed:
                killed.append(workers[0])
                os.kill(workers[0], signal.SIGKILL)

        run = run_trial(found, replicates=15, cluster=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert repr(run.replicates) == repr(known.replicates)


def test_an_interim_analysis_stops_a_trial_that_is_clear_by_then() -> None:
    primary = {"analysis": "observed", "day": 1, "arms": ["ketamine", "saline"]}
    plain = parallel(primary=primary)
    data = run_replicates(plain, [0], number=24)[0]

    def decided(alpha: float) -> Estimate:
        interim = [{"share": 0.5, "alpha": alpha}]
        return primary_result(parallel(primary={**primary, "interim": interim}), data)

    assert decided(1.0) == primary_result(plain, data.first(12))
    assert decided(0.0) == primary_result(plain, data)
