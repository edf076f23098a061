"""ideepcolor (Zhang et al. 2017), local hints, as Caffe's two files: four packed channels in, ab in Lab units out.

siggraph17's layers (`zhang.py`) in Caffe's words: lightness and hints have a first convolution each, which are summed;
sides are halved by a 1x1 convolution of each channel, with a stride; BatchNorm has no scale of its own. Kinds and
numbers of layers (31 convolutions, 3 deconvolutions, 9 norms) and the names of the blobs were read in the authors'
`deploy_nodist.prototxt`; sizes are those of ports of it, and other names are made up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from colorizer.caffe.caffemodel import Blob, BlobLayer, write_caffemodel
from colorizer.caffe.layers import Layer, Shape
from colorizer.caffe.network import network_from_message
from colorizer.caffe.prototxt import Message, Value, dumps
from graphs.zhang import BLOCKS, DILATED, HALVED, Blocks

SIDE = 256
INPUT, OUTPUT = "data_l_ab_mask", "pred_ab"
TANH_SCALE = 100.0
_FED = (("bw", "data_l"), ("ab", "data_ab_mask"))
FIRST_GAIN = 1 / 50  # of the layers that see Lab units


def prototxt(blocks: Blocks = BLOCKS) -> Message:
    """The network's wiring."""
    wiring = _Wiring()
    wiring.add("Input", INPUT, [], input_param=Message.of(shape=Message.of(dim=[1, 4, SIDE, SIDE])))
    wiring.layers.append(
        Message.of(
            name="slice",
            type="Slice",
            bottom=INPUT,
            top=["data_l", "data_ab_mask"],
            slice_param=Message.of(axis=1, slice_point=1),
        )
    )
    first = [wiring.conv(f"{what}_conv1_1", data, blocks[0][0]) for what, data in _FED]
    value = wiring.relu(wiring.add("Eltwise", "conv1_1", first))
    found = []
    for place, (out, count) in enumerate(blocks):
        block = place + 1
        if 0 < place <= HALVED:
            value = wiring.halved(f"{value}_ss", value, blocks[place - 1][0])
        for step in range(2 if place == 0 else 1, count + 1):
            value = wiring.relu(wiring.conv(f"conv{block}_{step}", value, out, dilation=2 if place in DILATED else 1))
        value = wiring.norm(value)
        found.append(value)
    for block, shortcut, like, count in ((8, 3, 3, 3), (9, 2, 2, 2), (10, 1, 2, 2)):
        out = blocks[like - 1][0]
        raised = wiring.raised(f"conv{block}_1", value, out)
        beside = wiring.conv(f"conv{shortcut}_short", found[shortcut - 1], out)
        value = wiring.relu(wiring.add("Eltwise", f"conv{block}_1_comb", [raised, beside]))
        for step in range(2, count + 1):
            slope = 0.2 if block == 10 else 0.0
            value = wiring.relu(wiring.conv(f"conv{block}_{step}", value, out), slope)
        value = value if block == 10 else wiring.norm(value)
    value = wiring.conv("conv10_ab", value, 2, kernel=1)
    value = wiring.add("TanH", "conv10_tanh", [value])
    wiring.add("Scale", OUTPUT, [value], scale_param=Message.of(bias_term=False))
    return Message.of(name="ideepcolor", layer=list(wiring.layers))


class _Wiring:
    """Layers in the order of the pass. Every method returns the name of the blob that comes out."""

    def __init__(self) -> None:
        self.layers: list[Value] = []

    def add(self, kind: str, name: str, bottoms: list[str], top: str = "", **settings: Value) -> str:
        bottom: list[Value] = list(bottoms)
        self.layers.append(Message.of(name=name, type=kind, bottom=bottom, top=top or name, **settings))
        return top or name

    def conv(self, name: str, bottom: str, out: int, *, kernel: int = 3, dilation: int = 1) -> str:
        settings = Message.of(num_output=out, kernel_size=kernel, pad=kernel // 2 * dilation, dilation=dilation)
        return self.add("Convolution", name, [bottom], convolution_param=settings)

    def halved(self, name: str, bottom: str, channels: int) -> str:
        settings = Message.of(num_output=channels, kernel_size=1, stride=2, group=channels, bias_term=False)
        return self.add("Convolution", name, [bottom], convolution_param=settings)

    def raised(self, name: str, bottom: str, out: int) -> str:
        settings = Message.of(num_output=out, kernel_size=4, stride=2, pad=1)
        return self.add("Deconvolution", name, [bottom], convolution_param=settings)

    def relu(self, blob: str, slope: float = 0.0) -> str:
        settings = {"relu_param": Message.of(negative_slope=slope)} if slope else {}
        return self.add("ReLU", f"{blob}_relu", [blob], top=blob, **settings)

    def norm(self, bottom: str) -> str:
        return self.add("BatchNorm", f"{bottom}norm", [bottom])


def write(target: Path, blocks: Blocks = BLOCKS) -> Path:
    """Both files, the prototxt beside `target`; the caffemodel's path."""
    message = prototxt(blocks)
    target.with_suffix(".prototxt").write_text(dumps(message), encoding="utf-8")
    network = network_from_message(message, target)
    rng = np.random.default_rng(2017)
    layers = [
        BlobLayer(layer.name, layer.type, tuple(_blobs(rng, layer, shapes))) for layer, shapes in network.blob_shapes
    ]
    path = target.with_suffix(".caffemodel")
    write_caffemodel(path, network.name, layers)
    return path


def _blobs(rng: np.random.Generator, layer: Layer, shapes: tuple[Shape, ...]) -> list[Blob]:
    first, *others = shapes
    if layer.type == "BatchNorm":  # mean, variance, and what both are to be divided by
        arrays = [np.zeros(first), np.ones(shapes[1]), np.ones(shapes[2])]
    elif layer.type == "Scale":
        arrays = [np.full(first, TANH_SCALE)]
    elif layer.name.endswith("_ss"):  # every second pixel as it is
        arrays = [np.ones(first)]
    else:
        up = layer.type == "Deconvolution"
        summed = first[0] * first[2] * first[3] // 4 if up else first[1] * first[2] * first[3]
        gain = FIRST_GAIN if layer.name.endswith("conv1_1") else 1.0
        arrays = [gain * summed**-0.5 * rng.standard_normal(first), *(np.zeros(each) for each in others)]
    return [Blob(array.shape, array.astype(np.float32)) for array in arrays]
