"""Export to PEtab: model, conditions, observables, measurements and parameters for programs that estimate."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rekindle.engine.exchange._petab_doses import Slots, identifier
from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._records import OBSERVATION, Record
from rekindle.errors import EventError, OutputError, ParameterError, nearest, reason
from rekindle.modelling import Model, Parameter, symbol, to_sbml

_SCALES = ("lin", "log", "log10")
_FILES = {
    "sbml_files": "model.xml", "condition_files": "conditions.tsv", "observable_files": "observables.tsv",
    "measurement_files": "measurements.tsv",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observable:
    """How an output was measured: normal error of standard deviation ``sd`` on a scale.

    ``scale`` is lin, log or log10: the scale on which the error is normal, and on which ``sd`` is given.
    ``sd_range`` makes the standard deviation a parameter to be estimated within it.
    """

    output: str
    sd: float
    scale: str = "lin"
    sd_range: tuple[float, float] | None = None


def to_petab(
    model: Model,
    events: EventTable,
    folder: str | os.PathLike[str],
    observables: Observable | Mapping[str, Observable],
    *,
    column: str = "DVID",
    estimate: Mapping[str, tuple[float, float] | None] | Sequence[str] = (),
) -> list[Path]:
    """Write a PEtab problem (version 1): ``problem.yaml`` and the six files that it names.

    Each person is a condition. PEtab has no doses: they are events of the one SBML model, with times,
    amounts and durations as parameters that the conditions table sets for each person. So people with
    different regimens and different constant covariates share one problem.

    Args:
        model: the model; its outputs are what can be observed.
        events: doses and observations (DV) of people.
        folder: where the files are written; made if it is not there.
        observables: what DV is: one observable, or one for each value of ``column``.
        column: column of the event table (listed in its ``extra``) that says which observable DV is.
        estimate: parameters to estimate, with low and high end; None or a plain list takes the model's range.

    Raises:
        EventError: RK-EVT-045 a record that PEtab cannot express: steady state, reset, occasion, modelled
            rate or duration, changing covariate, censored value, or an observation just before a dose.
        ParameterError: an unknown parameter, or one without value or range.
        OutputError: an unknown output or scale, or a folder that cannot be written.
    """
    named = {"": observables} if isinstance(observables, Observable) else dict(observables)
    _check_observables(model, named)
    ranges = _ranges(model, estimate)
    slots = Slots(model, events)
    exported = replace(model, parameters={**model.parameters, **slots.parameters()})
    text = to_sbml(exported, events=slots.events(), parameters=slots.covariates_of_first())
    measurements = list(_measurements(model, events, named, column))
    tables: dict[str, list[dict[str, Any]]] = {
        "conditions.tsv": slots.conditions(),
        "observables.tsv": [_observable(model, key, value) for key, value in named.items()],
        "measurements.tsv": measurements,
        "parameters.tsv": _parameters(model, ranges, named),
    }
    return _write(Path(folder), text, tables)


def _check_observables(model: Model, named: Mapping[str, Observable]) -> None:
    for observable in named.values():
        if observable.output not in model.outputs:
            raise OutputError(
                "RK-OUT-002",
                given=f'output "{observable.output}" is not in model "{model.name}"'
                f"{nearest(observable.output, model.outputs)}",
                allowed=f"Outputs: {', '.join(model.outputs)}",
            )
        low, high = observable.sd_range or (observable.sd, observable.sd)
        if observable.scale not in _SCALES or not 0.0 < low <= observable.sd <= high < float("inf"):
            raise OutputError(
                "RK-OUT-092",
                given=f'observable "{observable.output}": sd {observable.sd:g} on scale {observable.scale!r}',
                allowed=f"Scales {', '.join(_SCALES)}; a positive sd within its range",
            )
    outputs = [observable.output for observable in named.values()]
    repeated = sorted({name for name in outputs if outputs.count(name) > 1})
    if repeated or not outputs:
        what = f'output "{repeated[0]}" stands twice' if repeated else "there is no observable"
        raise OutputError(
            "RK-OUT-092", given=what, allowed="One observable for each output that was measured"
        )


def _ranges(
    model: Model, estimate: Mapping[str, tuple[float, float] | None] | Sequence[str]
) -> dict[str, tuple[float, float]]:
    given = dict(estimate) if isinstance(estimate, Mapping) else dict.fromkeys(estimate)
    found = {}
    for name, limits in given.items():
        if name not in model.parameters:
            raise ParameterError(
                "RK-PAR-001",
                given=f'parameter "{name}" is not in model "{model.name}"{nearest(name, model.parameters)}',
                remedy="See `rekindle model show` for the names",
            )
        parameter = model.parameters[name]
        low, high = limits or (parameter.low, parameter.high)
        if low is None or high is None or not low < high or not _inside(parameter, low, high):
            raise ParameterError(
                "RK-PAR-030",
                given=f'parameter "{name}" is to be estimated between {low} and {high}, its value is '
                f"{parameter.value}",
                allowed="A value between a low and a high end",
                remedy=f'Give estimate={{"{name}": (low, high)}}',
            )
        found[name] = (low, high)
    return found


def _inside(parameter: Parameter, low: float, high: float) -> bool:
    return parameter.value is not None and low <= parameter.value <= high


def _observable(model: Model, key: str, observable: Observable) -> dict[str, Any]:
    output = model.outputs[observable.output]
    own = observable.output
    taken = {*model.parameters, *model.covariates, *model.states, *model.definitions}
    # The name that the SBML export gives an output which is not what its name means elsewhere.
    formula = f"output_{own}" if own in taken and output.expression is not symbol(own) else own
    return {
        "observableId": f"obs_{own}",
        "observableName": output.description or own,
        "observableFormula": formula,
        "observableTransformation": observable.scale,
        "noiseFormula": f"sd_{own}" if observable.sd_range else repr(observable.sd),
        "noiseDistribution": "normal",
    }


def _measurements(
    model: Model, events: EventTable, named: Mapping[str, Observable], column: str
) -> Iterable[dict[str, Any]]:
    count = 0
    for person, records in events.subjects.items():
        for record in records:
            if record.kind != OBSERVATION or "DV" not in record.carried or record.carried.get("MDV"):
                continue
            count += 1
            observable = _which(named, record, column, person)
            if observable.scale != "lin" and record.carried["DV"] <= 0:
                raise EventError(
                    "RK-EVT-045",
                    given=f"row {record.row} (person {person}): DV {record.carried['DV']:g} "
                    f"on a {observable.scale} scale",
                    allowed="Positive values",
                    remedy="Mark it with MDV 1, or use the scale lin",
                )
            yield {
                "observableId": f"obs_{observable.output}",
                "simulationConditionId": identifier(person),
                "measurement": repr(record.carried["DV"]),
                "time": repr(record.time),
                "datasetId": identifier(person),
            }
    if not count:
        raise EventError(
            "RK-EVT-045", given="the event table has no observed value (DV on a record with EVID 0)",
            why="A PEtab problem without measurements estimates nothing",
        )  # fmt: skip


def _which(named: Mapping[str, Observable], record: Record, column: str, person: str) -> Observable:
    if record.carried.get("CENS"):
        raise EventError(
            "RK-EVT-045", given=f"row {record.row} (person {person}): a censored value",
            why="PEtab has no censored measurements", remedy="Mark it with MDV 1, or leave it out",
        )  # fmt: skip
    if list(named) == [""]:
        return named[""]
    value = record.carried.get(column)
    key = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if key not in named:
        raise EventError(
            "RK-EVT-045",
            given=f"row {record.row} (person {person}): {column} is {value!r}",
            allowed=f"Observables: {', '.join(named)}",
            remedy=f'Read the table with extra=["{column}"] and name every observable',
        )
    return named[key]


def _parameters(
    model: Model, ranges: Mapping[str, tuple[float, float]], named: Mapping[str, Observable]
) -> list[dict[str, Any]]:
    rows = [
        _parameter(name, model.parameters[name].value, limits, model.parameters[name].description)
        for name, limits in ranges.items()
    ]
    rows += [
        _parameter(f"sd_{o.output}", o.sd, o.sd_range, f"residual error of {o.output}")
        for o in named.values()
        if o.sd_range
    ]
    if not rows:
        raise ParameterError(
            "RK-PAR-030", given="no parameter is to be estimated", allowed="One or more names in estimate=",
            remedy="Name parameters of the model that have a range",
        )  # fmt: skip
    return rows


def _parameter(name: str, value: float | None, limits: tuple[float, float], text: str) -> dict[str, Any]:
    return {
        "parameterId": name,
        "parameterName": text or name,
        "parameterScale": "log10" if limits[0] > 0 else "lin",
        "lowerBound": repr(limits[0]),
        "upperBound": repr(limits[1]),
        "nominalValue": repr(value),
        "estimate": 1,
    }


def _write(folder: Path, sbml: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Path]:
    lines = ["format_version: 1", "parameter_file: parameters.tsv", "problems:"]
    lines += [
        f"{'-' if place == 0 else ' '} {key}: [{name}]" for place, (key, name) in enumerate(_FILES.items())
    ]
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("model.xml", sbml), ("problem.yaml", "\n".join(lines) + "\n")):
            (folder / name).write_text(text, encoding="utf-8")
            written.append(folder / name)
        for name, rows in tables.items():
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            written.append(folder / name)
    except OSError as problem:
        raise OutputError(
            "RK-OUT-023", given=f"{folder} cannot be written ({reason(problem)})",
            remedy="Choose another folder",
        ) from None  # fmt: skip
    return written
