"""Single frames of a film in colour: for contact sheets, for lists of shots, and to be corrected in an editor."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.ycbcr import PlaneLayout, code_range
from colorizer.colorizer import Colorizer
from colorizer.errors import InputError, OutputError, shown
from colorizer.film.coloring import FilmState, FrameColorizer, PredictedFrame, SteadyingOptions
from colorizer.film.frame import Frame, Plane, normalized_chroma, rgb_of
from colorizer.film.guidance.files import FilmGuidance, FilmGuiding, read_guiding, reference_name
from colorizer.film.guided_film import GuidedFilm, small_frames
from colorizer.film.options import FilmOptions, film_settings
from colorizer.film.shots import Shot, find_shots
from colorizer.film.source import FilmReader, TimedFrame
from colorizer.media import Picture, write_picture
from colorizer.media.labels import label
from colorizer.settings import Settings

Bytes = npt.NDArray[np.uint8]

ALONE = SteadyingOptions(steadiness=0.0, every=1)
"""How single frames are coloured: those between them are not."""


@dataclass(frozen=True)
class PickedFrame:
    """A frame of a film, before and after.

    Attributes
    ----------
    number
        From the film's first; None where the film was searched and not counted.
    seconds
        When it is shown, from the first frame.
    before, after
        (H, W, 3) uint8 R'G'B', as players turn it.
    """

    number: int | None
    seconds: Fraction
    before: Bytes
    after: Bytes


class Picker:
    """Picks frames of one film and colours them.

    Parameters
    ----------
    source
        The film.
    settings, options
        How to colour, and how to read.
    guiding
        What people say of its colours.
    pictures
        About how many frames will be picked.

    Raises
    ------
    InputError
        What was given to guide it cannot be read.
    WeightsError, EngineError
        The model or its runtime is not available.
    """

    def __init__(
        self,
        source: Path,
        settings: Settings,
        options: FilmOptions,
        guiding: FilmGuiding = FilmGuiding(),  # noqa: B008 - frozen
        *,
        pictures: int,
    ) -> None:
        self._source, self._options = source, options
        self.said: FilmGuidance = read_guiding(guiding)
        self.colorizer = Colorizer(film_settings(settings), pictures=pictures)

    def shots(self) -> list[Shot]:
        """The film's shots; the film is read to its end.

        Raises
        ------
        InputError
            The film cannot be read.
        """
        return list(find_shots(small_frames(self._source, self.colorizer, self._options.deinterlace)))

    def numbered(self, numbers: Collection[int]) -> Iterator[PickedFrame]:
        """Frames by their numbers, in order; the film is read up to the last.

        Raises
        ------
        InputError
            The film cannot be read.
        """
        last = max(numbers, default=-1)
        with contextlib.closing(FilmReader(self._source, deinterlace=self._options.deinterlace)) as reader:
            film = GuidedFilm(self._source, self._options.deinterlace, reader, self.colorizer)
            with film.guide(self.said, None) as guide:
                frame_colorizer = FrameColorizer(self.colorizer, ALONE, None if guide is None else guide.of_frame)
                for timed in reader.frames():
                    if timed.number in numbers:
                        yield self._picked(frame_colorizer, reader, timed, timed.number)
                    if timed.number >= last:
                        return

    def spread(self, count: int) -> Iterator[PickedFrame]:
        """Frames spread evenly over the part that is wanted, found by searching; without guidance.

        Raises
        ------
        InputError
            The film cannot be read.
        """
        frame_colorizer = FrameColorizer(self.colorizer, ALONE)
        options = self._options
        with contextlib.closing(FilmReader(self._source, options.span, options.deinterlace)) as reader:
            for timed in reader.sample(count):
                yield self._picked(frame_colorizer, reader, timed, None)

    def numbers_spread(self, count: int, total: int | None = None) -> list[int]:
        """Numbers of frames spread evenly over the part that is wanted, by the film's length or what it says of it."""
        with contextlib.closing(FilmReader(self._source, deinterlace=self._options.deinterlace)) as reader:
            first, end = self._part(reader, total)
        return sorted({first + (end - first) * (2 * place + 1) // (2 * count) for place in range(count)})

    def frames(self) -> int | None:
        """About how many frames lie before the end of what is wanted; None where the film does not say."""
        with contextlib.closing(FilmReader(self._source, deinterlace=self._options.deinterlace)) as reader:
            return self._part(reader)[1] if reader.description.frames else None

    def _part(self, reader: FilmReader, total: int | None = None) -> tuple[int, int]:
        begin, end = self._options.span
        rate, total = reader.description.rate, total or reader.description.frames or 1
        first = 0 if begin is None else round(begin * rate)
        last = total if end is None else min(total, round(end * rate))
        return min(first, total - 1), max(last, first + 1)

    def _picked(
        self, frame_colorizer: FrameColorizer, reader: FilmReader, timed: TimedFrame, number: int | None
    ) -> PickedFrame:
        frame = timed.frame
        full = PlaneLayout(frame.layout.bits, (1, 1))
        (predicted,) = frame_colorizer.predict(iter([(timed, frame)]), FilmState())
        luma, chroma = frame_colorizer.planes(PredictedFrame(timed, frame, predicted.ab, predicted.state), full)
        turn = reader.rotation // 90
        seconds = timed.time * reader.description.time_base
        before, after = _own_rgb(frame), _to_rgb8(frame, luma, chroma)
        return PickedFrame(number, seconds, *(np.ascontiguousarray(np.rot90(one, turn)) for one in (before, after)))


def timecode(seconds: Fraction) -> str:
    """Hours, minutes, seconds and thousandths: 0:01:30.500."""
    thousandths = round(seconds * 1000)
    whole, rest = divmod(max(thousandths, 0), 1000)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}.{rest:03}"


def labelled(pictures: Sequence[Bytes], words: str, width: int, aspect: float = 1.0) -> Bytes:
    """Pictures side by side, each as wide as said, with words under them."""
    height = max(1, round(width * pictures[0].shape[0] / (pictures[0].shape[1] * aspect)))
    small = [cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA) for picture in pictures]
    strip = label(words, width * len(small), 20)
    return np.asarray(np.vstack([np.hstack(small), np.dstack([strip] * 3)]), np.uint8)


def write_references(
    source: Path,
    folder: Path,
    settings: Settings,
    options: FilmOptions,
    *,
    match_shots: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Write a frame of each shot in colour, to be corrected in an editor and given back.

    Parameters
    ----------
    source
        The film.
    folder
        Where they go; frames that are there already are kept, since somebody may have worked on them.
    settings, options
        How to colour, and which part of the film.
    match_shots
        Whether what several shots show is to have one colour in all of them.
    overwrite
        Replace frames that are there.

    Returns
    -------
    list of Path
        Those that were written, by number: `ref_001200.png`.

    Raises
    ------
    InputError
        The film cannot be read.
    OutputError
        The folder cannot be made, or a frame not written.
    WeightsError, EngineError
        The model or its runtime is not available.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{shown(folder)}: is no folder; name one for the frames")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(folder)}: cannot be made ({error.strerror}); name another folder") from error
    picker = Picker(source, settings, options, FilmGuiding(match_shots=match_shots), pictures=100)
    begin, end = options.span
    shots = [
        shot for shot in picker.shots() if (begin is None or shot.end >= begin) and (end is None or shot.begin < end)
    ]
    targets = {shot.middle: folder / reference_name(shot.middle) for shot in shots}
    wanted = {number: path for number, path in targets.items() if overwrite or not path.exists()}
    if not targets:
        raise InputError(f"{shown(source)}: no frame lies between start and end; choose other times")
    for picked in picker.numbered(wanted):
        write_picture(wanted[picked.number or 0], Picture(picked.after, None, "png"))
    return list(wanted.values())


def _own_rgb(frame: Frame) -> Bytes:
    """A frame as it is."""
    chroma = normalized_chroma(frame)
    height, width = frame.luma.shape
    both = np.zeros((height, width, 2), np.float32) if chroma is None else _enlarged(chroma, (width, height))
    scale = code_range(frame.layout.bits, full_range=frame.encoding.full_range)
    normalized = (frame.luma.astype(np.float32) - scale.black) / scale.luma_span
    return np.asarray(np.rint(rgb_of(normalized, both[..., 0], both[..., 1], frame.encoding) * 255), np.uint8)


def _enlarged(chroma: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    return np.asarray(cv2.resize(chroma, size, interpolation=cv2.INTER_LINEAR))


def _to_rgb8(frame: Frame, luma: Plane, chroma: tuple[Plane, Plane]) -> Bytes:
    """R'G'B' of Y' and full-size chroma planes: (H, W, 3) uint8."""
    scale = code_range(frame.layout.bits, full_range=frame.encoding.full_range)
    normalized = (luma.astype(np.float32) - scale.black) / scale.luma_span
    cb, cr = ((plane.astype(np.float32) - scale.middle) / scale.chroma_span for plane in chroma)
    return np.asarray(np.rint(rgb_of(normalized, cb, cr, frame.encoding) * 255), np.uint8)
