"""Before and after in one picture, with what is what written under them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane
from colorizer.media import Picture
from colorizer.media.labels import label, label_height
from colorizer.media.samples import rescaled

LABELS = ("Original", "Coloured")

_TONE_SIDE = 64
"""Pixels to which a picture is reduced before its colours are averaged."""


def side_by_side(picture: Picture, colored: npt.NDArray[Any]) -> Picture:
    """Before | after, in one picture; transparency and metadata are left out.

    Parameters
    ----------
    picture
        The original.
    colored
        (H, W, 3) RGB, its result, of the same dtype.

    Returns
    -------
    Picture
        (H + `label_height(H)`, 2 W, 3): no pixel of either is covered.
    """
    before = picture.pixels if picture.pixels.ndim == 3 else np.dstack([picture.pixels] * 3)
    height, width = before.shape[:2]
    labels = np.hstack([label(words, width, label_height(height)) for words in LABELS])
    strip = rescaled(np.dstack([labels] * 3), before.dtype)
    pixels = np.vstack([np.hstack([before, colored]), strip])
    return Picture(pixels, None, picture.format, profile=picture.profile, dtype=picture.depth)


def tone_of(pixels: npt.NDArray[Any]) -> tuple[float, float]:
    """The mean colour of a picture, (H, W, 3) RGB: a and b of CIE Lab."""
    side = min(_TONE_SIDE, *pixels.shape[:2])
    a, b = chroma_plane(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)).reshape(-1, 2).mean(axis=0)
    return float(a), float(b)
