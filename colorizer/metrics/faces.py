"""Faces: what people look at first. How much colour a result gives their skin, and which.

Where faces are is told by boxes, drawn by hand or by a detector; nothing here looks for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from colorizer.metrics.classes import Plane, check_ab

SKIN_SHARE = 0.7
"""Of a box's width and height: the ellipse in its middle, which leaves out hair, ears and what is behind."""

LEAST_CHROMA = 4.0
"""Mean chroma of skin below which the original itself is grey there, and a ratio to it says nothing."""

LEAST_HUE_CHROMA = 1.0
"""Chroma of the mean colour below which there is no hue."""


@dataclass(frozen=True)
class Box:
    """Where a face is, in pixels of the upright picture."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class FaceScore:
    """What a result made of a face."""

    size: float  # the box's shorter side, as a share of the picture's
    chroma_ratio: float  # mean chroma of the skin / that of the original
    hue_error: float  # degrees, 0..180, of the mean colour; NaN where that is grey
    ab_error: float  # mean ab distance, CIE Lab units


def face_score(true_ab: Plane, predicted_ab: Plane, box: Box) -> FaceScore | None:
    """Compare a face with the original.

    Definition: over the ellipse that fills 70 % of the box each way: mean of the result's chroma over that of the
    original's; the angle between both mean colours; the mean ab distance. Colour space: ab of CIE Lab, D65.
    Source: this project.
    Pitfalls: paint, beards and glasses are skin to it; in shadow or coloured light the original's chroma is no skin's.

    Parameters
    ----------
    true_ab, predicted_ab
        (H, W, 2), CIE Lab units.
    box
        Of the face.

    Returns
    -------
    FaceScore, or None
        None where nothing of it lies in the picture, or the original is grey there.

    Raises
    ------
    InputError
        No ab planes, or shapes differ.
    """
    check_ab(true_ab, predicted_ab)
    height, width = true_ab.shape[:2]
    top, left = max(0, math.floor(box.top)), max(0, math.floor(box.left))
    bottom, right = min(height, math.ceil(box.top + box.height)), min(width, math.ceil(box.left + box.width))
    if bottom <= top or right <= left:
        return None
    y = (np.arange(top, bottom) + 0.5 - box.top - box.height / 2) / (box.height * SKIN_SHARE / 2)
    x = (np.arange(left, right) + 0.5 - box.left - box.width / 2) / (box.width * SKIN_SHARE / 2)
    skin = y[:, None] ** 2 + x**2 <= 1
    if not skin.any():
        return None
    true, found = (np.asarray(ab[top:bottom, left:right][skin], np.float64) for ab in (true_ab, predicted_ab))
    true_chroma = float(np.hypot(*true.T).mean())
    if true_chroma < LEAST_CHROMA:
        return None
    return FaceScore(
        size=min(box.width, box.height) / min(height, width),
        chroma_ratio=float(np.hypot(*found.T).mean()) / true_chroma,
        hue_error=_angle(true.mean(axis=0), found.mean(axis=0)),
        ab_error=float(np.hypot(*(true - found).T).mean()),
    )


def _angle(one: Plane, other: Plane) -> float:
    """Degrees between two colours, 0..180; NaN where one of them is grey."""
    if min(np.hypot(*one), np.hypot(*other)) < LEAST_HUE_CHROMA:
        return math.nan
    turn = math.degrees(math.atan2(one[1], one[0]) - math.atan2(other[1], other[0]))
    return abs((turn + 180) % 360 - 180)
