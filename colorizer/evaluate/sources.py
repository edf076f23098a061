"""The pictures of a set, one after the other: from folders, tar files, lists of names, and single files.

Data sets come as tar files, so these are read as they are. A set is walked twice (for the best tint, and for
measuring), in the same order both times, and is never held: one picture's bytes at a time.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from colorizer.errors import InputError, MissingExtraError, UsageError, shown
from colorizer.io.atomic import is_special
from colorizer.jobs.discover import JUNK, read_list
from colorizer.jobs.plan import COLORED_INFIX, COMPARE_INFIX
from colorizer.media import DEFAULT_MAX_PIXELS, READABLE_SUFFIXES, Picture, decode_picture, read_picture


@dataclass(frozen=True)
class Entry:
    """A picture that may be one.

    Attributes
    ----------
    name
        Printable, as messages and tables call it.
    content
        Its file, or its bytes.
    """

    name: str
    content: Path | bytes

    def read(self, max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:
        """Decode it.

        Raises
        ------
        InputError
            It is missing, damaged, no picture, too large, or of a format whose package is not installed.
        """
        try:
            if isinstance(self.content, bytes):
                return decode_picture(self.content, self.name, max_pixels=max_pixels)
            return read_picture(self.content, max_pixels=max_pixels)
        except MissingExtraError as error:
            raise InputError(error.message) from error
        except MemoryError as error:
            raise InputError(f"{self.name}: not enough memory for this picture; close other programs") from error


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures that can be walked again and again.

    Attributes
    ----------
    inputs
        Folders, tar files, lists (text, one path a line, relative to the current folder), pictures.
    limit
        The first so many alone.
    """

    inputs: tuple[Path, ...]
    limit: int | None = None

    def __iter__(self) -> Iterator[Entry]:
        return islice(self._all(), self.limit)

    def _all(self) -> Iterator[Entry]:
        for path in self.inputs:
            if path.is_dir():
                yield from _in_folder(path)
            elif not path.exists():
                raise InputError(f"{shown(path)}: no such file or folder; check the name")
            elif path.suffix.lower() in READABLE_SUFFIXES:
                yield _file(path)
            elif is_tar(path):
                yield from _in_tar(path)
            else:
                yield from _in_list(path)


def _file(path: Path) -> Entry:
    return Entry(shown(path), path)


def _in_folder(root: Path) -> Iterator[Entry]:
    """Pictures of a folder and those beneath it, the names of one folder in memory at a time."""
    visited = set()  # links may lead in circles
    for folder, subfolders, names in os.walk(root, onerror=_refuse_folder, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in visited:
            subfolders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not _is_junk(name))
        for name in sorted(names):
            if is_picture(name) and not is_special(Path(folder, name)):
                yield _file(Path(folder, name))


def _refuse_folder(error: OSError) -> None:
    raise InputError(
        f"{shown(error.filename)}: the folder cannot be read ({error.strerror}); check its permissions"
    ) from error


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive, compressed or not.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return tarfile.is_tarfile(path)
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror}); check the file's permissions") from error


def _in_tar(path: Path) -> Iterator[Entry]:
    try:
        with tarfile.open(path) as archive:
            while (member := archive.next()) is not None:
                # the archive would remember every member it has seen
                archive.members.clear()  # type: ignore[attr-defined,unused-ignore]
                if not member.isfile() or not is_picture(member.name):
                    continue
                file = archive.extractfile(member)
                if file is not None:
                    yield Entry(f"{shown(path)}:{shown(member.name)}", file.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{shown(path)}: damaged or incomplete archive; copy it again from its source") from error


def is_picture(name: str) -> bool:
    """Whether a file counts, by its name: results of this program do not."""
    path = PurePosixPath(name)
    passed_over = any(map(_is_junk, path.parts)) or path.stem.endswith((COLORED_INFIX, COMPARE_INFIX))
    return not passed_over and path.suffix.lower() in READABLE_SUFFIXES


def _is_junk(name: str) -> bool:
    return (name.startswith(".") and name != ".") or name.lower() in JUNK


def _in_list(path: Path) -> Iterator[Entry]:
    try:
        listed = read_list(path.read_bytes())
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror}); check the file's permissions") from error
    names = [name for name in listed if isinstance(name, Path)]
    if len(names) < len(listed):
        raise UsageError(f"{shown(path)}: names pictures that are not on this machine; copy them here first")
    if not names or not _exists(names[0]):
        raise UsageError(
            f"{shown(path)}: neither a folder, a picture, a tar file of pictures, nor a list of existing files, "
            "one a line"
        )
    for name in names:
        yield _file(name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
