"""Frames through pipes: YUV4MPEG2, and bare frames whose size and format are told.

Standard library and NumPy alone; PyAV is not needed. Source: yuv4mpeg(5) of mjpegtools, and FFmpeg's yuv4mpegdec.c for
the depths beyond 8 bits, mono10 and XCOLORRANGE. What a header says beyond what is understood is handed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import IO

import numpy as np

from colorizer.errors import InputError, OptionRef, Remedy, UsageError
from colorizer.film.encoding import Encoding, Layout, guess_matrix
from colorizer.film.formats import layout_of
from colorizer.film.frame import Frame, Plane

_MAGIC = b"YUV4MPEG2"
_LONGEST_LINE = 4096
_MOST_PIXELS = 1 << 28
"""Pixels of a frame beyond which a header is taken for damage."""

_DEEPEST = 16
_SPACE = re.compile(r"(420|422|444|411|mono)(?:jpeg|mpeg2|paldv)?(?:p?(\d+))?$")
_STEPS = {"420": (2, 2), "422": (1, 2), "444": (1, 1), "411": (1, 4)}
_RAW = re.compile(r"(\d+)x(\d+)@(\d+(?:[./]\d+)?):(\w+)$")


@dataclass(frozen=True)
class Stream:
    """What a stream's frames are."""

    width: int
    height: int
    layout: Layout
    encoding: Encoding
    interlaced: bool = False
    words: tuple[str, ...] = ()  # of a YUV4MPEG2 header, without the colour space

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        rows, columns = self.layout.chroma_size(self.height, self.width)
        samples = self.width * self.height + (2 * rows * columns if self.layout.chroma else 0)
        return samples * _width_of(self.layout)

    @property
    def written(self) -> Layout:
        """The layout in which the coloured frames are written: the same, and 4:2:0 for grey."""
        return self.layout if self.layout.chroma else replace(self.layout, chroma=(2, 2))


def _width_of(layout: Layout) -> int:
    return 1 if layout.bits == 8 else 2


def _line(stream: IO[bytes]) -> bytes:
    return stream.readline(_LONGEST_LINE)


def read_header(stream: IO[bytes]) -> Stream:
    """The header of a YUV4MPEG2 stream.

    Raises
    ------
    InputError
        It is none, or what it says is not understood.
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
    space = given.get("C", "420jpeg")
    found = _SPACE.match(space)
    if not found or not 8 <= int(found[2] or 8) <= _DEEPEST:
        raise InputError(f"YUV4MPEG2 colour space {space} is not understood; convert to 420, 422, 444 or mono")
    layout = Layout(int(found[2] or 8), _STEPS.get(found[1]))
    siting = "left" if "mpeg2" in space or found[1] in ("422", "411") or layout.bits > 8 else "centre"
    encoding = Encoding(guess_matrix(0, height, width), "XCOLORRANGE=FULL" in extra, siting=siting)  # type: ignore[arg-type]
    kept = tuple(word for word in words[1:] if not word.startswith(("C", "XYSCSS=")))
    return Stream(width, height, layout, encoding, given.get("I", "p") in ("t", "b", "m"), kept)


def header(stream: Stream) -> bytes:
    """The header of the coloured stream: what the source's said, with its colour space."""
    layout = stream.written
    names = {steps: name for name, steps in _STEPS.items()}
    name = names[layout.chroma or (2, 2)]
    if layout.bits > 8:
        name += f"p{layout.bits}"
    elif name == "420":
        name += "mpeg2" if stream.encoding.siting == "left" else "jpeg"
    return " ".join([_MAGIC.decode(), *stream.words, f"C{name}"]).encode("ascii", "replace") + b"\n"


def parse_rawvideo(text: str) -> Stream:
    """What frames a stream without a header holds, from `WxH@FPS:pix_fmt`.

    Raises
    ------
    UsageError
        It cannot be read so, or the pixel format is none of planar Y'CbCr or grey.
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
    encoding = Encoding(guess_matrix(0, height, width), full)
    return Stream(width, height, layout, encoding)


@dataclass(frozen=True)
class Piped:
    """A frame of a pipe, and its header line; empty for bare frames."""

    frame: Frame
    head: bytes


def read_frames(stream: IO[bytes], what: Stream, *, headed: bool) -> Iterator[Piped]:
    """Frames as they come; `headed` ones have a FRAME line each.

    Raises
    ------
    InputError
        The stream breaks off within a frame, or something else stands where a frame should begin. The frames before
        have been given.
    """
    number = 0
    while True:
        head = b""
        if headed:
            head = _line(stream)
            if not head:
                return
            if not head.startswith(b"FRAME") or not head.endswith(b"\n"):
                raise InputError(f"something else stands where frame {number + 1} should begin; the stream is damaged")
        data = stream.read(what.frame_bytes)
        if not data and not headed:
            return
        if len(data) < what.frame_bytes:
            raise InputError(f"the stream breaks off within frame {number + 1}; the frames before are coloured")
        number += 1
        yield Piped(_frame(data, what), head)


def _frame(data: bytes, what: Stream) -> Frame:
    kind = np.dtype("<u2" if _width_of(what.layout) > 1 else "u1")
    samples = np.frombuffer(data, kind)
    split = what.width * what.height
    luma = samples[:split].reshape(what.height, what.width)
    chroma = None
    if what.layout.chroma:
        size = what.layout.chroma_size(what.height, what.width)
        blue, red = samples[split:].reshape(2, *size)
        chroma = (blue, red)
    return Frame(luma, chroma, what.layout, what.encoding, what.interlaced)


def write_frame(stream: IO[bytes], head: bytes, luma: Plane, chroma: tuple[Plane, Plane]) -> None:
    """Write a frame and see that it leaves at once."""
    stream.write(head)
    for plane in (luma, *chroma):
        stream.write(np.ascontiguousarray(plane).data)
    stream.flush()
