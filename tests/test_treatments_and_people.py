"""Active control, empirical comparator, co-medication and facts of people, in Python and as commands."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rekindle.errors import ModelError, ParameterError, PersonError, RegimenError
from rekindle.people import (
    FailedTreatment,
    Person,
    PersonFacts,
    Setting,
    assess_eligibility,
    idle_fact_notes,
    person_ranges,
    read_cohort,
    read_fact,
    read_person_facts,
    simulate_people,
)
from rekindle.regimen import parse_regimen
from rekindle.therapy import (
    control_responses,
    dose_records,
    midazolam_records,
    refuse_double_count,
    therapy_model,
)
from rekindle.trials import Treatment, compare_treatments, comparison_plans, empirical_arm, read_comparison

DOSE = "ketamine 0.5 mg/kg iv over 40 min"
MIDAZOLAM = "midazolam 0.045 mg/kg iv over 40 min"
SALINE = "saline iv over 40 min"
#: Covariates that no field of a person sets, with what sets them instead.
OTHERWISE = {"believed_probability", "device"}


def command(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    from rekindle.cli._main import run

    code = run(list(arguments))
    found = capsys.readouterr()
    return code, found.out, found.err


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The message of a refusal: what was given, and what is allowed, why or what to do."""
    code, out, error = command(arguments, capsys)
    assert (code, out) == (2, "")
    assert error.startswith("Error: RK-")
    assert re.search(r"[.?!] [A-Z0-9\[]", error)
    assert "Traceback" not in error
    return error


# ---- midazolam ------------------------------------------------------------------------------------


def test_the_regimen_language_gives_midazolam_as_its_own_records_do() -> None:
    regimen = parse_regimen("midazolam 0.045 mg/kg iv over 40 min, weekly x 2")
    assert parse_regimen(regimen.to_text()).sessions == regimen.sessions
    assert dose_records(regimen, weight_kg=81.0) == midazolam_records([0, 7], weight_kg=81.0)


def test_midazolam_has_the_plasma_course_of_two_compartments() -> None:
    model = therapy_model()
    v1, v2, cl, q = (model.parameters[name].value or 0.0 for name in ("V1_mdz", "V2_mdz", "CL_mdz", "Q_mdz"))
    times = [0.5, 2 / 3, 1.0, 3.0, 8.0]
    found = simulate_people(MIDAZOLAM, Person(1), times=times, outputs=["midazolam_venous"])
    total, product = cl / v1 + q / v1 + q / v2, cl / v1 * q / v2
    fast, slow = (0.5 * (total + sign * math.sqrt(total**2 - 4 * product)) for sign in (1, -1))
    shares = (fast - q / v2) / (fast - slow) / v1, (q / v2 - slow) / (fast - slow) / v1
    rate, length = 0.045 * 70 / (40 / 60), 40 / 60
    expected = [
        1000.0
        * sum(
            rate * share / speed * (math.exp(-speed * max(0.0, t - length)) - math.exp(-speed * t))
            for share, speed in zip(shares, (fast, slow), strict=True)
        )
        for t in times
    ]
    assert found["midazolam_venous"][0] == pytest.approx(expected, rel=1e-5)


def test_people_notice_midazolam_as_far_as_it_sedates_them_and_saline_not_at_all() -> None:
    found = compare_treatments(
        [Treatment("ketamine", DOSE), Treatment("midazolam", MIDAZOLAM), Treatment("saline", SALINE)],
        people=3,
        control_class="midazolam",
    )  # fmt: skip
    fall = {name: own["fall_day_1"].value for name, own in found.results.items()}
    assert fall["ketamine"] > fall["midazolam"] > fall["saline"]
    sedation = {name: own["sedation"].value for name, own in found.results.items()}
    assert sedation["midazolam"] > sedation["saline"] == 0.0
    for name in ("dissociation", "systolic_rise", "nausea", "liking", "ready_90_min"):
        assert math.isnan(found.results["midazolam"][name].value)
    assert any("assumed" in note and "Midazolam" in note for note in found.notes)


def test_midazolam_in_a_plasma_model_of_ketamine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RegimenError, match="RK-REG-083"):
        simulate_people(MIDAZOLAM, Person(1), times=[1.0], pharmacokinetics="perez_ruixo_2021")
    assert "RK-REG-006" in refused(["simulate", "midazolam 5 mg nasal", "--typical"], capsys)
    assert "RK-REG-090" in refused(["simulate", "midazolam 1 mg/kg iv over 40 min", "--typical"], capsys)


# ---- empirical comparator -------------------------------------------------------------------------


def test_quetiapine_is_what_was_reported_and_nothing_else() -> None:
    found = compare_treatments(
        [Treatment("spray", "esketamine 84 mg nasal, weekly x 5"),
         Treatment("quetiapine", "none", empirical="quetiapine")],
        people=3,
    )  # fmt: skip
    known = {name: one for name, one in found.results["quetiapine"].items() if math.isfinite(one.value)}
    assert list(known) == ["remission_day_56"]
    shown = known["remission_day_56"]
    assert shown.value == 17.6
    assert shown.over == "people of the trial"
    # Clopper-Pearson by another library, which is a little wider than Wilson's interval.
    from scipy.stats import binomtest

    exact = binomtest(60, 340).proportion_ci(0.9)
    assert shown.low == pytest.approx(100 * exact.low, abs=0.5)
    assert shown.high == pytest.approx(100 * exact.high, abs=0.5)
    assert "quetiapine" not in found.differences
    assert "quetiapine" not in found.trajectories
    assert any("nothing is simulated" in note for note in found.notes)


def test_shipped_reports_are_rows_that_nothing_was_set_to() -> None:
    for plan in comparison_plans().values():
        for one in plan.treatments:
            if one.empirical:
                assert {row.role for row in empirical_arm(one.empirical)} == {"check"}
                assert plan.control_class is None


# ---- interactions on effect -----------------------------------------------------------------------


def madrs(people: Person | list[Person], **options: object) -> list[float]:
    found = simulate_people(DOSE, people, times=[24.0], outputs=["madrs_latent"], typical=True, **options)  # type: ignore[arg-type]
    return found["madrs_latent"][:, 0].tolist()


def test_naltrexone_acts_in_those_who_take_it_and_only_by_the_users_number() -> None:
    taking, not_taking = Person("1", co_medication=("naltrexone",)), Person("2")
    plain = madrs(not_taking)[0]
    weak, strong = (madrs([taking, not_taking], parameters={"o": o}) for o in (0.9, 0.1))
    assert strong[0] > weak[0] > plain
    assert [weak[1], strong[1]] == pytest.approx([plain, plain])
    assert madrs(taking, parameters={"o": 1.0})[0] == pytest.approx(plain)


def test_naltrexone_changes_neither_plasma_nor_dissociation() -> None:
    found = simulate_people(
        DOSE,
        [Person("1", co_medication=("naltrexone",)), Person("2")],
        times=[40 / 60],
        outputs=["ketamine_venous", "cadss"],
        parameters={"o": 0.0},
        typical=True,
    )
    for name in found.names:
        assert found[name][0] == pytest.approx(found[name][1])


@pytest.mark.parametrize(
    ("person", "options", "code"),
    [
        (Person(1, co_medication=("naltrexone",)), {}, "RK-PER-036"),
        (Person(1), {"parameters": {"o": 0.5}}, "RK-PER-039"),
        (Person(1), {"switches": {"opioid_gate": "naltrexone"}, "parameters": {}}, "RK-PER-035"),
        (
            Person(1, co_medication=("naltrexone",)),
            {"switches": {"opioid_gate": "open"}, "parameters": {"o": 0.5}},
            "RK-PER-035",
        ),
        (Person(1, ssri_dose_ratio=1), {"setting": Setting("inpatient_new_ad")}, "RK-PAR-050"),
    ],
)
def test_numbers_and_drugs_that_do_not_fit_are_refused(
    person: Person, options: dict[str, object], code: str
) -> None:
    with pytest.raises((PersonError, ParameterError), match=code):
        madrs(person, **options)


def test_what_a_treatment_brings_besides_is_given_to_the_same_people() -> None:
    found = compare_treatments(
        [
            Treatment("alone", DOSE),
            Treatment("lamotrigine", DOSE, co_medication=("lamotrigine",)),
            Treatment("benzodiazepine", DOSE, diazepam_equivalent_mg=20),
            Treatment("naltrexone", DOSE, co_medication=("naltrexone",)),
        ],
        people=3,
        parameters={"o": 0.3},
        switches={"depressant_sedation": "assumed"},
    )
    for name, own in found.differences.items():
        assert own["fall_day_1"].value < 0, name
    assert found.differences["lamotrigine"]["dissociation"].value < 0
    assert found.differences["benzodiazepine"]["sedation"].value > 0
    assert found.differences["naltrexone"]["dissociation"].value == 0.0
    assert any("naltrexone: o is a number of your own" in note for note in found.notes)


# ---- facts of people ------------------------------------------------------------------------------


def test_every_covariate_of_the_model_can_be_stated_about_a_person() -> None:
    everything = Person(
        1, sex="F", madrs_baseline=30, item10_baseline=2, sedatives=1, hypertension=True, systolic_mmhg=130,
        diastolic_mmhg=80, inflammation_z=1, stress=1, mtor_inhibition=0.5, ssri_dose_ratio=1,
        training_hours_per_day=1,
    )  # fmt: skip
    assert set(therapy_model().covariates) - set(everything.covariates()) == OTHERWISE
    assert everything.covariates()["training_rate"] == pytest.approx(1 / 24)


def test_no_fact_is_wider_than_the_covariate_that_takes_it() -> None:
    covariates = therapy_model().covariates
    for name, limits in person_ranges().items():
        if limits.covariate:
            accepted = covariates[limits.covariate]
            assert accepted.low <= limits.possible[0], name
            assert limits.possible[1] <= accepted.high, name


@pytest.mark.parametrize(
    ("facts", "switches", "output", "sign"),
    [
        ({"inflammation_z": 2.0}, {}, "madrs_latent", 1),
        ({"mtor_inhibition": 1.0}, {}, "madrs_latent", 1),
        ({"stress": 5.0}, {}, "madrs_latent", 1),
        ({"ssri_dose_ratio": 2.0}, {}, "madrs_latent", -1),
        ({"training_hours_per_day": 2.0}, {}, "madrs_latent", -1),
        ({"hypertension": True}, {"pressure_covariates": "assumed"}, "systolic_change", 1),
        ({"hypertension": True}, {}, "systolic_change", 0),
        ({"sedatives": 1.0}, {"depressant_sedation": "assumed"}, "p_moaas_4", 1),
        ({"sedatives": 1.0}, {}, "p_moaas_4", 0),
        ({"systolic_mmhg": 150.0}, {}, "systolic_pressure", 1),
    ],
)
def test_a_fact_reaches_what_it_is_about(
    facts: dict[str, float], switches: dict[str, str], output: str, sign: int
) -> None:
    times = [672.0] if output == "madrs_latent" else [2 / 3]
    values = [
        simulate_people(DOSE, person, times=times, outputs=[output], switches=switches)[output][0, 0]
        for person in (Person(1), Person(1, **facts))  # type: ignore[arg-type]
    ]
    assert np.sign(round(values[1] - values[0], 9)) == sign


def test_a_fact_that_does_not_act_is_named() -> None:
    model = therapy_model()
    assert "sedation" in idle_fact_notes([Person(1, sedatives=2)], model)[0]
    assert not idle_fact_notes([Person(1)], model)
    on = therapy_model(depressant_sedation="assumed")
    assert not idle_fact_notes([Person(1, sedatives=2)], on)


def test_unknown_switches_are_refused_with_the_nearest() -> None:
    with pytest.raises(ModelError, match='did you mean "mood"'):
        madrs(Person(1), switches={"mod": "double_well"})
    assert madrs(Person(1), switches={"mood": "double_well"}) != madrs(Person(1))


def test_pressures_and_types_that_cannot_be_are_refused() -> None:
    with pytest.raises(PersonError, match=r"RK-PER-014.*Systolic"):
        Person(1, systolic_mmhg=80, diastolic_mmhg=90)
    with pytest.raises(PersonError, match="RK-PER-033"):
        Person(1, hypertension="no")  # type: ignore[arg-type]


def test_failed_treatments_belong_to_the_person_and_eligibility_reads_them_there() -> None:
    fair = FailedTreatment("sertraline", 100, 8, 0.9)
    person = Person(1, systolic_mmhg=150, failed_treatments=(fair, fair))
    found = assess_eligibility(person)
    assert found.resistance is not None
    assert found.resistance.resistant is True
    assert "pressure_systolic" in {one.id for one in found.applies}
    assert assess_eligibility(Person(1)).resistance is None
    assert person.covariates() == Person(1, systolic_mmhg=150).covariates()


# ---- files ----------------------------------------------------------------------------------------

FILE = """\
id: A-17
sex: F
age_years: 45
weight_kg: 72
madrs_baseline: 34
systolic_mmhg: 128
hypertension: no
pregnant: no
co_medication: [lamotrigine]
failed_treatments:
  - {drug: sertraline, dose: 100 mg, weeks: 8, adherence: 0.9}
"""


def test_one_file_is_for_eligibility_and_simulation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "person.yaml"
    path.write_text(FILE, encoding="utf-8")
    facts = read_person_facts(path)
    person = facts.person()
    assert person == Person(
        "A-17", 72, 45, "F", madrs_baseline=34, systolic_mmhg=128, hypertension=False,
        co_medication=("lamotrigine",), failed_treatments=facts.failed_treatments,
    )  # fmt: skip
    back = PersonFacts.of(person)
    assert back.failed_treatments == facts.failed_treatments
    assert facts.known.items() >= {(k, v) for k, v in back.known.items() if k in facts.known}
    code, out, _ = command(["simulate", DOSE, "--person", str(path), "--typical", "--json"], capsys)
    assert code == 0
    assert "taking lamotrigine" in json.loads(out)["made"]["People"]
    assert command(["eligibility", str(path)], capsys)[0] == 0


def test_a_table_of_people_takes_every_number(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "id,age_years,weight_kg,hypertension,stress\nA,40,70,yes,2\nB,50,80,n/a,\n", encoding="utf-8"
    )
    people = read_cohort(path)
    assert [(one.hypertension, one.stress) for one in people] == [(True, 2.0), (None, None)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("age_years: 45\n", "RK-PER-024"),
        ("age_years: 45\nweight_kg: 72\nchild_pugh: C\n", "RK-PER-016"),
        ("age_years: 12\nweight_kg: 40\n", "RK-PER-011"),
        ("age_years: 45\nweight_kg: 72\nsedatives: 1\ncns_depressants: no\n", "RK-PER-052"),
        ("age_years: 45\nweight_kg: 72\nsex: M\npregnant: yes\n", "RK-PER-052"),
        ("age_years: 45\nweight_kg: 72\nco_medication: rifampicin\n", "RK-PER-053"),
        ("age_years: 45\nweight_kg: 72\nco_medication: [aspirine]\n", "RK-PER-030"),
    ],
)
def test_a_person_file_that_cannot_be_simulated_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: str
) -> None:
    path = tmp_path / "person.yaml"
    path.write_text(text, encoding="utf-8")
    assert code in refused(["simulate", DOSE, "--person", str(path), "--typical"], capsys)


def test_a_fact_is_read_like_a_line_of_a_file() -> None:
    assert read_fact("hypertension=no") == ("hypertension", False)
    for text in ("hypertension=maybe", "stress=yes", "systolic_mmhg=1000"):
        with pytest.raises(PersonError, match="RK-PER-053"):
            read_fact(text)
    for text in ("pregnant=yes", "stress", "id=7", "hypertnsion=yes"):
        with pytest.raises(PersonError, match="RK-PER-037"):
            read_fact(text)


# ---- nothing is counted twice ---------------------------------------------------------------------


def test_an_antidepressant_counts_once_in_every_class() -> None:
    inside = {"placebo_spray_new_ad", "inpatient_new_ad"}
    for name in control_responses():
        if name in inside:
            with pytest.raises(ParameterError, match="RK-PAR-050"):
                refuse_double_count(name, 1.0)
        else:
            refuse_double_count(name, 1.0)
        refuse_double_count(name, 0.0)


def test_electroconvulsive_numbers_do_not_stand_on_a_natural_course() -> None:
    numbers = {"E_ect": 0.5, "n50_ect": 4.0}
    treatments = [Treatment("a", DOSE), Treatment("b", "none", ect_days=(0.0, 2.0))]
    with pytest.raises(ParameterError, match="RK-PAR-053"):
        compare_treatments(treatments, people=2, control_class="midazolam", parameters=numbers)
    compare_treatments(treatments, people=2, parameters=numbers)


def test_two_antidepressants_are_not_one() -> None:
    treatments = [Treatment("a", DOSE), Treatment("b", DOSE, ssri_dose_ratio=1.0)]
    with pytest.raises(PersonError, match="RK-PER-034"):
        compare_treatments(treatments, people=[Person(1, ssri_dose_ratio=1.0)])
    benzodiazepine = [Treatment("a", DOSE), Treatment("b", DOSE, diazepam_equivalent_mg=10)]
    with pytest.raises(PersonError, match="RK-PER-038"):
        compare_treatments(benzodiazepine, people=[Person(1, diazepam_equivalent_mg=5)])


# ---- wrong input, on the command line -------------------------------------------------------------

SPRAY = "esketamine_and_quetiapine"
ECT = ["--set", "E_ect=0.7", "--set", "n50_ect=4"]
ONE = ["simulate", DOSE, "--typical"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["compare", "schedules", "--scale", "PHQ-9"], "RK-PAR-132"),
        (["compare", "schedules", "--duration", "20 day"], "RK-PAR-134"),
        (["compare", "routes", "--day", "400"], "RK-PAR-135"),
        (["compare", SPRAY, "--day", "28"], "RK-PAR-143"),
        (["compare", SPRAY, "--control", "midazolam"], "RK-PAR-142"),
        (["compare", "ect"], "RK-PAR-133"),
        (["compare", "ect", *ECT, "--control", "midazolam"], "RK-PAR-053"),
        (["compare", "naltrexone"], "RK-PER-036"),
        (["compare", "schedules", "--set", "o=0.5"], "RK-PER-039"),
        (["compare", "schedules", "--co-medication", "aspirine"], "RK-PER-030"),
        (["compare", "schedules", "--switch", "mod=double_well"], "RK-MOD-022"),
        (["compare", "ketamine_and_ssri", "--fact", "ssri_dose_ratio=1"], "RK-PER-034"),
        ([*ONE, "--co-medication", "aspirine"], "RK-PER-030"),
        ([*ONE, "--switch", "ect=on"], "RK-PAR-004"),
        ([*ONE, "--fact", "systolic_mmhg=80", "--fact", "diastolic_mmhg=90"], "RK-PER-014"),
        ([*ONE, "--mechanism", "mixture", "--switch", "mechanism=hnk_direct"], "RK-PAR-073"),
        ([*ONE, "--condition", "ptsd"], "RK-PAR-144"),
        ([*ONE, "--condition", "psoriasis"], "RK-PAR-097"),
        (["evidence", "condition", "psoriasis"], "RK-PAR-097"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_what_is_allowed(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people = ["--people", "2", "--workers", "1"] if arguments[0] == "compare" else []
    assert code in refused([*arguments, *people], capsys)


def test_a_condition_shows_what_was_reported_on_its_own_scale(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = command(["evidence", "condition", "ptsd", "--json"], capsys)
    assert code == 0
    assert {row["scale"] for row in json.loads(out)} == {"CAPS-5"}
    assert "nothing is simulated" in command(["evidence", "condition", "ptsd"], capsys)[1]


# ---- comparisons of one's own ---------------------------------------------------------------------

OWN = f"""\
title = "With and without an SSRI"
control_class = "midazolam"
switches = {{ mood = "double_well" }}
[[treatments]]
name = "alone"
regimen = "{DOSE}"
[[treatments]]
name = "both"
regimen = "{DOSE}"
ssri_dose_ratio = 1
"""


def test_a_comparison_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    assert read_comparison(path).treatments[1].with_ssri
    arguments = ["compare", str(path), "--people", "2", "--workers", "1", "--fact", "age_years=60", "--json"]
    code, out, error = command(arguments, capsys)
    assert code == 0, error
    assert json.loads(out)["title"] == "With and without an SSRI"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ssri_dose_ratio", "ssri_dose_ration", 'did you mean "ssri_dose_ratio"'),
        ('title = "With and without an SSRI"\n', "", '"title"'),
        ('name = "alone"\n', "", "treatment 1"),
        ("[[treatments]]", "[treatments]", "comparison file"),
        ('name = "both"\n', 'name = "both"\nscale = "PHQ-9"\n', "RK-PAR-132"),
        ("title =", "title", "comparison file"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new), encoding="utf-8")
    assert words in refused(["compare", str(path), "--people", "2", "--workers", "1"], capsys)
