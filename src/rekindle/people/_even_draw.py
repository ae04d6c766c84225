"""Random effects of a small crowd that stands for a large one: spread evenly, in random company."""

from __future__ import annotations

from rekindle.people._random import Stream, random_generator
from rekindle.people._variability import Variability


def draw_evenly(variability: Variability, count: int, *, seed: int, trial: int = 0) -> list[dict[str, float]]:
    """Return standard normal numbers of every parameter that varies between people, for each of ``count``.

    Latin hypercube: for each parameter one number comes from each of ``count`` equal shares of its
    distribution, in random order. Means over the crowd vary far less with the seed than those of people
    drawn one by one, where a result is nearly a sum of what single parameters do. The price: the numbers of
    a person depend on the size of the crowd. Effects of occasions are not spread.

    Args:
        variability: random effects; those of the level ``person`` are drawn.
        count: people.
        seed: seed of the simulation.
        trial: replicate of the trial.

    References:
        McKay MD, Beckman RJ, Conover WJ (1979) A comparison of three methods for selecting values of input
        variables in the analysis of output from a computer code. Technometrics 21:239-245.
        doi:10.2307/1268522

    >>> from rekindle.people import RandomEffect
    >>> people = draw_evenly(Variability((RandomEffect("CL", "log", 0.3, "person"),)), 100, seed=1)
    >>> abs(sum(person["CL"] for person in people)) / 100 < 0.02
    True
    """
    from scipy.special import ndtri

    columns = {}
    for effect in variability.at("person"):
        generator = random_generator(seed, trial, 0, 0, Stream.PARAMETERS, f"evenly {effect.parameter}")
        shares = (generator.permutation(count) + generator.random(count)) / count
        columns[effect.parameter] = ndtri(shares).tolist()
    return [{name: values[place] for name, values in columns.items()} for place in range(count)]
