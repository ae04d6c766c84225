"""``rekindle trial``: virtual trials, their results sections, and power by simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from rekindle.trials import Design, TrialRun, World

_RUN = "run"


class _RunByDefault(click.Group):
    """``rekindle trial DESIGN`` is ``rekindle trial run DESIGN``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_RUN, *args]
        return super().parse_args(ctx, args)


def _shared(function: Any) -> Any:
    """Options of every command that simulates."""
    for option in reversed(
        (
            click.option("--study", metavar="ID", help="A published study of the evidence table, as run."),
            click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True),
            click.option("--mechanism", default="disinhibition", show_default=True),
            click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Parameter."),
            click.option(
                "--draws", metavar="TABLE.csv", help="Parameter draws, one column a parameter, in its unit."
            ),
            click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors."),
            click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to use instead of processes."),
            click.option("--checkpoint", metavar="FOLDER", help="Keep finished replicates here."),
            click.option("--out", metavar="FOLDER", help="Write tables there."),
            click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output."),
            click.option("--extrapolate", is_flag=True, help="Accept parameters outside their range."),
        )
    ):
        function = option(function)
    return function


@click.group("trial", cls=_RunByDefault, short_help="Run a virtual trial, or find its power.")
def command() -> None:
    """Run a virtual trial: rekindle trial DESIGN.yaml, or the NAME of a shipped one (rekindle trial list)."""


@command.command(_RUN)
@click.argument("design", required=False, metavar="DESIGN.yaml|NAME")
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--people", type=click.IntRange(min=2), help="People who enter, if not those of the design.")
@click.option("--no-unblinding", is_flag=True, help="Nobody concludes anything from acute effects.")
@_shared
def run(design: str | None, **options: Any) -> None:
    """Simulate a trial from screening to the last visit and report it as a paper would."""
    from dataclasses import replace

    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.cli._trial_tables import print_run
    from rekindle.report import require_extra
    from rekindle.trials import run_trial

    require_extra("analysis")
    found = _design(design, options["study"])
    if options["people"]:
        found = replace(found, number=options["people"])
    folder = output_folder(options["out"])
    if folder is not None:
        require_extra("parquet")
        require_extra("report")
    with resumable(_kept(folder, options)) as checkpoint, progress_bar("replicates") as progress:
        result = run_trial(
            found,
            replicates=options["replicates"],
            seed=options["seed"],
            world=_world(found, options),
            parameter_draws=_draws(options["draws"]),
            workers=worker_count(options["workers"]),
            cluster=options["cluster"],
            checkpoint=checkpoint,
            progress=progress,
        )
    if options["as_json"]:
        click.echo(_run_json(result))
    else:
        print_run(result, Console())
    if folder is not None:
        for path in _write_run(result, folder):
            click.echo(f"Written: {path}", err=True)


@command.command("power")
@click.argument("design", required=False, metavar="DESIGN.yaml|NAME")
@click.option("--n", "numbers", default="", metavar="N,N,...", help="Sizes. Default: that of the design.")
@click.option("--effects", default="1", show_default=True, metavar="X,X,...", help="Factors on the effect.")
@click.option("--replicates", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--unblinding", is_flag=True, help="Also with unblinding switched off.")
@_shared
def power_command(design: str | None, **options: Any) -> None:
    """Probability of a positive primary result by size and true effect, with its Monte Carlo error."""
    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.cli._trial_tables import print_power
    from rekindle.report import power_figure, require_extra, write_table
    from rekindle.trials import power

    require_extra("analysis")
    found = _design(design, options["study"])
    folder = output_folder(options["out"])
    if folder is not None:
        require_extra("parquet")
        require_extra("report")
    with resumable(_kept(folder, options)) as checkpoint, progress_bar("replicates") as progress:
        rows = power(
            found,
            numbers=[int(one) for one in _numbers("--n", options["numbers"])] or None,
            effects=_numbers("--effects", options["effects"]),
            unblinding=(True, False) if options["unblinding"] else (True,),
            replicates=options["replicates"],
            seed=options["seed"],
            world=_world(found, options),
            parameter_draws=_draws(options["draws"]),
            workers=worker_count(options["workers"]),
            cluster=options["cluster"],
            checkpoint=checkpoint,
            progress=progress,
        )
    if options["as_json"]:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([_plain(asdict(one)) for one in rows], indent=2, allow_nan=False))
    else:
        print_power(found.title, rows, Console())
    if folder is not None:
        import pandas

        written = [*write_table(pandas.DataFrame(rows), folder / "power")]
        written.append(_picture(power_figure(rows), folder / "power.png"))
        for path in written:
            click.echo(f"Written: {path}", err=True)


@command.command("list")
def list_designs() -> None:
    """List the shipped designs and the published studies that can be run."""
    from rich.console import Console

    from rekindle.evidence import studies
    from rekindle.report import print_table
    from rekindle.trials import shipped_design, shipped_designs

    console = Console()
    rows = [(name, shipped_design(name).title) for name in shipped_designs()]
    print_table("Shipped designs", ("name", "what"), rows, console, numbers=False)
    known = [(one.study_id, one.words, one.reason or "runs") for one in studies()]
    print_table("Published studies (--study ID)", ("id", "what", "state"), known, console, numbers=False)


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a shipped design, or a published study as a design, to start one of your own from."""
    from rekindle.evidence import studies, study_text
    from rekindle.trials import design_text

    known = {one.study_id for one in studies()}
    click.echo(study_text(name) if name in known else design_text(name), nl=False)


def _design(name: str | None, study: str | None) -> Design:
    from pathlib import Path

    from rekindle.evidence import study_design
    from rekindle.trials import read_design, shipped_design, shipped_designs

    if (name is None) == (study is None):
        raise click.UsageError("Give a DESIGN.yaml, the name of a shipped design, or --study ID.")
    if study is not None:
        return study_design(study)
    assert name is not None, "one of the two is given"
    if name in shipped_designs() or (not Path(name).suffix and not Path(name).exists()):
        return shipped_design(name)
    return read_design(name)


def _world(design: Design, options: Mapping[str, Any]) -> World:
    from rekindle.cli._options import given_parameters
    from rekindle.trials import World

    world = World(options["mechanism"], unblinding=not options.get("no_unblinding", False))
    values, labels = given_parameters(
        options["values"], world.model(design), extrapolate=options["extrapolate"]
    )
    for label in labels:
        click.echo(f"Note: extrapolation: {label}", err=True)
    return World(world.mechanism, unblinding=world.unblinding, parameters=values)


def _draws(path: str | None) -> list[dict[str, float]]:
    """Rows of a table of parameter draws."""
    if path is None:
        return []
    import pandas

    from rekindle.errors import ParameterError
    from rekindle.therapy import therapy_model

    try:
        table = pandas.read_csv(path)
        rows = table.astype(float).to_dict("records")
    except (OSError, ValueError) as problem:
        raise ParameterError(
            "RK-PAR-172",
            given=f'parameter draws "{path}" ({problem})',
            allowed="A CSV table of numbers, one column a parameter, one row a draw",
        ) from None
    unknown = [name for name in table.columns if name not in therapy_model().parameters]
    if unknown or not rows:
        raise ParameterError(
            "RK-PAR-172",
            given=f'parameter draws "{path}"' + (f' with column "{unknown[0]}"' if unknown else " are empty"),
            allowed="Columns with names of model parameters",
            remedy="See `rekindle model show` for the names",
        )
    return [{str(name): float(value) for name, value in row.items()} for row in rows]


def _kept(folder: Path | None, options: Mapping[str, Any]) -> Path | None:
    """Folder in which finished replicates wait."""
    from pathlib import Path

    return Path(options["checkpoint"]) if options["checkpoint"] else folder


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise click.UsageError(f"{option} {text}: numbers separated by commas are wanted.") from None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    import math

    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def _run_json(result: TrialRun) -> str:
    import json
    from dataclasses import asdict

    from rekindle.cli._version import version
    from rekindle.report import STANDING_NOTICE

    several = len(result.replicates) > 1
    content = {
        "rekindle": version(),
        "notice": STANDING_NOTICE,
        "title": result.task.design.title,
        "seed": result.task.seed,
        "replicates": len(result.replicates),
        "results": [_plain(asdict(one)) for one in (result.rows if several else result.replicates[0])],
        "positive": result.positive if result.primary else None,
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)


def _write_run(result: TrialRun, folder: Path) -> list[Path]:
    """Results over all replicates, results of each, and the data set of the first."""
    import pandas

    from rekindle.report import trial_figure, write_table
    from rekindle.trials import run_replicates

    task = result.task
    data = run_replicates(
        task.design, [0], seed=task.seed, world=task.world, parameter_draws=task.parameter_draws
    )[0]
    every = [
        {"replicate": number, **{name: getattr(one, name) for name in one.__slots__}}
        for number, found in enumerate(result.replicates)
        for one in found
    ]
    written = [
        *write_table(pandas.DataFrame(result.rows), folder / "results"),
        *write_table(pandas.DataFrame(every), folder / "replicates"),
        *write_table(data.people_frame(task.design), folder / "people"),
        *write_table(data.observation_frame(), folder / "observations"),
    ]
    figure = trial_figure(result.rows, task.design.scale)
    return [*written, _picture(figure, folder / "change.png")]


def _picture(figure: Figure, path: Path) -> Path:
    from rekindle.report import figure_bytes

    path.write_bytes(figure_bytes(figure, "png"))
    return path
