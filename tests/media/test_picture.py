"""Reading and writing picture files: what comes in, what goes out, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from colorizer.errors import InputError, OutputError
from colorizer.media import Picture, read_picture, write_picture

GENERATOR = np.random.default_rng(0)
GREY = GENERATOR.integers(0, 256, (40, 60), np.uint8)
RGB = GENERATOR.integers(0, 256, (40, 60, 3), np.uint8)
ALPHA = GENERATOR.integers(0, 256, (40, 60), np.uint8)


def png(shape_of_pixels: Any, path: Path, **options: Any) -> Path:
    Image.fromarray(shape_of_pixels).save(path, **options)
    return path


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_png_pixels_are_read_as_they_are(pixels: Any, tmp_path: Path) -> None:
    picture = read_picture(png(pixels, tmp_path / "a.png"))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.alpha is None
    assert picture.format == "PNG"


@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_alpha_survives_bit_for_bit(pixels: Any, tmp_path: Path) -> None:
    picture = read_picture(png(np.dstack([pixels, ALPHA]), tmp_path / "a.png"))
    np.testing.assert_array_equal(picture.pixels, pixels)
    write_picture(tmp_path / "b.png", picture.with_pixels(RGB))
    np.testing.assert_array_equal(np.asarray(opened(tmp_path / "b.png")), np.dstack([RGB, ALPHA]))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_png_keeps_its_depth(channels: int, tmp_path: Path) -> None:
    deep = GENERATOR.integers(0, 65536, (40, 60, channels), np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels, deep[..., 0] if channels == 1 else deep[..., 2::-1])
    colored = GENERATOR.integers(0, 65536, (40, 60, 3), np.uint16)
    write_picture(tmp_path / "b.png", picture.with_pixels(colored))
    back: Any = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(back[..., 2::-1], colored)
    if channels == 4:
        np.testing.assert_array_equal(back[..., 3], deep[..., 3])


def test_palette_and_bilevel_pictures_are_read_as_what_they_show(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(32)
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "p.png").pixels, np.asarray(palette.convert("RGB")))
    Image.fromarray(GREY).convert("1").save(tmp_path / "1.png")
    assert set(np.unique(read_picture(tmp_path / "1.png").pixels)) == {0, 255}


def test_cmyk_jpeg_is_read_as_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (30, 20), (0, 255, 255, 0)).save(tmp_path / "c.jpg")
    red = read_picture(tmp_path / "c.jpg").pixels
    assert red.shape == (20, 30, 3)
    assert red[..., 0].min() > 200
    assert red[..., 1:].max() < 60


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_orientation_is_applied_once_and_its_tag_reset(orientation: int, suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "the old mill"
    original = Image.fromarray(cv2.GaussianBlur(GREY, (0, 0), 5))
    path = tmp_path / f"turned{suffix}"
    original.save(path, exif=exif, quality=98)
    upright = np.asarray(ImageOps.exif_transpose(opened(path)))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, upright)
    write_picture(tmp_path / f"out{suffix}", picture.with_pixels(np.dstack([upright] * 3)))
    written = opened(tmp_path / f"out{suffix}")
    assert written.getexif().get(0x0112, 1) == 1
    assert written.getexif()[0x010E] == "the old mill"
    assert written.size == upright.shape[::-1]


def test_resolution_survives(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png"):
        path = png(GREY, tmp_path / f"a{suffix}", dpi=(600, 600))
        write_picture(path.with_stem("b"), read_picture(path).with_pixels(RGB))
        assert opened(path.with_stem("b")).info["dpi"] == pytest.approx((600, 600), abs=0.1)


def test_jpeg_is_written_at_quality_95_with_full_chroma(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", Picture(RGB, None, "JPEG"))
    reference = io.BytesIO()
    Image.fromarray(RGB).save(reference, format="JPEG", quality=95, subsampling=0)
    assert (tmp_path / "a.jpg").read_bytes() == reference.getvalue()


def test_jpeg_refuses_transparency_but_takes_an_opaque_alpha(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="transparency"):
        write_picture(tmp_path / "a.jpg", Picture(RGB, ALPHA, "PNG"))
    assert not list(tmp_path.iterdir())
    write_picture(tmp_path / "a.jpg", Picture(RGB, np.full_like(ALPHA, 255), "PNG"))


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    path = png(RGB, tmp_path / "really-a-png.jpg", format="PNG")
    assert read_picture(path).format == "PNG"


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few KB that claims, and would unfold to, any number of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compressobj()
    line = bytes(width + 1)
    data = b"".join(rows.compress(line) for _ in range(min(height, 200))) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(30_000, 30_000))
    with pytest.raises(InputError, match="900000000"):
        read_picture(path)
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(InputError, match="limit of 2399"):
        read_picture(png(GREY, tmp_path / "small.png"), max_pixels=2399)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert read_picture(tmp_path / "small.png", max_pixels=2400).pixels.size == 2400


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(cv2.GaussianBlur(RGB, (0, 0), 2)).save(buffer, format=kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_picture_is_refused_by_name(kind: str, share: float, tmp_path: Path) -> None:
    data = encoded(kind)
    path = tmp_path / "half.bin"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"half\.bin: .*again"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_mutated_pictures_are_read_or_refused_and_nothing_else(kind: str, tmp_path: Path) -> None:
    data = encoded(kind)
    path = tmp_path / "mutated"
    refused = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        mutant = bytearray(data)
        for place in generator.integers(0, len(data), 1 + seed % 20):
            mutant[place] = generator.integers(0, 256)
        path.write_bytes(mutant)
        try:
            assert read_picture(path, max_pixels=10_000_000).pixels.size
        except InputError:
            refused += 1
    assert refused


@pytest.mark.parametrize(
    ("content", "nature"),
    [
        (b"Dear aunt,\nhere is the picture.\n", "text"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"%PDF-1.7 ...", "PDF"),
        (bytes(range(256)), "unknown"),
        (b"", "empty"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(content: bytes, nature: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=nature):
        read_picture(path)
