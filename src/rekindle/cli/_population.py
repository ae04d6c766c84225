"""``rekindle population``: a regimen in very many people, in bounded memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from rekindle.cli._solver_options import device_option, estimate_error_option, refuse_card, refuse_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rekindle.engine import MeasureSummary, Reduced, Reducer

#: What this command makes, for messages.
_WHAT = "a population that is summarised piece by piece"
#: The output of which a response is counted as well.
_MOOD = "madrs_latent"


@click.command("population", short_help="Simulate very many people and keep summaries.")
@click.argument("regimen")
@click.option("--people", type=click.IntRange(min=1), default=10_000, show_default=True, metavar="N")
@click.option(
    "--duration", metavar="TIME", help='How long, e.g. "26 weeks". Default: last session + 14 days.'
)
@click.option(
    "--output", "outputs", multiple=True, metavar="NAME", help="May be repeated. Default madrs_latent."
)
@click.option("--control", metavar="CLASS", help="Control class, whose non-specific response is added.")
@click.option("--mechanism", default="disinhibition", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to use instead of processes.")
@estimate_error_option
@device_option
@click.option("--out", metavar="FOLDER", help="Write summaries and the numbers of every person there.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
@click.option("--extrapolate", is_flag=True, help="Simulate doses that nobody studied.")
def command(regimen: str, **options: Any) -> None:
    """Simulate a regimen in a virtual population of any size.

    Memory does not grow with the number of people, and an interrupted run goes on when repeated with --out.
    """
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, quantity, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.people import Population, Setting, output_times, read_treatment, reduce_people
    from rekindle.report import require_extra

    refuse_card(options["device"], _WHAT, "its pieces are too small")
    if options["estimate_error"]:
        refuse_errors(_WHAT, "nobody's course is kept to compare")
    given, compound = read_treatment(regimen)
    duration = options["duration"]
    times = output_times(given, None if duration is None else quantity(duration, "h"))
    folder = output_folder(options["out"])
    if folder is not None:
        require_extra("parquet")
    with resumable(folder) as checkpoint, progress_bar() as progress:
        found = reduce_people(
            given,
            Population(options["people"], seed=options["seed"]),
            _reducers(options["outputs"] or (_MOOD,), times[-1]),
            times=times,
            setting=Setting(options["control"]),
            compound=compound,
            mechanism=options["mechanism"],
            allow_extrapolation=options["extrapolate"],
            seed=options["seed"],
            workers=worker_count(options["workers"]),
            cluster=options["cluster"],
            checkpoint=checkpoint,
            parquet=None if folder is None else folder / "people",
            progress=progress,
        )
        if folder is not None:
            found.to_frame().to_csv(folder / "summaries.csv", index=False)
    for remark in found.remarks:
        click.echo(f"Note: {remark}", err=True)
    _show(found, as_json=options["as_json"])
    if folder is not None:
        click.echo(f"Written: {folder / 'summaries.csv'}, {folder / 'people'}", err=True)


def _reducers(outputs: Sequence[str], end: float) -> dict[str, Reducer]:
    from rekindle.engine import Peak, PeakTime, Quantiles, Response, Value

    reducers: dict[str, Reducer] = {}
    for name in outputs:
        reducers[name] = Quantiles(name)
        reducers[f"{name} at the end"] = Value(name, at=end)
        if name == _MOOD:
            # A score is at its peak before treatment.
            reducers["response at the end"] = Response(name, at=end)
        else:
            reducers[f"{name} peak"], reducers[f"{name} time of peak"] = Peak(name), PeakTime(name)
    return reducers


def _show(found: Reduced, *, as_json: bool) -> None:
    import json

    from rich.console import Console

    from rekindle.engine import MeasureSummary
    from rekindle.report import STANDING_NOTICE, print_table

    measures = {name: one for name, one in found.items() if isinstance(one, MeasureSummary)}
    if as_json:
        rows = {
            name: {
                "unit": one.unit,
                "mean": _finite(one.mean),
                "sd": _finite(one.deviation),
                "quantiles": {share: _finite(value) for share, value in one.quantiles.items()},
            }
            for name, one in measures.items()
        }
        summary = {"people": found.people, "failed": found.failed, "measures": rows}
        click.echo(json.dumps({**summary, "notice": STANDING_NOTICE}, indent=2))
        return
    lines = [
        (f"{name} [{one.unit}]", *(f"{number:.4g}" for number in _numbers(one)))
        for name, one in measures.items()
    ]
    console = Console()
    title = f"{found.people} virtual people, {found.failed} of them without a result"
    print_table(title, ("", "mean", "SD", "5 %", "median", "95 %"), lines, console)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)


def _numbers(one: MeasureSummary) -> tuple[float, ...]:
    return one.mean, one.deviation, one.quantiles[0.05], one.quantiles[0.5], one.quantiles[0.95]


def _finite(number: float) -> float | None:
    """The number, or nothing where JSON has no word for it."""
    return number if math.isfinite(number) else None
