"""How steady the colours of a film are: CDC, warp error, chroma flicker along motion.

Takes frames one after another, from any iterable, and holds no more than a few at a time; flow and masks come as arrays
from the caller. Knows nothing of containers, codecs or of how motion is estimated.

All three reward fading: a grey film is perfectly steady. Report colourfulness beside them.

Motion, throughout: `flow[y, x]` is (dx, dy) in pixels from where a point is in frame t-1 to where it is in frame t, and
`valid[y, x]` tells where it can be trusted (not occluded, not leaving the picture). Frame t, fetched back along the
flow by bilinear interpolation, is compared with frame t-1 where valid.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError
from colorizer.metrics.classes import Doubles, check_ab
from colorizer.metrics.pictures import check_rgb, unit_range

Frame = npt.NDArray[Any]
Flow = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[Any]

CDC_STEPS = (1, 2, 4)
"""Distances in time, in frames, between the histograms compared (Liu et al. 2021)."""

_CODES = 256


def _channel_histograms(frame: Frame) -> Doubles:
    """Share of pixels with each code value, (3, 256)."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
        raise InputError(f"CDC needs frames (H, W, 3) uint8; got {frame.dtype} of shape {frame.shape}")
    counts = np.stack([np.bincount(channel.ravel(), minlength=_CODES) for channel in np.moveaxis(frame, -1, 0)])
    shares: Doubles = counts / (frame.shape[0] * frame.shape[1])
    return shares


def jensen_shannon(p: Doubles, q: Doubles) -> Doubles:
    """Jensen-Shannon divergence along the last axis, natural logarithm: KL(p|m) / 2 + KL(q|m) / 2, m = (p + q) / 2.

    Parameters
    ----------
    p, q
        (..., N) distributions, each of sum 1.

    Returns
    -------
    ndarray, (...) float64, 0..ln 2
    """
    middle = np.where(p + q > 0, (p + q) / 2, 1)
    # 0 log 0 is 0
    terms = [x * np.log(np.where(x > 0, x, 1) / np.where(x > 0, middle, 1)) for x in (p, q)]
    return np.asarray(np.maximum((terms[0] + terms[1]).sum(axis=-1) / 2, 0))


def color_distribution_consistency(frames: Iterable[Frame]) -> float:
    """CDC, the colour distribution consistency index of a film.

    Definition: of each frame the normalised histograms of its three channels, 256 bins each; for t = 1, 2 and 4 the
    mean over i of the Jensen-Shannon divergence between those of frames i and i + t; the mean over the three t and the
    three channels. Range: 0..ln 2, lower is steadier; BiSTNet at NTIRE 2023 has 0.0017.
    Colour space: 8-bit sRGB code values. Source: Liu et al. 2021 (TCVC), its codes/compute_hist.py; used by the NTIRE
    2023 video colorization challenge.
    Pitfalls: knows no motion: cuts, pans and passing cars count as flicker, so one film's value compares only with
    other versions of that film (give the original's beside it). Lightness takes part: grey is not 0. Fading lowers it.
    Over several films: the mean of their values.

    Parameters
    ----------
    frames
        (H, W, 3) uint8 each, five or more; R, G, B in any order.

    Raises
    ------
    InputError
        Fewer than five frames, or no such frames.
    """
    recent: deque[Doubles] = deque(maxlen=max(CDC_STEPS))
    sums = dict.fromkeys(CDC_STEPS, 0.0)
    count = 0
    for frame in frames:
        histograms = _channel_histograms(frame)
        for step in CDC_STEPS:
            if len(recent) >= step:
                sums[step] += float(jensen_shannon(recent[-step], histograms).mean())
        recent.append(histograms)
        count += 1
    if count <= max(CDC_STEPS):
        raise InputError(f"CDC compares frames {max(CDC_STEPS)} apart and needs {max(CDC_STEPS) + 1}; got {count}")
    return sum(sums[step] / (count - step) for step in CDC_STEPS) / len(CDC_STEPS)


def fetch_along(frame: Frame, flow: Flow, valid: npt.NDArray[np.bool_]) -> Doubles:
    """Frame t at the points to which the flow carries the valid pixels of frame t-1, by bilinear interpolation.

    Parameters
    ----------
    frame
        (H, W, C) float.
    flow
        (H, W, 2) float, (dx, dy) in pixels; finite where valid.
    valid
        (H, W) bool, N of them true.

    Returns
    -------
    ndarray, (N, C) float64, in the order of `frame[valid]`; beyond the border, the border's value
    """
    height, width = valid.shape
    y, x = np.nonzero(valid)
    x_there = np.clip(x + flow[valid][:, 0].astype(np.float64), 0, width - 1)
    y_there = np.clip(y + flow[valid][:, 1].astype(np.float64), 0, height - 1)
    left, top = x_there.astype(np.intp), y_there.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x_there - left)[:, None], (y_there - top)[:, None]
    above = frame[top, left] * (1 - across) + frame[top, right] * across
    below = frame[bottom, left] * (1 - across) + frame[bottom, right] * across
    return np.asarray(above * (1 - down) + below * down)


def _differences(frames: Iterable[Frame], flows: Iterable[Flow], valid: Iterable[Mask]) -> Iterator[Doubles]:
    """For each pair of frames: frame t warped back minus frame t-1, (N, C), at the N valid pixels."""
    following = iter(frames)
    earlier = next(following, None)
    flow_of_pair, mask_of_pair = iter(flows), iter(valid)
    for pair, frame in enumerate(following, start=1):
        flow, mask = next(flow_of_pair, None), next(mask_of_pair, None)
        if earlier is None or flow is None or mask is None:
            raise InputError(f"flow or mask is missing for frames {pair - 1} and {pair}; each pair needs one of each")
        size = earlier.shape[:2]
        if frame.shape != earlier.shape or flow.shape != (*size, 2) or mask.shape != size:
            raise InputError(
                f"frames {pair - 1} and {pair} do not fit: shapes {earlier.shape} and {frame.shape}, "
                f"flow {flow.shape}, mask {mask.shape}; expected one height and width"
            )
        trusted = mask.astype(bool)
        if not np.isfinite(flow[trusted]).all():
            raise InputError(f"the flow of frames {pair - 1} and {pair} is not finite where the mask calls it valid")
        yield fetch_along(frame, flow, trusted) - earlier[trusted]
        earlier = frame
    if next(flow_of_pair, None) is not None or next(mask_of_pair, None) is not None:
        raise InputError("there are more flows or masks than pairs of frames; expected one less than frames")


def _mean_over_pairs(values: Iterable[float]) -> float:
    total, count = 0.0, 0
    for value in values:
        total += value
        count += 1
    if count == 0:
        raise InputError(
            "no pair of frames has a valid pixel; steadiness needs two frames and a mask that is not empty"
        )
    return total / count


def _unit_frames(frames: Iterable[Frame]) -> Iterator[Frame]:
    for frame in frames:
        check_rgb(frame)
        yield unit_range(frame)


def warp_error(frames: Iterable[Frame], flows: Iterable[Flow], valid: Iterable[Mask]) -> float:
    """How much a film changes along its motion.

    Definition: mean over the pairs (t-1, t) of sum M (warp(I_t) - I_{t-1})^2 / sum M, over pixels and channels, M = 1
    where valid. Range: 0..1, lower is steadier. Colour space: sRGB in 0..1.
    Source: Lai et al. 2018 (fast_blind_video_consistency, evaluate_WarpError.py).
    Pitfalls: hangs on the flow and the mask (of the original film, by which method: say so). Lightness takes part: the
    original itself is not 0. Fading lowers it. Pairs without a valid pixel are left out here; upstream counts them 0.

    Parameters
    ----------
    frames
        (H, W, 3) each; uint8, uint16, or float in 0..1.
    flows
        (H, W, 2) float, one less than frames; the module says which way.
    valid
        (H, W) bool or 0 and 1, one less than frames.

    Raises
    ------
    InputError
        Counts or shapes do not fit; no valid pixel in the whole film; flow that is not finite where valid.
    """
    differences = _differences(_unit_frames(frames), flows, valid)
    return _mean_over_pairs(float(np.mean(pair * pair)) for pair in differences if pair.size)


def _ab_frames(planes: Iterable[Frame]) -> Iterator[Frame]:
    for plane in planes:
        check_ab(plane)
        if plane.ndim != 3:
            raise InputError(f"an ab plane of shape {plane.shape} is no frame; expected (H, W, 2)")
        yield plane.astype(np.float32, copy=False)


def chroma_flicker(planes: Iterable[Frame], flows: Iterable[Flow], valid: Iterable[Mask]) -> float:
    """How much the colour of a moving point changes from frame to frame.

    Definition: mean over the pairs (t-1, t) of the mean, over the valid pixels, of the Euclidean distance in ab between
    frame t warped back and frame t-1. Range: 0 to about 200, lower is steadier. Colour space: ab of CIE Lab, D65.
    Source: this project; without motion (flow 0, all valid) it is the common mean |ab_t - ab_{t-1}|.
    Pitfalls: fading lowers it: divide by the mean chroma, or report it beside. Flow through blurred or noisy frames
    finds flicker in steady colour; the original film's own value is the floor.

    Parameters
    ----------
    planes
        (H, W, 2) each, CIE Lab units.
    flows, valid
        As in `warp_error`.

    Raises
    ------
    InputError
        As in `warp_error`.
    """
    differences = _differences(_ab_frames(planes), flows, valid)
    return _mean_over_pairs(float(np.hypot(pair[:, 0], pair[:, 1]).mean()) for pair in differences if pair.size)


def object_spread(planes: Iterable[Frame], inside: Iterable[Mask]) -> float:
    """How far the colour of one object wanders over its shot.

    Definition: of each frame the mean ab over the object; the root of the mean squared Euclidean distance of these from
    their mean over the shot. Range: 0 to about 100, lower is steadier. Colour space: ab of CIE Lab, D65.
    Source: this project; the total standard deviation of the object's mean colour.
    Pitfalls: where the object is has to be known, as in made films. Slow drift counts as flicker does. The object's own
    colour may change, in moving light: its value in the original is the floor. Fading lowers it.
    Over several objects: the mean of their values.

    Parameters
    ----------
    planes
        (H, W, 2) each, CIE Lab units; of one shot.
    inside
        (H, W) bool or 0 and 1, as many; frames without a pixel of the object are left out.

    Raises
    ------
    InputError
        Counts or shapes do not fit, or the object is in no frame.
    """
    means = object_means(planes, inside)
    away = means - means.mean(axis=0)
    return float(np.sqrt((away * away).sum(axis=1).mean()))


def object_means(planes: Iterable[Frame], inside: Iterable[Mask]) -> Doubles:
    """The mean colour of an object in each frame that it is in: (N, 2) a and b; see `object_spread`.

    The distance of the means of two shots is how far an object's colour jumps at the cut.

    Raises
    ------
    InputError
        Counts or shapes do not fit, or the object is in no frame.
    """
    found = []
    masks = iter(inside)
    for number, plane in enumerate(_ab_frames(planes)):
        mask = next(masks, None)
        if mask is None or mask.shape != plane.shape[:2]:
            raise InputError(f"frame {number} has no mask of its size; an object needs one in each frame")
        pixels = plane[mask.astype(bool)]
        if len(pixels):
            found.append(pixels.mean(axis=0, dtype=np.float64))
    if next(masks, None) is not None:
        raise InputError("there are more masks than frames; expected as many")
    if not found:
        raise InputError("the object is in no frame; its masks are empty")
    return np.array(found)
