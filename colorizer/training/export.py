"""From trained weights to the files that everything else takes: ONNX and a descriptor; for `lite` its pair of Caffe.

The written network is run and compared with PyTorch before it takes its place: what is exported answers as what was
trained.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from colorizer.caffe.caffemodel import write_caffemodel
from colorizer.caffe.prototxt import dumps
from colorizer.engines import EngineRequest, open_runtime
from colorizer.errors import MissingExtraError, TrainingError
from colorizer.io.atomic import write_atomically
from colorizer.networks.base import ColorNetwork, NetworkInput
from colorizer.networks.described.answer import chroma_of
from colorizer.networks.described.forms import DescribedForms
from colorizer.networks.described.network import DescribedNetwork
from colorizer.networks.described.trial import ramp
from colorizer.networks.descriptor.model import SUFFIX
from colorizer.networks.resolve import resolve_model
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS
from colorizer.networks.zhang.network import open_zhang
from colorizer.training.catalog import LITE, Trainable
from colorizer.training.contract import INPUT_TENSOR, OUTPUT_TENSORS
from colorizer.training.data.samples import seen_of
from colorizer.training.lite.caffe_graph import lite_graph
from colorizer.training.lite.network import Lite

OPSET = 18

LARGEST_DIFFERENCE = 0.05
"""Lab units by which the exported network may differ from the trained one, in float32; the mean is far below."""

_TRIED_AT = 8
"""Steps of pixels at which a network of any size is exported and compared."""


def export(network: nn.Module, which: Trainable, size: int, folder: Path) -> Path:
    """Write a trained network into a folder that `model` takes.

    Parameters
    ----------
    network
        With its trained weights, on the CPU.
    which
        Which one it is.
    size
        Side in pixels that it was trained at.
    folder
        Exists.

    Returns
    -------
    Path
        The file with the weights.

    Raises
    ------
    TrainingError
        The written network answers otherwise than the trained one.
    MissingExtraError
        A package that writes ONNX is not installed.
    OutputError
        A file cannot be written.
    """
    network.eval()
    with tempfile.TemporaryDirectory(prefix="colorize-export-") as work:
        made = _caffe(network, Path(work)) if isinstance(network, Lite) else _onnx(network, which, size, Path(work))
        _compare(network, which, size, Path(work))
        for path in made:
            write_atomically(folder / path.name, path.read_bytes())
    return folder / made[0].name


def check_installed() -> None:
    """Refuse what would fail only when all is trained.

    Raises
    ------
    MissingExtraError
        A package that writes ONNX is not installed.
    """
    for package in ("onnx", "onnxscript"):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingExtraError("writing a trained network", package, "train") from error


def _onnx(network: nn.Module, which: Trainable, size: int, folder: Path) -> list[Path]:
    tall, wide = _tried(which, size)
    path = folder / f"{which.name}.onnx"
    output = OUTPUT_TENSORS[which.contract.gives]
    dim = torch.export.Dim
    shapes: dict[int, object] = {0: dim("pictures", min=1, max=1024)}
    if which.fixed is None:
        most = 8192 // which.step
        shapes |= {2: which.step * dim("rows", min=1, max=most), 3: which.step * dim("columns", min=1, max=most)}
    with _quietly():
        torch.onnx.export(
            network,
            (torch.zeros(2, 1, tall, wide),),
            path,
            input_names=[INPUT_TENSOR],
            output_names=[output],
            dynamic_shapes=(shapes,),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    fields = which.size_field if which.fixed is not None else {"default": size, "step": which.step}
    descriptor = which.contract.descriptor(fields, f"{which.name}, trained by colorize")
    beside = folder / f"{which.name}{SUFFIX}"
    beside.write_text(json.dumps(descriptor, indent=2) + "\n", encoding="utf-8")
    return [path, beside]


def _caffe(network: Lite, folder: Path) -> list[Path]:
    graph = lite_graph(network.parameters_by_name(), network.block_strides)
    prototxt, caffemodel = folder / f"{LITE}.prototxt", folder / f"{LITE}.caffemodel"
    prototxt.write_text(dumps(graph.prototxt), encoding="ascii", newline="\n")
    write_caffemodel(caffemodel, LITE, graph.layers)
    return [caffemodel, prototxt]


def _compare(network: nn.Module, which: Trainable, size: int, folder: Path) -> None:
    tall, wide = _tried(which, size)
    light = ramp(tall, wide)
    with torch.inference_mode():
        if isinstance(network, Lite):
            trained = network.annealed_mean(torch.from_numpy(light - np.float32(MIDDLE_LIGHTNESS)), 1.0).numpy()
        else:
            trained = network(torch.from_numpy(seen_of(light, which.contract))).numpy()
            trained = (trained - which.contract.give_offset) / which.contract.give_scale
            if which.contract.gives == "rgb":
                trained = chroma_of(trained[0])[None]
    answered = _opened(folder).predict(NetworkInput(light)).ab
    apart = float(np.abs(answered - np.clip(trained, -128, 128)).max())
    if not apart <= LARGEST_DIFFERENCE:
        raise TrainingError(
            f"{which.name}: the written network answers otherwise than the trained one, by up to {apart:.3g} Lab "
            "units; please report it"
        )


def _opened(folder: Path) -> ColorNetwork:
    """What was written, in the runtime that its users get; it is our own file, so no child tries it first."""
    model = resolve_model(str(folder))
    request = EngineRequest(precision="fp32", device="cpu", pictures=1)
    if model.descriptor is None:
        return open_zhang(model, temperature=1.0, request=request)
    return DescribedNetwork(open_runtime(DescribedForms(model, model.descriptor), request), model.descriptor)


def _tried(which: Trainable, size: int) -> tuple[int, int]:
    if which.fixed is not None:
        return which.fixed, which.fixed
    # not square, so that a swap of the two would show
    short = min(size, _TRIED_AT * which.step)
    return short, short + which.step


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Within this, PyTorch's exporter keeps to itself what it prints, warns and logs."""
    root = logging.getLogger("torch.onnx")
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
