"""Colour management: pixels mean what their ICC profile says, against float64 formulas and LittleCMS by Pillow."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from media_samples import Array, by_pillow, by_tifffile, cmyk, grain, png_by_hand, png_chunk, scene
from oracle import lightness64
from PIL import Image, ImageCms
from skimage.color import lab2rgb

from colorizer.media import Output, Picture, decode_picture, encode_picture
from colorizer.media.profiles import srgb_grey_profile, srgb_profile

FULL: dict[Any, float] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}
LARGEST_ERROR_16 = 0.005
"""Of L, in what a 16-bit picture is taken for."""

ADOBE_PRIMARIES = np.array([[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]])
D65 = (0.3127, 0.3290)


@cache
def grey_profile(gamma: float) -> bytes:
    return bytes(imagecodecs.cms_profile("gray", gamma=gamma))


def dot_gain_profile() -> bytes:
    """A grey profile whose curve is a table, as printers' are."""
    tones = np.linspace(0, 1, 256)
    return bytes(
        imagecodecs.cms_profile("gray", transferfunction=(tones**1.75 * (0.9 + 0.1 * tones)).astype(np.float32))
    )


@cache
def adobe_rgb() -> bytes:
    points = [[*xy, 1.0] for xy in ADOBE_PRIMARIES]
    flat = [number for point in points for number in point]
    return bytes(imagecodecs.cms_profile("rgb", gamma=563 / 256, whitepoint=[*D65, 1.0], primaries=flat))


def lightness_of_luminance(luminance: Array) -> Array:
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


def with_profile(samples: Array, profile: bytes, kind: str) -> bytes:
    if kind == "TIFF":
        return by_tifffile(samples, iccprofile=profile)
    if kind == "PNG" and samples.dtype == np.uint16:
        chunk = png_chunk(b"iCCP", b"x\0\0" + __import__("zlib").compress(profile))
        return png_by_hand(samples, 16, 0 if samples.ndim == 2 else 2, chunk)
    options = {"quality": 100} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    return by_pillow(samples, kind, icc_profile=profile, **options)


def profile_in(data: bytes) -> bytes:
    if data[:2] in (b"II", b"MM"):
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return bytes(file.pages[0].aspage().iccprofile or b"")
    return bytes(Image.open(io.BytesIO(data)).info.get("icc_profile") or b"")


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("TIFF", np.uint8),
        ("TIFF", np.uint16),
        ("TIFF", np.float32),
        ("PNG", np.uint8),
        ("PNG", np.uint16),
        ("WEBP", np.uint8),
    ],
)
def test_grey_profiles_decide_lightness_at_every_depth(kind: str, dtype: Any, gamma: float) -> None:
    samples = scene(1, dtype)
    expected = lightness_of_luminance((samples / FULL[samples.dtype]).astype(np.float64) ** gamma)
    picture = decode_picture(with_profile(samples, grey_profile(gamma), kind), "scan")
    assert picture.depth == dtype
    assert picture.notes == ()
    assert np.abs(lightness64(picture.pixels) - expected).max() <= LARGEST_ERROR_16


def test_a_profile_made_of_a_table_is_interpolated() -> None:
    samples = scene(1, np.uint16)
    tones = np.linspace(0, 1, 256)
    curve = (tones**1.75 * (0.9 + 0.1 * tones)).astype(np.float32)
    expected = lightness_of_luminance(np.interp(samples / 65535, tones, curve))
    picture = decode_picture(with_profile(samples, dot_gain_profile(), "TIFF"), "scan")
    assert np.abs(lightness64(picture.pixels) - expected).max() < 0.02  # the table itself has 16 bits


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_rgb_profiles_decide_colour_and_luminance_survives_the_smaller_gamut(dtype: Any) -> None:
    samples = grain(3, dtype)
    code = (samples / FULL[samples.dtype]).astype(np.float64)
    x, y = ADOBE_PRIMARIES.T
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    white = np.array([D65[0] / D65[1], 1, (1 - sum(D65)) / D65[1]])
    luminance = (code ** (563 / 256)) @ (columns * np.linalg.solve(columns, white))[1]
    picture = decode_picture(with_profile(samples, adobe_rgb(), "TIFF"), "scan")
    assert np.abs(lightness64(picture.pixels) - lightness_of_luminance(luminance)).max() < 0.03
    assert picture.pixels.dtype == (np.float32 if dtype == np.float32 else np.uint16)
    inside = np.all((code > 0.4) & (code < 0.6), axis=-1)  # of sRGB's gamut, too
    by_littlecms = ImageCms.profileToProfile(
        Image.fromarray(np.rint(code * 255).astype(np.uint8)),
        ImageCms.ImageCmsProfile(io.BytesIO(adobe_rgb())),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    ours = picture.pixels / FULL[picture.pixels.dtype]
    assert np.abs(ours - np.asarray(by_littlecms) / 255)[inside].max() < 0.012


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_srgb_pixels_are_not_touched(dtype: Any) -> None:
    for samples in (grain(3, dtype), grain(1, dtype)):
        profile = srgb_profile() if samples.ndim == 3 else srgb_grey_profile()
        picture = decode_picture(with_profile(samples, profile, "TIFF"), "x")
        np.testing.assert_array_equal(picture.pixels, samples)
        assert picture.source_profile == b""


def test_a_foreign_srgb_profile_stays_on_the_picture() -> None:
    table = np.where(
        np.linspace(0, 1, 1024) <= 0.04045,
        np.linspace(0, 1, 1024) / 12.92,
        ((np.linspace(0, 1, 1024) + 0.055) / 1.055) ** 2.4,
    )
    flat = [0.64, 0.33, 1, 0.3, 0.6, 1, 0.15, 0.06, 1]
    foreign = bytes(
        imagecodecs.cms_profile(
            "rgb", transferfunction=table.astype(np.float32), whitepoint=[*D65, 1.0], primaries=flat
        )
    )
    picture = decode_picture(by_pillow(grain(3), "PNG", icc_profile=foreign), "x")
    np.testing.assert_array_equal(picture.pixels, grain(3))
    written, _ = encode_picture(picture.with_pixels(scene(3)))
    assert profile_in(written) == foreign


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "JPEG", "WEBP"])
def test_the_result_of_a_grey_scan_carries_srgb_and_never_the_grey_profile(kind: str) -> None:
    picture = decode_picture(with_profile(scene(), grey_profile(1.8), kind), "x")
    for target in ("auto", "png", "jpeg", "tiff", "webp", "avif"):
        written, _ = encode_picture(picture.with_pixels(scene(3, np.uint16)), Output(format=target))
        profile = profile_in(written)
        assert ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "RGB"
        assert profile == srgb_profile()
        np.testing.assert_allclose(_means(profile, (128, 64, 32)), (128, 64, 32), atol=1)


def _means(profile: bytes, color: tuple[int, int, int]) -> Array:
    """What sRGB colour a colour in this profile is, by Pillow's LittleCMS."""
    shown: Array = np.asarray(
        ImageCms.profileToProfile(
            Image.new("RGB", (1, 1), color),
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
        )
    )
    color_there: Array = shown[0, 0]
    return color_there


def test_a_grey_picture_written_as_grey_carries_a_grey_profile() -> None:
    written, _ = encode_picture(decode_picture(by_pillow(scene(), "PNG"), "x"))
    assert profile_in(written) == srgb_grey_profile()
    np.testing.assert_array_equal(decode_picture(written, "again").pixels, scene())


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "JPEG"])
def test_keep_rgb_gives_the_result_back_in_the_sources_own_space(kind: str) -> None:
    source = decode_picture(with_profile(scene(3), adobe_rgb(), kind), "x")
    colors = lab2rgb(
        np.dstack([np.full((48, 64), 60.0), np.full((48, 64), 25.0), np.linspace(-30, 40, 48 * 64).reshape(48, 64)])
    )
    colored = np.rint(colors * 65535).astype(np.uint16)
    written, notes = encode_picture(source.with_pixels(colored), Output(profile="keep-rgb", quality=100))
    assert notes == ()
    assert profile_in(written) == adobe_rgb()
    shown = ImageCms.profileToProfile(
        Image.open(io.BytesIO(written)),
        ImageCms.ImageCmsProfile(io.BytesIO(adobe_rgb())),
        ImageCms.createProfile("sRGB"),
    )
    assert shown is not None
    assert np.abs(np.asarray(shown).astype(int) - np.rint(colors * 255)).max() <= (8 if kind == "JPEG" else 2)
    again, _ = encode_picture(source.with_pixels(colored), Output())
    assert profile_in(again) == srgb_profile()


def test_keep_rgb_keeps_lightness_at_16_bits() -> None:
    source = decode_picture(with_profile(scene(3, np.uint16), adobe_rgb(), "TIFF"), "x")
    grey = np.dstack([scene(1, np.uint16)] * 3)
    written, _ = encode_picture(source.with_pixels(grey), Output(profile="keep-rgb"))
    kept = tifffile.imread(io.BytesIO(written)) / 65535
    error = lightness_of_luminance(kept[..., 1] ** (563 / 256)) - lightness64(grey)
    assert np.abs(error).max() <= LARGEST_ERROR_16


def test_a_grey_source_or_srgb_has_nothing_to_keep() -> None:
    for data in (with_profile(scene(), grey_profile(2.2), "PNG"), by_pillow(scene(3), "PNG")):
        written, _ = encode_picture(decode_picture(data, "x").with_pixels(scene(3)), Output(profile="keep-rgb"))
        assert profile_in(written) == srgb_profile()


@pytest.mark.parametrize(
    "broken",
    [
        b"no profile",
        grey_profile(2.2)[:150],
        b"\0" * 300,
        srgb_profile()[:-60],
        adobe_rgb()[:16] + b"XXXX" + adobe_rgb()[20:],
    ],
    ids=["text", "cut", "zeros", "cut-rgb", "unknown"],
)
def test_a_broken_profile_is_a_note_and_the_picture_is_taken_for_srgb(broken: bytes) -> None:
    picture = decode_picture(with_profile(scene(), broken, "TIFF"), "x")
    np.testing.assert_array_equal(picture.pixels, scene())
    assert any("profile" in note for note in picture.notes)
    written, notes = encode_picture(picture.with_pixels(scene(3)))
    assert any("profile" in note for note in notes)
    assert profile_in(written) == srgb_profile()


def test_a_profile_for_other_pixels_is_left_aside_but_rgb_on_grey_means_its_neutral_tones() -> None:
    picture = decode_picture(with_profile(scene(3), grey_profile(1.0), "TIFF"), "x")
    np.testing.assert_array_equal(picture.pixels, scene(3))
    assert picture.notes
    neutral = decode_picture(with_profile(scene(1, np.uint16), adobe_rgb(), "TIFF"), "x")
    expected = lightness_of_luminance((scene(1, np.uint16) / 65535) ** (563 / 256))
    assert np.abs(lightness64(neutral.pixels) - expected).max() <= LARGEST_ERROR_16
    assert neutral.source_profile == b""


def cmyk_profile() -> bytes:
    """A device profile with a 2x2x2x2 table: paper white, black ink at L = 10, everything between linear in Lab."""
    grid = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), -1).reshape(-1, 4)
    light = 100 - 90 * np.clip(grid @ np.array([0.3, 0.35, 0.1, 1.0]), 0, 1)
    a = 40 * (grid[:, 1] - grid[:, 0]) * (1 - grid[:, 3])
    b = 50 * (grid[:, 2] - grid[:, 0] * 0.8) * (1 - grid[:, 3])
    lab = np.stack([light * 652.8, (a + 128) * 256, (b + 128) * 256], axis=-1)
    table = np.rint(lab).clip(0, 65535).astype(">u2").tobytes()
    identity = np.array([0, 65535], ">u2").tobytes()
    matrix = struct.pack(">9i", *(int(v * 65536) for v in np.eye(3).ravel()))
    lut = (
        b"mft2"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + matrix
        + struct.pack(">HH", 2, 2)
        + identity * 4
        + table
        + identity * 3
    )
    text = b"text" + bytes(4) + b"free\0\0\0\0"
    desc = b"desc" + bytes(4) + struct.pack(">I", 4) + b"ink\0" + bytes(79)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    inks = np.c_[np.zeros((8, 3)), 1 - corners[:, 0]] * 65535
    back = b"mft2" + bytes(4) + bytes([3, 4, 2, 0]) + matrix + struct.pack(">HH", 2, 2) + identity * 3
    back += inks.astype(">u2").tobytes() + identity * 4
    tags = [(b"desc", desc), (b"cprt", text), (b"wtpt", white), (b"A2B0", lut), (b"A2B1", lut), (b"B2A0", back)]
    offset, index, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags:
        index += name + struct.pack(">II", offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = bytearray(128)
    header[0:4] = struct.pack(">I", offset + len(body))
    header[8:12] = b"\x02\x40\0\0"
    header[12:24] = b"prtrCMYKLab "
    header[24:36] = b"\x07\xd0\0\1\0\1" + bytes(6)
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(header) + struct.pack(">I", len(tags)) + index + body


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_are_interpreted_by_their_profile(kind: str) -> None:
    inks = np.zeros((16, 32, 4), np.uint8)
    inks[..., 3] = np.linspace(0, 255, 32).astype(np.uint8)
    data = cmyk(inks, kind, icc_profile=cmyk_profile(), **({"quality": 100} if kind == "JPEG" else {}))
    picture = decode_picture(data, "proof")
    assert picture.notes == ()
    light = lightness64(picture.pixels)
    assert light[:, 0].min() > 99.5  # paper
    assert light[:, -1].max() < 1.5  # black point compensation: the darkest ink is black
    assert (np.diff(light.mean(axis=0)) < 0.5).all()
    naive = lightness64(decode_picture(cmyk(inks, kind), "x").pixels)
    assert np.abs(naive - light).max() > 3
    written, _ = encode_picture(picture.with_pixels(scene(3, np.uint8, 16, 32)))
    assert Image.open(io.BytesIO(written)).mode == "RGB"
    assert profile_in(written) == srgb_profile()


def png_with(samples: Array, *chunks: bytes) -> Picture:
    deep = samples.dtype == np.uint16
    return decode_picture(png_by_hand(samples, 16 if deep else 8, 0 if samples.ndim == 2 else 2, *chunks), "x.png")


def gama(value: int) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", value))


def test_chunks_of_png_are_honoured_in_the_order_of_the_standard() -> None:
    import zlib

    samples = scene(1, np.uint16)
    code = samples / 65535
    iccp = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(grey_profile(1.8)))
    srgb = png_chunk(b"sRGB", b"\0")
    cicp = png_chunk(b"cICP", bytes([1, 13, 0, 1]))
    cases: list[tuple[list[bytes], float | None]] = [
        ([], None),
        ([gama(45455)], None),
        ([gama(100000)], 1.0),
        ([gama(55556)], 1.8),
        ([gama(100000), srgb], None),
        ([gama(100000), iccp], 1.8),
        ([iccp, cicp], None),
    ]
    for chunks, gamma in cases:
        expected = lightness64(samples) if gamma is None else lightness_of_luminance(code**gamma)
        assert np.abs(lightness64(png_with(samples, *chunks).pixels) - expected).max() <= 0.01, chunks


def test_primaries_of_png_are_honoured() -> None:
    numbers = [round(v * 100000) for v in (*D65, *ADOBE_PRIMARIES.ravel())]
    chrm = png_chunk(b"cHRM", struct.pack(">8I", *numbers))
    found = png_with(scene(3), gama(round(100000 * 256 / 563)), chrm)
    by_profile = decode_picture(with_profile(scene(3), adobe_rgb(), "TIFF"), "x")
    assert np.abs(found.pixels.astype(int) - by_profile.pixels).max() < 30


def test_a_camera_that_says_adobe_rgb_in_exif_alone_is_believed() -> None:
    exif = Image.Exif()
    exif[270] = "the old mill"
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: "R03", 2: b"0100"}
    data = by_pillow(scene(3), "PNG", exif=exif)
    picture = decode_picture(data, "x")
    by_profile = decode_picture(with_profile(scene(3), adobe_rgb(), "PNG"), "x")
    assert np.abs(picture.pixels.astype(int) - by_profile.pixels).max() < 30
    written, _ = encode_picture(picture.with_pixels(scene(3)))
    sub = Image.open(io.BytesIO(written)).getexif().get_ifd(0x8769)
    assert sub[0xA001] == 1
    assert b"R98" in written
    assert b"R03" not in written


def test_the_standard_profile_is_sound_and_always_the_same() -> None:
    assert len(srgb_profile()) < 1000
    info = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())).profile
    assert "sRGB" in str(info.profile_description)
    assert info.creation_date is None or info.creation_date.year == 1999
    neutral = ImageCms.profileToProfile(
        Image.fromarray(grain(3)), ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())), ImageCms.createProfile("sRGB")
    )
    np.testing.assert_allclose(np.asarray(neutral).astype(int), grain(3), atol=1)


def with_matrix(*columns: tuple[float, float, float]) -> bytes:
    """A profile of curves and a matrix, with these XYZ for red, green and blue."""
    points = [number for point in ADOBE_PRIMARIES for number in (*point, 1)]
    profile = bytearray(imagecodecs.cms_profile("rgb", gamma=2.2, whitepoint=[*D65, 1], primaries=points))
    count = int.from_bytes(profile[128:132], "big")
    for place in range(132, 132 + 12 * count, 12):
        if profile[place + 1 : place + 4] == b"XYZ":
            start = int.from_bytes(profile[place + 4 : place + 8], "big")
            column = columns[b"rgb".index(profile[place : place + 1])]
            struct.pack_into(">3i", profile, start + 8, *(round(value * 65536) for value in column))
    return bytes(profile)


@pytest.mark.parametrize(
    "columns",
    [
        [(-0.1, -0.2, -0.1), (-0.3, -0.6, -0.1), (-0.1, -0.1, -0.5)],  # white is darker than black
        [(0.0, 0.0, 0.0)] * 3,
        [(40.0, 40.0, 40.0), (60.0, 90.0, 20.0), (10.0, 5.0, 80.0)],
    ],
)
def test_a_matrix_without_sense_is_left_aside_and_noted(columns: list[tuple[float, float, float]]) -> None:
    picture = decode_picture(by_tifffile(scene(3), iccprofile=with_matrix(*columns)), "scan.tif")
    assert (picture.pixels == scene(3)).all()
    assert picture.profile == srgb_profile()
    assert "it makes no sense" in picture.notes[0]


def test_a_curve_that_turns_white_to_black_is_left_aside_and_noted() -> None:
    falling = np.linspace(1, 0, 256).astype(np.float32)
    profile = bytes(imagecodecs.cms_profile("gray", transferfunction=falling))
    picture = decode_picture(by_tifffile(scene(1, np.uint16), iccprofile=profile), "scan.tif")
    assert (picture.pixels == scene(1, np.uint16)).all()
    assert "its white is not the lightest" in picture.notes[0]


def test_a_profile_whose_white_was_not_adapted_keeps_its_meaning() -> None:
    """Old ones of monitors have the white of D65 where D50's should be; they are no nonsense."""
    x, y = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]]).T
    primaries = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    columns = (primaries * np.linalg.solve(primaries, np.array([0.9505, 1, 1.089]))).T  # IEC 61966-2-1's matrix
    profile = with_matrix(*((x, y, z) for x, y, z in columns.tolist()))
    assert decode_picture(by_tifffile(scene(3), iccprofile=profile), "scan.tif").notes == ()
