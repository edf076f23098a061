"""The pixels of JPEG 2000: what a file says of its channels, and what OpenJPEG makes of them.

OpenJPEG (through imagecodecs) decodes the code stream, looks palettes up, puts channels in order and turns coarser
chroma into RGB; luma and chroma of full size become RGB here, since it would cut fractions of code values off. Channels
of different depth or size, which that way does not take, go through Pillow, at 8 bits.

Source: ITU-T T.800 annexes A.5.1 (SIZ) and I.5.3 (boxes of the header); ITU-T T.801 annex M.11.7.3 (more spaces).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from colorizer.color.pixels import FULL_SCALE
from colorizer.media.boxes import boxes
from colorizer.media.cicp import Cicp
from colorizer.media.damage import DamagedError
from colorizer.media.picture import Pixels, UnsupportedError
from colorizer.media.profiles import Space, space_of
from colorizer.media.raster import CheckSize, opened, planes
from colorizer.media.samples import in_strips, straightened

CODESTREAM_SIGNATURE = b"\xff\x4f\xff\x51"

_PART_2 = 0x8000
_SIGNED = 0x80
_DEEPEST = 16

_ENUMERATED, _RESTRICTED_ICC, _ANY_ICC, _CODE_POINTS = 1, 2, 3, 5
_SPACES: dict[int, Space] = {12: "cmyk", 15: "gray", 16: "rgb", 17: "gray", 18: "rgb"}
"""Enumerated colour spaces: CMYK, bilevel, sRGB, grey, sYCC (which OpenJPEG turns into RGB)."""
_INVERTED_BILEVEL, _SRGB, _SYCC = 0, 16, 18
_YCC_TO_RGB = np.array([[1, 1, 1], [0, -0.344136, 1.772], [1.402, -0.714136, 0]], np.float32)
"""For rows of luma, blue and red difference."""
_SUBSAMPLED = (((1, 1), (2, 1), (2, 1)), ((1, 1), (2, 2), (2, 2)))
"""Steps of the components of 4:2:2 and 4:2:0."""
_COLORS = {"gray": 1, "rgb": 3, "cmyk": 4}
_COLOR, _OPACITY, _PREMULTIPLIED = 0, 1, 2


@dataclass(frozen=True)
class CodeStream:
    """What the begin of a code stream says.

    Attributes
    ----------
    place
        Where it begins.
    width, height
        Of the picture.
    depths
        Bits of each component.
    steps
        Columns and rows of the picture to a sample of each component.
    """

    place: int
    width: int
    height: int
    depths: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Header:
    """What the boxes around a code stream say of its channels.

    Attributes
    ----------
    space
        What the colours are; None where it is not said.
    inverted
        Whether 0 is white.
    profile
        The ICC profile.
    palette_depths
        Bits of each column of the palette; empty without one.
    channels
        Number, type and colour of each channel that is described.
    cicp
        The colour space by code points.
    ycc_at
        Where the file says that it is sYCC; None where it does not.
    """

    space: Space | None = None
    inverted: bool = False
    profile: bytes = b""
    palette_depths: tuple[int, ...] = ()
    channels: tuple[tuple[int, int, int], ...] = ()
    cicp: Cicp | None = None
    ycc_at: int | None = None


def read_code_stream(data: bytes) -> CodeStream:
    """Find the code stream and read its sizes.

    Raises
    ------
    DamagedError
        There is none, or one that makes no sense.
    UnsupportedError
        It needs a decoder of part 2 of the standard, or is deeper than 16 bits.
    """
    place = data.find(CODESTREAM_SIGNATURE)
    if place < 0:
        raise DamagedError("no code stream")
    (capabilities,) = struct.unpack_from(">H", data, place + 6)
    right, bottom, left, top = struct.unpack_from(">4I", data, place + 8)
    (count,) = struct.unpack_from(">H", data, place + 40)
    components = [tuple(data[place + 42 + 3 * i : place + 45 + 3 * i]) for i in range(count)]
    if not count or len(components[-1]) < 3 or right <= left or bottom <= top:
        raise DamagedError("a code stream whose sizes make no sense")
    depths = tuple((component[0] & ~_SIGNED) + 1 for component in components)
    if capabilities & _PART_2:
        raise UnsupportedError("JPEG 2000 with extensions of the standard's part 2 is not read; save it as TIFF")
    if max(depths) > _DEEPEST:
        raise UnsupportedError(f"JPEG 2000 of {max(depths)} bits is not read; save it with 16")
    steps = tuple((component[1], component[2]) for component in components)
    return CodeStream(place, right - left, bottom - top, depths, steps)


def read_header(data: bytes) -> Header:
    """What the boxes of a JP2 file say of its channels; nothing of a bare code stream.

    Raises
    ------
    UnsupportedError
        The colour space is one that is not read.
    """
    space: Space | None = None
    inverted, profile, said = False, b"", False
    depths: tuple[int, ...] = ()
    channels: tuple[tuple[int, int, int], ...] = ()
    unknown = cicp = ycc_at = None
    for kind, start, stop in _header_boxes(data):
        if kind == b"colr" and not said and stop - start >= 3:
            method = data[start]
            number = int.from_bytes(data[start + 3 : start + 7], "big")
            if method in (_RESTRICTED_ICC, _ANY_ICC):
                profile, said = data[start + 3 : stop], True
                space = space_of(profile)
            elif method == _ENUMERATED and number in (_INVERTED_BILEVEL, *_SPACES):
                space, inverted, said = _SPACES.get(number, "gray"), number == _INVERTED_BILEVEL, True
                ycc_at = start + 3 if number == _SYCC else None
            elif method == _CODE_POINTS and stop - start >= 7:
                cicp, said = Cicp(*struct.unpack_from(">2H", data, start + 3)), True
            elif method == _ENUMERATED:
                unknown = number
        elif kind == b"pclr" and stop - start >= 3:
            depths = tuple((bits & ~_SIGNED) + 1 for bits in data[start + 3 : start + 3 + data[start + 2]])
        elif kind == b"cdef" and stop - start >= 2:
            (count,) = struct.unpack_from(">H", data, start)
            count = min(count, (stop - start - 2) // 6)
            channels = tuple(struct.unpack_from(">3H", data, start + 2 + 6 * i) for i in range(count))
    if unknown is not None and not said:
        raise UnsupportedError(f"JPEG 2000 in the colour space {unknown} is not read; save it as sRGB or grey")
    return Header(space, inverted, profile, depths, channels, cicp, ycc_at)


def _header_boxes(data: bytes) -> list[tuple[bytes, int, int]]:
    for kind, start, stop in boxes(data, 0, len(data)):
        if kind == b"jp2h":
            return list(boxes(data, start, stop))
    return []


def decode_pixels(
    data: bytes, stream: CodeStream, header: Header, check_size: CheckSize
) -> tuple[Pixels, Pixels | None, Space, list[str]]:
    """Decode samples and alpha, at full scale, and say what they are and what was left out.

    Raises
    ------
    UnsupportedError
        The channels differ in depth or size beyond 8 bits.
    DamagedError
        There are fewer channels than colours.
    """
    depths = header.palette_depths or stream.depths
    usual = len(set(depths)) == 1 and (set(stream.steps) == {(1, 1)} or stream.steps in _SUBSAMPLED)
    if not usual and max(depths) > 8:
        raise UnsupportedError(
            "JPEG 2000 whose channels differ in depth or size is read up to 8 bits only; save it as TIFF"
        )
    if not usual:
        with opened(data, "JPEG2000", check_size) as image:
            image.load()
            samples, alpha, space = planes(image)
        return samples, alpha, space, []
    ycc_at = header.ycc_at if set(stream.steps) == {(1, 1)} else None
    if ycc_at is not None:
        # called RGB, it comes out of the decoder as it is stored
        data = data[:ycc_at] + struct.pack(">I", _SRGB) + data[ycc_at + 4 :]
    samples, alpha, space, notes = _told_apart(_full_scale(_by_openjpeg(data), depths[0]), header)
    if ycc_at is not None and space == "rgb":
        samples = _from_ycc(samples, depths[0])
    return samples, alpha, space, notes


def _from_ycc(samples: Pixels, bits: int) -> Pixels:
    """RGB of 16 bits of sYCC, which has the weights of BT.601 and full range (IEC 61966-2-1 amendment 1)."""
    full = FULL_SCALE[samples.dtype]
    neutral = np.float32((1 << (bits - 1)) / ((1 << bits) - 1))

    def convert(strip: Pixels) -> Pixels:
        scaled = strip.astype(np.float32) / np.float32(full)
        scaled[..., 1:] -= neutral
        rgb: Pixels = np.rint((scaled @ _YCC_TO_RGB).clip(0, 1) * np.float32(65535)).astype(np.uint16)
        return rgb

    return in_strips(convert, samples, (3,), np.dtype(np.uint16))


def _by_openjpeg(data: bytes) -> Pixels:
    import imagecodecs

    flat = np.asarray(imagecodecs.jpeg2k_decode(data))
    return flat[..., None] if flat.ndim == 2 else flat


def _full_scale(samples: Pixels, bits: int) -> Pixels:
    """Samples as uint8 or uint16 that reach to the type's full scale."""
    dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    if samples.dtype.kind == "i":
        samples = samples.astype(np.int32) + (1 << (bits - 1))
    full, stored = np.iinfo(dtype).max, (1 << bits) - 1
    if full != stored:
        samples = np.rint(samples * np.float32(full / stored)).clip(0, full)
    result: Pixels = samples.astype(dtype, copy=False)
    return result


def _told_apart(flat: Pixels, header: Header) -> tuple[Pixels, Pixels | None, Space, list[str]]:
    count = flat.shape[2]
    space: Space = header.space or ("gray" if count < 3 else "rgb")
    if space == "rgb" and count < 3:
        space = "gray"
    colors = _COLORS[space]
    if count < colors:
        raise DamagedError("fewer channels than colours")
    kinds = _kinds(header.channels, count)
    if not header.channels and count == colors + 1:
        kinds[colors] = _OPACITY
    place = next((i for i in range(colors, count) if kinds[i] in (_OPACITY, _PREMULTIPLIED)), None)
    alpha = None if place is None else np.ascontiguousarray(flat[..., place])
    left_out = count - colors - (alpha is not None)
    notes = [f"{left_out} channels beyond colour and alpha are left out"] if left_out else []
    samples = np.ascontiguousarray(flat[..., 0] if colors == 1 else flat[..., :colors])
    if header.inverted:
        samples = np.iinfo(samples.dtype).max - samples
    if alpha is not None and place is not None and kinds[place] == _PREMULTIPLIED and space != "cmyk":
        samples = straightened(samples, alpha)
    return samples, alpha, space, notes


def _kinds(channels: tuple[tuple[int, int, int], ...], count: int) -> list[Any]:
    """The type of each channel after OpenJPEG has swapped colours to their places, one by one."""
    kinds = [_COLOR] * count
    for number, kind, _ in channels:
        if number < count:
            kinds[number] = kind
    order = [list(channel) for channel in channels]
    for i, (number, kind, color) in enumerate(order):
        target = color - 1
        if kind != _COLOR or not 0 <= target < count or number >= count or target == number:
            continue
        kinds[number], kinds[target] = kinds[target], kinds[number]
        for later in order[i + 1 :]:
            later[0] = {number: target, target: number}.get(later[0], later[0])
    return kinds
