"""A frame on its way: its planes as arrays, and what it is called and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.film.encoding import Encoding, Layout, codes

Plane = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

_RGB_FROM_EXTREME = 2.0  # R' = Y' + 2 (1 - Kr) Cr, and B' likewise


@dataclass(frozen=True)
class Frame:
    """A decoded frame."""

    luma: Plane  # (H, W) uint8 or uint16 code values
    chroma: tuple[Plane, Plane] | None  # its own Cb and Cr; None for grey
    layout: Layout
    encoding: Encoding
    interlaced: bool = False
    native: Any = None  # the decoder's own frame, where there is one


def normalized_chroma(frame: Frame) -> Floats | None:
    """The frame's own Cb and Cr, (h, w, 2) in -1/2..1/2; None for grey."""
    if frame.chroma is None:
        return None
    scale = codes(frame.layout.bits, full_range=frame.encoding.full_range)
    both = np.stack(frame.chroma, axis=-1).astype(np.float32)
    return np.asarray((both - np.float32(scale.middle)) * np.float32(1 / scale.chroma_span), np.float32)


def small_rgb(frame: Frame, side: int) -> Floats | None:
    """The frame's own R'G'B', small: (side, side, 3) float32 in 0..1; None for grey."""
    import cv2

    chroma = normalized_chroma(frame)
    if chroma is None:
        return None
    scale = codes(frame.layout.bits, full_range=frame.encoding.full_range)
    luma = cv2.resize(frame.luma, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    luma = (luma - np.float32(scale.black)) / np.float32(scale.luma_span)
    blue_difference, red_difference = np.moveaxis(cv2.resize(chroma, (side, side), interpolation=cv2.INTER_AREA), -1, 0)
    red_share, blue_share = frame.encoding.shares
    red = luma + _RGB_FROM_EXTREME * (1 - red_share) * red_difference
    blue = luma + _RGB_FROM_EXTREME * (1 - blue_share) * blue_difference
    green = (luma - red_share * red - blue_share * blue) / (1 - red_share - blue_share)
    rgb: Floats = np.clip(np.stack([red, green, blue], axis=-1), 0, 1).astype(np.float32)
    return rgb
