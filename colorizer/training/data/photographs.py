"""Photographs to learn from: whole tars and folders, read when asked for, shrunk, and remembered while memory lasts.

Every format that `colorize` reads is taken; pixels are upright and sRGB. Which photographs are for validation depends
on their file names alone, so it is the same in every run, on every machine, and when photographs are added.
"""

from __future__ import annotations

import hashlib
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane
from colorizer.errors import InputError, Remedy, TrainingError, shown
from colorizer.evaluate.measure import GREY_CHROMA
from colorizer.evaluate.sources import Entry, PictureSet, is_picture, is_tar
from colorizer.io.machine import usable_cores, usable_memory
from colorizer.metrics import mean_chroma

Pixels = npt.NDArray[np.uint8]

MEMORY_SHARE = 0.3
"""Of the memory that is to be had, for photographs that were read."""

_MOST_THREADS = 4


@dataclass(frozen=True)
class Source:
    """Where a photograph lies.

    Attributes
    ----------
    name
        As messages call it.
    path
        Of its file, or of the tar that holds it.
    offset, size
        Where it lies in a tar, in bytes; of a file of its own, 0.
    content
        Its bytes, where it lies in a compressed tar, which cannot be read from the middle.
    """

    name: str
    path: Path
    offset: int = 0
    size: int = 0
    content: bytes = b""

    def read(self) -> Pixels:
        """Its pixels, (H, W) or (H, W, 3), upright.

        Raises
        ------
        InputError
            It is missing, damaged, or no picture.
        """
        held: Path | bytes = self.content or self.path
        if self.size:
            try:
                with self.path.open("rb") as file:
                    file.seek(self.offset)
                    held = file.read(self.size)
            except OSError as error:
                raise InputError(f"{self.name}: cannot be read ({error.strerror})") from error
        pixels = Entry(self.name, held).read().pixels
        if pixels.dtype == np.uint8:
            return pixels
        full = np.iinfo(pixels.dtype).max if np.issubdtype(pixels.dtype, np.integer) else 1
        return np.asarray(np.rint(np.clip(pixels / full, 0, 1) * 255), np.uint8)


def sources(inputs: Sequence[Path]) -> list[Source]:
    """All photographs in tars, folders, lists of names, and files; in their order.

    Raises
    ------
    InputError
        One cannot be read.
    UsageError
        One is nothing of these.
    """
    return [source for path in inputs for source in _in(path)]


def _in(path: Path) -> Iterator[Source]:
    if not path.is_dir() and path.exists() and not is_picture(path.name) and is_tar(path):
        yield from _in_tar(path)
        return
    for entry in PictureSet((path,)):
        if isinstance(entry.content, Path):
            yield Source(entry.name, entry.content)


def _in_tar(path: Path) -> Iterator[Source]:
    try:
        with path.open("rb") as file:
            plain = file.read(262)[257:] == b"ustar"
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile() or not is_picture(member.name):
                    continue
                name = f"{shown(path)}:{shown(member.name)}"
                if plain and not member.issparse():
                    yield Source(name, path, member.offset_data, member.size)
                elif (held := archive.extractfile(member)) is not None:
                    yield Source(name, path, content=held.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{shown(path)}: damaged or incomplete archive; copy it again from its source") from error


def is_for_validation(name: str, share: float) -> bool:
    """Whether a photograph is among the share of all that is kept apart; by its file's name, without folders."""
    number = int.from_bytes(hashlib.sha256(base_name(name).encode("utf-8", "surrogateescape")).digest()[:8], "big")
    return number / 2**64 < share


def base_name(name: str) -> str:
    """What a photograph is called without the folder or tar that it lies in."""
    return PurePosixPath(name.rsplit(":", 1)[-1].replace("\\", "/")).name


class Photographs:
    """Colour photographs by number, each with a short side of `side` pixels, or less where it has no more.

    Parameters
    ----------
    found
        Where they lie.
    side
        In pixels.
    memory
        Bytes that may be spent on remembering them; a share of what there is, by default.
    """

    def __init__(self, found: Sequence[Source], side: int, memory: int | None = None) -> None:
        self.sources = list(found)
        self.side = side
        self._room = int(usable_memory() * MEMORY_SHARE) if memory is None else memory
        self._held: dict[int, Pixels] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many there are."""
        return len(self.sources)

    def __getitem__(self, index: int) -> Pixels:
        """One of them, (h, w, 3) uint8 RGB.

        Raises
        ------
        InputError
            It is damaged, or no picture in colour.
        """
        pixels = self._pixels(index)
        if pixels is None:
            raise InputError(f"{self.sources[index].name}: has no colours to learn")
        return pixels

    def is_colored(self, index: int) -> bool | InputError:
        """Whether it has colours, as `evaluate` reckons; or what is wrong with it."""
        try:
            pixels = self._pixels(index)
        except InputError as error:
            return error
        return pixels is not None and mean_chroma(chroma_plane(pixels)) >= GREY_CHROMA

    def chosen(self, indices: Sequence[int]) -> Photographs:
        """Some of them, with what is remembered of these."""
        part = Photographs([self.sources[index] for index in indices], self.side, 0)
        part._held = {place: self._held[index] for place, index in enumerate(indices) if index in self._held}
        part._room = self._room
        return part

    def _pixels(self, index: int) -> Pixels | None:
        held = self._held.get(index)
        if held is not None:
            return held
        pixels = self.sources[index].read()
        if pixels.ndim != 3 or pixels.shape[2] < 3:
            return None
        small = shrunk(np.ascontiguousarray(pixels[..., :3]), self.side)
        with self._lock:
            if index not in self._held and self._room >= small.nbytes:
                self._room -= small.nbytes
                self._held[index] = small
        return small


def shrunk(pixels: Pixels, side: int) -> Pixels:
    """A picture with a short side of that many pixels, by averaging; as it is where that is no less."""
    height, width = pixels.shape[:2]
    factor = side / min(height, width)
    if factor >= 1:
        return pixels
    size = max(side, round(width * factor)), max(side, round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class Sorted:
    """Photographs that were looked through once.

    Attributes
    ----------
    usable
        Those with colours.
    grey
        Names of those without.
    unreadable
        What is wrong with the others.
    """

    usable: Photographs
    grey: tuple[str, ...]
    unreadable: tuple[InputError, ...]


def looked_through(photographs: Photographs, advance: Callable[[], None]) -> Sorted:
    """Read each photograph once: those that cannot be read, and those without colour, are left out.

    Parameters
    ----------
    photographs
        All of them. What is read is remembered, as far as there is room.
    advance
        Called after each of them.
    """
    grey: list[str] = []
    unreadable: list[InputError] = []
    usable: list[int] = []
    with ThreadPoolExecutor(min(_MOST_THREADS, usable_cores())) as pool:
        for index, found in enumerate(pool.map(photographs.is_colored, range(len(photographs)))):
            advance()
            if isinstance(found, InputError):
                unreadable.append(found)
            elif found:
                usable.append(index)
            else:
                grey.append(photographs.sources[index].name)
    return Sorted(photographs.chosen(usable), tuple(grey), tuple(unreadable))


def split(photographs: Photographs, share: float) -> tuple[Photographs, Photographs]:
    """Those to learn from, and those to validate on.

    Parameters
    ----------
    photographs
        All of them.
    share
        Of those to validate on, 0..1.

    Raises
    ------
    TrainingError
        One of the two is empty.
    """
    apart = [is_for_validation(source.name, share) for source in photographs.sources]
    learn = [index for index, aside in enumerate(apart) if not aside]
    validate = [index for index, aside in enumerate(apart) if aside]
    count = len(photographs)
    if not learn:
        raise TrainingError(
            f"all {count} photographs are kept for validation, and none is left to learn from",
            remedy=Remedy.SMALLER_SHARE,
        )
    if not validate:
        raise TrainingError(
            f"none of {count} photographs is kept for validation (a share of {share:g}, by a hash of their names)",
            remedy=Remedy.LARGER_SHARE,
        )
    return photographs.chosen(learn), photographs.chosen(validate)
