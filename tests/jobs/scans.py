"""Folders of generated scans: mixed sizes and formats, and twenty ways in which a file can be broken."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

FORMATS = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP", ".bmp": "BMP", ".pgm": "PPM"}


def scan(seed: int, largest: int = 160) -> Image.Image:
    """A grey picture with broad areas and grain, of a size of its own."""
    generator = np.random.default_rng(seed)
    height, width = generator.integers(24, largest, 2)
    coarse = generator.uniform(20, 235, (4, 5)).astype(np.float32)
    grain = generator.normal(0, 4, (height, width))
    smooth = cv2.resize(coarse, (int(width), int(height)), interpolation=cv2.INTER_CUBIC)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def encoded(seed: int, suffix: str) -> bytes:
    """A scan as a file."""
    buffer = io.BytesIO()
    scan(seed).save(buffer, format=FORMATS[suffix])
    return buffer.getvalue()


def make_scans(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Write scans in all formats, a hundred to a sub-folder."""
    paths = []
    suffixes = list(FORMATS)
    for number in range(first, first + count):
        suffix = suffixes[number % len(suffixes)]
        path = folder / f"box{number // 100:03d}" / f"scan {number:05d}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(number, suffix))
        paths.append(path)
    return paths


def _png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def _animation() -> bytes:
    buffer = io.BytesIO()
    frames = [scan(seed).resize((40, 40)) for seed in range(3)]
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


_JPEG = encoded(0, ".jpg")
_PNG = encoded(1, ".png")
_TIFF = encoded(2, ".tif")

BROKEN: dict[str, Callable[[], tuple[str, bytes]]] = {
    "empty": lambda: (".jpg", b""),
    "one byte": lambda: (".png", b"\x89"),
    "text": lambda: (".jpg", b"This is not the picture you are looking for.\n"),
    "web page": lambda: (".jpg", b"<!DOCTYPE html><html><body>404</body></html>"),
    "PDF": lambda: (".tif", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    "zeros": lambda: (".png", bytes(4096)),
    "noise": lambda: (".tif", np.random.default_rng(5).bytes(4096)),
    "JPEG, first half": lambda: (".jpg", _JPEG[: len(_JPEG) // 2]),
    "JPEG, header alone": lambda: (".jpg", _JPEG[:200]),
    "JPEG, first marker alone": lambda: (".jpg", _JPEG[:3]),
    "PNG, first half": lambda: (".png", _PNG[: len(_PNG) // 2]),
    "PNG, signature alone": lambda: (".png", _PNG[:8]),
    "PNG, wrong check sum of its header": lambda: (".png", _flipped(_PNG, 30)),
    "PNG, damaged data": lambda: (".png", _flipped(_PNG, len(_PNG) // 2)),
    "PNG of no height": lambda: (".png", _png_claiming(10, 0)),
    "PNG that claims a terapixel": lambda: (".png", _png_claiming(1_000_000, 1_000_000)),
    "TIFF, first tenth": lambda: (".tif", _TIFF[: len(_TIFF) // 10]),
    "TIFF, header alone": lambda: (".tif", _TIFF[:8]),
    "WebP, first half": lambda: (".webp", encoded(3, ".webp")[:60]),
    "animation": lambda: (".webp", _animation()),
}
"""Twenty ways, each a suffix and a file's content."""


def make_broken(folder: Path, count: int) -> list[Path]:
    """Write broken files, each way in turn."""
    ways = list(BROKEN.values())
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        suffix, data = ways[number % len(ways)]()
        path = folder / f"broken {number:05d}{suffix}"
        path.write_bytes(data)
        paths.append(path)
    return paths
