"""Which pixels count for more in the loss: where colours end, and those that have the colour of skin.

What people look at first is small beside all the rest of a picture: faces, and borders over which a colour runs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

FULL_STEP = 20.0
"""Difference of ab within a pixel's neighbours, in Lab units, that counts as a whole edge."""

SKIN_HUE, HUE_SPREAD = math.radians(50), math.radians(18)
SKIN_CHROMA = (6.0, 12.0, 38.0, 50.0)
"""Chroma at which skin begins, is certain, is certain no longer, and ends, in Lab units."""


def emphasis(ab: Tensor, *, edges: float, skin: float) -> Tensor:
    """How much each pixel counts, with a mean of 1 over the batch.

    Parameters
    ----------
    ab
        (N, h, w, 2) true colours in CIE Lab units.
    edges
        How much more those at edges count; 0: as much as others.
    skin
        How much more those of the colour of skin count.

    Returns
    -------
    Tensor, (N, h, w)
    """
    weight = 1 + edges * edge_strength(ab) + skin * skin_likeness(ab)
    return weight / weight.mean()


def edge_strength(ab: Tensor) -> Tensor:
    """How much colours differ among a pixel and its eight neighbours, (N, h, w), 0..1."""
    planes = ab.permute(0, 3, 1, 2)
    highest = functional.max_pool2d(planes, 3, 1, 1)
    lowest = -functional.max_pool2d(-planes, 3, 1, 1)
    return ((highest - lowest).square().sum(1).sqrt() / FULL_STEP).clamp(max=1)


def skin_likeness(ab: Tensor) -> Tensor:
    """How near a colour is to those of skin, light or dark, (N, h, w), 0..1: its hue, at middling chroma."""
    a, b = ab.unbind(-1)
    away = (torch.atan2(b, a) - SKIN_HUE) / HUE_SPREAD
    chroma = torch.hypot(a, b)
    begins, certain, last, ends = SKIN_CHROMA
    rise = ((chroma - begins) / (certain - begins)).clamp(0, 1)
    fall = ((ends - chroma) / (ends - last)).clamp(0, 1)
    return torch.exp(-away.square() / 2) * rise * fall
