"""Read a regimen whose drug is a compound: one of this package by name, or one of the user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from rekindle.errors import ParameterError, PersonError, nearest
from rekindle.people._person import Person
from rekindle.regimen import DRUGS, Regimen, parse_regimen, products
from rekindle.therapy import compound_names

if TYPE_CHECKING:
    from rekindle.therapy import Compound

#: A word that can be a name: letters first, then letters, digits and hyphens.
_WORD = re.compile(r"(?<![\w./-])[A-Za-z][\w-]*")


def compound_regimen(compound: Compound, text: str, *, product: str | None = None) -> Regimen:
    """Read a regimen of a compound; its doses enter the places of the model that the compound fills.

    Args:
        compound: what is given.
        text: the regimen language, with or without the name of the compound.
        product: product or route, if the text does not say.

    Returns:
        A regimen whose drug is the one that fills the same places (``Compound.stand_in``), and whose
        ``compound`` says what it really is.

    Raises:
        RegimenError: a text that cannot be read.
        ParameterError: a text that names another drug, or a route for which the compound has no kinetics.

    >>> from rekindle.therapy import find_compound
    >>> print(compound_regimen(find_compound("analog-h1"), "analog-h1 40 mg iv over 40 min"))
    analog-h1 (hypothetical) 40 mg IV over 40 min; 1 session
    """
    words = _pattern(compound.name).sub(lambda found: " " * len(found[0]), text)
    _refuse_other_drugs(compound, text, words)
    regimen = parse_regimen(words, drug=compound.stand_in, product=product)
    if regimen.product.name not in compound.routes:
        raise ParameterError(
            "RK-PAR-127",
            given=f"{compound.label} as {regimen.product.name}",
            allowed=f"Routes with kinetics: {', '.join(compound.routes) or 'none'}",
            why="Without kinetics of a route no dose becomes a concentration",
        )
    own = "" if compound.label in DRUGS else compound.label
    return replace(regimen, text=text, compound=own)


def read_treatment(
    text: str,
    *,
    drug: str | None = None,
    product: str | None = None,
    own: Sequence[Compound] = (),
) -> tuple[Regimen, Compound | None]:
    """Read a regimen of any drug or compound.

    Args:
        text: the regimen language; the drug may be a compound of this package or one of ``own``.
        drug: drug or compound, if the text does not say.
        product: product or route, if the text does not say.
        own: compounds of the user.

    Returns:
        The regimen, and the compound; None for ketamine, its enantiomers, saline and none.

    Raises:
        RegimenError: a text that cannot be read.
        ParameterError: a name that is no compound, or two of them.

    >>> regimen, compound = read_treatment("memantine 20 mg oral daily x 7")
    >>> regimen.given, compound.name
    ('memantine', 'memantine')
    >>> read_treatment("ketamine 0.5 mg/kg iv over 40 min")[1] is None
    True
    """
    theirs = {one.name: one for one in own}
    known = dict.fromkeys([*(name for name in compound_names() if name not in DRUGS), *theirs])
    found = [name for name in known if _pattern(name).search(text)]
    if drug is not None and drug.strip() in known:
        found = list(dict.fromkeys([*found, drug.strip()]))
        drug = None
    named = [theirs[name] if name in theirs else _shipped(name) for name in found]
    if len(named) > 1 or (named and drug is not None):
        names = [one.label for one in named] + ([drug] if drug is not None else [])
        raise ParameterError(
            "RK-PAR-129",
            given=f"one regimen with {' and '.join(names)}",
            allowed="One drug or compound in a regimen",
            remedy="Write the other part as a regimen of its own",
        )
    if not named:
        _refuse_unknown([*([drug] if drug else []), *_WORD.findall(text)], known)
        return parse_regimen(text, drug=drug, product=product), None
    return compound_regimen(named[0], text, product=product), named[0]


def _shipped(name: str) -> Compound:
    from rekindle.therapy import find_compound

    return find_compound(name)


def refuse_unmeasured(compound: Compound, people: Iterable[Person]) -> None:
    """Refuse people whose drugs interact with ketamine in a measured way, and with the compound in none.

    Raises:
        PersonError: naming the person and the drugs.
    """
    from rekindle.therapy import is_ketamine

    for person in people:
        if person.co_medication and not is_ketamine(compound):
            raise PersonError(
                "RK-PER-032",
                given=f"person {person.id} takes {', '.join(person.co_medication)}, with {compound.label}",
                why="The factors of interacting drugs were found with ketamine; others may differ",
                remedy="Leave the co-medication out",
            )


def _pattern(compound: str) -> re.Pattern[str]:
    """The name of a compound as a whole word, with or without the mark behind it."""
    name = re.escape(compound)
    return re.compile(rf"(?<![\w-]){name}(?![\w-])(\s*\(hypothetical\))?", re.IGNORECASE)


def _refuse_other_drugs(compound: Compound, text: str, words: str) -> None:
    others = [word for word in _WORD.findall(words) if word.lower() in DRUGS]
    if others:
        raise ParameterError(
            "RK-PAR-129",
            given=f'"{text}" names {others[0]}, and the compound is {compound.label}',
            allowed="One drug or compound in a regimen",
            remedy=f"Leave {others[0]} out, or leave the compound out",
        )


def _refuse_unknown(words: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a word that is close to the name of a compound and to nothing else of the language."""
    names = list(known)
    language = {*DRUGS, *(word for product in products().values() for word in product.words)}
    for word in words:
        if word.lower() in language:
            continue
        closest = get_close_matches(word.lower(), [*language, *names], n=1, cutoff=0.7)
        if closest and closest[0] in names:
            raise ParameterError(
                "RK-PAR-125",
                given=f'compound "{word}" is unknown{nearest(word, names)}',
                allowed=f"Compounds: {', '.join(names)}, or one of your own as a TOML file",
            )
