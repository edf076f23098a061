"""What is not read is called so; only what is broken is to be copied again. Other decoders say what is right."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from typing import Any

import av
import imagecodecs
import numpy as np
import pytest
import tifffile
from decoder_cases import by_ffmpeg
from media_samples import EVERY_FORMAT, Array, by_pillow, by_tifffile, png_by_hand, scene, tiff_by_hand
from PIL import Image

from colorizer.cli.wording import worded
from colorizer.errors import InputError
from colorizer.media import decode_document, decode_picture
from colorizer.media.formats import FORMATS

COPY_AGAIN = "copy it again"


def refusal(data: bytes, name: str = "x") -> str:
    with pytest.raises(InputError) as caught, decode_document(data, name) as document:
        list(document)
    return worded(caught.value)


def bmp(pixels: Array, masks: tuple[int, ...], *, height: int = 0, compression: int = 3) -> bytes:
    """A BMP of bit fields: pixels (H, W) of uint16 or uint32, from the bottom unless the height is negative."""
    rows, columns = pixels.shape
    lines = pixels if height < 0 else pixels[::-1]
    padding = bytes(-columns * pixels.itemsize % 4)
    body = b"".join(line.astype(f"<u{pixels.itemsize}").tobytes() + padding for line in lines)
    fields = struct.pack(f"<{len(masks)}I", *masks)
    header = struct.pack(
        "<IiiHHIIiiII", 40, columns, height or rows, 1, 8 * pixels.itemsize, compression, len(body), 0, 0, 0, 0
    )
    start = 14 + 40 + len(fields)
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + header + fields + body


def test_what_no_picture_is_told_names_every_format_that_is_read() -> None:
    said = refusal(b"Dear aunt, here is no picture.", "letter.jpg").upper().replace("JPEG 2000", "JP2")
    assert said.startswith("LETTER.JPG: TEXT, NOT A PICTURE")
    assert all(f" {name}" in said for name in FORMATS), said


# -- read after all --------------------------------------------------------------------------------------------------


def test_twelve_bits_of_jpeg_are_read_as_ffmpeg_reads_them() -> None:
    data = bytes(imagecodecs.jpeg8_encode(scene(1, np.uint16) >> 4, level=95, bitspersample=12))
    picture = decode_picture(data, "x.jpg")
    assert picture.depth == np.uint16
    (expected,) = by_ffmpeg(data, "mjpeg")
    assert np.abs(picture.pixels / 65535 - expected).max() <= 2 / 4095


def test_twelve_bits_of_colour_jpeg_are_read() -> None:
    tones = scene(3, np.uint16) >> 4
    picture = decode_picture(bytes(imagecodecs.jpeg8_encode(tones, level=98, bitspersample=12)), "x.jpg")
    assert np.abs(picture.pixels / 65535 - tones / 4095).mean() < 0.005


def test_sixteen_bits_without_loss_are_read() -> None:
    tones = scene(1, np.uint16)
    assert (decode_picture(bytes(imagecodecs.ljpeg_encode(tones, bitspersample=16)), "x.jpg").pixels == tones).all()


def test_rows_that_jpeg_states_behind_the_scan_are_found() -> None:
    plain = by_pillow(scene(), "JPEG", quality=95)
    place = plain.index(b"\xff\xc0") + 5
    late = bytearray(plain)
    late[place : place + 2] = b"\0\0"
    end = late.rindex(b"\xff\xd9")
    late[end:end] = b"\xff\xdc\0\4" + struct.pack(">H", 48)
    assert (decode_picture(bytes(late), "x.jpg").pixels == decode_picture(plain, "y.jpg").pixels).all()


@pytest.mark.parametrize("height", [0, -48])
@pytest.mark.parametrize(
    ("dtype", "masks"),
    [
        (np.uint32, (0xFF, 0xFF00, 0xFF0000)),
        (np.uint32, (0xFF000000, 0xFF0000, 0xFF00)),
        (np.uint32, (0xFF0000, 0xFF00, 0xFF)),
        (np.uint16, (0xF800, 0x7E0, 0x1F)),
        (np.uint16, (0x7C00, 0x3E0, 0x1F)),
    ],
)
def test_bit_fields_of_bmp_are_read_as_ffmpeg_reads_them(dtype: type, masks: tuple[int, int, int], height: int) -> None:
    rgb = scene(3)
    packed = np.zeros(rgb.shape[:2], np.uint64)
    for channel, mask in enumerate(masks):
        shift = (mask & -mask).bit_length() - 1
        packed |= np.rint(rgb[..., channel] / 255 * (mask >> shift)).astype(np.uint64) << np.uint64(shift)
    data = bmp(packed.astype(dtype), masks, height=height)
    context: Any = av.CodecContext.create("bmp", "r")
    expected = context.decode(av.Packet(data))[0].to_ndarray(format="rgb24")
    found = decode_picture(data, "x.bmp").pixels
    assert np.abs(found.astype(int) - expected).max() <= (0 if dtype == np.uint32 else 8)
    assert np.abs(found.astype(int) - rgb).max() <= (0 if dtype == np.uint32 else 4)


def test_ten_bits_of_bmp_become_sixteen() -> None:
    tones = scene(1, np.uint16).astype(np.uint32) >> 6
    data = bmp(tones << 20 | tones << 10 | tones, (0x3FF00000, 0xFFC00, 0x3FF))
    found = decode_picture(data, "x.bmp").pixels
    assert found.dtype == np.uint16
    assert (found == np.rint(tones / 1023 * 65535)[..., None]).all()


def test_bit_fields_with_alpha_are_read() -> None:
    rgba = scene(4)
    packed = sum(rgba[..., i].astype(np.uint32) << np.uint32(8 * i) for i in range(4))
    data = bmp(np.asarray(packed), (0xFF, 0xFF00, 0xFF0000, 0xFF000000), compression=6)
    picture = decode_picture(data, "x.bmp")
    assert (picture.pixels == rgba[..., :3]).all()
    assert picture.alpha is not None
    assert (picture.alpha == rgba[..., 3]).all()


def test_thunderscan_is_read() -> None:
    """Each pixel raw: two bits that say so, two that are not used, four of tone."""
    tones = scene() >> 4
    strip = (tones | 0xC0).tobytes()
    data = bytearray(tiff_by_hand((48, 64), 4, 1, strip))
    place = data.index(struct.pack("<HHII", 259, 4, 1, 1))
    data[place : place + 12] = struct.pack("<HHII", 259, 4, 1, 32809)
    assert (decode_picture(bytes(data), "x.tif").pixels == tones * 17).all()


# -- not read --------------------------------------------------------------------------------------------------------


def with_tags(data: bytes, **values: int) -> bytes:
    """A TIFF by hand with other values of tags."""
    numbers = {"compression": 259, "photometric": 262}
    result = bytearray(data)
    for name, value in values.items():
        place = result.index(struct.pack("<HHI", numbers[name], 4, 1), 8)
        result[place + 8 : place + 12] = struct.pack("<I", value)
    return bytes(result)


def jpeg_with_frame(kind: int) -> bytes:
    data = bytearray(by_pillow(scene(), "JPEG"))
    data[data.index(b"\xff\xc0") + 1] = kind
    return bytes(data)


def large_avif() -> bytes:
    data = bytearray(by_pillow(scene(3), "AVIF", speed=10))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 17000, 17000)
    return bytes(data)


def heic_as(kind: bytes) -> bytes:
    data = EVERY_FORMAT["heic"]()
    place = data.index(b"infe")
    at = data.index(b"hvc1", place)
    return data[:at] + kind + data[at + 4 :]


def part_2() -> bytes:
    data = bytearray(imagecodecs.jpeg2k_encode(scene(), codecformat="j2k", reversible=True))
    data[6] |= 0x80
    return bytes(data)


PLAIN_TIFF = tiff_by_hand((48, 64), 8, 1, scene().tobytes())
NOT_READ: dict[str, tuple[Callable[[], bytes], str]] = {
    "hierarchical JPEG": (lambda: jpeg_with_frame(0xC5), "JPEG of a kind that no decoder here reads"),
    "BMP with a PNG": (lambda: bmp(scene().astype(np.uint32), (), compression=5), "BMP that holds a PNG"),
    "large AVIF": (large_avif, "AVIF of 17000 x 17000 pixels is larger than its decoder takes"),
    "VVC in HEIF": (lambda: heic_as(b"vvc1"), "HEIF that is coded as VVC is not read"),
    "TIFF of NeXT": (lambda: with_tags(PLAIN_TIFF, compression=32766), "TIFF compressed by NEXT (32766) is not read"),
    "TIFF of who knows": (lambda: with_tags(PLAIN_TIFF, compression=50123), "(50123) is not read"),
    "colour filter array": (lambda: with_tags(PLAIN_TIFF, photometric=32803), "a camera's raw file"),
    "linear raw": (lambda: with_tags(PLAIN_TIFF, photometric=34892), "a camera's raw file"),
    "Nikon's raw": (lambda: with_tags(PLAIN_TIFF, compression=34713), "a camera's raw file"),
    "CR2": (lambda: PLAIN_TIFF[:8] + b"CR\2\0" + PLAIN_TIFF[8:], "a camera's raw file"),
    "CR3": (lambda: b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(99), "a camera's raw file"),
    "RAF": (lambda: b"FUJIFILMCCD-RAW 0201FF" + bytes(99), "a camera's raw file"),
    "RW2": (lambda: b"IIU\0\x18\0\0\0" + bytes(99), "a camera's raw file"),
    "DNG": (
        lambda: by_tifffile(scene(), extratags=[(50706, 1, 4, b"\1\4\0\0", True)]),
        "a camera's raw file",
    ),
    "JPEG XL": (lambda: b"\xff\x0a" + bytes(99), "a JPEG XL picture, not a picture that can be read"),
    "part 2 of JPEG 2000": (part_2, "extensions of the standard's part 2"),
    "PAM of CMYK": (
        lambda: b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\nENDHDR\n" + bytes(16),
        "PAM of the kind 'CMYK' is not read",
    ),
    "Git LFS pointer": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n",
        "a Git LFS pointer in place of the picture; run `git lfs pull`",
    ),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read_is_called_so(name: str) -> None:
    make, expected = NOT_READ[name]
    said = refusal(make())
    assert expected in said
    assert COPY_AGAIN not in said
    assert "damaged" not in said


def test_other_inks_are_not_taken_for_cmyk() -> None:
    inks = scene(4)
    names = b"Black\0Gray\0Light\0Gloss\0"
    other = by_tifffile(inks, photometric="separated", extratags=[(332, 3, 1, 2, True), (333, 2, 0, names, True)])
    assert "inks that are not CMYK" in refusal(other)
    named = b"Cyan\0Magenta\0Yellow\0Black\0"
    same = by_tifffile(inks, photometric="separated", extratags=[(332, 3, 1, 2, True), (333, 2, 0, named, True)])
    plain = by_tifffile(inks, photometric="separated")
    assert (decode_picture(same, "x.tif").pixels == decode_picture(plain, "x.tif").pixels).all()


def test_a_tiff_that_does_not_say_what_zero_is_has_black_there() -> None:
    data = bytearray(PLAIN_TIFF)
    place = data.index(struct.pack("<HHI", 262, 4, 1), 8)
    data[place : place + 2] = struct.pack("<H", 261)  # another tag in its place, which nobody reads
    picture = decode_picture(bytes(data), "x.tif")
    assert (picture.pixels == scene()).all()
    assert any("whether 0 is black" in note for note in picture.notes)


# -- broken ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY_FORMAT)
def test_what_is_broken_is_to_be_copied_again_and_no_object_is_named(kind: str) -> None:
    data = EVERY_FORMAT[kind]()
    said = set()
    for broken in (data[: len(data) // 2], data[:40] + bytes(60) + data[100:]):
        try:
            decode_picture(broken, "x")
        except InputError as error:
            said.add(worded(error))
    for line in said:
        assert not re.search(r"0x[0-9a-f]{6}|<[^>]*>", line), line
        assert COPY_AGAIN in line or "not a picture" in line or "not read" in line, line


def test_a_large_text_in_a_png_is_no_damage() -> None:
    """Beyond what Pillow's decoder allows a text or a profile to have."""
    import zlib

    from media_samples import png_chunk

    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3 << 20)))
    assert (decode_picture(png_by_hand(scene(), 8, 0, text), "x.png").pixels == scene()).all()


def test_tifffile_agrees_on_what_it_reads() -> None:
    assert (tifffile.imread(io.BytesIO(PLAIN_TIFF)) == scene()).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("left", [0.05, 0.5, 0.9])
def test_what_decoders_say_of_a_cut_file_reaches_nobody(kind: str, left: float) -> None:
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (40, 50), np.uint8)).save(whole, kind)
    data = whole.getvalue()
    told = refusal(data[: max(40, int(len(data) * left))])
    assert COPY_AGAIN in told
    assert not re.search(r"truncat|buffer|decoder|opj|IFD|bytes|stream contents|Error|requested", told)
