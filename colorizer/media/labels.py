"""Words under pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PAPER, INK = 24, 235
"""Grey levels of a label's ground and its letters."""

_LEAST, _MOST = 18, 160
_SHARE = 24
"""A label is as high as this part of the picture, but no lower and no higher than those pixels."""


def label_height(height: int) -> int:
    """Pixels of the labels under pictures of that height."""
    return min(_MOST, max(_LEAST, height // _SHARE))


def label(words: str, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Words in the middle of a dark strip, (height, width); smaller where it is narrow."""
    from PIL import Image, ImageDraw, ImageFont

    strip = Image.new("L", (width, height), PAPER)
    size = 0.7 * height
    wide = ImageFont.load_default(size).getlength(words)
    font = ImageFont.load_default(max(1.0, min(size, size * 0.9 * width / wide)))
    ImageDraw.Draw(strip).text((width / 2, height / 2), words, INK, font, "mm")
    return np.asarray(strip)
