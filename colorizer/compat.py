"""The recipe of OpenCV 4's Caffe-era sample (samples/dnn/colorization.py before it moved to ONNX), for comparisons.

It differs from ours in what people who compare want to see: the picture itself is resized to 224 x 224 bilinearly (not
its lightness by area), cv2's table-driven float32 Lab is used both ways, and R, G and B are clipped one by one, which
moves L where the colour leaves the gamut. The sample shows its floats in a window, which rounds 255 times them to
nearest; so do we. cv2.dnn runs as it comes, Winograd convolutions included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.errors import InputError
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS, NETWORK_SIZE

if TYPE_CHECKING:
    from colorizer.engines import Engine


def colorize(pixels: npt.NDArray[Any], engine: Engine) -> npt.NDArray[np.uint8]:
    """Colour a picture as the sample does.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB, uint8: the sample knows no other depth.
    engine
        OpenCV's, as it comes.

    Returns
    -------
    ndarray, (H, W, 3) RGB, uint8

    Raises
    ------
    InputError
        The picture has more than 8 bits.
    """
    if pixels.dtype != np.uint8:
        raise InputError(f"--compat computes with 8 bits a channel, not {pixels.dtype}; leave --compat out")
    rgb8 = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    rgb = (rgb8 / 255).astype(np.float32)
    lightness = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[..., 0]
    small = cv2.cvtColor(cv2.resize(rgb, (NETWORK_SIZE, NETWORK_SIZE)), cv2.COLOR_RGB2Lab)[..., 0]
    ab = engine.ab((small - np.float32(MIDDLE_LIGHTNESS))[None, None])[0].transpose(1, 2, 0)
    height, width = lightness.shape
    ab = cv2.resize(ab, (width, height)).reshape(height, width, 2)
    colored = cv2.cvtColor(np.dstack([lightness, ab]), cv2.COLOR_Lab2RGB)
    return np.rint(np.clip(colored, 0, 1) * 255).astype(np.uint8)
