"""Reading TIFF: every page, 1 to 16 bits and floats, strips and tiles, classic and BigTIFF.

tifffile and imagecodecs decode the pixels; the few old kinds that they do not (the first JPEG scheme, ThunderScan, fax
codes with old releases) go through Pillow's libtiff at 8 bits. The descriptive tags of a page, known or not, become an
Exif block, which has the same form.

Source: TIFF 6.0 and its technical notes (Adobe, 1992 to 2002), BigTIFF (Aware Systems, 2007).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from tifffile import TIFF, TiffFile, TiffPage

from colorizer.color.pixels import FULL_SCALE, recombine
from colorizer.media.damage import DamagedError
from colorizer.media.metadata import exif, ifd
from colorizer.media.picture import (
    CAMERA_RAW,
    Encoding,
    Metadata,
    Pixels,
    StoredPicture,
    TiffEncoding,
    UnsupportedError,
)
from colorizer.media.profiles import Space
from colorizer.media.raster import CheckSize, opened, planes, silent_stderr
from colorizer.media.samples import looked_up, rescaled, straightened

logging.getLogger("tifffile").addHandler(logging.NullHandler())

XMP, IPTC, PHOTOSHOP, ICC = 700, 33723, 34377, 34675
_LAYERS = 37724
STRUCTURAL = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291),
        *(292, 293, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342),
        *(343, 344, 345, 346, 347, 400, *range(512, 522), *range(529, 533), 32995, 32996, 32997, 32998, 34016, 50706),
        *(XMP, IPTC, PHOTOSHOP, ICC, _LAYERS),
    }
)
"""Tags that say how pixels are stored and what their values mean, or that are kept elsewhere."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _MASK, _INKS, _YCBCR, _CIE_LAB, _ICC_LAB = (*range(7), 8, 9)
_COLORS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _MASK: 1, _INKS: 4, _YCBCR: 3}
_UNSIGNED, _FLOAT = 1, 3
_REDUCED, _PAGE, _TRANSPARENCY_MASK = 1, 2, 4
_PREMULTIPLIED, _STRAIGHT = 1, 2

_FAX, _OLD_JPEG, _THUNDERSCAN = (2, 3, 4), 6, 32809
_RAW_PHOTOMETRIC = (32803, 34892)
_RAW_COMPRESSIONS = (32767, 34713, 65000, 65535)
"""Of sensors: colour filter array and linear raw; Sony's, Nikon's, Kodak's and Pentax's codes."""
_DNG_VERSION = 50706
_CR2_AT, _CR2 = 8, b"CR\x02"
_PHOTOMETRIC, _INK_SET, _INK_NAMES = 262, 332, 333
_OTHER_INKS = 2
_SILVERFAST = "silverfast"
_CMYK_NAMES = ["cyan", "magenta", "yellow", "black"]
_CONVERTING = (7, 33003, 33004, 33005, 34712, 50001)
"""Compressions whose decoders turn YCbCr into RGB."""

_MOST_PAGES = 10_000
_FLOAT_MARGIN = 0.01
"""How far floats may lie outside 0..1, as sharpening and resampling leave them; they are clipped."""


class TiffPages:
    """The pages of a TIFF file, decoded one at a time.

    Parameters
    ----------
    file
        The open file; read while the pages are.
    check_size
        Refuses sizes that the user does not allow.

    Raises
    ------
    UnsupportedError
        It is a camera's raw file; also while the pages are asked for, where one is of a kind that is not read.
    DamagedError
        It is damaged; likewise.
    """

    def __init__(self, file: BinaryIO, check_size: CheckSize) -> None:
        self._file = file
        self._check_size = check_size
        if file.read(_CR2_AT + len(_CR2)).endswith(_CR2):
            raise UnsupportedError(CAMERA_RAW)
        file.seek(0)
        self._tiff = TiffFile(file)
        self._left_out = 0
        self._chosen: list[int] = []
        self._infrared: set[int] = set()
        for index, listed in enumerate(self._tiff.pages):
            if index >= _MOST_PAGES:
                raise DamagedError("more pages than any document has")
            page = listed.aspage()
            if _is_raw(page, first=index == 0):
                raise UnsupportedError(CAMERA_RAW)
            if self._chosen and _is_infrared(page, self._tiff.pages[self._chosen[0]].aspage()):
                self._infrared.add(index)
                self._chosen.append(index)
            elif self._chosen and page.subfiletype & (_REDUCED | _TRANSPARENCY_MASK):
                self._left_out += 1
            else:
                self._chosen.append(index)

    def __len__(self) -> int:
        return len(self._chosen) - len(self._infrared)

    def __iter__(self) -> Iterator[StoredPicture]:
        for index in self._chosen:
            yield self._stored(self._tiff.pages[index].aspage(), index)

    def _stored(self, page: TiffPage, index: int) -> StoredPicture:
        self._check_size(page.imagewidth, page.imagelength)
        if page.is_tiled:
            self._check_size(page.tilewidth, page.tilelength)
        if page.imagedepth > 1 or page.tiledepth > 1:
            raise UnsupportedError("a volume, not a picture")
        layout = ifd.Layout(">" if self._tiff.byteorder == ">" else "<", self._tiff.is_bigtiff)
        directory, _ = ifd.read_directory(ifd.FileBytes(self._file), page.offset, layout)
        samples, space, others = self._samples(page, index)
        alpha, extra, codes = _alpha(page, others)
        dtype = None
        if alpha is not None and _PREMULTIPLIED in codes and _STRAIGHT not in codes:
            dtype = samples.dtype
            samples = straightened(samples, alpha)
        notes = [f"{self._left_out} smaller copies or masks are left out"] if self._left_out and index == 0 else []
        if _PHOTOMETRIC not in page.tags and space == "gray" and int(page.compression) not in _FAX:
            notes.append("the page does not say whether 0 is black; it is taken to be")
        if page.subifds:
            notes.append("directories below the page, such as smaller copies, are left out")
        if directory.find(_LAYERS):
            notes.append("Photoshop's layers are left out")
        if samples.dtype == np.float32:
            samples = _checked_floats(samples)
        return StoredPicture(
            samples,
            space,
            alpha,
            _data(directory, ICC),
            _orientation(directory, layout.order),
            _metadata(directory, layout.order),
            Encoding(tiff=_encoding(page, layout, codes)),
            extra,
            dtype,
            tuple(notes),
            no_photograph=index in self._infrared,
            pages_beside=len(self._infrared) if index == self._chosen[0] else 0,
        )

    def _samples(self, page: TiffPage, index: int) -> tuple[Pixels, Space, Pixels | None]:
        """Colour samples at full scale, what they are, and the samples besides."""
        photometric = _photometric(page)
        if photometric not in (*_COLORS, _CIE_LAB, _ICC_LAB):
            raise UnsupportedError(f"TIFF samples of the kind {photometric} are not read; save it as RGB or grey")
        plain_ycbcr = photometric == _YCBCR and int(page.compression) not in (*_CONVERTING, _OLD_JPEG)
        if plain_ycbcr and page.is_subsampled:
            raise UnsupportedError("TIFF with coarser chroma and without JPEG is not read; save it as RGB")
        if photometric == _INKS:
            _check_inks(page)
        if _is_old(page):
            return self._by_pillow(index)
        _check_compression(page)
        array = np.asarray(page.asarray())
        array = array.reshape(page.imagelength, page.imagewidth, -1) if page.axes != "SYX" else np.moveaxis(array, 0, 2)
        array = _full_scale(
            array, page.bitspersample, int(page.sampleformat or _UNSIGNED), scaled=photometric != _PALETTE
        )
        colors = _COLORS.get(photometric, 3)
        if array.shape[2] < colors:
            raise DamagedError("too few samples")
        main, others = array[..., :colors], array[..., colors:] if array.shape[2] > colors else None
        space: Space = {1: "gray", 3: "rgb", 4: "cmyk"}[colors]  # type: ignore[assignment]
        if photometric == _WHITE_IS_ZERO:
            main = FULL_SCALE.get(main.dtype, 1) - main
        elif photometric == _PALETTE:
            return _looked_up(main[..., 0], page.colormap), "rgb", others
        elif photometric in (_CIE_LAB, _ICC_LAB):
            main = _from_lab(main, photometric)
        elif plain_ycbcr:
            main = _from_ycbcr(main)
        return np.ascontiguousarray(main[..., 0] if space == "gray" else main), space, others

    def _by_pillow(self, index: int) -> tuple[Pixels, Space, Pixels | None]:
        self._file.seek(0)
        with silent_stderr(), opened(self._file.read(), "TIFF", self._check_size) as image:
            image.seek(index)
            self._check_size(*image.size)
            image.load()
            samples, alpha, space = planes(_plain(image))
        return samples, space, None if alpha is None else alpha[..., None]


def _is_old(page: TiffPage) -> bool:
    """Whether a page is of the few kinds that libtiff decodes and tifffile does not."""
    compression = int(page.compression)
    if compression in _FAX:
        import imagecodecs

        codec = getattr(imagecodecs, "CCITTFAX4", None)  # added after the last release for Python 3.10
        return codec is None or not codec.available
    return compression in (_OLD_JPEG, _THUNDERSCAN)


def _is_infrared(page: TiffPage, first: TiffPage) -> bool:
    """Whether a grey page is what a scanner saw in infrared light, which SilverFast writes behind the colours.

    It calls it a mask, which in TIFF has one bit and a kind of its own; or it names itself, and the page is one of 16
    bits behind one in colour, of the same size.
    """
    same_size = (page.imagelength, page.imagewidth) == (first.imagelength, first.imagewidth)
    if not same_size or int(page.photometric) != _BLACK_IS_ZERO or page.bitspersample not in (8, 16):
        return False
    if page.subfiletype & _TRANSPARENCY_MASK:
        return True
    by_silverfast = any(_SILVERFAST in str(one.software).lower() for one in (first, page))
    return by_silverfast and int(first.photometric) == _RGB and page.bitspersample == 16 and not page.subfiletype


def _is_raw(page: TiffPage, *, first: bool) -> bool:
    """Whether a page is a sensor's, or the small picture that stands first in a camera's raw file."""
    if int(page.photometric) in _RAW_PHOTOMETRIC or int(page.compression) in _RAW_COMPRESSIONS:
        return True
    return first and (_DNG_VERSION in page.tags or bool(page.subfiletype & _REDUCED and page.subifds))


def _photometric(page: TiffPage) -> int:
    """What the samples are; where a page does not say, as libtiff's reader takes it."""
    if _PHOTOMETRIC in page.tags or int(page.compression) in (*_FAX, *_CONVERTING):
        return int(page.photometric)
    return _RGB if int(page.samplesperpixel) >= 3 else _BLACK_IS_ZERO


def _check_inks(page: TiffPage) -> None:
    """Refuse inks that are not cyan, magenta, yellow and black."""
    ink_set = page.tags.get(_INK_SET)
    if ink_set is None or ink_set.value != _OTHER_INKS:
        return
    stated = page.tags.get(_INK_NAMES)
    names = [name.strip().lower() for name in str(stated.value).split("\0")] if stated else []
    if [name for name in names if name] != _CMYK_NAMES:
        raise UnsupportedError("TIFF of inks that are not CMYK is not read; save it as RGB or grey")


def _check_compression(page: TiffPage) -> None:
    try:
        TIFF.DECOMPRESSORS[int(page.compression)]
    except KeyError as error:
        code = int(page.compression)
        name = str(getattr(page.compression, "name", "")).replace("_", " ")
        raise UnsupportedError(
            f"TIFF compressed by {name or 'an unknown method'} ({code}) is not read; save it without compression"
        ) from error


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("RGB") if image.mode == "YCbCr" else image


def _full_scale(array: Pixels, bits: int, sample_format: int, *, scaled: bool) -> Pixels:
    """Samples as uint8, uint16 or float32 that reach from 0 to the type's full scale."""
    result: Pixels = array
    if array.dtype == bool:
        result = array.astype(np.uint8)
        result *= np.uint8(255 if scaled else 1)
        return result
    if sample_format == _FLOAT or array.dtype.kind == "f":
        return result.astype(np.float32, copy=False)
    if array.dtype.kind != "u":
        raise UnsupportedError("TIFF samples that are signed are not read; save it with unsigned ones")
    result = array.astype(array.dtype.newbyteorder("="), copy=False)
    if result.dtype == np.uint32 and bits == 32:
        return _scaled_to_float(result)
    if result.dtype not in FULL_SCALE:
        raise UnsupportedError(f"TIFF samples of {bits} bits are not read; save it with 8 or 16")
    full, stored = FULL_SCALE[result.dtype], (1 << bits) - 1
    if scaled and stored != full:
        table = np.rint(np.arange(full + 1) * (full / stored)).clip(0, full).astype(result.dtype)
        result = looked_up(result, table)
    return result


def _scaled_to_float(samples: Pixels) -> Pixels:
    result: Pixels = (samples / np.float64(0xFFFFFFFF)).astype(np.float32)
    return result


def _looked_up(indices: Pixels, colormap: Any) -> Pixels:
    """What a palette shows, at 8 bits; its 16-bit entries are 8-bit ones times 257 or, by older writers, 256."""
    table = np.asarray(colormap, np.uint16).T
    if len(table) <= int(indices.max(initial=0)):
        raise DamagedError("a palette that is too short")
    narrow = (table >> 8).astype(np.uint8) if not (table & 0xFF).any() else rescaled(table, np.dtype(np.uint8))
    return looked_up(indices, narrow)


def _from_ycbcr(samples: Pixels) -> Pixels:
    """RGB of luma and chroma differences, by the weights of BT.601 that TIFF takes where it names none."""
    if samples.dtype != np.uint8:
        raise UnsupportedError("TIFF of YCbCr is read with 8 bits only; save it as RGB")
    height, width = samples.shape[:2]
    return np.asarray(Image.frombytes("YCbCr", (width, height), samples.tobytes()).convert("RGB"))


def _from_lab(samples: Pixels, photometric: int) -> Pixels:
    """Turn Lab samples into sRGB at 16 bits; both kinds differ in how they store a and b, and in L at 16 bits."""
    if samples.dtype not in FULL_SCALE:
        raise UnsupportedError("TIFF Lab samples that are floats are not read; save it as RGB")
    wide = samples.dtype == np.uint16
    step = 256.0 if wide else 1.0
    signed = samples[..., 1:].view(np.int16 if wide else np.int8).astype(np.float32)
    if photometric == _ICC_LAB:
        signed = samples[..., 1:].astype(np.float32) - np.float32(128 * step)
    white = 0xFF00 if wide and photometric == _ICC_LAB else FULL_SCALE[samples.dtype]
    light = np.minimum(samples[..., 0] * np.float32(100 / white), 100)
    result: Pixels = recombine(light, signed / np.float32(step), np.uint16)
    return result


def _alpha(page: TiffPage, others: Pixels | None) -> tuple[Pixels | None, Pixels | None, tuple[int, ...]]:
    """The alpha and the further ones of the samples that are no colours, and the codes of all of them."""
    if others is None:
        return None, None, ()
    stated = tuple(int(code) for code in page.extrasamples)
    codes = (stated + (0,) * others.shape[2])[: others.shape[2]]
    place = next((i for i, code in enumerate(codes) if code in (_PREMULTIPLIED, _STRAIGHT)), None)
    if place is None:
        return None, np.ascontiguousarray(others), codes
    rest = np.delete(others, place, axis=2)
    return np.ascontiguousarray(others[..., place]), rest if rest.shape[2] else None, codes


def _checked_floats(samples: Pixels) -> Pixels:
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high]).all() or not np.isfinite(samples).all():
        raise UnsupportedError("floating-point samples that are not finite; replace NaN and infinity first")
    if low < -_FLOAT_MARGIN or high > 1 + _FLOAT_MARGIN:
        raise UnsupportedError(f"floating-point samples from {low:g} to {high:g}; scale them to 0..1 first")
    return np.clip(samples, 0, 1) if low < 0 or high > 1 else samples


def _data(directory: ifd.Directory, tag: int) -> bytes:
    entry = directory.find(tag)
    return b"" if entry is None else entry.data


def _orientation(directory: ifd.Directory, order: ifd.ByteOrder) -> int:
    entry = directory.find(exif.ORIENTATION)
    value = entry.numbers(order)[:1] if entry else ()
    return value[0] if value and 1 <= value[0] <= 8 else exif.UPRIGHT


def _metadata(directory: ifd.Directory, order: ifd.ByteOrder) -> Metadata:
    return Metadata(
        exif=exif.write_exif(directory.without(STRUCTURAL), order),
        xmp=_data(directory, XMP),
        iptc=_data(directory, IPTC),
        photoshop=_data(directory, PHOTOSHOP),
        dpi=exif.resolution_of(directory, order),
    )


def _encoding(page: TiffPage, layout: ifd.Layout, codes: tuple[int, ...]) -> TiffEncoding:
    return TiffEncoding(
        order=layout.order,
        big=layout.big,
        compression=int(page.compression),
        predictor=int(page.predictor),
        tile=(page.tilelength, page.tilewidth) if page.is_tiled else None,
        rows_per_strip=None if page.is_tiled else int(page.rowsperstrip),
        planar=page.planarconfig is not None and int(page.planarconfig) == 2,
        extra_samples=codes,
        subfile=int(page.subfiletype) & (_PAGE | _TRANSPARENCY_MASK),
    )
