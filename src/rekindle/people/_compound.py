"""Simulate people who receive a compound that is not ketamine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rekindle.engine import Trajectory
from rekindle.errors import ParameterError, PersonError
from rekindle.people._person import Person
from rekindle.people._simulate import output_times, simulate_courses
from rekindle.people._treatment import Course, Setting
from rekindle.people._variability import default_variability
from rekindle.regimen import Regimen, parse_regimen
from rekindle.therapy import Compound, compound_model, is_ketamine


def compound_regimen(compound: Compound, text: str, *, product: str | None = None) -> Regimen:
    """Read a regimen of a compound; its doses enter the places of the model that the compound fills.

    Args:
        compound: what is given.
        text: the regimen language, with or without the name of the compound in front.
        product: product or route, if the text does not say.

    Returns:
        A regimen whose drug is the one that fills the same places (``Compound.stand_in``).

    Raises:
        RegimenError: a text that cannot be read.
        ParameterError: a route for which the compound has no kinetics.

    >>> from rekindle.therapy import find_compound
    >>> compound_regimen(find_compound("analog-h1"), "analog-h1 40 mg iv over 40 min").product.name
    'iv_infusion'
    """
    words = re.sub(rf"^\s*{re.escape(compound.name)}\b", "", text, flags=re.IGNORECASE)
    regimen = parse_regimen(words, drug=compound.stand_in, product=product)
    if regimen.product.name not in compound.routes:
        raise ParameterError(
            "RK-PAR-127",
            given=f"{compound.label} as {regimen.product.name}",
            allowed=f"Routes with kinetics: {', '.join(compound.routes) or 'none'}",
            why="Without kinetics of a route no dose becomes a concentration",
        )
    return regimen


def simulate_compound(
    compound: Compound,
    regimen: Regimen | str,
    people: Person | Iterable[Person],
    *,
    times: Iterable[float] | None = None,
    outputs: Sequence[str] | None = None,
    setting: Setting | None = None,
    mechanism: str = "disinhibition",
    typical: bool | None = None,
    parameters: Mapping[str, float] | None = None,
    **options: Any,
) -> Trajectory:
    """Simulate a compound as ``simulate_people`` simulates ketamine; no range of studied doses applies.

    Differences between people are those of ketamine, for want of anything better.

    Args:
        compound: a complete compound.
        regimen: a regimen of ``compound_regimen``, or its text.
        people: one person, or any number of them.
        times: output times in h from the first dose.
        outputs: names of outputs; default all.
        setting: control class and belief.
        mechanism: hypothesis that carries the mood effect.
        typical: True gives everybody the typical parameters; default True for one person.
        parameters: typical values that replace those of the compound's model.
        **options: seed, trial, tolerance, workers, checkpoint, progress; see ``simulate_people``.

    Raises:
        PersonError: a person with interacting drugs, whose factors were measured with ketamine.

    >>> from rekindle.therapy import find_compound
    >>> found = simulate_compound(find_compound("analog-h1"), "40 mg iv over 40 min", Person(1),
    ...                           times=[24], outputs=["improvement_share"])
    >>> bool(0 < found["improvement_share"][0, 0] < 1)
    True
    """
    given = compound_regimen(compound, regimen) if isinstance(regimen, str) else regimen
    persons = [people] if isinstance(people, Person) else list(people)
    taking = [person for person in persons if person.co_medication]
    if taking and not is_ketamine(compound):
        raise PersonError(
            "RK-PER-032",
            given=f"person {taking[0].id} takes {', '.join(taking[0].co_medication)}, with {compound.label}",
            why="The factors of interacting drugs were found with ketamine; others may differ",
            remedy="Leave the co-medication out",
        )
    typical = len(persons) == 1 if typical is None else typical
    return simulate_courses(
        {person: [Course(given)] for person in persons},
        times=list(times) if times is not None else output_times(given),
        model=compound_model(compound, mechanism=mechanism),
        setting=setting or Setting(),
        variability=None if typical else default_variability("D1"),
        outputs=outputs,
        parameters=parameters or {},
        **options,
    )
