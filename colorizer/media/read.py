"""Reading picture files: what they are, whether they may be decoded, and their pixels in sRGB, upright.

Every way in which a file can be wrong becomes one `InputError` that names it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO

import numpy as np

from colorizer.errors import (
    ColorizerError,
    InputError,
    MissingExtraError,
    OptionRef,
    Remedy,
    TooLargeError,
    UnknownFormatError,
    shown,
)
from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.records import hash_stream
from colorizer.io.storage import Storage, StorageError
from colorizer.media import png
from colorizer.media.color_management import InSrgb, to_srgb
from colorizer.media.damage import DamagedError, damage_words
from colorizer.media.diagnosis import why_not_read
from colorizer.media.formats import HEAD_SIZE, Format, format_of, not_a_picture
from colorizer.media.metadata import exif, iptc, xmp
from colorizer.media.metadata.ifd import EXIF_POINTER, INTEROP_POINTER
from colorizer.media.picture import (
    DEFAULT_MAX_PIXELS,
    CodedLuma,
    Metadata,
    Picture,
    Pixels,
    StoredPicture,
    UnsupportedError,
    upright,
)
from colorizer.media.profiles import gamma_profile
from colorizer.media.tiff import TiffPages

_FIRST_TRANSPOSING = 5
_INTEROP_INDEX, _ADOBE_RGB_MARK = 0x0001, b"R03\0"
_ADOBE_RGB_GAMMA = 563 / 256
_ADOBE_RGB_XY = np.array([[0.3127, 0.329], [0.64, 0.33], [0.21, 0.71], [0.15, 0.06]])
"""White, red, green and blue of Adobe RGB (1998)."""


class Document:
    """A picture file that is open: its pages, decoded one at a time while they are asked for.

    Most formats hold one page, TIFF any number; the length counts photographs, without pages that belong to them, such
    as infrared. Use it as a context manager, and iterate once.

    Attributes
    ----------
    name
        How messages call the file.
    format
        What it is, by its content.
    sha256
        Of the file, if it was asked for: known when the first page is there, "" before. A file that is decoded as a
        whole is hashed as it is read; one of pages is read through first, and its pages then come from the system's
        cache.

    Raises
    ------
    InputError
        It is empty or damaged.
    UnknownFormatError
        It is something else than a picture that can be read.
    """

    def __init__(self, file: BinaryIO, name: str, max_pixels: int, *, hashed: bool = False) -> None:
        self.name = name
        self.sha256 = ""
        self._hashed = hashed
        self._file = file
        self._max_pixels = max_pixels
        head = file.read(HEAD_SIZE)
        file.seek(0)
        if not head:
            raise InputError(f"{name}: the file is empty; copy it again from its source")
        found = format_of(head)
        if found is None:
            raise UnknownFormatError(not_a_picture(head, name).about(name))
        self.format: Format = found
        with explained(name):
            if hashed and found.decode is None:
                self.sha256 = hash_stream(file)
                file.seek(0)
            self._pages = TiffPages(file, self._check_size) if found.decode is None else None
        if self._pages is not None and not len(self._pages):
            raise InputError(f"{name}: damaged or incomplete picture (it holds no page); copy it again from its source")

    def __enter__(self) -> Document:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return 1 if self._pages is None else len(self._pages)

    def __iter__(self) -> Iterator[Picture]:
        pages = self._stored_pages()
        while True:
            with explained(self.name):
                stored = next(pages, None)
                if stored is None:
                    return
                picture = _in_srgb(stored, self.format.name)
                del stored
            yield picture

    def _stored_pages(self) -> Iterator[StoredPicture]:
        if self._pages is not None:
            yield from self._pages
        elif self.format.decode is not None:
            data = self._file.read()
            if self._hashed:
                self.sha256 = hashlib.sha256(data).hexdigest()
            try:
                yield self.format.decode(data, self._check_size)
            except (UnsupportedError, ColorizerError, MemoryError):
                raise
            except Exception as error:
                reason = why_not_read(self.format.name, data)
                if reason:
                    raise UnsupportedError(reason) from error
                raise

    def _check_size(self, width: int, height: int) -> None:
        if width <= 0 or height <= 0:
            raise DamagedError("it holds no pixels")
        if width * height > self._max_pixels:
            raise TooLargeError(
                f"{self.name}: {width} x {height} pixels are more than the limit of {self._max_pixels}",
                remedy=Remedy.IF_TRUSTED,
                what=OptionRef("max_pixels", str(width * height)),
            )


def open_document(
    path: Address, *, max_pixels: int = DEFAULT_MAX_PIXELS, storage: Storage = ANYWHERE, hashed: bool = False
) -> Document:
    """Open a picture file of any number of pages.

    Parameters
    ----------
    path
        Its content counts, not its name.
    max_pixels
        Larger pages are refused before anything is decoded.
    storage
        Where it lies.
    hashed
        Whether its SHA-256 is wanted.

    Raises
    ------
    InputError
        The file is missing, no picture, damaged, or too large; the latter two also while the pages are asked for.
    MissingExtraError
        While the pages are asked for: the package that decodes this format is not installed.
    """
    file = _open(path, storage)
    try:
        return Document(file, shown(path), max_pixels, hashed=hashed)
    except BaseException:
        file.close()
        raise


def decode_document(data: bytes, name: str, *, max_pixels: int = DEFAULT_MAX_PIXELS, hashed: bool = False) -> Document:
    """Open a picture file held in memory; see `open_document`. `name` is how messages call it.

    Raises
    ------
    InputError
        It is no picture, damaged, or too large.
    """
    return Document(io.BytesIO(data), name, max_pixels, hashed=hashed)


def read_picture(path: Address, *, max_pixels: int = DEFAULT_MAX_PIXELS, storage: Storage = ANYWHERE) -> Picture:
    """Decode a picture file; the first page, where there are several. See `open_document`.

    Raises
    ------
    InputError
        The file is missing, no picture, damaged, or too large.
    MissingExtraError
        The package that decodes this format is not installed.
    """
    with open_document(path, max_pixels=max_pixels, storage=storage) as document:
        return next(iter(document))


def decode_picture(data: bytes, name: str, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:
    """Decode a picture held in memory; see `read_picture`. `name` is how messages call it.

    Raises
    ------
    InputError
        It is no picture, damaged, or too large.
    MissingExtraError
        The package that decodes this format is not installed.
    """
    with decode_document(data, name, max_pixels=max_pixels) as document:
        return next(iter(document))


def _open(path: Address, storage: Storage) -> BinaryIO:
    try:
        return storage.open_read(path)
    except IsADirectoryError as error:
        raise InputError(f"{shown(path)}: is a folder; name the picture files in it") from error
    except FileNotFoundError as error:
        raise InputError(f"{shown(path)}: no such file; check the name") from error
    except StorageError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror})", remedy=error.remedy) from error
    except OSError as error:
        if storage.is_folder(path):  # Windows answers "permission denied" for a folder
            raise InputError(f"{shown(path)}: is a folder; name the picture files in it") from error
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror}); check the file's permissions") from error
    except ValueError as error:
        raise InputError(f"{shown(path)}: no file can have this name; check the name") from error


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn whatever decoding raises into an `InputError` that names the file.

    The decoders are other people's parsers of files that anybody may have damaged; what they raise then is not part of
    any contract (IndexError, struct.error, KeyError, RuntimeError and more have been seen).

    Raises
    ------
    InputError
        In place of what was raised.
    MissingExtraError
        As it was raised, with the file's name.
    """
    try:
        yield
    except InputError:
        raise
    except StorageError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})", remedy=error.remedy) from error
    except UnsupportedError as error:
        raise InputError(error.message.about(name)) from error
    except MissingExtraError as error:
        raise MissingExtraError(error.message.about(name)) from error
    except MemoryError as error:
        raise InputError(f"{name}: not enough memory for this picture; close other programs") from error
    except Exception as error:
        raise InputError(f"{name}: {damage_words(error)}; copy it again from its source") from error


def _in_srgb(stored: StoredPicture, kind: str) -> Picture:
    """A picture as its file stores it made what we work on: in sRGB, upright, its metadata likewise."""
    if stored.no_photograph:
        # its samples are no tones, and mean no colours
        return _upright_picture(stored, stored.samples, kind)
    profile = stored.profile
    if not profile and stored.space == "rgb" and _claims_adobe_rgb(stored.metadata.exif):
        profile = gamma_profile(_ADOBE_RGB_GAMMA, _ADOBE_RGB_XY, grey=False)
    converted = to_srgb(stored.samples, profile, stored.space, stored.cicp)
    return replace(
        _upright_picture(stored, converted.pixels, kind),
        profile=converted.profile,
        source_profile=converted.source,
        dtype=stored.dtype or stored.samples.dtype,
        notes=stored.notes + converted.notes,
        luma=_luma(stored, converted),
    )


def _upright_picture(stored: StoredPicture, pixels: Pixels, kind: str) -> Picture:
    """A stored picture, with its own or converted samples, as it is looked at."""
    turn = stored.orientation
    return Picture(
        pixels=upright(pixels, turn),
        alpha=None if stored.alpha is None else upright(stored.alpha, turn),
        format=kind,
        metadata=_upright_metadata(stored.metadata, turn),
        encoding=stored.encoding,
        extra=None if stored.extra is None else upright(stored.extra, turn),
        notes=stored.notes,
        no_photograph=stored.no_photograph,
        pages_beside=stored.pages_beside,
    )


def _luma(stored: StoredPicture, converted: InSrgb) -> CodedLuma | None:
    """The coded luma; it cannot stay where the file's code values mean another tone than the result's would."""
    if stored.luma is None or converted.pixels is stored.samples:
        return stored.luma
    return replace(stored.luma, obstacle=stored.luma.obstacle or "the tone curve of its colour profile is not sRGB's")


def _claims_adobe_rgb(block: bytes) -> bool:
    """Whether a camera says so in Exif alone, as the DCF standard provides."""
    with suppress(ValueError):
        index = exif.read_exif(block)[0].child(EXIF_POINTER).child(INTEROP_POINTER).find(_INTEROP_INDEX)
        return index is not None and index.data == _ADOBE_RGB_MARK
    return False


def _upright_metadata(metadata: Metadata, orientation: int) -> Metadata:
    transposed = orientation >= _FIRST_TRANSPOSING
    if transposed:
        metadata = png.transposed(metadata)
        if metadata.dpi:
            metadata = replace(metadata, dpi=metadata.dpi[::-1])
    return replace(
        metadata,
        exif=exif.updated(metadata.exif, orientation=orientation, to_srgb=False),
        xmp=xmp.updated(metadata.xmp, transposed=transposed, to_srgb=False),
        photoshop=iptc.updated(metadata.photoshop),
    )
