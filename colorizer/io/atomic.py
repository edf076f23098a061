"""Writing files so that a half-written one never has the final name, whatever kills the process."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from colorizer.errors import DiskFullError, OutputError, Remedy, shown
from colorizer.io.address import Address

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What systems say of a full disk, or of a full share of it."""

READ_AHEAD = 32 << 20
"""Bytes of a file that are read before it is its turn; all of a large one might be forgotten again until then."""


def write_atomically(path: Path, data: bytes | memoryview, *, remedy: Remedy | str | None = None) -> None:
    """Write a file whose whole content is at hand; see `writing`.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    with writing(path, remedy=remedy) as file:
        file.write(data)


@contextlib.contextmanager
def writing(path: Path, *, remedy: Remedy | str | None = None) -> Iterator[BinaryIO]:
    """Write a file under a temporary name beside its place; at the end force it to the disk, and rename it.

    Parameters
    ----------
    path
        The final name; its folder exists.
    remedy
        What to do if the file cannot be written, where that is not to choose another place for a result.

    Yields
    ------
    file
        Open for reading and writing.

    Raises
    ------
    OutputError
        The folder is missing or not writable, the disk is full, the name is not possible. Nothing is left behind, and
        what had the name before is still there; so too after any other exception.
    """
    if "\0" in os.fspath(path):
        raise OutputError(f"{shown(path)}: cannot be written, since no file can have this name; choose another")
    temporary: Path | None = None
    try:
        file, temporary = _open_temporary(path)
        with file:
            with contextlib.suppress(OSError):  # some network drives know no locks; leftovers then stay
                _claim(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BrokenPipeError:
        raise  # not of a file: of a stream that the block has written to meanwhile
    except OSError as error:
        kind = DiskFullError if error.errno in NO_ROOM else OutputError
        reason = f"{shown(path)}: cannot be written ({error.strerror})"
        raise kind(reason, remedy=remedy or _remedy(path, error)) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A new, empty file beside a path, for what opens files by their name; `writing` is for all else.

    Whoever fills it forces it to the disk and renames it to `path`. While the context lasts, `remove_leftovers` leaves
    it alone; if this process is killed, it removes it.

    Parameters
    ----------
    path
        The final name; its folder exists.

    Yields
    ------
    Path
        The temporary file; removed at the end if it still has that name.

    Raises
    ------
    OSError
        The file cannot be made; whoever knows what it is for says so.
    """
    claimed, temporary = _open_temporary(path)
    try:
        if sys.platform == "win32":
            # an open file could not be renamed there; nor could it be removed, which is what the lock is for elsewhere
            claimed.close()
        else:
            with contextlib.suppress(OSError):  # some network drives know no locks; leftovers then stay
                _claim(claimed)
        yield temporary
    finally:
        claimed.close()
        with contextlib.suppress(OSError):
            temporary.unlink()


def _open_temporary(path: Path) -> tuple[BinaryIO, Path]:
    """A new file beside a path: of fixed length, since the final name may be as long as the file system allows.

    Where that is too long for the whole path, of the length of the final name; what a killed process has left under
    such a name is not removed later.
    """
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise  # now, and not when all the work is done
    temporary = path.with_name(f".colorize-{secrets.token_hex(8)}.part")
    try:
        return temporary.open("x+b"), temporary
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG or len(path.name) >= len(temporary.name):
            raise
    temporary = path.with_name(f".{secrets.token_hex(8)}"[: max(2, len(path.name))])
    return temporary.open("x+b"), temporary


def prefetch(path: Path) -> None:
    """Have the system read a file's begin, where it can be told to: a slow disk then works while processors do."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer would keep us waiting
            try:
                os.posix_fadvise(descriptor, 0, READ_AHEAD, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(descriptor)


def already_there(path: Address) -> OutputError:
    """What is said of a result that exists, and is not to be replaced."""
    return OutputError(f"{shown(path)}: exists, kept", remedy=Remedy.OVERWRITE)


def is_special(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device, whatever its name: reading one of a folder may never end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _remedy(path: Path, error: OSError) -> Remedy | str:
    if error.errno in NO_ROOM:
        return Remedy.MORE_ROOM
    if error.errno == errno.ENAMETOOLONG:
        return Remedy.SHORTER_NAME
    if not path.parent.is_dir():
        return f"create the folder {shown(path.parent)} first"
    return Remedy.ANOTHER_OUTPUT if os.access(path.parent, os.W_OK) else Remedy.ANOTHER_FOLDER


def remove_leftovers(folder: Path, *, below: bool = True) -> None:
    """Remove, in a folder and unless told otherwise in all below it, temporary files of processes that are no more."""
    for place, folders, names in os.walk(folder):
        if not below:
            folders.clear()
        for name in names:
            if _TEMPORARY.fullmatch(name):
                # Windows removes no file in use; elsewhere the lock tells, which ends with its process
                with contextlib.suppress(OSError), Path(place, name).open("rb") as file:
                    _claim(file)
                    Path(file.name).unlink()


_TEMPORARY = re.compile(r"\.colorize-[0-9a-f]{16}\.part")


def _claim(file: BinaryIO) -> None:
    """Lock a file for this process; BlockingIOError, if another one has."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
