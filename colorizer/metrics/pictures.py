"""A colorization against its original: errors in RGB, ab and L, structure, errors near outlines.

Takes arrays of one picture (or of one frame) and knows nothing of files or networks. Two kinds of input, by name:
`true` and `predicted` pixels are RGB, (H, W, 3), uint8, uint16 or float in 0..1, sRGB-encoded; `true_ab` and
`predicted_ab` are CIE Lab units (D65), (..., 2). Whoever compares pictures compares them at one size and says which.

Of each metric of RGB holds: it mixes lightness and colour. Where the result takes over the original's lightness (as
here), all of the error is colour; where a project recombines at 256 pixels or predicts all of RGB, it is not, and the
figures do not compare.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import FULL_SCALE, check_pixels, lightness
from colorizer.color.strips import strips
from colorizer.errors import InputError, MissingExtraError
from colorizer.metrics.classes import Doubles, Plane, check_ab, in_strips

Pixels = npt.NDArray[Any]

SSIM_SIGMA = 1.5
"""Width of the Gaussian window in pixels: Wang et al. 2004; scikit-image cuts it to 11 x 11."""

SSIM_WINDOW = 11

ACCURACY_THRESHOLD = 10.0
"""Distance in ab that passes for the right colour where the caller names none: the side of a class."""

EDGE_GRADIENT = 5.0
"""A chroma edge: ab changes by at least this much per pixel, half the side of a class."""

EDGE_DISTANCE = 5.0
"""Near an edge: at most this many pixels from one."""


def check_rgb(*pictures: Pixels) -> None:
    """Refuse what are no RGB pictures of one shape.

    Raises
    ------
    InputError
        Not (H, W, 3); empty; not uint8, uint16 or float; shapes differ; values that are not finite.
    """
    for pixels in pictures:
        check_pixels(pixels)
        if pixels.ndim != 3 or pixels.shape[2] != 3:
            raise InputError(f"an array of shape {pixels.shape} is no RGB picture; expected (H, W, 3)")
        if pixels.shape != pictures[0].shape:
            shapes = f"{pictures[0].shape} and {pixels.shape}"
            raise InputError(f"pictures of shapes {shapes} cannot be compared; resize one")


def unit_range(pixels: Pixels) -> Doubles:
    """Code values as float64 in 0..1."""
    return pixels.astype(np.float64) / FULL_SCALE.get(pixels.dtype, 1)


@dataclass(frozen=True)
class ErrorMoments:
    """Errors over all pixels and channels: of RGB in 0..1, of ab in Lab units (mse in Lab units squared)."""

    mse: float
    rmse: float
    mae: float


def _moments(differences: Iterable[Doubles]) -> ErrorMoments:
    squares = absolutes = 0.0
    count = 0
    for difference in differences:
        squares += float(np.sum(difference * difference))
        absolutes += float(np.sum(np.abs(difference)))
        count += difference.size
    return ErrorMoments(mse=squares / count, rmse=math.sqrt(squares / count), mae=absolutes / count)


def rgb_error(true: Pixels, predicted: Pixels) -> ErrorMoments:
    """MSE, RMSE and MAE of RGB.

    Definition: mean of (p - q)^2, its root, and mean of |p - q|, over all pixels and the three channels.
    Range: 0..1, lower is better. Colour space: sRGB code values scaled to 0..1. Source: common usage.
    Pitfalls: papers also print them of 0..255 (255 and 65025 times as much), and RMSE over a set either as the mean of
    each picture's or as the root of the mean MSE (never smaller). Grey does well, bold colour badly: a brown wall is a
    safe guess everywhere.

    Parameters
    ----------
    true, predicted
        (H, W, 3) RGB; uint8, uint16, or float in 0..1; each may have its own type.

    Raises
    ------
    InputError
        No RGB pictures, shapes differ, or values that are not finite.
    """
    check_rgb(true, predicted)
    return _moments(unit_range(true[rows]) - unit_range(predicted[rows]) for rows in strips(*true.shape[:2]))


def ab_error(true_ab: Plane, predicted_ab: Plane) -> ErrorMoments:
    """MSE, RMSE and MAE of ab.

    Definition: mean of (p - q)^2, its root, and mean of |p - q|, over all pixels and the two channels.
    Range: 0 to about 200 (MSE: its square), lower is better. Colour space: ab of CIE Lab, D65. Source: common usage.
    Pitfalls: networks that work in ab / 110 or ab / 128 print errors of that scale. Over the channels a and b, not of
    the distance: the root mean square *distance* is sqrt(2) times this RMSE. As in RGB, grey does well.

    Parameters
    ----------
    true_ab, predicted_ab
        (..., 2), CIE Lab units.

    Raises
    ------
    InputError
        No ab planes, shapes differ, or values that are not finite.
    """
    check_ab(true_ab, predicted_ab)
    return _moments(np.subtract(*strip, dtype=np.float64) for strip in in_strips(true_ab, predicted_ab))


def psnr(true: Pixels, predicted: Pixels) -> float:
    """Peak signal-to-noise ratio of RGB, dB.

    Definition: 10 log10(1 / MSE), the MSE of `rgb_error`. Range: 0..inf, higher is better; identical pictures have inf.
    Colour space: sRGB in 0..1. Source: common usage.
    Pitfalls: never to be reported alone: grey often wins over any colorizer, since a bold wrong colour costs more than
    none. Depends on size, on which lightness is recombined, and on rounding to 8 bits. Over a set, the mean of each
    picture's PSNR (usual; one identical picture makes it inf) is not the PSNR of the mean MSE.

    Parameters
    ----------
    true, predicted
        As in `rgb_error`.

    Raises
    ------
    InputError
        As in `rgb_error`.
    """
    mse = rgb_error(true, predicted).mse
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim(true: Pixels, predicted: Pixels) -> float:
    """Structural similarity of RGB, by scikit-image.

    Definition: `skimage.metrics.structural_similarity` with the parameters of the paper: Gaussian window of sigma 1.5
    (11 x 11), population covariance, K1 = 0.01, K2 = 0.03, data range 1; mean over the pixels and over R, G and B.
    Range: -1..1, higher is better. Colour space: sRGB in 0..1. Source: Wang, Bovik, Sheikh and Simoncelli 2004.
    Pitfalls: scikit-image's defaults (uniform 7 x 7 window, sample covariance) give other figures, and so does SSIM of
    grey or of Y alone, which a colorizer that keeps L cannot but win. It hardly sees a wrong hue.

    Parameters
    ----------
    true, predicted
        As in `rgb_error`; 11 pixels or more each way.

    Raises
    ------
    InputError
        As in `rgb_error`, or a picture too small for the window.
    MissingExtraError
        scikit-image is not installed.
    """
    check_rgb(true, predicted)
    height, width = true.shape[:2]
    if min(height, width) < SSIM_WINDOW:
        raise InputError(f"SSIM needs {SSIM_WINDOW} pixels each way; the picture has {width} x {height}")
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise MissingExtraError("SSIM", "scikit-image", "evaluate") from error
    similarity: Callable[..., Any] = structural_similarity
    return float(
        similarity(
            unit_range(true),
            unit_range(predicted),
            data_range=1.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=SSIM_SIGMA,
            use_sample_covariance=False,
        )
    )


def colorization_accuracy(true_ab: Plane, predicted_ab: Plane, threshold: float = ACCURACY_THRESHOLD) -> float:
    """Share of pixels that have about the right colour.

    Definition: share of pixels whose ab lies within a Euclidean distance `threshold` of the truth; one point of the
    curve of `CumulativeAbError`. Range: 0..1, higher is better. Colour space: ab of CIE Lab, D65. Source: student
    papers, with thresholds of their own; some test a and b each by itself (a square instead of a disc).
    Pitfalls: says nothing without its threshold; at 20 and above grey scores high. Not comparable at all is the
    "accuracy" that Keras prints while training (`metrics=["accuracy"]`): a measure for classes, which for outputs of
    two channels asks whether the larger of a and b is the same one as in the truth (argmax over the last axis); a
    picture of wholly wrong colours can score 1, and guessing scores about one half.

    Parameters
    ----------
    true_ab, predicted_ab
        (..., 2), CIE Lab units.
    threshold
        Lab units, 0 or more.

    Raises
    ------
    InputError
        No ab planes, shapes differ, or values that are not finite.
    """
    return float(np.mean(ab_distance(true_ab, predicted_ab) <= threshold))


def ab_distance(true_ab: Plane, predicted_ab: Plane) -> Doubles:
    """Euclidean distance in ab of each pixel, (...) float64, CIE Lab units: the error map.

    Raises
    ------
    InputError
        No ab planes, shapes differ, or values that are not finite.
    """
    check_ab(true_ab, predicted_ab)
    difference = np.subtract(true_ab, predicted_ab, dtype=np.float64)
    return np.asarray(np.hypot(difference[..., 0], difference[..., 1]))


@dataclass(frozen=True)
class EdgeError:
    """Mean ab distance near chroma edges and elsewhere."""

    near: float  # CIE Lab units; NaN where the original has no chroma edge
    elsewhere: float  # CIE Lab units; NaN where every pixel lies near one
    share_near: float  # of the pixels, 0..1


def chroma_edges(ab: Plane) -> npt.NDArray[np.bool_]:
    """Where the colour changes; `edge_error` has the definition.

    Parameters
    ----------
    ab
        (H, W, 2), CIE Lab units.

    Returns
    -------
    ndarray, (H, W) bool

    Raises
    ------
    InputError
        No ab plane, or values that are not finite.
    """
    check_ab(ab)
    if ab.ndim != 3:
        raise InputError(f"an ab plane of shape {ab.shape} has no edges; expected (H, W, 2)")
    padded = np.pad(ab.astype(np.float64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    squared = (across * across + down * down).sum(axis=-1)
    return np.asarray(squared >= EDGE_GRADIENT**2)


def edge_error(true_ab: Plane, predicted_ab: Plane, distance: float = EDGE_DISTANCE) -> EdgeError:
    """How well colours keep within their outlines.

    Definition: mean ab distance over the pixels at most `distance` pixels (Euclidean, pixel centres) from a chroma edge
    of the *original*, and over the others. An edge is a pixel where the gradient of ab, central differences, summed
    over a and b, has a norm of 5 Lab units per pixel or more. Range: 0 to about 200, lower is better.
    Colour space: ab of CIE Lab, D65. Source: this project; the distance transform is OpenCV's exact one.
    Pitfalls: depends on the size of the picture, and on JPEG's halved chroma, which blurs edges below the threshold.
    Error near edges includes plain wrong colour: read it beside `elsewhere`.

    Parameters
    ----------
    true_ab, predicted_ab
        (H, W, 2), CIE Lab units.
    distance
        Pixels.

    Raises
    ------
    InputError
        No ab planes, shapes differ, or values that are not finite.
    """
    error = ab_distance(true_ab, predicted_ab)
    edges = chroma_edges(true_ab)
    if not edges.any():
        return EdgeError(near=math.nan, elsewhere=float(error.mean()), share_near=0.0)
    import cv2

    away = cv2.distanceTransform(np.logical_not(edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near = away <= distance
    return EdgeError(
        near=float(error[near].mean()),
        elsewhere=math.nan if near.all() else float(error[~near].mean()),
        share_near=float(near.mean()),
    )


@dataclass(frozen=True)
class LightnessDeviation:
    """|dL| over the pixels, L in 0..100."""

    mean: float
    maximum: float


def lightness_deviation(true: Pixels, predicted: Pixels) -> LightnessDeviation:
    """How much of the original's lightness a colorization lost.

    Definition: mean and maximum of |L* of the result - L* of the original|. Range: 0..100, lower is better; rounding
    to 8 bits alone costs up to about 0.3. Colour space: L* of CIE Lab, D65. Source: this project.
    Pitfalls: projects that clip out-of-gamut colours per channel, or that recombine at network size, show here and
    nowhere else. Lossy formats add their own.

    Parameters
    ----------
    true, predicted
        (H, W) grey or (H, W, 3) RGB, of one height and width; uint8, uint16, or float in 0..1, sRGB-encoded.

    Raises
    ------
    InputError
        No pictures, or sizes differ.
    """
    for pixels in (true, predicted):
        check_pixels(pixels)
        if pixels.ndim == 3 and pixels.shape[2] != 3:
            raise InputError(f"an array of shape {pixels.shape} has no lightness; expected (H, W) or (H, W, 3)")
    if true.shape[:2] != predicted.shape[:2]:
        raise InputError(f"pictures of shapes {true.shape} and {predicted.shape} cannot be compared; resize one")
    deviation = np.abs(np.subtract(lightness(true), lightness(predicted), dtype=np.float64))
    return LightnessDeviation(mean=float(deviation.mean()), maximum=float(deviation.max()))
