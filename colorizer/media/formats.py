"""The formats: how each is known, what it can hold, and who reads and writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from colorizer.errors import Message, Remedy, shown
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.media import bmp, heif, jp2, jpeg, png, pnm, webp
from colorizer.media.options import Output
from colorizer.media.picture import CAMERA_RAW, Picture, StoredPicture
from colorizer.media.raster import CheckSize

Decoder = Callable[[bytes, CheckSize], StoredPicture]
Encoder = Callable[[Picture, Output, list[str]], bytes]
Depth = np.dtype[Any]

_BYTES, _WORDS, _FLOATS = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)

_SUFFIX_OF_WHAT_HOLDS_COLOR = {".pgm": ".ppm", ".pbm": ".ppm", ".gif": ".png", ".j2k": ".jp2", ".j2c": ".jp2"}


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes
    ----------
    name
        As `Picture.format` says it; in lower case, as `Output.format` does.
    suffixes
        Of files; the first is the usual one.
    depths
        Sample types that it holds, narrow ones first.
    decode
        Reads one picture; None for TIFF, which holds several.
    encode
        Writes one picture; None for TIFF, and where there is no writer.
    alpha
        Whether it holds one.
    metadata
        Whether it holds Exif, XMP and ICC profiles.
    pages
        Whether a file holds several pictures.
    """

    name: str
    suffixes: tuple[str, ...]
    depths: tuple[Depth, ...]
    decode: Decoder | None
    encode: Encoder | None
    alpha: bool = True
    metadata: bool = True
    pages: bool = False

    @property
    def writable(self) -> bool:
        """Whether there is a writer."""
        return self.encode is not None or self.pages


FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), (_BYTES,), jpeg.decode, jpeg.encode, alpha=False),
        Format("PNG", (".png",), (_BYTES, _WORDS), png.decode, png.encode),
        Format("TIFF", (".tif", ".tiff"), (_BYTES, _WORDS, _FLOATS), None, None, pages=True),
        Format("WEBP", (".webp",), (_BYTES,), webp.decode, webp.encode),
        Format("BMP", (".bmp", ".dib"), (_BYTES,), bmp.decode, bmp.encode, metadata=False),
        Format(
            "PNM", (".ppm", ".pnm", ".pam", ".pgm", ".pbm"), (_BYTES, _WORDS), pnm.decode, pnm.encode, metadata=False
        ),
        Format("JP2", (".jp2", ".jpx", ".jpf", ".j2k", ".j2c"), (_BYTES, _WORDS), jp2.decode, jp2.encode),
        Format("AVIF", (".avif",), (_BYTES,), heif.decode_avif, heif.encode_avif),
        Format("HEIC", (".heic", ".heif", ".hif"), (_BYTES, _WORDS), heif.decode_heic, heif.encode_heic),
        Format("GIF", (".gif",), (_BYTES,), bmp.decode_gif, None, metadata=False),
    )
}

SUFFIXES = {
    suffix: item.name
    for item in FORMATS.values()
    for suffix in item.suffixes
    if item.writable and suffix not in _SUFFIX_OF_WHAT_HOLDS_COLOR
}
"""What an output's name says about its format."""

ENDINGS = ", ".join(f.suffixes[0] for f in FORMATS.values() if f.name in SUFFIXES.values())
"""How names of results may end, one ending for each format."""
READABLE_SUFFIXES = frozenset(suffix for item in FORMATS.values() for suffix in item.suffixes)

_MAGIC = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]")),
    ("WEBP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("BMP", re.compile(rb"BM.{8}", re.DOTALL)),
    ("PNM", re.compile(rb"P[1-6][\s#]|P7\s*\n")),
    ("JP2", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")),
    ("AVIF", re.compile(rb".{4}ftypavi[fs]|.{4}ftypmi(?:f[1-9]|af).{4}(?:.{4})*?avif", re.DOTALL)),
    ("HEIC", re.compile(rb".{4}ftyp(?:he[iv][cxms]|mif[1-9]|miaf|msf1)", re.DOTALL)),
)
_FTYP_HEAD = 64
HEAD_SIZE = 512
"""Bytes from the start of a file that tell what it is."""


def format_of(head: bytes) -> Format | None:
    """The format of a file, by its first bytes."""
    for name, magic in _MAGIC:
        if magic.match(head[:_FTYP_HEAD]):
            return FORMATS[name]
    return None


def suffix_by_content(path: Address, storage: Storage = ANYWHERE) -> str:
    """The usual suffix of what a file holds; "" where that is no picture or cannot be read."""
    try:
        with storage.open_read(path, peek=True) as file:
            found = format_of(file.read(HEAD_SIZE))
    except (OSError, ValueError):
        return ""
    return found.suffixes[0] if found else ""


WHAT_IS_READ = "JPEG, PNG, TIFF, WebP, BMP, GIF, PNM, JPEG 2000, AVIF and HEIC"
"""The formats of `FORMATS`, in words."""

_RAW_MAGIC = re.compile(rb"....ftypcrx |FUJIFILMCCD-RAW|II(?:RO|RS|U\0)|MMOR|FOVb|\0MRM|....HEAPCCDR", re.DOTALL)
"""Cameras' raw files that are no TIFF: CR3, RAF, ORF, RW2, X3F, MRW, CRW."""
_FILM = re.compile(rb".{4}ftyp|\x1a\x45\xdf\xa3|OggS", re.DOTALL)
_OTHERS = (
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "a JPEG XL picture"),
    (re.compile(rb"II\xbc"), "a JPEG XR picture"),
    (re.compile(rb"8BPS"), "a Photoshop document"),
    (re.compile(rb"v/1\x01"), "an OpenEXR picture"),
    (re.compile(rb"AT&TFORM"), "a DjVu document"),
    (re.compile(rb".{128}DICM", re.DOTALL), "a DICOM file"),
    (re.compile(rb"SIMPLE  ="), "a FITS file"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (_FILM, "a film or sound"),
    (re.compile(rb"\s*<"), "a web page or XML"),
)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def not_a_picture(head: bytes, name: str) -> Message:
    """What is said of a file of this name that is no picture that can be read, by its first bytes."""
    if head.startswith(_LFS_POINTER):
        return Message("a Git LFS pointer in place of the picture", remedy=Remedy.FETCH_FROM_LFS)
    if _RAW_MAGIC.match(head):
        return Message(CAMERA_RAW)
    if _FILM.match(head):
        return Message("a film or sound, not a picture", remedy=Remedy.COLOR_FILMS, values={"films": name})
    return Message(f"{nature_of(head)}, not a picture that can be read; those in {WHAT_IS_READ} can")


def nature_of(head: bytes) -> str:
    """What a file that is no picture seems to be, in words."""
    for magic, words in _OTHERS:
        if magic.match(head):
            return words
    if b"\0" not in head and not any(byte < 9 for byte in head):
        return "text"
    return "an unknown kind of file"


def unknown_ending(path: Address) -> str:
    """What is said of a result's name that tells no format, and what to do."""
    problem = f"no format that is written ends in {shown(path.suffix)}" if path.suffix else "its name tells no format"
    return f"{problem}; choose a name that ends in one of {ENDINGS}"


def colored_suffix(suffix: str, output: Output) -> str:
    """The suffix of a result named after its input: the same, if that format can be written and holds colour."""
    if output.format != "auto":
        wanted = FORMATS[output.format.upper()]
        return suffix if SUFFIXES.get(suffix.lower()) == wanted.name else wanted.suffixes[0]
    return _SUFFIX_OF_WHAT_HOLDS_COLOR.get(suffix.lower(), suffix)
