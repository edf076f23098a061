"""The chroma planes of a frame, solved at their own resolution for the frame's own Y'.

Arrays in, arrays out; knows no codecs. Y' is read, never written: what a film's luma plane holds comes out bit for bit.
A subsampled chroma sample belongs to several luma samples; Y' there is their average, by the siting of the samples.

In interlaced frames the lines of the two fields are a moment apart, so each field's chroma lines are solved from the
luma lines of that field alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.chroma_table import LEVELS, REACH, SIDE, chroma_table
from colorizer.color.lab import decode_srgb, lightness_of
from colorizer.color.ycbcr import ColorEncoding, PlaneLayout, code_range

Plane = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

_TILES = 12
"""Tiles in a row of the picture that holds the table, a tile for each level of Y'.

`cv2.remap` interpolates in two dimensions, many times faster than NumPy in three. So the table is laid out as a
picture; each answer is looked up in two tiles of it, for the levels below and above, and interpolated between them."""


def lightness_of_luma(luma: Plane, size: tuple[int, int], bits: int, *, full_range: bool) -> Floats:
    """CIE L* of a grey frame at a smaller size, by area averaging.

    Parameters
    ----------
    luma
        (H, W) uint8 or uint16 code values.
    size
        Height and width wanted.
    bits, full_range
        What the code values mean.

    Returns
    -------
    ndarray, (height, width) float32, 0..100
    """
    table = _lightness_table(bits, full_range)
    full = cv2.LUT(luma, table) if luma.dtype == np.uint8 else np.take(table, np.minimum(luma, len(table) - 1))
    shrinks = luma.shape[0] >= size[0] and luma.shape[1] >= size[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(full, (size[1], size[0]), interpolation=how), np.float32)


@lru_cache(maxsize=8)
def _lightness_table(bits: int, full_range: bool) -> Floats:
    scale = code_range(bits, full_range=full_range)
    code = (np.arange(scale.top + 1) - scale.black) / scale.luma_span
    return np.asarray(lightness_of(decode_srgb(np.clip(code, 0, 1))), np.float32)


def converted_luma(luma: Plane, bits: int, wanted: int, *, full_range: bool) -> Plane:
    """Y' at another bit depth: the same array where the depth is the same, else scaled and rounded to nearest."""
    if bits == wanted:
        return luma
    kind = np.uint8 if wanted == 8 else np.uint16
    old, new = code_range(bits, full_range=full_range), code_range(wanted, full_range=full_range)
    factor = new.luma_span / old.luma_span
    converted: Plane = np.minimum(np.rint(luma * np.float64(factor)), new.top).astype(kind)
    return converted


def luma_at_chroma(luma: Plane, chroma: tuple[int, int], encoding: ColorEncoding) -> Floats:
    """Mean code value of the luma samples that a chroma sample belongs to: (H, W) to (h, w) float32."""
    down, across = chroma
    bottom, right = -luma.shape[0] % down, -luma.shape[1] % across
    if bottom or right:
        luma = cv2.copyMakeBorder(luma, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    height, width = luma.shape
    if across == 1 or encoding.siting == "centre":
        plane = luma.astype(np.float32)
        return np.asarray(
            cv2.resize(plane, (width // across, height // down), interpolation=cv2.INTER_AREA), np.float32
        )
    rows = luma.astype(np.float32)
    if down > 1:
        rows = np.asarray(cv2.resize(rows, (width, height // down), interpolation=cv2.INTER_AREA), np.float32)
    # a sample on an even column: half of that column and a quarter of each neighbour
    kernel = np.array([[0.25, 0.5, 0.25]], np.float32)
    smooth = cv2.filter2D(rows, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(smooth[:, ::across], np.float32)


def ab_at_chroma(ab: Floats, luma: tuple[int, int], chroma: tuple[int, int], encoding: ColorEncoding) -> Floats:
    """Predicted ab, enlarged bilinearly to where the chroma samples lie.

    Parameters
    ----------
    ab
        (h, w, 2) float32, spread over the whole frame.
    luma
        Height and width of the frame.
    chroma
        Luma rows and columns to a chroma sample.
    """
    (down, across), (height, width) = chroma, luma
    rows, columns = -(-height // down), -(-width // across)
    grid_height, grid_width = ab.shape[:2]
    per_row, per_column = grid_height / height, grid_width / width
    column_offset = 0.5 if encoding.siting == "left" else across / 2
    # sample i has its centre at luma position i * across + column_offset, from the frame's left edge
    place = np.array(
        [
            [across * per_column, 0, column_offset * per_column - 0.5],
            [0, down * per_row, down / 2 * per_row - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(ab, place, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


@lru_cache(maxsize=4)
def _tiled_table(encoding: ColorEncoding) -> Floats:
    return tiled(chroma_table(encoding), _TILES)


def _table_of(encoding: ColorEncoding) -> Floats:
    # range and siting do not enter the table
    return _tiled_table(replace(encoding, full_range=False, siting="left"))


def solved_chroma(level: Floats, ab: Floats, encoding: ColorEncoding) -> Floats:
    """Cb and Cr of the wanted ab at a given Y'.

    Parameters
    ----------
    level
        (h, w) float32, Y' in 0..1; values beyond are clipped.
    ab
        (h, w, 2) float32, CIE Lab units.
    encoding
        Matrix and primaries.

    Returns
    -------
    ndarray, (h, w, 2) float32 Cb, Cr in -1/2..1/2, with which R'G'B' lie in 0..1
    """
    picture = _table_of(encoding)
    position = np.clip(level, np.float32(0), np.float32(1)) * np.float32(LEVELS - 1)
    # white belongs to the last pair of levels, too
    lower = np.minimum(position.astype(np.uint8), np.uint8(LEVELS - 2))
    share = position - lower
    inner = place_in_tile(ab)
    left, top = tile_origins(_TILES)
    found = []
    for tile in (lower, lower + np.uint8(1)):
        x = cv2.add(inner[..., 0], cv2.LUT(tile, left))
        y = cv2.add(inner[..., 1], cv2.LUT(tile, top))
        found.append(np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR), np.float32))
    low, high = found
    # in place, since these are the largest arrays of a frame: low + share * (high - low)
    high -= low
    high *= share[..., None]
    high += low
    return np.asarray(high, np.float32)


def tiled(levels: Floats, in_a_row: int) -> Floats:
    """Levels of the chroma table, (N, SIDE, SIDE, 2), as a picture of tiles: (rows, columns, 2)."""
    rows = -(-len(levels) // in_a_row)
    tiles = np.zeros((rows * in_a_row, SIDE, SIDE, 2), np.float32)
    tiles[: len(levels)] = levels
    picture = tiles.reshape(rows, in_a_row, SIDE, SIDE, 2).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(picture.reshape(rows * SIDE, in_a_row * SIDE, 2))


@lru_cache(maxsize=2)
def tile_origins(in_a_row: int) -> tuple[Floats, Floats]:
    """Left column and top row of each tile of such a picture, by the tile's number in 8 bits: (256,) each."""
    tile = np.arange(256)
    return ((tile % in_a_row) * SIDE).astype(np.float32), ((tile // in_a_row) * SIDE).astype(np.float32)


def place_in_tile(ab: Floats) -> Floats:
    """Where in a tile the answers for ab are: (..., 2) column and row, from the tile's origin."""
    inner = ab * np.float32((SIDE - 1) / (2 * REACH)) + np.float32((SIDE - 1) / 2)
    return np.asarray(np.clip(inner, 0, np.float32(SIDE - 1)), np.float32)


def quantized(chroma: Floats, bits: int, *, full_range: bool) -> tuple[Plane, Plane]:
    """Code values of (h, w, 2) Cb and Cr in -1/2..1/2, rounded to nearest: two planes."""
    scale = code_range(bits, full_range=full_range)
    kind = np.uint8 if bits == 8 else np.uint16
    code = chroma * np.float32(scale.chroma_span)
    code += np.float32(scale.middle + 0.5)  # the conversion to integers cuts off, so this rounds
    np.clip(code, 0, np.float32(scale.top), out=code)
    planes = code.astype(kind)
    return planes[..., 0], planes[..., 1]


def chroma_planes(
    luma: Plane,
    ab: Floats,
    layout: PlaneLayout,
    encoding: ColorEncoding,
    *,
    interlaced: bool = False,
    original: Floats | None = None,
) -> tuple[Plane, Plane]:
    """The chroma planes that give a frame the wanted hue and chroma at its own Y'.

    Parameters
    ----------
    luma
        (H, W) uint8 or uint16 code values, as they will be stored.
    ab
        (h, w, 2) float32, CIE Lab units, at any size.
    layout
        Of the frame; not grey.
    encoding
        What its code values mean.
    interlaced
        Whether the lines alternate between two fields.
    original
        (rows, columns, 2) float32, Cb and Cr in -1/2..1/2 to be added: a share of what the frame had before.

    Returns
    -------
    tuple of two ndarrays
        Cb and Cr, (rows, columns), of `luma`'s dtype.
    """
    down, across = layout.subsampling or (1, 1)
    wanted = ab_at_chroma(ab, (luma.shape[0], luma.shape[1]), (down, across), encoding)
    scale = code_range(layout.bits, full_range=encoding.full_range)
    if interlaced and luma.shape[0] > 2 * down:
        # the two fields are a moment apart; a mean over both would mix them
        mean = np.empty(wanted.shape[:2], np.float32)
        for field in (0, 1):
            lines = luma_at_chroma(np.ascontiguousarray(luma[field::2]), (down, across), encoding)
            mean[field::2] = lines[: len(mean[field::2])]
    else:
        mean = luma_at_chroma(luma, (down, across), encoding)
    level = (mean - np.float32(scale.black)) * np.float32(1 / scale.luma_span)
    chroma = solved_chroma(level, wanted, encoding)
    if original is not None:
        chroma += original
    return quantized(chroma, layout.bits, full_range=encoding.full_range)
