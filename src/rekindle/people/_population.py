"""A virtual population: any number of independent people, each drawn from their own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from rekindle.errors import PersonError
from rekindle.people._person import Person

if TYPE_CHECKING:
    from rekindle.people._distributions import CovariateDistributions


#: People drawn at a time while all are gone through.
_TOGETHER = 1000


def _default_distributions() -> CovariateDistributions:
    from rekindle.people._distributions import default_distributions

    return default_distributions()


@dataclass(frozen=True)
class Population(Sequence[Person]):
    """``n`` independent people; nobody is stored, ``population[i]`` draws person i + 1 by their own key.

    The default population is made for trials in adults with difficult-to-treat depression: 58.4 % women, age
    about 45 (18 to 64), weight N(78, 16²) kg floored at 40, height by sex, MADRS about 33 (20 to 60). Every
    number stands with mark and source in ``default_distributions().rows``.

    Attributes:
        n: number of people; person i has identifier i + 1.
        seed: seed of the simulation.
        trial: replicate; another replicate is another set of people.
        distributions: how covariates are distributed.
        fixed: fields of ``Person`` that are the same for everybody (they are then not drawn).

    Raises:
        PersonError: a negative size, or people outside what ``Person`` accepts.

    >>> people = Population(1000, seed=3)
    >>> people[4] == Population(5, seed=3)[4]
    True
    >>> Population(2, seed=3, fixed={"weight_kg": 74})[1].weight_kg
    74.0
    """

    n: int
    seed: int
    trial: int = 0
    distributions: CovariateDistributions = field(default_factory=_default_distributions)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 0:
            raise PersonError(
                "RK-PER-020", given=f"population of {self.n!r} people", allowed="A whole number from 0"
            )
        object.__setattr__(self, "fixed", MappingProxyType(dict(self.fixed)))
        if "female" in self.fixed or "id" in self.fixed:
            raise PersonError(
                "RK-PER-020",
                given=f"fixed fields {', '.join(self.fixed)}",
                allowed='Fields of Person other than id; the sex is fixed with sex="F" or "M"',
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return Population, (self.n, self.seed, self.trial, self.distributions, dict(self.fixed))

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, index: int) -> Person: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Person, ...]: ...

    def __getitem__(self, index: int | slice) -> Person | tuple[Person, ...]:
        if isinstance(index, slice):
            return self._draw(range(self.n)[index])
        place = range(self.n)[index]
        return self._draw(range(place, place + 1))[0]

    def __iter__(self) -> Iterator[Person]:
        # Together they are drawn far faster than one by one.
        for start in range(0, self.n, _TOGETHER):
            yield from self[start : start + _TOGETHER]

    def _draw(self, places: range) -> tuple[Person, ...]:
        numbers = [place + 1 for place in places]
        known = {name: value for name, value in self.fixed.items() if name in self.distributions.names}
        if self.fixed.get("sex") is not None:
            known["female"] = float(self.fixed["sex"] == "F")
        drawn = self.distributions.draw_crowd(seed=self.seed, trial=self.trial, people=numbers, fixed=known)
        return tuple(self._person(number, own) for number, own in zip(numbers, drawn, strict=True))

    def _person(self, number: int, drawn: dict[str, float]) -> Person:
        female = drawn.pop("female", None)
        sex = None if female is None else "FM"[female == 0]
        return Person(str(number), **{"sex": sex, **drawn, **self.fixed})
