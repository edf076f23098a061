"""When a film begins, and a container's clock made one that rises.

A container's clock is not the film's time. In a broadcast it shows the hour of the day or anything else, jumps where
two recordings were joined, and starts anew after 26.5 hours (33 bits at 90 kHz: ISO/IEC 13818-1, 2.4.3.7). FFmpeg's
demuxers undo one such wrap, its programs undo jumps; libraries built on it have to do that themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_JUMPS = 0x0200
"""FFmpeg's AVFMT_TS_DISCONT: the clock of this kind of container may jump."""

_BACK, _AHEAD = Fraction(10), Fraction(60)
"""Seconds by which a packet may lie before or after those around it without a new clock. Ten are FFmpeg's own; ahead it
is a minute, since film with a few frames a minute exists."""

_WRAP = Fraction(1 << 33, 90_000)
"""Seconds after which the clock of MPEG streams starts anew."""

_LATE_START = Fraction(10)
"""Seconds. A film whose first picture and sound are later than this began at another clock's zero; one that begins a
little late, as an edit list in MP4 may say, is meant to."""

_SENSED = ("audio", "video")
"""Types of streams that go on all the time; titles may be silent for minutes."""


class Clock:
    """Corrects the times of a container's packets, all of them, in the order of the file.

    Parameters
    ----------
    container
        PyAV's, opened for reading.
    """

    def __init__(self, container: Any) -> None:
        self.jumps = bool(container.format.flags & _JUMPS)
        self._wraps = container.format.name in ("mpegts", "mpeg")
        self._offsets = [Fraction(0)]
        self._now: Fraction | None = None

    @property
    def jumped(self) -> bool:
        """Whether the clock has jumped so far."""
        return len(self._offsets) > 1

    def correct(self, packet: Any) -> None:
        """Move a packet to its time since the clock of the file's beginning."""
        if not self.jumps or packet.stream is None:
            return
        units = packet.pts if packet.dts is None else packet.dts
        if units is None:
            return
        time = units * packet.time_base
        sensed = packet.stream.type in _SENSED
        offset = self._offset(time, sensed=sensed)
        if offset:
            shift = round(offset / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift
        if sensed:
            end = time + offset + (packet.duration or 0) * packet.time_base
            self._now = end if self._now is None else max(self._now, end)

    def _offset(self, time: Fraction, *, sensed: bool) -> Fraction:
        if self._now is None:
            return self._offsets[-1]
        # packets of the clock before may still come between those of the new one
        for offset in reversed(self._offsets):
            if -_BACK <= time + offset - self._now <= _AHEAD:
                return offset
        if not sensed:
            return self._offsets[-1]
        new = self._now - time
        turns = round((new - self._offsets[-1]) / _WRAP)
        wrapped = self._offsets[-1] + turns * _WRAP
        if self._wraps and turns and abs(wrapped - new) <= _BACK:
            new = wrapped
        self._offsets.append(new)
        return new


@dataclass(frozen=True)
class Span:
    """What of a film is taken, and which moment of it becomes the result's zero; in seconds of the film's clock."""

    first: Fraction  # the first frame
    begin: Fraction | None  # of what is taken; None for all
    end: Fraction | None
    zero: Fraction


def span_of(
    container: Any,
    first: Fraction,
    sounds: Iterable[Any],
    asked: tuple[Fraction | None, Fraction | None],
    *,
    timeless: bool = False,
) -> Span:
    """The part of a film that was asked for.

    Parameters
    ----------
    container
        PyAV's, of the film.
    first
        When its first frame is shown.
    sounds
        PyAV's streams that go along with the pictures.
    asked
        Start and end in seconds from the first frame; None for all.
    timeless
        The result knows no times, so it begins with the first frame.
    """
    begin, end = (None if at is None else first + at for at in asked)
    if begin is not None:
        return Span(first, begin, end, begin)
    if timeless:
        return Span(first, None, end, first)
    starts = [sound.start_time * sound.time_base for sound in sounds if sound.start_time is not None]
    # a wrap may lie between two streams' starts, and then one of them tells nothing of the other
    earliest = min([first, *(start for start in starts if abs(start - first) <= _AHEAD)])
    foreign = container.format.flags & _JUMPS or earliest > _LATE_START
    return Span(first, None, end, earliest if foreign else Fraction(0))
