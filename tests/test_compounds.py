"""Compounds as data: ketamine through them is ketamine, and nothing incomplete gets through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rekindle.cli._main import run
from rekindle.errors import ParameterError, PersonError, RekindleError
from rekindle.people import (
    Person,
    Population,
    compare_candidate,
    compound_regimen,
    read_treatment,
    simulate_compound,
    simulate_people,
)
from rekindle.regimen import parse_regimen
from rekindle.report import candidate_figures, candidate_page, candidate_records, render_page
from rekindle.therapy import (
    PRIOR_ONLY,
    compound_model,
    compound_source,
    compounds,
    find_compound,
    read_compound,
    therapy_model,
)
from rekindle.trials import Treatment, compare_treatments

INFUSION = "0.5 mg/kg iv over 40 min"
MECHANISMS = ("disinhibition", "tonic_eef2", "hnk_direct", "mixture")
ANALOG = compound_source("analog-h1")
#: A first metabolite that would act directly, for which the model has no place.
METABOLITE = """[[species]]
name = "made"
role = "metabolite"
molar_mass = { value = 226, unit = "g/mol", mark = "assumed" }
k_block = { value = "none", mark = "assumed", source = "inactive" }
amp_direct = { value = 0.1, unit = "uM", mark = "assumed" }

"""


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    """The file of the shipped analog with some texts replaced."""
    text = ANALOG
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["ketamine", "esketamine", "arketamine"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_ketamine_as_a_compound_has_the_parameters_of_the_default_model(name: str, mechanism: str) -> None:
    base = therapy_model(mechanism=mechanism)
    made = compound_model(find_compound(name), mechanism=mechanism)
    assert made.parameters == base.parameters
    assert made.outputs.keys() == base.outputs.keys()


@pytest.mark.parametrize("name", ["ketamine", "esketamine", "arketamine"])
def test_ketamine_as_a_compound_gives_exactly_the_default_numbers(name: str) -> None:
    times, outputs = [0.5, 1.0, 24.0, 168.0], ["madrs_latent", "cadss", "systolic_change", "ketamine_venous"]
    usual = simulate_people(f"{name} {INFUSION}", Person(1), times=times, outputs=outputs)
    found = simulate_compound(find_compound(name), INFUSION, Person(1), times=times, outputs=outputs)
    for output in outputs:
        np.testing.assert_array_equal(found[output], usual[output])


def test_every_number_of_every_compound_has_a_mark_and_its_source() -> None:
    for compound in compounds().values():
        measures = [m for one in compound.species for m in one.measures.values()]
        for measure in [*measures, *compound.kinetics.values()]:
            assert measure.mark
            assert measure.source or measure.mark == "assumed"


def test_a_compound_changes_only_what_belongs_to_the_molecule() -> None:
    base, made = therapy_model(), compound_model(find_compound("memantine"))
    changed = {n for n, p in made.parameters.items() if p.value != base.parameters[n].value}
    assert {"KS", "rho", "CLint", "V1", "fm", "e_H", "allosteric_S", "trapping_factor_S"} <= changed
    assert not changed & {"EP", "ES", "kPoff", "kelim", "gI", "EC50D", "Emax_BP", "KR"}
    assert made.parameters["trapping_factor_S"].value == pytest.approx(0.71 / 0.86)
    assert made.parameters["dissociation_S"].value == pytest.approx(0.45 / 1.5)
    # Plasma clearance 6.9 L/h comes back out of the well-mixed liver.
    intrinsic, flow = made.parameters["CLint"].value, base.parameters["Qh"].value
    assert intrinsic is not None
    assert flow is not None
    assert flow * intrinsic / (flow + intrinsic) == pytest.approx(6.9)


def test_outputs_that_describe_people_on_ketamine_are_not_offered_for_others() -> None:
    outputs = compound_model(find_compound("analog-h1")).outputs
    assert "madrs_latent" in outputs
    assert not [name for name in outputs if name.startswith("p_report")]


def test_memantine_stays_for_days() -> None:
    found = simulate_compound(
        find_compound("memantine"), "20 mg oral", Person(1), times=[24, 94], outputs=["ketamine_venous"]
    )["ketamine_venous"][0]
    assert np.log(2) * 70 / np.log(found[0] / found[1]) == pytest.approx(70, rel=0.05)


def test_less_trapping_means_less_dissociation_and_the_same_mood(tmp_path: Path) -> None:
    trapping = "trapping = { value = 0.5, low = 0.3, high = 0.86"
    full = read_compound(written(tmp_path, (trapping, "trapping = { value = 0.86")))
    options = {"outputs": ["cadss", "madrs_latent"], "parameters": {"EX": 0.0}}
    less, more = (
        simulate_compound(one, INFUSION, Person(1), times=[2 / 3, 24], **options)
        for one in (find_compound("analog-h1"), full)
    )
    assert less["cadss"][0, 0] < 0.6 * more["cadss"][0, 0]
    assert less["madrs_latent"][0, 1] == pytest.approx(more["madrs_latent"][0, 1], rel=1e-6)


def test_a_hypothetical_compound_says_so_wherever_it_is_shown() -> None:
    analog = find_compound("analog-h1")
    assert "hypothetical" in analog.label
    assert "hypothetical" in compound_model(analog).description


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ([("k_block", "k_blok")], "RK-PAR-121", 'did you mean "k_block"'),
        (
            [(ANALOG[ANALOG.index("[kinetics]") :], "")],
            "RK-PAR-123",
            "without kinetics no dose becomes a concentration",
        ),
        (
            [
                ("koff = { value = 0.9", "koff = { value = 0.001"),
                ("kon = { value = 1e6", "kon = { value = 1e3"),
            ],
            "RK-PAR-124",
            "At most 60 s",
        ),
        (
            [('molar_mass = { value = 240, unit = "g/mol"', "molar_mass = { value = 240")],
            "RK-PAR-122",
            "unit",
        ),
        (
            [('mark = "assumed", source = "as lanicemine"', 'mark = "seen", source = "x"')],
            "RK-PAR-124",
            "does not exist",
        ),
        ([("share = 1", "share = 0.7")], "RK-PAR-124", "share"),
        (
            [("[kinetics]", METABOLITE + "[kinetics]")],
            "RK-PAR-126",
            "no place",
        ),
        ([("hypothetical = true\n", "")], "RK-PAR-122", "hypothetical"),
        (
            [("trapping = { value = 0.5, low = 0.3, high = 0.86", "trapping = { value = 1.5")],
            "RK-PAR-122",
            "at most 1",
        ),
        (
            [("value = 0.9, low = 0.45, high = 1.8", "value = 9, low = 0.45, high = 1.8")],
            "RK-PAR-124",
            "range",
        ),
        ([('like = "ketamine"', 'like = "ketamin"')], "RK-PAR-122", "did you mean"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, changes: list[tuple[str, str]], code: str, words: str
) -> None:
    with pytest.raises(RekindleError, match=code) as error:
        read_compound(written(tmp_path, *changes))
    assert words in str(error.value)


def test_what_is_missing_is_named_with_why_it_matters() -> None:
    lanicemine = find_compound("lanicemine")
    assert {gap.field for gap in lanicemine.gaps} >= {"rho of lanicemine", "kinetics: fu"}
    assert all(gap.why for gap in lanicemine.gaps)
    with pytest.raises(ParameterError, match="RK-PAR-123"):
        compound_model(lanicemine)


def test_a_compound_without_any_kinetics_can_be_looked_at_but_not_used(tmp_path: Path) -> None:
    head = ANALOG[: ANALOG.index("[kinetics]")]
    path = tmp_path / "mine.toml"
    path.write_text(head, encoding="utf-8")
    gaps = {gap.field for gap in read_compound(path, allow_gaps=True).gaps}
    assert {"kinetics: clearance", "kinetics: V1", "kinetics: FRn"} <= gaps


def test_unknown_names_routes_and_co_medication_are_refused() -> None:
    analog = find_compound("analog-h1")
    with pytest.raises(ParameterError, match='did you mean "ketamine"'):
        find_compound("ketamin")
    with pytest.raises(ParameterError, match="RK-PAR-127"):
        compound_regimen(analog, "40 mg oral")
    with pytest.raises(PersonError, match="RK-PER-032"):
        simulate_compound(analog, INFUSION, Person(1, co_medication=("rifampicin",)))


def test_esketamine_as_a_candidate_equals_itself() -> None:
    for row in compare_candidate(find_compound("esketamine"), "20 mg iv over 40 min").rows:
        assert row.reference is not None
        assert row.reference.dose_mg == pytest.approx(20, rel=2e-3)
        assert row.reference.dissociation == pytest.approx(row.candidate.dissociation, rel=5e-3)


def test_a_candidate_is_held_against_the_dose_with_equal_effect() -> None:
    found = compare_candidate(find_compound("analog-h1"), INFUSION, draws=8)
    assert found.label == PRIOR_ONLY
    rows = {row.mechanism: row for row in found.rows}
    assert set(rows) == set(MECHANISMS)
    first = rows["disinhibition"]
    assert first.reference is not None
    assert first.low is not None
    assert first.high is not None
    assert first.reference.effect_24h == pytest.approx(first.candidate.effect_24h, rel=1e-3)
    assert first.candidate.dissociation < first.reference.dissociation
    assert first.low.dissociation < first.candidate.dissociation < first.high.dissociation
    # Without a direct metabolite the third hypothesis promises nothing, and no dose equals nothing.
    assert rows["hnk_direct"].candidate.effect_24h == pytest.approx(0, abs=1e-4)
    assert rows["hnk_direct"].reference is None


@pytest.mark.parametrize(
    "text",
    ["analog-h1 40 mg iv over 40 min", "Analog-H1 (hypothetical) 40 mg iv over 40 min", "40 mg over 40 min"],
)
def test_a_compound_is_a_drug_of_the_regimen_language(text: str) -> None:
    drug = None if "nalog" in text else "analog-h1"
    regimen, compound = read_treatment(text, drug=drug)
    assert compound is find_compound("analog-h1")
    assert regimen.compound == "analog-h1 (hypothetical)"
    assert str(regimen) == "analog-h1 (hypothetical) 40 mg IV over 40 min; 1 session"
    assert read_treatment(regimen.to_text())[0] == regimen
    # The same doses of the drug in whose place it stands are another regimen.
    assert regimen != parse_regimen("esketamine 40 mg iv over 40 min")


def test_the_enantiomers_stay_drugs_of_their_own() -> None:
    for name in ("ketamine", "esketamine", "arketamine"):
        regimen, compound = read_treatment(f"{name} {INFUSION}")
        assert compound is None
        assert regimen == parse_regimen(f"{name} {INFUSION}")


@pytest.mark.parametrize(
    ("text", "drug", "code", "words"),
    [
        ("memantin 20 mg oral", None, "RK-PAR-125", 'did you mean "memantine"'),
        ("20 mg oral", "memantin", "RK-PAR-125", 'did you mean "memantine"'),
        ("ketamine and analog-h1 40 mg iv over 40 min", None, "RK-PAR-129", "One drug or compound"),
        ("analog-h1 40 mg iv over 40 min", "memantine", "RK-PAR-129", "memantine"),
        ("analog-h1 40 mg iv over 40 min", "ketamine", "RK-PAR-129", "ketamine"),
        ("ketamin 40 mg iv over 40 min", None, "RK-REG-031", 'did you mean "ketamine"'),
        ("analog-h1 40 mg rectal", None, "RK-PAR-127", "Routes with kinetics"),
    ],
)
def test_names_that_are_wrong_or_too_many_are_refused(
    text: str, drug: str | None, code: str, words: str
) -> None:
    with pytest.raises(RekindleError, match=code) as error:
        read_treatment(text, drug=drug)
    assert words in str(error.value)


def test_an_incomplete_compound_is_refused_wherever_it_is_simulated() -> None:
    text = "lanicemine 100 mg iv over 60 min"
    for simulated in (
        lambda: simulate_people(text, Person(1), times=[24]),
        lambda: compare_treatments(
            [Treatment("a", INFUSION, drug="ketamine"), Treatment("b", text)], people=2
        ),
        lambda: compare_candidate(find_compound("lanicemine"), text),
    ):
        with pytest.raises(ParameterError, match="RK-PAR-123") as error:
            simulated()
        assert "it sets how far interneurons are blocked" in str(error.value)


def test_a_regimen_of_a_compound_is_never_simulated_as_ketamine() -> None:
    analog = find_compound("analog-h1")
    with pytest.raises(ParameterError, match="RK-PAR-136"):
        simulate_people(compound_regimen(analog, INFUSION), Person(1), times=[24])
    with pytest.raises(ParameterError, match="RK-PAR-136"):
        simulate_people(parse_regimen(f"esketamine {INFUSION}"), Person(1), times=[24], compound=analog)
    with pytest.raises(ParameterError, match="RK-PAR-137"):
        simulate_people(f"analog-h1 {INFUSION}", Person(1), times=[24], pharmacokinetics="otto_2021")


def test_compounds_that_are_absorbed_whole_still_differ_between_people() -> None:
    found = simulate_people(
        "memantine 20 mg oral", Population(4, seed=1), times=[8], outputs=["ketamine_venous"], typical=False
    )["ketamine_venous"]
    assert len(set(found[:, 0])) == 4


def test_a_parent_that_acts_directly_is_what_its_strength_says(tmp_path: Path) -> None:
    # e_H x/(x + 1) at x = site/EC50 of the parent, read back from the drive and the concentration.
    path = written(tmp_path, ('amp_direct = { value = "none"', 'amp_direct = { value = 0.2, unit = "uM"'))
    direct = read_compound(path)
    found = simulate_compound(
        direct,
        "40 mg iv over 40 min",
        Person(1),
        times=[0.5, 1.0, 4.0],
        outputs=["trophic_drive", "brain_s_ketamine"],
        mechanism="hnk_direct",
    )
    site = found["brain_s_ketamine"][0]
    strength = therapy_model().parameters["e_H"].value
    np.testing.assert_allclose(found["trophic_drive"][0], strength * site / (site + 0.2), rtol=1e-9)
    default = therapy_model(mechanism="hnk_direct").parameters
    assert [default[name].value for name in ("direct_H", "direct_S", "direct_R")] == [1, 0, 0]


def test_the_direct_route_of_ketamine_is_what_it_was() -> None:
    found = simulate_people(
        f"ketamine {INFUSION}",
        Person(1),
        times=[0.5, 2.0, 24.0],
        outputs=["trophic_drive", "brain_hnk"],
        mechanism="hnk_direct",
    )
    parameters, site = therapy_model().parameters, found["brain_hnk"][0]
    expected = parameters["e_H"].value * site / (site + parameters["EC50H"].value)
    np.testing.assert_allclose(found["trophic_drive"][0], expected, rtol=1e-12)


def test_treatments_are_compared_with_a_compound_in_the_same_people(tmp_path: Path) -> None:
    own = read_compound(written(tmp_path, ('name = "analog-h1"', 'name = "mine"')))
    found = compare_treatments(
        [
            Treatment("spray", "esketamine 28 mg nasal"),
            Treatment("mine", "28 mg nasal", compound=own),
            Treatment("shipped", "analog-h1 28 mg nasal"),
        ],
        people=4,
        days=[1],
    )
    assert [one.name for one in found.treatments] == [
        "spray",
        "mine (hypothetical)",
        "shipped (hypothetical)",
    ]
    mine, shipped = (found.results[f"{name} (hypothetical)"] for name in ("mine", "shipped"))
    assert mine["fall_day_1"] == shipped["fall_day_1"]
    assert mine["fall_day_1"] != found.results["spray"]["fall_day_1"]
    # Fitted to people on ketamine alone, so left open.
    assert np.isnan(mine["nausea"].value)
    assert any("prior only" in note for note in found.notes)


def test_devices_are_matched_as_nearly_as_they_allow() -> None:
    found = compare_candidate(find_compound("esketamine"), "56 mg nasal")
    assert not found.equal
    for row in found.rows:
        assert row.reference is not None
        assert row.reference.dose_mg == 56
        assert row.reference == row.candidate


def test_the_candidate_report_shows_both_and_what_is_assumed() -> None:
    found = compare_candidate(
        find_compound("analog-h1"), INFUSION, mechanisms=["disinhibition", "hnk_direct"]
    )
    figures = candidate_figures(found)
    html = render_page(candidate_page(found, figures))
    assert list(figures) == ["exposure", "receptors", "effect", "session"]
    assert all("analog-h1 (hypothetical)" in figure.alternative for figure in figures.values())
    for words in ("this molecule does not exist", "stand on judgement", "no dose has the effect", PRIOR_ONLY):
        assert words in html
    records = candidate_records(found)
    assert {row["compound"] for row in records} == {"analog-h1 (hypothetical)"}
    assert [row["what"] for row in records] == ["candidate", "S-ketamine, equal effect", "candidate"]


def test_measured_numbers_of_a_real_compound_are_told_from_assumed_ones() -> None:
    found = compare_candidate(find_compound("memantine"), "20 mg oral", mechanisms=["disinhibition"])
    page = candidate_page(found, candidate_figures(found))
    tables = {table.caption: table.rows for section in page.sections for table in section.tables}
    assert {row[3] for row in tables["Measured or derived"]} <= {"seen", "derived"}
    assert {row[3] for row in tables["Assumed or from memory"]}.isdisjoint({"seen", "derived"})


def test_every_file_of_a_simulated_compound_says_that_it_is_hypothetical(tmp_path: Path) -> None:
    file = written(tmp_path, ('name = "analog-h1"', 'name = "mine"'))
    folder = tmp_path / "out"
    text = "mine 28 mg nasal, weekly x 2"
    assert run(["simulate", text, "--compound", str(file), "--typical", "--out", str(folder)]) == 0
    for name in ("people", "trajectories", "columns", "course"):
        lines = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert "compound" in lines[0]
        assert all("mine (hypothetical)" in line for line in lines[1:])
    page = (folder / "report.html").read_text(encoding="utf-8")
    captions = [part.split("</figcaption>")[0] for part in page.split("<figcaption>")[1:]]
    assert len(captions) == 5
    assert all(caption.startswith("mine (hypothetical): ") for caption in captions)
    assert "ketamine, venous plasma" not in page


def test_commands_take_a_compound_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(written(tmp_path, ('name = "analog-h1"', 'name = "mine"')))
    events = tmp_path / "events.csv"
    events.write_text("ID,TIME,EVID,AMT,CMT,DUR\n1,0,1,40,central_S,1\n", encoding="utf-8")
    for arguments in (
        ["simulate", "--events", str(events), "--compound", file, "--duration", "2 h"],
        ["model", "show", file],
        ["model", "export", file, "--sbml", "--regimen", "mine 40 mg iv over 40 min"],
        ["compare", "esketamine 28 mg nasal", "mine 28 mg nasal", "--compound", file, "--people", "2"],
    ):
        assert run(arguments) == 0, arguments
        assert "hypothetical" in capsys.readouterr().out
    for arguments in (
        ["compare", "esketamine 28 mg nasal", "ketamine 20 mg iv over 40 min", "--compound", file],
        ["simulate", "--events", str(events), "--compound", file, "--model", "therapy"],
        ["simulate", "ketamine 40 mg iv over 40 min", "--compound", file],
        ["simulate", "mine 40 mg iv over 40 min", "--compound", file, "--co-medication", "rifampicin"],
    ):
        assert run(arguments) == 2, arguments
        assert "Traceback" not in capsys.readouterr().err


def test_a_candidate_report_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "report"
    arguments = ["compound", "compare", "analog-h1", "28 mg nasal", "--draws", "1", "--out", str(folder)]
    assert run(arguments) == 0
    assert "nearest effect" in capsys.readouterr().out
    found = {path.name for path in folder.iterdir()}
    assert {"report.html", "candidate.csv", "receptors.png", "effect.svg"} <= found
