"""Random effects of a small crowd that stands for a large one: spread evenly, in random company."""

from __future__ import annotations

from collections.abc import Sequence

from rekindle.people._draw import Normals, draw_normals
from rekindle.people._random import Stream, random_generator
from rekindle.people._variability import Variability


def draw_evenly(
    variability: Variability, people: Sequence[int | str], *, seed: int, trial: int = 0, occasions: int = 1
) -> tuple[Normals, ...]:
    """Return standard normal numbers for the random effects of each person of a crowd.

    Latin hypercube: for each parameter that varies between people, one number comes from each of as many
    equal shares of its distribution as there are people, in random order. Means over the crowd vary far less
    with the seed than those of people drawn one by one, where a result is nearly a sum of what single
    parameters do. The price: the numbers of a person depend on the size of the crowd. Effects of occasions
    are those of people drawn one by one.

    Args:
        variability: random effects.
        people: identifiers.
        seed: seed of the simulation.
        trial: replicate of the trial.
        occasions: occasions of each person.

    References:
        McKay MD, Beckman RJ, Conover WJ (1979) A comparison of three methods for selecting values of input
        variables in the analysis of output from a computer code. Technometrics 21:239-245.
        doi:10.2307/1268522

    >>> from rekindle.people import RandomEffect
    >>> known = Variability((RandomEffect("CL", "log", 0.3, "person"),))
    >>> crowd = draw_evenly(known, range(1, 101), seed=1)
    >>> abs(sum(one.person["CL"] for one in crowd)) / 100 < 0.02
    True
    """
    from scipy.special import ndtri

    count = len(people)
    columns = {}
    for effect in variability.at("person"):
        generator = random_generator(seed, trial, 0, 0, Stream.PARAMETERS, f"evenly {effect.parameter}")
        shares = (generator.permutation(count) + generator.random(count)) / count
        columns[effect.parameter] = ndtri(shares).tolist()
    names = [effect.parameter for effect in variability.at("occasion")]
    rows = [
        draw_normals(variability, "occasion", people, seed=seed, trial=trial, occasion=number).T.tolist()
        for number in range(1, occasions + 1)
    ]
    return tuple(
        Normals(
            {name: values[place] for name, values in columns.items()},
            tuple(dict(zip(names, row[place], strict=True)) for row in rows),
        )
        for place in range(count)
    )
