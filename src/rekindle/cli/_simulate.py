"""``rekindle simulate``: from a regimen, or a table of events, to plasma, acute effects and mood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rekindle.cli._solver_options import device_option, estimate_error_option

if TYPE_CHECKING:
    from rekindle.regimen import Regimen
    from rekindle.therapy import Compound


@click.command("simulate", short_help="Simulate a regimen, or a table of events.")
@click.argument("regimen", required=False)
@click.option(
    "--drug",
    help="ketamine, esketamine, arketamine, saline, none or a compound, if the regimen does not say.",
)
@click.option(
    "--compound",
    metavar="FILE.toml",
    help="A compound of your own (rekindle compound define), which the regimen gives.",
)
@click.option("--product", "--route", "product", help="Product or route, if the regimen does not say.")
@click.option("--duration", metavar="TIME", help='How long, e.g. "28 days". Default: last session + 14 days.')
@click.option(
    "--events", metavar="TABLE.csv", help="Event records (ID, TIME, EVID, AMT, CMT, ...), not a regimen."
)
@click.option("--weight", metavar="MASS", help='e.g. "72 kg". Default 70 kg.')
@click.option("--age", metavar="YEARS", help="Default 40.")
@click.option("--sex", type=click.Choice(["F", "M"]))
@click.option("--madrs", type=float, metavar="POINTS", help="MADRS before treatment. Default 33.")
@click.option("--co-medication", multiple=True, metavar="NAME", help="Interacting drug; may be repeated.")
@click.option("--diazepam", metavar="MASS", help="Daily benzodiazepine dose as diazepam.")
@click.option("--child-pugh", metavar="CLASS", help="Liver class A or B.")
@click.option(
    "--fact",
    "facts",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another fact by its name in a person file, e.g. hypertension=yes; may be repeated.",
)
@click.option(
    "--person",
    metavar="FILE",
    help="Person file (YAML, TOML) or table of real people instead of the options above.",
)
@click.option(
    "--population", type=click.IntRange(min=1), metavar="N", help="A virtual population of N people."
)
@click.option("--typical", is_flag=True, help="Typical parameters for everybody: no variability.")
@click.option("--condition", metavar="NAME", help="mdd or trd; the model is for no other. Default trd.")
@click.option(
    "--control", metavar="CLASS", help="Control class of a trial, whose non-specific response is added."
)
@click.option("--mechanism", help="Hypothesis that carries the mood effect. Default disinhibition.")
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=OPTION",
    help="Structure of the model, e.g. mood=double_well (see rekindle model show); may be repeated.",
)
@click.option(
    "--model",
    "--pharmacokinetics",
    "model",
    metavar="NAME",
    help="Another published parameter set (plasma only), or with --events the path of a model of your own.",
)
@click.option(
    "--set", "values", multiple=True, metavar="NAME=VALUE", help='Parameter, e.g. kelim="0.002 1/h".'
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Threads or processes. Default: all processors.")
@click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="Parameter sets of each mechanism that show how sure the score is; 0 leaves that out.",
)
@estimate_error_option
@device_option
@click.option("--output", "outputs", multiple=True, metavar="NAME", help="More outputs; may be repeated.")
@click.option("--out", metavar="FOLDER", help="Write tables, figures and report.html there.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable summary on standard output.")
@click.option("--extrapolate", is_flag=True, help="Go on outside the validated range; results carry a label.")
def command(regimen: str | None, **options: Any) -> None:
    """Simulate what is given to one person, a cohort or a population.

    REGIMEN is a text such as "ketamine 0.5 mg/kg iv over 40 min, twice weekly x 4 weeks".

    Without --population, 200 virtual people who share the stated facts show how far such people differ.
    """
    if options["events"] is not None:
        from rekindle.cli._events import simulate_events

        simulate_events(regimen, options)
        return
    _simulate_regimen(regimen, options)


def _simulate_regimen(regimen: str | None, options: dict[str, Any]) -> None:
    from rich.console import Console

    from rekindle.cli._course import how_sure, run_course
    from rekindle.cli._course_outputs import wanted_outputs
    from rekindle.cli._course_words import course_report, summarise
    from rekindle.cli._files import summary_json, write_files
    from rekindle.cli._interruption import resumable
    from rekindle.cli._options import output_folder, worker_count
    from rekindle.cli._progress import progress_bar
    from rekindle.report import print_summary, require_extra

    request = _request(regimen, options)
    wanted_outputs(request.model, request.outputs)
    if options["out"] is not None:
        require_extra("report")
        require_extra("parquet")
    folder = output_folder(options["out"])
    with resumable(folder) as checkpoint:
        with progress_bar() as progress:
            trajectory = run_course(
                request,
                workers=worker_count(options["workers"]),
                checkpoint=checkpoint,
                progress=progress,
                estimate_error=options["estimate_error"],
                device=options["device"],
            )
        with progress_bar("parameter sets") as progress:
            sure = how_sure(
                request,
                trajectory,
                draws=options["draws"],
                mechanism=options["mechanism"],
                workers=worker_count(options["workers"]),
                progress=progress,
            )
        summary = summarise(request, trajectory, sure)
        report = course_report(request, trajectory, summary)
        written = write_files(request, trajectory, report, folder) if folder is not None else []
    if options["as_json"]:
        click.echo(summary_json(summary, report, tuple(request.outputs)))
        return
    print_summary(summary, Console())
    if options["estimate_error"]:
        click.echo(f"Solver: {trajectory.solver}.")
    if written:
        click.echo(f"Report: {written[0]} ({len(written)} files)")


def _request(regimen: str | None, options: dict[str, Any]) -> Any:
    from rekindle.cli._course import Request
    from rekindle.cli._options import chosen_switches, given_outputs, given_parameters, quantity
    from rekindle.cli._people import find_group, person_facts
    from rekindle.people import Setting, course_model
    from rekindle.trials import refuse_other_condition

    if options["condition"] is not None:
        refuse_other_condition(options["condition"])
    if regimen is None and options["drug"] != "none":
        raise click.UsageError(
            'Give a REGIMEN, for example "ketamine 0.5 mg/kg iv over 40 min", or --events TABLE.csv.'
        )
    given, compound = _treatment(regimen or "none", options)
    pharmacokinetics = options["model"] or "D1"
    if pharmacokinetics != "D1" and options["mechanism"]:
        raise click.UsageError("--mechanism belongs to mood; a published parameter set gives plasma only.")
    switches = chosen_switches(options["switches"], options["mechanism"])
    extrapolate = options["extrapolate"]
    group = find_group(
        person_facts(options, extrapolate=extrapolate),
        file=options["person"],
        population=options["population"],
        typical=options["typical"],
        seed=options["seed"],
        extrapolate=extrapolate,
    )
    model = course_model(given, compound, group.people, pharmacokinetics=pharmacokinetics, **switches)
    parameters, labels = given_parameters(options["values"], model, extrapolate=extrapolate)
    duration = options["duration"]
    return Request(
        regimen=given,
        model=model,
        compound=compound,
        group=group,
        setting=Setting(options["control"]),
        pharmacokinetics=pharmacokinetics,
        switches=switches,
        parameters=parameters,
        seed=options["seed"],
        duration_h=None if duration is None else quantity(duration, "h"),
        outputs=given_outputs(options["outputs"]),
        notes=[f"extrapolation: {label}" for label in labels],
        extrapolate=extrapolate,
    )


def _treatment(regimen: str, options: dict[str, Any]) -> tuple[Regimen, Compound | None]:
    """What is given: the drug or compound that the regimen names, or the user's own compound."""
    from rekindle.people import read_treatment
    from rekindle.therapy import read_compound

    drug = options["drug"]
    if options["compound"] is None:
        return read_treatment(regimen, drug=drug, product=options["product"])
    own = read_compound(options["compound"])
    return read_treatment(regimen, drug=drug or own.name, product=options["product"], own=[own])
