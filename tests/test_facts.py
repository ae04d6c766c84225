"""Facts beside their predictions: how numbers are read, judged and told."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from rekindle.cli._evidence import command
from rekindle.errors import EvidenceError, ModelError
from rekindle.evidence import mechanism_facts
from rekindle.evidence._data import fact_rows, facts_not_computed, known_tensions
from rekindle.evidence.facts import QUANTITIES, Fact, FactFinding, FactTable, Tension, judge, predict_facts
from rekindle.evidence.facts._acute import hydroxynorketamine_alone
from rekindle.evidence.facts._average import Predicted, averaged
from rekindle.evidence.facts._bench import Bench
from rekindle.evidence.facts._curves import bliss_fraction, constant_hazard, largest_mean, spells
from rekindle.evidence.facts._doubt import bounds, drawn_benches
from rekindle.evidence.facts._fact import Found, direction, read_fact
from rekindle.evidence.facts._mood import suicidal_ideation
from rekindle.evidence.facts._plasticity import spine_removal, training_after_saline, transporter
from rekindle.evidence.facts._pressure import arterial_rise
from rekindle.evidence.facts._receptors import (
    affinity_ratio,
    channel_block,
    drug_high,
    equilibration,
    rat_glutamate,
)
from rekindle.report import fact_tables
from rekindle.report.evidence._facts import facts_section, tension_tables
from rekindle.therapy import mechanism_weights

MAIN = "disinhibition"


@pytest.fixture(scope="module")
def table() -> FactTable:
    """Every fact with few people: numbers are rough, rows and words are those of a full run."""
    return predict_facts(n_people=12, mechanisms=[MAIN], draws=2, seed=3)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(MAIN, n_people=12, seed=3)


def fact(**changes: object) -> Fact:
    cells: dict[str, object] = {"quantity": "cadss_end_time", "expected": 100, "unit": "min"}
    return read_fact("X", {name: str(value) for name, value in (cells | changes).items()})


# ---- courses --------------------------------------------------------------------------------------


def test_an_effect_is_a_share_of_what_the_control_leaves() -> None:
    assert bliss_fraction(15, 30, 24, 30) == pytest.approx(1 - 0.5 / 0.8)
    assert bliss_fraction(24, 30, 24, 30) == 0.0
    # Another baseline in one arm changes nothing as long as the shares are the same.
    assert bliss_fraction(10, 20, 24, 30) == pytest.approx(bliss_fraction(15, 30, 24, 30))


def test_spells_of_triangles_begin_and_end_where_lines_cross() -> None:
    times = np.linspace(0, 4, 9)
    triangle = 10.0 - 5.0 * np.abs(times - 2.0)
    never, always = np.zeros(9), np.full(9, 9.0)
    twice = np.array([0, 8, 0, 0, 0, 8, 0, 0, 0.0])
    first, last = spells(times, np.stack([triangle, never, always, twice]), 4.0)
    assert first[0] == pytest.approx(0.8)
    assert last[0] == pytest.approx(3.2)
    assert math.isnan(first[1])
    assert math.isnan(last[1])
    assert (first[2], last[2]) == (0.0, math.inf)
    assert (first[3], last[3]) == (pytest.approx(0.25), pytest.approx(2.75))


def test_the_largest_mean_is_not_the_mean_of_the_largest() -> None:
    times = np.array([0.0, 0.5, 1.0])
    assert largest_mean(times, np.array([[0.0, 6.0, 0.0], [0.0, 0.0, 8.0]])) == (4.0, 1.0)


def test_a_constant_hazard_counts_events_over_time_at_risk() -> None:
    assert constant_hazard(np.array([10.0, 20.0]), 83.0) == pytest.approx(2 / 30)
    assert constant_hazard(np.array([10.0, np.inf, np.nan]), 83.0) == pytest.approx(1 / 93)


# ---- judgement ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "value", "verdict"),
    [
        ({"low": 70, "high": 140}, 140.0, "inside"),
        ({"low": 70, "high": 140}, 140.1, "outside"),
        ({"low": 70, "high": 140}, math.inf, "outside"),
        ({"low": 70}, 1000.0, "inside"),
        ({"expected": -4.5, "quantity": "madrs_difference_d28_men"}, -0.1, "sign right"),
        ({"expected": -4.5, "quantity": "madrs_difference_d28_men"}, 0.1, "sign wrong"),
        ({"expected": 0, "unit": "sign"}, 0.0, "sign right"),
        ({"expected": 0, "unit": "sign"}, -1.0, "sign wrong"),
        ({}, 30.0, "no interval"),
    ],
)
def test_an_interval_decides_and_a_direction_without_one(
    changes: dict[str, object], value: float, verdict: str
) -> None:
    assert judge(fact(**changes), value) == verdict


def test_small_sizes_have_no_direction_within_the_tolerance() -> None:
    assert [direction(size, 2.0) for size in (-2.1, -2.0, 0.0, 2.0, 2.1)] == [-1, 0, 0, 0, 1]


# ---- reading the table ----------------------------------------------------------------------------


def test_every_quantity_is_computed_or_has_a_reason() -> None:
    quantities = [row["quantity"] for row in mechanism_facts().values()]
    assert len(quantities) == len(set(quantities)) == 63
    computed, absent = set(QUANTITIES), set(facts_not_computed())
    assert not computed & absent
    of_tensions = {row["quantity"] for row in known_tensions() if not row["fact_id"]}
    assert computed | absent == set(quantities) | of_tensions
    assert set(fact_rows()) <= computed


def test_an_unknown_quantity_is_refused_by_name() -> None:
    row = {**mechanism_facts()["C24b"], "quantity": "ke0_half_live"}
    with pytest.raises(EvidenceError, match=r'RK-EVI-050.*fact C24b.*"ke0_half_live".*"ke0_half_life"'):
        predict_facts({"C24b": row})


@pytest.mark.parametrize("cells", [{"expected": ""}, {"low": "few"}, {"low": "9", "high": "1"}])
def test_a_number_that_cannot_be_read_is_refused(cells: dict[str, str]) -> None:
    with pytest.raises(EvidenceError, match=r"RK-EVI-051.*C24b"):
        predict_facts({"C24b": {**mechanism_facts()["C24b"], **cells}})


def test_an_unknown_mechanism_is_refused() -> None:
    with pytest.raises(ModelError, match="magic"):
        predict_facts(mechanisms=["magic"])


# ---- quantities with a known answer ---------------------------------------------------------------


def test_parameters_and_algebra_are_read_off_the_model(bench: Bench) -> None:
    value = bench.parameter
    any_fact = fact()
    assert affinity_ratio(bench, any_fact, top="KR").value == value("KR") / value("KS")
    assert equilibration(bench, any_fact).value == pytest.approx(60 * math.log(2) / value("ke0"))
    assert transporter(bench, any_fact).value == pytest.approx(1 / (1 + value("sert_half")))
    # At the concentration found, liking is half way between neutral and its top.
    site = drug_high(bench, any_fact).value * value("fu") * value("kp_K") / value("molar_mass_ketamine")
    neutral = bench.value("liking")
    assert bench.value("liking", site_S=site) == pytest.approx(1.5 * neutral)


def test_block_follows_the_law_of_mass_action(bench: Bench) -> None:
    ratio = 0.5 * (1 / bench.parameter("KS") + 1 / bench.parameter("KR")) / bench.parameter("affinity_scale")
    assert channel_block(bench, fact(), racemate=1.0).value == pytest.approx(100 * ratio / (1 + ratio))


def test_arterial_pressure_goes_to_where_its_equation_rests(bench: Bench) -> None:
    percent = arterial_rise(bench, fact()).value
    systolic = percent / 100 * (120 + 2 * 80) / (1 + 2 * bench.parameter("dbp_ratio"))
    site = bench.parameter("fu") * bench.parameter("kp_K") * 1959 / bench.parameter("molar_mass_ketamine")
    rest = bench.expression(bench.model.derivatives["systolic_rise"], site_S=site, systolic_rise=systolic)
    assert rest == pytest.approx(0.0, abs=1e-9)


def test_rat_doses_rise_below_the_neutral_one_and_fall_above(bench: Bench) -> None:
    signs = [rat_glutamate(bench, fact(), dose=dose).value for dose in (20.0, 200.0)]
    assert signs == [1.0, -1.0]
    with pytest.raises(EvidenceError, match="by construction"):
        rat_glutamate(bench, fact(), dose=50.0)


def test_signs_that_the_structure_fixes(bench: Bench) -> None:
    assert hydroxynorketamine_alone(bench, fact()).value == 0.0
    assert training_after_saline(bench, fact()).value == 0.0
    assert spine_removal(bench, fact()).value == -1.0


def test_the_assessment_furthest_from_the_fact_is_compared(bench: Bench) -> None:
    low, high = (suicidal_ideation(bench, fact(expected=size)).value for size in (-10.0, 10.0))
    assert low > high


def test_arms_that_rows_share_are_simulated_once(bench: Bench) -> None:
    target = bench.target("WILKINSON2018_IPD", "ketamine", "suicidal_ideation_effect_size")
    before = len(bench._courses)
    twice = bench.numbers(target, target)
    assert twice[0] == twice[1]
    assert len(bench._courses) - before <= 2


# ---- the whole table ------------------------------------------------------------------------------


def test_all_facts_come_back_once_in_order(table: FactTable) -> None:
    records = table.records()
    assert [record["fact_id"] for record in records] == list(mechanism_facts())
    for record, row in zip(records, mechanism_facts().values(), strict=True):
        assert float(record["expected"]) == float(row["expected"])
        assert {name: record[name] for name in ("statement", "source", "mark", "role")} == {
            name: row[name] for name in ("statement", "source", "mark", "role")
        }
        assert record["note"]
        assert (record["predicted"] == "") == (record["verdict"] == "not computed")
    assert sum(table.counts("calibrate").values()) + sum(table.counts("check").values()) == len(records)


def test_only_facts_that_the_model_lacks_stay_without_a_number(table: FactTable) -> None:
    absent = {one.fact.quantity for one in table.findings[MAIN] if one.verdict == "not computed"}
    assert absent == {*facts_not_computed(), "glutamate_sign_rat_50mgkg"}


def test_the_four_tensions_are_decided_by_their_facts(table: FactTable) -> None:
    by_id = {one.fact.fact_id: one for one in table.findings[MAIN]}
    tensions = table.tensions[MAIN]
    assert [tension.name for tension in tensions] == [row["name"] for row in known_tensions()]
    for tension, row in zip(tensions, known_tensions(), strict=True):
        if row["fact_id"]:
            assert tension.finding == by_id[row["fact_id"]]
        low, high, value = tension.finding.fact.low, tension.finding.fact.high, tension.finding.predicted
        assert low is not None and high is not None and value is not None  # noqa: PT018
        assert tension.met == (low <= value <= high)
        assert tension.words.endswith("met.") == tension.met


def test_roles_stay_apart_and_misses_come_first(table: FactTable) -> None:
    tables = fact_tables(table)
    assert [one.caption.split(",")[0].split(" (")[0] for one in tables[:2]] == [
        "Check rows",
        "Calibration rows",
    ]
    roles = {f"{one.fact_id} {one.statement}": one.role for one in table.facts}
    shown = [{roles[row[0].replace("\N{ZERO WIDTH SPACE}", "")] for row in one.rows} for one in tables[:2]]
    assert shown == [{"check"}, {"calibrate"}]
    listed = [one for one in tables if one.caption != "How the misses were read."]
    assert sum(len(one.rows) for one in listed) == len(table.facts)
    for one in tables[:2]:
        missed = [row[4] in ("outside", "sign wrong") for row in one.rows]
        assert missed == sorted(missed, reverse=True)


def made(**predicted: float) -> FactTable:
    """One fact, with a prediction for each mechanism."""
    one = fact(low=70, high=140, role="check", mark="seen")
    findings = {
        name: (FactFinding(one, value, judge(one, value), "by hand"),) for name, value in predicted.items()
    }
    tensions = {name: (Tension("t", "It lasted too long", own[0]),) for name, own in findings.items()}
    return FactTable((one,), findings, tensions, dict.fromkeys(predicted, True), 10, 1)


def test_an_interval_holds_its_number_and_moves_where_parameters_do(table: FactTable) -> None:
    by_id = {one.fact.fact_id: one for one in table.findings[MAIN]}
    for one in by_id.values():
        if one.predicted is None:
            assert one.low is one.high is None
        else:
            assert one.low is not None and one.high is not None  # noqa: PT018
            assert one.low <= one.predicted <= one.high
    # Affinities, and an error of ratings, are nothing that a calibration or plasma could move.
    for name in ("K01", "K20", "C24a"):
        assert by_id[name].low == by_id[name].high
    for name in ("C01a", "C09c", "C18c", "C20a", "K04"):
        assert by_id[name].low < by_id[name].high


def test_a_drawn_bench_reads_its_own_parameters(bench: Bench) -> None:
    few, one, other = drawn_benches(bench, 2)
    assert few.parameter("affinity_scale") == bench.parameter("affinity_scale")
    scales = {own.parameter("affinity_scale") for own in (few, one, other)}
    assert len(scales) == 3
    # Half of the channels are blocked where concentration meets affinity: exact for every draw.
    for own in (one, other):
        block = channel_block(own, fact(), racemate=1.0).value / 100
        ratio = 0.5 * (1 / own.parameter("KS") + 1 / own.parameter("KR")) / own.parameter("affinity_scale")
        assert block == pytest.approx(ratio / (1 + ratio))
    # What was fixed by hand wins over what was drawn, and belief over neither.
    plain, off = (
        one.typical("ketamine 0.5 mg/kg iv over 40 min", [24.0], ["improvement_share"], parameters=changed)
        for changed in ({}, {"EP": 1e-9, "ES": 1e-9, "EA": 1e-9})
    )
    assert plain["improvement_share"][0] > 0.01
    assert off["improvement_share"][0] == pytest.approx(0.0, abs=1e-6)


def test_bounds_are_quantiles_by_weight() -> None:
    values = np.linspace(0.0, 1.0, 1001)
    assert bounds(0.5, values, np.ones(1001)) == (
        pytest.approx(0.05, abs=1e-3),
        pytest.approx(0.95, abs=1e-3),
    )
    heavy = np.where(values > 0.5, 9.0, 1.0)
    low, high = bounds(0.5, values, heavy)
    assert low == pytest.approx(0.25, abs=2e-3)
    assert high == pytest.approx(1 - 0.25 / 9 * 1.0, abs=2e-3)
    assert bounds(5.0, [0.0, 1.0], [1.0, 1.0])[1] == 5.0
    assert bounds(18.0, [14.0, 28.0, math.inf, math.inf], [1.0] * 4)[1] == math.inf


def test_numbers_are_averaged_and_signs_are_not() -> None:
    weights = {"a": 0.5, "b": 0.3, "c": 0.2}

    def mixed(one: Fact, *values: float, extreme: bool = False) -> FactFinding:
        return averaged(
            {
                name: Predicted(one, Found(value, name, extreme), spread=[value])
                for name, value in zip(weights, values, strict=True)
            },
            weights,
        )

    number = mixed(fact(low=15, high=20), 10.0, 20.0, 30.0)
    assert (number.predicted, number.verdict, number.low, number.high) == (17.0, "inside", 10.0, 30.0)
    assert number.note == "a, which weighs most: a"
    assert mixed(fact(expected=-1, unit="sign"), 0.0, -1.0, 1.0).predicted == 0.0
    assert mixed(fact(), 10.0, 20.0, 30.0, extreme=True).predicted == 10.0
    assert mixed(fact(), math.inf, 20.0, 30.0).predicted == 30.0
    same = mixed(fact(), 7.0, 7.0, 7.0)
    assert (same.predicted, same.note) == (7.0, "a")
    # A mechanism without a number is left out, and the others weigh as they did to each other.
    none = {"a": Predicted(fact(), None, "nobody responds"), "b": Predicted(fact(), Found(4.0))}
    none["c"] = Predicted(fact(), Found(9.0))
    assert averaged(none, weights).predicted == pytest.approx(6.0)
    assert averaged({"a": none["a"]}, weights).note == "nobody responds"


def test_an_average_stands_first_and_says_its_weights() -> None:
    few = {name: mechanism_facts()[name] for name in ("K04", "C28a", "K19")}
    told: list[tuple[int, int]] = []
    table = predict_facts(few, draws=2, progress=lambda done, total: told.append((done, total)))
    assert table.main == "averaged"
    assert table.weights == mechanism_weights()
    for place, name in enumerate(few):
        values = [table.findings[mechanism][place].predicted for mechanism in table.weights]
        if name == "K19":
            assert values == [None] * 3
        else:
            mean = sum(
                weight * float(value or 0.0)
                for weight, value in zip(table.weights.values(), values, strict=True)
            )
            assert table.findings["averaged"][place].predicted == pytest.approx(mean)
    assert told[-1] == (len(told), len(told))
    record = table.records()[0]
    assert float(record["weight_tonic_eef2"]) == pytest.approx(table.weights["tonic_eef2"], abs=1e-5)
    assert float(record["predicted_low"]) < float(record["predicted_high"])
    assert "tonic_eef2 (weight 0." in table.summary()


def test_a_tension_says_its_numbers_and_which_way_it_misses() -> None:
    table = made(first=200.0, second=100.0, third=10.0)
    words = [own[0].words for own in table.tensions.values()]
    assert words[0].endswith("Now predicted 200 min, 70 to 140 accepted: a miss, higher than accepted.")
    assert words[1].endswith("Now predicted 100 min, 70 to 140 accepted: met.")
    (shown,) = tension_tables(table)
    assert shown.columns == ("tension", "accepted", "first", "second", "third")
    assert shown.rows[0][2:] == (
        "200: a miss, higher than accepted",
        "100: met",
        "10: a miss, lower than accepted",
    )


def test_another_mechanism_is_shown_where_it_differs() -> None:
    captions = [one.caption for one in fact_tables(made(first=200.0, second=200.0))]
    assert "Where the mechanisms differ." not in captions
    tables = {one.caption: one for one in fact_tables(made(first=200.0, second=100.0))}
    shown = tables["Where the mechanisms differ."]
    assert shown.columns[3:] == ("first", "second")
    assert shown.rows[0][3:] == ("200, outside", "100, inside")
    record = made(first=200.0, second=100.0).records()[0]
    assert (record["verdict"], record["verdict_second"], record["difference"]) == ("outside", "inside", "100")


def test_what_is_never_reached_is_said_so() -> None:
    table = made(first=math.inf)
    assert fact_tables(table)[0].rows[0][2] == "not reached"
    assert float(table.records()[0]["predicted"]) == math.inf
    assert facts_section(table).heading == "Facts to reproduce"


def test_the_command_prints_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: mechanism_facts()[name] for name in ("C36b", "K19")}
    monkeypatch.setattr("rekindle.evidence.facts._predict.mechanism_facts", lambda: few)
    monkeypatch.setattr("rekindle.evidence.facts._predict.known_tensions", tuple)
    path = tmp_path / "facts.csv"
    options = ["facts", "--out", str(path), "--people", "4", "--mechanism", "hnk_direct", "--workers", "1"]
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "hnk_direct" in result.output
    assert "K19" in result.output
    with path.open(encoding="utf-8", newline="") as lines:
        assert [row["verdict"] for row in csv.DictReader(lines)] == ["no interval", "not computed"]
