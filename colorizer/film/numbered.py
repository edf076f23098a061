"""A film as a folder of numbered pictures: frame0001.png, frame0002.png, ... in, pictures of the same names out.

Frames are taken in the order of their numbers. Those that exist in the target are not written again; their colours are
computed all the same, since those of the next ones follow from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import check_pixels
from colorizer.color.resample import network_size
from colorizer.color.strips import shrunk_lightness
from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, InputError, Message, OutputError, Remedy, UsageError, shown
from colorizer.film.job import Progress
from colorizer.film.keeping import Vote, judged
from colorizer.film.options import Film
from colorizer.film.overlap import ahead
from colorizer.film.temporal import FrameInput, Steadied, steady
from colorizer.io.atomic import is_special, remove_leftovers
from colorizer.media import READABLE_SUFFIXES, Mark, Picture, read_picture, write_picture
from colorizer.settings import Settings

_NUMBER = re.compile(r"(\d+)(?=\D*$)")
_UNDER_WAY = 2
_LEAST = 2
"""Frames that make a folder a film."""


@dataclass(frozen=True)
class Result:
    """What became of a folder."""

    frames: int
    failed: int
    remarks: tuple[Message, ...]


def numbered_frames(folder: Path) -> list[Path]:
    """The frames of a folder in the order of the last number in their names.

    Raises
    ------
    InputError
        There are not two pictures with a number.
    """
    found = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.suffix.lower() not in READABLE_SUFFIXES or is_special(path):
            continue
        number = _NUMBER.search(path.stem)
        if number:
            found.append((path.stem[: number.start()], int(number[1]), path.name, path))
    if len(found) < _LEAST:
        raise InputError(f"{shown(folder)}: holds no numbered frames; names such as frame0001.png are expected")
    return [path for *_, path in sorted(found)]


@dataclass(frozen=True)
class _Read:
    path: Path
    picture: Picture | None
    error: ColorizerError | None = None


def _read(paths: list[Path]) -> Iterator[_Read]:
    for path in paths:
        try:
            picture = read_picture(path)
            check_pixels(picture.pixels)
        except ColorizerError as error:
            yield _Read(path, None, error)
        else:
            yield _Read(path, picture)


def color_numbered(
    folder: Path,
    target: Path,
    settings: Settings | None = None,
    film: Film | None = None,
    *,
    overwrite: bool = False,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Result:
    """Colour a folder of numbered frames as one film.

    Parameters
    ----------
    folder, target
        Where the frames are, and where pictures of the same names go.
    settings, film
        How to colour; of `film` only `steadiness` and `every` matter.
    overwrite
        Replace frames that exist.
    tell
        Is told after each frame.

    Returns
    -------
    Result
        Its remarks name frames that failed; colours go on past them.

    Raises
    ------
    InputError
        The folder holds no numbered frames.
    UsageError
        Source and target are one folder.
    """
    settings, film = settings or Settings(), film or Film()
    paths = numbered_frames(folder)
    if target.exists() and target.samefile(folder):
        raise UsageError(
            f"{shown(target)}: holds the frames themselves", remedy=Remedy.CHOOSE_OUTPUT, what="another folder"
        )
    if target.exists() and not target.is_dir():
        raise OutputError(f"{shown(target)}: is no folder", remedy=Remedy.ANOTHER_OUTPUT)
    target.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target, below=False)
    colorizer = Colorizer(settings, pictures=len(paths))
    remarks: list[Message] = []

    def inputs() -> Iterator[FrameInput[tuple[Path, Picture]]]:
        for read in ahead(_read(paths), _UNDER_WAY):
            if read.error is not None:
                remarks.append(read.error.message)
            elif read.picture is not None:
                yield _frame_input(colorizer, read.path, read.picture)

    steadied = steady(inputs(), None, steadiness=film.steadiness, every=film.network_every)
    done = 0
    for one, keeping in _kept_or_not(steadied, colorizer):
        path, picture = one.item
        output = target / path.name
        if overwrite or not output.exists():
            painted = None if keeping else colorizer.render(picture.pixels, one.ab)
            write_picture(output, picture if painted is None else picture.with_pixels(painted, _mark(colorizer)))
        done += 1
        tell(Progress(done + len(remarks), len(paths)))
    return Result(done, len(remarks), tuple(remarks))


_Shot = Steadied[tuple[Path, Picture]]


def _kept_or_not(steadied: Iterator[_Shot], colorizer: Colorizer) -> Iterator[tuple[_Shot, bool | None]]:
    if colorizer.settings.keep_color:
        yield from judged((Vote(one, one.new_scene, colorizer.keeps(one.item[1].pixels)) for one in steadied), None)
    else:
        for one in steadied:
            yield one, False


def _frame_input(colorizer: Colorizer, path: Path, picture: Picture) -> FrameInput[tuple[Path, Picture]]:
    pixels = picture.pixels
    return FrameInput((path, picture), _seen(colorizer, picture), lambda: colorizer.predict(pixels))


def _mark(colorizer: Colorizer) -> Mark:
    return Mark(colorizer.model.name, colorizer.recipe())


def _seen(colorizer: Colorizer, picture: Picture) -> npt.NDArray[np.float32]:
    settings, model = colorizer.settings, colorizer.model
    height, width = picture.pixels.shape[:2]
    fit = model.fit if settings.fit == "auto" else settings.fit
    size = network_size(height, width, fit=fit, size=settings.size, stride=model.stride)
    return shrunk_lightness(picture.pixels, size)
