"""From the tensor that a network gives to ab in CIE Lab units, as its descriptor says."""

from __future__ import annotations

import math

import numpy as np

from colorizer.color.lab import AB_LIMIT
from colorizer.color.pixels import chroma_plane
from colorizer.errors import EngineError
from colorizer.networks.base import Floats
from colorizer.networks.descriptor.model import CHANNELS_OF, OutputTensor


def ab_of(raw: Floats, output: OutputTensor) -> Floats:
    """What an output says of chroma.

    Parameters
    ----------
    raw
        The tensor, in the file's own layout and scale.
    output
        What it holds.

    Returns
    -------
    ndarray, (N, 2, h, w) float32, CIE Lab units, within what Lab has of sRGB (±128)

    Raises
    ------
    EngineError
        It has another shape, or holds values that are no numbers.
    """
    channels = CHANNELS_OF[output.holds]
    place = 1 if output.layout == "NCHW" else 3
    if raw.ndim != 4 or raw.shape[place] != channels:
        raise EngineError(
            f"the output {output.tensor!r} is of shape {raw.shape}, not of {channels} channels in {output.layout}"
        )
    planes = raw if output.layout == "NCHW" else raw.transpose(0, 3, 1, 2)
    if not np.isfinite(planes).all():
        raise EngineError(f"the output {output.tensor!r} holds values that are no numbers (NaN or infinite)")
    factors = np.array(output.scale, np.float32)[:, None, None]
    natural = planes.astype(np.float32, copy=False) * factors + np.array(output.offset, np.float32)[:, None, None]
    if output.holds == "rgb":
        # the network's own lightness is left where it is: chroma alone is taken
        natural = np.stack([chroma_of(each[::-1] if output.bgr else each) for each in natural])
    elif output.holds == "lab":
        natural = natural[:, 1:]
    return np.asarray(np.clip(natural, -AB_LIMIT, AB_LIMIT), np.float32)


def cropped(ab: Floats, given: tuple[int, int], seen: tuple[int, int]) -> Floats:
    """The part of an answer that is the picture's own, where it was filled up.

    Parameters
    ----------
    ab
        (N, 2, h, w).
    given
        Height and width of what the network was given.
    seen
        Height and width of the picture in it.
    """
    height, width = (
        max(1, math.ceil(side * part / whole)) for side, part, whole in zip(ab.shape[2:], seen, given, strict=True)
    )
    return ab[:, :, :height, :width]


def chroma_of(rgb: Floats) -> Floats:
    """Ab (2, h, w) in CIE Lab units of RGB (3, h, w) in 0..1; what lies outside is clipped."""
    pixels = np.ascontiguousarray(np.clip(rgb, 0, 1).transpose(1, 2, 0))
    return np.asarray(chroma_plane(pixels).transpose(2, 0, 1))
