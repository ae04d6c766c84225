"""Machine code on disk, so that a model is compiled once per user and machine.

Files are named by a digest of everything that determines the code, begin with a checksum, and appear
complete or not at all, so that processes may share the folder. REKINDLE_CACHE_DIR moves it; empty turns it
off.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

from rekindle.modelling import Expression, topological

#: Bytes kept; beyond it the files that were not used for longest are deleted.
LARGEST = 256 * 1024 * 1024
_SUFFIX = ".rkcode"
_DIGEST = 32


class CodeCache:
    """A folder of machine code.

    Args:
        folder: where; None keeps nothing.
        largest: bytes kept.
    """

    def __init__(self, folder: Path | None, largest: int = LARGEST) -> None:
        self.folder, self.largest = folder, largest

    @classmethod
    def of_user(cls) -> CodeCache:
        """The cache of this user."""
        return cls(cache_folder())

    @staticmethod
    def name(*parts: str) -> str:
        """File name for code that these texts determine."""
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part.encode())
        return digest.hexdigest() + _SUFFIX

    def load(self, name: str) -> bytes | None:
        """Kept code, or None; a damaged file is reported and deleted."""
        if self.folder is None:
            return None
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError:
            return None
        code = content[_DIGEST:]
        if not code or hashlib.sha256(code).digest() != content[:_DIGEST]:
            warnings.warn(
                f"the compiled code in {path} is damaged; it is compiled again", RuntimeWarning, stacklevel=2
            )
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return code

    def save(self, name: str, code: bytes) -> None:
        """Keep code; a folder that cannot be written is no error, because nothing but time depends on it."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(code).digest() + code)
                os.replace(part, self.folder / name)
            except OSError:
                os.unlink(part)
                raise
            self._shrink()

    def _shrink(self) -> None:
        """Delete the files unused for longest until the rest fits."""
        assert self.folder is not None
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(OSError):  # another process may have deleted it
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.largest:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


@cache
def source_digest() -> str:
    """Digest of the source that generates code, so that another version of it compiles anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def expression_digest(*roots: Expression) -> str:
    """Digest of expressions, the same in every process."""
    nodes = topological(roots)
    position = {id(node): place for place, node in enumerate(nodes)}
    rows = [(n.operation, [position[id(a)] for a in n.arguments], n.name, n.value) for n in nodes]
    ends = [position[id(root)] for root in roots]
    return hashlib.sha256(repr((rows, ends)).encode()).hexdigest()


def cache_folder() -> Path | None:
    """Folder for compiled code: REKINDLE_CACHE_DIR, else the usual place of the platform.

    >>> cache_folder() is None or cache_folder().is_absolute()
    True
    """
    given = os.environ.get("REKINDLE_CACHE_DIR")
    if given is not None:
        return Path(given).expanduser().resolve() if given else None
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home folder
        return None
    return base.absolute() / "rekindle"
