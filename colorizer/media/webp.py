"""WebP: 8 bits, lossless or lossy as the input is. Exif, XMP and ICC profile are kept.

Source: RFC 9649.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from colorizer.media.metadata import exif
from colorizer.media.options import Output
from colorizer.media.picture import Encoding, Metadata, Picture, StoredPicture, UnsupportedError
from colorizer.media.raster import CheckSize, opened, planes, refuse_animation, saved

DEFAULT_QUALITY = 95
LARGEST_SIDE = 16383

_LOSSLESS_CHUNK = b"VP8L"
_HEAD = 4096


def decode(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode a WebP file.

    Raises
    ------
    UnsupportedError
        It is an animation.
    """
    with opened(data, "WEBP", check_size) as image:
        refuse_animation(getattr(image, "n_frames", 1))
        image.load()
        samples, alpha, space = planes(image)
        info: dict[Any, Any] = image.info
    block = bytes(info.get("exif") or b"").removeprefix(exif.JPEG_PREFIX)
    metadata = Metadata(block, bytes(info.get("xmp") or b""), dpi=exif.resolution_of(*exif.read_exif(block)))
    profile = bytes(info.get("icc_profile") or b"")
    return StoredPicture(
        samples,
        space,
        alpha,
        profile,
        exif.orientation_of(block),
        metadata,
        Encoding(lossless=_is_lossless(data)),
    )


def _is_lossless(data: bytes) -> bool:
    place = 12
    while place + 8 <= len(data):
        kind = data[place : place + 4]
        if kind in (_LOSSLESS_CHUNK, b"VP8 "):
            return kind == _LOSSLESS_CHUNK
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    return False


def encode(picture: Picture, output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 bits; losslessly where the input was lossless and no quality is asked for.

    Raises
    ------
    UnsupportedError
        A side is longer than the format holds.
    """
    if max(picture.pixels.shape[:2]) > LARGEST_SIDE:
        raise UnsupportedError(f"WebP cannot hold sides over {LARGEST_SIDE} pixels; write a .png")
    options: dict[str, Any] = {"quality": output.quality or DEFAULT_QUALITY, "alpha_quality": 100, "method": 4}
    if output.quality is None and picture.encoding.lossless:
        options = {"lossless": True, "quality": 80, "exact": True}  # here the quality is the effort
    metadata = picture.metadata
    extras = {"exif": metadata.exif, "xmp": metadata.xmp, "icc_profile": picture.profile}
    return saved(replace(picture, metadata=Metadata()), "WEBP", **options, **extras)
