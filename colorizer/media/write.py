"""Writing picture files: what a format can hold of a picture, in its depth and colour space, with the mark."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from colorizer.errors import MissingExtraError, OptionRef, OutputError, UsageError, shown
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.media.color_management import from_srgb
from colorizer.media.formats import FORMATS, SUFFIXES, Format, unknown_ending
from colorizer.media.metadata import exif, xmp
from colorizer.media.options import Output
from colorizer.media.picture import Metadata, Picture, UnsupportedError, encoding
from colorizer.media.profiles import srgb_grey_profile
from colorizer.media.raster import is_opaque
from colorizer.media.samples import rescaled
from colorizer.media.tiff_writer import write as write_tiff

_DEFAULT = Output()
_LOWEST_DPI, _HIGHEST_DPI = 1, 65_000  # JFIF has 16 bits for it


def target_format(path: Address, output: Output = _DEFAULT) -> Format:
    """The format to write: what the options demand, else what the name says.

    Raises
    ------
    OutputError
        The name's suffix is unknown.
    UsageError
        Name and options contradict each other.
    """
    named = SUFFIXES.get(path.suffix.lower())
    if output.format == "auto":
        if named is None:
            raise OutputError(f"{shown(path)}: {unknown_ending(path)}")
        return FORMATS[named]
    wanted = FORMATS[output.format.upper()]
    if named not in (None, wanted.name):
        raise UsageError(
            f"the name of {shown(path)} says {named}; leave one of them out", option=OptionRef("format", output.format)
        )
    return wanted


def write_picture(
    path: Address, picture: Picture, output: Output = _DEFAULT, *, storage: Storage = ANYWHERE
) -> tuple[str, ...]:
    """Encode a picture, and put its file in place when complete; see `write_document`.

    Raises
    ------
    OutputError, UsageError, MissingExtraError
        As `write_document` does.
    """
    return write_document(path, [picture], 1, output, storage=storage)


def write_document(
    path: Address,
    pages: Iterable[Picture],
    count: int,
    output: Output = _DEFAULT,
    *,
    storage: Storage = ANYWHERE,
    look: Callable[[BinaryIO], None] = lambda _: None,
) -> tuple[str, ...]:
    """Encode pages in the format that options or name say, and put the file in place when complete.

    Parameters
    ----------
    path
        File to write.
    pages
        Asked for one at a time.
    count
        How many there are.
    output
        How to write.
    storage
        Where it goes.
    look
        Called with the complete file, at its begin, before it gets its name.

    Returns
    -------
    tuple of str
        What could not be kept, in words.

    Raises
    ------
    OutputError
        The name's suffix is unknown, the format cannot hold the pages, or the file cannot be written.
    UsageError
        Name and options contradict each other.
    MissingExtraError
        The package that encodes this format is not installed.
    """
    kind = target_format(path, output)
    try:
        with storage.put_whole(path) as file:
            notes = _write(file, pages, count, kind, output, name=shown(path))
            file.seek(0)
            look(file)
            return notes
    except UnsupportedError as error:
        raise OutputError(error.message.about(shown(path))) from error


def encode_picture(picture: Picture, output: Output = _DEFAULT) -> tuple[bytes, tuple[str, ...]]:
    """The file of a picture, in memory, and what could not be kept; see `encode_document`.

    Raises
    ------
    OutputError, MissingExtraError
        As `encode_document` does.
    """
    return encode_document([picture], 1, picture.format, output)


def encode_document(
    pages: Iterable[Picture], count: int, source_format: str, output: Output = _DEFAULT
) -> tuple[bytes, tuple[str, ...]]:
    """The file of some pages, in memory, and what could not be kept; see `write_document`.

    `source_format` is the input's format, which the result has too unless the options say otherwise; it has PNG where
    there is no writer.

    Raises
    ------
    OutputError
        The format cannot hold the pages.
    MissingExtraError
        The package that encodes it is not installed.
    """
    kind = result_format(source_format, output)
    file = io.BytesIO()
    try:
        notes = _write(file, pages, count, kind, output)
    except UnsupportedError as error:
        raise OutputError(error.message) from error
    return file.getvalue(), notes


def result_format(source_format: str, output: Output = _DEFAULT) -> Format:
    """The format to write where no name says it: the input's, unless the options demand another; else PNG."""
    kind = FORMATS[source_format if output.format == "auto" else output.format.upper()]
    return kind if kind.writable else FORMATS["PNG"]


def _write(
    file: BinaryIO, pages: Iterable[Picture], count: int, kind: Format, output: Output, *, name: str = ""
) -> tuple[str, ...]:
    if count > 1 and not kind.pages:
        raise UnsupportedError(f"{kind.name} cannot hold {count} pages; write a .tif")
    notes: list[str] = []
    fitted = (_fitted(page, kind, output, notes) for page in pages)
    if kind.encode is None:
        write_tiff(file, fitted, count, output, notes)
    else:
        page = _only(fitted)
        try:
            with encoding(kind.name):
                data = kind.encode(page, output, notes)
        except MissingExtraError as error:
            raise MissingExtraError(error.message.about(name) if name else error.message) from error
        file.write(data)
    return tuple(dict.fromkeys(notes))


def _only(pages: Iterator[Picture]) -> Picture:
    page = next(pages, None)
    if page is None:
        raise UnsupportedError("there is no page to write")
    return page


def _sensible(metadata: Metadata) -> Metadata:
    """The metadata, less a resolution that no format can state."""
    if metadata.dpi is None or all(_LOWEST_DPI <= dots <= _HIGHEST_DPI for dots in metadata.dpi):
        return metadata
    return replace(metadata, dpi=None)


def _fitted(picture: Picture, kind: Format, output: Output, notes: list[str]) -> Picture:
    """The picture as the format can hold it."""
    notes += picture.notes
    dtype = picture.depth if picture.depth in kind.depths else kind.depths[-1]
    alpha = picture.alpha
    if alpha is not None and not kind.alpha:
        if not is_opaque(alpha):
            raise UnsupportedError(f"{kind.name} cannot hold the picture's transparency; write a .png")
        alpha = None
    if picture.pages_beside and not kind.pages:
        notes.append(f"{kind.name} cannot hold pages of infrared light; left out")
    if picture.extra is not None and kind.name != "TIFF":
        notes.append(f"{kind.name} cannot hold samples beyond colour and alpha; they are left out")
    metadata, profile = _sensible(picture.metadata), picture.profile
    if not kind.metadata and (metadata.exif or metadata.xmp or metadata.iptc):
        notes.append(f"{kind.name} holds no Exif, XMP or captions; they are left out")
    pixels = None
    if output.profile == "keep-rgb" and picture.source_profile and picture.pixels.ndim == 3 and kind.metadata:
        try:
            pixels = from_srgb(picture.pixels, picture.source_profile, dtype)
            profile = picture.source_profile
        except ValueError:
            notes.append("the picture's own colour profile cannot be written into; the result is sRGB")
    if pixels is None:
        pixels = rescaled(picture.pixels, dtype)
        if picture.source_profile:
            metadata = replace(
                metadata,
                exif=exif.updated(metadata.exif, orientation=exif.UPRIGHT, to_srgb=True),
                xmp=xmp.updated(metadata.xmp, transposed=False, to_srgb=True),
            )
    if pixels.ndim == 2 and profile and picture.coded is None:
        profile = srgb_grey_profile()
    if picture.mark is not None and not output.no_mark:
        if metadata.xmp and not xmp.is_packet(metadata.xmp):
            notes.append("the XMP packet is damaged; a new one takes its place")
        metadata = replace(metadata, xmp=xmp.marked(metadata.xmp, picture.mark))
    return replace(
        picture,
        pixels=pixels,
        alpha=None if alpha is None else rescaled(alpha, dtype),
        extra=picture.extra if kind.name == "TIFF" else None,
        metadata=metadata,
        profile=profile,
    )
