"""Storage: the seam through which every reader and writer of pictures, journals and reports goes.

An address says where something lies. Today that is a path on this machine, and `LOCAL` is the one storage there is; an
address could as well be a URL, and a storage one that speaks to an object store. So whoever reads or writes takes a
storage as a parameter, and asks no more of it than `Storage` promises: an object store can list, read and put whole
objects, but it cannot rename, lock, or write into the middle of one.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

from colorizer.errors import InputError, Remedy, shown
from colorizer.io import atomic

Address = Path
"""Where something lies: a path on this machine."""


@dataclass(frozen=True)
class Stamp:
    """A file's size and time of change: equal stamps, same content."""

    size: int
    modified_ns: int


class Kind(Enum):
    """What stands in a folder."""

    FOLDER = "folder"
    FILE = "file"
    SPECIAL = "pipe, socket or device"


@dataclass(frozen=True)
class Entry:
    """Something that stands in a folder; links count as what they lead to."""

    address: Address
    name: str
    kind: Kind


class Storage(Protocol):
    """What readers and writers ask of the place where files lie.

    An implementation is picklable, since processes that work on a batch are handed the batch's own.
    """

    def open_read(self, address: Address) -> BinaryIO:
        """A file, open for reading from any place in it.

        Raises
        ------
        OSError
            It cannot be read: FileNotFoundError where there is none, IsADirectoryError for a folder.
        ValueError
            No file can have this name.
        """

    def put_whole(self, address: Address, *, remedy: Remedy | str | None = None) -> AbstractContextManager[BinaryIO]:
        """A new file, open for reading and writing; it gets its name at the end of the `with` block.

        Until then, and after any exception, what had the name before is still there.

        Parameters
        ----------
        address
            The final name; its folder exists.
        remedy
            What to do if the file cannot be written, where that is not to choose another place for a result.

        Raises
        ------
        OutputError
            It cannot be written.
        """

    def open_append(self, address: Address, *, replace: bool = False) -> BinaryIO:
        """A file to add lines to, which others may read meanwhile; made where it does not exist.

        Parameters
        ----------
        address
            Its name; its folder exists.
        replace
            Whether to begin with an empty file.

        Raises
        ------
        OSError
            It cannot be written.
        """

    def stamp(self, address: Address) -> Stamp | None:
        """What tells whether a file has changed, or None where there is no file."""

    def identity(self, address: Address) -> Hashable | None:
        """What all names of one file or folder have in common, or None where there is nothing."""

    def walk(self, folder: Address, enters: Callable[[Entry], bool]) -> Iterator[tuple[Address, list[Entry]]]:
        """A folder and those below it, each with what stands in it, sorted by name; a folder comes before its own.

        Parameters
        ----------
        folder
            Where to begin.
        enters
            Asked about each folder below, in order, once its parent has been given. Links to folders may lead in
            circles: `identity` tells.

        Raises
        ------
        InputError
            A folder cannot be read.
        """

    def prefetch(self, address: Address) -> None:
        """Have the begin of a file read ahead, where that can be had; never waits, never fails."""


@dataclass(frozen=True)
class LocalStorage:
    """The file system of this machine."""

    def open_read(self, address: Address) -> BinaryIO:
        """A file, open for reading; what a pipe holds is read into memory first. See `Storage`."""
        file = address.open("rb")
        if not file.seekable():  # a named pipe
            with file:
                return io.BytesIO(file.read())
        return file

    def put_whole(self, address: Address, *, remedy: Remedy | str | None = None) -> AbstractContextManager[BinaryIO]:
        """A new file under a temporary name beside its place; see `Storage` and `atomic.writing`."""
        return atomic.writing(address, remedy=remedy)

    def open_append(self, address: Address, *, replace: bool = False) -> BinaryIO:
        """A file to add lines to; see `Storage`."""
        return address.open("wb" if replace else "ab")

    def stamp(self, address: Address) -> Stamp | None:
        """Size and time of change; see `Storage`."""
        try:
            status = address.stat()
        except (OSError, ValueError):
            return None
        return Stamp(status.st_size, status.st_mtime_ns)

    def identity(self, address: Address) -> Hashable | None:
        """Device and inode; see `Storage`."""
        try:
            status = address.stat()
        except (OSError, ValueError):
            return None
        return status.st_dev, status.st_ino

    def walk(self, folder: Address, enters: Callable[[Entry], bool]) -> Iterator[tuple[Address, list[Entry]]]:
        """A folder and those below it; see `Storage`."""
        pending = [folder]
        while pending:
            current = pending.pop()
            entries = _entries(current)
            yield current, entries
            below = [entry.address for entry in entries if entry.kind is Kind.FOLDER and enters(entry)]
            pending += reversed(below)

    def prefetch(self, address: Address) -> None:
        """Tell the system; see `Storage` and `atomic.prefetch`."""
        atomic.prefetch(address)


LOCAL = LocalStorage()
"""The storage of paths on this machine; it has no state of its own."""


def _entries(folder: Path) -> list[Entry]:
    try:
        with os.scandir(folder) as found:
            return [Entry(Path(each.path), each.name, _kind(each)) for each in sorted(found, key=lambda it: it.name)]
    except OSError as error:
        raise InputError(
            f"{shown(folder)}: the folder cannot be read ({error.strerror}); check its permissions"
        ) from error


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir():
            return Kind.FOLDER
        special = not entry.is_file() and atomic.is_special(Path(entry.path))
    except OSError:  # a link to itself; as a file, its turn comes to say so
        return Kind.FILE
    return Kind.SPECIAL if special else Kind.FILE
