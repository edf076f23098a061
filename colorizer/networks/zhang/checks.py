"""Whether two files are a network of this contract: before a runtime sees them, and by what is missing."""

from __future__ import annotations

from dataclasses import replace

from colorizer.caffe.caffemodel import CaffeModel
from colorizer.caffe.layers import quoted
from colorizer.caffe.network import Network, check_weights, named, naming
from colorizer.errors import WeightsError
from colorizer.networks.zhang.contract import (
    BIN_COUNT,
    CENTRES_LAYER,
    INPUT_BLOB,
    OUTPUT_BLOB,
    OUTPUT_STRIDE,
    RELEASE_PROTOTXT,
    SCALE_LAYER,
)

_EARLY_SCALE = "Trecip"


def check_contract(network: Network) -> None:
    """Refuse a network that is not one from lightness to chroma by way of 313 classes.

    Raises
    ------
    WeightsError
        The message says what is missing, and tells the prototxt of another network apart from a damaged one.
    """
    with naming(network):
        _check_input(network)
        scale, centres = network.layer(SCALE_LAYER), network.layer(CENTRES_LAYER)
        for name, layer in ((SCALE_LAYER, scale), (CENTRES_LAYER, centres)):
            if layer is None:
                raise _another(network, f"it has no layer {quoted(name)}")
        if scale is None or centres is None or scale.type != "Scale" or scale.params.flag("bias_term"):
            raise _another(network, f"its layer {quoted(SCALE_LAYER)} is no Scale without bias")
        softmax = next((layer for layer in network.layers if layer.tops == centres.bottoms), None)
        if softmax is None or softmax.type != "Softmax" or softmax.bottoms != scale.tops:
            raise _another(network, f"there is no Softmax between {quoted(SCALE_LAYER)} and {quoted(CENTRES_LAYER)}")
        if centres.type != "Convolution" or centres.tops != (OUTPUT_BLOB,):
            raise _another(network, f"its layer {quoted(CENTRES_LAYER)} is no Convolution that makes {OUTPUT_BLOB!r}")
        if centres.convolution.window.kernel != (1, 1) or centres.convolution.group != 1:
            raise _another(network, f"its layer {quoted(CENTRES_LAYER)} is no plain 1x1 convolution")
        if any(OUTPUT_BLOB in layer.bottoms and layer.type != "Silence" for layer in network.layers):
            raise _another(network, f"{quoted(OUTPUT_BLOB)} is not its output")
        height, width = network.probe_size()
        shapes = network.shapes(height, width)
        classes = shapes[scale.tops[0]][0]
        if classes != BIN_COUNT:
            raise _another(network, f"it has {classes} classes, not {BIN_COUNT}")
        if shapes[OUTPUT_BLOB] != (2, height // OUTPUT_STRIDE, width // OUTPUT_STRIDE):
            output = f"its output for {height}x{width} is {shapes[OUTPUT_BLOB]}"
            raise _another(network, f"{output}, not a and b at a quarter of the size")


def cut_at_logits(network: Network) -> Network:
    """A network of the contract without its end: its output are the logits, before they are scaled by 1/T.

    Raises
    ------
    WeightsError
        There is no layer that scales the logits, or nothing before it makes them.
    """
    names = [layer.name for layer in network.layers]
    scale = network.layer(SCALE_LAYER)
    before = network.layers[: names.index(SCALE_LAYER)] if scale else ()
    makers = [place for place, layer in enumerate(before) if scale and scale.bottoms[0] in layer.tops]
    if not makers:
        raise _another(network, f"nothing makes the logits that {quoted(SCALE_LAYER)} scales")
    return replace(network, layers=before[: makers[-1] + 1])


def check_pair(network: Network, model: CaffeModel) -> None:
    """Refuse weights that do not belong to the prototxt; what they hold of the layers that we set does not matter.

    Raises
    ------
    WeightsError
        The message names the first layer that differs, and how.
    """
    check_weights(network, model, injected=(SCALE_LAYER, CENTRES_LAYER))


def _check_input(network: Network) -> None:
    names = [entry.name for entry in network.inputs]
    if INPUT_BLOB in names and _EARLY_SCALE in {*names, *(top for layer in network.layers for top in layer.tops)}:
        raise WeightsError(
            f"{named(network.path)} is a prototxt of the 2016 release's first versions (v0, v1), which take 1/T as a "
            f"second input {_EARLY_SCALE!r}; use {RELEASE_PROTOTXT} with the weights of v2"
        )
    if names != [INPUT_BLOB]:
        listed = " and ".join(quoted(name) for name in names[:4]) if names else "none, as in training"
        raise _another(network, f"its input is {listed}, not {quoted(INPUT_BLOB)} alone")
    shape = network.inputs[0].shape
    if len(shape) != 4 or shape[1] != 1 or min(shape) < 1:
        raise _another(network, f"its input is of shape {shape}, not one channel of lightness")


def _another(network: Network, why: str) -> WeightsError:
    return WeightsError(
        f"{named(network.path)} is the prototxt of another network: {why}; give the prototxt that belongs to the "
        f"weights ({RELEASE_PROTOTXT} for the 2016 release)"
    )
