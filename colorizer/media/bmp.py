"""BMP, and single GIF pictures, which are read only: 8 bits, resolution. Neither holds metadata or, as written, ICC.

Source: Microsoft, BITMAPV4HEADER.
"""

from __future__ import annotations

import struct

import numpy as np

from colorizer.media.options import Output
from colorizer.media.picture import Metadata, Picture, StoredPicture
from colorizer.media.raster import CheckSize, opened, planes, refuse_animation, saved

_FILE_HEADER, _V4_HEADER = 14, 108
_BITFIELDS = 3
_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_SRGB = 0x73524742  # "sRGB"
_METRES_PER_INCH = 0.0254
_USUAL_DPI = 72


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode a BMP file."""
    with opened(data, "BMP", check_size) as image:
        image.load()
        samples, alpha, space = planes(image)
        dpi = image.info.get("dpi")
    stated = isinstance(dpi, tuple) and min(dpi) > 0
    return StoredPicture(
        samples, space, alpha, metadata=Metadata(dpi=(float(dpi[0]), float(dpi[1])) if stated and dpi else None)
    )


def decode_gif(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode a GIF file of one picture.

    Raises
    ------
    UnsupportedError
        It is an animation.
    """
    with opened(data, "GIF", check_size) as image:
        refuse_animation(getattr(image, "n_frames", 1))
        image.load()
        samples, alpha, space = planes(image)
        comment = image.info.get("comment")
    blocks = ((b"tEXt", b"Comment\0" + comment),) if isinstance(comment, bytes) else ()
    return StoredPicture(samples, space, alpha, metadata=Metadata(blocks=blocks))


def encode(picture: Picture, _output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 bits; with a version 4 header where there is an alpha."""
    if picture.alpha is None:
        return saved(picture, "BMP")
    height, width = picture.pixels.shape[:2]
    rgb = picture.pixels if picture.pixels.ndim == 3 else np.dstack([picture.pixels] * 3)
    rows = np.dstack([rgb[..., ::-1], picture.alpha])[::-1].tobytes()
    across, down = (round(dots / _METRES_PER_INCH) for dots in picture.metadata.dpi or (_USUAL_DPI, _USUAL_DPI))
    header = struct.pack(
        "<IiiHHIIiiII", _V4_HEADER, width, height, 1, 32, _BITFIELDS, len(rows), across, down, 0, 0
    ) + struct.pack("<5I", *_MASKS, _SRGB)
    start = _FILE_HEADER + _V4_HEADER
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + header.ljust(_V4_HEADER, b"\0") + rows
