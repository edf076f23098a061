"""Colours by class: which of the 313 bins a colour falls into, and what a pixel of each class weighs.

Knows ab planes in CIE Lab units and the bin centres; nothing of pictures. What the class tables share with the metrics
over them (validation, strips, cells of the ab plane) lives here too.

Source: Zhang, Isola and Efros 2016, section 2.2 and equation 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from colorizer.color.strips import strips
from colorizer.errors import InputError
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.contract import BIN_COUNT

Plane = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

Weighting = Literal["raw", "equal_bins"]
"""Weightings of the pixels that need no prior; `auc.CumulativeAbError` defines them."""

PRIOR_SIGMA = 5.0
"""Width of the Gaussian that smooths a colour prior, in Lab units (section 2.2)."""

CELLS = 256
FIRST_CELL = -128
"""The ab plane in cells of side 1: cell i spans [i - 128, i - 127), and what lies outside falls into the outermost."""


def check_ab(*planes: Plane) -> None:
    """Refuse what are no ab planes of one shape.

    Raises
    ------
    InputError
        Not (..., 2); empty; shapes differ; values that are not finite.
    """
    for plane in planes:
        if plane.ndim < 1 or plane.shape[-1] != 2 or plane.size == 0:
            raise InputError(f"an array of shape {plane.shape} is no ab plane; expected (..., 2), one pixel or more")
        if plane.shape != planes[0].shape:
            raise InputError(f"ab planes of shapes {planes[0].shape} and {plane.shape} cannot be compared; resize one")
        if not np.isfinite(plane).all():
            raise InputError("an ab plane holds values that are not finite; replace NaN and infinity first")


def in_strips(*planes: Plane) -> Iterator[tuple[Plane, ...]]:
    """The same pixels of each plane, (N, 2), not too many at once."""
    flat = [plane.reshape(-1, 2) for plane in planes]
    for part in strips(len(flat[0]), 1):
        yield tuple(plane[part] for plane in flat)


def cells(ab: Plane) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row (a) and column (b) of each colour's cell of the ab plane, 0..255."""
    indices = np.clip(np.floor(ab) - FIRST_CELL, 0, CELLS - 1).astype(np.intp)
    return indices[..., 0], indices[..., 1]


@lru_cache(maxsize=1)
def class_of_cell() -> npt.NDArray[np.int16]:
    """The class of each cell of the ab plane, (256, 256), read-only."""
    middle = np.arange(CELLS) + (FIRST_CELL + 0.5)
    centres = bin_centres().astype(np.float64)
    table = np.empty((CELLS, CELLS), np.int16)
    for row, a in enumerate(middle):
        squared = (a - centres[:, 0]) ** 2 + (middle[:, None] - centres[:, 1]) ** 2
        table[row] = np.argmin(squared, axis=1)
    table.flags.writeable = False
    return table


def nearest_bin(ab: Plane) -> npt.NDArray[np.int16]:
    """The class, of the 313, whose centre lies nearest to a colour.

    A look-up in a table of cells of side 1. The classes are squares of side 10 whose borders lie on integers, so the
    answer is exact among them (on a border, the class with the larger a or b); for colours beyond the rim of the table
    of classes it is that of the cell's middle, at most 0.71 away.

    Parameters
    ----------
    ab
        (..., 2), finite, CIE Lab units, any numeric dtype.

    Returns
    -------
    ndarray, (...) int16, 0..312
        Row of `colorizer.networks.zhang.bins.bin_centres()`.
    """
    return class_of_cell()[cells(np.asarray(ab))]


def _shares(counts: npt.NDArray[Any]) -> Doubles:
    shares = np.asarray(counts, np.float64)
    if shares.shape != (BIN_COUNT,) or not np.isfinite(shares).all() or shares.min() < 0 or not shares.any():
        raise InputError(f"a colour prior is {BIN_COUNT} counts or shares, none negative and not all of them 0")
    normalised: Doubles = shares / shares.sum()
    return normalised


def smoothed_prior(bin_counts: npt.NDArray[Any], sigma: float = PRIOR_SIGMA) -> Doubles:
    """How often each class occurs, smoothed over the ab plane: the prior of Zhang et al. 2016, section 2.2.

    Each class's share is spread over the classes by a Gaussian of the distance of their centres; the sum stays 1. The
    paper takes the shares from ImageNet's training pictures and sigma = 5.

    Parameters
    ----------
    bin_counts
        (313,) pixels per class, or their shares.
    sigma
        Lab units, > 0.

    Returns
    -------
    ndarray, (313,) float64, sum 1, positive wherever `bin_counts` is

    Raises
    ------
    InputError
        No such counts, or sigma is not above 0.
    """
    if not sigma > 0:
        raise InputError(f"a Gaussian of width {sigma:g} cannot smooth a prior; the width is above 0")
    centres = bin_centres().astype(np.float64)
    squared = ((centres[:, None] - centres[None]) ** 2).sum(axis=-1)
    kernel = np.exp(-squared / (2 * sigma**2))
    kernel /= kernel.sum(axis=1, keepdims=True)
    smoothed: Doubles = _shares(bin_counts) @ kernel
    return smoothed


def inverse_prior_weights(prior: npt.NDArray[Any], uniform_share: float = 0.0) -> Doubles:
    """The weight of a pixel by the class of its true colour: Zhang et al. 2016, equation 4.

    w = 1 / ((1 - lambda) p + lambda / Q), scaled so that its mean under p is 1. Training uses lambda = 1/2, the
    rebalanced AuC lambda = 0 (section 3.1).

    Parameters
    ----------
    prior
        (313,) share of each class, not negative; scaled to sum 1. `smoothed_prior`, or the release's `prior_probs.npy`.
    uniform_share
        lambda, 0..1.

    Returns
    -------
    ndarray, (313,) float64
        Infinite where the prior and `uniform_share` are both 0.

    Raises
    ------
    InputError
        No such prior, or lambda outside 0..1.
    """
    if not 0 <= uniform_share <= 1:
        raise InputError(f"a uniform share of {uniform_share:g} is not within 0..1")
    shares = _shares(prior)
    with np.errstate(divide="ignore", over="ignore"):
        weights = 1 / ((1 - uniform_share) * shares + uniform_share / BIN_COUNT)
    occurring = (shares > 0) & np.isfinite(weights)
    scaled: Doubles = weights / (shares[occurring] * weights[occurring]).sum()
    return scaled
