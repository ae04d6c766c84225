"""``rekindle evidence``: predictions for published observations."""

from __future__ import annotations

import click


@click.group("evidence", short_help="Predict published observations and compare.")
def command() -> None:
    """Hold the model against published observations."""


@command.command("predict")
@click.argument("arms", metavar="ARMS.csv")
@click.option("--out", metavar="FILE", help="Write the table with its predictions there (CSV).")
@click.option("--json", "as_json", is_flag=True, help="The table as JSON on standard output.")
@click.option(
    "--people", type=click.IntRange(min=2), default=200, show_default=True, help="People for each interval."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
def predict(arms: str, out: str | None, as_json: bool, people: int, seed: int, workers: int | None) -> None:
    """Predict every row of ARMS.csv and give the table back with predictions, intervals and verdicts."""
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.evidence import predict_arms

    with resumable(None), progress_bar("arms") as progress:
        prediction = predict_arms(
            arms, n_people=people, seed=seed, workers=worker_count(workers), progress=progress
        )
    if out is not None:
        prediction.to_csv(out)
    if as_json:
        click.echo(prediction.to_json())
    elif out is None:
        click.echo(prediction.to_csv(), nl=False)
    click.echo(prediction.summary(), err=as_json or out is None)


@command.command("condition")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def condition(name: str, as_json: bool) -> None:
    """What trials reported in a condition other than depression, each on its own scale.

    Nothing is simulated: no amplitude is shared with depression.
    """
    import json
    from dataclasses import asdict

    from rekindle.report import number, print_table
    from rekindle.trials import condition_results

    found = condition_results(name)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    rows = [
        (
            f"{one.study}, {one.arm}",
            one.outcome,
            one.threshold or one.scale,
            "" if one.time_h is None else f"{one.time_h:g} h",
            f"{number(one.value)} {one.unit}",
            f"{one.source} ({one.mark})",
        )
        for one in found
    ]
    columns = ("study, arm", "outcome", "scale", "time", "reported", "source")
    console = Console()
    print_table(f"Reported in {name}; nothing is simulated", columns, rows, console, numbers=False)


@command.command("report")
@click.option(
    "--out", metavar="FOLDER", default="evidence-report", show_default=True, help="Write the report there."
)
@click.option(
    "--people", type=click.IntRange(min=2), default=200, show_default=True, help="People for each interval."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
def report(out: str, people: int, seed: int, workers: int | None) -> None:
    """Predict all shipped tables and write predicted against observed: evidence.html, tables and figures."""
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.evidence import development_arms, development_outcomes, predict_arms
    from rekindle.report import require_extra, write_evidence

    require_extra("report")
    folder = output_folder(out)
    assert folder is not None
    predictions = []
    for source in (development_arms(), development_outcomes()):
        with resumable(None), progress_bar("arms") as progress:
            predictions.append(
                predict_arms(
                    source, n_people=people, seed=seed, workers=worker_count(workers), progress=progress
                )
            )
    plasma, outcomes = predictions
    written = write_evidence(plasma, outcomes, folder)
    click.echo(f"Plasma: {plasma.summary()}\n\nClinical outcomes: {outcomes.summary()}\n")
    click.echo(f"Report: {written[0]} ({len(written)} files)")
