"""An independent execution of a network of the contract: float64, NumPy alone, each layer as Caffe defines it.

The oracle of the engines' tests. It shares the readers of the two files with the product and nothing else: convolutions
are sums over the kernel's taps, each a matrix product, so that no runtime's tricks (Winograd, fusion, blocking) recur.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.caffe.caffemodel import CaffeModel, read_caffemodel
from colorizer.caffe.layers import Layer
from colorizer.caffe.network import Network, read_network

Map = npt.NDArray[np.float64]  # (C, H, W)

RELEASE_TEMPERATURE = 1 / 2.606
CAFFE_EPS = 1e-5  # BatchNormParameter's default


def reference_ab(
    prototxt: Path,
    caffemodel: Path,
    lightness: npt.NDArray[np.floating[Any]],
    temperature: float = RELEASE_TEMPERATURE,
    centres: npt.NDArray[np.number[Any]] | None = None,
) -> npt.NDArray[np.float64]:
    """The annealed mean, (N, 2, H/4, W/4) in ab units, of (N, 1, H, W) lightness minus 50.

    `centres` are the (313, 2) bin centres; those of the release by default.
    """
    planes = np.asarray(lightness, np.float64)
    return np.stack([_run(prototxt, caffemodel, plane, temperature, centres)["class8_ab"] for plane in planes])


def reference_logits(
    prototxt: Path, caffemodel: Path, lightness: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """What goes into the scale by 1/T: (N, 313, H/4, W/4), of (N, 1, H, W) lightness minus 50."""
    return np.stack(
        [_run(prototxt, caffemodel, plane, 1.0, None)["conv8_313"] for plane in np.asarray(lightness, np.float64)]
    )


def reference_maps(network: Network, model: CaffeModel, plane: Map, injected: dict[str, list[Map]]) -> dict[str, Map]:
    """Every blob of the network, by name, for one (1, H, W) plane; in place results replace what they overwrite."""
    maps = {network.inputs[0].name: plane}
    for layer in network.layers:
        if layer.type == "Silence":
            continue
        stored = model.layer(layer.name)
        blobs = injected.get(layer.name) or [np.asarray(b.data, np.float64) for b in (stored.blobs if stored else ())]
        result = _layer(layer, [maps[bottom] for bottom in layer.bottoms], blobs)
        maps.update((top, result) for top in layer.tops)
    return maps


def bin_centres() -> npt.NDArray[np.float64]:
    """The (313, 2) bin centres, from the ranges of b that the release's table holds for a = -90, -80, .. 100."""
    first = (50, 20, 0, -20, -30, -40, -50, -50, -60, -70, -80, -80, -90, -100, -100, -110, -110, -110, -110, -90)
    last = (90, 90, 90, 90, 100, 100, 100, 100, 100, 100, 90, 90, 90, 90, 80, 80, 80, 70, 70, 0)
    ranges = zip(range(-90, 101, 10), first, last, strict=True)
    return np.array([(a, b) for a, low, high in ranges for b in range(low, high + 1, 10)], np.float64)


def _run(
    prototxt: Path, caffemodel: Path, plane: Map, temperature: float, centres: npt.NDArray[np.number[Any]] | None
) -> dict[str, Map]:
    colors = bin_centres() if centres is None else np.asarray(centres, np.float64)
    injected = {
        "conv8_313_rh": [np.full(len(colors), 1 / temperature)],
        "class8_ab": [colors.T.reshape(2, len(colors), 1, 1)],
    }
    return reference_maps(read_network(prototxt), read_caffemodel(caffemodel), plane, injected)


def _layer(layer: Layer, bottoms: list[Map], blobs: list[Map]) -> Map:
    x = bottoms[0]
    if layer.type == "Convolution":
        return _convolution(layer, x, blobs)
    if layer.type == "Deconvolution":
        return _deconvolution(layer, x, blobs)
    if layer.type == "ReLU":
        return np.maximum(x, 0) + layer.params.number("negative_slope", 0) * np.minimum(x, 0)
    if layer.type == "ReLU6":
        return np.clip(x, 0, 6)
    if layer.type == "BatchNorm":
        mean, variance, factor = (blob.reshape(-1) for blob in blobs)
        scale = 0.0 if factor[0] == 0 else 1 / factor[0]
        eps = layer.params.number("eps", CAFFE_EPS)
        return (x - _per_channel(mean * scale)) / np.sqrt(_per_channel(variance * scale) + eps)
    if layer.type == "Scale":
        shift = _per_channel(blobs[1]) if len(blobs) > 1 else 0.0
        return np.asarray(x * _per_channel(blobs[0]) + shift)
    if layer.type == "Eltwise":
        assert layer.params.word("operation", "SUM") in ("SUM", "1")
        return np.asarray(sum(bottoms))
    if layer.type == "Concat":
        return np.concatenate(bottoms)
    if layer.type in ("Split", "Dropout"):
        return x
    assert layer.type == "Softmax", layer.type
    powers = np.exp(x - x.max(0))
    return np.asarray(powers / powers.sum(0))


def _per_channel(values: Map) -> Map:
    return values.reshape(-1, 1, 1)


def _convolution(layer: Layer, x: Map, blobs: list[Map]) -> Map:
    p, w, g = layer.convolution, layer.convolution.window, layer.convolution.group
    channels, height, width = x.shape
    padded = np.pad(x, ((0, 0), (w.pad[0],) * 2, (w.pad[1],) * 2)).reshape(g, channels // g, -1, width + 2 * w.pad[1])
    rows = (height + 2 * w.pad[0] - w.extent[0]) // w.stride[0] + 1
    columns = (width + 2 * w.pad[1] - w.extent[1]) // w.stride[1] + 1
    kernels = blobs[0].reshape(g, p.outputs // g, channels // g, *w.kernel)
    out = np.zeros((g, p.outputs // g, rows * columns))
    for i in range(w.kernel[0]):
        for j in range(w.kernel[1]):
            top, left = i * w.dilation[0], j * w.dilation[1]
            seen = padded[:, :, top : top + (rows - 1) * w.stride[0] + 1 : w.stride[0]]
            seen = seen[..., left : left + (columns - 1) * w.stride[1] + 1 : w.stride[1]]
            out += _tap(kernels[..., i, j], seen.reshape(g, channels // g, -1))
    return _biased(out.reshape(p.outputs, rows, columns), blobs)


def _deconvolution(layer: Layer, x: Map, blobs: list[Map]) -> Map:
    p, w, g = layer.convolution, layer.convolution.window, layer.convolution.group
    channels, height, width = x.shape
    full = np.zeros((p.outputs, (height - 1) * w.stride[0] + w.extent[0], (width - 1) * w.stride[1] + w.extent[1]))
    kernels = blobs[0].reshape(g, channels // g, p.outputs // g, *w.kernel).swapaxes(1, 2)
    flat = x.reshape(g, channels // g, -1)
    for i in range(w.kernel[0]):
        for j in range(w.kernel[1]):
            top, left = i * w.dilation[0], j * w.dilation[1]
            spread = full[:, top : top + (height - 1) * w.stride[0] + 1 : w.stride[0]]
            spread = spread[..., left : left + (width - 1) * w.stride[1] + 1 : w.stride[1]]
            spread += _tap(kernels[..., i, j], flat).reshape(p.outputs, height, width)
    inner = full[:, w.pad[0] : full.shape[1] - w.pad[0], w.pad[1] : full.shape[2] - w.pad[1]]
    return _biased(inner, blobs)


def _tap(kernels: Map, seen: Map) -> Map:
    """(groups, out, in) by (groups, in, pixels); one channel a group is a plain product, which BLAS would do slowly."""
    if kernels.shape[1:] == (1, 1):
        return np.asarray(kernels[:, :, :1] * seen)
    return np.asarray(np.ascontiguousarray(kernels) @ seen)


def _biased(x: Map, blobs: list[Map]) -> Map:
    return x + _per_channel(blobs[1]) if len(blobs) > 1 else x
