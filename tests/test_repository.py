"""The repository keeps its own rules: floors, light imports, pinned requirements, one version."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import rekindle

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "rekindle"
FLOORS = [
    "errors",
    "_disk_cache",
    "_on_demand",
    "units",
    "regimen",
    "modelling",
    "engine",
    "therapy",
    "people",
    "trials",
    "evidence",
    "report",
    "questions",
    "cli",
]
# Neighbours: what is given and how a model is written have nothing to say to each other.
STRANGERS = {("regimen", "modelling"), ("modelling", "regimen")}
HEAVY = {
    "pandas",
    "scipy",
    "matplotlib",
    "llvmlite",
    "pint",
    "jinja2",
    "pyarrow",
    "libsbml",
    "statsmodels",
    "distributed",
    "SALib",
}
REQUIREMENTS = ["run.txt", "test.txt"]

# Written in pieces, so that this file does not hold what it looks for.
INDEX_HOSTS = re.compile("py" + r"pi\.|python" + r"hosted|registry\." + "npm|/" + "simple/")
MACHINE_PATHS = re.compile(r"(?<![\w.\-])/(?:home|root|work|Users|mnt|tmp|var/folders)/[\w.]")


def floor_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported_modules(path: Path, text: str) -> Iterator[str]:
    """Yield the full dotted name of everything inside rekindle that the text of ``path`` imports."""
    package = ("rekindle", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name == "rekindle" or name.startswith("rekindle."))


def forbidden_imports(path: Path, text: str) -> list[str]:
    """Name the imports of ``path`` that do not point down the floors."""
    here = floor_of(path)
    forbidden = []
    for name in imported_modules(path, text):
        there = [*name.split("."), ""][1]
        if there in (here, "__version__"):
            continue
        down = there in FLOORS and FLOORS.index(there) < FLOORS.index(here)
        if not down or (here, there) in STRANGERS:
            forbidden.append(f"{path.relative_to(ROOT)}: {here} imports {name}")
    return forbidden


def python_files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.stem in FLOORS]


def text_files() -> list[Path]:
    """List every file that is, or is about to be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so nothing here is committed")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def test_imports_point_down_the_floors() -> None:
    forbidden = [line for path in python_files() for line in forbidden_imports(path, path.read_text("utf-8"))]
    assert not forbidden, "\n".join(forbidden)


@pytest.mark.parametrize(
    ("file", "text", "count"),
    [
        ("units/_a.py", "from rekindle.errors import UnitError", 0),
        ("units/_a.py", "from .. import errors\nfrom . import _b\nfrom ._b import c", 0),
        ("units/_a.py", "def f():\n    from rekindle.engine import solve", 1),
        ("units/_a.py", "import rekindle.engine", 1),
        ("units/_a.py", "from ..engine._solve import solve", 1),
        ("regimen/_a.py", "from rekindle.modelling import Model", 1),
        ("modelling/_a.py", "from rekindle import regimen", 1),
        ("cli/run/_a.py", "from ...trials import Trial\nfrom rekindle.report import figure", 0),
        ("cli/_a.py", "from rekindle import load_model", 1),
        ("cli/_a.py", "import rekindle", 1),
        ("cli/_a.py", "from rekindle import __version__", 0),
        ("errors.py", "import numpy\nfrom rekindle.units import Unit", 1),
    ],
)
def test_the_floor_check_sees_what_it_should(file: str, text: str, count: int) -> None:
    assert len(forbidden_imports(PACKAGE / file, text)) == count


def test_every_package_has_a_floor() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert packages <= set(FLOORS)


@pytest.mark.parametrize("name", ["", ".engine", ".modelling", ".people", ".therapy"])
def test_every_public_name_can_be_loaded_on_demand(name: str) -> None:
    package = import_module("rekindle" + name)
    assert len(set(package.__all__)) == len(package.__all__)
    for public in package.__all__:
        assert getattr(package, public) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        _ = package.nothing


def test_importing_rekindle_stays_light() -> None:
    program = "import sys, rekindle; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert not HEAVY & set(loaded.split())


def test_no_file_names_a_package_index_or_a_path_of_some_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in text_files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if (match := INDEX_HOSTS.search(line) or MACHINE_PATHS.search(line))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    entries = [entry for entry in re.split(r"\n(?=[^\s#])", text.strip()) if not entry.startswith("#")]
    assert any(entry.startswith("hatchling==") for entry in entries), "the package could not be built offline"
    for entry in entries:
        assert re.match(r"[a-z0-9.\-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text
    assert " @ " not in text


def test_the_run_requirements_are_part_of_the_test_requirements() -> None:
    run, test = (pins((ROOT / "requirements" / name).read_text("utf-8")) for name in REQUIREMENTS)
    assert run
    assert run <= test, "one environment could not serve both"


def pins(text: str) -> set[str]:
    return {line.rstrip(" \\") for line in text.splitlines() if re.match(r"[a-z0-9]", line)}


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    newest = re.search(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = re.search(r"^date-released: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert citation
    assert newest
    assert released
    assert project == citation[1] == newest[1] == rekindle.__version__
    assert released[1] == newest[2]


def test_the_wheel_holds_every_file_of_the_package() -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="make test installs the build backend")
    inside = {Path(file.path) for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()}
    wanted = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert wanted
    assert wanted <= inside, sorted(wanted - inside)
