"""Read a model, or take it from the disk cache where it was read before from the same files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rekindle._disk_cache import DiskCache, digest_of, source_digest
from rekindle.modelling._kept import load_object, save_object
from rekindle.modelling._model import Model

#: Below this number of statements reading is quicker than looking.
_WORTH_KEEPING = 50


def read_model(
    text_or_path: str | os.PathLike[str],
    *,
    switches: Mapping[str, str] | None = None,
    parameters: Sequence[str | os.PathLike[str]] = (),
    folder: str | os.PathLike[str] | None = None,
) -> Model:
    """Read and check a model.

    Larger models are kept in the disk cache, and taken from there as long as no file has changed.

    Args:
        text_or_path: a path, or the text itself (with a line break, or beginning with ``model``).
        switches: chosen options of structural switches; the first option is the default.
        parameters: more data files (paths, or texts with line breaks) whose values replace earlier ones.
        folder: where included files and data files are found; by default the folder of the path.

    Raises:
        ModelError: a text that is not a model, with line and column.
        ParameterError: a data file that does not fit the model.

    >>> model = read_model('''
    ... model decay "First-order loss"
    ... time [h]
    ... parameter k [1/h] = 0.1
    ... state A [mg]
    ... d/dt(A) = -k*A
    ... output amount [ug] = A
    ... ''')
    >>> from rekindle.modelling import evaluate
    >>> float(evaluate(model.outputs["amount"].expression, {"A": 2.0}))
    2000.0
    """
    name = DiskCache.name(
        "model",
        source_digest("modelling", "units"),
        repr([_identity(part) for part in (text_or_path, *parameters)]),
        "" if folder is None else os.path.abspath(folder),
        repr(sorted((switches or {}).items())),
    )
    cache = DiskCache.of_user()
    found = load_object(cache, name)
    if isinstance(found, tuple) and all(_digest_of_file(path) == digest for path, digest in found[1].items()):
        model: Model = found[0]
        return model
    from rekindle.modelling._reader import parse_model

    model, texts, statements = parse_model(text_or_path, switches or {}, parameters, folder)
    if statements >= _WORTH_KEEPING:
        digests = {os.path.abspath(path): digest_of(text.encode()) for path, text in texts.items()}
        save_object(cache, name, (model, digests))
    return model


def _identity(text_or_path: str | os.PathLike[str]) -> str:
    given = os.fspath(text_or_path)
    return given if "\n" in given or given.startswith("model ") else os.path.abspath(given)


def _digest_of_file(path: str) -> str:
    try:
        return digest_of(Path(path).read_text(encoding="utf-8").encode())
    except (OSError, ValueError):
        return ""
