"""Hostile texts give a Model or a ModelError, never anything else; what is read survives being written."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rekindle.errors import ModelError, ParameterError
from rekindle.modelling import Model, describe, evaluate, read_model, to_markdown, to_text
from rekindle.modelling._parameter_file import read_parameter_rows

_STATEMENTS = (
    "model|time|parameters|include|parameter|shared|covariate|switch|state|output|hypothesis|bioavailability|lag|"
    "duration|rate|on|when|peak|if|as|in|to|mark|source|carry|for|d/dt(A)|d/dt(|locf|seen"
)
_EXPRESSIONS = (
    "A|B|k|q|e|infusion(A)|time|and|or|not|exp(|log(|sqrt(|abs(|floor(|tanh(|min(|max(|positive(|logistic(|logit(|"
    "hill(|0|1|2.5|1e308|1e-320|70[kg]|+|-|*|/|^|**|(|)|,|==|!=|<|<=|>|>="
)
_OTHERS = '[mg]|[1/h]|[h]|[1]|[mg^24]|[kg^-3]|[L/h]|[]|"text"|"x.model"|:|=|<-|#|\n|\n |&|\'|µ|\t|\r|\0|²|{|"'
_WORDS = st.sampled_from([*_STATEMENTS.split("|"), *_EXPRESSIONS.split("|"), *_OTHERS.split("|")])
_SOUP = st.lists(_WORDS, max_size=40).map(" ".join)
_PREFIX = "model m\ntime [h]\nparameter k [1/h] = 0.1\nstate A [mg]\nd/dt(A) = -k*A\n"
_LINES = (
    "parameter B [1] = 2 in 1 to 3 mark seen\ncovariate c [kg] = 70 carry linear\nswitch s in a, b\n"
    "q [1] = if(s == a, B, c/70[kg])\noutput o [ng/mL] = A/2[L]\nlag(A) [h] = 0.5\n"
    "on e: A <- 0\nwhen peak(A) if A > 1[mg] as p: A <- A/2\n"
)


def _reads(text):
    try:
        model = read_model(text + "\n")
    except ModelError as error:
        assert error.code.startswith("RK-MOD-")
        return
    assert isinstance(model, Model)
    assert describe(model).startswith("Model ")
    assert to_markdown(model).startswith("# ")


@settings(max_examples=300, deadline=None)
@given(st.one_of(_SOUP, st.text(max_size=200)))
def test_any_text(text):
    _reads(text)


@settings(max_examples=300, deadline=None)
@given(_SOUP)
def test_anything_after_a_good_beginning(text):
    _reads(_PREFIX + text)
    _reads(f"{_PREFIX}q = {text}")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_good_text_with_small_damage(data):
    text = _PREFIX + _LINES
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 6)))
        text = text[:start] + data.draw(st.one_of(_WORDS, st.characters(), st.just(""))) + text[end:]
    _reads(text)


@pytest.mark.parametrize(
    "opening", ["(", "exp(", "-", "not ", "2^", "if(1<2,", "hill(", "min(1,", "1+2*(", "infusion("]
)
@pytest.mark.parametrize("count", [59, 61, 20_000])
def test_any_depth(opening, count):
    closing = ")" * (opening.count("(") * count)
    _reads(f"{_PREFIX}q = {opening * count}1{closing}")
    _reads(f"{_PREFIX}q = {opening * count}")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join([f"a{i} = a{i - 1}*a{i - 1}" for i in range(1, 200)] + ["a0 = A"]),
        "\n".join([f"a{i} = a{i - 1}^12" for i in range(1, 200)] + ["a0 = A"]),
        "q = " + "hill(" * 50 + "k/1[1/h]" + ", 1, 2)" * 50,
        "q = " + "logit(" * 50 + "k/1[1/h]" + ")" * 50,
        "q = " + "1 + " * 100_000 + "1",
        "q = min(" + "1, " * 50_000 + "1)",
        "q = 10^10^10^10",
        "q = 2^0.5^-1e300",
        "parameter p [" + "kg*" * 5000 + "kg]",
        "state " + "B" * 100_000 + " [mg]",
        "(" * 1_000_000,
    ],
    ids=range(11),
)
def test_texts_that_would_explode(text):
    _reads(_PREFIX + text)


_NUMBERS = st.floats(-1e3, 1e3).map(lambda number: float(f"{number:.6g}"))


def _joined(children):
    return st.one_of(
        st.tuples(children, st.sampled_from(["+", "-", "*"]), children).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        children.map(lambda c: f"-{c}"),
        children.map(lambda c: f"logistic({c}/1000)"),
        children.map(lambda c: f"positive({c})"),
        children.map(lambda c: f"hill({c}, 3, 2)"),
        st.tuples(children, children, children).map(
            lambda p: f"if({p[0]} < {p[1]} or not {p[2]} > 1, {p[1]}, {p[2]})"
        ),
        st.tuples(children, children).map(lambda p: f"max({p[0]}, abs({p[1]}))"),
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.one_of(st.sampled_from(["x", "y"]), _NUMBERS.map(lambda n: f"({n})")), _joined, max_leaves=10
    ),
    st.floats(-5, 5),
    st.floats(-5, 5),
)
def test_written_text_reads_as_the_same_value(text, x, y):
    head = "model m\ntime [h]\nparameter x [1]\nparameter y [1]\nq = "
    first = read_model(head + text).definitions["q"].expression
    second = read_model(head + to_text(first)).definitions["q"].expression
    at = {"x": x, "y": y}
    assert float(evaluate(second, at)) == pytest.approx(
        float(evaluate(first, at)), rel=1e-9, abs=1e-9, nan_ok=True
    )


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=100),
        st.text('name,unitvalue\n"#1.e-5kLg/hµ', max_size=60).map("name,unit,value\n".__add__),
    )
)
def test_any_data_file(text):
    try:
        rows = read_parameter_rows(text, "data.csv")
        read_model(_PREFIX, parameters=[text + "\n"])
    except ParameterError as error:
        assert error.code.startswith("RK-PAR-")
    else:
        assert set(rows) <= {"k"}
