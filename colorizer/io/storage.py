"""Storage: the seam through which every reader and writer of pictures, journals and reports goes.

An address says where something lies. `LOCAL` is the storage of paths on this machine; `colorizer.io.anywhere` has the
one that also speaks to object stores and servers. So whoever reads or writes takes a storage as a parameter, and asks
no more of it than `Storage` promises: an object store can list, read and put whole objects, but it cannot rename, lock,
or write into the middle of one.
"""

from __future__ import annotations

import glob
import io
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

from colorizer.errors import InputError, Remedy, shown
from colorizer.io import atomic
from colorizer.io.address import Address

Where_co = TypeVar("Where_co", bound=Address, covariant=True)


class StorageError(OSError):
    """Something went wrong at a server; `strerror` has it in words.

    Attributes
    ----------
    remedy
        What to do next.
    """

    def __init__(self, number: int, reason: str, remedy: str) -> None:
        super().__init__(number, reason)
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[StorageError], tuple[object, ...]]:
        return StorageError, (self.errno, self.strerror, self.remedy)

    def about(self, address: Address) -> InputError:
        """What is said where somebody wanted to know what stands at an address."""
        return InputError(f"{shown(address)}: cannot be looked up ({self.strerror})", remedy=self.remedy)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file's size and time of change, and the tag that an object store gives to its content.

    Equal stamps, same content.
    """

    size: int
    modified_ns: int
    tag: str = ""


class Kind(Enum):
    """What stands in a folder."""

    FOLDER = "folder"
    FILE = "file"
    SPECIAL = "pipe, socket or device"


@dataclass(frozen=True)
class Entry(Generic[Where_co]):
    """Something that stands in a folder; links count as what they lead to."""

    address: Where_co
    name: str
    kind: Kind


class Storage(Protocol):
    """What readers and writers ask of the place where files lie.

    An implementation is picklable, since processes that work on a batch are handed the batch's own.
    """

    def open_read(self, address: Address, *, peek: bool = False) -> BinaryIO:
        """A file, open for reading from any place in it.

        Parameters
        ----------
        address
            Its name.
        peek
            Whether little of it will be read, such as what tells its kind or its size in pixels.

        Raises
        ------
        OSError
            It cannot be read: FileNotFoundError where there is none, IsADirectoryError for a folder, StorageError where
            a server has its reasons.
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
        """A file to add lines to, made where it does not exist. What was flushed is seen by others, at servers later.

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

    def lines(self, address: Address) -> Iterator[bytes]:
        """All lines that were ever added by `open_append`.

        Raises
        ------
        OSError
            It cannot be read.
        """

    def stamp(self, address: Address) -> Stamp | None:
        """What tells whether a file has changed, or None where there is no file, or none that can be seen.

        Raises
        ------
        StorageError
            A server does not answer.
        """

    def is_folder(self, address: Address) -> bool:
        """Whether it is a folder; of a place where folders are but parts of names, whether anything lies below it.

        Raises
        ------
        StorageError
            A server does not answer.
        """

    def make_folder(self, folder: Address) -> None:
        """Make a folder in one that exists, unless it is there; where folders are but parts of names, nothing.

        Raises
        ------
        OSError
            It cannot be made.
        """

    def identity(self, address: Address) -> Hashable | None:
        """What all names of one file or folder have in common, or None where there is nothing."""

    def matching(self, pattern: Address) -> list[Address]:
        """What a shell's pattern means, sorted; the pattern itself where it is none, or where a file has that name.

        Raises
        ------
        StorageError
            A server does not answer.
        """

    def walk(
        self, folder: Address, enters: Callable[[Entry[Address]], bool]
    ) -> Iterator[tuple[Address, Sequence[Entry[Address]]]]:
        """A folder and those below it, each with what stands in it, sorted by name; a folder comes before its own.

        Parameters
        ----------
        folder
            Where_co to begin.
        enters
            Asked about each folder below, in order, once its parent has been given. Links to folders may lead in
            circles: `identity` tells.

        Raises
        ------
        InputError
            A folder cannot be read.
        """

    def look_up(self, addresses: Iterable[Address]) -> None:
        """Learn the stamps of many files at a time, where asking for them one by one would take longer."""

    def survey(self, folder: Address) -> None:
        """Have a look at all that lies in a folder, where asking for each file would take longer.

        Raises
        ------
        OutputError
            The place that should hold it is not there, or cannot be read.
        """

    def note(self, address: Address, stamp: Stamp) -> None:
        """A worker has written this file: `stamp` answers with what it was then, if it remembers anything."""

    def forget(self, address: Address) -> None:
        """Nobody will read this file again: what was read ahead of it may go."""

    def close(self) -> None:
        """A job is over: what was held back is written, what was read ahead goes. It can be used again."""

    def for_workers(self) -> Storage:
        """The same, for processes that do the work: it remembers nothing of before."""

    def prefetch(self, address: Address) -> None:
        """Have the begin of a file read ahead, where that can be had; never waits, never fails."""


@dataclass(frozen=True)
class LocalStorage:
    """The file system of this machine; its methods do what those of `Storage` do, with paths."""

    def open_read(self, path: Path, *, peek: bool = False) -> BinaryIO:  # noqa: ARG002 - files are read by pieces
        """A file, open for reading; what a pipe holds is read into memory first."""
        file = path.open("rb")
        if not file.seekable():  # a named pipe
            with file:
                return io.BytesIO(file.read())
        return file

    def put_whole(self, path: Path, *, remedy: Remedy | str | None = None) -> AbstractContextManager[BinaryIO]:
        """A new file under a temporary name beside its place; see `atomic.writing`."""
        return atomic.writing(path, remedy=remedy)

    def open_append(self, path: Path, *, replace: bool = False) -> BinaryIO:
        """A file to add lines to."""
        return path.open("wb" if replace else "ab")

    def lines(self, path: Path) -> Iterator[bytes]:
        """The lines of a file."""
        with path.open("rb") as file:
            yield from file

    def stamp(self, path: Path) -> Stamp | None:
        """Size and time of change."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return Stamp(status.st_size, status.st_mtime_ns)

    def is_folder(self, path: Path) -> bool:
        """Whether it is a folder, or a link to one."""
        with suppress(OSError, ValueError):
            return path.is_dir()
        return False

    def make_folder(self, path: Path) -> None:
        """Make it, unless it is there."""
        path.mkdir(exist_ok=True)

    def identity(self, path: Path) -> Hashable | None:
        """Device and inode."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return status.st_dev, status.st_ino

    def matching(self, path: Path) -> list[Path]:
        """What a pattern means."""
        pattern = os.fspath(path)
        if not glob.has_magic(pattern) or os.path.lexists(path):
            return [path]
        return [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - absolute

    def walk(self, folder: Path, enters: Callable[[Entry[Path]], bool]) -> Iterator[tuple[Path, Sequence[Entry[Path]]]]:
        """A folder and those below it."""
        pending = [folder]
        while pending:
            current = pending.pop()
            entries = _entries(current)
            yield current, entries
            below = [entry.address for entry in entries if entry.kind is Kind.FOLDER and enters(entry)]
            pending += reversed(below)

    def prefetch(self, path: Path) -> None:
        """Tell the system; see `atomic.prefetch`."""
        atomic.prefetch(path)


LOCAL = LocalStorage()
"""The storage of paths on this machine; it has no state of its own."""


def stamp_if_any(storage: Storage, address: Address) -> Stamp | None:
    """A file's stamp; None where there is no file, or a server does not answer."""
    with suppress(StorageError):
        return storage.stamp(address)
    return None


def _entries(folder: Path) -> list[Entry[Path]]:
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
