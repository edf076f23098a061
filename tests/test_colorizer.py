"""The library's face: arrays in, arrays out, by every setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from oracle import lightness64
from skimage.color import rgb2lab

from colorizer import Colorizer, ColorizerError, Settings
from colorizer.color.resample import network_size
from colorizer.color.upsample import Upsampler
from colorizer.errors import UsageError


@pytest.fixture(scope="module")
def lite() -> Colorizer:
    return Colorizer(Settings(model="lite", fast=True))


@pytest.fixture(scope="module")
def rgb(photographs: list[Path]) -> Any:
    return np.asarray(cv2.imread(str(photographs[0])))[..., ::-1]


@pytest.fixture(scope="module")
def grey(rgb: Any) -> Any:
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)


def chroma(pixels: Any) -> Any:
    return rgb2lab(pixels)[..., 1:]


def test_grey_becomes_colour_of_the_same_size_and_depth(lite: Colorizer, grey: Any) -> None:
    for pixels in (grey, grey.astype(np.uint16) * 257, grey.astype(np.float32) / 255, grey / 255):
        colored = lite.colorize(pixels, "rgb")
        assert colored.shape == (*grey.shape, 3)
        assert colored.dtype == pixels.dtype
        assert np.hypot(*np.moveaxis(chroma(colored), -1, 0)).mean() > 4


def test_depths_agree(lite: Colorizer, grey: Any) -> None:
    eight = lite.colorize(grey).astype(float) / 255
    np.testing.assert_allclose(lite.colorize(grey.astype(np.uint16) * 257) / 65535, eight, atol=0.0021)
    np.testing.assert_allclose(lite.colorize(grey.astype(np.float32) / 255), eight, atol=0.0021)


def test_bgr_is_rgb_with_its_channels_swapped(lite: Colorizer, rgb: Any, grey: Any) -> None:
    np.testing.assert_array_equal(lite.colorize(rgb, order="rgb"), lite.colorize(rgb[..., ::-1])[..., ::-1])
    np.testing.assert_array_equal(lite.colorize(grey, order="rgb"), lite.colorize(grey)[..., ::-1])


def test_alpha_goes_through_untouched(lite: Colorizer, rgb: Any, grey: Any) -> None:
    alpha = np.random.default_rng(0).integers(0, 256, grey.shape, np.uint8)
    for pixels in (np.dstack([grey, alpha]), np.dstack([rgb, alpha])):
        colored = lite.colorize(pixels)
        assert colored.shape == (*grey.shape, 4)
        np.testing.assert_array_equal(colored[..., 3], alpha)
        np.testing.assert_array_equal(colored[..., :3], lite.colorize(pixels[..., :-1]))


def test_colour_in_the_input_is_taken_for_its_lightness(lite: Colorizer, rgb: Any) -> None:
    """A tint that leaves L alone leaves the result alone, up to the rounding of the tinted picture."""
    light = lightness64(rgb).astype(np.float32)
    from colorizer.color.pixels import recombine

    tinted = recombine(light, np.full((*light.shape, 2), (6, 14), np.float32), np.float64)
    plain = recombine(light, np.zeros((*light.shape, 2), np.float32), np.float64)
    np.testing.assert_allclose(lite.colorize(tinted, "rgb"), lite.colorize(plain, "rgb"), atol=0.004)


def test_saturation_scales_chroma_and_zero_is_grey(grey: Any) -> None:
    factors = (0, 0.25, 0.5)
    by_factor = {
        s: chroma(Colorizer(Settings(model="lite", fast=True, saturation=s)).colorize(grey / 255, "rgb"))
        for s in factors
    }
    assert np.abs(by_factor[0]).max() < 0.05
    # near black and white not even half the chroma fits everywhere
    assert np.quantile(np.abs(by_factor[0.25] * 2 - by_factor[0.5]), 0.95) < 0.1


def test_strength_blends_with_the_originals_own_colour(lite: Colorizer, rgb: Any) -> None:
    pixels = rgb / 255
    own, full = chroma(pixels), chroma(lite.colorize(pixels, "rgb"))
    none = Colorizer(Settings(model="lite", fast=True, strength=0)).colorize(pixels, "rgb")
    np.testing.assert_allclose(none, pixels, atol=0.002)
    half = chroma(Colorizer(Settings(model="lite", fast=True, strength=0.5)).colorize(pixels, "rgb"))
    height, width = pixels.shape[:2]
    wanted = Upsampler(lite.predict(pixels), height, width).rows(0, height)
    fits = np.abs(full - wanted).max(axis=-1) < 0.1
    assert fits.mean() > 0.5
    # the middle of two colours that fit need not fit itself, but nearly always does
    assert np.quantile(np.abs(half - (own + full) / 2)[fits], 0.99) < 0.1


def test_a_high_temperature_makes_all_colours_alike(grey: Any) -> None:
    """Towards an even distribution over the classes, whose mean is one colour for all."""
    alike, usual = (Colorizer(Settings(model="lite", fast=True, temperature=t)).predict(grey) for t in (10, 0.3837))
    assert alike.std(axis=(0, 1)).max() < usual.std(axis=(0, 1)).min() / 2


def test_fit_and_size_decide_what_the_network_sees(grey: Any) -> None:
    wide = np.hstack([grey] * 2)
    results = [
        Colorizer(Settings(model="lite", fast=True, fit=fit, size=size)).predict(wide).shape[:2]  # type: ignore[arg-type]
        for fit, size in (("stretch", 224), ("aspect", 224), ("aspect", 320))
    ]
    assert results[0] == (56, 56)
    for (height, width), size in zip(results[1:], (224, 320), strict=True):
        assert (height * 4, width * 4) == network_size(*wide.shape, fit="aspect", size=size, stride=32)


def test_a_cached_prediction_renders_to_the_same_picture(lite: Colorizer, grey: Any) -> None:
    np.testing.assert_array_equal(lite.render(grey, lite.predict(grey)), lite.colorize(grey, order="rgb"))


def test_the_input_is_not_changed(lite: Colorizer, rgb: Any) -> None:
    pixels = rgb.copy()
    lite.colorize(pixels)
    np.testing.assert_array_equal(pixels, rgb)


def test_wrong_use_is_a_colorizer_error(lite: Colorizer, grey: Any) -> None:
    with pytest.raises(ColorizerError, match="order"):
        lite.colorize(grey, order="gbr")  # type: ignore[arg-type]
    with pytest.raises(ColorizerError, match="shape"):
        lite.colorize(np.zeros((2, 2, 7), np.uint8))
    with pytest.raises(UsageError, match="saturation=-1"):
        Settings(saturation=-1)
    with pytest.raises(ColorizerError, match=r"cv2\.imread"):
        lite.colorize(cv2.imread("missing.jpg"))  # type: ignore[arg-type]
    for wrong in ({"temperature": "warm"}, {"size": 224.5}, {"keep_color": "yes"}, {"model": None}, {"prototxt": 7}):
        with pytest.raises(UsageError, match="expected"):
            Settings(**wrong)
    with pytest.raises(UsageError, match="multiples of 32"):
        Colorizer(Settings(model="lite", fast=True, size=230))


def test_settings_take_paths_as_text_text_as_paths_and_numbers_of_numpy() -> None:
    settings = Settings(model=Path("net.caffemodel"), prototxt="net.prototxt", saturation=np.float32(1.5))  # type: ignore[arg-type]
    assert (settings.model, settings.prototxt) == ("net.caffemodel", Path("net.prototxt"))
    assert settings.saturation == 1.5
