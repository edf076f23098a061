"""The finished film: its new pictures, and everything else of the original, packet for packet.

Sound, subtitles and data are copied as they are where the container holds them, and chapters, metadata, languages and
dispositions with them. The film gets its final name when it is complete and on the disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError, DiskFullError, OptionRef, OutputError, Remedy, shown
from colorizer.film.carrying import Carried, add_stream, carried_packets, is_timecode
from colorizer.film.clock import Span
from colorizer.film.encoder import EncodingPlan, configure, ordinary_scheduling
from colorizer.film.metadata import append_keys, later_timecode, own_metadata
from colorizer.film.muxing import interleaved, rising
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import error_words, file_url, import_av, open_film, picture_stream
from colorizer.film.segments import OrderedPacket, packets_in_order
from colorizer.film.sei import message, with_message
from colorizer.film.tags import making_tags
from colorizer.io.atomic import NO_ROOM, temporary_beside
from colorizer.networks.making import Making

QUICKTIME = ("mp4", "mov")
"""Containers that keep metadata in QuickTime's boxes."""

_FINEST_EDITS = 90_000
"""Units of edit lists to a second, at most: the clock of MPEG streams."""


@dataclass(frozen=True)
class Carriage:
    """How a film is put together, as was tried before the work."""

    plan: EncodingPlan  # of its pictures
    options: FilmOptions
    kept: frozenset[int]  # streams of the source, by index
    covers: dict[int, bytes]  # cover art by the index of its stream
    headers: dict[int, bytes]  # see `bare_header`, likewise
    span: Span
    keys: dict[str, str]  # metadata that FFmpeg does not write into MP4 and MOV
    making: Making | None = None  # what the film says of how its colours were made; None where it says nothing


def join(source: Path, target: Path, segments: list[Path], carriage: Carriage) -> None:
    """Write the film from its segments and the other streams of the source.

    Raises
    ------
    InputError
        The source cannot be read any more.
    OutputError
        The film cannot be written. Nothing is left behind but its segments.
    DiskFullError
        There is no room for the result.
    """
    av = import_av()
    try:
        with temporary_beside(target) as temporary:
            with contextlib.closing(open_film(source)) as opened:
                write_film(
                    file_url(temporary),
                    opened,
                    carriage,
                    lambda stream: _pictures(packets_in_order(segments), stream, carriage),
                    lambda others: carried_packets(opened, others, carriage.span),
                )
            with temporary.open("rb+") as file:
                if carriage.keys:
                    append_keys(file, carriage.keys, full_box=carriage.plan.container == "mp4")
                    file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
    except ColorizerError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unwritten(target, error) from error


def _unwritten(target: Path, error: Exception) -> OutputError:
    what = f"{shown(target)}: cannot be written ({error_words(error)})"
    if getattr(error, "errno", None) in NO_ROOM:
        return DiskFullError(what, remedy=Remedy.MORE_ROOM)
    if isinstance(error, import_av().error.FFmpegError) and not isinstance(error, PermissionError):
        kept = "the coloured pictures are kept, and go on with other sound"
        return OutputError(
            f"{what}; {kept}", remedy=Remedy.CHOOSE, what=(OptionRef("audio_codec"), OptionRef("no_audio"))
        )
    return OutputError(what, remedy=Remedy.ANOTHER_OUTPUT)


def write_film(
    file: Any,
    opened: Any,
    carriage: Carriage,
    pictures_of: Callable[[Any], Iterator[Any]],
    others_of: Callable[[list[Carried]], Iterator[Any]],
) -> list[Carried]:
    """Write a film with all that goes along.

    Parameters
    ----------
    file
        A name for FFmpeg, or a file object.
    opened
        PyAV's container of the source.
    carriage
        How the pictures are encoded, and what goes along.
    pictures_of
        The pictures' packets for their stream.
    others_of
        The others' packets for their streams.

    Raises
    ------
    av.FFmpegError, OSError, ValueError
        It cannot be written.
    """
    av = import_av()
    pictures, plan = picture_stream(opened), carriage.plan
    with av.open(file, "w", format=plan.container, container_options=_muxing_options(plan)) as output:
        output.metadata.update(own_metadata(opened.metadata))
        if carriage.making is not None:
            output.metadata.update(making_tags(carriage.making, plan.container, output.metadata))
        stream = output.add_stream(plan.encoder, rate=plan.rate, options=dict(plan.options))
        configure(stream.codec_context, plan)
        stream.time_base = plan.time_base
        stream.metadata.update(own_metadata(pictures.metadata))
        _set_timecode(output, stream, opened, carriage.span)
        stream.disposition = int(pictures.disposition)
        if plan.tags.display_matrix:
            stream.set_display_matrix(plan.tags.display_matrix)
        others = [
            other
            for source in opened.streams
            if source.index in carriage.kept
            if (other := _add(output, source, carriage))
        ]
        if chapters := _chapters(opened, carriage.span):
            output.set_chapters(chapters)
        with ordinary_scheduling():
            output.start_encoding()
        for packet in rising(interleaved(pictures_of(stream), others_of(others)), output):
            output.mux(packet)
    return others


def _muxing_options(plan: EncodingPlan) -> dict[str, str]:
    if plan.container == "avi":
        # AVI has no times to shift, and doing so would insert empty frames
        return {"avoid_negative_ts": "disabled"}
    if plan.container in QUICKTIME:
        # edit lists count in this unit; in FFmpeg's own choice, milliseconds, sound would be off by some samples
        return {"movie_timescale": str(min(max(plan.time_base.denominator, 1000), _FINEST_EDITS))}
    return {}


def _add(output: Any, source: Any, carriage: Carriage) -> Carried | None:
    cover, header = carriage.covers.get(source.index), carriage.headers.get(source.index)
    return add_stream(output, source, carriage.options, cover=cover, header=header)


def _set_timecode(output: Any, stream: Any, opened: Any, span: Span) -> None:
    """Have the first frame's timecode in the pictures' metadata, from which muxers make a track of it."""
    tracks = [track.metadata["timecode"] for track in opened.streams if is_timecode(track)]
    kept = {key.lower(): key for key in stream.metadata}
    if tracks and "timecode" not in kept:
        stream.metadata["timecode"] = tracks[0]
    rate = stream.codec_context.framerate
    frames = 0 if span.begin is None else round((span.begin - span.first) * rate)
    for metadata in (output.metadata, stream.metadata):
        for key in [key for key in metadata if key.lower() == "timecode"]:
            metadata[key] = later_timecode(metadata[key], rate, frames)


def _chapters(opened: Any, span: Span) -> list[Any]:
    chapters = []
    for chapter in opened.chapters():
        base = chapter["time_base"]
        first, last = chapter["start"] * base, chapter["end"] * base
        if (span.begin is not None and last <= span.begin) or (span.end is not None and first >= span.end):
            continue
        # a foreign clock's zero is before the film
        first = max(first, span.zero if span.begin is None else span.begin)
        last = max(first, last if span.end is None else min(last, span.end))
        chapters.append(chapter | {"start": round((first - span.zero) / base), "end": round((last - span.zero) / base)})
    return chapters


def _pictures(ordered: Iterable[OrderedPacket], stream: Any, carriage: Carriage) -> Iterator[Any]:
    """The pictures' packets in the new film; segments count from the first frame."""
    av = import_av()
    plan, span = carriage.plan, carriage.span
    shift = round((span.first - span.zero) / plan.time_base)
    unit = None if carriage.making is None else message(carriage.making, plan.encoder)
    for one in ordered:
        encoded = one.packet
        marked = with_message(encoded.data, unit, plan.encoder) if unit and encoded.key else encoded.data
        packet = av.Packet(marked)
        packet.stream, packet.time_base = stream, plan.time_base
        packet.pts, packet.dts = encoded.pts + shift, one.dts + shift
        packet.duration, packet.is_keyframe = one.duration, encoded.key
        yield packet
