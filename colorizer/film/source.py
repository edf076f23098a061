"""Films, read with PyAV: what is in them, and their frames with exact times.

Knows nothing of colour beyond the tags. Damaged packets are counted and passed over; times that are missing or do not
rise are mended and counted; frames of another size than the first are scaled to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from colorizer.errors import InputError, MissingExtraError, shown
from colorizer.film.deinterlacing import deinterlaced, deinterlaced_base
from colorizer.film.encoding import BT2020, FULL, Encoding, Layout, guess_matrix
from colorizer.film.formats import layout_of, pixel_format
from colorizer.film.frame import Frame, Plane
from colorizer.film.length import stated_end

_UNSPECIFIED_IS_LIMITED = {"h264", "hevc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "theora"}
"""Codecs whose untagged grey is limited by their standard; elsewhere FFmpeg and players take grey for full range."""

_ROUNDING = Fraction(1)
"""Seconds by which a film may end before it says, without having been cut off: headers are rough."""

_PROGRESSIVE = {0, 1}
"""Codes of the field order: unknown and progressive."""


def import_av() -> Any:
    """PyAV.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("film", "PyAV", "video") from error
    return av


@dataclass(frozen=True)
class Tags:
    """Codes of H.273 as the film carries them, and what is shown how; for the output."""

    matrix: int
    primaries: int
    transfer: int
    full_range: bool
    aspect: Fraction | None  # of a pixel
    display_matrix: tuple[int, ...] | None


@dataclass(frozen=True)
class Description:
    """What a film's pictures are."""

    width: int
    height: int
    time_base: Fraction  # seconds to a unit of time stamps
    rate: Fraction  # frames a second; average or guessed
    frames: int | None  # about how many
    layout: Layout  # of its frames, after `_readable`
    encoding: Encoding
    tags: Tags
    interlaced: bool
    field_order: int
    transparent: bool


@dataclass
class Troubles:
    """What was passed over or mended while reading."""

    damaged: int = 0
    mended_times: int = 0
    scaled: int = 0
    cut_short: bool = False
    ends: tuple[Fraction, Fraction] | None = None
    """Seconds: where the pictures end, and where the film says that they do, if that is later."""


@dataclass(frozen=True)
class Timed:
    """A frame and when it is shown."""

    frame: Frame
    time: int  # in units of the film's time base
    duration: int  # likewise; 0 where the film does not say


def open_film(path: Path) -> Any:
    """A PyAV container with pictures in it.

    Raises
    ------
    InputError
        The file is missing, no film, or holds no pictures.
    """
    av = import_av()
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: cannot be read as a film ({_words(error)}); is it complete?") from error
    if picture_stream(container) is None:
        container.close()
        raise InputError(f"{shown(path)}: holds no moving pictures; there is nothing to colour")
    return container


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).split("\n", 1)[0]


def picture_stream(container: Any) -> Any:
    """The stream of moving pictures: the first that is no cover picture and can be decoded."""
    av = import_av()
    covers = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & covers and stream.codec_context is not None:
            return stream
    return None


class Reader:
    """The frames of a film, one after another; once.

    Parameters
    ----------
    path
        The file.
    span
        Start and end in seconds from the film's zero; None for all.
    deinterlace
        Whether frames of two fields are made whole, see `colorizer.film.deinterlacing`.

    Raises
    ------
    InputError
        The file cannot be read, or not one frame of it decoded.
    """

    def __init__(
        self,
        path: Path,
        span: tuple[Fraction | None, Fraction | None] = (None, None),
        deinterlace: Literal["no", "frame", "field"] = "no",
    ) -> None:
        self._path, self._span, self._deinterlace = path, span, deinterlace
        self.troubles = Troubles()
        self._container = open_film(path)
        self._stream = picture_stream(self._container)
        self._stream.thread_type = "AUTO"
        self._natives = self._whole(self._decoded())
        first = next(self._natives, None)
        if first is None:
            self.close()
            raise InputError(f"{shown(path)}: no frame of it can be decoded; the file is damaged or empty")
        self._first = first
        self.description = self._describe(first)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _describe(self, native: Any) -> Description:
        stream = self._stream
        context = stream.codec_context
        pix_fmt = _readable(native.format.name)
        layout = layout_of(pix_fmt)
        if layout is None:
            raise InputError(f"{shown(self._path)}: frames of {native.format.name} are not understood")
        name = native.format.name
        grey = layout.chroma is None
        if name.startswith("yuvj"):
            full = True
        elif native.color_range:
            full = native.color_range == FULL
        else:
            full = grey and context.name not in _UNSPECIFIED_IS_LIMITED
        matrix = guess_matrix(native.colorspace, native.height, native.width)
        primaries = int(native.color_primaries)
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
        if not 1 <= rate <= _FASTEST:
            rate = Fraction(25)
        encoding = Encoding(matrix, full, primaries == BT2020, "centre" if full and name.startswith("yuvj") else "left")
        tags = Tags(
            matrix=matrix,
            primaries=primaries,
            transfer=int(native.color_trc),
            full_range=full,
            aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio,
            display_matrix=_display_matrix(native),
        )
        frames = stream.frames or self._guessed_frames(rate)
        time_base = stream.time_base
        if self._deinterlace == "field":
            rate, frames = rate * 2, frames * 2 if frames else None
            time_base = deinterlaced_base(time_base, self._deinterlace)
        field_order = getattr(context, "field_order", 0)  # PyAV 17 does not tell
        interlaced = self._deinterlace == "no" and (native.interlaced_frame or field_order not in _PROGRESSIVE)
        return Description(
            native.width,
            native.height,
            time_base,
            rate,
            frames,
            layout,
            encoding,
            tags,
            interlaced,
            field_order,
            any(component.is_alpha for component in native.format.components),
        )

    def _guessed_frames(self, rate: Fraction) -> int | None:
        if self._stream.duration:
            duration: Fraction = self._stream.duration * self._stream.time_base
            return round(duration * rate)
        if self._container.duration:
            return round(Fraction(self._container.duration, 1_000_000) * rate)
        return None

    def _whole(self, natives: Iterator[Any]) -> Iterator[Any]:
        if self._deinterlace == "no":
            return natives
        return deinterlaced(natives, self._deinterlace, self._stream.time_base)

    def _decoded(self) -> Iterator[Any]:
        av = import_av()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                self.troubles.cut_short = True
                packet = None
            if packet is None:
                break
            try:
                for native in packet.decode():
                    self.troubles.damaged += native.is_corrupt
                    yield native
            except av.error.EOFError:
                break
            except (av.error.FFmpegError, ValueError):
                self.troubles.damaged += 1
        try:
            yield from self._stream.decode(None)
        except (av.error.FFmpegError, ValueError):
            return

    def frames(self) -> Iterator[Timed]:
        """Frames in the order in which they are shown."""
        description = self.description
        step = max(1, round(1 / (description.rate * description.time_base)))
        begin, end = (None if at is None else at / description.time_base for at in self._span)
        last: int | None = None
        for native in self._all():
            time = native.pts
            if time is None or (last is not None and time <= last):
                time = 0 if last is None else last + (step if time is None else 1)
                self.troubles.mended_times += 1
            last = time
            if end is not None and time >= end:
                return
            if begin is None or time >= begin:
                yield Timed(self._frame(native), time, native.duration or 0)
        self._compare_end((last or 0) + (native.duration or step))

    def _compare_end(self, end: int) -> None:
        shown, stated = end * self.description.time_base, stated_end(self._container, self._stream)
        if stated is not None and stated - shown > _ROUNDING:
            self.troubles.ends = shown, stated

    def spread(self, count: int) -> list[Timed]:
        """Some frames spread evenly over the film; no others after them."""
        description = self.description
        begin, end = (None if at is None else round(at / description.time_base) for at in self._span)
        first = self._first.pts or 0
        begin = max(begin or first, first)
        length = round((description.frames or 1) / (description.rate * description.time_base))
        if self._stream.duration:
            length = round(self._stream.duration * self._stream.time_base / description.time_base)
        end = min(end or first + length, first + length)
        found: dict[int, Timed] = {}
        for number in range(count):
            moment = begin + (end - begin) * (2 * number + 1) // (2 * count)
            native = self._at(moment)
            if native is not None and native.pts not in found:
                found[native.pts] = Timed(self._frame(native), native.pts, 0)
        return [found[time] for time in sorted(found)] or [Timed(self._frame(self._first), first, 0)]

    def _at(self, moment: int) -> Any:
        """The first frame at a time or after it, as far as the file can be searched."""
        av = import_av()
        try:
            place = round(moment * self.description.time_base / self._stream.time_base)
            self._container.seek(place, stream=self._stream)
            for packet in self._container.demux(self._stream):
                for native in packet.decode():
                    if native.pts is not None and native.pts >= place:
                        return next(self._whole(iter([native])), native)
        except av.error.FFmpegError:
            return None
        return None

    def _all(self) -> Iterator[Any]:
        yield self._first
        yield from self._natives

    def _frame(self, native: Any) -> Frame:
        wanted = self.description
        pix_fmt = _readable(native.format.name)
        size = (native.width, native.height)
        self.troubles.scaled += size != (wanted.width, wanted.height)
        layout = layout_of(pix_fmt)
        if pix_fmt != native.format.name or size != (wanted.width, wanted.height) or layout != wanted.layout:
            target = pix_fmt if layout == wanted.layout else pixel_format(wanted.layout)
            if not native.format.name.startswith("yuvj") or size != (wanted.width, wanted.height):
                native = _reformatted(native, wanted, target)
        planes = [
            as_array(native, index, wanted.layout.bits) for index in range(1 if wanted.layout.chroma is None else 3)
        ]
        return Frame(
            planes[0],
            (planes[1], planes[2]) if wanted.layout.chroma else None,
            wanted.layout,
            wanted.encoding,
            bool(native.interlaced_frame),
            native,
        )


_FASTEST = 1000
"""Frames a second; what claims to be faster has a time base that means something else."""


def _reformatted(native: Any, wanted: Description, pix_fmt: str) -> Any:
    """A frame in another pixel format or size; RGB becomes Y'CbCr by the film's matrix."""
    converted = native.reformat(
        wanted.width,
        wanted.height,
        pix_fmt,
        dst_colorspace=_SCALER_MATRICES.get(wanted.encoding.matrix, "ITU709"),
        dst_color_range="JPEG" if wanted.encoding.full_range else "MPEG",
    )
    converted.pts, converted.time_base = native.pts, native.time_base
    return converted


_SCALER_MATRICES = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M"}


def _readable(pix_fmt: str) -> str:
    """The planar little-endian format that holds what another one holds; RGB becomes 4:4:4, alpha is left out."""
    name = {
        "nv12": "yuv420p",
        "nv21": "yuv420p",
        "nv16": "yuv422p",
        "yuyv422": "yuv422p",
        "uyvy422": "yuv422p",
        "p010le": "yuv420p10le",
        "p210le": "yuv422p10le",
        "monow": "gray",
        "monob": "gray",
        "ya8": "gray",
        "ya16le": "gray16le",
    }.get(pix_fmt, pix_fmt)
    name = name.replace("yuva", "yuv").replace("16be", "16le").replace("10be", "10le").replace("12be", "12le")
    if name.startswith("yuvj"):
        return "yuv" + name[4:]
    if layout_of(name) is None:
        deep = any(mark in name for mark in ("9", "10", "12", "14", "16", "48", "64", "30"))
        return "yuv444p10le" if deep else "yuv444p"
    return name


def _display_matrix(native: Any) -> tuple[int, ...] | None:
    """The nine numbers of the film's rotation or mirroring."""
    found = native.side_data.get("DISPLAYMATRIX")
    if found is None:
        return None
    return tuple(int(number) for number in np.frombuffer(bytes(found), np.int32)[:9])


def as_array(native: Any, index: int, bits: int) -> Plane:
    """A plane of a PyAV frame as an array that shares its memory."""
    plane = native.planes[index]
    kind = np.dtype(np.uint8 if bits == 8 else np.uint16)
    whole = np.frombuffer(plane, kind)
    pitch = plane.line_size // kind.itemsize
    array: Plane = np.ndarray((plane.height, plane.width), kind, whole, strides=(pitch * kind.itemsize, kind.itemsize))
    return array
