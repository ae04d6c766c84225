"""Options that every command about virtual trials takes, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rekindle.cli._solver_options import device_option, refuse_card

if TYPE_CHECKING:
    from rekindle.therapy import ParameterSet
    from rekindle.trials import Design, RunOptions, World

_Command = TypeVar("_Command", bound=Callable[..., Any])


def shared_options(function: _Command) -> _Command:
    """Options of every command that simulates a trial."""
    for option in reversed(
        (
            click.argument("design", required=False, metavar="DESIGN.yaml|NAME"),
            click.option("--study", metavar="ID", help="A published study of the evidence table, as run."),
            click.option(
                "--assume",
                "assumed",
                multiple=True,
                metavar="NAME=VALUE",
                help="Another value for what a study had to assume.",
            ),
            click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True),
            click.option("--mechanism", default="disinhibition", show_default=True),
            click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Parameter."),
            click.option("--draws", metavar="TABLE.csv", help="Parameter draws of your own, one a row."),
            click.option(
                "--no-study-differences",
                is_flag=True,
                help="Drawn parameters only, without what sets one study apart from others of its design.",
            ),
            click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all processors."),
            click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to use instead of processes."),
            device_option,
            click.option("--checkpoint", metavar="FOLDER", help="Keep finished replicates here."),
            click.option("--out", metavar="FOLDER", help="Write results there."),
            click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output."),
            click.option("--extrapolate", is_flag=True, help="Accept parameters outside their range."),
        )
    ):
        function = option(function)
    return function


def chosen_design(options: Mapping[str, Any]) -> Design:
    """The design that is named: a file, a shipped one, or a published study."""
    from rekindle.evidence import study_design
    from rekindle.trials import read_design, shipped_design, shipped_designs

    name, study = options["design"], options["study"]
    if (name is None) == (study is None):
        raise click.UsageError("Give a DESIGN.yaml, the name of a shipped design, or --study ID.")
    if study is not None:
        return study_design(study, _assumed(options["assumed"]))
    if options["assumed"]:
        raise click.UsageError("--assume changes an assumption of a published study: give --study ID too.")
    if name in shipped_designs() or (not Path(name).suffix and not Path(name).exists()):
        return shipped_design(name)
    return read_design(name)


def _assumed(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, value) in zip(texts, pairs, strict=True):
        if not (name.strip() and equals and value.strip()):
            raise click.UsageError(f"--assume {text}: NAME=VALUE is wanted.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def results_folder(options: Mapping[str, Any]) -> Path | None:
    """The folder of ``--out`` with everything that writing into it needs; None without one."""
    from rekindle.cli._options import output_folder
    from rekindle.report import require_extra

    require_extra("analysis")
    folder = output_folder(options["out"])
    if folder is not None:
        require_extra("parquet")
        require_extra("report")
    return folder


def kept_in(folder: Path | None, options: Mapping[str, Any]) -> AbstractContextManager[Path | None]:
    """Where finished replicates wait for the rest."""
    from rekindle.cli._interruption import resumable

    return resumable(Path(options["checkpoint"]) if options["checkpoint"] else folder)


def run_options(
    design: Design, options: Mapping[str, Any], checkpoint: Path | None, progress: Callable[[int, int], None]
) -> RunOptions:
    """Seed, assumptions, and where the work is done."""
    from rekindle.cli._options import worker_count

    refuse_card(options["device"], "a trial", "the people of one visit are too few for it")
    return {
        "seed": options["seed"],
        "world": _world(design, options),
        "parameter_draws": _draws(options),
        "study_spread": _study_spread(options),
        "workers": worker_count(options["workers"]),
        "cluster": options["cluster"],
        "checkpoint": checkpoint,
        "progress": progress,
    }


def _world(design: Design, options: Mapping[str, Any]) -> World:
    from rekindle.cli._options import given_parameters
    from rekindle.trials import World

    world = World(options["mechanism"], unblinding=not options.get("no_unblinding", False))
    values, labels = given_parameters(
        options["values"], world.model(design), extrapolate=options["extrapolate"]
    )
    for label in labels:
        click.echo(f"Note: extrapolation: {label}", err=True)
    return replace(world, parameters=values)


def _draws(options: Mapping[str, Any]) -> tuple[ParameterSet, ...]:
    """Draws of the user's own, or of the shipped calibration, one for each replicate."""
    from rekindle.trials import posterior_draws

    if options["draws"]:
        return _read_draws(options["draws"])
    if not options["uncertainty"]:
        return ()
    return posterior_draws(options["replicates"], seed=options["seed"], mechanism=options["mechanism"])


def _study_spread(options: Mapping[str, Any]) -> dict[str, float]:
    """How much studies of one design differ, if that was asked for and is known."""
    from rekindle.therapy import calibrated_mechanisms, calibration

    wanted = (options["draws"] or options["uncertainty"]) and not options["no_study_differences"]
    if not wanted:
        return {}
    if options["mechanism"] not in calibrated_mechanisms():
        click.echo("Note: without a calibration nothing is known of differences between studies.", err=True)
        return {}
    return calibration(options["mechanism"]).study_spread


def _read_draws(path: str) -> tuple[ParameterSet, ...]:
    import pandas

    from rekindle.errors import ParameterError, nearest
    from rekindle.therapy import named_parameter_set

    try:
        table = pandas.read_csv(path)
        rows = table.astype(float).to_dict("records")
    except (OSError, ValueError) as problem:
        raise ParameterError(
            "RK-PAR-172",
            given=f'parameter draws "{path}" ({problem})',
            allowed="A CSV table of numbers, one column a parameter, one row a draw",
            why="Every row is one set of parameters that is as probable as the others",
            remedy="Mend the table, or leave it out and take the draws of the calibration",
        ) from None
    known = _written_names()
    unknown = [str(name) for name in table.columns if name not in known]
    if unknown or not rows:
        fault = f' with column "{unknown[0]}"{nearest(unknown[0], known)}' if unknown else " are empty"
        raise ParameterError(
            "RK-PAR-172",
            given=f'parameter draws "{path}"{fault}',
            allowed="Columns with names of parameters, such as EP, A_class[midazolam] or spread[kelim]",
            why="A column that nobody reads would leave its parameter certain without a word",
            remedy="See `rekindle model show` for the names",
        )
    named = [{str(name): float(value) for name, value in row.items()} for row in rows]
    return tuple(named_parameter_set(row) for row in named)


def _written_names() -> set[str]:
    """Names of everything that a calibration may move."""
    from rekindle.people import default_variability
    from rekindle.therapy import calibrated_mechanisms, calibration, control_responses, therapy_model

    courses = {f"{name}[{one.name}]" for one in control_responses().values() for name in one.parameters}
    spreads = {f"spread[{effect.parameter}]" for effect in default_variability().effects}
    fitted = {one.name for name in calibrated_mechanisms() for one in calibration(name).parameters}
    return {*therapy_model().parameters, *courses, *spreads, *fitted}
