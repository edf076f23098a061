"""The recipe of OpenCV 4's Caffe-era sample (samples/dnn/colorization.py before it moved to ONNX), for comparisons.

It differs from ours in what people who compare want to see: the picture itself is resized to 224 x 224 bilinearly (not
its lightness by area), cv2's table-driven float32 Lab is used both ways, and R, G and B are clipped one by one, which
moves L where the colour leaves the gamut. The sample shows its floats in a window, which rounds 255 times them to
nearest; so do we. cv2.dnn runs as it comes, Winograd convolutions included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError, OptionRef, Remedy
from colorizer.networks.base import NetworkInput, Prediction

_SAMPLE_SIZE = 224


def colorize(pixels: npt.NDArray[Any], predict: Callable[[NetworkInput], Prediction]) -> npt.NDArray[np.uint8]:
    """Colour a picture as the sample does.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB, uint8: the sample knows no other depth.
    predict
        Of the network, in OpenCV as it comes.

    Returns
    -------
    ndarray, (H, W, 3) RGB, uint8

    Raises
    ------
    InputError
        The picture has more than 8 bits.
    """
    if pixels.dtype != np.uint8:
        text = f"the sample computes with 8 bits a channel, not {pixels.dtype}"
        raise InputError(text, remedy=Remedy.LEAVE_OUT, what=OptionRef("compat"))
    rgb8 = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    rgb = (rgb8 / 255).astype(np.float32)
    lightness = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[..., 0]
    reduced = cv2.resize(rgb, (_SAMPLE_SIZE, _SAMPLE_SIZE))
    small = np.asarray(cv2.cvtColor(reduced, cv2.COLOR_RGB2Lab)[..., 0], np.float32)
    ab = predict(NetworkInput(small[None, None])).ab[0].transpose(1, 2, 0)
    height, width = lightness.shape
    ab = cv2.resize(ab, (width, height)).reshape(height, width, 2)
    colored = cv2.cvtColor(np.dstack([lightness, ab]), cv2.COLOR_Lab2RGB)
    return np.rint(np.clip(colored, 0, 1) * 255).astype(np.uint8)
