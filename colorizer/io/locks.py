"""A lock between processes that dies with its process.

The operating system holds it on an open file (`flock`; on Windows `LockFile`), so a killed process leaves nothing
behind that a later one must judge. The file itself stays: deleting it would let two processes lock two files of one
name.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from colorizer.errors import OutputError, Remedy, shown

POLL_SECONDS = 0.2

_HELD_BY_ANOTHER = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def lock(
    path: Path, waiting: Callable[[], None], *, remedy: Remedy | str = "name a folder on a local disk"
) -> Iterator[None]:
    """Hold the lock on `path` for the time of a `with` block.

    Parameters
    ----------
    path
        The lock's file; made where it does not exist.
    waiting
        Called once if another process holds the lock.
    remedy
        What to do where the file system knows no locks, as network drives may not.

    Raises
    ------
    OutputError
        The file cannot be made, or the file system knows no locks.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise OutputError(f"{shown(path)}: cannot be written ({error.strerror}); name another folder") from error
    with file:
        told = False
        while not _try(file, path, remedy):
            if not told:
                waiting()
                told = True
            time.sleep(POLL_SECONDS)
        # closing the file lets go of the lock
        yield


def try_lock(path: Path) -> BinaryIO | None:
    """Hold the lock on `path` while the file that is returned is open; None if another process holds it.

    Where the file system knows no locks, as network drives may not, nobody is kept out.

    Raises
    ------
    OSError
        The file cannot be made.
    """
    file = path.open("ab")
    try:
        _lock(file)
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            file.close()
            return None
    return file


def _try(file: BinaryIO, path: Path, remedy: Remedy | str) -> bool:
    try:
        _lock(file)
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            return False
        reason = os.strerror(error.errno) if error.errno else error
        raise OutputError(f"{shown(path)}: cannot be locked ({reason})", remedy=remedy) from error
    return True


def lock_now(path: Path) -> BinaryIO | None:
    """Lock a file until it is closed, or this process ends; None where the file system knows no locks."""
    file = path.open("ab")
    try:
        _lock(file)
    except OSError:
        file.close()
        return None
    return file


def held(path: Path) -> bool:
    """Whether a process holds the lock on a file."""
    with path.open("ab") as file:
        try:
            _lock(file)
        except OSError:
            return True
    return False
