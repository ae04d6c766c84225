"""Options that say where and how exactly a simulation is solved, and where they cannot be had."""

from __future__ import annotations

import click

device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    help="Where people are simulated: on an NVIDIA card or on the processor.",
)
estimate_error_option = click.option(
    "--estimate-error",
    is_flag=True,
    help="Solve twice and say how large the numerical error is; takes more than twice the time.",
)


def refuse_card(device: str, what: str, why: str) -> None:
    """Refuse a card that was asked for where nothing runs on one; "auto" and "cpu" mean the processor there.

    Raises:
        SolverError: for "gpu".

    >>> refuse_card("auto", "a trial", "its people are too few")
    """
    if device == "gpu":
        from rekindle.errors import SolverError

        raise SolverError(
            "RK-SOL-036",
            given=f'device "gpu" for {what}',
            allowed='"auto" and "cpu", which both mean the processor here',
            why=f"Such a simulation does not run on a card: {why}",
            remedy="Leave --device out; `rekindle simulate` can use a card",
        )


def refuse_errors(what: str, why: str) -> None:
    """Refuse an estimate of the error where it cannot be had.

    Raises:
        SolverError: always.
    """
    from rekindle.errors import SolverError

    raise SolverError(
        "RK-SOL-037",
        given=f"an estimate of the error for {what}",
        why=f"It is the difference of two solutions for each person, and {why}",
        remedy="Estimate it with fewer people, who are solved in the same way: "
        "rekindle simulate REGIMEN --population 1000 --estimate-error",
    )
