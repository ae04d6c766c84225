"""``rekindle evidence``: predictions for published observations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.evidence.calibration import Fit


@click.group("evidence", short_help="Predict published observations and compare.")
def command() -> None:
    """Hold the model against published observations."""


@command.command("predict")
@click.argument("arms", metavar="ARMS.csv")
@click.option("--out", metavar="FILE", help="Write the table with its predictions there (CSV).")
@click.option("--json", "as_json", is_flag=True, help="The table as JSON on standard output.")
@click.option(
    "--people", type=click.IntRange(min=2), default=200, show_default=True, help="People for each interval."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option(
    "--mechanism",
    default="averaged",
    show_default=True,
    help="Hypothesis of the mood effect, or all calibrated ones by their weights.",
)
def predict(
    arms: str, out: str | None, as_json: bool, people: int, seed: int, workers: int | None, mechanism: str
) -> None:
    """Predict every row of ARMS.csv and give the table back with predictions, intervals and verdicts."""
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.evidence import predict_arms

    with resumable(None), progress_bar("arms") as progress:
        prediction = predict_arms(
            arms,
            n_people=people,
            seed=seed,
            workers=worker_count(workers),
            mechanism=mechanism,
            progress=progress,
        )
    if out is not None:
        prediction.to_csv(out)
    if as_json:
        click.echo(prediction.to_json())
    elif out is None:
        click.echo(prediction.to_csv(), nl=False)
    click.echo(prediction.summary(), err=as_json or out is None)


@command.command("condition")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def condition(name: str, as_json: bool) -> None:
    """What trials reported in a condition other than depression, each on its own scale.

    Nothing is simulated: no amplitude is shared with depression.
    """
    import json
    from dataclasses import asdict

    from rekindle.report import number, print_table
    from rekindle.trials import condition_results

    found = condition_results(name)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    rows = [
        (
            f"{one.study}, {one.arm}",
            one.outcome,
            one.threshold or one.scale,
            "" if one.time_h is None else f"{one.time_h:g} h",
            f"{number(one.value)} {one.unit}",
            f"{one.source} ({one.mark})",
        )
        for one in found
    ]
    columns = ("study, arm", "outcome", "scale", "time", "reported", "source")
    console = Console()
    print_table(f"Reported in {name}; nothing is simulated", columns, rows, console, numbers=False)


@command.command("facts")
@click.option("--out", metavar="FILE", help="Write the table there too, with how each number was read (CSV).")
@click.option(
    "--people", type=click.IntRange(min=2), default=400, show_default=True, help="People for each trial arm."
)
@click.option(
    "--mechanism",
    metavar="NAME",
    help="One hypothesis of the mood effect. Default: every calibrated one, and their average by weight.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=16,
    show_default=True,
    help="Parameter sets for the intervals, for each mechanism; 0 leaves them out.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
def facts(
    out: str | None, people: int, mechanism: str | None, draws: int, seed: int, workers: int | None
) -> None:
    """Hold the model against facts about mechanism, time course and safety.

    Facts that the parameters were set with stand apart from those that check them; what the model cannot say
    anything about comes back with the reason.
    """
    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.evidence.facts import predict_facts
    from rekindle.report import fact_tables, print_table

    with resumable(None), progress_bar("facts") as progress:
        found = predict_facts(
            n_people=people,
            mechanisms=[mechanism] if mechanism else [],
            draws=draws,
            seed=seed,
            workers=worker_count(workers),
            progress=progress,
        )
    if out is not None:
        found.to_csv(out)
    console = Console()
    for table in fact_tables(found, short=True):
        print_table(table.caption, table.columns, table.rows, console, numbers=False)
    click.echo(f"\n{found.summary()}")


@command.command("report")
@click.option(
    "--out", metavar="FOLDER", default="evidence-report", show_default=True, help="Write the report there."
)
@click.option(
    "--people", type=click.IntRange(min=2), default=200, show_default=True, help="People for each interval."
)
@click.option(
    "--sensitivity",
    "samples",
    type=click.IntRange(min=0),
    default=128,
    show_default=True,
    help="Base samples of the global sensitivity of each mechanism, a power of 2; 0 leaves it out.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Parameter sets of each mechanism for intervals; they take most of the time.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
def report(out: str, people: int, samples: int, draws: int, seed: int, workers: int | None) -> None:
    """Predict all shipped tables and write one page to print, with its figures and tables as files.

    The page holds every row beside its prediction, residuals, the calibration, the mechanism hypotheses
    beside each other, facts about mechanism and time course, and a global sensitivity analysis.
    """
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.evidence import development_arms, development_outcomes, predict_arms
    from rekindle.evidence.facts import predict_facts
    from rekindle.evidence.hypotheses import compare_hypotheses, contrast_values
    from rekindle.evidence.sensitivity import check_samples, sensitivity
    from rekindle.report import EvidenceReport, require_extra, write_evidence
    from rekindle.therapy import calibrated_mechanisms, mechanism_weights

    require_extra("report")
    if samples:
        require_extra("analysis")
        check_samples(samples)
    folder, processes = output_folder(out), worker_count(workers)
    assert folder is not None
    predictions = []
    for source in (development_arms(), development_outcomes()):
        with resumable(None), progress_bar("arms") as progress:
            predictions.append(
                predict_arms(
                    source, n_people=people, seed=seed, workers=processes, draws=draws, progress=progress
                )
            )
    plasma, outcomes = predictions
    with resumable(None), progress_bar("facts") as progress:
        facts = predict_facts(n_people=people, draws=draws, seed=seed, workers=processes, progress=progress)
    found = []
    # The hypothesis that weighs most comes first.
    for name in sorted(weights := mechanism_weights(), key=lambda name: -weights[name]) if samples else ():
        with resumable(None), progress_bar(f"runs of the sensitivity analysis, {name}") as progress:
            found.append(sensitivity(name, samples=samples, seed=seed, workers=processes, progress=progress))
    written = write_evidence(
        EvidenceReport(
            plasma,
            outcomes,
            calibrated_mechanisms(),
            compare_hypotheses(),
            contrast_values(seed=seed, workers=processes),
            tuple(found),
            facts,
        ),
        folder,
    )
    click.echo(f"Plasma: {plasma.summary()}\n\nClinical outcomes: {outcomes.summary()}\n")
    click.echo(f"Report: {written[0]} ({len(written)} files)")


@command.command("calibrate")
@click.argument("outcomes", metavar="[OUTCOMES.csv]", required=False)
@click.option(
    "--mechanism", default="disinhibition", show_default=True, help="Hypothesis of the mood effect."
)
@click.option(
    "--people", type=click.IntRange(min=8), default=160, show_default=True, help="Virtual people per arm."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=12, show_default=True, help="Most steps.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors.")
@click.option(
    "--out", metavar="FOLDER", default="calibration", show_default=True, help="Write the result there."
)
def calibrate(
    outcomes: str | None, mechanism: str, people: int, seed: int, steps: int, workers: int | None, out: str
) -> None:
    """Fit the free parameters to the rows of OUTCOMES.csv with role calibrate and to the real patients.

    Without OUTCOMES.csv the shipped table is taken, and the result is the calibration that the product loads.
    """
    from rich.console import Console

    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.evidence import development_outcomes
    from rekindle.evidence.calibration import Problem, fit, write_result

    folder = output_folder(out)
    assert folder is not None
    console = Console(stderr=True)
    with resumable(folder) as checkpoint:
        problem = Problem.of(
            outcomes or development_outcomes(),
            people=people,
            seed=seed,
            mechanism=mechanism,
            checkpoint=checkpoint,
        )
        found = fit(
            problem,
            workers=worker_count(workers),
            most_steps=steps,
            progress=lambda number, value: console.print(
                f"step {number}: log posterior {value:.2f}", highlight=False
            ),
        )
    written = write_result(found, folder)
    _print_fit(found, Console())
    click.echo(f"Result: {written}")


def _print_fit(found: Fit, console: Console) -> None:
    from rekindle.evidence.calibration import influences, learned
    from rekindle.report import print_table

    rows = [
        (
            item.parameter.name,
            f"{item.parameter.centre:.4g}",
            f"{item.value:.4g}",
            f"{item.low:.4g} to {item.high:.4g}",
            f"{item.sd_ratio:.2f}",
            "prior only" if item.prior_only else "",
        )
        for item in learned(found)
    ]
    columns = ("parameter", "prior", "fitted", "90 %", "posterior / prior SD", "")
    print_table("Fitted parameters", columns, rows, console)
    studies = [
        (
            item.study_id,
            str(item.numbers),
            f"{item.log_score:.1f}",
            "; ".join(f"{name} {by:+.1f}" for name, by in item.shifts.items()),
        )
        for item in influences(found)
    ]
    told = "Each study predicted from the others, and what it moves (posterior SDs)"
    print_table(told, ("study", "numbers", "log score", "moves"), studies, console)
    spread = ", ".join(f"{kind} {value:.3g}" for kind, value in found.study_spread.items())
    ending = "converged" if found.converged else "not converged: more --steps"
    click.echo(f"Between studies: {spread}. Log posterior {found.history[-1]:.1f}, {ending}.")
