"""Cohorts are read without guessing; the shipped crossover is the data set, complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from rekindle.errors import PersonError
from rekindle.people import CrossoverCohort, nimh_crossover, read_cohort, read_crossover


@pytest.fixture(scope="module")
def cohort() -> CrossoverCohort:
    return nimh_crossover()


def table(folder: Path, text: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_column_is_read(tmp_path: Path) -> None:
    text = (
        "id\tage_years\tsex\tweight_kg\tmadrs_baseline\tco_medication\tdiazepam_equivalent_mg\tchild_pugh"
        "\tcyp2b6_poor\titem10_baseline\thamd17_baseline\n"
        "P1\t35\tF\t82.5\t33\trifampicin; clarithromycin\t7.5\tB\tyes\t2\t21\n\n"
        "P2\t61\tn/a\t70\tNA\t\t\t\t\t\t\n"
    )
    first, second = read_cohort(table(tmp_path, "\ufeff" + text, "people.tsv"))
    assert (first.id, first.age_years, first.sex, first.weight_kg) == ("P1", 35, "F", 82.5)
    assert first.co_medication == ("rifampicin", "clarithromycin")
    assert (first.diazepam_equivalent_mg, first.child_pugh, first.cyp2b6_poor) == (7.5, "B", True)
    assert (first.madrs_baseline, first.item10_baseline, first.hamd17_baseline) == (33, 2, 21)
    assert (second.sex, second.madrs_baseline, second.co_medication) == (None, None, ())


def test_weight_may_be_given_as_height_and_body_mass_index(tmp_path: Path) -> None:
    (person,) = read_cohort(table(tmp_path, "id,age_years,height_cm,bmi_kg_m2\nA,30,180,25\n"))
    assert person.weight_kg == 81


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "id,age_years,weight\nA,30,80\n",
            'RK-PER-003: .*"weight" is repeated or unknown; did you mean "weight_kg"',
        ),
        ("id,age_years,weight_lb\nA,30,180\n", 'RK-PER-003: .*"weight_lb"'),
        ("id,weight_kg\nA,80\n", 'RK-PER-003: .*"age_years" is missing'),
        ("id,age_years,age_years,weight_kg\nA,30,30,80\n", "RK-PER-003: .*repeated"),
        ("", "RK-PER-003: .*missing"),
        ("id,age_years,weight_kg\nA,30\n", "RK-PER-003: people.csv, row 2: 2 cells"),
        (
            "id,age_years,weight_kg\nA,30,80\nB,forty,80\n",
            "RK-PER-023: people.csv, row 3, person B: age_years",
        ),
        ('id,age_years,weight_kg\nA,30,"80,5"\n', "RK-PER-023: .*decimal point"),
        (
            "id,age_years,weight_kg\nA,30,n/a\n",
            "RK-PER-024: people.csv, row 2, person A: weight_kg is not known",
        ),
        ("id,age_years,weight_kg\nA,30,80\nA,31,82\n", "RK-PER-025: people.csv, row 3, person A"),
        ("id,age_years,weight_kg\nA,15,80\n", "RK-PER-011: people.csv, row 2, person A"),
        ("id,age_years,weight_kg\nA,30,-80\n", "RK-PER-012: people.csv, row 2, person A"),
        ("id,age_years,weight_kg\nA,30,180\n", "RK-PER-013: people.csv, row 2, person A"),
        ("id,age_years,weight_kg\nA,30,inf\n", "RK-PER-012"),
        ("id,age_years,weight_kg,sex\nA,30,80,female\n", "RK-PER-015: people.csv, row 2"),
        ("id,age_years,weight_kg,cyp2b6_poor\nA,30,80,maybe\n", "RK-PER-023: .*yes, no"),
        ("id,age_years,weight_kg\n,30,80\n", r"RK-PER-018: people.csv, row 2, person \?"),
    ],
)
def test_what_cannot_be_used_is_named_by_row_and_person(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PersonError, match=message):
        read_cohort(table(tmp_path, text))


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PersonError, match=r"RK-PER-002: the table .*\.csv, \.tsv"):
        read_cohort(table(tmp_path, "", "people.xlsx"))
    with pytest.raises(PersonError, match="RK-PER-002: cannot read"):
        read_cohort(tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(b"id,age_years,weight_kg\nJos\xe9,30,80\n")
    with pytest.raises(PersonError, match="RK-PER-002: cannot read"):
        read_cohort(tmp_path / "latin.csv")


def test_extra_columns_and_extrapolation_only_when_asked_for(tmp_path: Path) -> None:
    path = table(tmp_path, "id,age_years,weight_kg,site\nA,30,180,North\n")
    (person,) = read_cohort(path, ignore=["site"], allow_extrapolation=True)
    assert person.extrapolations == ("body weight 180 kg is outside 39 to 170 kg",)


def test_the_crossover_holds_every_patient_and_visit(cohort: CrossoverCohort) -> None:
    assert len(cohort.patients) == 16
    assert len(cohort.scores) == 3 * 64
    assert list(cohort.incomplete) == ["sub-MOA117"]
    assert "sub-MOA117" in {patient.id for patient in cohort.patients}
    assert sum(patient.infusions == ("ketamine", "saline") for patient in cohort.patients) == 6
    assert sum(patient.infusions == ("ketamine",) for patient in cohort.patients) == 3


@pytest.mark.parametrize(
    ("treatment", "day", "n", "mean", "sd"),
    [
        ("ketamine", 2, 12, -7.42, 8.98),
        ("ketamine", 10, 11, -3.45, 10.30),
        ("saline", 2, 12, -2.50, 3.03),
        ("saline", 10, 11, 0.09, 4.13),
    ],
)
def test_the_summary_of_the_data_set_is_reproduced(
    cohort: CrossoverCohort, treatment: str, day: int, n: int, mean: float, sd: float
) -> None:
    pairs = [
        (cohort.score(patient.id, treatment, day), cohort.score(patient.id, "baseline", None))
        for patient in cohort.patients
    ]
    changes = [after - before for after, before in pairs if after is not None and before is not None]
    assert len(changes) == n
    assert np.mean(changes) == pytest.approx(mean, abs=0.005)
    assert np.std(changes, ddof=1) == pytest.approx(sd, abs=0.005)


def test_the_fitted_line_between_scales_is_reproduced(cohort: CrossoverCohort) -> None:
    wide = cohort.to_frame().pivot_table(index=["person", "treatment", "day"], columns="scale", dropna=False)
    both = wide["value"].dropna()
    fit = stats.linregress(both["MADRS"], both["HAM-D17"])
    assert len(both) == 52
    assert (fit.slope, fit.intercept, fit.rvalue) == pytest.approx((0.490, 4.11, 0.84), abs=0.005)


def test_missing_ratings_stay_missing(cohort: CrossoverCohort) -> None:
    assert cohort.score("sub-MOA101", "ketamine", 10) is None
    frame = cohort.to_frame()
    assert len(frame) == 192
    assert frame.loc[frame["scale"] == "MADRS", "value"].notna().sum() == 64 - 3
    assert set(frame.loc[frame["day"].isna(), "treatment"]) == {"baseline"}


def test_weights_follow_body_mass_index_and_a_height_drawn_by_sex(cohort: CrossoverCohort) -> None:
    draws = [cohort.persons(seed=1, trial=trial) for trial in range(400)]
    for people in draws:
        for person in people:
            assert person.weight_kg == pytest.approx(person.bmi * (person.height_cm / 100) ** 2)
            assert person.extrapolations == ()
    women = [person.height_cm for people in draws for person in people if person.sex == "F"]
    men = [person.height_cm for people in draws for person in people if person.sex == "M"]
    assert stats.kstest(women, stats.truncnorm(-16.3 / 7.1, 28.7 / 7.1, 161.3, 7.1).cdf).pvalue > 0.001
    assert stats.kstest(men, stats.truncnorm(-20.3 / 7.6, 29.7 / 7.6, 175.3, 7.6).cdf).pvalue > 0.001


def test_weights_are_keyed_by_patient_trial_and_seed(cohort: CrossoverCohort) -> None:
    first = cohort.persons(seed=1)
    assert first == nimh_crossover().persons(seed=1)
    alone = CrossoverCohort(cohort.patients[4:5], cohort.scores)
    assert alone.persons(seed=1) == first[4:5]
    assert cohort.persons(seed=1, trial=1)[0].weight_kg != first[0].weight_kg
    assert cohort.persons(seed=2)[0].weight_kg != first[0].weight_kg


def test_baselines_of_the_people(cohort: CrossoverCohort) -> None:
    people = cohort.persons(seed=1)
    assert np.mean([person.madrs_baseline for person in people]) == pytest.approx(32.27, abs=0.005)
    assert np.std([person.madrs_baseline for person in people], ddof=1) == pytest.approx(4.92, abs=0.005)
    assert people[0].hamd17_baseline == 20


@pytest.mark.parametrize(
    ("participant", "visit", "message"),
    [
        (
            "A\t30\tF\t25\tMDD\td\td",
            "A\tses-b0\t30\tn/a\tn/a",
            "RK-PER-027: participants.tsv, row 2, person A",
        ),
        ("A\t30\tF\t25\tMDD\td\tp", "A\tses-x2\t30\tn/a\tn/a", "RK-PER-027: phenotype.tsv, row 2, person A"),
        ("A\t30\tF\t25\tMDD\td\tp", "B\tses-b0\t30\tn/a\tn/a", "RK-PER-026: phenotype.tsv, row 2, person B"),
        (
            "A\t30\tF\t25\tMDD\td\tp",
            "A\tses-b0\tmany\tn/a\tn/a",
            "RK-PER-023: phenotype.tsv, row 2, person A",
        ),
    ],
)
def test_faults_in_crossover_files_are_named(
    tmp_path: Path, participant: str, visit: str, message: str
) -> None:
    people = "participant_id\tage\tsex\tBMI\tgroup\tinfusion_1\tinfusion_2\n"
    table(tmp_path, f"{people}{participant}\n", "participants.tsv")
    visits = "participant_id\tsession_id\tMADRS_Total\tHAMD_Bech\tHAM17_Total\n"
    table(tmp_path, f"{visits}{visit}\n", "phenotype.tsv")
    with pytest.raises(PersonError, match=message):
        read_crossover(tmp_path)


def test_the_licence_is_shipped_with_the_data() -> None:
    import rekindle.people

    readme = Path(rekindle.people.__file__).parent / "data" / "nimh_crossover" / "README.md"
    assert "CC0 1.0" in readme.read_text(encoding="utf-8")
