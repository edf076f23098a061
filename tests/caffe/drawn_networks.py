"""Small networks with made-up weights for the converters' tests, and what they give in float64 by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st
from reference import bin_centres, reference_maps

from colorizer.caffe.caffemodel import Blob, BlobLayer, CaffeModel
from colorizer.caffe.network import Network, network_from_message
from colorizer.caffe.prototxt import parse
from colorizer.networks.zhang.colors import Colors
from colorizer.networks.zhang.contract import CENTRES_LAYER, SCALE_LAYER

RELEASE_COLORS = Colors(1 / 2.606, bin_centres())
OTHER_COLORS = Colors(0.7, -bin_centres() / 2)

EVERY_LAYER = """
name: "every layer"
layer { name: "data_l" type: "Input" top: "data_l" input_param { shape { dim: 1 dim: 1 dim: 32 dim: 32 } } }
layer { name: "stem" type: "Convolution" bottom: "data_l" top: "stem"
  convolution_param { num_output: 8 kernel_size: 4 stride: 2 pad: 1 } }
layer { name: "stem_relu" type: "ReLU" bottom: "stem" top: "stem" relu_param { negative_slope: 0.1 } }
layer { name: "norm" type: "BatchNorm" bottom: "stem" top: "norm" batch_norm_param { eps: 0.001 } }
layer { name: "wide" type: "Convolution" bottom: "norm" top: "wide"
  convolution_param { num_output: 8 kernel_size: 3 pad: 2 dilation: 2 bias_term: false } }
layer { name: "wide_scale" type: "Scale" bottom: "wide" top: "wide" scale_param { bias_term: true } }
layer { name: "wide_relu" type: "ReLU6" bottom: "wide" top: "wide" }
layer { name: "tall" type: "Convolution" bottom: "wide" top: "tall"
  convolution_param { num_output: 8 kernel_h: 3 kernel_w: 1 pad_h: 1 pad_w: 0 group: 4 } }
layer { name: "sum" type: "Eltwise" bottom: "stem" bottom: "wide" bottom: "tall" top: "sum" }
layer { name: "down" type: "Convolution" bottom: "sum" top: "down"
  convolution_param { num_output: 16 kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "deep" type: "Convolution" bottom: "down" top: "deep"
  convolution_param { num_output: 8 kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "deep_scale" type: "Scale" bottom: "deep" top: "deep" }
layer { name: "up" type: "Deconvolution" bottom: "deep" top: "up"
  convolution_param { num_output: 8 kernel_size: 4 stride: 2 pad: 1 group: 8 bias_term: false } }
layer { name: "up_dense" type: "Deconvolution" bottom: "deep" top: "up_dense"
  convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 2 } }
layer { name: "both" type: "Concat" bottom: "up" bottom: "down" bottom: "up_dense" top: "both" }
layer { name: "twice" type: "Split" bottom: "both" top: "both_a" top: "both_b" }
layer { name: "dropped" type: "Dropout" bottom: "both_b" top: "both_b" }
layer { name: "joined" type: "Eltwise" bottom: "both_a" bottom: "both_b" top: "joined"
  eltwise_param { operation: SUM } }
layer { name: "unused" type: "Silence" bottom: "both_a" }
layer { name: "conv8_313" type: "Convolution" bottom: "joined" top: "conv8_313"
  convolution_param { num_output: 313 kernel_size: 1 } }
layer { name: "conv8_313_rh" type: "Scale" bottom: "conv8_313" top: "conv8_313_rh" scale_param { bias_term: false } }
layer { name: "class8_313_rh" type: "Softmax" bottom: "conv8_313_rh" top: "class8_313_rh" }
%s
layer { name: "class8_ab" type: "Convolution" bottom: "class8_313_rh" top: "class8_ab"
  convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }
"""
SECOND_READER = 'layer { name: "look" type: "Silence" bottom: "class8_313_rh" }'


def drawn_weights(network: Network, seed: int = 0) -> CaffeModel:
    """Weights of the shapes that the network wants: of ordinary size, variances and factors positive."""
    rng = np.random.default_rng(seed)
    layers = []
    for layer, shapes in network.blob_shapes:
        if layer.name in (SCALE_LAYER, CENTRES_LAYER):
            continue
        fan_in = float(np.prod(shapes[0][1:])) if layer.type != "Scale" else 1.0
        blobs = [rng.normal(0, 1.5 / np.sqrt(fan_in), shape) for shape in shapes]
        if layer.type == "BatchNorm":
            blobs = [rng.normal(0, 500, shapes[0]), rng.uniform(200, 900, shapes[1]), np.array([100.0])]
        layers.append(BlobLayer(layer.name, layer.type, tuple(Blob(b.shape, b.astype(np.float32)) for b in blobs)))
    return CaffeModel(network.name, tuple(layers))


def expected_ab(network: Network, weights: CaffeModel, lightness: npt.NDArray[np.float32], colors: Colors) -> Any:
    injected = {
        SCALE_LAYER: [np.full(313, 1 / colors.temperature)],
        CENTRES_LAYER: [np.asarray(colors.centres, np.float64).T.reshape(2, 313, 1, 1)],
    }
    planes = lightness.astype(np.float64)
    return np.stack([reference_maps(network, weights, plane, injected)["class8_ab"] for plane in planes])


def network_of(layers: str, side: int = 8) -> Network:
    """A network from the text of its layers, behind an input `data_l`."""
    shape = f"shape {{ dim: 1 dim: 1 dim: {side} dim: {side} }}"
    lead = f'layer {{ name: "data_l" type: "Input" top: "data_l" input_param {{ {shape} }} }}'
    return network_from_message(parse(f"{lead} {layers}"))


@st.composite
def one_layer_networks(draw: st.DrawFn) -> Network:
    """Two channels in, two out, by a convolution or deconvolution of any geometry."""
    transposed = draw(st.booleans())
    geometry = {
        name: draw(st.integers(low, high))
        for name, low, high in (
            ("kernel_h", 1, 5),
            ("kernel_w", 1, 5),
            ("stride_h", 1, 3),
            ("stride_w", 1, 3),
            ("pad_h", 0, 2),
            ("pad_w", 0, 2),
            ("dilation", 1, 2),
            ("group", 1, 2),
        )
    }
    fields = " ".join(f"{name}: {value}" for name, value in geometry.items())
    kind = "Deconvolution" if transposed else "Convolution"
    bias = str(draw(st.booleans())).lower()
    return network_of(
        f"""layer {{ name: "pair" type: "Concat" bottom: "data_l" bottom: "data_l" top: "pair" }}
        layer {{ name: "tested" type: "{kind}" bottom: "pair" top: "class8_ab"
          convolution_param {{ num_output: 2 bias_term: {bias} {fields} }} }}""",
        64,
    )


every_odd_layer = pytest.mark.parametrize(
    ("layer", "said"),
    [
        ('type: "AbsVal"', "is of type 'AbsVal'"),
        ('type: "Pooling" pooling_param { kernel_size: 1 }', "is of type 'Pooling'"),
        ('type: "Eltwise" bottom: "data_l" eltwise_param { operation: MAX }', "is an Eltwise that is no plain sum"),
        ('type: "Eltwise" bottom: "data_l" eltwise_param { coeff: 1 coeff: -1 }', "is an Eltwise that is no plain sum"),
        ('type: "Softmax" softmax_param { axis: 2 }', "is a Softmax along another axis"),
    ],
)
"""A layer that no form but Caffe's has, and what a conversion says of it."""
