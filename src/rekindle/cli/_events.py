"""``rekindle simulate --events``: a table of event records, for the therapy or for any model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.engine import EventTable, Trajectory
    from rekindle.modelling import Model

#: Options that describe a regimen or people, which the table already does.
_REPLACED = (
    "drug", "product", "weight", "age", "sex", "madrs", "co_medication", "diazepam", "child_pugh", "person",
    "population", "control",
)  # fmt: skip
#: EVID of a record that asks for a prediction.
OBSERVATION = 0
#: Outputs of the therapy model that are shown when none is named.
_USUAL = ("ketamine_venous", "cadss", "systolic_change", "madrs_latent")
#: Rows of predictions on the terminal.
_SHOWN = 30
#: Hours simulated after the last record of a table without observation times, and steps of a day.
_AFTER_H, _STEPS = 24.0, 200


def simulate_events(regimen: str | None, options: Mapping[str, Any]) -> None:
    """Run a table of events and show or write the outputs at its observation times.

    Without observation records (EVID 0) a regular grid up to ``--duration`` is used. Parameters are typical.

    Raises:
        RekindleError: a table or model that cannot be read or solved.
    """
    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import given_outputs, given_parameters, output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.engine import EventTable, solve
    from rekindle.report import require_extra

    _refuse_contradictions(regimen, options)
    model = _model(options)
    parameters, labels = given_parameters(options["values"], model, extrapolate=options["extrapolate"])
    events = EventTable.from_csv(options["events"], model, extrapolate=options["extrapolate"])
    if options["out"] is not None:
        require_extra("parquet")
    folder = output_folder(options["out"])
    with resumable(folder) as checkpoint, progress_bar() as progress:
        trajectory = solve(
            model,
            events,
            parameters=parameters,
            times=_times(events, model, options["duration"]),
            outputs=_outputs(model, given_outputs(options["outputs"])),
            workers=worker_count(options["workers"]),
            checkpoint=checkpoint,
            progress=progress,
            estimate_error=options["estimate_error"],
            device=options["device"],
        )
    written = _write(trajectory, model, folder) if folder is not None else []
    if options["as_json"]:
        click.echo(_json(trajectory, labels))
        return
    _print(trajectory, events, model, labels, Console())
    if written:
        click.echo(f"Table: {written[0]} ({len(written)} files)")


def _refuse_contradictions(regimen: str | None, options: Mapping[str, Any]) -> None:
    given = [name for name in _REPLACED if options[name] not in (None, ())]
    if regimen is not None or given:
        what = "a REGIMEN" if regimen is not None else f"--{given[0].replace('_', '-')}"
        raise click.UsageError(f"--events already says who receives what; leave out {what}.")


def _model(options: Mapping[str, Any]) -> Model:
    from rekindle.cli._model import find_model

    if options["model"] and options["compound"]:
        raise click.UsageError("--compound has a model of its own; leave out --model.")
    name = options["model"] or options["compound"] or "therapy"
    mechanism = (f"mechanism={options['mechanism']}",) if options["mechanism"] else ()
    return find_model(name, (*mechanism, *options["switches"]))


def _outputs(model: Model, named: Sequence[str]) -> list[str]:
    from rekindle.engine import output_names

    if named:
        return list(output_names(model, named))
    return [name for name in _USUAL if name in model.outputs] or list(model.outputs)


def _times(events: EventTable, model: Model, duration: str | None) -> list[float] | None:
    """None where the table says when something was observed."""
    from rekindle.units import convert, parse_quantity

    records = [record for own in events.subjects.values() for record in own]
    if duration is None and any(record.kind == OBSERVATION for record in records):
        return None
    if duration is None:
        end = max(record.time for record in records) + convert(_AFTER_H, "h", model.time_unit)
    else:
        asked = parse_quantity(duration)
        end = convert(asked.value, asked.unit, model.time_unit)
    start = min(0.0, *(record.time for record in records))
    return [start + (end - start) * step / _STEPS for step in range(_STEPS + 1)]


def _print(
    trajectory: Trajectory, events: EventTable, model: Model, labels: Sequence[str], console: Console
) -> None:
    from rekindle.report import STANDING_NOTICE, STATE_NOTICE, number, print_table

    description = f": {model.description}" if model.description else ""
    console.print(f"[bold]Model {model.name}[/bold]{description}", highlight=False)
    people = len(trajectory.ids)
    console.print(f"{people} {'person' if people == 1 else 'people'}, typical parameters.", highlight=False)
    for name in sorted(
        {name for records in events.subjects.values() for r in records for name in r.covariates}
    ):
        console.print(
            f"Covariate {name} is carried between records by {events.carry[name]}.", highlight=False
        )
    heads = [
        f"{name}\n{trajectory.units[name]}" + ("" if trajectory.measurable[name] else f"\n{STATE_NOTICE}")
        for name in trajectory.names
    ]
    frame = trajectory.to_frame()
    every = max(1, len(frame) // _SHOWN)
    rows = [
        [str(row[0]), number(float(row[1]), 4), *(number(float(value), 4) for value in row[2:])]
        for row in frame.iloc[::every].itertuples(index=False)
    ]
    title = (
        "Predictions"
        if every == 1
        else f"Predictions (every {every}th of {len(frame)} rows; --out writes all)"
    )
    print_table(title, ("id", f"time\n{trajectory.time_unit}", *heads), rows, console)
    for label in labels:
        console.print(f"Note: extrapolation: {label}", highlight=False)
    console.print(f"Solver: {trajectory.solver}.", highlight=False)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)


def _json(trajectory: Trajectory, labels: Sequence[str]) -> str:
    from rekindle.cli._version import version
    from rekindle.report import STANDING_NOTICE

    frame = trajectory.to_frame()
    content = {
        "rekindle": version(),
        "notice": STANDING_NOTICE,
        "units": {"time": trajectory.time_unit, **trajectory.units},
        "measurable": dict(trajectory.measurable),
        "carry": dict(trajectory.carry),
        "notes": [f"extrapolation: {label}" for label in labels],
        "solver": str(trajectory.solver),
        "columns": list(frame.columns),
        "rows": frame.to_numpy(dtype=object).tolist(),
    }
    return json.dumps(content, allow_nan=False, ensure_ascii=False)


def _write(trajectory: Trajectory, model: Model, folder: Path) -> list[Path]:
    from rekindle.report import trajectory_columns, write_table

    units = {"time": trajectory.time_unit, **trajectory.units}
    descriptions = {name: output.description for name, output in model.outputs.items()}
    return [
        *write_table(trajectory.to_frame(), folder / "trajectories", units=units),
        *write_table(trajectory_columns(trajectory, descriptions), folder / "columns"),
    ]
