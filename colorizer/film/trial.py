"""What a container holds of a film, tried before hours are spent on its pictures.

FFmpeg tells only when it writes: a header may be taken, and the trailer refused. So the first packets of each stream
are written into memory, by itself and then all together with a picture, and what was written is read back.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from colorizer.errors import Message, OptionRef, OutputError, Remedy, UsageError, shown
from colorizer.film.carrying import (
    AUDIO_ENCODERS,
    Carried,
    add_stream,
    bare_header,
    cover_pictures,
    is_chapter_text,
    is_cover,
    is_timecode,
    is_unknown,
    moved,
    name_of,
)
from colorizer.film.clock import Clock, Span, span_of
from colorizer.film.encoder import Encoder, EncodingPlan, encoders
from colorizer.film.joining import QUICKTIME, Carriage, write_film
from colorizer.film.metadata import append_keys, lost_keys, own_metadata
from colorizer.film.muxing import rising
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import error_words, import_av, open_film, picture_stream, plane_array

_PACKETS = 4
"""Packets of each stream that are tried."""

_MOST_BYTES = 32 << 20
"""Bytes of a film that are read for them; titles may begin late."""

_STREAMS_OWN = {"creation_time", "filename", "mimetype"}
"""Keys of streams that say nothing of the film: when they were written, and what Matroska calls attachments."""

_EARLY = Fraction(1, 50)
"""Seconds that sound in AVI may be off without being mentioned."""

_OUT_OF_STEP = Fraction(1, 20)
"""Seconds by which a few packets of sound may be longer or shorter in another container."""

_SECOND_CHOICES = (".mkv", ".mov")
"""Containers that hold most sorts of sound, by the suffixes of their names, the first choice first."""

_CONTAINERS = {".mkv": "matroska", ".mov": "mov"}

Note = Message | str


def plan_carriage(
    source: Path, target: Path, plan: EncodingPlan, options: FilmOptions, first: Fraction
) -> tuple[Carriage, list[Note]]:
    """Find out what of a film beside its pictures goes along.

    Parameters
    ----------
    source, target
        The film, and the name of the new one.
    plan, options
        How the pictures are encoded, and what becomes of the sound.
    first
        When the first frame is shown, in seconds of the film's clock.

    Returns
    -------
    tuple
        What goes along, and a note on each thing that does not.

    Raises
    ------
    InputError
        The film cannot be read.
    UsageError
        The container does not hold the sound.
    OutputError
        The installed PyAV lacks the encoder for the sound, or the container does not hold all this together.
    """
    with contextlib.closing(open_film(source)) as opened:
        return _Trial(opened, source, target, plan, options).run(first)


class _Trial:
    """One film's trial."""

    def __init__(self, opened: Any, source: Path, target: Path, plan: EncodingPlan, options: FilmOptions) -> None:
        self._opened, self._source, self._target = opened, source, target
        self._plan, self._options = plan, options
        self._notes: list[Note] = []
        self._covers = cover_pictures(opened)
        self._headers: dict[int, bytes] = {}
        pictures = picture_stream(opened).index
        self._others = [stream for stream in opened.streams if stream.index != pictures]

    def run(self, first: Fraction) -> tuple[Carriage, list[Note]]:
        wanted = [stream for stream in self._others if self._is_wanted(stream)]
        packets = self._first_packets([stream for stream in wanted if not is_cover(stream)])
        kept = [stream for stream in wanted if self._is_held(stream, packets.get(stream.index, []))]
        sounds = [stream for stream in kept if stream.type == "audio"]
        span = span_of(self._opened, first, sounds, self._options.span, timeless=self._plan.container == "avi")
        carriage = Carriage(
            self._plan, self._options, frozenset(stream.index for stream in kept), self._covers, self._headers, span, {}
        )
        return self._tried_together(carriage, packets), self._notes

    def _is_wanted(self, stream: Any) -> bool:
        if stream.type == "audio" and self._options.no_audio:
            return False
        if is_timecode(stream) or is_chapter_text(stream, self._opened):
            return False  # the muxer makes its own
        if is_unknown(stream) or (is_cover(stream) and stream.index not in self._covers):
            self._leave_out(stream, "since nothing here knows its codec")
            return False
        return True

    def _leave_out(self, stream: Any, why: str) -> None:
        kind = "cover art" if is_cover(stream) else f"{stream.type} stream"
        what = f"the {kind} {stream.index} ({name_of(stream)})"
        self._notes.append(f"{shown(self._source)}: {what} is left out, {why}")

    def _first_packets(self, streams: list[Any]) -> dict[int, list[Any]]:
        av = import_av()
        found: dict[int, list[Any]] = {stream.index: [] for stream in streams if stream.type != "attachment"}
        clock = Clock(self._opened)
        read = 0
        with contextlib.suppress(av.error.FFmpegError):
            for packet in self._opened.demux() if found else ():
                read += packet.size
                clock.correct(packet)
                few = found.get(packet.stream.index)
                if few is not None and len(few) < _PACKETS and packet.dts is not None:
                    few.append(packet)
                if read > _MOST_BYTES or all(len(few) >= _PACKETS for few in found.values()):
                    break
        return found

    def _is_held(self, stream: Any, packets: list[Any]) -> bool:
        if stream.type == "audio" and self._options.audio_codec != "copy":
            self._check_encoder()
        problem = self._problem_in(self._plan.container, stream, packets)
        if problem is None:
            return True
        if stream.type == "audio":
            raise self._refusal(stream, packets)
        self._leave_out(stream, f"{self._target.suffix} does not hold it")
        return False

    def _problem_in(self, container: str, stream: Any, packets: list[Any]) -> str | None:
        """What keeps a container from holding a stream; None if nothing does."""
        av = import_av()
        cover = self._covers.get(stream.index)
        file = _Unclosed()
        begin = min((_time(packet) for packet in packets), default=Fraction(0))
        span = Span(begin, None, None, begin)
        try:
            header = bare_header(container, stream, packets[0]) if packets else None
            with av.open(file, "w", format=container) as output:
                if container in QUICKTIME and cover is not None:
                    output.add_stream("mpeg4", rate=25)  # cover art needs a film to go with
                carried = add_stream(output, stream, self._options, cover=cover, header=header)
                output.start_encoding()
                if carried is not None:
                    few = packets if cover is None else [_cover_packet(stream, cover)]
                    copies = (copy for packet in few for copy in moved(packet, carried, span))
                    for copy in rising(copies, output):
                        output.mux(copy)
                    if carried.encodes:
                        output.mux(carried.target.encode(None))
            if carried is not None and stream.type != "attachment":  # attachments alone make no film to be read
                _check_copy(file.getvalue(), carried, packets)
        except (av.error.FFmpegError, ValueError, OSError, TypeError, AttributeError) as error:
            return error_words(error)
        if header is not None:
            self._headers[stream.index] = header
        return None

    def _check_encoder(self) -> None:
        wanted = AUDIO_ENCODERS[self._options.audio_codec]
        if wanted in encoders():
            return
        others = [name for name, encoder in AUDIO_ENCODERS.items() if encoder in encoders()]
        raise OutputError(
            f"{shown(self._target)}: the installed PyAV lacks the encoder {wanted}",
            remedy=Remedy.CHOOSE,
            what=OptionRef("audio_codec", " or ".join(["copy", *others])),
        )

    def _refusal(self, stream: Any, packets: list[Any]) -> UsageError:
        target, container = self._target, self._plan.container
        if self._options.audio_codec != "copy":
            return UsageError(
                f"{shown(target)}: {target.suffix} does not hold {self._options.audio_codec}",
                remedy=Remedy.CHOOSE_ANOTHER,
                what=OptionRef("audio_codec"),
            )
        encoded = "opus" if container == "webm" else "aac"
        holding = [
            suffix
            for suffix in _SECOND_CHOICES
            if container != _CONTAINERS[suffix] and self._problem_in(_CONTAINERS[suffix], stream, packets) is None
        ]
        return UsageError(
            f"{shown(target)}: {target.suffix} does not hold the {name_of(stream)} sound of {shown(self._source)}",
            remedy=Remedy.CHOOSE,
            what=(OptionRef("audio_codec", encoded), OptionRef("no_audio"), *holding[:1]),
        )

    def _tried_together(self, carriage: Carriage, packets: dict[int, list[Any]]) -> Carriage:
        """Write a film of one picture with all that goes along, and see what is in it."""
        av = import_av()
        file = _Unclosed()
        picture = self._one_picture()

        def pictures_of(stream: Any) -> Iterator[Any]:
            for packet in picture:
                packet.stream, packet.time_base = stream, self._plan.time_base
                packet.pts = packet.dts = 0
                yield packet

        def others_of(others: list[Carried]) -> Iterator[Any]:
            for other in others:
                cover = self._covers.get(other.source.index)
                few = packets.get(other.source.index, []) if cover is None else [_cover_packet(other.source, cover)]
                for packet in few:
                    yield from moved(packet, other, carriage.span)
                if other.encodes:
                    yield from other.target.encode(None)

        try:
            others = write_film(file, self._opened, carriage, pictures_of, others_of)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise OutputError(
                f"{shown(self._target)}: {self._target.suffix} does not hold what goes along with the pictures "
                f"({error_words(error)})",
                remedy=Remedy.CHOOSE_OUTPUT,
                what="another container",
            ) from error
        self._note_early_sound(others)
        return self._read_back(file, carriage, others)

    def _one_picture(self) -> list[Any]:
        """The packets of a black frame."""
        native = import_av().VideoFrame(self._plan.width, self._plan.height, self._plan.pix_fmt)
        for index in range(len(native.planes)):
            plane_array(native, index, self._plan.layout.bits)[:] = 0  # what memory holds may be no code value
        native.pts, native.time_base = 0, self._plan.time_base
        encoder = Encoder(self._plan)
        return [*encoder.encode(native), *encoder.encode(None)]

    def _note_early_sound(self, others: list[Carried]) -> None:
        for other in others:
            if other.avi is not None and abs(other.avi.early) > _EARLY:
                self._notes.append(
                    Message(
                        f"{shown(self._source)}: its sound begins {abs(float(other.avi.early)):.2f} seconds "
                        f"{'early' if other.avi.early > 0 else 'late'}, since .avi has no times",
                        remedy=Remedy.CHOOSE,
                        values={"what": OptionRef("audio_codec", "pcm")},
                    )
                )

    def _read_back(self, file: io.BytesIO, carriage: Carriage, others: list[Carried]) -> Carriage:
        av, container = import_av(), self._plan.container
        wanted = own_metadata(self._opened.metadata)
        keys: dict[str, str] = {}
        with av.open(io.BytesIO(file.getvalue()), metadata_errors="replace") as read:
            lost = lost_keys(wanted, read.metadata)
            self._note_lost_tags(read, others)
            self._note_lost_attachments(read, carriage)
            if len(read.chapters()) < len(self._opened.chapters()) and carriage.span.begin is None:
                self._notes.append(f"{shown(self._source)}: the chapters are left out, {self._holds_no('them')}")
        if container in QUICKTIME and lost and append_keys(file, {}, full_box=container == "mp4"):
            keys, lost = {key: wanted[key] for key in lost}, []
        if lost:
            self._notes.append(f"{shown(self._source)}: left out, {self._holds_no('them')}: {', '.join(lost)}")
        if container == "avi" and self._plan.tags.display_matrix:
            self._notes.append(f"{shown(self._source)}: its rotation is left out, {self._holds_no('it')}")
        return replace(carriage, keys=keys)

    def _holds_no(self, what: str) -> str:
        return f"{self._target.suffix} does not hold {what}"

    def _note_lost_attachments(self, read: Any, carriage: Carriage) -> None:
        """Name attachments that a muxer took without a word and did not write, as WebM's does."""
        there = [stream.metadata.get("filename") for stream in read.streams if stream.type == "attachment"]
        for stream in self._opened.streams:
            wanted = stream.type == "attachment" and stream.index in carriage.kept
            if wanted and stream.metadata.get("filename") not in there:
                self._leave_out(stream, f"{self._target.suffix} does not hold it")

    def _note_lost_tags(self, read: Any, others: list[Carried]) -> None:
        """Name the tags of streams that are missing in what was written."""
        pictures = picture_stream(self._opened)
        targets = {pictures.index: 0} | {other.source.index: other.target.index for other in others}
        for stream in self._opened.streams:
            place = targets.get(stream.index)
            if place is None or place >= len(read.streams):
                continue
            found = read.streams[place].metadata | (read.metadata if place == 0 else {})
            lost = [key for key in lost_keys(own_metadata(stream.metadata), found) if key.lower() not in _STREAMS_OWN]
            if lost:
                name = "the pictures" if place == 0 else f"the {stream.type} stream {stream.index}"
                what = f"left out of {name}, {self._holds_no('them')}: {', '.join(lost)}"
                self._notes.append(f"{shown(self._source)}: {what}")


def _check_copy(data: bytes, carried: Carried, packets: list[Any]) -> None:
    """Read a stream that was written by itself.

    Raises
    ------
    av.FFmpegError, ValueError
        It is another one than was written, or cannot be decoded.
    """
    source = carried.source
    with import_av().open(io.BytesIO(data), metadata_errors="replace") as read:
        if is_cover(source):
            if not any(map(is_cover, read.streams)):
                raise ValueError("it is no cover there")
            return
        (copy,) = [stream for stream in read.streams if stream.type == source.type][:1] or [None]
        if copy is None or not (carried.encodes or _same_codec(name_of(copy), name_of(source))):
            raise ValueError("it is something else there")
        if source.type != "audio" or not packets:
            return
        copies = list(read.demux(copy))
        # a header may lack what the decoder needs, or have another notion of time
        if not [frame for packet in copies for frame in packet.decode()]:
            raise ValueError("it cannot be decoded there")
        if not carried.encodes and abs(_length(copies) - _length(packets)) > _OUT_OF_STEP:
            raise ValueError("its times are others there")


def _length(packets: list[Any]) -> Fraction:
    """Seconds from the first packet's begin to the last one's end."""
    timed = [packet for packet in packets if packet.dts is not None]
    if not timed:
        return Fraction(0)
    last = timed[-1]
    length: Fraction = _time(last) - _time(timed[0]) + (last.duration or 0) * last.time_base
    return length


def _same_codec(one: str, other: str) -> bool:
    # MP4 has one code for all layers of MPEG audio, and its decoders read them all
    return one == other or ({one[:2], other[:2]} == {"mp"} and {one[2:3], other[2:3]} <= {"1", "2", "3"})


class _Unclosed(io.BytesIO):
    """A file in memory that whoever writes it does not close."""

    def close(self) -> None:
        """Stay open."""


def _cover_packet(stream: Any, data: bytes) -> Any:
    packet = import_av().Packet(data)
    packet.stream, packet.time_base = stream, stream.time_base
    packet.pts = packet.dts = 0
    return packet


def _time(packet: Any) -> Fraction:
    time: Fraction = (packet.pts if packet.pts is not None else packet.dts) * packet.time_base
    return time
