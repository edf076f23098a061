"""A model in the form of another runtime; as ONNX, kept by the content of its files and the converter's version."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from colorizer.caffe.onnx_export import CONVERTER_VERSION, convert, with_mean
from colorizer.io.cache import cache_folder, content_hash, keep, kept
from colorizer.networks.base import Model
from colorizer.networks.zhang.colors import Colors

if TYPE_CHECKING:
    from colorizer.caffe.caffemodel import CaffeModel
    from colorizer.caffe.network import Network

_KEY_DIGITS = 32

_LARGEST_KEPT_CUT = 32 << 20
"""Bytes of weights."""

Form = TypeVar("Form")


def model_key(model: Model) -> str:
    """What a model is, by the content of its files; equal for copies of it under any name.

    Raises
    ------
    WeightsError
        A file cannot be read.
    """
    both = content_hash(model.files["prototxt"]) + content_hash(model.files["caffemodel"])
    return hashlib.sha256(both.encode()).hexdigest()[:_KEY_DIGITS]


def onnx_model(model: Model, colors: Colors, *, cut: bool = False) -> bytes:
    """The ONNX model of a network, with temperature and bin centres set; or cut at its logits, which have neither.

    Of a large network the cut model is not kept: it would double what that takes, and is wanted once in a long run.

    Raises
    ------
    WeightsError
        The files are no network of the contract, do not belong together, or have a layer without an equal in ONNX.
    """
    if cut and model.weights.stat().st_size > _LARGEST_KEPT_CUT:
        return converted(model, colors, convert, cut=True)
    path = _path(model_key(model) + ("-logits" if cut else ""))
    data = kept(path)
    if data is not None and cut:
        return data
    if data is not None:
        with contextlib.suppress(ValueError):
            return with_mean(data, colors)
    data = converted(model, colors, convert, cut=cut)
    keep(path, data)
    _remove_older(path)
    return data


def converted(
    model: Model, colors: Colors, convert: Callable[[Network, CaffeModel, Colors], Form], *, cut: bool = False
) -> Form:
    """A network in another form, made anew; `cut` at its logits where that is wanted.

    Raises
    ------
    WeightsError
        The files are no network of the contract, do not belong together, or have a layer that the form lacks.
    """
    from colorizer.caffe.caffemodel import check_finite, read_caffemodel
    from colorizer.caffe.network import read_network
    from colorizer.networks.zhang.checks import check_contract, check_pair, cut_at_logits

    network, weights = read_network(model.files["prototxt"]), read_caffemodel(model.files["caffemodel"])
    check_contract(network)
    check_pair(network, weights)
    check_finite(weights)
    return convert(cut_at_logits(network) if cut else network, weights, colors)


def _path(key: str) -> Path:
    return cache_folder() / "onnx" / f"{key}.{CONVERTER_VERSION}.onnx"


def _remove_older(path: Path) -> None:
    """Delete what other versions of the converter made of the same model."""
    key = path.name.split(".")[0]
    for other in path.parent.glob(f"{key}.*"):
        if not other.name.startswith(path.name):
            with contextlib.suppress(OSError):
                other.unlink()
