"""Hostile input: whatever stands in a file, only Rekindle's own errors come out, and soon."""

import random
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rekindle
from rekindle.errors import RekindleError
from rekindle.modelling import import_sbml, read_model, to_sbml

MODEL_TEXT = """model oral "One compartment"
time [h]
parameter ka [1/h] = 0.9 in 0.1 to 3 mark assumed source "made up" "absorption"
parameter k [1/h] = 0.1
covariate weight [kg] = 70 in 30 to 200 carry locf
switch route in oral, nasal
state depot [mg] = 0 "gut"
state central [mg]
size = (weight/70[kg])^0.75
d/dt(depot) = -ka*depot
d/dt(central) = if(route == oral, ka, 2*ka)*depot - k*size*central + infusion(central)*0
lag(depot) = 0.5[h]
duration(central) = 2[h]
on visit: depot <- max(depot, 3[mg])
when peak(central) if central > 1[mg]: depot <- depot*logistic(central/1[mg])
output amount [ug] = central
"""
MODEL = read_model(MODEL_TEXT)
TABLE = """C,ID,TIME,EVID,AMT,RATE,DUR,II,ADDL,SS,CMT,OCC,EVENT,DV,MDV,weight
.,1,0,1,100,.,.,24,3,0,1,1,.,1,1,70
.,1,2.5,0,.,.,.,.,.,.,2,1,.,3.1,0,70
C,1,4,0,.,.,.,.,.,.,2,1,.,999,0,70
.,2,8:00,4,50,-2,.,12,.,1,central,2,.,.,1,95
.,2,9:30,2,.,.,.,.,.,.,.,2,visit,.,1,95
"""
PLAIN = TABLE.replace("C,ID", "ID").replace("\n.,", "\n").replace("8:00", "8").replace("9:30", "9")
PIECES = [
    "",
    "0",
    "-1",
    "1e308",
    "1e999",
    "nan",
    "inf",
    ".",
    ",",
    "\n",
    "\t",
    '"',
    "'",
    "(",
    ")",
    "[",
    "]",
    "[h]",
    "1/0",
    "0/0",
    "^^",
    "-2",
    "1D5",
    "12:61",
    "99999999999999999999",
    "é",
    "\x00",
    "\ud800",
    "𝟘",
    ";",
    "#",
    "=",
    "<-",
    "&",
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "&lt;",
    "&x;",
    "d/dt(",
    "if(",
    "peak(",
    "infusion(",
    'include "x"',
    'parameters "/etc/passwd"',
    "central",
    "depot",
    "time",
    "model m",
    "exp(1e9)",
    "0^-1",
]


@st.composite
def mutated(draw, text, separators):
    """A valid text with pieces cut out, doubled, swapped or put in."""
    parts = [text]
    for separator in separators:
        parts = [piece for part in parts for piece in part.replace(separator, f"{separator}\0").split("\0")]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(parts) - 1))
        other = draw(st.integers(0, len(parts) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                parts[place] = ""
            case 1:
                parts[place] = parts[other]
            case 2:
                parts[place], parts[other] = parts[other], parts[place]
            case 3:
                parts[place] += draw(st.sampled_from(PIECES))
            case _:
                part = parts[place]
                cut = draw(st.integers(0, len(part)))
                parts[place] = (
                    part[:cut] + draw(st.sampled_from(PIECES)) + part[cut + draw(st.integers(0, 3)) :]
                )
    return "".join(parts)


def survives(read, *arguments, **options):
    """Run a reader; anything but a result or an error of the package fails the test."""
    try:
        return read(*arguments, **options)
    except RekindleError as error:
        assert error.code.startswith("RK-")
        assert str(error)
        return None


@settings(max_examples=400)
@given(mutated(MODEL_TEXT, [" ", "\n", "("]))
def test_mutated_model_texts(text):
    survives(read_model, text + "\n")


@settings(max_examples=200)
@given(st.text(max_size=200).map(lambda text: f"model m\n{text}"))
def test_random_model_texts(text):
    survives(read_model, text)


@settings(max_examples=300)
@given(mutated(PLAIN, [",", "\n"]))
def test_mutated_event_tables(text):
    survives(rekindle.EventTable.from_csv, text + "\n", MODEL)


@settings(max_examples=300)
@given(mutated(TABLE, [",", "\n"]), st.sampled_from(["@", "#", "C", "DV.EQ.999", ["#", "TIME.LT.1"]]))
def test_mutated_data_sets(text, ignore):
    survives(rekindle.EventTable.from_nonmem, text + "\n", MODEL, ignore=ignore)


@settings(max_examples=150)
@given(st.text(max_size=120).map(lambda text: f"ID,TIME,AMT\n{text}\n"))
def test_random_tables(text):
    survives(rekindle.EventTable.from_csv, text, MODEL)
    survives(rekindle.EventTable.from_nonmem, text, MODEL)


@st.composite
def few_rows(draw):
    """Rows that a table can really hold, in every combination."""
    number = st.sampled_from(["0", "1", "2", "-1", "-2", "5", "1e-300", "1e300", "0.1", "."])
    names = ["EVID", "AMT", "RATE", "DUR", "II", "ADDL", "SS", "CMT", "OCC"]
    return [
        {"ID": 1, "TIME": time, **{name: draw(number) for name in draw(st.sets(st.sampled_from(names)))}}
        for time in range(draw(st.integers(1, 4)))
    ]


@settings(max_examples=60)
@given(few_rows())
def test_every_table_that_is_accepted_can_be_simulated_or_is_refused(rows):
    table = survives(rekindle.EventTable.from_rows, rows, MODEL)
    if table is not None and not any(
        record.additional > 100 or record.interval > 1e6 for own in table.subjects.values() for record in own
    ):
        survives(rekindle.simulate, MODEL, table, times=[0.0, 3.0])


sbml = pytest.importorskip("libsbml")
DOCUMENT = to_sbml(
    read_model(MODEL_TEXT.replace("when peak", "# when peak")),
    events=[{"time": 1, "state": "depot", "amount": 5}, {"time": 2, "event": "visit"}],
)
REACTIONS = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model id="m">
<listOfUnitDefinitions><unitDefinition id="u"><listOfUnits>
<unit kind="mole" exponent="1" scale="-3" multiplier="2"/></listOfUnits></unitDefinition>
</listOfUnitDefinitions>
<listOfCompartments><compartment id="c" size="2" constant="true" spatialDimensions="3"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialAmount="3" hasOnlySubstanceUnits="false"
 boundaryCondition="false" constant="false" substanceUnits="u"/>
<species id="B" compartment="c" initialConcentration="0" hasOnlySubstanceUnits="true"
 boundaryCondition="false"
 constant="false"/></listOfSpecies>
<listOfParameters><parameter id="k" value="0.3" constant="true" units="u"/>
<parameter id="p" constant="false"/></listOfParameters>
<listOfInitialAssignments><initialAssignment symbol="k"><math xmlns="http://www.w3.org/1998/Math/MathML">
<apply><plus/><cn>0.1</cn><ci>A</ci></apply></math></initialAssignment></listOfInitialAssignments>
<listOfRules><assignmentRule variable="p"><math xmlns="http://www.w3.org/1998/Math/MathML"><piecewise><piece>
<ci>A</ci><apply><lt/><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>
<cn type="integer">5</cn></apply></piece><otherwise><ci>k</ci></otherwise></piecewise></math></assignmentRule>
</listOfRules>
<listOfReactions><reaction id="r" reversible="false"><listOfReactants>
<speciesReference id="n" species="A" stoichiometry="2" constant="true"/></listOfReactants><listOfProducts>
<speciesReference species="B" stoichiometry="1" constant="true"/></listOfProducts>
<kineticLaw>
<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>v</ci><ci>p</ci>
<apply><power/><ci>A</ci>
<cn>2</cn></apply></apply></math>
<listOfLocalParameters><localParameter id="v" value="0.2"/></listOfLocalParameters>
</kineticLaw></reaction></listOfReactions></model></sbml>
"""


@settings(max_examples=120)
@given(mutated(DOCUMENT, ["<", " ", '"']))
def test_mutated_exported_documents(text):
    found = survives(import_sbml, text + "<")
    survives(import_sbml, text)
    assert found is None


@settings(max_examples=250)
@given(mutated(REACTIONS, ["<", '"']))
@example(REACTIONS)
def test_mutated_reaction_networks(text):
    found = survives(import_sbml, text)
    assert found is None or read_model(found.text).states.keys() == found.model.states.keys()


WORDS = [
    "A",
    "B",
    "c",
    "k",
    "p",
    "r",
    "n",
    "v",
    "time",
    "exp",
    "u",
    "m",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2.5",
    "1e400",
    "NaN",
    "INF",
    "mole",
    "second",
    "item",
    "x y",
    "",
    "if",
    "state",
]
MATHS = [
    "plus",
    "times",
    "minus",
    "divide",
    "power",
    "root",
    "ln",
    "log",
    "exp",
    "sin",
    "and",
    "or",
    "not",
    "xor",
    "lt",
    "eq",
    "neq",
    "max",
    "min",
    "floor",
    "ceiling",
    "abs",
    "tanh",
    "sinh",
    "factorial",
    "rem",
    "quotient",
    "implies",
    "piecewise",
    "pi",
    "infinity",
    "notanumber",
    "true",
    "ci",
    "cn",
    "apply",
]


@st.composite
def rearranged(draw):
    """A well-formed document in which values, operators and whole elements have changed."""
    root = ElementTree.fromstring(REACTIONS)
    for _ in range(draw(st.integers(1, 3))):
        elements = list(root.iter())[2:]
        element = draw(st.sampled_from(elements))
        match draw(st.integers(0, 5)):
            case 0 if element.attrib:
                element.set(draw(st.sampled_from(sorted(element.attrib))), draw(st.sampled_from(WORDS)))
            case 1 if element.attrib:
                del element.attrib[draw(st.sampled_from(sorted(element.attrib)))]
            case 2 if element.text and element.text.strip():
                element.text = draw(st.sampled_from(WORDS))
            case 3 if "MathML" in element.tag:
                element.tag = element.tag.split("}")[0] + "}" + draw(st.sampled_from(MATHS))
            case 4:
                parent = draw(st.sampled_from(elements))
                if element not in list(parent.iter()) and parent not in list(element.iter()):
                    parent.append(element)
            case _:
                for parent in elements:
                    if element in list(parent) and draw(st.booleans()):
                        parent.remove(element)
    return ElementTree.tostring(root, encoding="unicode")


@settings(max_examples=400)
@given(rearranged())
def test_well_formed_documents(text):
    found = survives(import_sbml, text)
    assert found is None or read_model(found.text).derivatives.keys() == found.model.derivatives.keys()


CELLS = [
    "",
    ".",
    "0",
    "1",
    "2",
    "-1",
    "-2",
    "3",
    "7.5",
    "1D2",
    "1e400",
    "nan",
    "x",
    "8:30",
    "1/2/2024",
    "visit",
]


@st.composite
def refilled(draw):
    """A table of the right shape with other cells."""
    lines = [line.split(",") for line in TABLE.strip().split("\n")]
    for _ in range(draw(st.integers(1, 6))):
        row = draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, len(lines) - 1))
        lines[row][draw(st.integers(0, len(lines[0]) - 1))] = draw(st.sampled_from(CELLS))
    return "\n".join(map(",".join, lines)) + "\n"


@settings(max_examples=300)
@given(refilled())
def test_tables_of_the_right_shape(text):
    survives(rekindle.EventTable.from_nonmem, text, MODEL)
    survives(rekindle.EventTable.from_csv, text, MODEL, extra=["C"])


@settings(max_examples=100)
@given(st.text(max_size=200).map(lambda text: f"<{text}"))
def test_random_documents(text):
    survives(import_sbml, text)


def test_elements_moved_about():
    """Whole elements in places where the format has others."""
    random_numbers = random.Random(20260)
    lines = REACTIONS.split("<")
    for _ in range(150):
        shuffled = list(lines)
        for _ in range(random_numbers.randint(1, 3)):
            first, second = random_numbers.sample(range(2, len(lines)), 2)
            shuffled[first], shuffled[second] = shuffled[second], shuffled[first]
        survives(import_sbml, "<".join(shuffled))


def test_texts_that_are_not_utf_8(tmp_path):
    path = tmp_path / "broken"
    path.write_bytes(b"\xff\xfe\x00ID,TIME\n\x81")
    for read in (
        import_sbml,
        read_model,
        lambda p: rekindle.EventTable.from_csv(p, MODEL),
        lambda p: rekindle.EventTable.from_nonmem(p, MODEL),
    ):
        assert survives(read, path) is None
        assert survives(read, tmp_path) is None
        assert survives(read, tmp_path / "nowhere") is None
