"""Open an SBML document: refuse what would harm the reader, bring every version to Level 3 Version 2."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.parsers import expat

from rekindle.errors import ModelError
from rekindle.modelling._mathml import load_libsbml

_LONGEST = 20_000_000
#: libsbml reads by recursion in C++, where a document that is nested too deep would end the process.
_DEEPEST = 120
_SEVERE = 2
#: Only adds functions, each of which is checked where it stands.
_READ_PACKAGE = "l3v2extendedmath"


def open_document(source: str | os.PathLike[str]) -> Any:
    """The libsbml document of a path or text, valid and at Level 3 Version 2.

    Raises:
        ModelError: RK-MOD-040 a file that cannot be read or is no valid SBML; RK-MOD-041 a required package.
        OutputError: python-libsbml is missing.
    """
    text = _text(source)
    _gate(text)
    libsbml = load_libsbml()
    document = libsbml.readSBMLFromString(text)
    _refuse_errors(document)
    if document.getLevel() > 2:
        _refuse_packages(document)
    if document.getModel() is None:
        raise unreadable("the document holds no model")
    if (document.getLevel(), document.getVersion()) != (3, 2):
        document.setLevelAndVersion(3, 2, False)
        if (document.getLevel(), document.getVersion()) != (3, 2):
            raise unreadable("the document cannot be brought to SBML Level 3 Version 2")
        document.getErrorLog().clearLog()
    for category in ("UNITS_CONSISTENCY", "MODELING_PRACTICE", "SBO_CONSISTENCY", "OVERDETERMINED_MODEL"):
        document.setConsistencyChecks(getattr(libsbml, f"LIBSBML_CAT_{category}"), False)
    document.checkConsistency()
    _refuse_errors(document)
    return document


def unreadable(problem: str) -> ModelError:
    """Error for a document that is not valid SBML."""
    return ModelError(
        "RK-MOD-040",
        given=f"the SBML document cannot be read: {problem}",
        allowed="Valid SBML of Level 1, 2 or 3",
        remedy="Check it with an SBML validator",
    )


def unsupported(element: str, what: str, why: str, remedy: str = "") -> ModelError:
    """Error for a part of SBML that the model language does not have."""
    return ModelError(
        "RK-MOD-041",
        given=f"{element}: {what}",
        why=why,
        remedy=remedy or "Change it in the SBML file, or write the model in the model language",
    )


def _text(source: str | os.PathLike[str]) -> str:
    if isinstance(source, str) and "<" in source:
        return source
    try:
        raw = Path(source).read_bytes()
    except (OSError, ValueError) as problem:
        raise unreadable(f"{str(source)[:200]!r}: {problem}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise unreadable(f"{str(source)[:200]!r} is not UTF-8") from None


def _gate(text: str) -> None:
    """Well-formed, of bearable size and depth, without entities of its own."""
    if len(text) > _LONGEST:
        raise unreadable(f"it has {len(text)} characters, at most {_LONGEST} are read")
    depth = 0

    def start(name: str, _: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise unreadable(f"elements are nested more than {_DEEPEST} deep at <{name}>")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise unreadable("it declares a document type, which SBML does not have")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except (expat.ExpatError, LookupError, ValueError) as problem:
        raise unreadable(f"it is not well-formed XML ({problem})") from None


def _refuse_errors(document: Any) -> None:
    for number in range(document.getNumErrors()):
        problem = document.getError(number)
        if problem.getSeverity() >= _SEVERE:
            message = " ".join(problem.getMessage().split())
            raise unreadable(f"line {problem.getLine()}: {message[:400]}")


def _refuse_packages(document: Any) -> None:
    for number in range(document.getNumPlugins()):
        name = document.getPlugin(number).getPackageName()
        if name != _READ_PACKAGE and document.getPackageRequired(name):
            raise unsupported(
                f'package "{name}"', "it is required to understand the model", "Only SBML core is read"
            )
    for number in range(document.getNumUnknownPackages()):
        prefix = document.getUnknownPackagePrefix(number)
        if document.getPackageRequired(prefix):
            raise unsupported(
                f'package "{prefix}"', "it is required to understand the model", "Only SBML core is read"
            )
