"""A decoded picture, what must survive beside its pixels, and how its file held them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import Message, Remedy
from colorizer.io.atomic import NO_ROOM
from colorizer.media.cicp import Cicp
from colorizer.media.jpeg_scans import Frame
from colorizer.media.metadata.exif import UPRIGHT
from colorizer.media.metadata.ifd import ByteOrder
from colorizer.media.metadata.xmp import Mark
from colorizer.media.notebook import notebook_png
from colorizer.media.profiles import Space

Pixels = npt.NDArray[Any]

DEFAULT_MAX_PIXELS = 500_000_000
"""Larger than any scan of a print or a plate, smaller than what a hostile file of a few KB can claim."""

CAMERA_RAW = "a camera's raw file, or one like it; develop it into a TIFF first"
"""What is said of what a sensor has seen and nobody has developed."""


class UnsupportedError(Exception):
    """A picture that a codec understands and cannot read or write; the message lacks only the file's name.

    Parameters
    ----------
    text
        What is not supported.
    remedy
        What to do instead, where the text does not say it.
    """

    def __init__(self, text: str, *, remedy: Remedy | None = None) -> None:
        self.message = Message(text, remedy=remedy)
        super().__init__(str(self.message))


@contextmanager
def encoding(kind: str) -> Iterator[None]:
    """Turn what other people's encoders raise into an error that says of which format.

    Raises
    ------
    UnsupportedError
        The encoder refused the picture.
    """
    try:
        yield
    except (
        ArithmeticError,
        LookupError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        raise UnsupportedError(f"{kind} cannot hold this picture", remedy=Remedy.ANOTHER_FORMAT) from error


@dataclass(frozen=True)
class Metadata:
    """What belongs to a picture besides its pixels and their colour space, upright like these.

    Attributes
    ----------
    exif
        The Exif block, from its byte-order mark on; of a TIFF file, its descriptive tags in the same form.
    xmp
        The XMP packet.
    extended_xmp
        JPEG's second part of a packet too long for one segment.
    iptc
        Captions as IPTC-IIM datasets.
    photoshop
        Photoshop's image resources, which hold the captions in JPEG.
    dpi
        Pixels per inch, horizontally and vertically.
    blocks
        What only the same format can hold, as it was: segments of JPEG (marker and content), chunks of PNG (type and
        content).
    """

    exif: bytes = b""
    xmp: bytes = b""
    extended_xmp: bytes = b""
    iptc: bytes = b""
    photoshop: bytes = b""
    dpi: tuple[float, float] | None = None
    blocks: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class CodedLuma:
    """The luma of a JPEG file as it is coded, which a result may keep.

    Attributes
    ----------
    file
        The file.
    grey
        Whether it is all there is.
    orientation
        Exif's, 1 to 8, in which it is stored.
    metadata
        As they are stored, not upright.
    obstacle
        Why it cannot be kept; empty where nothing is known against it.
    """

    file: bytes
    grey: bool
    orientation: int = UPRIGHT
    metadata: Metadata = Metadata()
    obstacle: str = ""


@dataclass(frozen=True)
class KeptLuma:
    """Luma that a result keeps.

    Attributes
    ----------
    frame
        Its coded scans.
    plane
        (H, W) uint8, as a decoder shows it; as it is stored, not upright.
    subsampling
        Luma rows and columns to a chroma sample.
    """

    frame: Frame
    plane: npt.NDArray[np.uint8]
    subsampling: tuple[int, int]


@dataclass(frozen=True)
class TiffEncoding:
    """How a page of a TIFF file is laid out.

    Attributes
    ----------
    order, big
        Byte order; whether BigTIFF.
    compression, predictor
        Codes of the tags of these names.
    tile
        Rows and columns of a tile; None for strips.
    rows_per_strip
        Rows of a strip.
    planar
        Whether samples lie in planes of their own.
    extra_samples
        What the samples beyond colour are: 0 unspecified, 1 premultiplied alpha, 2 alpha; the first with 1 or 2 is
        the picture's alpha.
    subfile
        What the file calls it (the bits of `NewSubfileType`): 2 a page of several, 4 a mask.
    """

    order: ByteOrder = "<"
    big: bool = False
    compression: int = 1
    predictor: int = 1
    tile: tuple[int, int] | None = None
    rows_per_strip: int | None = None
    planar: bool = False
    extra_samples: tuple[int, ...] = ()
    subfile: int = 0


@dataclass(frozen=True)
class Encoding:
    """How a file held its pixels, where a file of the same format can do the same.

    Attributes
    ----------
    lossless
        Of WebP and JPEG 2000.
    progressive
        Of JPEG.
    tiff
        Of TIFF.
    """

    lossless: bool = True
    progressive: bool = False
    tiff: TiffEncoding | None = None


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright.

    Attributes
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16 or float32 in 0..1; sRGB-encoded. Deeper than the file where another
        colour space was converted.
    alpha
        (H, W), of the file's sample type, or None.
    format
        What the file was: a key of `colorizer.media.formats.FORMATS`.
    metadata
        What belongs to it besides.
    profile
        ICC profile to write with it; empty for none.
    source_profile
        The file's own RGB profile, where it is another than sRGB.
    dtype
        The file's sample type; that of the pixels where None.
    encoding
        How the file held it.
    extra
        (H, W, N) further samples of a TIFF page, or None.
    mark
        What the metadata shall say of how the colours were made; None for nothing.
    notes
        What the reader could not make sense of, in words.
    luma
        Of a JPEG file, its coded luma.
    coded
        Luma and chroma planes to write in place of the pixels, see `colorizer.media.jpeg_luma`.
    no_photograph
        Whether it is what belongs to a photograph, such as a page of infrared light, and is to be left as it is.
    pages_beside
        How many such pages follow the first photograph of a file.
    """

    pixels: Pixels
    alpha: Pixels | None
    format: str
    metadata: Metadata = Metadata()
    profile: bytes = b""
    source_profile: bytes = b""
    dtype: np.dtype[Any] | None = None
    encoding: Encoding = Encoding()
    extra: Pixels | None = None
    mark: Mark | None = None
    notes: tuple[str, ...] = ()
    luma: CodedLuma | None = None
    coded: tuple[KeptLuma, tuple[Pixels, Pixels]] | None = None
    no_photograph: bool = False
    pages_beside: int = 0

    def with_pixels(self, pixels: Pixels, mark: Mark | None = None) -> Picture:
        """The same picture with other pixels, of the same size, and what to say of them."""
        return replace(self, pixels=pixels, mark=mark)

    def __repr__(self) -> str:
        """What it is, in a line; its pixels are shown by `_repr_png_`."""
        height, width = self.pixels.shape[:2]
        kind = "colour" if self.pixels.ndim == 3 else "grey"
        alpha = "" if self.alpha is None else " and alpha"
        return f"<Picture: {self.format}, {width} x {height}, {kind}{alpha}, {self.depth}>"

    def _repr_png_(self) -> bytes:
        """What notebooks show: reduced where it is large."""
        return notebook_png(self.pixels, self.alpha)

    @property
    def depth(self) -> np.dtype[Any]:
        """The sample type to write, where the format holds it."""
        return self.pixels.dtype if self.dtype is None else self.dtype


@dataclass(frozen=True)
class StoredPicture:
    """A picture as its file stores it: samples not yet upright, in the file's own colour space.

    Attributes
    ----------
    samples
        (H, W) grey, (H, W, 3) RGB or (H, W, 4) CMYK with 0 for no ink; uint8, uint16 or float32, at full scale.
    space
        Which of the three.
    alpha, extra
        As in `Picture`.
    profile
        The embedded ICC profile; empty for none.
    orientation
        Exif's, 1 to 8.
    metadata, encoding, dtype, notes, luma
        As in `Picture`, the metadata not yet upright.
    cicp
        The colour space by code points, where the file states it so; an HDR one counts more than a profile.
    no_photograph, pages_beside
        As in `Picture`.
    """

    samples: Pixels
    space: Space
    alpha: Pixels | None = None
    profile: bytes = b""
    orientation: int = UPRIGHT
    metadata: Metadata = Metadata()
    encoding: Encoding = Encoding()
    extra: Pixels | None = None
    dtype: np.dtype[Any] | None = None
    notes: tuple[str, ...] = ()
    luma: CodedLuma | None = None
    cicp: Cicp | None = None
    no_photograph: bool = False
    pages_beside: int = 0


def further_pictures(count: int) -> tuple[str, ...]:
    """What is said of pictures of a file beside the one that is read."""
    if count <= 0:
        return ()
    return (f"{count} further picture{'s' if count > 1 else ''} of the file {'are' if count > 1 else 'is'} left out",)


def upright(plane: Pixels, orientation: int) -> Pixels:
    """Apply an Exif orientation, 1 to 8, to (H, W, ...)."""
    if orientation in (5, 6, 7, 8):
        plane = plane.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        plane = plane[::-1]
    if orientation in (2, 3, 6, 7):
        plane = plane[:, ::-1]
    return np.ascontiguousarray(plane)
