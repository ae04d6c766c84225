"""People of a small crowd that stands for a large one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from rekindle.people import (
    Correlation,
    Normals,
    Person,
    RandomEffect,
    Variability,
    default_variability,
    draw_crowd,
    draw_evenly,
    draw_parameters,
    draw_people,
)
from rekindle.therapy import named_parameter_set, therapy_model

TWO = Variability(
    (RandomEffect("EP", "logit", 0.5, "person"), RandomEffect("kelim", "log", 0.3, "person")),
    (Correlation("EP", "kelim", 0.6, "assumed", "test"),),
)


@given(count=st.integers(1, 60), seed=st.integers(0, 2**32))
def test_one_number_comes_from_each_share(count: int, seed: int) -> None:
    people = draw_evenly(TWO, range(count), seed=seed)
    assert len(people) == count
    for name in ("EP", "kelim"):
        shares = norm.cdf([one.person[name] for one in people]) * count
        assert sorted(np.floor(shares).astype(int)) == list(range(count))


def test_means_hardly_depend_on_the_seed() -> None:
    def means(evenly: bool) -> list[float]:
        found = []
        for seed in range(40):
            if evenly:
                normals = [one.person["kelim"] for one in draw_evenly(TWO, range(50), seed=seed)]
            else:
                normals = np.random.default_rng(seed).standard_normal(50).tolist()
            found.append(float(np.exp(0.8 * np.array(normals)).mean()))
        return found

    assert np.std(means(evenly=True)) < 0.35 * np.std(means(evenly=False))


def test_parameters_follow_from_the_given_numbers() -> None:
    model = therapy_model()
    normals = {"EP": 1.0, "kelim": -2.0}
    found = draw_parameters(model, TWO, seed=1, person=1, normals=Normals(normals, ({},)))
    typical = {name: float(model.parameters[name].value or 0) for name in normals}
    assert found["kelim"] == pytest.approx(typical["kelim"] * np.exp(0.3 * (0.6 * 1.0 + 0.8 * -2.0)))
    odds = typical["EP"] / (1 - typical["EP"]) * np.exp(0.5)
    assert found["EP"] == pytest.approx(odds / (1 + odds))


def test_a_fitted_correlation_moves_only_its_pair() -> None:
    written = named_parameter_set({"correlation[course_sensitivity:mood_sensitivity]": 0.5, "EP": 0.2})
    assert written.values == {"EP": 0.2}
    before = default_variability().without("occasion")
    pair = {"course_sensitivity", "mood_sensitivity"}
    after = before.with_correlation({("mood_sensitivity", "course_sensitivity"): 0.5})
    for one, two in zip(before.correlations, after.correlations, strict=True):
        assert two.value == (0.5 if {two.first, two.second} == pair else one.value)
    assert written.correlation == {("course_sensitivity", "mood_sensitivity"): 0.5}


def test_the_natural_course_of_a_person_does_not_depend_on_the_correlation() -> None:
    model = therapy_model()
    people = [Person(number) for number in range(1, 400)]
    known = (
        default_variability()
        .of(model)
        .without("occasion")
        .with_spread({"mood_sensitivity": 1.0, "course_sensitivity": 1.0})
    )
    drawn = [
        draw_people(
            model, known.with_correlation({("course_sensitivity", "mood_sensitivity"): value}), people, seed=2
        )
        for value in (0.0, 0.7)
    ]
    course, mood = (
        np.log([[one[person.id][name] for person in people] for one in drawn])
        for name in ("course_sensitivity", "mood_sensitivity")
    )
    assert course[0].tolist() == course[1].tolist()
    assert abs(np.corrcoef(course[0], mood[0])[0, 1]) < 0.15
    assert np.corrcoef(course[1], mood[1])[0, 1] == pytest.approx(0.7, abs=0.08)


def test_a_crowd_with_given_normals_has_the_parameters_of_its_people():
    model = therapy_model()
    known = default_variability().around(model)
    normals = draw_evenly(known, range(40), seed=3, occasions=3)
    crowd = draw_crowd(model, known, range(40), seed=1, occasions=3, normals=normals)
    columns = crowd.columns(40)
    for person, own in enumerate(normals):
        alone = draw_parameters(model, known, seed=1, person=person, occasions=3, normals=own)
        for name, value in alone.items():
            assert np.array_equal(columns[name][person], np.atleast_1d(value))
            assert np.array_equal(crowd.of(person)[name], value)
