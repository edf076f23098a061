"""A model as ONNX bytes: converted once, kept by the content of its two files and by the converter's version."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from colorizer.caffe.colors import Colors
from colorizer.caffe.onnx_export import CONVERTER_VERSION, convert, with_colors
from colorizer.engines.cache import cache_folder, content_hash, keep, kept
from colorizer.models import Model

_KEY_DIGITS = 32


def model_key(model: Model) -> str:
    """What a model is, by the content of its files; equal for copies of it under any name.

    Raises
    ------
    WeightsError
        A file cannot be read.
    """
    both = content_hash(model.prototxt) + content_hash(model.caffemodel)
    return hashlib.sha256(both.encode()).hexdigest()[:_KEY_DIGITS]


def onnx_model(model: Model, colors: Colors, *, cut: bool = False) -> bytes:
    """The ONNX model of a network, with temperature and bin centres set; or cut at its logits, which have neither.

    A cut model is not kept: it would double what a large network takes, and is wanted once in a long run.

    Raises
    ------
    WeightsError
        The files are no network of the contract, do not belong together, or have a layer without an equal in ONNX.
    """
    if cut:
        return _convert(model, colors, cut=True)
    path = _path(model_key(model))
    data = kept(path)
    if data is not None:
        with contextlib.suppress(ValueError):
            return with_colors(data, colors)
    data = _convert(model, colors)
    keep(path, data)
    _remove_older(path)
    return data


def _path(key: str) -> Path:
    return cache_folder() / "onnx" / f"{key}.{CONVERTER_VERSION}.onnx"


def _convert(model: Model, colors: Colors, *, cut: bool = False) -> bytes:
    from colorizer.caffe.caffemodel import check_finite, read_caffemodel
    from colorizer.caffe.network import check_contract, check_pair, cut_at_logits, read_network

    network, weights = read_network(model.prototxt), read_caffemodel(model.caffemodel)
    check_contract(network)
    check_pair(network, weights)
    check_finite(weights)
    return convert(cut_at_logits(network) if cut else network, weights, colors)


def _remove_older(path: Path) -> None:
    """Delete what other versions of the converter made of the same model."""
    key = path.name.split(".")[0]
    for other in path.parent.glob(f"{key}.*"):
        if not other.name.startswith(path.name):
            with contextlib.suppress(OSError):
                other.unlink()
