"""Texts of the command line to numbers with the right unit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.errors import OutputError, ParameterError, nearest, reason

if TYPE_CHECKING:
    from rekindle.modelling import Model


def quantity(text: str, unit: str) -> float:
    """A quantity such as ``"72 kg"`` in another unit.

    Raises:
        UnitError: no unit, or one of another dimension.

    >>> quantity("0.072 t", "kg")
    72.0
    """
    from rekindle.units import convert, parse_quantity

    found = parse_quantity(text)
    return float(round(convert(found.value, found.unit, unit), 12))


def age(text: str) -> float:
    """An age in years; a number alone is years, as everybody writes it.

    >>> age("45"), age("45 year")
    (45.0, 45.0)
    """
    try:
        return float(text)
    except ValueError:
        return quantity(text, "year")


def given_parameters(
    texts: tuple[str, ...], model: Model, *, extrapolate: bool
) -> tuple[dict[str, float], list[str]]:
    """Values of ``--set`` in the units of the model, and labels of those outside their range.

    Raises:
        ParameterError: no ``=``, an unknown name, a value outside its range (unless extrapolating).
        UnitError: a value without a unit whose parameter has one.
    """
    values: dict[str, float] = {}
    labels = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not value:
            raise ParameterError(
                "RK-PAR-070", given=f'--set "{text}"', allowed="NAME=VALUE, for example kelim='0.002 1/h'"
            )
        parameter = model.parameters.get(name)
        if parameter is None:
            raise ParameterError(
                "RK-PAR-001",
                given=f'parameter "{name}" is not in model "{model.name}"{nearest(name, model.parameters)}',
                remedy="See `rekindle model show` for the names",
            )
        number = _number(value, parameter.unit)
        low, high = parameter.low, parameter.high
        outside = (low is not None and number < low) or (high is not None and number > high)
        if outside:
            label = f"{name} = {number:g} {parameter.unit} is outside {low:g} to {high:g} {parameter.unit}"
            if not extrapolate:
                raise ParameterError(
                    "RK-PAR-071",
                    given=label,
                    why="The model was not examined there",
                    remedy="Add --extrapolate to go on; the results then carry this label",
                )
            labels.append(label)
        values[name] = number
    return values, labels


def given_switches(texts: tuple[str, ...]) -> Mapping[str, str]:
    """Choices of ``--switch NAME=OPTION``.

    >>> given_switches(("mechanism=hnk_direct",))
    {'mechanism': 'hnk_direct'}
    """
    pairs = [tuple(part.strip() for part in text.partition("=")) for text in texts]
    for text, (name, equals, option) in zip(texts, pairs, strict=True):
        if not (name and equals and option):
            raise ParameterError("RK-PAR-072", given=f'--switch "{text}"', allowed="NAME=OPTION")
    return {name: option for name, _, option in pairs}


def chosen_switches(texts: tuple[str, ...], mechanism: str | None) -> dict[str, str]:
    """Choices of ``--switch`` together with ``--mechanism``, which is one of them.

    Raises:
        ParameterError: two different mechanisms.

    >>> chosen_switches(("mood=double_well",), None)
    {'mechanism': 'disinhibition', 'mood': 'double_well'}
    """
    chosen = given_switches(texts)
    own = chosen.get("mechanism", mechanism)
    if mechanism is not None and own != mechanism:
        raise ParameterError(
            "RK-PAR-073",
            given=f"--mechanism {mechanism} and --switch mechanism={own}",
            allowed="One mechanism",
            remedy="Leave one of the two out",
        )
    return {"mechanism": own or "disinhibition", **chosen}


def output_folder(text: str | None) -> Path | None:
    """The folder of ``--out``, made if it is not there.

    Raises:
        OutputError: it cannot be made or written to.
    """
    if text is None:
        return None
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(
            "RK-OUT-022",
            given=f"folder {text} cannot be made ({reason(problem)})",
            remedy="Choose a folder that you may write to",
        ) from None
    return folder


def _number(text: str, unit: str) -> float:
    if unit == "1":
        try:
            return float(text)
        except ValueError:
            return quantity(text, unit)
    return quantity(text, unit)


def given_outputs(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names of ``--output``, repeated or separated by commas.

    >>> given_outputs(("cadss,hnk", "dhnk"))
    ('cadss', 'hnk', 'dhnk')
    """
    return tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))


def worker_count(asked: int | None) -> int:
    """Number of threads or processes: as asked, else the processors that this process may use."""
    if asked is not None:
        return asked
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
