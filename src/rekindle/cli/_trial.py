"""``rekindle trial``: virtual trials, their results sections, and power by simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rekindle.cli._trial_options import chosen_design, kept_in, results_folder, run_options, shared_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rekindle.evidence import Reported
    from rekindle.trials import TrialRun

_RUN = "run"


class _RunByDefault(click.Group):
    """``rekindle trial DESIGN`` is ``rekindle trial run DESIGN``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_RUN, *args]
        return super().parse_args(ctx, args)


@click.group("trial", cls=_RunByDefault, short_help="Run a virtual trial, or find its power.")
def command() -> None:
    """Run a virtual trial: rekindle trial DESIGN.yaml, or the NAME of a shipped one (rekindle trial list)."""


@command.command(_RUN)
@shared_options
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--people", type=click.IntRange(2, 100_000), help="People who enter, if not as designed.")
@click.option("--no-unblinding", is_flag=True, help="Nobody concludes anything from acute effects.")
@click.option("--uncertainty", is_flag=True, help="Also at drawn parameters, and as a new study each.")
def run(**options: Any) -> None:
    """Simulate a trial from screening to the last visit and report it as a paper would."""
    from dataclasses import replace

    from rich.console import Console

    from rekindle.cli._progress import progress_bar
    from rekindle.cli._trial_tables import print_run
    from rekindle.evidence import reported_results
    from rekindle.trials import run_trial

    design = chosen_design(options)
    if options["people"]:
        design = replace(design, number=options["people"])
    folder = results_folder(options)
    with kept_in(folder, options) as checkpoint, progress_bar("replicates") as progress:
        known = run_options(design, options, checkpoint, progress)
        result = run_trial(design, replicates=options["replicates"], **known)
    reported = reported_results(options["study"], result.rows) if options["study"] else []
    if options["as_json"]:
        click.echo(_run_json(result, reported))
    else:
        print_run(result, Console(), reported)
    if folder is not None:
        from rekindle.report import write_trial

        for path in write_trial(result, folder, reported):
            click.echo(f"Written: {path}", err=True)


@command.command("power")
@shared_options
@click.option("--n", "numbers", default="", metavar="N,N,...", help="Sizes. Default: that of the design.")
@click.option("--effects", default="1", show_default=True, metavar="X,X,...", help="Factors on the effect.")
@click.option("--replicates", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--unblinding", is_flag=True, help="Also with unblinding switched off.")
@click.option(
    "--assurance", "uncertainty", is_flag=True, help="Also at drawn parameters, and as a new study each."
)
def power_command(**options: Any) -> None:
    """Probability of a positive primary result by size and true effect, with its Monte Carlo error."""
    from rich.console import Console

    from rekindle.cli._progress import progress_bar
    from rekindle.cli._trial_tables import print_power
    from rekindle.trials import power

    design = chosen_design(options)
    folder = results_folder(options)
    with kept_in(folder, options) as checkpoint, progress_bar("replicates") as progress:
        rows = power(
            design,
            numbers=[int(one) for one in _numbers("--n", options["numbers"])] or None,
            effects=_numbers("--effects", options["effects"]),
            unblinding=(True, False) if options["unblinding"] else (True,),
            replicates=options["replicates"],
            **run_options(design, options, checkpoint, progress),
        )
    if options["as_json"]:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([_plain(asdict(one)) for one in rows], indent=2, allow_nan=False))
    else:
        print_power(design.title, rows, Console())
    if folder is not None:
        from rekindle.report import write_power

        for path in write_power(rows, folder):
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
    known = [
        (one.study_id, one.words, f"cannot be run: {one.reason}" if one.reason else _state(one.missing))
        for one in studies()
    ]
    print_table("Published studies (--study ID)", ("id", "what", "state"), known, console, numbers=False)


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a shipped design, or a published study as a design, to start one of your own from."""
    from rekindle.evidence import studies, study_text
    from rekindle.trials import design_text

    known = {one.study_id for one in studies()}
    click.echo(study_text(name) if name in known else design_text(name), nl=False)


def _state(missing: tuple[str, ...]) -> str:
    return "; ".join(("runs", *missing))


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


def _run_json(result: TrialRun, reported: Sequence[Reported]) -> str:
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
        "positive_with_uncertain_parameters": result.positive_drawn if result.drawn else None,
        "positive_in_a_new_study": result.positive_study if result.study else None,
        "reported": [_plain(_reported_row(one)) for one in reported],
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)


def _reported_row(one: Reported) -> dict[str, Any]:
    names = ("outcome", "day", "arm", "unit")
    result = one.simulated
    known: dict[str, Any] = {name: getattr(one, name) for name in names}
    return known | {"reported": one.value, "value": result.value, "low": result.low, "high": result.high}
