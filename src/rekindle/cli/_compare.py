"""``rekindle compare``: treatments side by side in the same virtual people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.trials import Comparison, ComparisonPlan


@click.command("compare", short_help="Treatments side by side in the same people.")
@click.argument("treatments", nargs=-1, metavar='NAME | "REGIMEN" "REGIMEN" ...')
@click.option("--list", "listed", is_flag=True, help="List the shipped comparisons.")
@click.option("--people", type=click.IntRange(min=2), default=200, show_default=True, help="Virtual people.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--duration", metavar="TIME", help='e.g. "8 week". Default: 28 days after the last visit.')
@click.option(
    "--day", "days", type=int, multiple=True, metavar="DAY", help="Day of response. Default 1, 7, 28."
)
@click.option("--control", metavar="CLASS", help="Control class whose setting all treatments share.")
@click.option(
    "--mechanism", default="disinhibition", show_default=True, help="Hypothesis of the mood effect."
)
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Parameter, e.g. E_ect=0.7.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option("--out", metavar="FOLDER", help="Write tables, figures and report.html there.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
@click.option("--extrapolate", is_flag=True, help="Go on outside the studied doses; results carry a label.")
def command(treatments: tuple[str, ...], listed: bool, **options: Any) -> None:
    """Compare a shipped comparison by its NAME, or two or more regimens of your own.

    Onset, depth, duration, response, remission, acute effects, exposure and visits, each with an interval and
    with the difference against the first treatment in the same people.
    """
    from rich.console import Console

    if listed:
        _print_list(Console())
        return
    if not treatments:
        raise click.UsageError("Give the NAME of a comparison (see --list), or two or more regimens.")
    comparison, written = _run(_plan(treatments, options["control"]), options)
    if options["as_json"]:
        click.echo(_json(comparison))
        return
    _print(comparison, Console())
    if written:
        click.echo(f"Report: {written[0]} ({len(written)} files)")


def _plan(texts: tuple[str, ...], control: str | None) -> ComparisonPlan:
    from dataclasses import replace

    from rekindle.trials import ComparisonPlan, Treatment, comparison_plan

    if len(texts) == 1:
        plan = comparison_plan(texts[0])
        return replace(plan, control_class=control or plan.control_class)
    treatments = tuple(Treatment(text, text) for text in texts)
    return ComparisonPlan("own", "Comparison of treatments", treatments, control)


def _run(plan: ComparisonPlan, options: dict[str, Any]) -> tuple[Comparison, list[Any]]:
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import given_parameters, output_folder, quantity, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.report import require_extra, write_comparison
    from rekindle.therapy import therapy_model
    from rekindle.trials import compare_treatments

    if options["out"] is not None:
        require_extra("report")
        require_extra("parquet")
    model = therapy_model(mechanism=options["mechanism"])
    parameters, labels = given_parameters(options["values"], model, extrapolate=options["extrapolate"])
    folder = output_folder(options["out"])
    with resumable(None), progress_bar() as progress:
        comparison = compare_treatments(
            plan.treatments,
            people=options["people"],
            seed=options["seed"],
            workers=worker_count(options["workers"]),
            duration_days=None if options["duration"] is None else quantity(options["duration"], "h") / 24.0,
            days=options["days"] or None,
            control_class=plan.control_class,
            parameters=parameters,
            mechanism=options["mechanism"],
            allow_extrapolation=options["extrapolate"],
            title=plan.title,
            notes=[*plan.notes, *(f"extrapolation: {label}" for label in labels)],
            progress=progress,
        )
    return comparison, write_comparison(comparison, folder) if folder is not None else []


def _json(comparison: Comparison) -> str:
    import json

    from rekindle.cli._version import version
    from rekindle.report import REMARKS, STANDING_NOTICE, comparison_records

    content = {
        "rekindle": version(),
        "notice": STANDING_NOTICE,
        "title": comparison.title,
        "people": comparison.people,
        "seed": comparison.seed,
        "horizon_days": comparison.horizon_days,
        "control_class": comparison.control_class,
        "treatments": {one.name: one.words() for one in comparison.treatments},
        "outcomes": comparison_records(comparison),
        "notes": [*REMARKS, *comparison.notes],
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)


def _print(comparison: Comparison, console: Console) -> None:
    from rekindle.report import (
        REMARKS,
        STANDING_NOTICE,
        difference_rows,
        outcome_rows,
        print_table,
        setting_words,
    )

    names = [one.name for one in comparison.treatments]
    console.print(f"[bold]{comparison.title}[/bold]", highlight=False)
    console.print(
        f"The same {comparison.people} virtual people under each treatment, "
        f"{comparison.horizon_days:g} days, seed {comparison.seed}. {setting_words(comparison)}",
        highlight=False,
    )
    given = [(one.name, one.words()) for one in comparison.treatments if one.name != one.words()]
    if given:
        print_table("What is given", ("treatment", "what"), given, console, numbers=False)
    print_table("Outcome (90 % interval)", ("", *names), outcome_rows(comparison), console)
    print_table(
        f"Difference against {names[0]}, within the same people",
        ("", *comparison.differences),
        difference_rows(comparison),
        console,
    )
    for note in (*REMARKS, *comparison.notes):
        console.print(f"Note: {note}", highlight=False, markup=False)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)


def _print_list(console: Console) -> None:
    from rekindle.report import print_table
    from rekindle.trials import comparison_plans

    rows = [
        (plan.name, plan.title, "; ".join(one.name for one in plan.treatments))
        for plan in comparison_plans().values()
    ]
    print_table("Shipped comparisons", ("name", "what", "treatments"), rows, console, numbers=False)
