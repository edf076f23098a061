"""The segments of a film, encoded in this process: each stage in a thread, each segment whole or not there.

decoded frames -> predicted chroma -> planes -> packets in the work folder
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

from colorizer.colorizer import Colorizer
from colorizer.film.coloring import FilmState, FrameColorizer, PredictedFrame
from colorizer.film.encoder import Encoder, EncodingPlan, native_frame
from colorizer.film.frame import Frame
from colorizer.film.guidance.guide import Guide
from colorizer.film.options import FilmOptions
from colorizer.film.pipeline import in_thread
from colorizer.film.segments import WorkFolder, cannot_be_written, write_packet, written_part
from colorizer.film.source import DecodingProblems, FilmReader, TimedFrame

_QUEUE = 4
"""Frames that may wait between two stages. A 4K frame of 10 bits takes 25 MB, so a few bound the memory."""


@dataclass(frozen=True)
class Progress:
    """How much of a film is done."""

    done: int  # frames
    total: int | None  # about how many; None where the film does not say
    resumed: int = 0  # of those done, how many by an earlier run


@dataclass(frozen=True)
class FilmJob:
    """A film that is about to be coloured.

    Attributes
    ----------
    source
        The film.
    reader
        Its frames.
    colorizer, frame_colorizer, options
        How it is coloured, read and written.
    plan, work
        How its segments are encoded, and where they lie.
    segment_frames
        Frames to a segment.
    on_progress
        Called when frames are done.
    guide
        What people say of the frames, which `frame_colorizer` knows of; None: nothing.
    """

    source: Path
    reader: FilmReader
    colorizer: Colorizer
    frame_colorizer: FrameColorizer
    options: FilmOptions
    plan: EncodingPlan
    work: WorkFolder
    segment_frames: int
    on_progress: Callable[[Progress], None]
    guide: Guide | None = None

    def progress(self, done: int, resumed: int) -> None:
        """Tell of frames that are done."""
        # what the film says of its length may be too little, and a bar must not run past its end
        total = self.reader.expected
        self.on_progress(Progress(done, total if total is None else max(total, done), resumed))


@dataclass(frozen=True)
class Encoded:
    """All segments of a film, complete in its work folder."""

    frames: int
    network_calls: int
    problems: DecodingProblems


Encode = Callable[[FilmJob], Encoded]
"""Makes the segments of a film that are not there yet."""


def encode_here(job: FilmJob) -> Encoded:
    """Make the segments in this process, each after the one before.

    Raises
    ------
    OutputError
        The work folder cannot be written to.
    EngineError
        The network cannot be run.
    """
    run = _Run(job)
    run.encode()
    return Encoded(run.frames, job.frame_colorizer.network_calls, job.reader.problems)


@dataclass(frozen=True)
class EncoderInput:
    """A frame ready for the encoder, and the state after it."""

    native: Any
    state: FilmState


def encoder_input(
    predicted: PredictedFrame[TimedFrame], frame_colorizer: FrameColorizer, plan: EncodingPlan, time_base: Fraction
) -> EncoderInput:
    """A frame whose chroma is known, as the encoder takes it; `time_base` is that of the film that is read."""
    timed = predicted.item
    scale = time_base / plan.time_base
    time, duration = round(timed.time * scale), round(timed.duration * scale)
    planes = frame_colorizer.planes(predicted, plan.layout)
    return EncoderInput(native_frame(predicted.frame, planes, plan, time=time, duration=duration), predicted.state)


class _Run:
    """The encoding of a film's segments."""

    def __init__(self, job: FilmJob) -> None:
        self._job = job
        self.frames = 0

    def encode(self) -> None:
        """Encode the segments that are not yet there."""
        number = len(self._job.work.complete())
        state = self._job.work.state_after(number - 1) if number else FilmState()
        resumed = number * self._job.segment_frames
        frames = self._encoder_inputs(resumed, state)
        try:
            while self._segment(number, frames, resumed):
                number += 1
        finally:
            frames.close()

    def _encoder_inputs(self, skipped: int, state: FilmState) -> Any:
        job = self._job

        def after_skipped() -> Iterator[tuple[TimedFrame, Frame]]:
            # decoded again rather than searched for: in a damaged file only counting finds the same frame
            for count, timed in enumerate(job.reader.frames()):
                if count < skipped:
                    self.frames += 1
                    continue
                yield timed, timed.frame

        decoded = in_thread(after_skipped(), _QUEUE)
        predicted = in_thread(job.frame_colorizer.predict(decoded, state), _QUEUE)
        time_base = job.reader.description.time_base
        # a generator, since closing it lets go of what it reads from, and so of the reader's frames
        inputs = (encoder_input(one, job.frame_colorizer, job.plan, time_base) for one in predicted)
        # who waits for a shot to be guided does not hear that this is closed
        return in_thread(inputs, _QUEUE, *([] if job.guide is None else [job.guide.stop]))

    def _segment(self, number: int, frames: Iterator[EncoderInput], resumed: int) -> bool:
        """Encode a segment; False if there was nothing left for one."""
        first = next(frames, None)
        if first is None:
            return False
        job, state = self._job, first.state

        def natives() -> Iterator[Any]:
            nonlocal state
            for frame in chain([first], islice(frames, job.segment_frames - 1)):
                yield frame.native
                state = frame.state
                self.frames += 1
                job.progress(self.frames, resumed)

        part = job.work.part(number)
        encode_segment(part, natives(), job.plan)
        try:
            job.work.finish(number, part, state)
        except OSError as error:
            raise cannot_be_written(job.work.path, error) from error
        return True


def encode_segment(part: Path, natives: Iterator[Any], plan: EncodingPlan) -> None:
    """Encode frames by themselves, to a file that is on the disk when this returns.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    encoder = Encoder(plan)
    with written_part(part) as file:
        for native in chain(natives, [None]):
            for packet in encoder.encode(native):
                write_packet(file, packet)
