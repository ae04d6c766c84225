"""The entry point: finds the command, and turns every error into one clean message."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

import click

from rekindle.cli._version import version
from rekindle.errors import RekindleError

#: Command -> module that holds it under the name ``command``.
_COMMANDS = {
    "simulate": "_simulate",
    "population": "_population",
    "compare": "_compare",
    "question": "_question",
    "trial": "_trial",
    "replay": "_replay",
    "evidence": "_evidence",
    "compound": "_compound",
    "eligibility": "_eligibility",
    "explain": "_explain",
    "model": "_model",
}
#: Exit codes: refused or failed with a message; stopped by the user.
_REFUSED, _INTERRUPTED = 2, 130
#: How the library speaks of arguments in Python -> the option that does the same.
_OPTIONS = {
    "Set allow_extrapolation=True": "Add --extrapolate",
    "Give extrapolate=True": "Add --extrapolate",
    "give product=": "give --product",
    "give drug=": "give --drug",
}


class _LazyGroup(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"rekindle.cli.{_COMMANDS[cmd_name]}").command
        return command


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"rekindle {version()}")
        context.exit()


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def root() -> None:
    """Simulate ketamine therapy in depression, from a dose to mood.

    For clinicians and researchers. Never a guide to dosing oneself.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 refused or failed with a message, 130 stopped by the user."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    >>> run(["--version"])
    rekindle 0.1.0
    0
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            result = root.main(list(arguments), prog_name="rekindle", standalone_mode=False)
        except RekindleError as error:
            click.echo(f"Error: {_message(error)}", err=True)
            return _REFUSED
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            return _INTERRUPTED
        except BrokenPipeError:
            # Whoever read the output has closed it; Python must not fail again while it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
    return result if isinstance(result, int) else 0


def _message(error: RekindleError) -> str:
    text = str(error)
    for python, option in _OPTIONS.items():
        text = text.replace(python, option)
    return text


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    click.echo(f"Note: {message}", err=True)
