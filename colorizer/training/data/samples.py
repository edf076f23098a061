"""From a photograph to one sample: a square of it, changed by chance as the recipe says; and back from answers to ab.

What chance does depends on the seed and the step alone (`feed`). Lab is the project's own, without the rounding to 8
bits that image libraries do.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.networks.described.feeding import grey_code
from colorizer.training.contract import Contract
from colorizer.training.data.ageing import Ageing, aged_lightness
from colorizer.training.recipe import Augmentation

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

_FULL = 255


def crop(pixels: Pixels, size: int, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    """A random square of a picture, changed by chance, at (size, size, 3)."""
    side = rng.uniform(augmentation.smallest_crop, augmentation.largest_crop) * min(pixels.shape[:2])
    stretch = np.exp(rng.uniform(-1, 1) * np.log(augmentation.aspect) / 2)
    if augmentation.largest_crop > 1:
        pixels = _mirrored_out(pixels, math.ceil(side * stretch), math.ceil(side / stretch))
    height, width = pixels.shape[:2]
    tall, wide = max(1, min(height, round(side * stretch))), max(1, min(width, round(side / stretch)))
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    part = pixels[top : top + tall, left : left + wide]
    if augmentation.flip and rng.random() < 0.5:
        part = part[:, ::-1]
    return _turned(_square(part, size), augmentation, rng)


def _mirrored_out(pixels: Pixels, tall: int, wide: int) -> Pixels:
    """A picture that is at least so tall and wide, with its mirror image beyond its borders."""
    below, right = max(0, tall - pixels.shape[0]), max(0, wide - pixels.shape[1])
    if not (below or right):
        return pixels
    top, left = below // 2, right // 2
    return np.asarray(
        cv2.copyMakeBorder(pixels, top, below - top, left, right - left, cv2.BORDER_REFLECT_101), np.uint8
    )


def middle(pixels: Pixels, size: int) -> Pixels:
    """The largest square in the middle of a picture, at (size, size, 3)."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _square(pixels[top : top + side, left : left + side], size)


def _square(part: Pixels, size: int) -> Pixels:
    how = cv2.INTER_AREA if min(part.shape[:2]) >= size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=how), np.uint8)


def _turned(pixels: Pixels, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    if not (augmentation.rotation or augmentation.shear or augmentation.zoom):
        return pixels
    angle = math.radians(rng.uniform(-1, 1) * augmentation.rotation)
    shear = math.radians(rng.uniform(-1, 1) * augmentation.shear)
    across, down = 1 + rng.uniform(-1, 1, 2) * augmentation.zoom
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    change = turn @ np.array([[1, -math.sin(shear)], [0, math.cos(shear)]]) @ np.diag([across, down])
    centre = (np.array(pixels.shape[1::-1]) - 1) / 2
    matrix = np.column_stack([change, centre - change @ centre])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpAffine(pixels, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def seen_of(light: Floats, contract: Contract) -> Floats:
    """What a network sees of lightness (..., H, W), L* 0..100: of the same shape."""
    natural = light if contract.sees == "lightness" else grey_code(light)
    return np.asarray(natural * np.float32(contract.see_scale) + np.float32(contract.see_offset), np.float32)


def target_of(pixels: Pixels, contract: Contract) -> Floats:
    """What a network should answer, (C, H, W), of a picture (H, W, 3) uint8."""
    natural = chroma_plane(pixels) if contract.gives == "ab" else pixels.astype(np.float32) / _FULL
    scaled = natural * np.float32(contract.give_scale) + np.float32(contract.give_offset)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32)


def ab_of(answer: Floats, contract: Contract) -> Floats:
    """Ab (H, W, 2) in CIE Lab units of an answer (C, H, W)."""
    natural = (answer.transpose(1, 2, 0) - np.float32(contract.give_offset)) / np.float32(contract.give_scale)
    return natural if contract.gives == "ab" else chroma_plane(np.clip(natural, 0, 1))


def sample(
    pixels: Pixels, size: int, contract: Contract, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """One sample.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8, a photograph.
    size
        Side of what the network sees, in pixels.
    contract
        In which scale.
    augmentation
        What chance does.
    rng
        Where chance comes from.

    Returns
    -------
    seen
        (1, size, size), aged where the augmentation says so.
    clean
        The same, not aged.
    target
        (C, size, size).
    """
    part = crop(pixels, size, augmentation, rng)
    light = lightness(part)
    clean = seen_of(light, contract)[None]
    seen = clean
    if augmentation.ageing:
        seen = seen_of(aged_lightness(part, Ageing().scaled(augmentation.ageing), rng), contract)[None]
    return seen, clean, target_of(part, contract)
