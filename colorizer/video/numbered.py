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

from colorizer.color import check_pixels
from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, InputError, OutputError, UsageError, shown
from colorizer.media import READABLE_SUFFIXES, Mark, Picture, read_picture, write_picture
from colorizer.resample import network_size
from colorizer.settings import Settings
from colorizer.strips import shrunk_lightness
from colorizer.temporal import State, follow
from colorizer.video.job import Progress
from colorizer.video.options import Film
from colorizer.video.overlap import ahead

_NUMBER = re.compile(r"(\d+)(?=\D*$)")
_UNDER_WAY = 2
_LEAST = 2
"""Frames that make a folder a film."""


@dataclass(frozen=True)
class Result:
    """What became of a folder."""

    frames: int
    failed: int
    remarks: tuple[str, ...]


def numbered_frames(folder: Path) -> list[Path]:
    """The frames of a folder in the order of the last number in their names.

    Raises
    ------
    InputError
        There are not two pictures with a number.
    """
    found = []
    for path in folder.iterdir():
        number = _NUMBER.search(path.stem)
        if number and path.suffix.lower() in READABLE_SUFFIXES and not path.name.startswith("."):
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
        raise UsageError(f"{shown(target)}: holds the frames themselves; choose another folder with -o")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{shown(target)}: is no folder; choose another place with -o")
    target.mkdir(parents=True, exist_ok=True)
    colorizer = Colorizer(settings, pictures=len(paths))
    state: State | None = None
    keeping: bool | None = None
    remarks: list[str] = []
    failed = 0
    for done, read in enumerate(ahead(_read(paths), _UNDER_WAY), start=1):
        output = target / read.path.name
        if read.picture is None:
            failed += 1
            remarks.append(str(read.error))
        else:
            picture = read.picture
            seen = _seen(colorizer, picture)
            pixels = picture.pixels

            def predict(pixels: npt.NDArray[np.generic] = pixels) -> npt.NDArray[np.float32]:
                return colorizer.predict(pixels)

            step = follow(state, seen, predict, steadiness=film.steadiness, every=film.network_every)
            state = step.state
            if settings.keep_color and (step.new_scene or keeping is None):
                keeping = colorizer.keeps(pixels)
            if overwrite or not output.exists():
                colored = (
                    picture if keeping else picture.with_pixels(colorizer.render(pixels, step.ab), _mark(colorizer))
                )
                write_picture(output, colored)
        tell(Progress(done, len(paths)))
    return Result(len(paths) - failed, failed, tuple(remarks))


def _mark(colorizer: Colorizer) -> Mark:
    return Mark(colorizer.model.name, colorizer.recipe())


def _seen(colorizer: Colorizer, picture: Picture) -> npt.NDArray[np.float32]:
    settings, model = colorizer.settings, colorizer.model
    height, width = picture.pixels.shape[:2]
    fit = model.fit if settings.fit == "auto" else settings.fit
    size = network_size(height, width, fit=fit, size=settings.size, stride=model.stride)
    return shrunk_lightness(picture.pixels, size)
