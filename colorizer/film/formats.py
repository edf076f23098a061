"""Which files are films, which containers and codecs are written, and how FFmpeg names pixel formats.

Standard library alone, since the command line asks before anything is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from colorizer.color.ycbcr import PlaneLayout
from colorizer.errors import Remedy, UsageError, shown
from colorizer.io.address import Address

SUFFIXES = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
}
"""Containers that are written, by the suffix of the output's name, as FFmpeg calls them."""

_READ_ONLY_SUFFIXES = {".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".vob", ".wmv", ".flv", ".3gp", ".ogv", ".dv", ".mxf"}

FILM_SUFFIXES = frozenset(SUFFIXES) | _READ_ONLY_SUFFIXES
"""How names of films end."""

_HEAD = 400
_PICTURE_BRANDS = re.compile(rb"avi[fs]|he[iv][cxms]|mif[1-9]|miaf|msf1|crx ")
"""Of AVIF, HEIC and what HEIF calls their like, and of Canon's raw files."""

_MAGIC = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"FLV\x01",
    b"DKIF",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b"YUV4MPEG2",
    b"nut/multimedia container\0",
    b".RMF",  # RealMedia
)
_TS_SYNC, _TS_PACKET = 0x47, 188


def is_video(path: Path) -> bool:
    """Whether a file is a film, by its first bytes, or by its name where it cannot be read or has none to tell.

    Reads a few hundred bytes; loads nothing.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        head = b""
    if head[4:8] == b"ftyp":
        return not _PICTURE_BRANDS.match(head[8:12])
    if head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    if len(head) > _TS_PACKET and head[0] == _TS_SYNC == head[_TS_PACKET]:
        return True
    return has_video_name(path)


def has_video_name(path: Address) -> bool:
    """Whether a name ends as films' names do."""
    return path.suffix.lower() in FILM_SUFFIXES


def target_beside(film: Path) -> Path:
    """The output where none is named: film.color.mp4; .mkv, which holds nearly all, for containers not written."""
    return film.with_name(f"{film.stem}.color{_written_suffix(film)}")


def target_in(folder: Path, film: Path) -> Path:
    """The output in a folder."""
    return folder / f"{film.stem}{_written_suffix(film)}"


def _written_suffix(film: Path) -> str:
    return film.suffix if film.suffix.lower() in SUFFIXES else ".mkv"


@dataclass(frozen=True)
class CodecChoice:
    """How a codec is written."""

    encoder: str  # FFmpeg's name
    crf: int | None  # constant quality by default; None where it has none
    preset: str | None  # by default
    containers: tuple[str, ...]  # that hold it
    even: bool = False  # takes only even widths and heights where chroma is subsampled


CODECS = {
    "h264": CodecChoice("libx264", 18, "veryfast", ("mp4", "mov", "matroska", "avi"), even=True),
    "h265": CodecChoice("libx265", 20, "medium", ("mp4", "mov", "matroska"), even=True),
    "vp9": CodecChoice("libvpx-vp9", 24, None, ("webm", "matroska", "mp4")),
    "av1": CodecChoice("libsvtav1", 24, "8", ("mp4", "matroska", "webm")),
    "prores": CodecChoice("prores_ks", None, None, ("mov", "matroska")),
    "ffv1": CodecChoice("ffv1", None, None, ("matroska", "avi")),
}

DEFAULT_CODECS = {"mp4": "h264", "mov": "h264", "matroska": "h264", "webm": "vp9", "avi": "h264"}


def container_of(path: Path) -> str:
    """FFmpeg's name of the container that an output's name asks for.

    Raises
    ------
    UsageError
        Its suffix is none that is written.
    """
    container = SUFFIXES.get(path.suffix.lower())
    if container is None:
        endings = ", ".join(SUFFIXES)
        raise UsageError(
            f"{shown(path)}: films are written with the endings {endings}",
            remedy=Remedy.CHOOSE_OUTPUT,
            what="one of them",
        )
    return container


def codec_for(name: str, container: str, path: Path) -> CodecChoice:
    """The codec of an option's value, checked against the container.

    Raises
    ------
    UsageError
        The container does not hold it.
    """
    choice = CODECS[DEFAULT_CODECS[container] if name == "auto" else name]
    if container not in choice.containers:
        fitting = tuple(suffix for suffix, kind in SUFFIXES.items() if kind in choice.containers)
        raise UsageError(
            f"{shown(path)}: {path.suffix} does not hold {name}", remedy=Remedy.CHOOSE_OUTPUT, what=fitting
        )
    return choice


_YUV = re.compile(r"yuv(?:j)?(420|422|444|440|411|410)p(?:(9|10|12|14|16)le)?$")
_GREY = re.compile(r"gray(?:(9|10|12|14|16)le)?$")
SUBSAMPLINGS = {"420": (2, 2), "422": (1, 2), "444": (1, 1), "440": (2, 1), "411": (1, 4), "410": (4, 4)}
"""Luma rows and columns to a chroma sample, by the name of the subsampling."""


def layout_of(pix_fmt: str) -> PlaneLayout | None:
    """The planes of one of FFmpeg's planar Y'CbCr or grey pixel formats; None of others."""
    if found := _YUV.match(pix_fmt):
        return PlaneLayout(int(found[2] or 8), SUBSAMPLINGS[found[1]])
    if found := _GREY.match(pix_fmt):
        return PlaneLayout(int(found[1] or 8), None)
    return None


def pixel_format(layout: PlaneLayout) -> str:
    """FFmpeg's name of a layout."""
    depth = "" if layout.bits == 8 else f"{layout.bits}le"
    if layout.subsampling is None:
        return f"gray{depth}"
    name = next(name for name, steps in SUBSAMPLINGS.items() if steps == layout.subsampling)
    return f"yuv{name}p{depth}"


def written_layout(source: PlaneLayout, accepted: list[str]) -> PlaneLayout:
    """The layout nearest to the source's that an encoder accepts; grey becomes 4:2:0.

    Nearest: the same depth before a larger one before a smaller one; then the same chroma, then finer, then coarser.
    """
    wanted = source.subsampling or (2, 2)
    choices = [
        layout
        for name in accepted
        if not name.startswith("yuvj") and (layout := layout_of(name)) and layout.subsampling
    ]

    def distance(layout: PlaneLayout) -> tuple[int, int, int, int]:
        chroma = layout.subsampling or wanted
        coarser = chroma[0] > wanted[0] or chroma[1] > wanted[1]
        return (
            layout.bits < source.bits,
            abs(layout.bits - source.bits),
            coarser,
            abs(chroma[0] * chroma[1] - wanted[0] * wanted[1]),
        )

    return min(choices, key=distance)
