"""The finished film: its new pictures, and everything else of the original, packet for packet.

Sound, subtitles and data are copied as they are where the container holds them, and chapters, metadata, languages and
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
from colorizer.film.encoder import EncodingPlan, configure, encoders
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import error_words, import_av, open_film, picture_stream
from colorizer.film.segments import OrderedPacket, packets_in_order
from colorizer.film.tags import making_tags
from colorizer.io.atomic import NO_ROOM, temporary_beside
from colorizer.making import Making

_AUDIO_ENCODERS = {"aac": "aac", "opus": "libopus", "flac": "flac", "pcm": "pcm_s16le"}
"""FFmpeg's encoders, by the values of the option `audio_codec`."""

_OPUS_RATE = 48000
"""Samples a second; Opus takes few rates, and this is the one that it works at."""

_CONTAINER_KEYS = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "handler_name"}
"""Keys of metadata that the new container writes itself."""

_STATISTICS_PREFIXES = ("number_of_", "_statistics_", "bps")
"""Keys under which mkvmerge notes a track's size; they are not true of the new film."""


@dataclass(frozen=True)
class _OtherStream:
    """A stream beside the pictures, in the source and in the new film."""

    source: Any
    target: Any
    encodes: bool  # whether it is encoded anew; else its packets are copied


def check_streams(source: Path, target: Path, container: str, options: FilmOptions) -> list[str]:
    """Check that the container holds the film's other streams, before hours are spent on its pictures.

    Returns
    -------
    list of str
        A note on each stream that is left out.

    Raises
    ------
    InputError
        The film cannot be read.
    UsageError
        The container does not hold the sound.
    OutputError
        The installed PyAV lacks the encoder for the sound.
    """
    notes: list[str] = []
    with contextlib.closing(open_film(source)) as opened:
        pictures = picture_stream(opened)
        for stream in opened.streams:
            if stream.index == pictures.index or (stream.type == "audio" and options.no_audio):
                continue
            if stream.type == "audio":
                _check_sound(stream, source, target, container, options)
            elif not _is_chapter_text(stream, opened) and not _holds(container, stream):
                kind = _name(stream)
                notes.append(
                    f"{shown(source)}: the {stream.type} stream {stream.index} ({kind}) is left out, "
                    f"{target.suffix} does not hold it"
                )
    return notes


def _name(stream: Any) -> str:
    return stream.codec_context.name if stream.codec_context is not None else str(stream.name or "unknown")


def _is_chapter_text(stream: Any, opened: Any) -> bool:
    """Whether a stream is what MP4 keeps the chapters' names in; the new container writes its own."""
    return stream.type == "data" and "mp4" in opened.format.name and bool(opened.chapters())


def _check_sound(stream: Any, source: Path, target: Path, container: str, options: FilmOptions) -> None:
    if options.audio_codec == "copy":
        if not _holds(container, stream):
            raise UsageError(
                f"{shown(target)}: {target.suffix} does not hold the {_name(stream)} sound of {shown(source)}",
                remedy=Remedy.CHOOSE,
                what=(OptionRef("audio_codec", "aac (opus for .webm)"), OptionRef("no_audio"), ".mkv"),
            )
        return
    av = import_av()
    if _AUDIO_ENCODERS[options.audio_codec] not in encoders():
        others = [name for name, encoder in _AUDIO_ENCODERS.items() if encoder in encoders()]
        raise OutputError(
            f"{shown(target)}: the installed PyAV lacks the encoder {_AUDIO_ENCODERS[options.audio_codec]}",
            remedy=Remedy.CHOOSE,
            what=OptionRef("audio_codec", " or ".join(["copy", *others])),
        )
    # whether the container takes a codec is told only when a stream is added; nothing is written for that
    with av.open(io.BytesIO(), "w", format=container) as trial:
        try:
            trial.add_stream(_AUDIO_ENCODERS[options.audio_codec], rate=_OPUS_RATE)
        except (av.error.FFmpegError, ValueError) as error:
            raise UsageError(
                f"{shown(target)}: {target.suffix} does not hold {options.audio_codec}",
                remedy=Remedy.CHOOSE_ANOTHER,
                what=OptionRef("audio_codec"),
            ) from error


def _holds(container: str, stream: Any) -> bool:
    """Whether a container takes this stream; FFmpeg tells only when it is asked to begin a file with it."""
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


def join(
    source: Path,
    target: Path,
    segments: list[Path],
    plan: EncodingPlan,
    options: FilmOptions,
    *,
    making: Making | None = None,
) -> None:
    """Write the film from its segments and the other streams of the source, and say how its colours were made.

    Raises
    ------
    InputError
        The source cannot be read any more.
    OutputError
        The film cannot be written. Nothing is left behind.
    DiskFullError
        There is no room for the result.
    """
    av = import_av()
    try:
        with temporary_beside(target) as temporary:
            with contextlib.closing(open_film(source)) as opened:
                _write(temporary, opened, segments, plan, options, making=making)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    except ColorizerError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        full = isinstance(error, OSError) and error.errno in NO_ROOM
        raise (DiskFullError if full else OutputError)(
            f"{shown(target)}: cannot be written ({error_words(error)})", remedy=Remedy.MORE_ROOM
        ) from error


def _write(
    path: Path,
    opened: Any,
    segments: list[Path],
    plan: EncodingPlan,
    options: FilmOptions,
    *,
    making: Making | None,
) -> None:
    av = import_av()
    pictures = picture_stream(opened)
    offset = options.span[0] or Fraction(0)
    # AVI has no times to shift, and doing so would insert empty frames
    muxing = {"avoid_negative_ts": "disabled"} if plan.container == "avi" else {}
    with av.open(str(path), "w", format=plan.container, container_options=muxing) as output:
        output.metadata.update(_own_metadata(opened.metadata))
        if making is not None:
            output.metadata.update(making_tags(making, plan.container, output.metadata))
        stream = output.add_stream(plan.encoder, rate=plan.rate, options=dict(plan.options))
        configure(stream.codec_context, plan)
        stream.time_base = plan.time_base
        stream.metadata.update(_own_metadata(pictures.metadata))
        stream.disposition = int(pictures.disposition)
        if plan.tags.display_matrix:
            stream.set_display_matrix(plan.tags.display_matrix)
        others = [
            other
            for source in opened.streams
            if source.index != pictures.index
            if (other := _add_stream(output, source, plan.container, options))
        ]
        if chapters := _chapters(opened, options):
            output.set_chapters(chapters)
        output.start_encoding()
        colored = (_packet(ordered, stream, plan, offset) for ordered in packets_in_order(segments))
        for packet in _interleaved(colored, _other_packets(opened, others, options)):
            output.mux(packet)


def _own_metadata(metadata: dict[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _CONTAINER_KEYS and not key.lower().startswith(_STATISTICS_PREFIXES)
    }


def _add_stream(output: Any, source: Any, container: str, options: FilmOptions) -> _OtherStream | None:
    """Give the new film a stream for one of the source's; None where that is left out."""
    encodes = source.type == "audio" and options.audio_codec != "copy"
    if source.type == "audio" and options.no_audio:
        return None
    if encodes:
        rate = _OPUS_RATE if options.audio_codec == "opus" else source.codec_context.sample_rate
        target = output.add_stream(_AUDIO_ENCODERS[options.audio_codec], rate=rate)
        target.codec_context.layout = source.codec_context.layout
    elif _holds(container, source):
        target = output.add_stream_from_template(source)
    else:
        return None
    target.metadata.update(_own_metadata(source.metadata))
    target.disposition = int(source.disposition)
    return _OtherStream(source, target, encodes)


def _chapters(opened: Any, options: FilmOptions) -> list[Any]:
    begin, end = options.span
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


def _packet(ordered: OrderedPacket, stream: Any, plan: EncodingPlan, offset: Fraction) -> Any:
    """A picture's packet in the new film, which begins at 0 where only a part of the source is taken."""
    av = import_av()
    encoded = ordered.packet
    packet = av.Packet(encoded.data)
    shift = round(offset / plan.time_base)
    packet.stream, packet.time_base = stream, plan.time_base
    packet.pts, packet.dts = encoded.pts - shift, ordered.dts - shift
    packet.duration, packet.is_keyframe = ordered.duration, encoded.key
    return packet


def _other_packets(opened: Any, others: list[_OtherStream], options: FilmOptions) -> Iterator[Any]:
    """Packets of the other streams, in the order of the file."""
    if not others:
        return
    av = import_av()
    begin, end = options.span
    of_index = {other.source.index: other for other in others}
    packets = opened.demux([other.source for other in others])
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None  # the source is cut off; what came before is worth having
        if packet is None:
            break
        if packet.dts is None and packet.pts is None:
            continue  # the empty packet at the end of each stream
        other = of_index[packet.stream.index]
        at = (packet.pts if packet.pts is not None else packet.dts) * packet.time_base
        if (begin is not None and at < begin) or (end is not None and at >= end):
            continue
        # a part of a film begins at 0
        shift = round(begin / packet.time_base) if begin else 0
        if other.encodes:
            yield from _encoded(other, packet, shift)
            continue
        packet.stream = other.target
        if shift:
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        yield packet
    for other in others:
        if other.encodes:
            yield from other.target.encode(None)


def _encoded(other: _OtherStream, packet: Any, shift: int) -> Iterator[Any]:
    av = import_av()
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        return  # a damaged packet is a moment of silence, no reason to give up the film
    for frame in frames:
        # copied packets are shifted by their own times; what is encoded anew takes those of its frames
        if frame.pts is not None:
            frame.pts -= shift
        yield from other.target.encode(frame)


def _seconds(packet: Any) -> Fraction:
    time: Fraction = (packet.pts if packet.dts is None else packet.dts) * packet.time_base
    return time


def _interleaved(one: Iterator[Any], other: Iterator[Any]) -> Iterator[Any]:
    """Two sequences of packets as one, so that a reader finds pictures and sound side by side."""
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        if _seconds(left) <= _seconds(right):
            yield left
            left = next(one, None)
        else:
            yield right
            right = next(other, None)
    yield from chain([] if left is None else [left], one, [] if right is None else [right], other)
