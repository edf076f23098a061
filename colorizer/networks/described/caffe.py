"""Caffe's networks that take hints: ideepcolor (Zhang et al. 2017), whose four channels come packed in one blob.

`data_l_ab_mask` holds L - 50, a and b where they are given, and 110 where they are; `pred_ab` is ab in Lab units.
OpenCV 4 reads the two files itself; elsewhere they are converted. The global variant, which takes a histogram and a
mean saturation, has a layer written in Python and is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorizer.caffe.onnx_export import convert
from colorizer.errors import Remedy, WeightsError, shown
from colorizer.networks.base import Model
from colorizer.networks.descriptor.model import Descriptor
from colorizer.networks.descriptor.reading import parse_descriptor

if TYPE_CHECKING:
    from colorizer.caffe.network import Network

PACKED, OUTPUT = "data_l_ab_mask", "pred_ab"

_GLOBAL = ("glob_ab_313_mask", "s_avg_mask")
"""Inputs of the global variant."""

PACKED_CHANNELS = 4

IDEEPCOLOR: dict[str, Any] = {
    "version": 1,
    "family": "hinted",
    "title": "ideepcolor (Zhang et al. 2017), local hints",
    "inputs": [
        {
            "tensor": PACKED,
            "holds": ["lightness", "hint-a", "hint-b", "hint-mask"],
            "scale": [1, 1, 1, 110],
            "offset": [-50, 0, 0, 0],
        }
    ],
    "output": {"tensor": OUTPUT, "holds": "ab"},
    "size": {"default": 256, "step": 8},
    "licence": {"code": "MIT", "weights": "MIT"},
}
"""Its descriptor."""


def hinted_descriptor(prototxt: Path) -> Descriptor | None:
    """The descriptor of a network with packed hints; None for a prototxt of another network.

    Raises
    ------
    WeightsError
        It is ideepcolor's global variant, or one without chroma; or cannot be read.
    """
    from colorizer.caffe.network import read_network

    network = read_network(prototxt)
    if _inputs(network, prototxt) != [PACKED]:
        return None
    if not any(OUTPUT in layer.tops for layer in network.layers):
        raise WeightsError(
            f"{shown(prototxt)}: one of ideepcolor's prototxts that give classes and no chroma ({OUTPUT})",
            remedy="take deploy_nodist.prototxt",
        )
    shape = network.inputs[0].shape
    if len(shape) != len("NCHW") or shape[1] != PACKED_CHANNELS:
        raise WeightsError(
            f"{shown(prototxt)}: its input {PACKED} is of shape {shape}, not of {PACKED_CHANNELS} channels"
        )
    return parse_descriptor({**IDEEPCOLOR, "size": {"default": 256, "step": network.stride}}, shown(prototxt))


def check_wiring(prototxt: Path, descriptor: Descriptor) -> None:
    """Refuse a prototxt that a descriptor does not fit.

    Raises
    ------
    WeightsError
        It takes other inputs, or is ideepcolor's global variant; or cannot be read.
    """
    from colorizer.caffe.network import read_network

    takes, fed = _inputs(read_network(prototxt), prototxt), [each.tensor for each in descriptor.inputs]
    if takes != fed:
        names = [", ".join(map(shown, each)) or "none" for each in (takes, fed)]
        raise WeightsError(
            f"{shown(prototxt)}: its inputs are {names[0]}, and its descriptor feeds {names[1]}", remedy=Remedy.DESCRIBE
        )
    maker_of(prototxt, descriptor.output.tensor)


def _inputs(network: Network, prototxt: Path) -> list[str]:
    names = [each.name for each in network.inputs]
    if any(name in _GLOBAL for name in names):
        raise WeightsError(
            f"{shown(prototxt)}: ideepcolor's global variant, whose hints are a histogram and a saturation; it has a "
            "layer written in Python (SpatialRepLayer) that runs in Caffe alone",
            remedy="take the local variant (deploy_nodist.prototxt and model.caffemodel)",
        )
    return names


def maker_of(prototxt: Path, blob: str) -> str:
    """The name of the layer that writes a blob last.

    Raises
    ------
    WeightsError
        There is none.
    """
    from colorizer.caffe.network import read_network

    makers = [layer.name for layer in read_network(prototxt).layers if blob in layer.tops]
    if not makers:
        raise WeightsError(f"{shown(prototxt)}: nothing makes {blob}")
    return makers[-1]


def check_pair(prototxt: Path, caffemodel: Path) -> int:
    """Refuse files that do not belong together; the network's stride in pixels.

    Raises
    ------
    WeightsError
        With what differs.
    """
    from colorizer.caffe.caffemodel import check_finite, read_caffemodel
    from colorizer.caffe.network import check_weights, read_network

    network, weights = read_network(prototxt), read_caffemodel(caffemodel)
    check_weights(network, weights)
    check_finite(weights)
    return network.stride


def converted(model: Model, descriptor: Descriptor) -> bytes:
    """The network as ONNX.

    Raises
    ------
    WeightsError
        The files do not belong together, or a layer has no equal in ONNX.
    """
    from colorizer.caffe.caffemodel import read_caffemodel
    from colorizer.caffe.network import read_network

    check_pair(model.files["prototxt"], model.files["caffemodel"])
    network = _up_to(read_network(model.files["prototxt"]), descriptor.output.tensor)
    return convert(network, read_caffemodel(model.files["caffemodel"]))


def _up_to(network: Network, blob: str) -> Network:
    last = max(place for place, layer in enumerate(network.layers) if blob in layer.tops)
    return replace(network, layers=network.layers[: last + 1])
