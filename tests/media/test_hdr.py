"""HDR pictures say so, in each of the places where it may stand, and ordinary code points are honoured."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from decoder_cases import HLG, PQ, around, box, hdr_tones, hlg_luminance, lightness, pq_luminance, shown, srgb_luminance
from media_samples import Array, by_tifffile, png_by_hand, png_chunk, scene

from colorizer.errors import InputError
from colorizer.media import Picture, decode_picture

TO_2020 = np.array(  # linear light of BT.709 primaries in those of BT.2020, by ITU-R BT.2087
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)


def lightness_of(picture: Picture) -> Array:
    return lightness(srgb_luminance(picture.pixels / np.iinfo(picture.pixels.dtype).max))


def with_cicp_tag(profile: bytes, primaries: int, transfer: int) -> bytes:
    """A profile with one more tag, as ICC.1:2022 describes it."""
    count = int.from_bytes(profile[128:132], "big")
    table = bytearray(profile[132 : 132 + 12 * count])
    for place in range(4, len(table), 12):
        struct.pack_into(">I", table, place, int.from_bytes(table[place : place + 4], "big") + 12)
    body = profile[132 + 12 * count :]
    start = 132 + len(table) + 12 + len(body)
    entry = struct.pack(">4sII", b"cicp", start, 12)
    content = b"cicp" + bytes(4) + bytes([primaries, transfer, 0, 1])
    whole = profile[:128] + struct.pack(">I", count + 1) + bytes(table) + entry + body + content
    return struct.pack(">I", len(whole)) + whole[4:]


def test_a_profile_that_says_pq_is_believed() -> None:
    tones = hdr_tones(np.uint16, PQ, 203)
    profile = with_cicp_tag(bytes(imagecodecs.cms_profile("gray", gamma=2.2)), 9, PQ)
    picture = decode_picture(by_tifffile(tones, iccprofile=profile), "scan.tif")
    expected = lightness(shown(pq_luminance(tones / 65535)))
    assert np.abs(lightness_of(picture) - expected).max() <= 0.01
    assert any("HDR (PQ)" in note for note in picture.notes)


def test_code_points_of_jpeg_2000_are_believed() -> None:
    tones = hdr_tones(np.uint16, HLG, 203)
    stream = bytes(imagecodecs.jpeg2k_encode(tones, codecformat="j2k", reversible=True))
    data = around(stream, 17)
    place = data.index(b"colr") - 4
    stated = box(b"colr", bytes([5, 0, 0]) + struct.pack(">3HB", 9, HLG, 0, 0x80))
    (size,) = struct.unpack_from(">I", data, place)
    header = data.index(b"jp2h") - 4
    (header_size,) = struct.unpack_from(">I", data, header)
    data = data[:place] + stated + data[place + size :]
    data = data[:header] + struct.pack(">I", header_size + len(stated) - size) + data[header + 4 :]
    expected = lightness(shown(hlg_luminance(tones / 65535)))
    assert np.abs(lightness_of(decode_picture(data, "x.jp2")) - expected).max() <= 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_of_hdr_come_back_as_they_were_in_srgb(dtype: type) -> None:
    """sRGB as light of 203 cd/m2, in BT.2020 and PQ, and back."""
    from decoder_cases import pq_code

    code = scene(3, np.float64) * 0.9 + 0.05
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    full = np.iinfo(dtype).max
    coded = np.rint(pq_code(203 * linear @ TO_2020.T) * full).astype(dtype)
    chunk = png_chunk(b"cICP", bytes([9, PQ, 0, 1]))
    found = decode_picture(png_by_hand(coded, 8 * coded.itemsize, 2, chunk), "x.png").pixels
    assert np.abs(found / 65535 - code).max() < (0.03 if dtype == np.uint8 else 0.001)


def test_a_few_hot_pixels_do_not_darken_the_picture() -> None:
    tones = hdr_tones(np.uint16, PQ, 150)
    plain = png_by_hand(np.tile(tones, (8, 8)), 16, 0, png_chunk(b"cICP", bytes([9, PQ, 0, 1])))
    hot = np.tile(tones, (8, 8))
    hot[0, :5] = 65535
    sparkling = png_by_hand(hot, 16, 0, png_chunk(b"cICP", bytes([9, PQ, 0, 1])))
    before, after = decode_picture(plain, "a.png").pixels, decode_picture(sparkling, "b.png").pixels
    assert (before[1:] == after[1:]).all()
    assert (after[0, :5] == 65535).all()


def test_display_p3_by_code_points_is_not_read_as_srgb() -> None:
    code = scene(3, np.uint16)
    found = decode_picture(png_by_hand(code, 16, 2, png_chunk(b"cICP", bytes([12, 13, 0, 1]))), "x.png")
    linear = np.where(code <= 0.04045 * 65535, code / 65535 / 12.92, ((code / 65535 + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2289746, 0.6917385, 0.0792869])  # of P3's primaries with D65 (SMPTE EG 432-1)
    assert np.abs(lightness_of(found) - lightness(luminance)).max() <= 0.02
    assert not found.notes


def test_unknown_code_points_are_left_aside_and_noted() -> None:
    found = decode_picture(png_by_hand(scene(), 8, 0, png_chunk(b"cICP", bytes([9, 17, 0, 1]))), "x.png")
    assert (found.pixels == scene()).all()
    assert "9/17 (CICP) is left aside" in found.notes[0]


def test_narrow_range_is_refused() -> None:
    with pytest.raises(InputError, match="narrow range"):
        decode_picture(png_by_hand(scene(), 8, 0, png_chunk(b"cICP", bytes([9, PQ, 0, 0]))), "x.png")
