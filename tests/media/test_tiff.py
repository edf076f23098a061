"""TIFF: the same object, in colour. Layout, tags and pages, read back by tifffile, Pillow and OpenCV."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from conftest import Command
from media_samples import by_pillow, by_tifffile, grain, scene, tiff_of_luma_and_chroma
from PIL import Image

from colorizer.errors import InputError, OutputError
from colorizer.media import (
    Mark,
    Output,
    decode_document,
    decode_picture,
    encode_document,
    encode_picture,
    open_document,
    write_document,
)

LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one-strip": {"rowsperstrip": 48},
    "lzw": {"compression": "lzw", "rowsperstrip": 5},
    "lzw-predictor": {"compression": "lzw", "predictor": True, "rowsperstrip": 5},
    "deflate-tiles": {"compression": "adobe_deflate", "predictor": True, "tile": (16, 32)},
    "old-deflate": {"compression": "deflate"},
    "packbits": {"compression": "packbits", "rowsperstrip": 8},
    "zstd": {"compression": "zstd", "tile": (32, 32)},
    "lzma": {"compression": "lzma"},
    "big": {"bigtiff": True},
    "big-endian": {"byteorder": ">", "compression": "lzw"},
    "big-big-endian-tiles": {"bigtiff": True, "byteorder": ">", "tile": (16, 16)},
}


def colored(data: bytes, output: Output | None = None) -> bytes:
    picture = decode_picture(data, "scan.tif")
    written, _ = encode_picture(picture.with_pixels(grain(3, picture.pixels.dtype)), output or Output())
    return written


def page_of(data: bytes, index: int = 0) -> tifffile.TiffPage:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: tifffile.TiffPage = file.pages[index].aspage()
    return page


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_and_compression_are_kept(layout: str, dtype: Any) -> None:
    data = by_tifffile(scene(1, dtype), **LAYOUTS[layout])
    before, written = page_of(data), colored(data)
    after = page_of(written)
    for name in ("compression", "predictor", "tile", "dtype", "rowsperstrip"):
        assert getattr(after, name) == getattr(before, name), name
    assert written[:4] == data[:4]  # byte order, and classic or BigTIFF
    assert after.photometric == tifffile.PHOTOMETRIC.RGB
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(written)), grain(3, dtype))
    if layout not in ("zstd", "lzma", "big-big-endian-tiles"):  # which OpenCV does not read
        found: Any = cv2.imdecode(np.frombuffer(written, np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found[..., ::-1], grain(3, dtype))


def test_planes_stay_planes_and_interleaved_samples_interleaved() -> None:
    planes = by_tifffile(np.moveaxis(scene(3), 2, 0), photometric="rgb", planarconfig="separate")
    assert page_of(colored(planes)).planarconfig == tifffile.PLANARCONFIG.SEPARATE
    assert page_of(colored(by_tifffile(scene(3)))).planarconfig == tifffile.PLANARCONFIG.CONTIG


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_inside_stays_jpeg_with_full_chroma(channels: int) -> None:
    written = colored(by_tifffile(scene(channels), compression="jpeg", rowsperstrip=16))
    page = page_of(written)
    assert page.compression == tifffile.COMPRESSION.JPEG
    assert page.subsampling in (None, (1, 1))
    smooth, _ = encode_picture(
        decode_picture(by_tifffile(scene(channels), compression="jpeg"), "x").with_pixels(scene(3))
    )
    assert np.abs(np.asarray(Image.open(io.BytesIO(smooth))).astype(int) - scene(3)).max() < 8


def test_jpeg_2000_inside_stays_lossless() -> None:
    written = colored(by_tifffile(scene(1, np.uint16), compression="jpeg2000"))
    assert page_of(written).compression == tifffile.COMPRESSION.JPEG2000
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(written)), grain(3, np.uint16))


@pytest.mark.parametrize("code", ["group3", "group4"])
def test_fax_codes_cannot_hold_colour_and_become_deflate(code: str) -> None:
    picture = decode_picture(by_pillow(scene() > 99, "TIFF", compression=code), "fax.tif")
    written, notes = encode_picture(picture.with_pixels(grain(3)))
    assert page_of(written).compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    assert any("deflate" in note for note in notes)


def test_luma_and_chroma_without_jpeg_are_read_unless_they_differ_in_size() -> None:
    pixels = decode_picture(tiff_of_luma_and_chroma(scene(3), 1), "old.tif").pixels
    assert np.abs(pixels.astype(int) - scene(3)).max() <= 3
    with pytest.raises(InputError, match="save it as RGB"):
        decode_picture(tiff_of_luma_and_chroma(scene(3), 2), "old.tif")


TAGS: list[tuple[int, int, int, Any, bool]] = [
    (269, 2, 9, "Box 12/3", True),  # DocumentName
    (270, 2, 13, "the old mill", True),
    (271, 2, 8, "Scanner", True),
    (285, 2, 7, "page i", True),  # PageName
    (297, 3, 2, (1, 3), True),  # PageNumber
    (305, 2, 9, "ScanWare", True),
    (306, 2, 20, "1999:12:31 23:59:59", True),
    (315, 2, 5, "Anna", True),
    (316, 2, 4, "host", True),
    (33432, 2, 13, "(c) the city", True),
    (40000, 12, 2, (1.5, -2.25), True),  # a private tag of doubles
    (65000, 7, 5, b"\x00\xff\x01\xfe\x02", True),
]


@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_descriptive_tags_known_or_not_are_kept(big: bool, order: Any) -> None:
    data = by_tifffile(scene(1, np.uint16), extratags=TAGS, bigtiff=big, byteorder=order)
    before, after = page_of(data), page_of(colored(data))
    for tag, *_ in TAGS:
        assert after.tags[tag].value == before.tags[tag].value, tag
        assert after.tags[tag].dtype == before.tags[tag].dtype, tag


def test_resolution_is_kept_to_its_fraction_and_unit() -> None:
    for unit in (1, 2, 3):
        data = by_tifffile(scene(), resolution=((60001, 101), (30001, 7)), resolutionunit=unit)
        after = page_of(colored(data))
        assert after.tags[282].value == (60001, 101)
        assert after.tags[283].value == (30001, 7)
        assert after.tags[296].value == unit
    assert 282 not in page_of(colored(without_resolution())).tags


def without_resolution() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, format="TIFF")
    return buffer.getvalue()


def test_nested_directories_of_exif_and_gps_are_kept() -> None:
    exif = Image.Exif()
    exif[270] = "the old mill"
    exif.get_ifd(0x8769).update({0x9003: "1999:12:31 23:59:59", 0x927C: b"maker's secret", 0x829A: 0.004})
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 11.5)})
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, format="TIFF", exif=exif.tobytes())
    found = Image.open(io.BytesIO(colored(buffer.getvalue()))).getexif()
    assert found.get_ifd(0x8769)[0x9003] == "1999:12:31 23:59:59"
    assert found.get_ifd(0x8769)[0x927C] == b"maker's secret"
    assert found.get_ifd(0x8825)[2] == (47.0, 22.0, 11.5)
    assert page_of(colored(buffer.getvalue())).tags["ExifTag"].value["DateTimeOriginal"] == "1999:12:31 23:59:59"


def test_every_page_is_read_and_written_each_with_its_own_layout(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(scene(1, np.uint16), compression="lzw", description="recto", metadata=None, subfiletype=2)
        writer.write(scene(1, height=20, width=30), description="verso", metadata=None, subfiletype=2)
        writer.write(scene(3, np.float32), photometric="rgb", tile=(16, 16), metadata=None, contiguous=False)
    path = tmp_path / "album.tif"
    path.write_bytes(buffer.getvalue())
    with open_document(path) as document:
        assert len(document) == 3
        shapes = []

        def pages() -> Any:
            for number, picture in enumerate(document):
                shapes.append(picture.pixels.shape)
                height, width = picture.pixels.shape[:2]
                yield picture.with_pixels(
                    scene(3, picture.pixels.dtype, height, width), Mark(f"page {number}", "tested")
                )

        write_document(tmp_path / "out.tif", pages(), len(document))
    assert shapes == [(48, 64), (20, 30), (48, 64, 3)]
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert [page.shape for page in file.pages] == [(48, 64, 3), (20, 30, 3), (48, 64, 3)]
        assert [page.aspage().dtype for page in file.pages] == [np.uint16, np.uint8, np.float32]
        first, second, third = (page.aspage() for page in file.pages)
        assert (first.description, second.description) == ("recto", "verso")
        assert (first.compression, second.compression) == (5, 1)
        assert (first.subfiletype, third.subfiletype) == (2, 0)
        assert third.tile == (16, 16)
        for number, page in enumerate((first, second, third)):
            assert f"page {number}".encode() in page.tags[700].value
            np.testing.assert_array_equal(page.asarray(), scene(3, page.dtype, *page.shape[:2]))


def test_pages_are_decoded_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "album.tif"
    path.write_bytes(by_tifffile(*[scene(3, np.uint8, 400, 500)] * 40))
    import tracemalloc

    with open_document(path) as document:
        iterator = iter(document)
        next(iterator)
        tracemalloc.start()
        count = sum(1 for _ in iterator)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 39
    assert peak < 6 * 400 * 500 * 3


def test_several_pages_do_not_fit_into_other_formats() -> None:
    document = decode_document(by_tifffile(scene(), scene()), "album.tif")
    with document, pytest.raises(OutputError, match=r"JPEG cannot hold 2 pages; write a \.tif"):
        encode_document(document, len(document), "TIFF", Output(format="jpeg"))


def test_a_page_that_is_damaged_is_refused_by_name_and_the_others_are_read() -> None:
    data = bytearray(by_tifffile(scene(), scene(), compression="adobe_deflate", rowsperstrip=48))
    place = page_of(bytes(data), 1).dataoffsets[0]
    data[place : place + 20] = bytes(20)
    with decode_document(bytes(data), "album.tif") as document:
        iterator = iter(document)
        next(iterator)
        with pytest.raises(InputError, match=r"album\.tif: damaged"):
            next(iterator)


def test_thumbnails_and_masks_among_the_pages_are_left_out_with_a_note() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(scene(), metadata=None)
        writer.write(scene()[::4, ::4], subfiletype=1, metadata=None)
    with decode_document(buffer.getvalue(), "x.tif") as document:
        (picture,) = document
    assert any("smaller copies" in note for note in picture.notes)


def test_raw_files_of_cameras_are_refused_with_advice() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(scene(3)[::4, ::4], photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(
            scene(1, np.uint16),
            photometric="cfa",
            metadata=None,
            extratags=[(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)],
        )
    with pytest.raises(InputError, match="raw file"):
        decode_picture(buffer.getvalue(), "DSC_0001.NEF")


def test_further_samples_survive_beside_the_alpha() -> None:
    """A scanner's infrared channel, after an alpha or before it."""
    for codes, alpha_at in (([2, 0], 3), ([0, 2], 4), ([0, 0], None)):
        samples = grain(5, np.uint16)
        picture = decode_picture(
            by_tifffile(samples, photometric="rgb", planarconfig="contig", extrasamples=codes), "ir.tif"
        )
        assert (picture.alpha is None) == (alpha_at is None)
        written, _ = encode_picture(picture.with_pixels(scene(3, np.uint16)))
        again = tifffile.imread(io.BytesIO(written))
        np.testing.assert_array_equal(again[..., 3:], samples[..., 3:])
        np.testing.assert_array_equal(again[..., :3], scene(3, np.uint16))
        assert [int(code) for code in page_of(written).extrasamples] == codes
        _, notes = encode_picture(picture.with_pixels(scene(3, np.uint16)), Output(format="png"))
        assert any("samples beyond" in note for note in notes)


def test_a_chain_of_pages_that_bites_its_tail_ends() -> None:
    data = bytearray(by_tifffile(scene()))
    (offset,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, offset)
    struct.pack_into("<I", data, offset + 2 + 12 * count, offset)
    try:
        with decode_document(bytes(data), "loop.tif") as document:
            assert len(list(document)) == 1
    except InputError:
        return


def test_a_tile_that_claims_the_moon_is_refused_before_it_is_decoded() -> None:
    data = bytearray(by_tifffile(scene(), tile=(16, 16)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tag = file.pages[0].aspage().tags[322]
    data[tag.valueoffset : tag.valueoffset + tag.dtype.value] = (
        b"\xf0\xff\xff\xff"[: tag.dtype.value] if tag.dtype.value > 2 else b"\xf0\xff"
    )
    with pytest.raises(InputError):
        decode_picture(bytes(data), "moon.tif", max_pixels=1_000_000)


@pytest.mark.parametrize("how", ["mask", "named"])
def test_an_infrared_page_is_left_as_it_is(how: str, tmp_path: Path, colorize: Command) -> None:
    """As SilverFast writes it: behind the colours, grey of 16 bits, called a mask or told by the program's name."""
    infrared = grain(1, np.uint16)
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path) as writer:
        options: dict[str, Any] = {"metadata": None, "software": "SilverFast 9" if how == "named" else False}
        writer.write(np.dstack([scene(1, np.uint16)] * 3), photometric="rgb", **options)
        writer.write(infrared, photometric="minisblack", subfiletype=0, **options)
    if how == "mask":  # which tifffile does not write at this depth
        with tifffile.TiffFile(path) as file:
            place = file.pages[1].aspage().tags[254].valueoffset
        data = bytearray(path.read_bytes())
        data[place : place + 4] = struct.pack("<I", 4)
        path.write_bytes(data)
    done = colorize("scan.tif", "--model", "lite")
    assert done.returncode == 0, done.stderr
    with tifffile.TiffFile(tmp_path / "scan.color.tif") as result:
        assert len(result.pages) == 2
        color, beside = result.pages[0].aspage(), result.pages[1].aspage()
        assert np.ptp(color.asarray().astype(int), axis=-1).max() > 0
        assert (beside.asarray() == infrared).all()
        assert beside.subfiletype == (4 if how == "mask" else 0)
        assert 34675 not in beside.tags
    done = colorize("scan.tif", "-o", "scan.jpg", "-v", "--model", "lite")
    assert done.returncode == 0, done.stderr
    assert "JPEG cannot hold pages of infrared light; left out" in done.stderr


def test_a_grey_page_of_an_album_is_a_photograph(tmp_path: Path) -> None:
    data = by_tifffile(np.dstack([scene(1, np.uint16)] * 3), scene(1, np.uint16))
    with decode_document(data, "album.tif") as document:
        assert len(document) == 2
        assert not any(page.no_photograph for page in document)
