"""Pictures whose tones other decoders got wrong or disagree on, and what each shows by a decoder of another house.

FFmpeg's decoders (through PyAV) give the code values; what these mean is computed here in float64, from the standards.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import av
import imagecodecs
import numpy as np
from media_samples import Array, heic, png_by_hand, png_chunk, scene

BT601, BT2020 = (0.299, 0.114), (0.2627, 0.0593)
"""Weights of red and blue."""
PQ, HLG = 16, 18


@dataclass(frozen=True)
class Case:
    """A file, who read it independently, and the linear luminance (Y of sRGB, 0..1) that it shows.

    `largest` is how far L may be from that: of coarser chroma OpenJPEG cuts off the fractions of 8-bit code values.
    """

    data: bytes
    decoder: str
    luminance: Array
    largest: float = 0.3


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def jp2(samples: Array, space: int, *header: bytes, unknown: bool = False) -> bytes:
    """A JP2 file of a code stream by OpenJPEG and of boxes by hand."""
    stream = bytes(imagecodecs.jpeg2k_encode(samples, codecformat="j2k", reversible=True))
    return around(stream, space, *header, unknown=unknown)


def around(stream: bytes, space: int, *header: bytes, unknown: bool = False) -> bytes:
    """A code stream in the boxes of JP2; `unknown` says that its colour space is not sure."""
    place = stream.index(b"\xff\x4f\xff\x51")
    stream = stream[place:]
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    (count,) = struct.unpack_from(">H", stream, 40)
    ihdr = struct.pack(">2IH4B", bottom - top, right - left, count, stream[42], 7, unknown, 0)
    boxes = box(b"ihdr", ihdr) + box(b"colr", struct.pack(">3BI", 1, 0, 0, space)) + b"".join(header)
    start = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return start + box(b"jp2h", boxes) + box(b"jp2c", stream)


def definitions(*channels: tuple[int, int, int]) -> bytes:
    return box(
        b"cdef", struct.pack(">H", len(channels)) + b"".join(struct.pack(">3H", *channel) for channel in channels)
    )


def palette(entries: Array) -> bytes:
    count, columns = entries.shape
    bits = 8 * entries.itemsize
    body = entries.astype(f">u{entries.itemsize}").tobytes()
    mapping = b"".join(struct.pack(">HBB", 0, 1, column) for column in range(columns))
    return box(b"pclr", struct.pack(">HB", count, columns) + bytes([bits - 1] * columns) + body) + box(b"cmap", mapping)


def by_ffmpeg(data: bytes, codec: str = "") -> list[Array]:
    """The planes of the first frame as FFmpeg decodes it, in 0..1; packed formats as planes too."""
    if codec:
        context: Any = av.CodecContext.create(codec, "r")
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
        frame = frames[0]
    else:
        with av.open(io.BytesIO(data)) as container:
            frame = next(container.decode(video=0))
    name = frame.format.name
    if name == "pal8":
        frame, name = frame.reformat(format="rgb24"), "rgb24"
    bits = frame.format.components[0].bits
    dtype = np.uint8 if bits <= 8 else ">u2" if name.endswith("be") else "<u2"
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(bytes(plane), dtype).reshape(plane.height, -1)
        packed = len(frame.format.components) if len(frame.planes) == 1 else 1
        pixels = rows[:, : plane.width * packed].reshape(plane.height, plane.width, packed)
        found += [pixels[..., i] / (2**bits - 1) for i in range(packed)]
    if name.startswith("gbr"):
        found = [found[2], found[0], found[1], *found[3:]]
    return found


def rgb_of(planes: list[Array], weights: tuple[float, float], full: int = 255) -> Array:
    """RGB in 0..1 of luma and chroma differences of full range; coarser chroma is repeated."""
    luma = planes[0]
    height, width = luma.shape
    blue, red = (
        np.repeat(np.repeat(plane, -(-height // plane.shape[0]), 0), -(-width // plane.shape[1]), 1)[:height, :width]
        - (full + 1) / 2 / full
        for plane in planes[1:3]
    )
    of_red, of_blue = weights
    r = luma + 2 * (1 - of_red) * red
    b = luma + 2 * (1 - of_blue) * blue
    g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    return np.clip(np.dstack([r, g, b]), 0, 1)


def srgb_luminance(rgb: Array) -> Array:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    result: Array = linear if rgb.ndim == 2 else linear @ np.array([0.2126729, 0.7151522, 0.0721750])
    return result


def lightness(luminance: Array) -> Array:
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


def without_inks(planes: list[Array]) -> Array:
    return np.dstack([(1 - plane) * (1 - planes[3]) for plane in planes[:3]])


# -- PQ and HLG ------------------------------------------------------------------------------------------------------


def pq_luminance(code: Array) -> Array:
    """cd/m2 by SMPTE ST 2084, as ITU-R BT.2100 table 4 states it."""
    m1, m2 = 0.1593017578125, 78.84375
    c1, c2, c3 = 0.8359375, 18.8515625, 18.6875
    power = np.asarray(code, np.float64) ** (1 / m2)
    result: Array = 10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return result


def pq_code(luminance: Array) -> Array:
    """The inverse, by bisection on the function itself."""
    low, high = np.zeros_like(luminance, np.float64), np.ones_like(luminance, np.float64)
    for _ in range(60):
        middle = (low + high) / 2
        below = pq_luminance(middle) < luminance
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return low


def hlg_luminance(code: Array) -> Array:
    """cd/m2 of neutral tones on a display of 1000, by ITU-R BT.2100 table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene_light = np.where(code <= 0.5, code**2 / 3, (np.exp((np.asarray(code) - c) / a) + b) / 12)
    return 1000 * scene_light**1.2


def shown(luminance: Array) -> Array:
    """0..1 of what ITU-R BT.2408 annex 5 leaves of it on a display whose peak is 203 cd/m2."""
    peak = luminance.max()
    if peak <= 203:
        return luminance / 203
    top = float(pq_code(np.array([peak]))[0])
    e1 = pq_code(luminance) / top
    highest = float(pq_code(np.array([203.0]))[0]) / top
    ks = 1.5 * highest - 0.5
    t = (e1 - ks) / (1 - ks)
    spline = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (-2 * t**3 + 3 * t**2) * highest
    result: Array = pq_luminance(np.where(e1 < ks, e1, spline) * top) / 203
    return result


def hdr_tones(dtype: Any, transfer: int, peak: float) -> Array:
    """Code values of a smooth grey scene whose brightest tone has this luminance."""
    light = scene(1, np.float64) ** 2 * peak
    if transfer == PQ:
        code = pq_code(light)
    else:
        steps = np.linspace(0, 1, 1 << 16)
        code = np.interp(light, hlg_luminance(steps), steps)
    full = np.iinfo(dtype).max
    result: Array = np.rint(code * full).astype(dtype)
    return result


def with_nclx(data: bytes, primaries: int, transfer: int) -> bytes:
    """An AVIF file with other code points."""
    place = data.index(b"nclx") + 4
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


def _jp2_cases() -> Iterator[tuple[str, Callable[[], Case]]]:
    rgb = scene(3)

    def usual(data: bytes) -> Case:
        return Case(data, "FFmpeg jpeg2000", srgb_luminance(np.dstack(by_ffmpeg(data, "jpeg2000")[:3])))

    yield "JPEG 2000, RGB", lambda: usual(jp2(rgb, 16))
    yield (
        "JPEG 2000, channels in reverse (cdef)",
        lambda: usual(jp2(rgb, 16, definitions((0, 0, 3), (1, 0, 2), (2, 0, 1)))),
    )
    yield (
        "JPEG 2000, alpha before colours (cdef)",
        lambda: usual(jp2(scene(4), 16, definitions((0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)))),
    )
    yield "JPEG 2000, sYCC", partial(_sycc, jp2(_ycc(np.uint8), 18))
    yield (
        "JPEG 2000, sYCC in reverse (cdef)",
        partial(_sycc, jp2(_ycc(np.uint8)[..., ::-1].copy(), 18, definitions((0, 0, 3), (1, 0, 2), (2, 0, 1)))),
    )
    yield "JPEG 2000, sYCC of 16 bits", partial(_sycc, jp2(_ycc(np.uint16), 18), 65535)
    for name, size in (("4:2:0", (33, 31)), ("4:2:2", (33, 48))):
        yield (
            f"JPEG 2000, sYCC {name}, odd sides",
            partial(_coarse, name, size),
        )
    steps = np.repeat(np.arange(0, 256, 4), 4).astype(np.uint8)
    yield (
        "JPEG 2000, palette with repeated entries",
        lambda: usual(jp2(scene(), 16, palette(np.stack([steps] * 3, 1)), unknown=True)),
    )
    yield "JPEG 2000, grey palette", _grey_palette
    yield "JPEG 2000, palette of 16 bits", _deep_palette
    for dtype, bits in ((np.uint8, 8), (np.uint16, 16)):
        yield f"JPEG 2000, CMYK of {bits} bits", partial(_cmyk, dtype)


def _sycc(data: bytes, full: int = 255, largest: float = 0.3) -> Case:
    rgb = rgb_of(by_ffmpeg(data, "jpeg2000"), BT601, full)
    return Case(data, "FFmpeg jpeg2000", srgb_luminance(rgb), largest)


def _coarse(name: str, size: tuple[int, int]) -> Case:
    return _sycc(around(_subsampled(name, size), 18), largest=0.4)


def _ycc(dtype: Any, height: int = 48, width: int = 64) -> Array:
    full = int(np.iinfo(dtype).max)
    y, x = np.mgrid[0:height, 0:width]
    luma = 0.25 + 0.5 * (y + x) / (height + width)
    planes = np.dstack([luma, 0.5 + 0.15 * np.sin(x / 9), 0.5 + 0.15 * np.cos(y / 7)])
    result: Array = np.rint(planes * full).astype(dtype)
    return result


def _subsampled(name: str, size: tuple[int, int]) -> bytes:
    """A code stream by FFmpeg's encoder, which imagecodecs' cannot be asked for."""
    width, height = size
    pixel_format = "yuv420p" if name == "4:2:0" else "yuv422p"
    ycc = _ycc(np.uint8, height, width)
    frame = av.VideoFrame(width, height, pixel_format)
    down = 2 if name == "4:2:0" else 1
    for plane, samples in zip(frame.planes, (ycc[..., 0], ycc[::down, ::2, 1], ycc[::down, ::2, 2]), strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = samples
        plane.update(rows.tobytes())
    context: Any = av.CodecContext.create("jpeg2000", "w")
    context.width, context.height, context.pix_fmt, context.time_base = width, height, pixel_format, Fraction(1)
    context.options = {"format": "j2k", "pred": "1"}
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def _grey_palette() -> Case:
    data = jp2(255 - scene(), 17, palette(255 - np.arange(256, dtype=np.uint8)[:, None]))
    # FFmpeg gives the indices of a palette of one column; looking them up is done here
    (index,) = by_ffmpeg(data, "jpeg2000")
    return Case(data, "FFmpeg jpeg2000", srgb_luminance(1 - index))


def _deep_palette() -> Case:
    entries = np.stack([np.linspace(0, 65535, 256) ** power / 65535 ** (power - 1) for power in (1, 1.1, 1.2)], 1)
    entries = entries.astype(np.uint16)
    data = jp2(scene(), 16, palette(entries))
    # FFmpeg holds palettes at 8 bits, so only the indices are its own
    (index,) = by_ffmpeg(jp2(scene(), 17), "jpeg2000")
    looked_up = entries[np.rint(index * 255).astype(int)] / 65535
    return Case(data, "FFmpeg jpeg2000", srgb_luminance(looked_up))


def _cmyk(dtype: Any) -> Case:
    data = jp2(scene(4, dtype) // 2, 12)
    return Case(data, "FFmpeg jpeg2000", srgb_luminance(without_inks(by_ffmpeg(data, "jpeg2000"))))


def _hdr_cases() -> Iterator[tuple[str, Callable[[], Case]]]:
    for transfer, name, luminance in ((PQ, "PQ", pq_luminance), (HLG, "HLG", hlg_luminance)):
        for peak in (203, 1000):

            def png(transfer: int = transfer, luminance: Any = luminance, peak: float = peak) -> Case:
                chunk = png_chunk(b"cICP", bytes([9, transfer, 0, 1]))
                data = png_by_hand(hdr_tones(np.uint16, transfer, peak), 16, 0, chunk)
                return Case(data, "FFmpeg png", shown(luminance(by_ffmpeg(data, "png")[0])))

            def avif(transfer: int = transfer, luminance: Any = luminance, peak: float = peak) -> Case:
                tones = np.dstack([hdr_tones(np.uint16, transfer, peak)] * 3) >> 6
                coded = bytes(imagecodecs.avif_encode(tones, 100, speed=8, bitspersample=10))
                data = with_nclx(coded, 9, transfer)
                return Case(data, "FFmpeg, dav1d", shown(luminance(by_ffmpeg(data)[0])))

            def hevc(transfer: int = transfer, luminance: Any = luminance, peak: float = peak) -> Case:
                tones = np.dstack([hdr_tones(np.uint16, transfer, peak)] * 3)
                nclx = {"color_primaries": 9, "transfer_characteristics": transfer, "matrix_coefficients": 9}
                data = heic(tones, quality=100, save_nclx_profile=True, full_range_flag=1, **nclx)
                luma = by_ffmpeg(data)[0][: tones.shape[0], : tones.shape[1]]  # coded in blocks of 64
                return Case(data, "FFmpeg hevc", shown(luminance(luma)))

            yield f"PNG of 16 bits, {name} to {peak} cd/m2", png
            yield f"AVIF of 10 bits, {name} to {peak} cd/m2", avif
            yield f"HEIC of 10 bits, {name} to {peak} cd/m2", hevc


CASES: dict[str, Callable[[], Case]] = dict([*_jp2_cases(), *_hdr_cases()])
