"""BMP, and single GIF pictures, which are read only: 8 bits, resolution. Neither holds metadata or, as written, ICC.

Pillow decodes all but bit fields, of which it knows some layouts alone.

Source: Microsoft, BITMAPV4HEADER.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from colorizer.media.damage import DamagedError
from colorizer.media.options import Output
from colorizer.media.picture import Metadata, Picture, Pixels, StoredPicture
from colorizer.media.raster import CheckSize, opened, planes, refuse_animation, saved

_FILE_HEADER, _INFO_HEADER, _V3_HEADER, _V4_HEADER = 14, 40, 56, 108
_BITFIELDS, _ALPHA_BIT_FIELDS = 3, 6
_BIT_FIELDS = (_BITFIELDS, _ALPHA_BIT_FIELDS)
_BY_PILLOW = ((0xFF0000, 0xFF00, 0xFF, 0), (0xFF0000, 0xFF00, 0xFF, 0xFF000000))
_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_SRGB = 0x73524742  # "sRGB"
_METRES_PER_INCH = 0.0254
_USUAL_DPI = 72


NOT_READ = {3: "fax codes (OS/2)", 4: "a JPEG or 24-bit runs", 5: "a PNG", 11: "CMYK", 12: "CMYK", 13: "CMYK"}
"""Compressions without a decoder here; 3 is that of bit fields in all headers but those of OS/2."""
_OS2_HEADER = 64


def compression_of(data: bytes) -> int | None:
    """The compression code that a header states; None for bit fields, and where there is none."""
    (size,) = struct.unpack_from("<I", data, _FILE_HEADER)
    if size < _INFO_HEADER:
        return None
    (code,) = struct.unpack_from("<I", data, _FILE_HEADER + 16)
    return None if code in _BIT_FIELDS and size != _OS2_HEADER else int(code)


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode a BMP file."""
    masks = _bit_fields(data)
    if masks and masks not in _BY_PILLOW:
        return _decode_bit_fields(data, masks, check_size)
    with opened(data, "BMP", check_size) as image:
        image.load()
        samples, alpha, space = planes(image)
        dpi = image.info.get("dpi")
    stated = isinstance(dpi, tuple) and min(dpi) > 0
    return StoredPicture(
        samples, space, alpha, metadata=Metadata(dpi=(float(dpi[0]), float(dpi[1])) if stated and dpi else None)
    )


def _bit_fields(data: bytes) -> tuple[int, ...]:
    """Masks of red, green, blue and alpha in a pixel; empty where pixels are no bit fields."""
    if len(data) < _FILE_HEADER + _INFO_HEADER:
        return ()
    size, _, _, _, bits, code = struct.unpack_from("<IiiHHI", data, _FILE_HEADER)
    if size == _OS2_HEADER or size < _INFO_HEADER or code not in _BIT_FIELDS or bits not in (16, 32):
        return ()
    count = 4 if code == _ALPHA_BIT_FIELDS or size >= _V3_HEADER else 3
    masks = struct.unpack_from(f"<{count}I", data, _FILE_HEADER + _INFO_HEADER)
    return (*masks, 0)[:4]


def _decode_bit_fields(data: bytes, masks: tuple[int, ...], check_size: CheckSize) -> StoredPicture:
    (start,) = struct.unpack_from("<I", data, 10)
    _, width, height, _, bits, _, _, across, down = struct.unpack_from("<IiiHHIIii", data, _FILE_HEADER)
    check_size(width, abs(height))
    dtype = np.dtype("<u2" if bits == 16 else "<u4")
    row = -(-width * bits // 32) * 4 // dtype.itemsize
    flat = np.frombuffer(data, dtype, row * abs(height), start).reshape(abs(height), row)[:, :width]
    pixels = flat[::-1] if height > 0 else flat
    deep = max(mask.bit_count() for mask in masks[:3]) > 8
    channels = [_field(pixels, mask, np.dtype(np.uint16 if deep else np.uint8)) for mask in masks if mask]
    if len([mask for mask in masks[:3] if mask]) < 3:
        raise DamagedError("bit fields without a colour")
    alpha = channels[3] if masks[3] else None
    dpi = (across * _METRES_PER_INCH, down * _METRES_PER_INCH) if across > 0 and down > 0 else None
    return StoredPicture(np.dstack(channels[:3]), "rgb", alpha, metadata=Metadata(dpi=dpi))


def _field(pixels: Pixels, mask: int, dtype: np.dtype[Any]) -> Pixels:
    shift = (mask & -mask).bit_length() - 1
    full = mask >> shift
    values = (pixels & mask) >> shift
    result: Pixels = np.rint(values * (np.iinfo(dtype).max / full)).astype(dtype)
    return result


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
