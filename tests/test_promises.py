"""What the project promises of every picture, on real photographs, through real files and the real command."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import Command
from oracle import lightness64
from PIL import Image

MEAN_LIGHTNESS_ERROR = 0.10
LARGEST_LIGHTNESS_ERROR = 0.30
PICTURES = 20


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def lightness_errors(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and largest |dL| of a coloured picture, in float64."""
    error = np.abs(lightness64(after) - lightness64(before))
    return float(error.mean()), float(error.max())


@pytest.fixture
def grey_photographs(photographs: list[Path], tmp_path: Path) -> list[Path]:
    """Twenty photographs turned grey, losslessly."""
    paths = []
    for photograph in photographs[:PICTURES]:
        path = tmp_path / f"{photograph.stem}.png"
        opened(photograph).convert("L").save(path)
        paths.append(path)
    assert len(paths) == PICTURES
    return paths


@pytest.mark.parametrize("model", ["lite", pytest.param("release", marks=pytest.mark.slow)])
def test_lightness_survives_on_twenty_photographs(
    model: str, release_weights: Path, grey_photographs: list[Path], colorize: Command, tmp_path: Path
) -> None:
    name = model if model == "lite" else release_weights
    (tmp_path / "out").mkdir()
    done = colorize(*[path.name for path in grey_photographs], "-o", "out", "--model", name, "--fast")
    assert done.returncode == 0, done.stderr
    for path in grey_photographs:
        before, after = np.asarray(opened(path)), np.asarray(opened(tmp_path / "out" / path.name))
        mean, largest = lightness_errors(before, after)
        assert mean < MEAN_LIGHTNESS_ERROR, path.name
        assert largest < LARGEST_LIGHTNESS_ERROR, path.name


def wrong_ways() -> dict[str, Any]:
    """The two mistakes that nearly every colorizer makes, in float64: (H, W) L and (H, W, 2) ab to uint8."""
    from skimage.color import lab2xyz
    from skimage.color.colorconv import rgb_from_xyz

    def encoded(light: Any, ab: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-image warns of colours that no light has
            xyz = lab2xyz(np.dstack([light, ab]))
        linear = np.clip(xyz @ rgb_from_xyz.T, 0, 1)  # clips per channel
        return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255

    return {
        "clipped per channel": lambda light, ab: np.rint(encoded(light, ab)).astype(np.uint8),
        "truncated": lambda light, ab: encoded(light, ab * 0).astype(np.uint8),
    }


@pytest.mark.parametrize("way", wrong_ways())
def test_the_promise_is_one_that_the_usual_ways_break(way: str, photographs: list[Path]) -> None:
    """The bounds are tight enough to catch truncation, and clipping of chroma channel by channel."""
    grey = np.asarray(opened(photographs[0]).convert("L"))
    ab = np.random.default_rng(0).normal(0, 40, (*grey.shape, 2))
    mean, largest = lightness_errors(grey, wrong_ways()[way](lightness64(grey), ab))
    assert mean > MEAN_LIGHTNESS_ERROR or largest > LARGEST_LIGHTNESS_ERROR


def test_the_large_model_colours_end_to_end(
    release_weights: Path, grey_photographs: list[Path], colorize: Command, tmp_path: Path
) -> None:
    assert release_weights.stat().st_size > 128_000_000
    done = colorize(grey_photographs[0].name, "-o", "out.jpg", "--model", release_weights, "-v")
    assert done.returncode == 0, done.stderr
    assert "stretch 224" in done.stderr
    assert np.ptp(np.asarray(opened(tmp_path / "out.jpg")).astype(int), axis=-1).max() > 20
