"""Why a picture could not be decoded, where it is not broken: kinds of a format that its decoder does not take.

Asked only after a decoder has failed; says nothing where the file seems to be of a kind that is read, and so damaged.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from colorizer.media import bmp, heif, jpeg

_SEQUENTIAL_AND_PROGRESSIVE = (0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA)
"""Frames of JPEG that are decoded, the third without loss, the last two with arithmetic coding."""


def why_not_read(format_name: str, data: bytes) -> str:
    """What the file is, and what to do, where it is not damaged; else an empty text."""
    look = _LOOKS.get(format_name)
    try:
        return look(data) if look else ""
    except (struct.error, IndexError, ValueError):
        return ""


def _jpeg(data: bytes) -> str:
    frame = jpeg.frame_of(data)
    if frame is None:
        return ""
    if frame.kind not in _SEQUENTIAL_AND_PROGRESSIVE:
        return f"JPEG of a kind that no decoder here reads (frame {frame.kind:02X}); save it as TIFF"
    if frame.channels not in (1, 3, 4):
        return f"JPEG of {frame.channels} channels is not read; save it as RGB or grey"
    if frame.bits not in (8, 12) and frame.kind != jpeg.LOSSLESS:
        return f"JPEG of {frame.bits} bits is not read; save it as TIFF"
    return ""


def _bmp(data: bytes) -> str:
    compression = bmp.compression_of(data)
    if compression in bmp.NOT_READ:
        return f"BMP that holds {bmp.NOT_READ[compression]} is not read; save it as PNG"
    return ""


def _avif(data: bytes) -> str:
    width, height = heif.stated_size(data)
    if width * height > heif.LARGEST_AVIF or max(width, height) > heif.LARGEST_AVIF_SIDE:
        return (
            f"AVIF of {width} x {height} pixels is larger than its decoder takes ({heif.LARGEST_AVIF} pixels, sides of "
            f"{heif.LARGEST_AVIF_SIDE}); save it as PNG or TIFF"
        )
    return ""


_LOOKS: dict[str, Callable[[bytes], str]] = {"JPEG": _jpeg, "BMP": _bmp, "AVIF": _avif, "HEIC": heif.unread_coding}
