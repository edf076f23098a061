"""A film as a folder of numbered pictures: frame0001.png, frame0002.png, ... in, pictures of the same names out.

Frames are coloured in the order of their numbers. Those that exist in the target are not written again; their colours
are computed all the same, since the next frames' colours depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from colorizer.color.pixels import check_pixels
from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, InputError, Message, OutputError, Remedy, UsageError, shown
from colorizer.film.color_detection import ColorCheck, decide_in_color
from colorizer.film.encoding import Progress
from colorizer.film.options import FilmOptions, film_settings
from colorizer.film.pipeline import in_thread
from colorizer.film.temporal import FrameInput, SteadiedFrame, steady
from colorizer.io.atomic import remove_leftovers
from colorizer.io.storage import LOCAL, Kind
from colorizer.media import READABLE_SUFFIXES, Mark, Output, Picture, colored_suffix, open_document, write_picture
from colorizer.networks.making import Making, UsedFile
from colorizer.settings import Settings

_NUMBER = re.compile(r"(\d+)(?=\D*$)")
"""The last number in a name."""

_SCANS = (".dpx", ".exr", ".cin")
"""Formats of film scanners and of compositing, which no library reads and writes whole that is kept well: what their
numbers mean, logarithms of density or linear light, stands in no header that can be relied on."""

_QUEUE = 2
"""Pictures that are read before it is their turn."""

_FEWEST = 2
"""Frames that make a folder a film."""


@dataclass(frozen=True)
class FolderResult:
    """What became of a folder of frames."""

    frames: int  # coloured, or there already
    failed: int
    notes: tuple[Message, ...]  # on the frames that failed


def numbered_frames(folder: Path) -> list[Path]:
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
        number = _NUMBER.search(path.stem)
        if number:
            found.append((path.stem[: number.start()], int(number[1]), path.name, path))
    if len(found) < _FEWEST and (scan := _scan_of(folder)) is not None:
        raise InputError(
            f"{shown(folder)}: holds {scan.suffix[1:].upper()} frames, which are not read here",
            remedy=Remedy.WRITE_PNG,
            names=shown(folder / _NUMBER.sub(lambda number: f"%0{len(number[1])}d", scan.stem)) + scan.suffix,
        )
    if len(found) < _FEWEST:
        raise InputError(f"{shown(folder)}: holds no numbered frames; names such as frame0001.png are expected")
    return [path for *_, path in sorted(found)]


def _scan_of(folder: Path) -> Path | None:
    """The first numbered frame in a format of film scanners, if there is one."""
    scans = (path for path in folder.iterdir() if path.suffix.lower() in _SCANS and _NUMBER.search(path.stem))
    return min(scans, default=None)


def _result_names(paths: list[Path]) -> dict[Path, str]:
    """The results' names: the frames' own; where a format cannot be written or holds no colour, with another suffix."""
    names: dict[Path, str] = {}
    own = {path.name.lower() for path in paths}
    for path in paths:
        suffix = colored_suffix(path.suffix, Output())
        name = path.with_suffix(suffix).name
        # frame1.gif beside frame1.png
        taken = suffix != path.suffix and (name.lower() in own or name in names.values())
        names[path] = path.name + suffix if taken else name
    return names


@dataclass(frozen=True)
class _ReadFrame:
    """A frame's picture, and the SHA-256 of its file."""

    path: Path
    picture: Picture
    sha256: str


def _read_frames(paths: list[Path]) -> Iterator[_ReadFrame | ColorizerError]:
    for path in paths:
        try:
            with open_document(path, hashed=True) as document:
                picture = next(iter(document))
            check_pixels(picture.pixels)  # here, where an error still belongs to one frame
        except ColorizerError as error:
            yield error
        else:
            yield _ReadFrame(path, picture, document.sha256)


def color_numbered(
    folder: Path,
    target: Path,
    settings: Settings | None = None,
    options: FilmOptions | None = None,
    *,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> FolderResult:
    """Colour a folder of numbered frames as one film.

    Parameters
    ----------
    folder, target
        Where the frames are, and where pictures of the same names go.
    settings, options
        How to colour; of `options` only `steadiness`, `every` and `no_mark` matter.
    overwrite
        Replace frames that exist.
    on_progress
        Called after each frame.

    Returns
    -------
    FolderResult
        Its notes name frames that failed; the others are coloured as if those were not there.

    Raises
    ------
    InputError
        The folder holds no numbered frames.
    UsageError
        Source and target are one folder.
    OutputError
        The target is no folder, or a frame cannot be written.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    settings, options = settings or Settings(), options or FilmOptions()
    paths = numbered_frames(folder)
    if target.exists() and target.samefile(folder):
        raise UsageError(
            f"{shown(target)}: holds the frames themselves", remedy=Remedy.CHOOSE_OUTPUT, what="another folder"
        )
    if target.exists() and not target.is_dir():
        raise OutputError(f"{shown(target)}: is no folder", remedy=Remedy.ANOTHER_OUTPUT)
    target.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target, below=False)
    colorizer = Colorizer(film_settings(settings), pictures=len(paths))
    names = _result_names(paths)
    notes: list[Message] = []

    def inputs() -> Iterator[FrameInput[_ReadFrame]]:
        for read in in_thread(_read_frames(paths), _QUEUE):
            if isinstance(read, ColorizerError):
                notes.append(read.message)
            else:
                yield _frame_input(colorizer, read)

    steadied = steady(inputs(), None, steadiness=options.steadiness, every=options.network_every)
    making = None if options.no_mark else colorizer.making()
    done = 0
    for one, in_color in _with_decisions(steadied, colorizer):
        path, picture = one.item.path, one.item.picture
        # the state that the next frames need is computed whether this one is written or not
        output = target / names[path]
        if overwrite or not output.exists():
            if not in_color:
                mark = None if making is None else _mark(colorizer, making, one.item)
                picture = picture.with_pixels(colorizer.render(picture.pixels, one.ab), mark)
            write_picture(output, picture)
        done += 1
        on_progress(Progress(done + len(notes), len(paths)))
    return FolderResult(done, len(notes), tuple(notes))


_ColoredFrame = SteadiedFrame[_ReadFrame]


def _with_decisions(
    steadied: Iterator[_ColoredFrame], colorizer: Colorizer
) -> Iterator[tuple[_ColoredFrame, bool | None]]:
    """Each frame with whether it is in colour already and passes."""
    if colorizer.settings.keep_color:
        checks = (ColorCheck(one, one.new_scene, colorizer.keeps(one.item.picture.pixels)) for one in steadied)
        yield from decide_in_color(checks, None)
    else:
        for one in steadied:
            yield one, False


def _mark(colorizer: Colorizer, making: Making, frame: _ReadFrame) -> Mark:
    of_frame = replace(making, source=UsedFile(frame.path.name, frame.sha256))
    return Mark(colorizer.model.name, colorizer.recipe(), of_frame.as_json())


def _frame_input(colorizer: Colorizer, frame: _ReadFrame) -> FrameInput[_ReadFrame]:
    seen = colorizer.view.of_pixels(frame.picture.pixels)
    return FrameInput(frame, seen[0].lightness[0, 0], lambda: colorizer.predict_seen(seen))
