"""``rekindle compare``: treatments side by side in the same virtual people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.trials import Comparison, ComparisonPlan, Treatment


@click.command("compare", short_help="Treatments side by side in the same people.")
@click.argument("treatments", nargs=-1, metavar='NAME | FILE.toml | "REGIMEN" "REGIMEN" ...')
@click.option("--list", "listed", is_flag=True, help="List the shipped comparisons.")
@click.option("--people", type=click.IntRange(min=2), default=200, show_default=True, help="Virtual people.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--duration", metavar="TIME", help='e.g. "8 week". Default: 28 days after the last visit.')
@click.option(
    "--day", "days", type=int, multiple=True, metavar="DAY", help="Day of response. Default 1, 7, 28."
)
@click.option("--control", metavar="CLASS", help="Control class whose setting all treatments share.")
@click.option("--mechanism", help="Hypothesis of the mood effect. Default disinhibition.")
@click.option(
    "--switch", "switches", multiple=True, metavar="NAME=OPTION", help="Structure, e.g. mood=double_well."
)
@click.option("--scale", metavar="NAME", help="Scale of the comparison; the model carries MADRS alone.")
@click.option(
    "--fact", "facts", multiple=True, metavar="NAME=VALUE", help="Fact of everybody, e.g. age_years=60."
)
@click.option("--co-medication", multiple=True, metavar="NAME", help="Interacting drug that everybody takes.")
@click.option(
    "--compound",
    "compounds",
    metavar="FILE.toml",
    multiple=True,
    help="A compound of your own, which a regimen then names; may be repeated.",
)
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Parameter, e.g. E_ect=0.7.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option("--out", metavar="FOLDER", help="Write tables, figures and report.html there.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
@click.option("--extrapolate", is_flag=True, help="Go on outside the studied doses; results carry a label.")
def command(treatments: tuple[str, ...], listed: bool, **options: Any) -> None:
    """Compare a shipped comparison by its NAME, one of your own in a FILE.toml, or two or more regimens.

    Onset, depth, duration, response, remission, acute effects, exposure and visits, each with an interval and
    with the difference against the first treatment in the same people.
    """
    from rich.console import Console

    if listed:
        _print_list(Console())
        return
    if not treatments:
        raise click.UsageError("Give the NAME of a comparison (see --list), or two or more regimens.")
    comparison, written = _run(_plan(treatments, options["control"], options["compounds"]), options)
    if options["as_json"]:
        click.echo(_json(comparison))
        return
    _print(comparison, Console())
    if written:
        click.echo(f"Report: {written[0]} ({len(written)} files)")


def _plan(texts: tuple[str, ...], control: str | None, files: tuple[str, ...]) -> ComparisonPlan:
    from dataclasses import replace

    from rekindle.trials import ComparisonPlan, comparison_plan, read_comparison

    if len(texts) == 1:
        if files:
            raise click.UsageError("--compound belongs to regimens of your own; give two or more.")
        own = texts[0].endswith(".toml")
        plan = read_comparison(texts[0]) if own else comparison_plan(texts[0])
        return replace(plan, control_class=control or plan.control_class)
    treatments = _own_treatments(texts, files)
    return ComparisonPlan("own", "Comparison of treatments", treatments, control)


def _own_treatments(texts: tuple[str, ...], files: tuple[str, ...]) -> tuple[Treatment, ...]:
    """Regimens as treatments; those that name a compound of the user with that compound."""
    from rekindle.people import read_treatment
    from rekindle.therapy import read_compound
    from rekindle.trials import Treatment

    own = [read_compound(file) for file in files]
    named = [read_treatment(text, own=own)[1] for text in texts]
    unused = [one.name for one in own if one not in named]
    if unused:
        raise click.UsageError(f'No regimen names the compound "{unused[0]}" of --compound.')
    return tuple(Treatment(text, text, compound=one) for text, one in zip(texts, named, strict=True))


def _run(plan: ComparisonPlan, options: dict[str, Any]) -> tuple[Comparison, list[Any]]:
    from dataclasses import replace

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import (
        chosen_switches,
        given_parameters,
        output_folder,
        quantity,
        worker_count,
    )
    from rekindle.cli._people import person_facts
    from rekindle.cli._progress import progress_bar
    from rekindle.people import Population
    from rekindle.report import require_extra, write_comparison
    from rekindle.therapy import therapy_model
    from rekindle.trials import compare_treatments

    if options["out"] is not None:
        require_extra("report")
        require_extra("parquet")
    switches = chosen_switches(options["switches"], options["mechanism"])
    # A switch of a drug belongs to people who take it; the names of parameters do not depend on it.
    model = therapy_model(mechanism=switches["mechanism"])
    parameters, labels = given_parameters(options["values"], model, extrapolate=options["extrapolate"])
    facts = person_facts(options, extrapolate=options["extrapolate"])
    treatments = plan.treatments
    if options["scale"] is not None:
        treatments = tuple(replace(one, scale=options["scale"]) for one in treatments)
    folder = output_folder(options["out"])
    with resumable(None), progress_bar() as progress:
        comparison = compare_treatments(
            treatments,
            people=list(Population(options["people"], options["seed"], fixed=facts)),
            seed=options["seed"],
            workers=worker_count(options["workers"]),
            duration_days=None if options["duration"] is None else quantity(options["duration"], "h") / 24.0,
            days=options["days"] or None,
            control_class=plan.control_class,
            parameters=parameters,
            switches={**plan.switches, **switches},
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
    if comparison.differences:
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
