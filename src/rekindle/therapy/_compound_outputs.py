"""Which outputs a compound has, and what they are called when it is not ketamine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rekindle.therapy._compound import Compound

if TYPE_CHECKING:
    from rekindle.modelling import Output

#: Outputs that were fitted to reports of people on ketamine, and to nothing else.
_KETAMINE_ONLY = ("p_report", "bladder_exposure", "early_exposure", "dhnk", "s_dhnk", "r_dhnk")
#: Places of the model that an output shows, one of which must be filled.
_SHOWS = {
    "r_ketamine_venous": ("R",),
    "r_ketamine_arterial": ("R",),
    "brain_r_ketamine": ("R",),
    "s_ketamine_venous": ("S",),
    "s_ketamine_arterial": ("S",),
    "brain_s_ketamine": ("S",),
    "s_norketamine": ("NS",),
    "r_norketamine": ("NR",),
    "norketamine": ("NS", "NR"),
    "s_hnk": ("H",),
    "r_hnk": ("H",),
    "hnk": ("H",),
    "brain_hnk": ("H",),
}
_WORDS = re.compile(
    r"2,6-hydroxynorketamine|hydroxynorketamine|[SR]-norketamine|norketamine|[SR]-ketamine|ketamine"
)


def is_ketamine(compound: Compound) -> bool:
    """Whether all that is given are the enantiomers of ketamine.

    >>> from rekindle.therapy import find_compound
    >>> is_ketamine(find_compound("arketamine")), is_ketamine(find_compound("memantine"))
    (True, False)
    """
    return {one.name for one in compound.parents} <= {"S-ketamine", "R-ketamine"}


def compound_outputs(compound: Compound, outputs: Mapping[str, Output]) -> dict[str, Output]:
    """The outputs that apply to a compound, described in its own words.

    Names stay those of the ketamine model, so that the same code reads every compound.

    >>> from rekindle.therapy import compound_model, find_compound
    >>> compound_model(find_compound("analog-h1")).outputs["ketamine_venous"].description
    'analog-h1 (hypothetical), venous plasma'
    """
    if is_ketamine(compound):
        return dict(outputs)
    return {
        name: replace(output, description=_described(output.description, compound))
        for name, output in outputs.items()
        if _applies(name, compound)
    }


def _applies(output: str, compound: Compound) -> bool:
    if output.startswith(_KETAMINE_ONLY):
        return False
    places = _SHOWS.get(output)
    return places is None or any(compound.at(place) is not None for place in places)


def _described(text: str, compound: Compound) -> str:
    return _WORDS.sub(lambda found: _named(found[0], compound), text.replace(" (S + R)", ""))


def _named(word: str, compound: Compound) -> str:
    """What a word for ketamine or a metabolite means in a compound."""
    place = word[0] if word[1:2] == "-" else ""
    if "hydroxynorketamine" in word:
        return f"second metabolite of {compound.label}"
    if "norketamine" in word:
        one = compound.at(f"N{place}") if place else None
        return f"{one.name}, metabolite of {compound.label}" if one else f"metabolite of {compound.label}"
    one = compound.at(place) if place and len(compound.parents) > 1 else None
    return f"{one.name} of {compound.label}" if one else compound.label
