"""A network of ideepcolor's contract, as Caffe's two files, whose answer is known in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from made_networks import Contract

from colorizer.caffe.caffemodel import Blob, BlobLayer, write_caffemodel

PROTOTXT = """
name: "made of ideepcolor's kinds of layers"
layer { name: "data_l_ab_mask" type: "Input" top: "data_l_ab_mask"
  input_param { shape { dim: 1 dim: 4 dim: 256 dim: 256 } } }
layer { name: "slice" type: "Slice" bottom: "data_l_ab_mask" top: "data_l" top: "data_ab_mask"
  slice_param { axis: 1 slice_point: 1 } }
layer { name: "bw_conv1_1" type: "Convolution" bottom: "data_l" top: "bw_conv1_1"
  convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "ab_conv1_1" type: "Convolution" bottom: "data_ab_mask" top: "ab_conv1_1"
  convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "comb" type: "Eltwise" bottom: "bw_conv1_1" bottom: "ab_conv1_1" top: "comb" }
layer { name: "down" type: "Convolution" bottom: "comb" top: "down"
  convolution_param { num_output: 2 kernel_size: 1 stride: 2 group: 2 bias_term: false } }
layer { name: "up" type: "Deconvolution" bottom: "down" top: "up"
  convolution_param { num_output: 2 kernel_size: 2 stride: 2 group: 2 bias_term: false } }
layer { name: "leaky" type: "ReLU" bottom: "up" top: "up" relu_param { negative_slope: 0.2 } }
layer { name: "squash" type: "TanH" bottom: "up" top: "squash" }
layer { name: "pred_ab" type: "Scale" bottom: "squash" top: "pred_ab" scale_param { bias_term: false } }
"""

L_WEIGHTS, L_BIAS = np.array([0.008, -0.006]), np.array([0.30, 0.45])
AB_WEIGHTS = np.array([[0.007, 0.001, 0.002], [0.002, 0.009, -0.001]])


def write_pair(folder: Path) -> Path:
    """ab = 100 tanh(leaky(w (L - 50) + w' (a, b, 110 mask) + bias)), at every second pixel, each doubled."""
    (folder / "deploy_nodist.prototxt").write_text(PROTOTXT)
    blobs = {
        "bw_conv1_1": ("Convolution", [L_WEIGHTS.reshape(2, 1, 1, 1), L_BIAS]),
        "ab_conv1_1": ("Convolution", [AB_WEIGHTS.reshape(2, 3, 1, 1), np.zeros(2)]),
        "down": ("Convolution", [np.ones((2, 1, 1, 1))]),
        "up": ("Deconvolution", [np.ones((2, 1, 2, 2))]),
        "pred_ab": ("Scale", [np.full(2, 100.0)]),
    }
    layers = [
        BlobLayer(name, kind, tuple(Blob(each.shape, each.astype(np.float32)) for each in arrays))
        for name, (kind, arrays) in blobs.items()
    ]
    path = folder / "model.caffemodel"
    write_caffemodel(path, "made", layers)
    return path


def known_ab(lightness: npt.NDArray[Any], hints: npt.NDArray[Any] | None = None) -> npt.NDArray[np.float64]:
    """(H, W) L* and (3, H, W) hints to (2, H, W) ab."""
    light = np.asarray(lightness, np.float64)
    told = np.zeros((3, *light.shape)) if hints is None else np.asarray(hints, np.float64)
    packed = np.stack([told[0], told[1], 110 * told[2]])
    value = L_WEIGHTS[:, None, None] * (light - 50) + L_BIAS[:, None, None] + np.tensordot(AB_WEIGHTS, packed, 1)
    value = np.repeat(np.repeat(value[:, ::2, ::2], 2, axis=1), 2, axis=2)
    return 100 * np.tanh(np.where(value < 0, 0.2 * value, value))


IDEEPCOLOR = Contract(
    "C3p",
    lambda path: write_pair(path.parent),
    {},
    lambda lightness: known_ab(lightness).transpose(1, 2, 0),
    256,
)
"""Without a descriptor: the name of its input says what it is."""
