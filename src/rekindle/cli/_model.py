"""``rekindle model``: list, show, export and import models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rekindle.modelling import Model
    from rekindle.therapy import Compound

_THERAPY = "therapy"


@click.group("model", short_help="List, show, export and import models.")
def command() -> None:
    """Look at the equations and numbers of a model, or take them elsewhere."""


@command.command("list")
def list_models() -> None:
    """List the models of this package."""
    from rich.console import Console

    from rekindle.report import print_table
    from rekindle.therapy import pharmacokinetic_models

    rows = [
        (_THERAPY, "the whole chain from a dose to plasma, mood, dissociation, blood pressure and sedation")
    ]
    print_table(
        "Models", ("name", "what it is"), [*rows, *pharmacokinetic_models().items()], Console(), numbers=False
    )


@command.command("show")
@click.argument("name", default=_THERAPY, metavar="[NAME_OR_PATH]")
@click.option("--markdown", is_flag=True, help="A page with equations in LaTeX and tables of all numbers.")
@click.option(
    "--switch", "switches", multiple=True, metavar="NAME=OPTION", help="Structural choice; may be repeated."
)
def show(name: str, markdown: bool, switches: tuple[str, ...]) -> None:
    """Show a model: equations, and every number with its unit, range, mark and source."""
    from rekindle.modelling import describe, to_markdown

    model = find_model(name, switches)
    click.echo(to_markdown(model) if markdown else describe(model), nl=not markdown)


@command.command("export")
@click.argument("name", default=_THERAPY, metavar="[NAME_OR_PATH]")
@click.option(
    "--sbml", is_flag=True, required=True, help="SBML Level 3, for libroadrunner, COPASI and others."
)
@click.option("--out", metavar="FILE", help="Default: standard output.")
@click.option(
    "--switch", "switches", multiple=True, metavar="NAME=OPTION", help="Structural choice; may be repeated."
)
@click.option("--regimen", metavar="TEXT", help="What the exported person receives (models of this package).")
@click.option("--drug", help="Drug, if the regimen does not say.")
@click.option("--product", "--route", "product", help="Product or route, if the regimen does not say.")
@click.option("--weight", metavar="MASS", default="70 kg", show_default=True, help="Body weight.")
def export(
    name: str,
    sbml: bool,
    out: str | None,
    switches: tuple[str, ...],
    regimen: str | None,
    drug: str | None,
    product: str | None,
    weight: str,
) -> None:
    """Export a model, with the doses of one person if a regimen is given."""
    from rekindle.cli._options import quantity
    from rekindle.modelling import to_sbml
    from rekindle.people import compound_regimen
    from rekindle.regimen import parse_regimen
    from rekindle.report import require_extra
    from rekindle.therapy import export_events

    require_extra("sbml")
    model = find_model(name, switches)
    if regimen is None:
        text = to_sbml(model)
    else:
        kilograms = quantity(weight, "kg")
        compound = _compound(name)
        given = (
            parse_regimen(regimen, drug=drug, product=product)
            if compound is None
            else compound_regimen(compound, regimen, product=product)
        )
        whole = name == _THERAPY or compound is not None
        events = export_events(model, given, kilograms, "D1" if whole else name)
        facts = {"weight": kilograms} if "weight" in model.covariates else None
        text = to_sbml(model, events=events, parameters=facts)
    if out is None:
        click.echo(text)
    else:
        _write(Path(out), text)


@command.command("import")
@click.argument("file", metavar="FILE.xml")
@click.option("--out", metavar="FILE", help="Where the model text goes. Default: standard output.")
@click.option(
    "--events", metavar="FILE", help="Where the timed events of the document go, as an event table."
)
@click.option(
    "--units",
    type=click.Choice(["auto", "declared", "none"]),
    default="auto",
    show_default=True,
    help="Take the units of the document if they balance, always, or never.",
)
def import_model(file: str, out: str | None, events: str | None, units: str) -> None:
    """Read an SBML file and write it in the model language, to be read and edited."""
    from rekindle.errors import ModelError
    from rekindle.modelling import import_sbml
    from rekindle.report import require_extra

    require_extra("sbml")
    found = import_sbml(Path(file), units=units)
    if events is None and len(found.rows) > 1:
        raise ModelError(
            "RK-MOD-043",
            given=f"{file} has {len(found.rows) - 1} timed events",
            why="The model text alone would leave them out without a word",
            remedy="Say where they go: --events FILE.csv",
        )
    if events is not None:
        columns = ("ID", "TIME", "EVID", "EVENT")
        lines = [",".join(str(row.get(column, "")) for column in columns) for row in found.rows]
        _write(Path(events), "\n".join([",".join(columns), *lines]) + "\n")
    if out is None:
        click.echo(found.text, nl=False)
    else:
        _write(Path(out), found.text)


def find_model(name: str, switches: tuple[str, ...] = ()) -> Model:
    """A model of this package by name, that of a compound, or one of the user by path."""
    from rekindle.cli._options import given_switches
    from rekindle.modelling import read_model
    from rekindle.therapy import compound_model, pharmacokinetic_model, therapy_model

    chosen = given_switches(switches)
    compound = _compound(name)
    if compound is not None:
        return compound_model(compound, **chosen)
    if name == _THERAPY:
        return therapy_model(**chosen)
    if name.endswith(".model") or "/" in name:
        return read_model(Path(name), switches=chosen)
    return pharmacokinetic_model(name, **chosen)


def _compound(name: str) -> Compound | None:
    """The compound of this package or of the user with this name or path, if it is one."""
    from rekindle.therapy import compounds, find_compound

    return find_compound(name) if name in compounds() or name.endswith(".toml") else None


def _write(path: Path, text: str) -> None:
    from rekindle.errors import OutputError, reason

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise OutputError(
            "RK-OUT-023", given=f"{path} cannot be written ({reason(problem)})", remedy="Choose another file"
        ) from None
