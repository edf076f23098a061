"""AVIF and HEIC: one still picture, with Exif, XMP and ICC profile; both are written lossy, alpha included.

Pillow codes AVIF at 8 bits, and imagecodecs reads its 10 and 12; pillow-heif, an optional package, codes HEIC at 8 and
10 bits. The container's own rotation counts, as ISO/IEC 23000-22 demands.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import Any

import numpy as np

from colorizer.errors import MissingExtraError
from colorizer.media.cicp import Cicp
from colorizer.media.damage import DamagedError
from colorizer.media.heif_boxes import read_items
from colorizer.media.metadata import exif
from colorizer.media.options import Output
from colorizer.media.picture import Encoding, Metadata, Picture, Pixels, StoredPicture, UnsupportedError
from colorizer.media.profiles import Space
from colorizer.media.raster import CheckSize, combined, opened, planes, refuse_animation, saved, silent_stderr

DEFAULT_QUALITY = 90
LARGEST_AVIF_SIDE = 32768
"""What libavif reads by default."""

LARGEST_AVIF = 16384 * 16384
"""Pixels that libavif reads by default."""

_SUBSAMPLING = {"444": "4:4:4", "422": "4:2:2", "420": "4:2:0"}

_HEIF_CODINGS = {
    b"av01": "AV1 under another brand than AVIF's",
    b"avc1": "H.264",
    b"vvc1": "VVC",
    b"evc1": "EVC",
    b"jpeg": "JPEG",
    b"j2k1": "JPEG 2000",
    b"unci": "plain samples",
}
"""Codings whose decoders pillow-heif does not bring, by the type of an item."""

_CODEC_BOX = b"av1C"
_HIGH_DEPTH, _TWELVE_BITS = 0x40, 0x20


def decode_avif(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode an AVIF file.

    Raises
    ------
    UnsupportedError
        It is an animation.
    """
    with opened(data, "AVIF", check_size) as image:
        refuse_animation(getattr(image, "n_frames", 1))
        info: dict[Any, Any] = dict(image.info)
        bits = _avif_bits(data)
        if bits > 8:
            samples, alpha, space = _deep_avif(data, bits)
        else:
            image.load()
            samples, alpha, space = planes(image)
    items = read_items(data)
    return replace(_stored(info, samples, alpha, space), cicp=items.cicp(), notes=items.left_out())


def stated_size(data: bytes) -> tuple[int, int]:
    """Width and height of the main picture by its properties; zeros where they are not stated."""
    items = read_items(data)
    for kind, content in items.properties_of(items.primary):
        if kind == b"ispe" and len(content) >= 12:
            width, height = struct.unpack_from(">II", content, 4)
            return int(width), int(height)
    return 0, 0


def unread_coding(data: bytes) -> str:
    """What is said of a HEIF file whose main picture is coded in a way that is not read; else an empty text."""
    items = read_items(data)
    kind = items.kinds.get(items.primary, b"")
    if kind in (b"grid", b"iovl", b"iden"):
        parts = [targets for name, origin, targets in items.references if name == b"dimg" and origin == items.primary]
        kind = items.kinds.get(parts[0][0], b"") if parts and parts[0] else b""
    if kind in _HEIF_CODINGS:
        return f"HEIF that is coded as {_HEIF_CODINGS[kind]} is not read; save it as TIFF or PNG"
    return ""


def _avif_bits(data: bytes) -> int:
    place = data.find(_CODEC_BOX)
    flags = data[place + 6] if 0 <= place < len(data) - 6 else 0
    return 8 if not flags & _HIGH_DEPTH else 12 if flags & _TWELVE_BITS else 10


def _deep_avif(data: bytes, bits: int) -> tuple[Pixels, Pixels | None, Space]:
    import imagecodecs

    with silent_stderr():  # older decoders complain there
        flat = np.asarray(imagecodecs.avif_decode(data))
    if flat.dtype != np.uint16 or flat.ndim not in (2, 3) or flat.shape[-1:] not in ((3,), (4,), flat.shape[1:2]):
        raise DamagedError("samples of a kind that is not read")
    deep = np.rint(flat * np.float32(65535 / ((1 << bits) - 1))).clip(0, 65535).astype(np.uint16)
    if deep.ndim == 2:
        return deep, None, "gray"
    alpha = np.ascontiguousarray(deep[..., 3]) if deep.shape[2] == 4 else None
    return np.ascontiguousarray(deep[..., :3]), alpha, "rgb"


def _stored(
    info: dict[Any, Any], samples: Pixels, alpha: Pixels | None, space: Space, orientation: int | None = None
) -> StoredPicture:
    block = bytes(info.get("exif") or b"").removeprefix(exif.JPEG_PREFIX)
    packet = info.get("xmp") or b""
    packet = packet.encode() if isinstance(packet, str) else bytes(packet)
    metadata = Metadata(block, packet, dpi=exif.resolution_of(*exif.read_exif(block)))
    orientation = exif.orientation_of(block) if orientation is None else orientation
    profile = bytes(info.get("icc_profile") or b"")
    return StoredPicture(samples, space, alpha, profile, orientation, metadata, Encoding(lossless=False))


def encode_avif(picture: Picture, output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 bits.

    Raises
    ------
    UnsupportedError
        A side is longer than the format holds.
    """
    if max(picture.pixels.shape[:2]) > LARGEST_AVIF_SIDE:
        raise UnsupportedError(f"AVIF cannot hold sides over {LARGEST_AVIF_SIDE} pixels; write a .png")
    metadata = picture.metadata
    return saved(
        replace(picture, metadata=Metadata()),
        "AVIF",
        quality=output.quality or DEFAULT_QUALITY,
        subsampling=_SUBSAMPLING[output.subsampling],
        exif=metadata.exif,
        xmp=metadata.xmp,
        icc_profile=picture.profile,
    )


def _pillow_heif() -> Any:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtraError("HEIC", "pillow-heif", "heic") from error
    return pillow_heif


def decode_heic(data: bytes, check_size: CheckSize) -> StoredPicture:
    """Decode the primary picture of a HEIC file.

    Raises
    ------
    MissingExtraError
        The package that decodes it is not installed.
    """
    file = _pillow_heif().open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    check_size(*file.size)
    picture = file[file.primary_index]
    flat = np.array(picture)[: file.size[1], : file.size[0]]
    grey = flat.ndim == 2 or flat.shape[2] == 2
    space: Space = "gray" if grey else "rgb"
    alpha = np.ascontiguousarray(flat[..., -1]) if flat.ndim == 3 and flat.shape[2] in (2, 4) else None
    visible = flat if flat.ndim == 2 else flat[..., 0] if grey else flat[..., :3]
    stored = _stored(picture.info, np.ascontiguousarray(visible), alpha, space, exif.UPRIGHT)
    items = read_items(data)
    return replace(stored, cicp=items.cicp() or _cicp_of_stream(picture.info), notes=items.left_out())


def _cicp_of_stream(info: dict[Any, Any]) -> Cicp | None:
    """What the coded picture says of its colour space, where the container says nothing."""
    stated = info.get("nclx_profile")
    if not isinstance(stated, dict):
        return None
    return Cicp(int(stated["color_primaries"]), int(stated["transfer_characteristics"]))


def encode_heic(picture: Picture, output: Output, _notes: list[str]) -> bytes:
    """Encode a picture of 8 bits, or of 16 cut to 10.

    Raises
    ------
    MissingExtraError
        The package that encodes it is not installed.
    """
    samples = np.ascontiguousarray(combined(picture))
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels] + (";16" if samples.dtype == np.uint16 else "")
    metadata = picture.metadata
    buffer = io.BytesIO()
    options: dict[str, Any] = {"exif": metadata.exif or None, "xmp": metadata.xmp or None}
    if picture.profile:
        options |= {"icc_profile": picture.profile, "icc_profile_type": "prof"}
    _pillow_heif().encode(
        mode,
        (samples.shape[1], samples.shape[0]),
        samples.tobytes(),
        buffer,
        quality=output.quality or DEFAULT_QUALITY,
        chroma=int(output.subsampling),
        **options,
    )
    return buffer.getvalue()
