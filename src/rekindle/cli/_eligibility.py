"""``rekindle eligibility``: contraindications and cautions of a person, for a clinician to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.people import Eligibility, FailedTreatment

#: Marks of a criterion in words; only a looked-up source may stand without a warning.
_MARKS = {"seen": "looked up", "recalled": "from memory: check before use"}


@click.command("eligibility", short_help="Contraindications and cautions of a person.")
@click.argument("person", metavar="PERSON.yaml")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def command(person: str, as_json: bool) -> None:
    """List which contraindications and cautions apply to a person, why, and what cannot be judged.

    PERSON is a YAML or TOML file with one fact a line. The list is for a clinician; it is no verdict.
    """
    from rich.console import Console

    from rekindle.people import assess_eligibility, read_person_facts

    found = assess_eligibility(read_person_facts(person))
    if as_json:
        click.echo(_json(found))
    else:
        _print(found, Console())


def _json(found: Eligibility) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(asdict(found), indent=2, ensure_ascii=False)


def _print(found: Eligibility, console: Console) -> None:
    from rekindle.report import print_table

    console.print(f"[bold]Person {found.person}[/bold]", highlight=False)
    applies = [(one.kind, one.what, one.why, f"{one.source} ({_MARKS[one.mark]})") for one in found.applies]
    if applies:
        print_table("Applies", ("kind", "what", "why", "source"), applies, console, numbers=False)
    else:
        console.print("Of what is stated, nothing on the list applies.", highlight=False)
    unknown = [(one.kind, one.what, one.fact) for one in found.unknown]
    if unknown:
        print_table(
            "Cannot be judged: the fact is missing", ("kind", "what", "fact"), unknown, console, numbers=False
        )
    _print_resistance(found, console)
    console.print(f"[italic]{found.notice}[/italic]", highlight=False)


def _print_resistance(found: Eligibility, console: Console) -> None:
    from rekindle.report import print_table

    if found.resistance is None:
        console.print("Failed treatments: not stated, so resistance cannot be judged.", highlight=False)
        return
    groups = (
        ("adequate", found.resistance.adequate),
        ("too little", found.resistance.inadequate),
        ("cannot be judged", found.resistance.unjudged),
    )
    rows = [_treatment_row(one, label) for label, treatments in groups for one in treatments]
    if rows:
        columns = ("treatment", "dose", "weeks", "judged", "because")
        print_table("Treatments that did not help", columns, rows, console, numbers=False)
    answer = {True: "yes", False: "no", None: "cannot be judged"}[found.resistance.resistant]
    console.print(f"Two or more adequate treatments failed: {answer}.", highlight=False)


def _treatment_row(one: FailedTreatment, label: str) -> tuple[str, ...]:
    dose = "unknown" if one.dose_mg is None else f"{one.dose_mg:g} mg"
    weeks = "unknown" if one.weeks is None else f"{one.weeks:g}"
    return one.drug, dose, weeks, label, "; ".join(one.reasons)
