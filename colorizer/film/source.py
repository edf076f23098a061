"""The frames of a film file, read with PyAV, with their exact times.

Knows nothing of colour beyond the tags. A film may be a hundred years old and its file badly damaged, so what can be
read is read: damaged packets are counted and skipped, times that are missing or do not rise are repaired and counted,
and frames of another size than the first are scaled to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from colorizer.errors import InputError, shown
from colorizer.film.clock import Clock
from colorizer.film.deinterlacing import Deinterlace, deinterlaced
from colorizer.film.description import Description, describe
from colorizer.film.duration import stated_end
from colorizer.film.formats import layout_of, pixel_format
from colorizer.film.frame import Frame
from colorizer.film.pyav import import_av, open_film, picture_stream, plane_array, readable_format, reformatted

_ROUNDING = Fraction(1)
"""Seconds by which a film may end before it says, without having been cut off: headers are rough."""


@dataclass
class DecodingProblems:
    """What was skipped or repaired while reading."""

    damaged: int = 0  # packets, or frames that were decoded in part
    repaired_times: int = 0  # frames
    scaled: int = 0  # frames
    truncated: bool = False
    early_end: tuple[Fraction, Fraction] | None = None
    """Seconds: where the pictures end, and where the film says that they do, if that is later."""


@dataclass(frozen=True)
class TimedFrame:
    """A frame and when it is shown."""

    frame: Frame
    time: int  # in units of the film's time base, from the first frame
    duration: int  # likewise; 0 where the film does not say
    number: int = 0  # from the film's first frame, whatever part of it is taken


class FilmReader:
    """The frames of a film, one after another; once.

    Parameters
    ----------
    path
        The file.
    span
        Start and end in seconds from the first frame; None for all.
    deinterlace
        Whether frames of two fields are made whole, see `colorizer.film.deinterlacing`.

    Attributes
    ----------
    description
        What the pictures are.
    problems
        What was skipped or repaired so far.

    Raises
    ------
    InputError
        The file cannot be read, or not one frame of it decoded.
    MissingExtraError
        PyAV is not installed.
    """

    def __init__(
        self,
        path: Path,
        span: tuple[Fraction | None, Fraction | None] = (None, None),
        deinterlace: Deinterlace = "no",
    ) -> None:
        self._span, self._deinterlace = span, deinterlace
        self.problems = DecodingProblems()
        self._container = open_film(path)
        self._stream = picture_stream(self._container)
        self._stream.thread_type = "AUTO"
        self._clock = Clock(self._container)
        self._natives = self._deinterlaced(self._decoded())
        try:
            first = next(self._natives, None)
            if first is None:
                raise InputError(f"{shown(path)}: no frame of it can be decoded; the file is damaged or empty")
            try:
                self.description: Description = describe(self._container, self._stream, first, deinterlace)
            except InputError as error:
                raise InputError(error.message.about(shown(path))) from error
        except BaseException:
            self.close()
            raise
        self._first = first

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    @property
    def first_time(self) -> Fraction:
        """When the first frame is shown, in seconds of the container's clock."""
        begin = self._stream.start_time
        if self._container.format.name == "avi" and begin is not None:
            # AVI has no times; for H.264 and others that may be stored in another order FFmpeg's are a frame late
            return Fraction(begin * self._stream.time_base)
        return (self._first.pts or 0) * self.description.time_base

    @property
    def rotation(self) -> int:
        """Degrees against the clock by which players turn the pictures."""
        return int(self._first.rotation)

    @property
    def expected(self) -> int | None:
        """About how many frames `frames` gives, by what the film says of its length; None where it does not."""
        total = self.description.frames
        if total is None:
            return None
        begin, end = (None if at is None else round(at * self.description.rate) for at in self._span)
        return max(0, (total if end is None else min(total, end)) - (begin or 0))

    def frames(self) -> Iterator[TimedFrame]:
        """Frames in the order in which they are shown."""
        description = self.description
        step = max(1, round(1 / (description.rate * description.time_base)))
        begin, end = (None if at is None else at / description.time_base for at in self._span)
        first = self._first.pts or 0
        last: int | None = None
        for number, native in enumerate(self._all()):
            time = None if native.pts is None else native.pts - first
            if time is None or (last is not None and time <= last):
                time = 0 if last is None else last + (step if time is None else 1)
                self.problems.repaired_times += 1
            last = time
            if end is not None and time >= end:
                return
            if begin is None or time >= begin:
                yield TimedFrame(self._frame(native), time, native.duration or 0, number)
        self._compare_end(first + (last or 0) + (native.duration or step))

    def sample(self, count: int) -> list[TimedFrame]:
        """Some frames spread evenly over the film; `frames` cannot be used after it."""
        description = self.description
        begin, end = (None if at is None else round(at / description.time_base) for at in self._span)
        first = self._first.pts or 0
        begin = first + (begin or 0)
        length = round((description.frames or 1) / (description.rate * description.time_base))
        if self._stream.duration:
            length = round(self._stream.duration * self._stream.time_base / description.time_base)
        end = first + (length if end is None else min(end, length))
        found: dict[int, TimedFrame] = {}
        for number in range(count):
            # the middle of each part, since films begin and end in the dark
            moment = begin + (end - begin) * (2 * number + 1) // (2 * count)
            native = self._at(moment)
            if native is not None and native.pts not in found:
                found[native.pts] = TimedFrame(self._frame(native), native.pts - first, 0)
        return [found[time] for time in sorted(found)] or [TimedFrame(self._frame(self._first), 0, 0)]

    def _deinterlaced(self, natives: Iterator[Any]) -> Iterator[Any]:
        if self._deinterlace == "no":
            return natives
        return deinterlaced(natives, self._deinterlace, self._stream.time_base)

    def _decoded(self) -> Iterator[Any]:
        av = import_av()
        # a clock that jumps is told by all streams together
        packets = self._container.demux(*(() if self._clock.jumps else (self._stream,)))
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                self.problems.truncated = True
                packet = None
            if packet is None:
                break
            self._clock.correct(packet)
            if packet.stream.index != self._stream.index:
                continue
            try:
                for native in packet.decode():
                    self.problems.damaged += native.is_corrupt
                    yield native
            except av.error.EOFError:
                break
            except (av.error.FFmpegError, ValueError):
                self.problems.damaged += 1
        try:
            # the last packet of `demux` flushes the decoder; where reading broke off there was none
            yield from self._stream.decode(None)
        except (av.error.FFmpegError, ValueError):
            return

    def _compare_end(self, end: int) -> None:
        actual, stated = end * self.description.time_base, stated_end(self._container, self._stream)
        if stated is not None and not self._clock.jumped and stated - actual > _ROUNDING:
            self.problems.early_end = actual, stated

    def _at(self, moment: int) -> Any:
        """The first frame at a time or after it, as far as the file can be searched."""
        av = import_av()
        try:
            place = round(moment * self.description.time_base / self._stream.time_base)
            # this goes to the key frame before, and the frames from there on have to be decoded
            self._container.seek(place, stream=self._stream)
            for packet in self._container.demux(self._stream):
                for native in packet.decode():
                    if native.pts is not None and native.pts >= place:
                        return next(self._deinterlaced(iter([native])), native)
        except av.error.FFmpegError:
            return None
        return None

    def _all(self) -> Iterator[Any]:
        yield self._first
        yield from self._natives

    def _frame(self, native: Any) -> Frame:
        """A decoder's frame in the film's layout and size, with its planes as arrays."""
        film = self.description
        name = native.format.name
        pix_fmt = readable_format(name)
        same_size = (native.width, native.height) == (film.width, film.height)
        self.problems.scaled += not same_size
        layout = layout_of(pix_fmt)
        if pix_fmt != name or not same_size or layout != film.layout:
            target = pix_fmt if layout == film.layout else pixel_format(film.layout)
            # planes of yuvj are those of yuv; FFmpeg would squeeze them into the limited range
            if not name.startswith("yuvj") or not same_size:
                native = reformatted(native, film.width, film.height, target, film.encoding)
        grey = film.layout.subsampling is None
        planes = [plane_array(native, index, film.layout.bits) for index in range(1 if grey else 3)]
        chroma = None if grey else (planes[1], planes[2])
        return Frame(planes[0], chroma, film.layout, film.encoding, bool(native.interlaced_frame), native)
