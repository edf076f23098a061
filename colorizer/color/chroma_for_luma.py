"""The chroma of a picture that keeps its own Y', as JPEG files hold it: BT.601, 8 bits, full range, samples centred.

As `colorizer.color.strips` does for pictures that keep their L*: strip by strip over threads, so that memory holds the
two planes and nothing else that grows with the picture. How Cb and Cr are solved: `colorizer.color.chroma_table`.

Source: ITU-T T.871 (JFIF).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_planes import (
    luma_at_chroma,
    place_in_tile,
    quantized,
    solved_chroma,
    tile_origins,
    tiled,
)
from colorizer.color.chroma_table import LEVELS, chroma_table
from colorizer.color.pixels import FULL_SCALE, chroma_plane, lightness
from colorizer.color.strips import Adjustment, each_strip, worthwhile
from colorizer.color.upsample import Upsampler
from colorizer.color.ycbcr import BT601, ColorEncoding

Pixels = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

JPEG_ENCODING = ColorEncoding(matrix=BT601, full_range=True, siting="centre")

_TABLE_ENCODING = ColorEncoding(matrix=BT601)
"""Range and siting do not enter the table."""

_CODES = 256
_TILES_IN_A_ROW = 16

_BITS = 8
_FULL = FULL_SCALE[np.dtype(np.uint8)]


def chroma_for_luma(
    luma: Bytes,
    ab: Floats,
    subsampling: tuple[int, int] = (1, 1),
    *,
    original: Pixels | None = None,
    own_share: float = 0.0,
    threads: int | None = None,
    adjustment: Adjustment | None = None,
) -> tuple[Bytes, Bytes]:
    """Cb and Cr that give a picture the wanted hue and chroma at its own Y', in gamut.

    Parameters
    ----------
    luma
        (H, W) uint8 Y'.
    ab
        (h, w, 2) float32, CIE Lab units, at any size.
    subsampling
        Luma rows and columns to a chroma sample.
    original
        (H, W, 3) RGB, a share of whose chroma is added.
    own_share
        That share, 0..1.
    threads
        How many compute; None: the cores that this process may use.
    adjustment
        What changes ab, at the size of the chroma planes.

    Returns
    -------
    tuple of two ndarrays
        Cb and Cr, (rows, columns) uint8.
    """
    down, across = subsampling
    height, width = luma.shape
    rows, columns = -(-height // down), -(-width // across)
    # a last column of chroma that covers one column of luma counts as two here: ab is moved by less than a pixel
    upsampler = Upsampler(ab, rows, columns)
    blue, red = np.empty((rows, columns), np.uint8), np.empty((rows, columns), np.uint8)

    def solve(part: slice) -> None:
        lines = slice(part.start * down, part.stop * down)
        wanted = upsampler.rows(part.start, part.stop)
        if original is not None and own_share > 0:
            own = np.asarray(chroma_plane(original[lines]) * np.float32(own_share), np.float32)
            size = (columns, part.stop - part.start)
            wanted += np.asarray(cv2.resize(own, size, interpolation=cv2.INTER_AREA)).reshape(*size[::-1], 2)
        if adjustment is not None:
            light = lightness(luma[lines])
            if subsampling != (1, 1):
                size = (columns, part.stop - part.start)
                light = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32)
            wanted = adjustment.adjust(part, light.reshape(wanted.shape[:2]), wanted)
        if subsampling == (1, 1):
            chroma = _solved_at_codes(luma[lines], wanted)
        else:
            level = luma_at_chroma(luma[lines], subsampling, JPEG_ENCODING) * np.float32(1 / _FULL)
            chroma = solved_chroma(level, wanted, JPEG_ENCODING)
        blue[part], red[part] = quantized(chroma, _BITS, full_range=True)

    for _ in each_strip(solve, rows, columns, worthwhile(threads)):
        pass
    return blue, red


def _solved_at_codes(luma: Bytes, ab: Floats) -> Floats:
    """As `solved_chroma`, for code values of 8 bits: a tile for each of them, so that one look-up answers."""
    inner = place_in_tile(ab)
    left, top = tile_origins(_TILES_IN_A_ROW)
    x = cv2.add(inner[..., 0], cv2.LUT(luma, left))
    y = cv2.add(inner[..., 1], cv2.LUT(luma, top))
    return np.asarray(cv2.remap(_tiles_of_codes(), x, y, cv2.INTER_LINEAR), np.float32)


@lru_cache(maxsize=1)
def _tiles_of_codes() -> Floats:
    """The chroma table with its levels interpolated to all code values, as a picture of tiles."""
    position = np.arange(_CODES) * ((LEVELS - 1) / _FULL)
    below = np.minimum(position.astype(np.intp), LEVELS - 2)
    share = (position - below).astype(np.float32)[:, None, None, None]
    table = chroma_table(_TABLE_ENCODING)
    return tiled(table[below] * (1 - share) + table[below + 1] * share, _TILES_IN_A_ROW)


def rgb_of(luma: Bytes, chroma: tuple[Bytes, Bytes]) -> Bytes:
    """What three planes show: (H, W, 3) uint8 RGB; chroma of a lower resolution is enlarged bilinearly."""
    size = (luma.shape[1], luma.shape[0])
    blue, red = (
        plane if plane.shape == luma.shape else cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        for plane in chroma
    )
    return np.asarray(cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2RGB), np.uint8)


def luma_of(rgb: Pixels) -> Bytes:
    """Y' of a picture: (H, W) grey or (H, W, 3) RGB uint8 to (H, W) uint8, rounded to nearest."""
    if rgb.ndim == 2:
        return rgb
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2YCrCb)[..., 0], np.uint8)
