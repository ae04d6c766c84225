"""Rating scales: ranges, scoring, thresholds, conversions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekindle.errors import ParameterError
from rekindle.modelling import MARKS
from rekindle.trials import convert_score, endpoints, ideation_is_urgent, rating_scales, scale, scales
from rekindle.trials._tables import read_table

RANGES = {
    "MADRS": 60,
    "HAM-D17": 52,
    "HAM-D6": 22,
    "PHQ-9": 27,
    "QIDS-SR16": 27,
    "GAD-7": 21,
    "PCL-5": 80,
    "CADSS": 92,
    "CADSS-6": 24,
    "MOAA/S": 5,
    "SSI": 38,
    "liking VAS": 100,
}


def test_all_scales_are_there() -> None:
    assert set(scales()) == {*RANGES, "C-SSRS"}
    for known in scales().values():
        assert known.mark in MARKS
        assert known.source
        assert known.recall_window


@pytest.mark.parametrize(("name", "high"), RANGES.items())
def test_the_ends_of_a_scale_are_reached_by_its_items(name: str, high: int) -> None:
    known = scale(name)
    assert known.score([0] * len(known.item_highs)) == known.low == 0
    assert known.score(list(known.item_highs)) == known.high == high


@given(st.data(), st.sampled_from(sorted(RANGES)))
def test_a_score_stays_in_range_and_never_falls_when_an_item_rises(data: st.DataObject, name: str) -> None:
    known = scale(name)
    items = [data.draw(st.integers(0, high)) for high in known.item_highs]
    total = known.score(items)
    assert known.check_total(total) == total
    place = data.draw(st.integers(0, len(items) - 1))
    raised = [*items[:place], known.item_highs[place], *items[place + 1 :]]
    assert known.score(raised) >= total


def test_scoring_of_parts() -> None:
    hamilton = [0] * 17
    for item in (1, 2, 7, 8, 10, 13):
        hamilton[item - 1] = 2
    hamilton[2] = 4
    assert scale("HAM-D6").score(hamilton) == 12
    assert scale("HAM-D17").score(hamilton) == 16
    states = [0] * 23
    states[21], states[22] = 3, 4
    assert (scale("CADSS-6").score(states), scale("CADSS").score(states)) == (3, 7)


def test_qids_takes_the_highest_item_of_a_domain() -> None:
    qids = scale("QIDS-SR16")
    sleep, appetite, psychomotor = [3, 1, 2, 0], [0, 2, 0, 1], [1, 2]
    items = [*sleep, 1, *appetite, 0, 2, 0, 1, 0, *psychomotor]
    assert qids.score(items) == 3 + 1 + 2 + (0 + 2 + 0 + 1 + 0) + 2


@pytest.mark.parametrize(
    ("items", "code"),
    [([1] * 8, "RK-PAR-067"), ([1] * 8 + [4], "RK-PAR-068"), ([1] * 8 + [-1], "RK-PAR-068"),
     ([1] * 8 + [1.5], "RK-PAR-068"), ([1] * 8 + [True], "RK-PAR-068")],
)  # fmt: skip
def test_impossible_answers_are_refused(items: list[int], code: str) -> None:
    with pytest.raises(ParameterError, match=code):
        scale("PHQ-9").score(items)


def test_impossible_totals_and_names_are_refused() -> None:
    for total in (-1.0, 60.5, float("nan")):
        with pytest.raises(ParameterError, match="RK-PAR-065"):
            scale("MADRS").check_total(total)
    with pytest.raises(ParameterError, match='did you mean "MADRS"'):
        scale("MADR")
    with pytest.raises(ParameterError, match="RK-PAR-066"):
        scale("HAM-D6").threshold("remission")


def test_suicidal_answers_have_no_total() -> None:
    with pytest.raises(ParameterError, match="RK-PAR-064"):
        scale("C-SSRS").score([3])
    assert [ideation_is_urgent(level, behaviour=False) for level in range(6)] == [False] * 4 + [True] * 2
    assert ideation_is_urgent(0, behaviour=True)
    with pytest.raises(ParameterError, match="RK-PAR-068"):
        ideation_is_urgent(6, behaviour=False)


def test_thresholds_name_their_scale() -> None:
    assert scale("MADRS").threshold("remission").label == "remission (MADRS <= 10)"
    assert [t.value for t in scale("PHQ-9").thresholds[:4]] == [5, 10, 15, 20]
    for row in read_table("scale_thresholds.csv"):
        known = scale(row["scale"]).threshold(row["name"])
        assert known.mark in MARKS
        assert (
            known.rule in ("fall_pct", "fall_points", "difference") or known.value <= scale(known.scale).high
        )


def test_conversions_exist_only_with_a_source_and_only_forwards() -> None:
    assert convert_score(0, "MADRS", "HAM-D17") == pytest.approx(4.11)
    assert convert_score(60, "MADRS", "HAM-D17") == pytest.approx(33.51)
    for pair in (("HAM-D17", "MADRS"), ("PHQ-9", "MADRS"), ("MADRS", "PHQ-9")):
        with pytest.raises(ParameterError, match="RK-PAR-090"):
            convert_score(10, *pair)
    with pytest.raises(ParameterError, match="RK-PAR-065"):
        convert_score(61, "MADRS", "HAM-D17")


def test_scales_agree_with_the_observation_models_and_endpoints() -> None:
    for name, rated in rating_scales().items():
        assert (scale(name).low, scale(name).high) == (rated.low, rated.high)
    for known in endpoints():
        if known.name in ("response", "remission", "dissociation"):
            assert scale(known.scale).threshold(known.name).value == known.threshold
