"""Caffe's two files put together by hand, byte by byte, to test the readers without their own writer."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

# a network of the contract with as few weights as it can have: 1 -> 2 -> 2 channels, stride 8, back to 4
TINY_PROTOTXT = """
name: "Tiny"
layer { name: "data_l" type: "Input" top: "data_l" input_param { shape { dim: 1 dim: 1 dim: 32 dim: 32 } } }
layer { name: "conv1" type: "Convolution" bottom: "data_l" top: "conv1"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv1norm" type: "BatchNorm" bottom: "conv1" top: "conv1norm" }
layer { name: "conv2" type: "Convolution" bottom: "conv1norm" top: "conv2"
  convolution_param { num_output: 2 kernel_size: 4 pad: 1 stride: 4 group: 2 bias_term: false } }
layer { name: "up" type: "Deconvolution" bottom: "conv2" top: "up"
  convolution_param { num_output: 2 kernel_size: 4 pad: 1 stride: 2 } }
layer { name: "conv8_313" type: "Convolution" bottom: "up" top: "conv8_313"
  convolution_param { num_output: 313 kernel_size: 1 } }
layer { name: "conv8_313_rh" type: "Scale" bottom: "conv8_313" top: "conv8_313_rh" scale_param { bias_term: false } }
layer { name: "class8_313_rh" type: "Softmax" bottom: "conv8_313_rh" top: "class8_313_rh" }
layer { name: "class8_ab" type: "Convolution" bottom: "class8_313_rh" top: "class8_ab"
  convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }
"""

_NORM = 'layer { name: "conv1norm" type: "BatchNorm" bottom: "conv1" top: "conv1norm" }\n'
TINY_WITHOUT_NORM = TINY_PROTOTXT.replace(_NORM, "").replace("conv1norm", "conv1")

TINY_SHAPES: dict[str, tuple[str, int, list[tuple[int, ...]]]] = {
    "conv1": ("Convolution", 4, [(2, 1, 3, 3), (2,)]),
    "conv1norm": ("BatchNorm", 0, [(2,), (2,), (1,)]),
    "conv2": ("Convolution", 4, [(2, 1, 4, 4)]),
    "up": ("Deconvolution", 39, [(2, 2, 4, 4), (2,)]),
    "conv8_313": ("Convolution", 4, [(313, 2, 1, 1), (313,)]),
}
"""Per layer: type, number in the enum of the old format, shapes of the blobs."""

Floats = npt.NDArray[np.float32]


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field * 8) + varint(value)


def sized(field: int, payload: bytes | str) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    return varint(field * 8 + 2) + varint(len(data)) + data


def new_shape(*dims: int) -> bytes:
    return sized(7, sized(1, b"".join(map(varint, dims))))


def old_shape(*dims: int) -> bytes:
    """num, channels, height, width: always four."""
    four = (1,) * (4 - len(dims)) + dims
    return b"".join(number(i + 1, dim) for i, dim in enumerate(four))


def packed(values: Floats) -> bytes:
    return sized(5, struct.pack(f"<{values.size}f", *values.flat))


def unpacked(values: Floats) -> bytes:
    return b"".join(varint(5 * 8 + 5) + struct.pack("<f", value) for value in values.flat)


def doubles(values: Floats) -> bytes:
    return sized(8, struct.pack(f"<{values.size}d", *values.flat))


def unpacked_doubles(values: Floats) -> bytes:
    return b"".join(varint(8 * 8 + 1) + struct.pack("<d", value) for value in values.flat)


def halves(values: Floats) -> bytes:
    return number(10, 2) + sized(12, struct.pack(f"<{values.size}e", *values.flat))


def raw_singles(values: Floats) -> bytes:
    return number(10, 1) + sized(12, struct.pack(f"<{values.size}f", *values.flat))


def layer(name: str, kind: str, *blobs: bytes) -> bytes:
    wiring = sized(3, "a bottom") + sized(4, "a top")
    return sized(100, sized(1, name) + sized(2, kind) + wiring + b"".join(sized(7, blob) for blob in blobs))


def v1_layer(name: str, kind: int, *blobs: bytes) -> bytes:
    wiring = sized(2, "a bottom") + sized(3, "a top")
    return sized(2, wiring + sized(4, name) + number(5, kind) + b"".join(sized(6, blob) for blob in blobs))


def tiny_weights(seed: int = 0) -> dict[str, list[Floats]]:
    """Weights for TINY_PROTOTXT; variances and factors of a BatchNorm are positive."""
    rng = np.random.default_rng(seed)
    return {
        name: [rng.uniform(0.1, 1, shape).astype(np.float32) for shape in shapes]
        for name, (_, _, shapes) in TINY_SHAPES.items()
    }


def tiny_caffemodel(weights: dict[str, list[Floats]]) -> bytes:
    layers = [
        layer(name, TINY_SHAPES[name][0], *(new_shape(*blob.shape) + packed(blob) for blob in blobs))
        for name, blobs in weights.items()
    ]
    return sized(1, "Tiny") + b"".join(layers)
