"""Designs that come with the package."""

from __future__ import annotations

from importlib.resources import files

from rekindle.errors import DesignError, nearest
from rekindle.trials._design import Design
from rekindle.trials._design_reader import parse_design


def shipped_designs() -> tuple[str, ...]:
    """Names of the designs that come with the package.

    >>> "esketamine_spray" in shipped_designs()
    True
    """
    folder = files("rekindle.trials").joinpath("designs")
    return tuple(sorted(one.name[:-5] for one in folder.iterdir() if one.name.endswith(".yaml")))


def shipped_design(name: str) -> Design:
    """A design that comes with the package.

    Raises:
        DesignError: an unknown name.

    >>> shipped_design("esketamine_spray").number
    200
    """
    return parse_design(design_text(name), f"{name}.yaml")


def design_text(name: str) -> str:
    """Its YAML text, to start a design of one's own from.

    Raises:
        DesignError: an unknown name.
    """
    if name not in shipped_designs():
        raise DesignError(
            "RK-DES-014",
            given=f'design "{name}"{nearest(name, shipped_designs())}',
            allowed=f"Shipped designs: {', '.join(shipped_designs())}; or the path of a YAML file",
            why="There is no trial of this name to run",
            remedy="See `rekindle trial list`",
        )
    return files("rekindle.trials").joinpath(f"designs/{name}.yaml").read_text(encoding="utf-8")
