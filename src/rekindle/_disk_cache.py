"""What takes long to work out, kept on disk: machine code, and what was read or derived from models.

Files are named by a digest of everything that determines what they hold, begin with a checksum, and appear
complete or not at all, so that processes may share the folder. The folder holds code that this package runs;
it is made for its owner alone. REKINDLE_CACHE_DIR moves it; empty turns it off.
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

#: Bytes kept; beyond it the files that were not used for longest are deleted.
LARGEST = 256 * 1024 * 1024
_SUFFIX = ".rkcode"
_DIGEST = 32
_PACKAGE = Path(__file__).parent


class DiskCache:
    """A folder of results.

    Args:
        folder: where; None keeps nothing.
        largest: bytes kept.
    """

    def __init__(self, folder: Path | None, largest: int = LARGEST) -> None:
        self.folder, self.largest = folder, largest

    @classmethod
    def of_user(cls) -> DiskCache:
        """The cache of this user."""
        return cls(cache_folder())

    @staticmethod
    def name(*parts: str) -> str:
        """File name for what these texts determine."""
        return digest_of(*(part.encode() for part in parts)) + _SUFFIX

    def load(self, name: str) -> bytes | None:
        """Kept bytes, or None; a damaged file is reported and deleted."""
        if self.folder is None:
            return None
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError:
            return None
        kept = content[_DIGEST:]
        if not kept or hashlib.sha256(kept).digest() != content[:_DIGEST]:
            warnings.warn(
                f"what was kept in {path} is damaged; it is made again", RuntimeWarning, stacklevel=2
            )
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return kept

    def save(self, name: str, content: bytes) -> None:
        """Keep bytes; a folder that cannot be written is no error, because nothing but time depends on it."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(content).digest() + content)
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


def digest_of(*parts: bytes) -> str:
    """Digest of some bytes, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


@cache
def source_digest(*packages: str) -> str:
    """Digest of the source of some packages and of Python's version; with either, what they make may change.

    >>> len(source_digest("units"))
    64
    """
    return digest_of(sys.version.encode(), *(_sources(str(_PACKAGE / package)) for package in packages))


def _sources(folder: str) -> bytes:
    """Digest of the Python files in a folder and below, each with its name."""
    digest = hashlib.sha256()
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.endswith(".py"):
            with open(entry.path, "rb", buffering=0) as file:
                content = file.read()
        elif entry.is_dir() and not entry.name.startswith("__"):
            content = _sources(entry.path)
        else:
            continue
        digest.update(f"{entry.name} {len(content)} ".encode() + content)
    return digest.digest()


def cache_folder() -> Path | None:
    """Folder for what is kept: REKINDLE_CACHE_DIR, else the usual place of the platform.

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
