"""From the network's ab, at a quarter of its input, to the full size of the picture, strip by strip."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def upsample_rows(ab: Floats, height: int, width: int, top: int, bottom: int) -> Floats:
    """Rows of ab at full size, bilinear between pixel centres.

    Strips taken one after the other are exactly the rows of the picture upsampled in one piece.

    Parameters
    ----------
    ab
        (h, w, 2) float32, CIE Lab units.
    height, width
        Full size, in pixels.
    top, bottom
        The rows wanted, bottom excluded.

    Returns
    -------
    ndarray, (bottom - top, width, 2) float32
    """
    position = np.clip((np.arange(top, bottom) + 0.5) * (len(ab) / height) - 0.5, 0, len(ab) - 1)
    above = position.astype(np.intp)
    below = np.minimum(above + 1, len(ab) - 1)
    share = (position - above).astype(np.float32)[:, None, None]
    rows = ab[above] * (1 - share) + ab[below] * share
    wide: Floats = cv2.resize(rows, (width, bottom - top), interpolation=cv2.INTER_LINEAR).reshape(-1, width, 2)
    return wide
