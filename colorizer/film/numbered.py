"""A film as a folder of numbered pictures: frame0001.png, frame0002.png, ... in, pictures of the same names out.

Frames are coloured in the order of their numbers. Those that exist in the target are not written again; their colours
are computed all the same, since the next frames' colours depend on them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, Message, shown
from colorizer.film.color_detection import ColorCheck, decide_in_color
from colorizer.film.encoding import Progress
from colorizer.film.frame_files import FrameFile, ReadFrame, check_target, numbered_frames, read_frame_files
from colorizer.film.guidance.files import FilmGuiding, read_guiding
from colorizer.film.guidance.guide import Guide
from colorizer.film.guidance.matching import Matcher, Matching
from colorizer.film.guidance.preparing import FrameGuidance
from colorizer.film.guided_folder import GuidedFolder
from colorizer.film.options import FilmOptions, film_settings
from colorizer.film.pipeline import in_thread
from colorizer.film.temporal import FrameInput, SteadiedFrame, steady
from colorizer.io.atomic import remove_leftovers
from colorizer.media import Mark, Output, colored_suffix, write_picture
from colorizer.networks.making import Making, UsedFile
from colorizer.settings import Settings

_QUEUE = 2
"""Pictures that are read before it is their turn."""


@dataclass(frozen=True)
class FolderResult:
    """What became of a folder of frames."""

    frames: int  # coloured, or there already
    failed: int
    notes: tuple[Message | str, ...]  # on the frames that failed, and on what was said and could not be used
    kept: int = 0  # of the frames, those that were there already


def _result_names(files: list[FrameFile]) -> dict[FrameFile, str]:
    """The results' names: the frames' own; where a format cannot be written or holds no colour, with another suffix."""
    names: dict[FrameFile, str] = {}
    own = {file.path.name.lower() for file in files}
    for file in files:
        path = file.path
        suffix = colored_suffix(path.suffix, Output())
        name = path.with_suffix(suffix).name
        # frame1.gif beside frame1.png
        taken = suffix != path.suffix and (name.lower() in own or name in names.values())
        names[file] = path.name + suffix if taken else name
    return names


@dataclass(frozen=True)
class _GuidedFrame:
    """A frame, and what is said of it."""

    read: ReadFrame
    lightness: npt.NDArray[np.float32]  # (h, w) as the network sees it
    guidance: FrameGuidance | None


def color_numbered(
    folder: Path,
    target: Path,
    settings: Settings | None = None,
    options: FilmOptions | None = None,
    *,
    guiding: FilmGuiding = FilmGuiding(),  # noqa: B008 - frozen
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
    guiding
        What people say of the colours; frames are named by the numbers in their names.
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
        The folder holds no numbered frames, or what was said of them cannot be read or speaks of none.
    UsageError
        Source and target are one folder.
    OutputError
        The target is no folder, or a frame cannot be written.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    settings, options = settings or Settings(), options or FilmOptions()
    files = numbered_frames(folder)
    said = read_guiding(guiding, timed=False)
    check_target(target, folder)
    target.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target, below=False)
    colorizer = Colorizer(film_settings(settings), pictures=len(files))
    making = None if options.no_mark else replace(colorizer.making(), guidance=said.summary() if said else {})
    names = _result_names(files)
    done = kept = 0
    with GuidedFolder(folder, files, colorizer).guide(said, target) as guide:
        film = _Film(colorizer, options, guide)
        for one, in_color in film.colored(files):
            read = one.item.read
            output = target / names[read.file]
            # the state that the next frames need is computed whether this one is written or not
            if overwrite or not output.exists():
                picture = read.picture
                if not in_color:
                    mark = None if making is None else _mark(colorizer, making, read)
                    picture = picture.with_pixels(film.rendered(one), mark)
                write_picture(output, picture)
            else:
                kept += 1
            done += 1
            on_progress(Progress(done + len(film.failures), len(files)))
    said_of_it = [] if guide is None else [f"{shown(folder)}: {note}" for note in [*guide.notes, *guide.last_notes()]]
    return FolderResult(done, len(film.failures), (*film.failures, *said_of_it), kept)


_ColoredFrame = SteadiedFrame[_GuidedFrame]


class _Film:
    """The frames of a folder on their way."""

    def __init__(self, colorizer: Colorizer, options: FilmOptions, guide: Guide | None) -> None:
        self._colorizer, self._options, self._guide = colorizer, options, guide
        self.failures: list[Message] = []

    def colored(self, files: list[FrameFile]) -> Iterator[tuple[_ColoredFrame, bool | None]]:
        """Each frame with its chroma, and whether it is in colour already and passes."""
        options = self._options
        steadied = steady(self._inputs(files), None, steadiness=options.steadiness, every=options.network_every)
        if self._colorizer.settings.keep_color:
            keeps = self._colorizer.keeps
            checks = (ColorCheck(one, one.new_scene, keeps(one.item.read.picture.pixels)) for one in steadied)
            yield from decide_in_color(checks, None)
        else:
            for one in steadied:
                yield one, False

    def rendered(self, frame: _ColoredFrame) -> Any:
        """A frame's pixels in colour."""
        pixels, guidance = frame.item.read.picture.pixels, frame.item.guidance
        if guidance is None:
            return self._colorizer.render(pixels, frame.ab)
        adjustment = None if guidance.planes is None else guidance.planes.at_size(*pixels.shape[:2])
        ab = guidance.shifted(frame.ab, frame.item.lightness)
        return self._colorizer.render(pixels, ab * np.float32(guidance.saturation), adjustment)

    def _inputs(self, files: list[FrameFile]) -> Iterator[FrameInput[_GuidedFrame]]:
        with contextlib.closing(in_thread(read_frame_files(files), _QUEUE)) as frames:  # type: ignore[type-var]
            for read in frames:
                if isinstance(read, ColorizerError):
                    self.failures.append(read.message)
                else:
                    yield self._input(read)

    def _input(self, read: ReadFrame) -> FrameInput[_GuidedFrame]:
        colorizer, pixels = self._colorizer, read.picture.pixels
        guidance = None if self._guide is None else self._guide.at(read.file.place)
        seen = colorizer.view.of_pixels(pixels)

        def predict() -> npt.NDArray[np.float32]:
            matching = Matching() if guidance is None else guidance.matching
            return Matcher(colorizer, *pixels.shape[:2]).predict(seen, matching)

        lightness = seen[0].lightness[0, 0]
        return FrameInput(_GuidedFrame(read, lightness, guidance), lightness, predict)


def _mark(colorizer: Colorizer, making: Making, frame: ReadFrame) -> Mark:
    of_frame = replace(making, source=UsedFile(frame.file.path.name, frame.sha256))
    return Mark(colorizer.model.name, colorizer.recipe(), of_frame.as_json())
