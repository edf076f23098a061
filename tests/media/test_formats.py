"""Formats x depths x alpha: what goes in comes out, read back by another library than wrote it."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from media_samples import Array, by_pillow, by_tifffile, cmyk, grain, heic, png_by_hand, pnm, scene, tiff_of_twelve_bits
from oracle import lightness64
from PIL import Image

from colorizer.errors import InputError, OutputError, UsageError
from colorizer.media import Output, Picture, decode_picture, encode_picture, read_picture, write_picture

FULL: dict[Any, float] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}
DEPTHS = {"8": np.uint8, "16": np.uint16, "float": np.float32}


def unit(samples: Array) -> Array:
    """Samples in 0..1."""
    return samples / FULL[samples.dtype]


def by_opencv(path: Path) -> Array:
    """What OpenCV reads, channels in RGB(A) order."""
    found: Any = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    result: Array = found if found.ndim == 2 else found[..., [2, 1, 0, 3][: found.shape[2]]]
    return result


def pam_reads(path: Path) -> Array:
    """Arbitrary maps by hand: OpenCV, which reads them, swaps red and blue."""
    header, body = path.read_bytes().split(b"ENDHDR\n", 1)
    fields = dict(line.split(" ", 1) for line in header.decode().splitlines()[1:])
    deep = int(fields["MAXVAL"]) > 255
    return np.frombuffer(body, ">u2" if deep else np.uint8).reshape(
        int(fields["HEIGHT"]), int(fields["WIDTH"]), int(fields["DEPTH"])
    )


def pillow_reads(path: Path) -> Array:
    with Image.open(path) as image:
        return np.asarray(image)


READERS: dict[tuple[str, str], Callable[[Path], Array]] = {
    # suffix, depth: a reader that is not our writer of that kind
    (".png", "8"): by_opencv,
    (".png", "16"): by_opencv,
    (".tif", "8"): pillow_reads,
    (".tif", "16"): by_opencv,
    (".tif", "float"): by_opencv,
    (".webp", "8"): by_opencv,
    (".bmp", "8"): by_opencv,
    (".ppm", "8"): pillow_reads,
    (".ppm", "16"): by_opencv,
    (".jp2", "8"): pillow_reads,
    (".jp2", "16"): by_opencv,
}


@pytest.mark.parametrize(("suffix", "depth"), READERS, ids="-".join)
@pytest.mark.parametrize("transparent", [False, True], ids=["opaque", "alpha"])
def test_lossless_formats_hold_every_bit(suffix: str, depth: str, transparent: bool, tmp_path: Path) -> None:
    dtype = DEPTHS[depth]
    pixels = grain(3, dtype)
    alpha = grain(1, dtype, seed=1) if transparent else None
    path = tmp_path / f"out{suffix}"
    if suffix == ".ppm" and transparent:
        path = tmp_path / "out.pam"
    write_picture(path, Picture(pixels, alpha, "PNG"))
    found = (pam_reads if path.suffix == ".pam" else READERS[suffix, depth])(path)
    np.testing.assert_array_equal(found, pixels if alpha is None else np.dstack([pixels, alpha]))
    again = read_picture(path)
    np.testing.assert_array_equal(again.pixels, pixels)
    assert (again.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(again.alpha, alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".heic"])
def test_lossy_formats_come_close(suffix: str, tmp_path: Path) -> None:
    pixels = scene(3)
    write_picture(tmp_path / f"out{suffix}", Picture(pixels, None, "JPEG"), Output(quality=95))
    if suffix == ".heic":
        import pillow_heif

        file = pillow_heif.open_heif(tmp_path / "out.heic")
        found = np.array(file)[:, : pixels.shape[1]]
    else:
        found = by_opencv(tmp_path / f"out{suffix}")
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - pixels).max() <= 10
    assert np.abs(found.astype(int) - pixels).mean() < 2


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".heic"])
def test_lossy_formats_keep_alpha_nearly(suffix: str, tmp_path: Path) -> None:
    """WebP keeps it bit for bit; AVIF and HEIC code it like a picture."""
    alpha = scene()
    write_picture(tmp_path / f"out{suffix}", Picture(scene(3), alpha, "PNG"), Output(quality=90))
    found = read_picture(tmp_path / f"out{suffix}").alpha
    assert found is not None
    assert np.abs(unit(found) - unit(alpha)).max() <= (0 if suffix == ".webp" else 0.04)


EXACT: dict[str, Any] = {"lossless": True, "exact": True}


@cache
def inputs() -> dict[str, tuple[bytes, Array, Array | None]]:
    """Files by other people's writers, and what is in them: pixels and alpha."""
    grey8, grey16, greyf = grain(), grain(1, np.uint16), grain(1, np.float32)
    rgb8, rgb16, rgbf = grain(3), grain(3, np.uint16), grain(3, np.float32)
    alpha8, alpha16 = grain(1, seed=1), grain(1, np.uint16, seed=1)
    bits = grain() > 127
    found: dict[str, tuple[bytes, Array, Array | None]] = {}
    for name, save, options in (("png", "PNG", {}), ("webp", "WEBP", EXACT)):
        found[f"{name}-rgb"] = by_pillow(rgb8, save, **options), rgb8, None
        found[f"{name}-rgba"] = by_pillow(np.dstack([rgb8, alpha8]), save, **options), rgb8, alpha8
    found["png-grey"] = by_pillow(grey8, "PNG"), grey8, None
    found["png-grey-alpha"] = by_pillow(np.dstack([grey8, alpha8]), "PNG"), grey8, alpha8
    found["png-bilevel"] = by_pillow(bits, "PNG"), bits.astype(np.uint8) * 255, None
    for interlaced in (False, True):
        suffix = "-interlaced" if interlaced else ""
        for name, kind, samples in (
            ("grey", 0, grey16),
            ("rgb", 2, rgb16),
            ("grey-alpha", 4, np.dstack([grey16, alpha16])),
            ("rgba", 6, np.dstack([rgb16, alpha16])),
        ):
            main = samples if samples.ndim == 2 else samples[..., 0] if kind == 4 else samples[..., :3]
            data = png_by_hand(samples, 16, kind, interlaced=interlaced)
            found[f"png16-{name}{suffix}"] = data, main, alpha16 if kind > 2 else None
    found["bmp-grey"] = by_pillow(grey8, "BMP"), grey8, None
    found["bmp-rgb"] = by_pillow(rgb8, "BMP"), rgb8, None
    for kind, samples, full in (
        (1, bits, 1),
        (2, grey8, 255),
        (2, grey16, 65535),
        (3, rgb8, 255),
        (4, bits, 1),
        (5, grey8, 255),
        (5, grey16, 65535),
        (6, rgb8, 255),
        (6, rgb16, 65535),
    ):
        # in a bitmap 1 is black
        shown = (1 - samples.astype(np.uint8)) * np.uint8(255) if full == 1 else samples
        found[f"p{kind}-{full}"] = pnm(kind, samples, full), shown, None
    for name, samples in (("grey8", grey8), ("grey16", grey16), ("rgb8", rgb8), ("rgb16", rgb16)):
        coded = imagecodecs.jpeg2k_encode(samples, codecformat="jp2", reversible=True)
        found[f"jp2-{name}"] = bytes(coded), samples, None
    for compression in (None, "lzw", "adobe_deflate", "packbits", "zstd", "lzma"):
        for name, samples in (
            ("8", grey8),
            ("16", grey16),
            ("float", greyf),
            ("rgb8", rgb8),
            ("rgb16", rgb16),
            ("rgbf", rgbf),
        ):
            predictor = compression not in (None, "packbits")
            data = by_tifffile(samples, compression=compression, predictor=predictor)
            found[f"tiff-{name}-{compression}"] = data, samples, None
    found["tiff-tiles"] = by_tifffile(rgb16, compression="lzw", tile=(16, 32)), rgb16, None
    found["tiff-planes"] = (
        by_tifffile(np.moveaxis(rgb16, 2, 0), photometric="rgb", planarconfig="separate"),
        rgb16,
        None,
    )
    found["tiff-big-endian"] = by_tifffile(rgb16, bigtiff=True, byteorder=">"), rgb16, None
    found["tiff-rgba"] = (
        by_tifffile(np.dstack([rgb16, alpha16]), photometric="rgb", extrasamples=[2]),
        rgb16,
        alpha16,
    )
    found["tiff-grey-alpha"] = (
        by_tifffile(np.dstack([grey8, alpha8]), photometric="minisblack", planarconfig="contig", extrasamples=[2]),
        grey8,
        alpha8,
    )
    found["tiff-white-is-zero"] = by_tifffile(grey16, photometric="miniswhite"), 65535 - grey16, None
    found["tiff-bilevel"] = by_pillow(bits, "TIFF"), bits.astype(np.uint8) * 255, None
    for code in ("group3", "group4", "packbits"):
        found[f"tiff-{code}"] = by_pillow(bits, "TIFF", compression=code), bits.astype(np.uint8) * 255, None
    twelve = grey16 >> 4
    found["tiff-12-bits"] = (
        tiff_of_twelve_bits(twelve),
        np.rint(twelve / 4095 * 65535).astype(np.uint16),
        None,
    )
    return found


@pytest.mark.parametrize(("data", "pixels", "alpha"), inputs().values(), ids=inputs())
def test_what_other_writers_wrote_is_read_to_the_bit(data: bytes, pixels: Array, alpha: Array | None) -> None:
    picture = decode_picture(data, "sample")
    assert picture.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert (picture.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(picture.alpha, alpha)


@pytest.mark.parametrize("name", [name for name in inputs() if not name.startswith(("p1", "p4", "tiff-12"))])
def test_the_same_format_depth_and_alpha_come_out(name: str) -> None:
    data, pixels, alpha = inputs()[name]
    picture = decode_picture(data, "sample")
    colored = grain(3, pixels.dtype, seed=2)
    written, notes = encode_picture(picture.with_pixels(colored))
    again = decode_picture(written, "again")
    assert again.format == picture.format
    assert again.depth == picture.depth
    np.testing.assert_array_equal(again.pixels, colored)
    if alpha is not None:
        np.testing.assert_array_equal(again.alpha, alpha)
    assert not notes or name in ("tiff-group3", "tiff-group4")


def test_colour_keys_become_alpha() -> None:
    key = b"".join(int(v).to_bytes(2, "big") for v in grain(3, np.uint16)[0, 0])
    from media_samples import png_chunk

    picture = decode_picture(png_by_hand(grain(3, np.uint16), 16, 2, png_chunk(b"tRNS", key)), "keyed")
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0
    assert (picture.alpha == 65535).mean() > 0.99


def test_palettes_are_read_as_what_they_show() -> None:
    image = Image.fromarray(scene(3)).quantize(64)
    shown = np.asarray(image.convert("RGB"))
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        buffer = io.BytesIO()
        image.save(buffer, format=kind)
        pixels = decode_picture(buffer.getvalue(), kind).pixels
        np.testing.assert_array_equal(pixels if pixels.ndim == 3 else np.dstack([pixels] * 3), shown)


def test_inks_without_a_profile_are_read_sensibly() -> None:
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[..., 1:3] = 255  # magenta and yellow: red
    for data in (cmyk(inks, "JPEG", quality=98), cmyk(inks, "TIFF"), cmyk(inks, "TIFF", compression="tiff_lzw")):
        red = decode_picture(data, "inks").pixels
        assert red.shape == (8, 8, 3)
        assert red[..., 0].min() > 245
        assert red[..., 1:].max() < 10


def test_lab_pictures_keep_their_lightness() -> None:
    lab = np.zeros((16, 16, 3), np.uint8)
    lab[..., 0] = np.arange(256).reshape(16, 16)
    lab[..., 1] = 10
    buffer = io.BytesIO()
    Image.frombytes("LAB", (16, 16), lab.tobytes()).save(buffer, format="TIFF")
    pixels = decode_picture(buffer.getvalue(), "lab").pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_allclose(lightness64(pixels), lab[..., 0] / 255 * 100, atol=0.01)


def test_premultiplied_alpha_is_taken_apart_and_put_together_again() -> None:
    straight, alpha = grain(3, np.uint16) // 2 * 2, np.full((48, 64), 32768, np.uint16)
    alpha[:10] = 65535
    multiplied = np.rint(straight * (alpha / 65535)[..., None]).astype(np.uint16)
    data = by_tifffile(np.dstack([multiplied, alpha]), photometric="rgb", extrasamples=[1])
    picture = decode_picture(data, "premultiplied")
    assert np.abs(picture.pixels.astype(int) - straight).max() <= 1
    written, _ = encode_picture(picture)
    again = tifffile.imread(io.BytesIO(written))
    np.testing.assert_array_equal(again[..., 3], alpha)
    assert np.abs(again[..., :3].astype(int) - multiplied).max() <= 1


def test_floats_outside_the_scale_are_refused_with_their_range(tmp_path: Path) -> None:
    for bad, said in ((scene(1, np.float32) * 3.5, "to 3.5"), (scene(1, np.float32) * np.nan, "not finite")):
        with pytest.raises(InputError, match=said):
            decode_picture(by_tifffile(bad.astype(np.float32)), "hdr.tif")
    slightly = scene(1, np.float32) * np.float32(1.004)
    assert decode_picture(by_tifffile(slightly), "sharpened.tif").pixels.max() == 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_refused_and_point_to_video(kind: str) -> None:
    frames = [Image.fromarray(grain(3, seed=seed)) for seed in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format=kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(InputError, match=r"clip: an animation of 3 frames.*video"):
        decode_picture(buffer.getvalue(), "clip")


def test_a_single_gif_is_read_and_written_as_png() -> None:
    written, _ = encode_picture(decode_picture(by_pillow(scene(), "GIF"), "old.gif"))
    assert decode_picture(written, "x").format == "PNG"


def test_lossless_stays_lossless_and_lossy_lossy_unless_told() -> None:
    def kinds(data: bytes, output: Output | None = None) -> bool:
        written, _ = encode_picture(decode_picture(data, "x").with_pixels(grain(3)), output or Output())
        return decode_picture(written, "y").encoding.lossless

    options: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("WEBP", {"lossless": True}, {"quality": 80}),
        ("JPEG2000", {"irreversible": False}, {"irreversible": True, "quality_mode": "dB", "quality_layers": [40]}),
    ]
    for kind, lossless, lossy in options:
        assert kinds(by_pillow(grain(3), kind, **lossless))
        assert not kinds(by_pillow(grain(3), kind, **lossy))
        assert not kinds(by_pillow(grain(3), kind, **lossless), Output(quality=80))


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif", "heic", "jp2"])
def test_quality_trades_size_for_likeness(kind: str) -> None:
    sizes, errors = [], []
    for quality in (30, 60, 95):
        written, _ = encode_picture(
            Picture(grain(3) // 4 + scene(3) // 2, None, "PNG"), Output(format=kind, quality=quality)
        )
        found = decode_picture(written, "x")
        sizes.append(len(written))
        errors.append(np.abs(unit(found.pixels) - unit(grain(3) // 4 + scene(3) // 2)).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(("subsampling", "expected"), [("444", 0), ("422", 1), ("420", 2)])
def test_chroma_resolution_of_jpeg_by_option(subsampling: Any, expected: int) -> None:
    from PIL import JpegImagePlugin

    written, _ = encode_picture(Picture(scene(3), None, "JPEG"), Output(subsampling=subsampling))
    assert JpegImagePlugin.get_sampling(Image.open(io.BytesIO(written))) == expected


def test_progressive_jpeg_stays_progressive() -> None:
    for progressive in (True, False):
        picture = decode_picture(by_pillow(scene(), "JPEG", progressive=progressive), "x")
        written, _ = encode_picture(picture.with_pixels(scene(3)))
        assert ("progressive" in Image.open(io.BytesIO(written)).info) == progressive


def test_names_and_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    picture = Picture(scene(3), None, "PNG")
    with pytest.raises(UsageError, match="leave one of them out"):
        write_picture(tmp_path / "a.png", picture, Output(format="jpeg"))
    with pytest.raises(OutputError, match="no format that is written ends in"):
        write_picture(tmp_path / "a.xyz", picture)
    write_picture(tmp_path / "a.xyz", picture, Output(format="jpeg"))
    assert read_picture(tmp_path / "a.xyz").format == "JPEG"
    with pytest.raises(UsageError, match="quality=101"):
        Output(quality=101)
    with pytest.raises(UsageError, match="profile=cmyk"):
        Output(profile="cmyk")  # type: ignore[arg-type]


def test_ten_bits_of_avif_and_heic_are_read_in_full() -> None:
    deep = scene(3, np.uint16)
    avif = bytes(imagecodecs.avif_encode(deep >> 6, 100, bitspersample=10))
    for data in (avif, heic(deep, quality=-1)):
        picture = decode_picture(data, "deep")
        assert picture.pixels.dtype == np.uint16
        assert len(np.unique(picture.pixels)) > 300
        assert np.abs(unit(picture.pixels) - unit(deep)).max() < 0.01


def test_a_picture_larger_than_allowed_is_refused_in_every_format(tmp_path: Path) -> None:
    from media_samples import EVERY_FORMAT

    for kind, make in EVERY_FORMAT.items():
        path = put(tmp_path / kind, make())
        with pytest.raises(InputError, match=rf"{kind}: 64 x 48 pixels .*max_pixels=3072"):
            read_picture(path, max_pixels=3071)


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
