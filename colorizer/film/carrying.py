"""Streams of a film beside its pictures, as streams of the new film: copied packet for packet, or sound encoded anew.

PyAV asks FFmpeg which codecs a container is known for, which is fewer than its muxers write (WMA in Matroska, say). So
where PyAV refuses a stream, a stream of another codec is made and given the source's parameters by FFmpeg's filter
"null", which passes packets unchanged.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from colorizer.film.clock import Clock, Span
from colorizer.film.options import FilmOptions
from colorizer.film.pyav import import_av
from colorizer.film.silence import AviSound

AUDIO_ENCODERS = {"aac": "aac", "opus": "libopus", "flac": "flac", "pcm": "pcm_s16le"}
"""FFmpeg's encoders, by the values of the option `audio_codec`."""

OPUS_RATE = 48000
"""Samples a second; Opus takes few rates, and this is the one that it works at."""

_STAND_INS = {
    "audio": ("pcm_s16le", "aac", "opus"),
    "video": ("mjpeg", "h264", "vp9"),
    "subtitle": ("subrip", "mov_text", "webvtt"),
}
"""Codecs that some container takes, by the type of stream; their parameters are replaced."""

_SAFE_STAND_INS = 18
"""PyAV's major version from which on parameters can be given to a stream without a codec; before, this crashed."""

_ADTS = "aac_adtstoasc"
"""FFmpeg's filter that takes the headers off packets of AAC in broadcasts; it inserts it by itself, but for AVI."""

_COVER_TYPES = {
    "mjpeg": ("cover.jpg", "image/jpeg"),
    "png": ("cover.png", "image/png"),
    "gif": ("cover.gif", "image/gif"),
    "bmp": ("cover.bmp", "image/bmp"),
    "webp": ("cover.webp", "image/webp"),
    "tiff": ("cover.tif", "image/tiff"),
}
"""How cover art is called in Matroska, and its media type, by FFmpeg's name of its codec."""

_MATROSKA = "matroska"


def name_of(stream: Any) -> str:
    """FFmpeg's name of a stream's codec; "unknown" where no decoder is there to tell."""
    if stream.codec_context is not None:
        return str(stream.codec_context.name)
    # streams of pictures, sound and titles ask their decoder
    return str(getattr(stream, "name", None) or "unknown")


def is_cover(stream: Any) -> bool:
    """Whether a stream is cover art: one picture that is no part of the film."""
    return bool(stream.disposition & import_av().stream.Disposition.attached_pic)


def is_timecode(stream: Any) -> bool:
    """Whether a stream is QuickTime's track of timecode, which a muxer writes anew from the metadata."""
    return stream.type == "data" and stream.codec_context is None and "timecode" in stream.metadata


def is_chapter_text(stream: Any, opened: Any) -> bool:
    """Whether a stream is what MP4 keeps the chapters' names in; the new container writes its own."""
    return stream.type == "data" and "mp4" in opened.format.name and bool(opened.chapters())


def is_unknown(stream: Any) -> bool:
    """Whether FFmpeg does not know a stream of pictures, sound or titles; a copy would lack what it cannot read."""
    return stream.codec_context is None and stream.type not in ("data", "attachment")


@dataclass(frozen=True)
class Carried:
    """A stream beside the pictures, in the source and in the new film."""

    source: Any
    target: Any
    encodes: bool  # whether it is encoded anew; else its packets are copied
    avi: AviSound | None = None  # in AVI, which has no times
    bare: Any = None  # FFmpeg's filter that takes headers off its packets


def bare_header(container: str, source: Any, packet: Any) -> bytes | None:
    """What AVI's header says of AAC whose packets begin with it in the source; None for all else."""
    if container != "avi" or name_of(source) != "aac" or source.codec_context.extradata:
        return None
    av = import_av()
    bare = av.bitstream.BitStreamFilterContext(_ADTS, in_stream=source).filter(av.Packet(bytes(packet)))
    return bytes(bare[0].get_sidedata("new_extradata")) if bare else None


def add_stream(
    output: Any, source: Any, options: FilmOptions, *, cover: bytes | None = None, header: bytes | None = None
) -> Carried | None:
    """Give a film that is being written a stream for one of the source's.

    Parameters
    ----------
    output
        PyAV's container; its header is not yet written.
    source
        PyAV's stream.
    options
        Whether sound is encoded anew.
    cover
        The picture, where the stream is cover art.
    header
        See `bare_header`.

    Returns
    -------
    Carried or None
        None where no packets have to be copied for it: Matroska keeps cover art as an attachment.

    Raises
    ------
    av.FFmpegError, ValueError
        The container does not take it.
    """
    from colorizer.film.metadata import own_metadata

    encodes = source.type == "audio" and options.audio_codec != "copy"
    if encodes:
        rate = OPUS_RATE if options.audio_codec == "opus" else source.codec_context.sample_rate
        target = output.add_stream(AUDIO_ENCODERS[options.audio_codec], rate=rate)
        target.codec_context.layout = source.codec_context.layout
    elif cover is not None and output.format.name == _MATROSKA:
        name, media_type = _COVER_TYPES.get(name_of(source), ("cover", "application/octet-stream"))
        kept = {key.lower(): value for key, value in source.metadata.items()}
        attached = output.add_attachment(kept.get("filename", name), kept.get("mimetype", media_type), cover)
        attached.metadata.update(own_metadata(source.metadata))
        attached.metadata.setdefault("filename", name)
        attached.metadata.setdefault("mimetype", media_type)
        return None
    else:
        target = _copied(output, source)
        if header is not None:
            target.codec_context.extradata = header
    target.metadata.update(own_metadata(source.metadata))
    target.disposition = int(source.disposition)
    avi = (
        AviSound(source if not encodes else target) if output.format.name == "avi" and source.type == "audio" else None
    )
    return Carried(source, target, encodes, avi)


def _copied(output: Any, source: Any) -> Any:
    av = import_av()
    try:
        return output.add_stream_from_template(source, opaque=True)
    except (av.error.FFmpegError, ValueError):
        if source.codec_context is None or int(av.__version__.split(".")[0]) < _SAFE_STAND_INS:
            raise
    target = None
    for name in _STAND_INS.get(source.type, ()):
        with contextlib.suppress(av.error.FFmpegError, ValueError):
            target = output.add_mux_stream(name)
            break
    if target is None:
        raise ValueError(f"no {source.type} streams")
    # the copy in between loses the tag that the source's container has for the codec; others have another one
    untagged = av.open(io.BytesIO(), "w", format="null").add_stream_from_template(source, opaque=True)
    av.bitstream.BitStreamFilterContext("null", untagged, target)
    target.time_base = source.time_base
    return target


def carried_packets(opened: Any, others: list[Carried], span: Span) -> Iterator[Any]:
    """Packets for the new film's streams, in the order of the file.

    Parameters
    ----------
    opened
        PyAV's container of the source.
    others
        Its streams that go along.
    span
        What is taken, and the new film's zero.
    """
    if not others:
        return
    av = import_av()
    clock = Clock(opened)
    of_index = {other.source.index: other for other in others}
    packets = opened.demux([] if clock.jumps else [other.source for other in others])
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None  # the source is cut off; what came before is worth having
        if packet is None:
            break
        clock.correct(packet)
        other = of_index.get(packet.stream.index)
        if other is not None:
            yield from moved(packet, other, span)
    for other in others:
        if other.encodes:
            yield from _aligned(other, other.target.encode(None))


def moved(packet: Any, other: Carried, span: Span) -> Iterator[Any]:
    """A packet of the source as packets of the new film."""
    if is_cover(other.source):
        if packet.size:
            packet.stream, packet.pts, packet.dts = other.target, 0, 0
            yield packet
        return
    time = packet.pts if packet.pts is not None else packet.dts
    if time is None:
        return  # the empty packet at the end of each stream
    at = time * packet.time_base
    if (span.begin is not None and at < span.begin) or (span.end is not None and at >= span.end):
        return
    shift = round(span.zero / packet.time_base)
    if other.encodes:
        yield from _aligned(other, _encoded(other, packet, shift))
        return
    packet.pts = None if packet.pts is None else packet.pts - shift
    packet.dts = None if packet.dts is None else packet.dts - shift
    base = packet.time_base
    packets = [packet] if other.bare is None else other.bare.filter(packet)
    for one in packets:
        one.stream, one.time_base = other.target, base
    yield from _aligned(other, packets)


def _aligned(other: Carried, packets: Any) -> Iterator[Any]:
    for packet in packets:
        if other.avi is None:
            yield packet
        else:
            yield from other.avi.aligned(packet, other.target)


def _encoded(other: Carried, packet: Any, shift: int) -> Iterator[Any]:
    av = import_av()
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        return  # a damaged packet is a moment of silence, no reason to give up the film
    for frame in frames:
        # copied packets are shifted by their own times; what is encoded anew takes those of its frames
        if frame.pts is not None:
            frame.pts -= round(shift * packet.time_base / frame.time_base)
        yield from other.target.encode(frame)


def cover_pictures(opened: Any) -> dict[int, bytes]:
    """The films' cover art by the indices of its streams; to be called before anything else is read."""
    wanted = [stream for stream in opened.streams if is_cover(stream) and stream.codec_context is not None]
    found: dict[int, bytes] = {}
    if not wanted:
        return found
    av = import_av()
    with contextlib.suppress(av.error.FFmpegError):
        # FFmpeg gives cover art first
        for packet in opened.demux(wanted):
            if packet.size:
                found[packet.stream.index] = bytes(packet)
            if len(found) == len(wanted):
                break
    return found
