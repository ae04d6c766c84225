"""People drawn together have the bits of people drawn one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rekindle.people import Population, Stream, default_distributions, random_generator
from rekindle.people import _crowd_normals as crowd_normals
from rekindle.people._crowd_normals import standard_normals

WORDS = st.integers(0, 2**64 - 1)
NAMES = ("kelim", "EP", "", "CLint")


def one_by_one(seed: int, trial: int, people: list[int | str], occasion: int, stream: Stream) -> np.ndarray:
    return np.array(
        [
            [
                random_generator(seed, trial, person, occasion, stream, name).standard_normal()
                for person in people
            ]
            for name in NAMES
        ]
    )


@settings(max_examples=30, deadline=None)
@given(seed=WORDS, trial=WORDS, occasion=WORDS, first=st.integers(0, 2**63), stream=st.sampled_from(Stream))
def test_numbers_of_a_crowd_are_those_of_the_generators(
    seed: int, trial: int, occasion: int, first: int, stream: Stream
) -> None:
    people: list[int | str] = [*range(first, first + 70), "sub-MOA101", "7"]
    found = standard_normals(seed, trial, people, occasion, stream, NAMES)
    assert np.array_equal(found, one_by_one(seed, trial, people, occasion, stream))


def test_every_layer_of_the_ziggurat_and_its_tail_are_met() -> None:
    people: list[int | str] = list(range(1, 10_001))
    found = standard_normals(3, 1, people, 0, Stream.PARAMETERS, NAMES)
    assert np.array_equal(found, one_by_one(3, 1, people, 0, Stream.PARAMETERS))
    assert np.abs(found).max() > 3.66  # the tail begins at 3.654
    everybody = np.arange(1, 40_001, dtype=np.uint64)
    words = crowd_normals._philox((3, 1), np.full(1, 2, np.uint64), 0, everybody)
    assert len(np.unique(words & np.uint64(255))) == 256


def test_another_ziggurat_than_that_of_numpy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    widths, edges = crowd_normals._table()
    crowd_normals._same_as_numpy.cache_clear()
    monkeypatch.setattr(crowd_normals, "_table", lambda: (np.nextafter(widths, 1.0), edges))
    try:
        assert not crowd_normals._same_as_numpy()
        people: list[int | str] = list(range(100))
        found = standard_normals(1, 0, people, 0, Stream.PARAMETERS, NAMES)
        assert np.array_equal(found, one_by_one(1, 0, people, 0, Stream.PARAMETERS))
    finally:
        crowd_normals._same_as_numpy.cache_clear()


def test_a_slice_of_a_population_holds_the_people_of_single_places() -> None:
    people = Population(700, seed=5, trial=2)
    assert people[20:620] == tuple(people[place] for place in range(20, 620))
    assert people[-1] == people[699]
    assert list(people) == [people[place] for place in range(700)]
    many = iter(Population(2_001, seed=5, trial=2))
    assert [person.id for person in many] == [str(number) for number in range(1, 2_002)]
    assert people[3:3] == ()


def test_covariates_of_a_crowd_respect_what_is_fixed() -> None:
    drawn = default_distributions().draw_crowd(
        seed=1, trial=0, people=range(1, 301), fixed={"female": 1.0, "weight_kg": 61.5}
    )
    assert {own["weight_kg"] for own in drawn} == {61.5}
    assert 155 < np.mean([own["height_cm"] for own in drawn]) < 164  # women: 161.3 cm, lighter than the mean
