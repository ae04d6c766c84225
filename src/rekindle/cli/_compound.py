"""``rekindle compound``: list, show, define and compare compounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.people import CandidateComparison
    from rekindle.therapy import Compound, Measure


@click.group("compound", short_help="List, show, define and compare compounds.")
def command() -> None:
    """Compounds as data: what they bind, how they leave, and where each number comes from."""


@command.command("list")
def list_compounds() -> None:
    """List the compounds of this package."""
    from rich.console import Console

    from rekindle.report import print_table
    from rekindle.therapy import compounds

    rows = [
        (one.label, f"{len(one.gaps)} numbers missing" if one.gaps else "can be simulated", one.description)
        for one in compounds().values()
    ]
    print_table("Compounds", ("name", "state", "what it is"), rows, Console(), numbers=False)


@command.command("show")
@click.argument("name", metavar="NAME_OR_FILE.toml")
@click.option("--toml", "as_toml", is_flag=True, help="The file itself, to begin one of your own with.")
def show(name: str, as_toml: bool) -> None:
    """Show every number of a compound with its mark and source, and what is missing."""
    from rich.console import Console

    from rekindle.therapy import compound_source

    if as_toml:
        click.echo(compound_source(name), nl=False)
        return
    _print_compound(_any_compound(name), Console())


@command.command("define")
@click.argument("file", metavar="FILE.toml")
def define(file: str) -> None:
    """Check the file of a compound of your own: what it says, and what is missing and why it matters."""
    from rich.console import Console

    from rekindle.therapy import compound_model, read_compound

    compound = read_compound(file)
    compound_model(compound)
    _print_compound(compound, Console())
    click.echo(f'Complete. Simulate it with: rekindle simulate "REGIMEN" --compound {file}')
    click.echo(f'Beside ketamine: rekindle compound compare {file} "REGIMEN"')


@command.command("compare")
@click.argument("name", metavar="NAME_OR_FILE.toml")
@click.argument("regimen")
@click.option(
    "--draws", type=click.IntRange(min=0), default=50, show_default=True, help="Draws from stated ranges."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--weight", metavar="MASS", default="70 kg", show_default=True, help="Body weight.")
@click.option("--out", metavar="FOLDER", help="Write report.html, figures and the table there.")
def compare(name: str, regimen: str, draws: int, seed: int, weight: str, out: str | None) -> None:
    """Hold a compound against S-ketamine at the dose with equal effect, under every mechanism hypothesis.

    REGIMEN is a text such as "40 mg iv over 40 min". With a product that comes in devices, the reference is
    the number of devices with the nearest effect.

    Which properties an analog would need is answered by: rekindle question 8.
    """
    from rich.console import Console

    from rekindle.cli._options import output_folder, quantity
    from rekindle.people import Person, compare_candidate
    from rekindle.report import require_extra, write_candidate
    from rekindle.therapy import find_compound

    if out is not None:
        require_extra("report")
        require_extra("parquet")
    person = Person("1", weight_kg=quantity(weight, "kg"), allow_extrapolation=True)
    compound = find_compound(name)
    folder = output_folder(out)
    found = compare_candidate(compound, regimen, person=person, draws=draws, seed=seed)
    _print_comparison(found, Console())
    if folder is not None:
        written = write_candidate(found, folder)
        click.echo(f"Report: {written[0]} ({len(written)} files)")


def _any_compound(name: str) -> Compound:
    from rekindle.therapy import find_compound, read_compound

    return read_compound(name, allow_gaps=True) if name.endswith(".toml") else find_compound(name)


def _print_compound(compound: Compound, console: Console) -> None:
    from rekindle.report import print_table

    console.print(f"[bold]{compound.label}[/bold]: {compound.description}", highlight=False)
    console.print(f"Given as: {', '.join(compound.routes) or 'no route'}", highlight=False)
    columns = ("field", "value", "range", "mark", "source")
    for one in compound.species:
        rows = [_measure_row(name, measure) for name, measure in one.measures.items()]
        title = f"{one.name}, {one.role.replace('_', ' ')}" + (
            f", {100 * one.share:g} % of a dose" if one.share else ""
        )
        print_table(title, columns, rows, console, numbers=False)
    rows = [_measure_row(name, measure) for name, measure in compound.kinetics.items()]
    if rows:
        print_table("Kinetics", columns, rows, console, numbers=False)
    if compound.kinetics_like:
        console.print(
            f"Kinetics otherwise as {compound.kinetics_like} ({compound.kinetics_mark}): "
            f"{compound.kinetics_source or 'no source'}",
            highlight=False,
        )
    if compound.gaps:
        rows = [(gap.field, gap.why) for gap in compound.gaps]
        print_table("Missing, so it cannot be simulated", ("field", "why"), rows, console, numbers=False)


def _measure_row(name: str, measure: Measure) -> tuple[str, ...]:
    from rekindle.report import interval, number

    unit = "" if measure.unit == "1" else measure.unit
    value = "none" if measure.value is None else f"{number(measure.value, 5)} {unit}".strip()
    return name, value, interval(measure.low, measure.high), measure.mark, measure.source


def _print_comparison(found: CandidateComparison, console: Console) -> None:
    from rekindle.report import CANDIDATE_REMARKS, STANDING_NOTICE, candidate_tables, print_table

    console.print(f"[bold]{found.regimen.describe()}[/bold]: {found.label}", highlight=False)
    what = "at the dose with equal effect" if found.equal else "in the number of devices with nearest effect"
    console.print(f"Beside S-ketamine {what} at 24 h.", highlight=False)
    for table in candidate_tables(found):
        print_table(table.caption, table.columns, table.rows, console)
    for remark in CANDIDATE_REMARKS:
        console.print(f"Note: {remark}", highlight=False)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)
