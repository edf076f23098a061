"""Frames through pipes: YUV4MPEG2, and bare frames whose size and pixel format the caller knows.

Needs no PyAV. Sources: yuv4mpeg(5) of mjpegtools, and FFmpeg's yuv4mpegdec.c for depths beyond 8 bits, mono10 and
XCOLORRANGE. Parameters of a header that are not understood are passed through unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import IO

import numpy as np

from colorizer.color.ycbcr import ColorEncoding, PlaneLayout, guess_matrix
from colorizer.errors import InputError, OptionRef, Remedy, UsageError
from colorizer.film.formats import SUBSAMPLINGS, layout_of
from colorizer.film.frame import Frame, Plane

_MAGIC = b"YUV4MPEG2"
_LONGEST_LINE = 4096
_MOST_PIXELS = 1 << 28
"""Pixels of a frame beyond which a header is taken for damage."""

_DEEPEST = 16
_SPACE = re.compile(r"(420|422|444|411|mono)(?:jpeg|mpeg2|paldv)?(?:p?(\d+))?$")
_RAW = re.compile(r"(\d+)x(\d+)@(\d+(?:[./]\d+)?):(\w+)$")


@dataclass(frozen=True)
class StreamFormat:
    """Size, layout and meaning of a stream's frames."""

    width: int
    height: int
    layout: PlaneLayout
    encoding: ColorEncoding
    interlaced: bool = False
    parameters: tuple[str, ...] = ()  # of a YUV4MPEG2 header, without the colour space; passed through

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        rows, columns = self.layout.chroma_size(self.height, self.width)
        samples = self.width * self.height + (2 * rows * columns if self.layout.subsampling else 0)
        return samples * _sample_bytes(self.layout)

    @property
    def written(self) -> PlaneLayout:
        """The layout in which the coloured frames are written: the same, and 4:2:0 for grey."""
        return self.layout if self.layout.subsampling else replace(self.layout, subsampling=(2, 2))


def _sample_bytes(layout: PlaneLayout) -> int:
    return 1 if layout.bits == 8 else 2


def _line(stream: IO[bytes]) -> bytes:
    return stream.readline(_LONGEST_LINE)


def read_header(stream: IO[bytes]) -> StreamFormat:
    """The header of a YUV4MPEG2 stream.

    Raises
    ------
    InputError
        It is no such header, or what it says is not understood.
    """
    line = _line(stream)
    words = line.decode("ascii", "replace").split()
    if not line.startswith(_MAGIC) or not line.endswith(b"\n") or not words:
        raise InputError("the input is no YUV4MPEG2 stream", remedy=Remedy.WRITE_YUV4MPEG2)
    given = {word[0]: word[1:] for word in words[1:] if word[0] in "WHCI"}
    extra = [word for word in words[1:] if word.startswith("X")]
    try:
        width, height = int(given["W"]), int(given["H"])
    except (KeyError, ValueError) as error:
        raise InputError("the YUV4MPEG2 header names no width and height; the stream is damaged") from error
    if not 0 < width * height <= _MOST_PIXELS or width < 1:
        raise InputError(f"the YUV4MPEG2 header claims frames of {width}x{height}; the stream is damaged")
    space = given.get("C", "420jpeg")  # the default of yuv4mpeg(5)
    found = _SPACE.match(space)
    if not found or not 8 <= int(found[2] or 8) <= _DEEPEST:
        raise InputError(f"YUV4MPEG2 colour space {space} is not understood; convert to 420, 422, 444 or mono")
    layout = PlaneLayout(int(found[2] or 8), SUBSAMPLINGS.get(found[1]))
    siting = "left" if "mpeg2" in space or found[1] in ("422", "411") or layout.bits > 8 else "centre"
    encoding = ColorEncoding(guess_matrix(0, height, width), "XCOLORRANGE=FULL" in extra, siting=siting)  # type: ignore[arg-type]
    # the colour space, and FFmpeg's older way to say it, are written anew
    parameters = tuple(word for word in words[1:] if not word.startswith(("C", "XYSCSS=")))
    interlaced = given.get("I", "p") in ("t", "b", "m")
    return StreamFormat(width, height, layout, encoding, interlaced, parameters)


def y4m_header(stream: StreamFormat) -> bytes:
    """The header of the coloured stream: the source's, with the colour space that is written."""
    layout = stream.written
    names = {steps: name for name, steps in SUBSAMPLINGS.items()}
    name = names[layout.subsampling or (2, 2)]
    if layout.bits > 8:
        name += f"p{layout.bits}"
    elif name == "420":
        name += "mpeg2" if stream.encoding.siting == "left" else "jpeg"
    return " ".join([_MAGIC.decode(), *stream.parameters, f"C{name}"]).encode("ascii", "replace") + b"\n"


def parse_rawvideo(text: str) -> StreamFormat:
    """What frames a stream without a header holds, from `WxH@FPS:pix_fmt`.

    Raises
    ------
    UsageError
        The text has another form, or the pixel format is neither planar Y'CbCr nor grey.
    """
    option = OptionRef("rawvideo", text)
    found = _RAW.match(text.strip())
    if not found:
        raise UsageError("expected WIDTHxHEIGHT@RATE:PIX_FMT, such as 640x480@25:gray", option=option)
    width, height, rate, pix_fmt = int(found[1]), int(found[2]), Fraction(found[3]), found[4]
    layout = layout_of(pix_fmt)
    if layout is None or not 0 < width * height <= _MOST_PIXELS or not rate:
        raise UsageError("expected a size, a rate and gray, yuv420p, yuv422p, yuv444p or with 10le", option=option)
    full = pix_fmt.startswith(("yuvj", "gray"))
    encoding = ColorEncoding(guess_matrix(0, height, width), full)
    return StreamFormat(width, height, layout, encoding)


@dataclass(frozen=True)
class PipedFrame:
    """A frame of a pipe."""

    frame: Frame
    header: bytes  # its FRAME line; empty for bare frames


def read_frames(stream: IO[bytes], form: StreamFormat, *, headed: bool) -> Iterator[PipedFrame]:
    """Frames as they come.

    Parameters
    ----------
    stream
        A binary stream, after its header.
    form
        What its frames are.
    headed
        Whether each frame has a FRAME line before it.

    Raises
    ------
    InputError
        The stream breaks off within a frame, or something else stands where a frame should begin. The frames before
        have been given.
    """
    number = 0
    while True:
        header = b""
        if headed:
            header = _line(stream)
            if not header:
                return
            if not header.startswith(b"FRAME") or not header.endswith(b"\n"):
                raise InputError(f"something else stands where frame {number + 1} should begin; the stream is damaged")
        data = stream.read(form.frame_bytes)
        if not data and not headed:
            return
        if len(data) < form.frame_bytes:
            raise InputError(f"the stream breaks off within frame {number + 1}; the frames before are coloured")
        number += 1
        yield PipedFrame(_frame(data, form), header)


def _frame(data: bytes, form: StreamFormat) -> Frame:
    kind = np.dtype("<u2" if _sample_bytes(form.layout) > 1 else "u1")
    samples = np.frombuffer(data, kind)
    split = form.width * form.height
    luma = samples[:split].reshape(form.height, form.width)
    chroma = None
    if form.layout.subsampling:
        size = form.layout.chroma_size(form.height, form.width)
        cb, cr = samples[split:].reshape(2, *size)
        chroma = (cb, cr)
    return Frame(luma, chroma, form.layout, form.encoding, form.interlaced)


def write_frame(stream: IO[bytes], header: bytes, luma: Plane, chroma: tuple[Plane, Plane]) -> None:
    """Write a frame, and flush it, since whoever reads the pipe waits for it.

    Raises
    ------
    BrokenPipeError
        Nobody reads the pipe any more.
    """
    stream.write(header)
    for plane in (luma, *chroma):
        stream.write(np.ascontiguousarray(plane).data)
    stream.flush()
