"""A decoded frame as arrays, and its own colour.

Knows no containers and no codecs; the decoder's own frame is only handed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.ycbcr import ColorEncoding, PlaneLayout, code_range

Plane = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """A decoded frame."""

    luma: Plane  # (H, W) uint8 or uint16 code values
    chroma: tuple[Plane, Plane] | None  # its own Cb and Cr; None for grey
    layout: PlaneLayout
    encoding: ColorEncoding
    interlaced: bool = False
    native: Any = None  # the decoder's own frame, where there is one; its memory is what the planes show


def normalized_chroma(frame: Frame) -> Floats | None:
    """The frame's own Cb and Cr, (h, w, 2) float32 in -1/2..1/2; None for grey."""
    if frame.chroma is None:
        return None
    scale = code_range(frame.layout.bits, full_range=frame.encoding.full_range)
    both = np.stack(frame.chroma, axis=-1).astype(np.float32)
    return np.asarray((both - np.float32(scale.middle)) * np.float32(1 / scale.chroma_span), np.float32)


def small_rgb(frame: Frame, side: int) -> Floats | None:
    """The frame's own R'G'B', squeezed into a small square: (side, side, 3) float32 in 0..1; None for grey."""
    chroma = normalized_chroma(frame)
    if chroma is None:
        return None
    scale = code_range(frame.layout.bits, full_range=frame.encoding.full_range)
    luma = cv2.resize(frame.luma, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    luma = (luma - np.float32(scale.black)) / np.float32(scale.luma_span)
    cb, cr = np.moveaxis(cv2.resize(chroma, (side, side), interpolation=cv2.INTER_AREA), -1, 0)
    return rgb_of(luma, cb, cr, frame.encoding)


def rgb_of(luma: Plane, cb: Plane, cr: Plane, encoding: ColorEncoding) -> Floats:
    """R'G'B' of normalized Y'CbCr.

    Parameters
    ----------
    luma
        (H, W) float32, Y' in 0..1.
    cb, cr
        (H, W) float32 in -1/2..1/2.
    encoding
        Whose luma coefficients.

    Returns
    -------
    ndarray, (H, W, 3) float32, clipped to 0..1
    """
    kr, kb = encoding.luma_coefficients
    red = luma + 2 * (1 - kr) * cr
    blue = luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.asarray(np.clip(np.stack([red, green, blue], axis=-1), 0, 1), np.float32)
