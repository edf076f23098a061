"""The server's private folder of temporary files: deleted when it ends, or by the next server after a crash.

A lock tells a running server's folder from one that a killed server left behind: the operating system releases it
whatever ends the process.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from colorizer.errors import OutputError, shown
from colorizer.io.locks import lock

PREFIX = "colorize-serve-"
_LOCK = "lock"

_YOUNG_SECONDS = 600
"""A folder without a lock that is younger may belong to a server that is just starting."""


class PrivateFolder:
    """Temporary files under random names, in a folder that only this user can enter."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stuck: set[Path] = set()

    def new(self, suffix: str = "") -> Path:
        """A name for a new file, which nobody can guess."""
        return self.path / (secrets.token_hex(16) + suffix)

    def discard(self, *paths: Path) -> None:
        """Delete files, now or, where they are still open (on Windows), later."""
        for path in {*paths, *self._stuck}:
            try:
                path.unlink(missing_ok=True)
                self._stuck.discard(path)
            except OSError:
                self._stuck.add(path)


@contextlib.contextmanager
def private_folder(place: Path | None = None) -> Iterator[PrivateFolder]:
    """A folder for the time of a `with` block; those that killed servers left are removed first.

    Parameters
    ----------
    place
        The folder that it is made in; the system's for temporary files by default.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    place = Path(tempfile.gettempdir()) if place is None else place
    remove_orphans(place)
    try:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))  # mode 700
    except OSError as error:
        raise OutputError(
            f"{shown(place)}: no folder for temporary files can be made there ({error.strerror}); "
            "name another place with the variable TMPDIR"
        ) from error
    try:
        with lock(path / _LOCK, _held):
            yield PrivateFolder(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_orphans(place: Path) -> None:
    """Remove the folders of this user's servers that are no more."""
    with contextlib.suppress(OSError):
        for path in place.glob(f"{PREFIX}*"):
            if _is_own_folder(path):
                _remove_orphan(path)


def _remove_orphan(path: Path) -> None:
    lock_file = path / _LOCK
    if not lock_file.is_file():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _YOUNG_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(_HeldError, OutputError, OSError):
        with lock(lock_file, _held):
            for entry in path.iterdir():
                if entry != lock_file:
                    entry.unlink()
        shutil.rmtree(path, ignore_errors=True)


def _is_own_folder(path: Path) -> bool:
    """Whether it is a real folder, not a link, and this user's: others may write beside it."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())


class _HeldError(Exception):
    pass


def _held() -> None:
    raise _HeldError
