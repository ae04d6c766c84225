"""A person's facts are checked; parameters and covariates vary as their tables say."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rekindle.errors import ParameterError, PersonError, RegimenError
from rekindle.modelling import Covariate, Model, Parameter
from rekindle.people import (
    Correlation,
    CovariateDistributions,
    Distribution,
    Person,
    Population,
    RandomEffect,
    Variability,
    default_distributions,
    default_variability,
    draw_effects,
    draw_parameters,
    draw_people,
    person_ranges,
    read_distributions,
    read_variability,
    simulate_people,
)
from rekindle.regimen import parse_regimen
from rekindle.therapy import (
    ALTERNATIVES,
    coverage,
    pharmacokinetic_model,
    pharmacokinetic_models,
    therapy_model,
)

HEADER = "parameter,scale,omega,level,mark,source,description\n"


def model(**values: float | None) -> Model:
    parameters = {name: Parameter(name, "1", value) for name, value in values.items()}
    return Model("small", "h", {}, {}, parameters, {"weight": Covariate("weight", "kg", 70)})


def effect(parameter: str, omega: float = 0.3, scale: str = "log", level: str = "person") -> RandomEffect:
    return RandomEffect(parameter, scale, omega, level)


def correlation(first: str, second: str, value: float) -> Correlation:
    return Correlation(first, second, value, "assumed", "")


def etas(variability: Variability, people: int = 6000, occasion: int = 0) -> np.ndarray:
    level = "occasion" if occasion else "person"
    drawn = [
        draw_effects(variability, level, seed=8, trial=0, person=person, occasion=occasion)
        for person in range(people)
    ]
    return np.array([list(values.values()) for values in drawn])


# A person


def test_a_person_has_the_documented_defaults() -> None:
    person = Person(3)
    assert (person.id, person.weight_kg, person.age_years, person.sex) == ("3", 70, 40, None)
    assert person.covariates() == {
        "weight": 70, "age": 40, "child_pugh": 0, "cyp2b6_poor": 0, "diazepam_equivalent": 0
    }  # fmt: skip


def test_known_facts_become_covariates_and_a_model_takes_those_it_has() -> None:
    person = Person(
        "a", 82, 35, "F", madrs_baseline=33, item10_baseline=2, child_pugh="B", diazepam_equivalent_mg=10
    )
    expected = {"female": 1, "madrs_baseline": 33, "item10_baseline": 2, "child_pugh": 2}
    assert expected.items() <= person.covariates().items()
    assert person.covariates(model()) == {"weight": 82}
    assert Person("b", sex="M").covariates()["female"] == 0


@pytest.mark.parametrize("name", list(person_ranges()))
@pytest.mark.parametrize("excess", [-1, -0.001, math.nan, math.inf, -math.inf, 1e6])
def test_impossible_numbers_are_refused_whatever_is_allowed(name: str, excess: float) -> None:
    low, high = person_ranges()[name].possible
    value = min(low, 0.0) + excess if excess < 0 else high + excess
    with pytest.raises(PersonError, match=rf"RK-PER-012: person 7: {name} .* is not possible"):
        Person("7", allow_extrapolation=True, **{name: value})


@given(age=st.floats(0, 18, exclude_max=True))
def test_children_are_refused_whatever_is_allowed(age: float) -> None:
    with pytest.raises(PersonError, match=r"RK-PER-011.*paediatric"):
        Person(1, age_years=age, allow_extrapolation=True)


@given(weight=st.floats(39, 170), age=st.floats(18, 86))
def test_the_whole_validated_range_is_accepted_without_a_label(weight: float, age: float) -> None:
    assert Person(1, weight, age).extrapolations == ()


@pytest.mark.parametrize(
    ("weight", "age", "count"), [(38.9, 40, 1), (171, 40, 1), (70, 86.5, 1), (35, 90, 2)]
)
def test_outside_the_validated_range_only_on_request_and_with_a_label(
    weight: float, age: float, count: int
) -> None:
    with pytest.raises(PersonError, match=r"RK-PER-013.*outside.*allow_extrapolation"):
        Person(1, weight, age)
    person = Person(1, weight, age, allow_extrapolation=True)
    assert len(person.extrapolations) == count
    assert replace(person, sex="F").extrapolations == person.extrapolations


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"weight_kg": "72"}, "RK-PER-010"),
        ({"weight_kg": True}, "RK-PER-010"),
        ({"weight_kg": 70, "height_cm": 175, "bmi": 30}, "RK-PER-014"),
        ({"weight_kg": 170, "height_cm": 102}, "RK-PER-012"),
        ({"sex": "female"}, "RK-PER-015"),
        ({"child_pugh": "C"}, "RK-PER-016"),
        ({"co_medication": "rifampicin"}, "RK-PER-017"),
        ({"id": " "}, "RK-PER-018"),
        ({"id": 1.5}, "RK-PER-018"),
        ({"id": -1}, "RK-PER-001"),
    ],
)
def test_contradictory_or_unusable_facts_are_refused(facts: dict[str, object], code: str) -> None:
    with pytest.raises(PersonError, match=code):
        Person(**({"id": "1"} | facts))


def test_body_mass_index_is_computed_unless_stated() -> None:
    assert Person(1, 81, height_cm=180).body_mass_index == 25
    assert Person(1, 81, height_cm=180, bmi=25.3).body_mass_index == 25.3
    assert Person(1).body_mass_index is None


# Variability of parameters


def test_standard_deviations_and_correlations_are_recovered() -> None:
    variability = Variability(
        (effect("CL", 0.43), effect("V", 0.29), effect("F", 0.68, "logit"), effect("Q", 0.1)),
        (correlation("V", "CL", 0.48), correlation("F", "V", -0.3)),
    )
    drawn = etas(variability)
    # Standard errors: SD / sqrt(2n) and (1 - r²) / sqrt(n); 4 of them.
    assert np.allclose(drawn.std(axis=0), [0.43, 0.29, 0.68, 0.1], rtol=4 / math.sqrt(2 * 6000))
    expected = [[1, 0.48, 0, 0], [0.48, 1, -0.3, 0], [0, -0.3, 1, 0], [0, 0, 0, 1]]
    assert np.abs(np.corrcoef(drawn.T) - expected).max() < 4 / math.sqrt(6000)
    for column, omega in zip(drawn.T, (0.43, 0.29, 0.68, 0.1), strict=True):
        assert stats.kstest(column / omega, "norm").pvalue > 0.001


def test_scales_move_the_typical_value_as_they_say() -> None:
    variability = Variability((effect("CL", 0.4), effect("F", 0.7, "logit")))
    eta = draw_effects(variability, "person", seed=3, trial=1, person="x", occasion=0)
    drawn = draw_parameters(model(CL=5, F=0.44, other=1), variability, seed=3, trial=1, person="x")
    assert set(drawn) == {"CL", "F"}
    assert math.log(drawn["CL"] / 5) == pytest.approx(eta["CL"], rel=1e-12)
    assert math.log(drawn["F"] / (1 - drawn["F"])) - math.log(0.44 / 0.56) == pytest.approx(
        eta["F"], rel=1e-12
    )


@given(person=st.integers(0, 2**32), omega=st.floats(0, 6), typical=st.floats(1e-3, 1 - 1e-3))
def test_drawn_values_stay_inside_their_scale(person: int, omega: float, typical: float) -> None:
    variability = Variability((effect("F", omega, "logit"), effect("CL", omega)))
    drawn = draw_parameters(model(F=typical, CL=typical), variability, seed=1, person=person)
    assert 0 < drawn["F"] < 1
    assert drawn["CL"] > 0


def test_occasions_add_to_the_person_on_the_same_scale() -> None:
    both = Variability((effect("ka", 0.485), effect("ka", 0.3, level="occasion")))
    drawn = np.array(
        [
            draw_parameters(model(ka=2.12), both, seed=2, person=person, occasions=3)["ka"]
            for person in range(4000)
        ]
    )
    logs = np.log(drawn / 2.12)
    assert logs.shape == (4000, 3)
    assert logs.std(axis=0) == pytest.approx(np.full(3, math.hypot(0.485, 0.3)), rel=0.05)
    assert logs.std(axis=1, ddof=1).__pow__(2).mean() == pytest.approx(0.09, rel=0.05)
    assert np.corrcoef(logs.T)[0, 2] == pytest.approx(0.485**2 / (0.485**2 + 0.09), abs=0.04)


def test_occasions_drawn_do_not_depend_on_how_many_there_are() -> None:
    variability = default_variability().only(["FRn", "ka_n", "CLint", "V1"])
    typical = model(FRn=0.44, ka_n=2.12, CLint=257.6, V1=123)
    short = draw_parameters(typical, variability, seed=1, person=5, occasions=2)
    long = draw_parameters(typical, variability, seed=1, person=5, occasions=9)
    assert isinstance(short["CLint"], float)
    assert short["CLint"] == long["CLint"]
    assert np.array_equal(short["FRn"], long["FRn"][:2])


def test_correlated_occasions() -> None:
    effects = (effect("a", 0.2, level="occasion"), effect("b", 0.5, level="occasion"), effect("a", 0.3))
    drawn = etas(Variability(effects, (correlation("a", "b", 0.7),)), occasion=2)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.7, abs=0.03)


def test_a_parameter_keeps_its_numbers_when_others_start_or_stop_varying() -> None:
    full, part = default_variability(), default_variability().only(["V1", "CLint", "EC50D"])
    key = {"seed": 4, "trial": 0, "person": "p", "occasion": 0}
    before, after = draw_effects(full, "person", **key), draw_effects(part, "person", **key)
    assert {name: before[name] for name in after} == pytest.approx(after, rel=1e-14)


def test_a_perfect_correlation_is_one_common_factor() -> None:
    variability = Variability((effect("EP", 0.6), effect("ES", 0.6)), (correlation("EP", "ES", 1.0),))
    drawn = etas(variability, people=20)
    assert np.allclose(drawn[:, 0], drawn[:, 1], rtol=1e-14)


def test_typical_values_can_change_between_occasions() -> None:
    variability = Variability((effect("CL", 0.4),))
    drawn = draw_parameters(
        model(CL=5, m=1), variability, seed=1, person=1, occasions=2, typical={"CL": [5, 10], "m": 2}
    )
    assert drawn["CL"][1] == 2 * drawn["CL"][0]
    assert drawn["m"] == 2


def test_draws_of_several_people_are_those_of_each_alone() -> None:
    variability, typical = Variability((effect("CL"),)), model(CL=5)
    several = draw_people(typical, variability, Population(4, seed=1), seed=9)
    assert several["3"] == draw_parameters(typical, variability, seed=9, person=3)


def test_variability_can_be_switched_off_by_level_or_in_size() -> None:
    both = Variability((effect("ka", 0.4), effect("ka", 0.3, level="occasion"), effect("CL", 0.2)))
    assert [e.level for e in both.without("occasion").effects] == ["person", "person"]
    assert draw_parameters(model(ka=2, CL=5), both.scaled(0), seed=1, person=1)["CL"] == 5
    assert both.of(model(CL=1)).parameters == ("CL",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"CLintt": 1}, 'RK-PAR-082: .*"CLint".*did you mean "CLintt"'),
        ({"CLint": None}, "RK-PAR-083: .*not given"),
        ({"CLint": 0}, "RK-PAR-083: .*above 0"),
    ],
)
def test_variability_must_fit_the_model(values: dict[str, float | None], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        draw_parameters(model(**values), Variability((effect("CLint"),)), seed=1, person=1)


def test_a_share_of_one_cannot_vary_on_the_logit_scale() -> None:
    with pytest.raises(ParameterError, match=r"RK-PAR-083: .*between 0 and 1"):
        draw_parameters(model(F=1), Variability((effect("F", 0.1, "logit"),)), seed=1, person=1)


@pytest.mark.parametrize("typical", [{"CLL": 1}, {"CL": [1, 2, 3]}])
def test_unknown_or_miscounted_typical_values_are_refused(typical: dict[str, object]) -> None:
    with pytest.raises((ParameterError, PersonError), match=r"RK-PAR-084|RK-PER-009"):
        draw_parameters(model(CL=5), Variability(()), seed=1, person=1, occasions=2, typical=typical)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("CL,log,-0.1,person,seen,x,", "RK-PER-004: table.csv, row 2: omega"),
        ("CL,log,nan,person,seen,x,", "RK-PER-004"),
        ("CL,logg,0.1,person,seen,x,", 'RK-PER-005: .*did you mean "log"'),
        ("CL,log,0.1,persn,seen,x,", 'RK-PER-005: .*did you mean "person"'),
        ("CL,log,0.1,person,guess,x,", "RK-PER-005: .*mark"),
        ("CL,log,0.1,person,seen,,", "RK-PER-005: .*without a source"),
        ("CL,log,0.1,person,seen,x", "RK-PER-003: table.csv, row 2: 6 cells"),
        ("CL,log,0.1,person,seen,x,\nCL,log,0.2,person,seen,x,", "RK-PER-008"),
        ("CL,log,0.1,person,seen,x,\nCL,logit,0.2,occasion,seen,x,", "RK-PER-008: .*two scales"),
    ],
)
def test_unusable_rows_of_a_variability_table_are_named(tmp_path: Path, row: str, message: str) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"{HEADER}{row}\n")
    with pytest.raises(PersonError, match=message):
        read_variability(table)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,b,0.9", "b,c,0.9", "a,c,-0.9"], "RK-PER-007"),
        (["a,b,1.2"], "RK-PER-004"),
        (["a,d,0.2"], "RK-PER-006: .*does not vary"),
        (["a,b,0.2", "b,a,0.2"], "RK-PER-006: .*twice"),
        (["a,a,0.2"], "RK-PER-006: .*itself"),
    ],
)
def test_impossible_correlations_are_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    table, pairs = tmp_path / "table.csv", tmp_path / "pairs.csv"
    table.write_text(HEADER + "".join(f"{name},log,0.3,person,assumed,x,\n" for name in "abc"))
    lines = "".join(f"{row},assumed,x\n" for row in rows)
    pairs.write_text("parameter_1,parameter_2,correlation,mark,source\n" + lines)
    with pytest.raises(PersonError, match=message):
        read_variability(table, pairs)


@given(st.lists(st.floats(-0.95, 0.95), min_size=3, max_size=3))
def test_a_matrix_is_refused_exactly_when_it_has_a_negative_eigenvalue(values: list[float]) -> None:
    ab, ac, bc = values
    lowest = np.linalg.eigvalsh([[1, ab, ac], [ab, 1, bc], [ac, bc, 1]])[0]
    pairs = (correlation("a", "b", ab), correlation("a", "c", ac), correlation("b", "c", bc))
    effects = tuple(effect(name) for name in "abc")
    if lowest > 1e-6:
        root = Variability(effects, pairs).roots["person"]
        assert (root @ root.T)[[0, 0, 1], [1, 2, 2]] == pytest.approx(values, abs=1e-12)
    elif lowest < -1e-6:
        with pytest.raises(PersonError, match="RK-PER-007"):
            Variability(effects, pairs)


def test_groups_of_a_table_are_correlations(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    header = "parameter,scale,omega,level,group,correlation,mark,source,description\n"
    table.write_text(
        header + "a,log,1,person,g,0.5,seen,x,\nb,log,1,person,g,0.5,seen,x,\nc,log,1,person,,,assumed,,\n"
    )
    (pair,) = read_variability(table).correlations
    assert (pair.first, pair.second, pair.value) == ("a", "b", 0.5)
    table.write_text(header + "a,log,1,person,g,0.5,seen,x,\nb,log,1,person,g,0.4,seen,x,\n")
    with pytest.raises(PersonError, match=r"RK-PER-006.*one correlation"):
        read_variability(table)


def test_the_shipped_variability_is_that_of_the_specification() -> None:
    effects = {(e.parameter, e.level): (e.scale, e.omega) for e in default_variability().effects}
    assert effects["CLint", "person"] == ("log", 0.43)
    assert effects["FRn", "person"] == ("logit", 0.681)
    assert effects["FRn", "occasion"] == ("logit", 0.2)
    assert effects["VH1", "person"] == ("log", 1.1)
    pairs = {frozenset((c.first, c.second)): c.value for c in default_variability().correlations}
    responsiveness = pairs.pop(frozenset(("course_sensitivity", "mood_sensitivity")))
    assert 0.0 < responsiveness < 1.0, "fitted"
    assert pairs == {frozenset(("CLint", "V1")): 0.48, frozenset(("CLN", "VN1")): 0.69}


@pytest.mark.parametrize("name", pharmacokinetic_models())
def test_the_shipped_variability_fits_every_pharmacokinetic_model(name: str) -> None:
    known = pharmacokinetic_model(name)
    variability = default_variability(name)
    (variability if name in ALTERNATIVES else variability.of(known)).check(known)
    drawn = draw_parameters(known, variability.of(known), seed=1, person=1)
    assert all(np.all(np.isfinite(value)) for value in drawn.values())


def test_the_shipped_variability_fits_the_therapy_model() -> None:
    default_variability().check(therapy_model())


def test_a_person_states_only_covariates_of_the_therapy_model() -> None:
    person = Person(1, sex="F", madrs_baseline=30, item10_baseline=2)
    assert set(person.covariates()) <= set(therapy_model().covariates)


def test_variability_of_an_unknown_model_is_refused() -> None:
    with pytest.raises(ParameterError, match=r'RK-PAR-085: .*did you mean "otto_2021"'):
        default_variability("otto2021")


# Populations


def test_the_default_population_has_the_documented_distributions() -> None:
    people = Population(6000, seed=2)[:]
    weight = np.array([person.weight_kg for person in people])
    assert stats.kstest(weight[weight > 40], stats.truncnorm(-38 / 16, math.inf, 78, 16).cdf).pvalue > 0.001
    assert weight.min() == 40
    ages = [person.age_years for person in people]
    assert stats.kstest(ages, stats.truncnorm(-27 / 12, 19 / 12, 45, 12).cdf).pvalue > 0.001
    scores = [person.madrs_baseline for person in people]
    assert stats.kstest(scores, stats.truncnorm(-2, 27 / 6.5, 33, 6.5).cdf).pvalue > 0.001
    women = [person for person in people if person.sex == "F"]
    assert len(women) / 6000 == pytest.approx(0.584, abs=0.025)
    heights = [person.height_cm for person in women]
    assert stats.kstest(heights, stats.truncnorm(-16.3 / 7.1, 28.7 / 7.1, 161.3, 7.1).cdf).pvalue > 0.001
    assert stats.pearsonr(heights, [person.weight_kg for person in women])[0] == pytest.approx(0.4, abs=0.05)
    assert abs(stats.pearsonr(ages, weight)[0]) < 0.05


def test_every_number_of_the_default_population_has_a_mark() -> None:
    assert {row.mark for row in default_distributions().rows} <= {"seen", "derived", "assumed", "recalled"}
    assert all(row.source for row in default_distributions().rows)


def test_fixed_facts_hold_for_everybody_and_leave_the_rest_alone() -> None:
    free = Population(20, seed=2)
    fixed = Population(20, seed=2, fixed={"sex": "M", "age_years": 40, "co_medication": ("rifampicin",)})
    assert {(p.sex, p.age_years, p.co_medication) for p in fixed} == {("M", 40, ("rifampicin",))}
    assert [p.weight_kg for p in fixed] == [p.weight_kg for p in free]
    assert [p.height_cm for p in fixed if free[int(p.id) - 1].sex == "M"] == [
        p.height_cm for p in free if p.sex == "M"
    ]


def test_a_population_is_a_sequence() -> None:
    people = Population(5, seed=1)
    assert (len(people), people[-1].id, [p.id for p in people[1:3]]) == (5, "5", ["2", "3"])
    assert people[0] != Population(5, seed=1, trial=1)[0]
    with pytest.raises(IndexError):
        people[5]


@pytest.mark.parametrize(("n", "fixed"), [(-1, {}), (2.5, {}), (3, {"female": 1}), (3, {"id": "x"})])
def test_impossible_populations_are_refused(n: int, fixed: dict[str, object]) -> None:
    with pytest.raises(PersonError, match="RK-PER-020"):
        Population(n, seed=1, fixed=fixed)


def test_distributions_read_from_a_file(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text(
        "covariate,unit,group,distribution,mean,sd,low,high,bounds,mark,source,description\n"
        "weight_kg,kg,,lognormal,75,0.15,,,,assumed,,\n"
    )
    people = Population(3000, seed=1, distributions=read_distributions(table))
    logs = np.log([person.weight_kg for person in people])
    assert stats.kstest(logs, stats.norm(math.log(75), 0.15).cdf).pvalue > 0.001
    assert {person.sex for person in people} == {None}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("wieght_kg,kg,,normal,75,10,,,,assumed,,", "RK-PER-019.*weight_kg"),
        ("height_cm,cm,F,normal,160,7,,,,assumed,,", "RK-PER-019.*female"),
        ("weight_kg,kg,,normal,75,0,40,90,truncate,assumed,,", "RK-PER-004"),
        ("weight_kg,kg,,normal,75,10,40,90,,assumed,,", "RK-PER-005.*bounds"),
        ("weight_kg,kg,,normal,75,10,90,40,clip,assumed,,", "RK-PER-004.*high"),
        ("female,1,,bernoulli,1.2,,,,,assumed,,", "RK-PER-004.*mean"),
    ],
)
def test_unusable_distributions_are_refused(tmp_path: Path, row: str, code: str) -> None:
    table = tmp_path / "people.csv"
    header = "covariate,unit,group,distribution,mean,sd,low,high,bounds,mark,source,description\n"
    table.write_text(f"{header}{row}\n")
    with pytest.raises(PersonError, match=code):
        read_distributions(table)


def test_correlations_between_covariates() -> None:
    rows = tuple(
        Distribution(name, "", "", "normal", mean, sd, -math.inf, math.inf, "", "assumed", "", "")
        for name, mean, sd in (("weight_kg", 80, 5), ("madrs_baseline", 30, 3))
    )
    people = Population(
        4000,
        seed=1,
        distributions=CovariateDistributions(rows, (correlation("weight_kg", "madrs_baseline", -0.6),)),
    )
    pairs = np.array([[person.weight_kg, person.madrs_baseline] for person in people])
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(-0.6, abs=0.04)


def test_doses_that_nobody_studied_must_be_asked_for() -> None:
    with pytest.raises(RegimenError, match="RK-REG-090: person 1: 700 mg of ketamine"):
        simulate_people("ketamine 10 mg/kg iv over 40 min", Person(1), times=[1.0])
    forced = simulate_people(
        "ketamine 10 mg/kg iv over 40 min",
        Person(1),
        times=[1.0],
        outputs=["ketamine_venous"],
        allow_extrapolation=True,
    )
    usual = simulate_people(
        "ketamine 0.5 mg/kg iv over 40 min", Person(1), times=[1.0], outputs=["ketamine_venous"]
    )
    assert forced["ketamine_venous"][0, 0] == pytest.approx(20 * usual["ketamine_venous"][0, 0])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("arketamine 0.5 mg/kg iv over 40 min", "no human data"),
        ("ketamine 0.5 mg/kg sc", "no human data"),
        ("ketamine 0.5 mg/kg iv over 40 min, weekly x 20", "more than the 42 days"),
        ("esketamine 84 mg nasal, weekly x 20", ""),
    ],
)
def test_what_evidence_does_not_cover_is_labelled(text: str, label: str) -> None:
    found = coverage(parse_regimen(text), 70.0)
    assert found.refusals == ()
    assert label in " ".join(found.labels)
    assert bool(label) == bool(found.labels)
