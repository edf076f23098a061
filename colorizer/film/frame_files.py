"""The numbered pictures of a folder that is a film: which they are, in which order, and reading them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from colorizer.color.pixels import check_pixels
from colorizer.errors import ColorizerError, InputError, OutputError, Remedy, UsageError, shown
from colorizer.io.storage import LOCAL, Kind
from colorizer.media import READABLE_SUFFIXES, Picture, open_document

NUMBER = re.compile(r"(\d+)(?=\D*$)")
"""The last number in a name, which is a frame's."""

_SCANS = (".dpx", ".exr", ".cin")
"""Formats of film scanners and of compositing, which no library reads and writes whole that is kept well: what their
numbers mean, logarithms of density or linear light, stands in no header that can be relied on."""

_FEWEST = 2
"""Frames that make a folder a film."""


@dataclass(frozen=True)
class FrameFile:
    """A frame's file, its place among those of the folder, and the number in its name."""

    path: Path
    place: int
    number: int


@dataclass(frozen=True)
class ReadFrame:
    """A frame's picture, and the SHA-256 of its file."""

    file: FrameFile
    picture: Picture
    sha256: str


def numbered_frames(folder: Path) -> list[FrameFile]:
    """The frames of a folder in the order of the last number in their names.

    Raises
    ------
    InputError
        The folder cannot be read, or there are not two pictures with a number.
    """
    found = []
    _, entries = next(LOCAL.walk(folder, lambda _: False))
    for entry in entries:
        path = entry.address
        if path.name.startswith(".") or path.suffix.lower() not in READABLE_SUFFIXES or entry.kind is Kind.SPECIAL:
            continue
        number = NUMBER.search(path.stem)
        if number:
            found.append((path.stem[: number.start()], int(number[1]), path.name, path))
    if len(found) < _FEWEST and (scan := _scan_of(folder)) is not None:
        raise InputError(
            f"{shown(folder)}: holds {scan.suffix[1:].upper()} frames, which are not read here",
            remedy=Remedy.WRITE_PNG,
            names=shown(folder / NUMBER.sub(lambda number: f"%0{len(number[1])}d", scan.stem)) + scan.suffix,
        )
    if len(found) < _FEWEST:
        raise InputError(f"{shown(folder)}: holds no numbered frames; names such as frame0001.png are expected")
    return [FrameFile(path, place, number) for place, (_, number, _, path) in enumerate(sorted(found))]


def check_target(target: Path, folder: Path) -> None:
    """See that frames made of those in a folder can go to another.

    Raises
    ------
    UsageError
        Both are one folder.
    OutputError
        The target is no folder.
    """
    if not target.exists():
        return
    if target.samefile(folder):
        raise UsageError(
            f"{shown(target)}: holds the frames themselves", remedy=Remedy.CHOOSE_OUTPUT, what="another folder"
        )
    if not target.is_dir():
        raise OutputError(f"{shown(target)}: is no folder", remedy=Remedy.ANOTHER_OUTPUT)


def _scan_of(folder: Path) -> Path | None:
    """The first numbered frame in a format of film scanners, if there is one."""
    scans = (path for path in folder.iterdir() if path.suffix.lower() in _SCANS and NUMBER.search(path.stem))
    return min(scans, default=None)


def read_frame_files(files: list[FrameFile]) -> Iterator[ReadFrame | ColorizerError]:
    """Frames as they are read; in place of one that cannot be, why."""
    for file in files:
        try:
            with open_document(file.path, hashed=True) as document:
                picture = next(iter(document))
            check_pixels(picture.pixels)  # here, where an error still belongs to one frame
        except ColorizerError as error:
            yield error
        else:
            yield ReadFrame(file, picture, document.sha256)
