"""``rekindle explain``: a plain-language page for a talk between a clinician and a patient."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("explain", short_help="A plain-language page for a patient conversation.")
@click.argument("regimen")
@click.option("--drug", help="Drug, if the regimen does not say.")
@click.option("--product", "--route", "product", help="Product or route, if the regimen does not say.")
@click.option("--control", metavar="CLASS", help="Control class of the trials to compare with.")
@click.option("--people", type=click.IntRange(min=50), default=400, show_default=True, help="Virtual people.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option("--out", metavar="FILE.html", default="what-to-expect.html", show_default=True)
def command(
    regimen: str,
    drug: str | None,
    product: str | None,
    control: str | None,
    people: int,
    seed: int,
    workers: int | None,
    out: str,
) -> None:
    """Write a page for a planned, supervised course: what to expect in hours, days and weeks, with risks.

    REGIMEN is a text such as "esketamine nasal 84 mg, twice weekly x 4 weeks". The page names no dose.
    """
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import worker_count
    from rekindle.errors import OutputError, reason
    from rekindle.regimen import parse_regimen
    from rekindle.report import patient_page, require_extra
    from rekindle.trials import simulate_outlook

    require_extra("report")
    given = parse_regimen(regimen, drug=drug, product=product)
    with resumable(None):
        outlook = simulate_outlook(
            given, people=people, seed=seed, control=control, workers=worker_count(workers)
        )
    page = patient_page(outlook)
    try:
        Path(out).write_text(page.html, encoding="utf-8")
    except OSError as problem:
        raise OutputError(
            "RK-OUT-023", given=f"{out} cannot be written ({reason(problem)})", remedy="Choose another file"
        ) from None
    click.echo(f"Page: {out}. Read it before you hand it over; it is for a talk, not instead of one.")
