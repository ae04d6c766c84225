"""``rekindle replay``: a real trial, simulated with its own patients and compared with what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.trials import CrossoverReplay


@click.group("replay", short_help="Replay a real trial with its own patients.")
def command() -> None:
    """Simulate a real trial as it was run, and hold the result against what was observed."""


@command.command("nimh_crossover")
@click.option(
    "--replicates", type=click.IntRange(min=2), default=200, show_default=True, help="Simulated trials."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--mechanism", default="disinhibition", show_default=True, help="Hypothesis of the mood effect."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option("--out", metavar="FOLDER", help="Write tables, figures and report.html there.")
def nimh_crossover(replicates: int, seed: int, mechanism: str, workers: int | None, out: str | None) -> None:
    """Ketamine and saline in 16 real patients (NIMH, OpenNeuro ds005917, CC0; the rows shipped here)."""
    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.report import require_extra, write_crossover
    from rekindle.trials import replay_nimh_crossover

    if out is not None:
        require_extra("report")
        require_extra("parquet")
    folder = output_folder(out)
    with resumable(folder) as checkpoint, progress_bar("virtual patients") as progress:
        replay = replay_nimh_crossover(
            replicates=replicates,
            seed=seed,
            mechanism=mechanism,
            workers=worker_count(workers),
            checkpoint=checkpoint,
            progress=progress,
        )
    _print_replay(replay, Console())
    if folder is not None:
        written = write_crossover(replay, folder)
        click.echo(f"Report: {written[0]} ({len(written)} files)")


def _print_replay(replay: CrossoverReplay, console: Console) -> None:
    from rekindle.report import STANDING_NOTICE, crossover_tables, number, percent, print_table

    share, count = replay.coverage
    console.print(
        f"[bold]NIMH crossover of ketamine and saline[/bold]: {len(replay.patients)} real patients in "
        f"{replay.replicates} simulated copies of their trial "
        f"(seed {replay.seed}, mechanism {replay.mechanism}).",
        highlight=False,
    )
    for table in crossover_tables(replay):
        print_table(table.caption, table.columns, table.rows, console)
    errors = [(name, number(value)) for name, value in replay.error.items()]
    print_table("Root-mean-square error of single scores, points", ("predictor", "error"), errors, console)
    console.print(
        f"{percent(share)} of {count} observed scores lie inside their own 90 % interval.", highlight=False
    )
    for patient, why in replay.left_out.items():
        console.print(f"Left out: {patient}, {why}.", highlight=False)
    console.print(
        "These patients helped to set the control arm of the model: no independent evidence.", highlight=False
    )
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)
