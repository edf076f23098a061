"""Classes as targets: soft encoding, and weights that let rare colours count. NumPy alone.

Source: Zhang, Isola and Efros 2016, section 2.2 and equations 3 and 4.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from colorizer.metrics.classes import inverse_prior_weights
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.contract import BIN_COUNT

NEIGHBOURS = 5
SIGMA = 5.0
"""A colour is encoded as its five nearest classes, weighed by a Gaussian of this width (section 2.2)."""

LIMIT = 110
SIDE = 2 * LIMIT + 1
"""Colours are looked up by whole ab within these limits; what lies outside, at the rim."""

UNIFORM_SHARE = 0.5
"""lambda of equation 4."""


@lru_cache(maxsize=1)
def soft_table() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Classes and their shares for every whole ab: (221 * 221, 5) each; row (a + 110) * 221 + b + 110."""
    whole = np.arange(-LIMIT, LIMIT + 1)
    colors = np.stack(np.meshgrid(whole, whole, indexing="ij"), -1).reshape(-1, 1, 2)
    squared = ((colors - bin_centres()[None]) ** 2).sum(-1).astype(np.float64)
    classes = np.argsort(squared, axis=1, kind="stable")[:, :NEIGHBOURS]
    near = np.take_along_axis(squared, classes, 1)
    shares = np.exp(-(near - near[:, :1]) / (2 * SIGMA**2))
    return classes, (shares / shares.sum(1, keepdims=True)).astype(np.float32)


def prior_of(planes: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """How often each class occurs in ab planes, softly encoded, (313,), sum 1."""
    classes, shares = soft_table()
    counts = np.zeros(BIN_COUNT)
    for ab in planes:
        inside = np.clip(np.rint(ab).astype(np.int64), -LIMIT, LIMIT) + LIMIT
        rows = inside[..., 0] * SIDE + inside[..., 1]
        np.add.at(counts, classes[rows], shares[rows])
    return np.asarray(counts / counts.sum())


def class_weights(prior: npt.NDArray[np.float64], power: float) -> npt.NDArray[np.float64]:
    """What a pixel of each class weighs, (313,), of mean 1 under the prior.

    Parameters
    ----------
    prior
        (313,) shares of the classes.
    power
        0: every pixel the same; 1: the paper's weights (equation 4, lambda = 0.5); between: something between.
    """
    weights = inverse_prior_weights(prior, UNIFORM_SHARE) ** power
    return np.asarray(weights / (prior * weights).sum())
