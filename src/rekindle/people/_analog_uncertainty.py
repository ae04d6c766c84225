"""What a search for analogs rests on and nobody knows, drawn from stated ranges."""

from __future__ import annotations

from rekindle.people._random import Stream, random_generator
from rekindle.people._tables import data_path, read_rows
from rekindle.therapy import therapy_model


def uncertain_parameters(
    draws: int, *, mechanism: str = "disinhibition", seed: int = 1
) -> list[dict[str, float]]:
    """Parameters on which a search rests, drawn from their stated ranges (log-uniform, from 0 uniform).

    >>> 2 <= uncertain_parameters(1)[0]["rho"] <= 6
    True
    """
    parameters = therapy_model(parameters="nominal", mechanism=mechanism).parameters
    found = []
    for number in range(draws):
        one = {}
        for _, row in read_rows(data_path("analog_uncertainty.csv"), ("parameter", "why")):
            name = row["parameter"]
            low, high = parameters[name].low, parameters[name].high
            assert low is not None, name
            assert high is not None, name
            share = float(random_generator(seed, 0, number, 0, Stream.PARAMETERS, name).random())
            one[name] = low * (high / low) ** share if low > 0.0 else low + (high - low) * share
        found.append(one)
    return found
