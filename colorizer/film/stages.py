"""A film's segments in two stages that processes on any machine can do, each stage of a segment by itself.

A frame's chroma depends on the frames before it, but what takes the time does not: to decode a frame and ask the
network, and to find the motion from the frame before, is one stage; to solve its planes and encode them is another. In
between somebody steadies the chroma, frame after frame (`FrameColorizer.chroma`). What goes from stage to stage lies in
the film's work folder (`colorizer.film.handover`).
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.film.coloring import FilmState, FrameColorizer, PredictedFrame
from colorizer.film.encoder import EncodingPlan
from colorizer.film.encoding import encode_segment, encoder_input
from colorizer.film.guidance.matching import Matching
from colorizer.film.guidance.preparing import FrameGuidance
from colorizer.film.handover import load_chroma, save_looks, with_flows
from colorizer.film.options import FilmOptions
from colorizer.film.source import DecodingProblems, FilmReader, TimedFrame

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Segments:
    """A film, and how it is cut and encoded.

    Attributes
    ----------
    source
        The film.
    options, plan
        How it is read, coloured and encoded.
    folder
        The work folder.
    length
        Frames to a segment; the last one has what is left.
    """

    source: Path
    options: FilmOptions
    plan: EncodingPlan
    folder: Path
    length: int

    def new_part(self, number: int, what: str) -> Path:
        """A file in the work folder that the next run has no use for, of a name that nobody else writes to."""
        return self.folder / f"{number:06d}.{what}-{secrets.token_hex(4)}.part"


@dataclass(frozen=True)
class Look:
    """The first stage of a segment: decode it, and look at each frame.

    Attributes
    ----------
    number
        Which segment.
    matchings
        What the predictions of its frames are changed by, where the network is asked of all; empty: nothing.
    """

    number: int
    matchings: tuple[Matching, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Looked:
    """What came of it; `problems` are those of the whole film, where it ends within the segment."""

    number: int
    frames: int
    looks: Path
    problems: DecodingProblems | None


@dataclass(frozen=True)
class EncodeSegment:
    """The second stage: solve each frame's planes for its chroma, and encode them."""

    number: int
    chroma: Path


@dataclass(frozen=True)
class EncodedSegment:
    """What came of it: the segment, on the disk."""

    number: int
    part: Path


class SegmentWorker:
    """Does stages of segments, one at a time. It reads the film forwards, so segments are best given in their order.

    Parameters
    ----------
    segments
        The film.
    frame_colorizer
        What looks, and what solves planes.
    """

    def __init__(self, segments: Segments, frame_colorizer: FrameColorizer) -> None:
        self._segments, self._frame_colorizer = segments, frame_colorizer
        self._to_look, self._to_encode = (_Frames(self._open, segments.length) for _ in range(2))

    def __call__(self, stage: Look | EncodeSegment) -> Looked | EncodedSegment:
        """Do a stage.

        Raises
        ------
        InputError
            The film cannot be read.
        OutputError
            The work folder cannot be written to.
        EngineError
            The network cannot be run.
        """
        return self._look(stage) if isinstance(stage, Look) else self._encode(stage)

    def _open(self) -> FilmReader:
        return FilmReader(self._segments.source, self._segments.options.span, self._segments.options.deinterlace)

    def _look(self, stage: Look) -> Looked:
        said = (FrameGuidance(matching=each) for each in stage.matchings) if stage.matchings else repeat(None)
        frames = zip(self._to_look.of(stage.number), said)  # noqa: B905 - the last segment may have fewer frames
        found = (self._frame_colorizer.look(one.frame, guidance) for one, guidance in frames)
        looks = list(found if self._frame_colorizer.each_by_itself else with_flows(found))
        path = self._segments.new_part(stage.number, "looks")
        save_looks(path, looks, predicted=self._segments.options.network_every == 1)
        problems = self._to_look.problems if len(looks) < self._segments.length else None
        return Looked(stage.number, len(looks), path, problems)

    def _encode(self, stage: EncodeSegment) -> EncodedSegment:
        segments = self._segments
        frames = self._to_encode.of(stage.number)
        path = segments.new_part(stage.number, "encoded")
        with closing(frames):
            encode_segment(path, self._natives(frames, load_chroma(stage.chroma)), segments.plan)
        return EncodedSegment(stage.number, path)

    def _natives(
        self, frames: Iterator[TimedFrame], chroma: Iterator[tuple[Floats | None, Floats | None]]
    ) -> Iterator[Any]:
        for timed, (ab, kept) in zip(frames, chroma, strict=True):
            predicted = PredictedFrame(timed, timed.frame, ab, FilmState(), kept)
            plan, time_base = self._segments.plan, self._to_encode.time_base
            yield encoder_input(predicted, self._frame_colorizer, plan, time_base).native


class _Frames:
    """The frames of a film's segments: what comes later is decoded up to, for what came before it begins anew.

    Decoded rather than searched for: in a damaged file only counting finds the same frame.
    """

    def __init__(self, open_film: Callable[[], FilmReader], length: int) -> None:
        self._open, self._length = open_film, length
        self._reader: FilmReader | None = None
        self._frames: Iterator[TimedFrame] = iter(())
        self._next = 0

    @property
    def problems(self) -> DecodingProblems:
        """Those of all that was read."""
        return replace(self._opened().problems)

    @property
    def time_base(self) -> Any:
        """Of the film that is read."""
        return self._opened().description.time_base

    def of(self, number: int) -> Generator[TimedFrame, None, None]:
        """The frames of a segment."""
        if self._reader is not None and number < self._next:
            self._reader.close()
            self._reader = None
        self._opened()
        skipped, self._next = number - self._next, number + 1
        for _ in islice(self._frames, skipped * self._length):
            pass
        count = 0
        try:
            for timed in islice(self._frames, self._length):
                count += 1
                yield timed
        finally:
            if count < self._length:
                self._next = sys.maxsize  # left in its middle, or at the film's end: it can only begin anew

    def _opened(self) -> FilmReader:
        if self._reader is None:
            self._reader, self._next = self._open(), 0
            self._frames = self._reader.frames()
        return self._reader
