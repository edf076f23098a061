"""Picture files to read, made by other people's writers (Pillow, tifffile, imagecodecs, OpenCV) or by hand."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

Array = npt.NDArray[Any]
HEIGHT, WIDTH = 48, 64


def scene(channels: int = 1, dtype: Any = np.uint8, height: int = HEIGHT, width: int = WIDTH) -> Array:
    """Smooth tones over the whole scale, a different slope in each channel; (H, W) or (H, W, channels)."""
    y, x = np.mgrid[0:height, 0:width]
    tones = (y / max(1, height - 1) + x / max(1, width - 1)) / 2
    planes = np.stack([tones ** (1 + 0.3 * channel) for channel in range(channels)], axis=-1)
    if channels == 1:
        planes = planes[..., 0]
    if np.issubdtype(dtype, np.floating):
        return planes.astype(dtype)
    full = np.iinfo(dtype).max
    result: Array = np.rint(planes * full).astype(dtype)
    return result


def grain(channels: int = 1, dtype: Any = np.uint8, seed: int = 0) -> Array:
    """Every value of the type, at random."""
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    generator = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.floating):
        return generator.random(shape).astype(dtype)
    return generator.integers(0, int(np.iinfo(dtype).max) + 1, shape, dtype)


def by_pillow(array: Array, kind: str, mode: str | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(buffer, format=kind, **options)
    return buffer.getvalue()


def by_tifffile(*pages: Array, bigtiff: bool = False, byteorder: Any = "<", **options: Any) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=bigtiff, byteorder=byteorder) as writer:
        for page in pages:
            colored = page.ndim == 3 and page.shape[2] in (3, 4)
            usual = {"metadata": None, "contiguous": False, "software": False}
            writer.write(page, **{**usual, "photometric": "rgb" if colored else "minisblack", **options})
    return buffer.getvalue()


def tiff_by_hand(size: tuple[int, int], bits: int, photometric: int, strip: bytes, *more: tuple[int, int]) -> bytes:
    """A TIFF of one strip, not compressed, with tags of one number each; `size` is rows and columns."""
    samples = 1 if photometric < 2 else 3
    tags = [(256, size[1]), (257, size[0]), (258, bits), (259, 1), (262, photometric), (273, 8), (277, samples)]
    tags += [(278, size[0]), (279, len(strip)), *more]
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, *((3, 2) if tag == 530 else (4, 1)), value) for tag, value in tags
    )
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory + bytes(4)


def tiff_of_twelve_bits(samples: Array) -> bytes:
    """A grey TIFF, two samples in three bytes."""
    height, width = samples.shape
    bits = np.unpackbits(samples.astype(">u2").view(np.uint8).reshape(height, width, 2), axis=2)[..., 4:]
    strip = np.packbits(bits.reshape(height, -1), axis=1).tobytes()
    return tiff_by_hand((height, width), 12, 1, strip)


def tiff_of_luma_and_chroma(rgb: Array, across: int) -> bytes:
    """A YCbCr TIFF without JPEG, one Cb and Cr for `across` pixels in a row, as old scanners wrote it."""
    ycc = np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    height, width = rgb.shape[:2]
    units = np.concatenate(
        [ycc[..., 0].reshape(height, -1, across), ycc[:, ::across, 1:].reshape(height, -1, 2)], axis=-1
    )
    return tiff_by_hand((height, width), 8, 6, units.tobytes(), (530, across | 1 << 16))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_by_hand(samples: Array, depth: int, color_type: int, *before_pixels: bytes, interlaced: bool = False) -> bytes:
    """A PNG of 16-bit or 8-bit samples, (H, W) or (H, W, C); Adam7 where interlaced."""
    rows = samples.astype(">u2" if depth == 16 else np.uint8)
    height, width = samples.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    packed = b"".join(
        b"\0" + row.tobytes() for top, left, down, across in passes for row in rows[top::down, left::across] if row.size
    )
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            *before_pixels,
            png_chunk(b"IDAT", zlib.compress(packed)),
            png_chunk(b"IEND", b""),
        ]
    )


def pnm(kind: int, samples: Array, full: int) -> bytes:
    """A PNM file as the manual pages describe it."""
    height, width = samples.shape[:2]
    header = f"P{kind}\n# a comment\n{width} {height}\n" + ("" if kind in (1, 4) else f"{full}\n")
    if kind in (1, 2, 3):
        return header.encode() + b"\n".join(b" ".join(b"%d" % v for v in row.ravel()) for row in samples) + b"\n"
    if kind == 4:
        return header.encode() + np.packbits(samples.astype(bool), axis=1).tobytes()
    return header.encode() + samples.astype(">u2" if full > 255 else np.uint8).tobytes()


def heic(array: Array, **options: Any) -> bytes:
    import pillow_heif

    channels = 1 if array.ndim == 2 else array.shape[2]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels] + (";16" if array.dtype == np.uint16 else "")
    buffer = io.BytesIO()
    pillow_heif.encode(mode, array.shape[1::-1], array.tobytes(), buffer, **{"quality": 90, "chroma": 444, **options})
    return buffer.getvalue()


def cmyk(array: Array, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("CMYK", array.shape[1::-1], array.tobytes()).save(buffer, format=kind, **options)
    return buffer.getvalue()


EVERY_FORMAT: dict[str, Callable[[], bytes]] = {
    "jpeg-grey": lambda: by_pillow(
        scene(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    ),
    "jpeg-progressive": lambda: by_pillow(scene(3), "JPEG", progressive=True),
    "jpeg-cmyk": lambda: cmyk(scene(4), "JPEG"),
    "png-8": lambda: by_pillow(scene(4), "PNG"),
    "png-16": lambda: bytes(imagecodecs.png_encode(scene(3, np.uint16))),
    "png-palette": lambda: by_pillow(scene(3), "PNG", "P"),
    "tiff-strips-lzw-16": lambda: by_tifffile(scene(1, np.uint16), compression="lzw", predictor=True, rowsperstrip=7),
    "tiff-tiles-deflate": lambda: by_tifffile(scene(3), compression="adobe_deflate", tile=(16, 32)),
    "tiff-plain-big": lambda: by_tifffile(scene(3, np.uint16), scene(1, np.uint16), bigtiff=True, byteorder=">"),
    "tiff-float": lambda: by_tifffile(scene(1, np.float32), compression="zstd", predictor=True),
    "tiff-jpeg": lambda: by_tifffile(scene(3), compression="jpeg", photometric="rgb", rowsperstrip=16),
    "tiff-jp2k": lambda: by_tifffile(scene(1, np.uint16), compression="jpeg2000"),
    "tiff-fax": lambda: by_pillow(scene() > 99, "TIFF", compression="group4"),
    "tiff-packbits": lambda: by_tifffile(scene(), compression="packbits", photometric="miniswhite"),
    "webp-lossless": lambda: by_pillow(scene(4), "WEBP", lossless=True),
    "webp-lossy": lambda: by_pillow(scene(3), "WEBP", quality=80),
    "bmp": lambda: by_pillow(scene(3), "BMP"),
    "gif": lambda: by_pillow(scene(), "GIF"),
    "pnm-text": lambda: pnm(3, scene(3), 255),
    "pnm-binary": lambda: pnm(5, scene(1, np.uint16), 65535),
    "pnm-bitmap": lambda: pnm(4, scene() > 99, 1),
    "jp2-8": lambda: by_pillow(scene(3), "JPEG2000"),
    "jp2-16": lambda: bytes(imagecodecs.jpeg2k_encode(scene(3, np.uint16), codecformat="jp2", reversible=True)),
    "avif-8": lambda: by_pillow(scene(3), "AVIF", speed=10),
    "avif-10": lambda: bytes(imagecodecs.avif_encode(scene(3, np.uint16) >> 6, 90, speed=10, bitspersample=10)),
    "heic": lambda: heic(scene(3)),
}
"""A small file of every format and of the main kinds within it."""
