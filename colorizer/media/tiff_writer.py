"""Writing TIFF: pages laid out as those of the input were, with all their descriptive tags.

tifffile writes the pixels. The tags are then set by us: it knows no nested directories (Exif, GPS), and adds tags of
its own. Compression, predictor, tiles or strips, planes, byte order and BigTIFF are kept; what cannot hold colour at
this depth (fax codes, JPEG with an alpha) becomes deflate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, BinaryIO

import numpy as np

from colorizer.color.pixels import FULL_SCALE
from colorizer.media.metadata import exif, ifd, iptc
from colorizer.media.options import Output
from colorizer.media.picture import Picture, Pixels, TiffEncoding, encoding
from colorizer.media.samples import rescaled
from colorizer.media.tiff import IPTC, PHOTOSHOP, STRUCTURAL, XMP

_NONE, _LZW, _OLD_JPEG, _JPEG, _DEFLATE, _PACKBITS = 1, 5, 6, 7, 8, 32773
_OLD_DEFLATE, _LZMA, _ZSTD, _WEBP, _JPEG_2000 = 32946, 34925, 50000, 50001, 34712
_JPEG_2000_KINDS = (33003, 33004, 33005, _JPEG_2000)
_WITH_PREDICTOR = (_LZW, _DEFLATE, _OLD_DEFLATE, _LZMA, _ZSTD)
_LOSSLESS = (_NONE, _PACKBITS, *_WITH_PREDICTOR)
_DIFFERENCE, _FLOAT_DIFFERENCE = 2, 3
_JPEG_QUALITY = 95
_TILE_STEP = 16
_SUBFILE_TYPE, _PAGE = 254, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_RESOLUTION_TAGS = frozenset({exif.X_RESOLUTION, exif.Y_RESOLUTION, exif.RESOLUTION_UNIT})
_CLASSIC_LIMIT = (1 << 32) - (1 << 26)
_NEW = TiffEncoding(compression=_DEFLATE, predictor=_DIFFERENCE)
_DPI_DENOMINATOR = 10_000


@dataclass(frozen=True)
class _Tags:
    """What a page's directory shall hold besides its structure."""

    directory: ifd.Directory
    dpi: tuple[float, float] | None
    subfile: int


def write(file: BinaryIO, pages: Iterable[Picture], count: int, output: Output, notes: list[str]) -> None:
    """Write pages of 8 or 16 bits, or of float32, one after the other.

    Parameters
    ----------
    file
        Empty, and open for reading and writing.
    pages
        At least one.
    count
        How many there are; decides whether BigTIFF is needed.
    output
        Quality of JPEG, where the input was compressed by it.
    notes
        What could not be kept is added here.
    """
    from tifffile import TiffWriter

    pages = iter(pages)
    first = next(pages)
    directory, order = exif.read_exif(first.metadata.exif)
    layout = first.encoding.tiff or _NEW
    if not directory.entries and not directory.children:
        order = layout.order
    big = layout.big or _samples(first).nbytes * (count + first.pages_beside) > _CLASSIC_LIMIT
    tags = []
    with TiffWriter(file, bigtiff=big, byteorder=order) as writer:
        for page in chain([first], pages):
            _write(writer, page, output, notes)
            tags.append(_tags(page))
    _add_tags(file, tags, ifd.Layout(order, big))


def _samples(picture: Picture) -> Pixels:
    """All samples in one array; colours multiplied by an alpha that the input had premultiplied."""
    codes = _codes(picture)
    pixels = picture.pixels
    if picture.alpha is None and picture.extra is None:
        return pixels
    if picture.alpha is not None and _PREMULTIPLIED in codes and _STRAIGHT not in codes:
        share = rescaled(picture.alpha, np.dtype(np.float32))
        light = rescaled(pixels, np.dtype(np.float32)) * (share if pixels.ndim == 2 else share[..., None])
        pixels = rescaled(light, pixels.dtype)
    planes = [pixels if pixels.ndim == 3 else pixels[..., None]]
    alpha = None if picture.alpha is None else picture.alpha[..., None]
    rest = iter(() if picture.extra is None else np.split(picture.extra, picture.extra.shape[2], axis=2))
    for code in codes:
        if code in (_PREMULTIPLIED, _STRAIGHT) and alpha is not None:
            planes.append(alpha)
            alpha = None
        else:
            planes.append(next(rest))
    return np.concatenate(planes, axis=2)


def _codes(picture: Picture) -> tuple[int, ...]:
    """What the samples beyond colour are called."""
    known = picture.encoding.tiff.extra_samples if picture.encoding.tiff else ()
    wanted = (picture.alpha is not None) + (0 if picture.extra is None else picture.extra.shape[2])
    return known if len(known) == wanted else (_STRAIGHT,) * (picture.alpha is not None)


def _write(writer: Any, picture: Picture, output: Output, notes: list[str]) -> None:
    samples = np.ascontiguousarray(_samples(picture))
    layout = _fitting(picture.encoding.tiff or _NEW, samples, notes)
    codes = _codes(picture)
    colored = picture.pixels.ndim == 3
    options: dict[str, Any] = {"photometric": "rgb" if colored else "minisblack"}
    if layout.compression == _JPEG:
        options["compressionargs"] = {"level": output.quality or _JPEG_QUALITY}
        if colored:
            options["subsampling"] = (1, 1)  # makes it YCbCr
    if layout.compression == _JPEG_2000:
        options["compressionargs"] = {"reversible": True}
    if layout.planar and samples.ndim == 3:
        samples = np.ascontiguousarray(np.moveaxis(samples, 2, 0))
        options["planarconfig"] = "separate"
    elif samples.ndim == 3:
        options["planarconfig"] = "contig"
    if layout.tile:
        options["tile"] = layout.tile
    elif layout.rows_per_strip:
        options["rowsperstrip"] = min(layout.rows_per_strip, picture.pixels.shape[0])
    if layout.subfile == _PAGE:
        options["subfiletype"] = layout.subfile
    with encoding("TIFF"):
        writer.write(
            samples,
            compression=layout.compression if layout.compression != _NONE else None,
            predictor=layout.predictor if layout.compression in _WITH_PREDICTOR and layout.predictor > 1 else None,
            extrasamples=codes or None,
            iccprofile=picture.profile or None,
            software=False,
            metadata=None,
            contiguous=False,
            **options,
        )


def _fitting(layout: TiffEncoding, samples: Pixels, notes: list[str]) -> TiffEncoding:
    """The layout, changed where it cannot hold these samples."""
    compression, predictor = layout.compression, layout.predictor
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    if compression == _OLD_JPEG:
        compression = _JPEG
    if compression in _JPEG_2000_KINDS and samples.dtype in FULL_SCALE and channels <= 4:
        compression = _JPEG_2000
    elif not (
        compression in _LOSSLESS
        or (compression == _JPEG and samples.dtype == np.uint8 and channels in (1, 3) and not layout.planar)
        or (compression == _WEBP and samples.dtype == np.uint8 and channels in (3, 4) and not layout.planar)
    ):
        notes.append(f"TIFF compression {compression} cannot hold this picture; deflate is used")
        compression, predictor = _DEFLATE, _DIFFERENCE
    if predictor > 1:
        predictor = _DIFFERENCE if samples.dtype in FULL_SCALE else _FLOAT_DIFFERENCE
    tile = layout.tile if layout.tile and not any(side % _TILE_STEP for side in layout.tile) else None
    return replace(layout, compression=compression, predictor=predictor, tile=tile)


def _tags(picture: Picture) -> _Tags:
    metadata = picture.metadata
    described, _ = exif.read_exif(metadata.exif)
    photoshop = metadata.photoshop
    if picture.format != "TIFF" and metadata.iptc:
        photoshop = iptc.without_captions(photoshop)
    extra = tuple(
        ifd.Entry(tag, kind, content)
        for tag, kind, content in (
            (XMP, ifd.BYTE, metadata.xmp),
            (IPTC, ifd.UNDEFINED, metadata.iptc),
            (PHOTOSHOP, ifd.BYTE, photoshop),
        )
        if content
    )
    described = described.without(STRUCTURAL)
    subfile = picture.encoding.tiff.subfile if picture.encoding.tiff else 0
    return _Tags(replace(described, entries=described.entries + extra), metadata.dpi, subfile)


def _add_tags(file: BinaryIO, tags: list[_Tags], layout: ifd.Layout) -> None:
    """Give each page a new directory at the end of the file, which holds the old one's entries and the tags."""
    data = ifd.FileBytes(file)
    link = 8 if layout.big else 4
    (offset,) = layout.unpack(layout.offset_code, data, link)
    end = len(data)
    for page in tags:
        written, offset = ifd.read_directory(data, offset, layout)
        merged = written.without(_RESOLUTION_TAGS).merged(page.directory)
        if page.dpi and not page.directory.find(exif.X_RESOLUTION):
            merged = merged.merged(_resolution(page.dpi, layout))
        if page.subfile:  # tifffile takes masks of one bit alone
            kind = ifd.Entry(_SUBFILE_TYPE, ifd.LONG, layout.pack("I", page.subfile))
            merged = merged.without(frozenset({_SUBFILE_TYPE})).merged(ifd.Directory((kind,)))
        place = end + end % 2
        directory = ifd.write_directory(merged, place, layout)
        file.seek(place)
        file.write(directory)
        end = place + len(directory)
        file.seek(link)
        file.write(layout.pack(layout.offset_code, place))
        link = place + layout.count_size + merged.size * layout.entry_size


def _resolution(dpi: tuple[float, float], layout: ifd.Layout) -> ifd.Directory:
    def rational(value: float) -> bytes:
        return layout.pack("II", round(value * _DPI_DENOMINATOR), _DPI_DENOMINATOR)

    return ifd.Directory(
        (
            ifd.Entry(exif.X_RESOLUTION, ifd.RATIONAL, rational(dpi[0])),
            ifd.Entry(exif.Y_RESOLUTION, ifd.RATIONAL, rational(dpi[1])),
            ifd.Entry(exif.RESOLUTION_UNIT, ifd.SHORT, layout.pack("H", exif.INCH)),
        )
    )
