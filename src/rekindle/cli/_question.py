"""``rekindle question``: ten questions, answered from the model beside what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.questions import Answer


@click.command("question", short_help="Ten questions, answered beside what was published.")
@click.argument("which", required=False, metavar="[NUMBER | NAME]")
@click.option("--people", type=click.IntRange(min=2), default=200, show_default=True, help="Virtual people.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=16,
    show_default=True,
    help="Parameter sets drawn from the calibration; 0 leaves their interval out.",
)
@click.option(
    "--mechanism", default="disinhibition", show_default=True, help="Hypothesis of the mood effect."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option("--out", metavar="FOLDER", help="Write report.html, figures and tables there.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def command(
    which: str | None,
    people: int,
    seed: int,
    draws: int,
    mechanism: str,
    workers: int | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Answer one of ten questions by its NUMBER or NAME; without one, list them."""
    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.questions import answer_question, find_question, write_answer
    from rekindle.report import require_extra

    if which is None:
        _print_list(Console())
        return
    find_question(which)
    require_extra("report")
    if out is not None:
        require_extra("parquet")
    folder = output_folder(out)
    with resumable(None), progress_bar("per cent") as progress:
        answer = answer_question(
            which,
            people=people,
            seed=seed,
            workers=worker_count(workers),
            draws=draws,
            mechanism=mechanism,
            progress=progress,
        )
    written = [] if folder is None else write_answer(answer, folder)
    if as_json:
        click.echo(_json(answer))
        return
    _print(answer, Console())
    if written:
        click.echo(f"Report: {written[0]} ({len(written)} files)")


def _print_list(console: Console) -> None:
    from rekindle.questions import questions
    from rekindle.report import print_table

    rows = [(str(one.number), one.name, one.title) for one in questions()]
    print_table("Questions", ("", "name", "question"), rows, console, numbers=False)
    console.print("Answer one with: rekindle question NUMBER --out FOLDER", highlight=False)


def _print(answer: Answer, console: Console) -> None:
    from rekindle.questions import published_table, quantity_table
    from rekindle.report import STANDING_NOTICE, print_table

    question = answer.question
    console.print(f"[bold]{question.number}. {question.title}[/bold]", highlight=False)
    for sentence in answer.sentences:
        console.print(sentence, highlight=False, markup=False)
    table = quantity_table(answer)
    print_table(table.caption, table.columns, table.rows, console)
    if answer.published:
        beside = published_table(answer)
        print_table(beside.caption, beside.columns[:5], [row[:5] for row in beside.rows], console)
    kinds = (("Evidence", question.evidence), ("Model", question.model), ("Unknown", question.unknown))
    for heading, statements in kinds:
        console.print(f"[bold]{heading}[/bold]", highlight=False)
        for one in statements:
            console.print(f"- {one}", highlight=False, markup=False)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)


def _json(answer: Answer) -> str:
    import json
    import math
    from dataclasses import asdict
    from typing import Any

    from rekindle.cli._version import version
    from rekindle.questions import facts
    from rekindle.report import STANDING_NOTICE

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [known(one) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    question = answer.question
    content = {
        "rekindle": version(),
        "notice": STANDING_NOTICE,
        "question": question.title,
        "made": dict(facts(answer)),
        "answer": list(answer.sentences),
        "numbers": [asdict(one) for one in answer.quantities.values()],
        "published": [asdict(one) for one in answer.published],
        "evidence": list(question.evidence),
        "model": [*question.model, *answer.findings.notes],
        "unknown": list(question.unknown),
    }
    return json.dumps(known(content), indent=2, allow_nan=False, ensure_ascii=False)
