"""The promise of lightness, end to end through files: from a scan by one library to a result read by another."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from media_samples import Array, by_pillow, by_tifffile, grain, png_by_hand, pnm, scene
from oracle import lightness64
from PIL import Image

from colorizer.color.pixels import lightness, recombine
from colorizer.media import Mark, Output, decode_picture, encode_picture

LARGEST_ERROR_16 = 0.005
MEAN_ERROR_8, LARGEST_ERROR_8 = 0.10, 0.30
MARK = Mark("none", "chroma of a test")


def chroma(height: int, width: int) -> Array:
    """Strong colours that turn around the wheel, many out of gamut."""
    y, x = np.mgrid[0:height, 0:width]
    angle, strength = x / 3, 20 + y
    return np.dstack([strength * np.cos(angle), strength * np.sin(angle)]).astype(np.float32)


def colored(data: bytes, output: Output | None = None) -> tuple[Array, bytes]:
    """What was read, and the file of its coloured version."""
    picture = decode_picture(data, "scan")
    rgb = recombine(lightness(picture.pixels), chroma(*picture.pixels.shape[:2]), picture.pixels.dtype)
    written, _ = encode_picture(picture.with_pixels(rgb, MARK), output or Output())
    return picture.pixels, written


def by_opencv(data: bytes) -> Array:
    found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    result: Array = np.ascontiguousarray(found[..., 2::-1])
    return result


SCANS: dict[str, Callable[[Array], bytes]] = {
    "png": lambda samples: png_by_hand(samples, 8 * samples.itemsize, 0),
    "tiff": lambda samples: by_tifffile(samples, compression="lzw"),
    "pnm": lambda samples: pnm(5, samples, int(np.iinfo(samples.dtype).max)),
    "jp2": lambda samples: bytes(imagecodecs.jpeg2k_encode(samples, codecformat="jp2", reversible=True)),
}


@pytest.mark.parametrize("kind", SCANS)
def test_lossless_16_bit_results_keep_lightness_to_five_thousandths(kind: str) -> None:
    samples = np.sort(grain(1, np.uint16).ravel()).reshape(48, 64)
    samples[0, :32] = np.arange(32)  # the darkest tones, where a code is most of L
    _, written = colored(SCANS[kind](samples))
    after = by_opencv(written)
    assert after.dtype == np.uint16
    assert np.abs(lightness64(after) - lightness64(samples)).max() <= LARGEST_ERROR_16
    assert (np.ptp(after.astype(int), axis=-1) > 2000).mean() > 0.9


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_a_16_bit_scan_with_a_grey_profile_keeps_what_the_profile_means(gamma: float) -> None:
    samples = scene(1, np.uint16)
    profile = bytes(imagecodecs.cms_profile("gray", gamma=gamma))
    _, written = colored(by_tifffile(samples, iccprofile=profile, compression="adobe_deflate", predictor=True))
    luminance = (samples / 65535) ** gamma
    expected = np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)
    error = np.abs(lightness64(tifffile.imread(io.BytesIO(written))) - expected)
    assert error.max() <= 2 * LARGEST_ERROR_16  # rounded twice: what the profile says, and the result
    assert error.mean() <= LARGEST_ERROR_16 / 3


def test_floats_keep_lightness_even_better() -> None:
    samples, written = colored(by_tifffile(scene(1, np.float32)))
    after = tifffile.imread(io.BytesIO(written))
    assert after.dtype == np.float32
    assert np.abs(lightness64(after) - lightness64(samples)).max() <= LARGEST_ERROR_16


@pytest.mark.parametrize("profiled", [False, True])
@pytest.mark.parametrize("kind", ["png", "tiff", "pnm", "jp2"])
def test_lossless_8_bit_results_are_rounded_once(kind: str, profiled: bool) -> None:
    """A grey profile costs nothing: what it says is held at 16 bits until the result is rounded."""
    samples = scene()
    data = SCANS[kind](samples)
    expected = lightness64(samples)
    if profiled:
        data = by_tifffile(samples, iccprofile=bytes(imagecodecs.cms_profile("gray", gamma=1.8)))
        luminance = (samples / 255) ** 1.8
        expected = np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)
    _, written = colored(data)
    error = np.abs(lightness64(by_opencv(written)) - expected)
    assert error.mean() < MEAN_ERROR_8
    assert error.max() < LARGEST_ERROR_8


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_lossy_results_add_no_more_error_than_their_encoder(kind: str) -> None:
    """The same pixels through the bare encoder, with the options that the result says it has."""
    options: dict[str, dict[str, Any]] = {
        "jpeg": {"quality": 95, "subsampling": 0},
        "webp": {"quality": 95, "method": 4},
        "avif": {"quality": 90, "subsampling": "4:4:4"},
    }
    picture = decode_picture(by_pillow(scene(), "PNG"), "scan")
    rgb = recombine(lightness(picture.pixels), chroma(48, 64), np.uint8)
    written, _ = encode_picture(picture.with_pixels(rgb, MARK), Output(format=kind, quality=options[kind]["quality"]))
    bare = by_pillow(rgb, kind.upper(), **options[kind])

    def error(data: bytes) -> Array:
        shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        difference: Array = np.abs(lightness64(shown) - lightness64(scene()))
        return difference

    assert error(written).mean() <= error(bare).mean() + 0.005
    assert error(written).max() <= error(bare).max() + 0.05
