"""What notebooks show of a picture: a PNG file, reduced to what fits a page. Knows arrays only."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from colorizer.media.samples import Pixels, rescaled

_SIDE = 1024
"""Longest side in pixels."""


def notebook_png(pixels: Pixels, alpha: Pixels | None) -> bytes:
    """A PNG file of 8 bits.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16 or float32 in 0..1; sRGB-encoded.
    alpha
        (H, W), or None.
    """
    eight = np.dtype(np.uint8)
    shown = rescaled(pixels, eight)
    image = Image.fromarray(shown if alpha is None else np.dstack([shown, rescaled(alpha, eight)]))
    image.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
