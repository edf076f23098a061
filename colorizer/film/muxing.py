"""Packets on their way into a container: two sequences as one, with decoding times that rise as muxers demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

_NOT_STRICT = 0x20000
"""FFmpeg's AVFMT_TS_NONSTRICT: packets of this kind of container may share a time."""


def seconds(packet: Any) -> Fraction:
    """When a packet is decoded, or else shown."""
    time: Fraction = (packet.pts if packet.dts is None else packet.dts) * packet.time_base
    return time


def interleaved(one: Iterator[Any], other: Iterator[Any]) -> Iterator[Any]:
    """Two sequences of packets as one, so that a reader finds pictures and sound side by side."""
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        if seconds(left) <= seconds(right):
            yield left
            left = next(one, None)
        else:
            yield right
            right = next(other, None)
    yield from chain([] if left is None else [left], one, [] if right is None else [right], other)


def rising(packets: Iterable[Any], output: Any) -> Iterator[Any]:
    """Packets whose decoding times rise in their stream; by the smallest step where they do not.

    Parameters
    ----------
    packets
        In the order of writing.
    output
        PyAV's container, after its header, when its streams know their time bases.
    """
    strict = not output.format.flags & _NOT_STRICT
    last: dict[int, int] = {}
    for packet in packets:
        stream = packet.stream
        if packet.dts is not None:
            step = int(strict and stream.type in ("audio", "video"))
            dts = round(packet.dts * packet.time_base / stream.time_base)
            least = last.get(stream.index, dts - step) + step
            if dts < least:
                pts = None if packet.pts is None else round(packet.pts * packet.time_base / stream.time_base)
                packet.time_base, packet.dts = stream.time_base, least
                packet.pts = None if pts is None else max(pts, least)
                dts = least
            last[stream.index] = dts
        yield packet
