"""The finished film: its new pictures, and everything else of the original, packet for packet.

Sound, subtitles and data are taken over as they are where the container holds them; chapters, metadata, languages and
dispositions with them. The film gets its final name when it is complete and on the disk.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError, DiskFullError, OptionRef, OutputError, Remedy, UsageError, shown
from colorizer.film.encoder import Plan, configure, encoders
from colorizer.film.options import Film
from colorizer.film.segments import Ordered, in_order
from colorizer.film.source import import_av, open_film, picture_stream
from colorizer.io.atomic import NO_ROOM, temporary_beside

_AUDIO_ENCODERS = {"aac": "aac", "opus": "libopus", "flac": "flac", "pcm": "pcm_s16le"}
_OPUS_RATE = 48000

_OF_THE_CONTAINER = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "handler_name"}
"""Keys of metadata that the new container writes itself."""

_STATISTICS = ("number_of_", "_statistics_", "bps")


@dataclass(frozen=True)
class _Track:
    """A stream that is taken over."""

    source: Any
    target: Any
    encodes: bool


def check_streams(source: Path, target: Path, container: str, film: Film) -> list[str]:
    """See whether the container holds the film's other streams, before hours are spent on its pictures.

    Returns
    -------
    list of str
        A remark on each stream that is left out.

    Raises
    ------
    UsageError
        It does not hold the sound.
    """
    remarks = []
    with contextlib.closing(open_film(source)) as opened:
        pictures = picture_stream(opened)
        for stream in opened.streams:
            if stream.index == pictures.index or (stream.type == "audio" and film.no_audio):
                continue
            if stream.type == "audio":
                _check_sound(stream, source, target, container, film)
            elif not _is_chapter_text(stream, opened) and not _holds(container, stream):
                kind = _name(stream)
                remarks.append(
                    f"{shown(source)}: the {stream.type} stream {stream.index} ({kind}) is left out, "
                    f"{target.suffix} does not hold it"
                )
    return remarks


def _name(stream: Any) -> str:
    return stream.codec_context.name if stream.codec_context is not None else str(stream.name or "unknown")


def _is_chapter_text(stream: Any, opened: Any) -> bool:
    """Whether a stream is what MP4 keeps the chapters' names in; the new container writes its own."""
    return stream.type == "data" and "mp4" in opened.format.name and bool(opened.chapters())


def _check_sound(stream: Any, source: Path, target: Path, container: str, film: Film) -> None:
    if film.audio_codec == "copy":
        if not _holds(container, stream):
            raise UsageError(
                f"{shown(target)}: {target.suffix} does not hold the {_name(stream)} sound of {shown(source)}",
                remedy=Remedy.CHOOSE,
                what=(OptionRef("audio_codec", "aac (opus for .webm)"), OptionRef("no_audio"), ".mkv"),
            )
        return
    av = import_av()
    if _AUDIO_ENCODERS[film.audio_codec] not in encoders():
        others = [name for name, encoder in _AUDIO_ENCODERS.items() if encoder in encoders()]
        raise OutputError(
            f"{shown(target)}: the installed PyAV lacks the encoder {_AUDIO_ENCODERS[film.audio_codec]}",
            remedy=Remedy.CHOOSE,
            what=OptionRef("audio_codec", " or ".join(["copy", *others])),
        )
    with av.open(io.BytesIO(), "w", format=container) as trial:
        try:
            trial.add_stream(_AUDIO_ENCODERS[film.audio_codec], rate=_OPUS_RATE)
        except (av.error.FFmpegError, ValueError) as error:
            raise UsageError(
                f"{shown(target)}: {target.suffix} does not hold {film.audio_codec}",
                remedy=Remedy.CHOOSE_ANOTHER,
                what=OptionRef("audio_codec"),
            ) from error


def _holds(container: str, stream: Any) -> bool:
    """Whether a container can begin with this stream."""
    av = import_av()
    trial = av.open(io.BytesIO(), "w", format=container)
    try:
        trial.add_stream_from_template(stream)
        trial.start_encoding()
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    finally:
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
            trial.close()
    return True


def join(source: Path, target: Path, segments: list[Path], plan: Plan, film: Film) -> None:
    """Write the film from its segments and the other streams of the source.

    Raises
    ------
    OutputError
        It cannot be written. Nothing is left behind.
    """
    av = import_av()
    try:
        with temporary_beside(target) as temporary:
            with contextlib.closing(open_film(source)) as opened:
                _write(temporary, opened, segments, plan, film)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    except ColorizerError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        full = isinstance(error, OSError) and error.errno in NO_ROOM
        cause = str(getattr(error, "strerror", None) or error).split("\n", 1)[0]
        raise (DiskFullError if full else OutputError)(
            f"{shown(target)}: cannot be written ({cause})", remedy=Remedy.MAKE_ROOM
        ) from error


def _write(path: Path, opened: Any, segments: list[Path], plan: Plan, film: Film) -> None:
    av = import_av()
    pictures = picture_stream(opened)
    offset = film.span[0] or Fraction(0)
    # AVI has no times to shift, and doing so would insert empty frames
    options = {"avoid_negative_ts": "disabled"} if plan.container == "avi" else {}
    with av.open(str(path), "w", format=plan.container, container_options=options) as output:
        output.metadata.update(_kept(opened.metadata))
        stream = output.add_stream(plan.encoder, rate=plan.rate, options=dict(plan.options))
        configure(stream.codec_context, plan)
        stream.time_base = plan.time_base
        stream.metadata.update(_kept(pictures.metadata))
        stream.disposition = int(pictures.disposition)
        if plan.tags.display_matrix:
            stream.set_display_matrix(plan.tags.display_matrix)
        tracks = [
            track
            for other in opened.streams
            if other.index != pictures.index
            if (track := _track(output, other, plan.container, film))
        ]
        if chapters := _chapters(opened, film):
            output.set_chapters(chapters)
        output.start_encoding()
        drawn = (_packet(ordered, stream, plan, offset) for ordered in in_order(segments))
        others = _others(opened, tracks, film)
        for packet in _by_time(drawn, others):
            output.mux(packet)


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _OF_THE_CONTAINER and not key.lower().startswith(_STATISTICS)
    }


def _track(output: Any, other: Any, container: str, film: Film) -> _Track | None:
    encodes = other.type == "audio" and film.audio_codec != "copy"
    if other.type == "audio" and film.no_audio:
        return None
    if encodes:
        rate = _OPUS_RATE if film.audio_codec == "opus" else other.codec_context.sample_rate
        target = output.add_stream(_AUDIO_ENCODERS[film.audio_codec], rate=rate)
        target.codec_context.layout = other.codec_context.layout
    elif _holds(container, other):
        target = output.add_stream_from_template(other)
    else:
        return None
    target.metadata.update(_kept(other.metadata))
    target.disposition = int(other.disposition)
    return _Track(other, target, encodes)


def _chapters(opened: Any, film: Film) -> list[Any]:
    begin, end = film.span
    chapters = []
    for chapter in opened.chapters():
        base = chapter["time_base"]
        first, last = chapter["start"] * base, chapter["end"] * base
        if (begin is not None and last <= begin) or (end is not None and first >= end):
            continue
        first, last = max(first, begin or first), min(last, end or last)
        shift = begin or Fraction(0)
        chapters.append(chapter | {"start": round((first - shift) / base), "end": round((last - shift) / base)})
    return chapters


def _packet(ordered: Ordered, stream: Any, plan: Plan, offset: Fraction) -> Any:
    av = import_av()
    packet = av.Packet(ordered.coded.data)
    shift = round(offset / plan.time_base)
    packet.stream, packet.time_base = stream, plan.time_base
    packet.pts, packet.dts = ordered.coded.time - shift, ordered.decoded - shift
    packet.duration, packet.is_keyframe = ordered.duration, ordered.coded.key
    return packet


def _others(opened: Any, tracks: list[_Track], film: Film) -> Iterator[Any]:
    """Packets of the streams that are taken over, as they come in the file."""
    if not tracks:
        return
    av = import_av()
    begin, end = film.span
    of_index = {track.source.index: track for track in tracks}
    packets = opened.demux([track.source for track in tracks])
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None
        if packet is None:
            break
        if packet.dts is None and packet.pts is None:
            continue
        track = of_index[packet.stream.index]
        at = (packet.pts if packet.pts is not None else packet.dts) * packet.time_base
        if (begin is not None and at < begin) or (end is not None and at >= end):
            continue
        shift = round(begin / packet.time_base) if begin else 0
        if track.encodes:
            yield from _encoded(track, packet, shift)
            continue
        packet.stream = track.target
        if shift:
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        yield packet
    for track in tracks:
        if track.encodes:
            yield from track.target.encode(None)


def _encoded(track: _Track, packet: Any, shift: int) -> Iterator[Any]:
    av = import_av()
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        return
    for frame in frames:
        if frame.pts is not None:
            frame.pts -= shift
        yield from track.target.encode(frame)


def _when(packet: Any) -> Fraction:
    time: Fraction = (packet.pts if packet.dts is None else packet.dts) * packet.time_base
    return time


def _by_time(one: Iterator[Any], other: Iterator[Any]) -> Iterator[Any]:
    """Two sequences of packets as one, so that a reader finds pictures and sound side by side."""
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        if _when(left) <= _when(right):
            yield left
            left = next(one, None)
        else:
            yield right
            right = next(other, None)
    yield from chain([] if left is None else [left], one, [] if right is None else [right], other)
