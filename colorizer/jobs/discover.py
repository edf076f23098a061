"""From what a user names to the pictures meant: files, folders, patterns, lists.

A folder is walked in sorted order. Hidden files and what systems leave behind are passed over silently, films are named
and other files that are no pictures are counted. Each real folder is visited once, so links that lead in circles end;
the output folder is never taken for input, nor is a result beside its original.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from colorizer.errors import Message, Remedy, UsageError, shown
from colorizer.film import FILM_SUFFIXES, has_video_name
from colorizer.guidance.files import SUFFIX as HINTS_SUFFIX
from colorizer.io.address import Address, Remote, address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Entry, Kind, Storage, StorageError
from colorizer.jobs.plan import COLORED_INFIX, COMPARE_INFIX, Found

JUNK = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "__macosx", "@eadir", "$recycle.bin"})
"""What file managers and network drives leave in folders of pictures, in lower case. Dot files are hidden anyway."""

_MOST_NAMED = 3
"""Films that are named in a message."""


@dataclass(frozen=True)
class Filter:
    """Which files of a folder are meant: shell patterns of names, or of relative paths with `/`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, relative: PurePath) -> bool:
        """Whether a file is meant."""
        return not self.refuses(relative) and (not self.include or _matches(relative, self.include))

    def refuses(self, relative: PurePath) -> bool:
        """Whether a file or folder is excluded."""
        return _matches(relative, self.exclude)


@dataclass(frozen=True)
class Selection:
    """What was found.

    Attributes
    ----------
    pictures
        In the order in which they are to be done.
    others
        How many files of the folders are neither pictures nor films.
    films
        Films in the folders: each takes hours where a picture takes a moment, so it is coloured when it is named.
    folder
        Whether a folder was among what was named.
    unreadable
        Folders that may not be read, where those are passed over.
    """

    pictures: tuple[Found, ...]
    others: int
    films: tuple[Address, ...]
    folder: bool
    unreadable: tuple[Address, ...] = ()


def discover(
    inputs: Iterable[Address],
    suffixes: Sequence[str],
    *,
    name_filter: Filter | None = None,
    output: Address | None = None,
    storage: Storage = ANYWHERE,
    lenient: bool = False,
) -> Selection:
    """Find the pictures.

    Parameters
    ----------
    inputs
        Files, folders, and patterns that the shell left alone. A file that is named is taken whatever its name.
    suffixes
        What pictures in folders end with.
    name_filter
        Restricts what is taken from folders.
    output
        Where results go; not walked into.
    storage
        Where folders lie.
    lenient
        Whether folders below those that are named are passed over where they may not be read.

    Raises
    ------
    UsageError
        A pattern matches nothing.
    InputError
        A folder cannot be read.
    """
    search = _Search(storage, frozenset(suffixes), name_filter or Filter(), output, lenient=lenient)
    pictures: list[Found] = []
    folder = False
    for path in inputs:
        for named in expanded(path, storage):
            is_folder = _is_folder(named, search.suffixes, storage)
            folder = folder or is_folder
            pictures += search.pictures_in(named) if is_folder else [Found(named, PurePath(named.name))]
    return Selection(tuple(pictures), search.others, tuple(search.films), folder, tuple(search.unreadable))


def about_films(films: Sequence[Address]) -> Message:
    """What is said of films that a job of pictures leaves alone, and what to do with them."""
    first = " ".join(map(shown, films[:_MOST_NAMED])) + (" ..." if len(films) > _MOST_NAMED else "")
    count = f"{len(films)} films are" if len(films) > 1 else "a film is"
    return Message(f"{count} passed over", remedy=Remedy.COLOR_FILMS, values={"films": first})


def read_list(data: bytes) -> list[Address]:
    """Paths and addresses of a list, separated by NUL if there is one in it (as `find -print0` writes), else by lines.

    Byte-order marks tell UTF-16, which PowerShell writes, and are passed over before UTF-8; without one, the bytes of
    names are taken as they are.

    Raises
    ------
    UsageError
        It is UTF-16 and damaged.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise UsageError("the list of pictures is damaged UTF-16; write it again, as UTF-8") from error
        return [address(line) for line in re.split("\0|\r?\n", text) if line]
    separator = b"\0" if b"\0" in data else b"\n"
    if separator == b"\n":
        data = data.removeprefix(codecs.BOM_UTF8)
    lines = (line if separator == b"\0" else line.rstrip(b"\r") for line in data.split(separator))
    return [address(os.fsdecode(line)) for line in lines if line]


def expanded(path: Address, storage: Storage = ANYWHERE) -> list[Address]:
    """The files that a pattern means, where the shell left it alone; else the path itself.

    Raises
    ------
    UsageError
        The pattern matches nothing.
    InputError
        A server does not answer.
    """
    try:
        found = storage.matching(path)
    except StorageError as error:
        raise error.about(path) from error
    if not found:
        raise UsageError(f"{shown(path)}: no file matches this pattern")
    return found


def _is_folder(named: Address, suffixes: Iterable[str], storage: Storage) -> bool:
    if isinstance(named, Remote) and named.suffix.lower() in suffixes:
        return False  # a server is not asked about each name of a long list; if it is none, its turn comes to say so
    try:
        return storage.is_folder(named)
    except StorageError as error:
        raise error.about(named) from error


def _matches(relative: PurePath, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(relative.name, pattern) or fnmatchcase(relative.as_posix(), pattern) for pattern in patterns)


class _Search:
    """One search through all the folders named; remembers where it has been."""

    def __init__(
        self,
        storage: Storage,
        suffixes: frozenset[str],
        name_filter: Filter,
        output: Address | None,
        *,
        lenient: bool = False,
    ) -> None:
        self.others = 0
        self.films: list[Address] = []
        self.unreadable: list[Address] = []
        self._lenient = lenient
        self._storage = storage
        self.suffixes = suffixes
        self._filter = name_filter
        # also of folders that vanish meanwhile, which have no identity
        self._never_entered: set[Hashable | None] = {None, storage.identity(output) if output else None}

    def pictures_in(self, root: Address) -> Iterator[Found]:
        """The pictures under a folder, folder by folder, each in sorted order."""
        self._never_entered.add(self._storage.identity(root))

        def enters(folder: Entry[Address]) -> bool:
            if self._is_passed_over(folder, root) or not self._is_new(folder):
                return False
            place = folder.address
            if self._lenient and isinstance(place, Path) and not os.access(place, os.R_OK | os.X_OK):
                self.unreadable.append(place)
                return False
            return True

        for _, entries in self._storage.walk(root, enters):
            names = {entry.name.lower() for entry in entries}
            for entry in entries:
                if entry.kind is Kind.FOLDER or self._is_passed_over(entry, root):
                    continue
                relative = _relative(entry.address, root)
                if entry.kind is Kind.SPECIAL:
                    self.others += 1
                elif self._is_picture(entry.address):
                    if self._filter.takes(relative) and not _is_result(entry.address, names, self.suffixes):
                        yield Found(entry.address, relative)
                elif has_video_name(entry.address):
                    if self._filter.takes(relative) and not _is_result(entry.address, names, FILM_SUFFIXES):
                        self.films.append(entry.address)
                elif not entry.name.lower().endswith(HINTS_SUFFIX):
                    self.others += 1

    def _is_passed_over(self, entry: Entry[Address], root: Address) -> bool:
        return _is_junk(entry.name) or self._filter.refuses(_relative(entry.address, root))

    def _is_new(self, folder: Entry[Address]) -> bool:
        """Whether a folder has not been entered, under whatever name; then it counts as entered."""
        identity = self._storage.identity(folder.address)
        if identity in self._never_entered:
            return False
        self._never_entered.add(identity)
        return True

    def _is_picture(self, path: Address) -> bool:
        return path.suffix.lower() in self.suffixes


def _is_result(path: Address, names: set[str], suffixes: Iterable[str]) -> bool:
    """Whether a file is what an earlier run wrote beside its original, one of `names` (in lower case)."""
    stem = path.stem.lower().removesuffix(COMPARE_INFIX)
    original = stem.removesuffix(COLORED_INFIX)
    return original != stem and any(original + suffix in names for suffix in suffixes)


def _relative(below: Address, root: Address) -> PurePath:
    if isinstance(below, Remote) and isinstance(root, Remote):
        return below.relative_to(root)
    return Path(str(below)).relative_to(str(root))


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK
