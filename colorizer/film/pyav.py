"""PyAV's side of film: opening files, and its frames as arrays.

PyAV is an extra. It is imported inside functions, so that the names of films can be told without it; its objects are
`Any` here, since their types are not known where it is missing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from colorizer.color.ycbcr import ColorEncoding
from colorizer.errors import InputError, MissingExtraError, shown
from colorizer.film.formats import layout_of
from colorizer.film.frame import Plane

_SCALER_MATRICES = {1: "ITU709", 4: "FCC", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M"}
"""Names of the matrices in FFmpeg's scaler, by their codes in H.273."""

_PLANAR_EQUIVALENTS = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "nv24": "yuv444p",
    "nv42": "yuv444p",
    "nv20le": "yuv422p10le",
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
    "p212le": "yuv422p12le",
    "p216le": "yuv422p16le",
    "p410le": "yuv444p10le",
    "p412le": "yuv444p12le",
    "p416le": "yuv444p16le",
    "y210le": "yuv422p10le",
    "y212le": "yuv422p12le",
    "monow": "gray",
    "monob": "gray",
    "ya8": "gray",
    "ya16le": "gray16le",
}

_BIG_ENDIAN = re.compile(r"(?<=\d)be$")
_DEPTHS = (8, 9, 10, 12, 14, 16)
"""Bits of a sample that Y'CbCr formats have."""


def import_av() -> Any:
    """The module `av`.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("film", "PyAV", "video") from error
    return av


def open_film(path: Path) -> Any:
    """A PyAV container that holds moving pictures.

    Raises
    ------
    InputError
        The file is missing, no film, or holds no moving pictures.
    MissingExtraError
        PyAV is not installed.
    """
    av = import_av()
    try:
        # titles in old encodings must not keep a film from being read; a playlist must not lead elsewhere
        container = av.open(file_url(path), metadata_errors="replace", container_options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: {_unreadable(path, error)}") from error
    if picture_stream(container) is None:
        container.close()
        raise InputError(f"{shown(path)}: holds no moving pictures; there is nothing to colour")
    return container


def _unreadable(path: Path, error: BaseException) -> str:
    """Why a file is no film that can be opened; what FFmpeg says of its insides speaks to programmers."""
    if isinstance(error, FileNotFoundError):
        return "no such file; check the name"
    if isinstance(error, PermissionError):
        return f"cannot be read ({error.strerror}); check the file's permissions"
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty; copy it again from its source"
    return "cannot be read as a film: it is none, or damaged; see whether a player plays it, or copy it again"


def file_url(path: Path) -> str:
    """A file's name as FFmpeg takes it, whatever it holds: `box:1` and `data:` would be protocols otherwise."""
    return f"file:{path}"


def error_words(error: BaseException) -> str:
    """What FFmpeg or the system says of an error, in one line and without the file's name."""
    return str(getattr(error, "strerror", None) or error).split("\n", 1)[0]


def picture_stream(container: Any) -> Any:
    """The stream of moving pictures: the first that is no cover picture and can be decoded; None if there is none."""
    av = import_av()
    covers = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & covers and stream.codec_context is not None:
            return stream
    return None


@lru_cache(maxsize=64)
def readable_format(pix_fmt: str) -> str:
    """The planar little-endian pixel format that holds what another one holds.

    RGB becomes 4:4:4 Y'CbCr of the same depth, at most 16 bits, and alpha is left out.
    """
    name = _BIG_ENDIAN.sub("le", pix_fmt)
    name = _PLANAR_EQUIVALENTS.get(name, name).replace("yuva", "yuv")
    if name.startswith("yuvj"):
        # the same planes as yuv; that their range is full stands in the film's description
        return "yuv" + name[4:]
    if layout_of(name) is None:
        bits = max((component.bits for component in import_av().VideoFormat(pix_fmt).components), default=8)
        depth = next((depth for depth in _DEPTHS if depth >= bits), _DEPTHS[-1])
        return "yuv444p" if depth == _DEPTHS[0] else f"yuv444p{depth}le"
    return name


def reformatted(native: Any, width: int, height: int, pix_fmt: str, encoding: ColorEncoding) -> Any:
    """A PyAV frame in another pixel format or size, at its own time; RGB becomes Y'CbCr by the film's matrix."""
    converted = native.reformat(
        width,
        height,
        pix_fmt,
        dst_colorspace=_SCALER_MATRICES.get(encoding.matrix, "ITU709"),
        dst_color_range="JPEG" if encoding.full_range else "MPEG",
    )
    converted.pts, converted.time_base = native.pts, native.time_base
    return converted


def display_matrix(native: Any) -> tuple[int, ...] | None:
    """The nine numbers of a frame's rotation or mirroring; None if it has none."""
    found = native.side_data.get("DISPLAYMATRIX")
    if found is None:
        return None
    return tuple(int(number) for number in np.frombuffer(bytes(found), np.int32)[:9])


def plane_array(native: Any, index: int, bits: int) -> Plane:
    """A plane of a PyAV frame as an array (H, W) that shares its memory; uint8, or uint16 beyond 8 bits."""
    plane = native.planes[index]
    kind = np.dtype(np.uint8 if bits == 8 else np.uint16)
    whole = np.frombuffer(plane, kind)
    # FFmpeg pads rows for its SIMD code, so a row may be longer in memory than the picture is wide
    pitch = plane.line_size // kind.itemsize
    array: Plane = np.ndarray((plane.height, plane.width), kind, whole, strides=(pitch * kind.itemsize, kind.itemsize))
    return array
