"""What time, film and paper do to a photograph's lightness: the augmentation that old pictures call for.

The network meets lightness alone, so only that is aged; the colours to learn stay those of the scene. Each effect comes
in by chance and in chance strength, in the order of nature: what the plate saw, how it was developed and printed, what
became of the print, and how it was scanned.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.lab import lightness_of
from colorizer.color.pixels import lightness, linear_light

Floats = npt.NDArray[np.float32]

WHITE = 100.0
"""Lightness of white."""

PLATES = (
    (0.05, 0.25, 0.70),  # ordinary: blue and violet alone, so that skies are white and lips dark
    (0.10, 0.60, 0.30),  # orthochromatic: blind to red
    (0.35, 0.40, 0.25),  # early panchromatic: more red and blue than the eye sees
)
"""Shares of linear red, green and blue in what an emulsion saw."""


@dataclass(frozen=True)
class Ageing:
    """How often each effect is met, 0..1."""

    plate: float = 0.25
    tones: float = 0.6
    blur: float = 0.2
    vignette: float = 0.12
    stains: float = 0.12
    grain: float = 0.3
    scratches: float = 0.06
    codec: float = 0.1

    def scaled(self, factor: float) -> Ageing:
        """All of them more or less often."""
        return Ageing(**{name: min(1.0, value * factor) for name, value in vars(self).items()})


def aged_lightness(rgb: npt.NDArray[np.uint8], ageing: Ageing, rng: np.random.Generator) -> Floats:
    """Lightness of a photograph as an old print of it would have it.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, sRGB.
    ageing
        How often each effect is met.
    rng
        Where chance comes from.

    Returns
    -------
    ndarray, (H, W) float32, CIE L in 0..100
    """
    light = _seen_by_plate(rgb, rng) if rng.random() < ageing.plate else lightness(rgb)
    for chance, effect in (
        (ageing.blur, _blurred),
        (ageing.grain, _grainy),
        (ageing.tones, _other_tones),
        (ageing.vignette, _vignetted),
        (ageing.stains, _stained),
        (ageing.scratches, _scratched),
        (ageing.codec, _through_codec),
    ):
        if rng.random() < chance:
            light = effect(light, rng)
    return np.clip(light, 0, WHITE)


def _seen_by_plate(rgb: npt.NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    shares = np.array(PLATES[rng.integers(len(PLATES))]) * rng.uniform(0.6, 1.4, 3)
    luminance = linear_light(rgb) @ (shares / shares.sum()).astype(np.float32)
    return np.asarray(lightness_of(np.clip(luminance, 0, 1)), np.float32)


def _blurred(light: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 1.5)), np.float32)


def _grainy(light: Floats, rng: np.random.Generator) -> Floats:
    noise = rng.standard_normal(light.shape, np.float32)
    if rng.random() < 0.5:  # clumps of grain, enlarged by the print
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.8), np.float32) * 2.5
    return light + noise * np.float32(rng.uniform(0.5, 5))


def _other_tones(light: Floats, rng: np.random.Generator) -> Floats:
    black, white = rng.uniform(0, 0.15), rng.uniform(0.85, 1)
    curve = (np.clip(light, 0, WHITE) / WHITE) ** np.float32(np.exp(rng.uniform(-0.4, 0.4)))
    if rng.random() < 0.3:  # hard paper
        curve = curve + np.float32(rng.uniform(0, 0.6)) * curve * (1 - curve) * (2 * curve - 1)
    return np.asarray(WHITE * (black + (white - black) * curve), np.float32)


def _vignetted(light: Floats, rng: np.random.Generator) -> Floats:
    height, width = light.shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - np.float32(rng.uniform(-0.2, 0.2))
    x = np.linspace(-1, 1, width, dtype=np.float32)[None] - np.float32(rng.uniform(-0.2, 0.2))
    depth = np.float32(rng.uniform(0.1, 0.45) / 2) * (x * x + y * y)
    if rng.random() < 0.25:  # corners faded to the paper's white
        return light + depth * (WHITE - light)
    return light * (1 - np.clip(depth, 0, 1))


def _stained(light: Floats, rng: np.random.Generator) -> Floats:
    coarse = rng.standard_normal((int(rng.integers(2, 6)), int(rng.integers(2, 6))), np.float32)
    cloud = cv2.resize(coarse, light.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return light + cloud * np.float32(rng.uniform(1, 6))


def _scratched(light: Floats, rng: np.random.Generator) -> Floats:
    height, width = light.shape
    canvas = np.ascontiguousarray(light)
    for _ in range(int(rng.integers(1, 8))):
        tone = float(rng.uniform(70, 100) if rng.random() < 0.7 else rng.uniform(0, 30))
        start = (int(rng.integers(width)), int(rng.integers(height)))
        if rng.random() < 0.5:  # dust
            cv2.circle(canvas, start, int(rng.integers(1, 3)), tone, -1, cv2.LINE_AA)
            continue
        end = (start[0] + int(rng.normal(0, width / 8)), start[1] + int(rng.normal(0, height / 2)))
        cv2.line(canvas, start, end, tone, 1, cv2.LINE_AA)
    return canvas


def _through_codec(light: Floats, rng: np.random.Generator) -> Floats:
    encoded = cv2.imencode(
        ".jpg",
        np.rint(light * (255 / WHITE)).clip(0, 255).astype(np.uint8),
        [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))],
    )[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.float32) * np.float32(WHITE / 255)
