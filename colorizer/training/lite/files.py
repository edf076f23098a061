"""Files that hold `lite`: checkpoints of PyTorch, and the pair of Caffe files that ships and that training writes."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from colorizer.caffe.caffemodel import CaffeModel, read_caffemodel
from colorizer.errors import WeightsError, shown
from colorizer.networks import resolve_model
from colorizer.networks.zhang.bins import bin_centres
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS
from colorizer.training import checkpoints
from colorizer.training.checkpoints import NAME as RUN
from colorizer.training.lite.caffe_graph import LOGITS, NETWORK_NAME
from colorizer.training.lite.encoder import number_of
from colorizer.training.lite.network import Lite
from colorizer.training.networks.layers import KERAS_NORM_EPSILON

UNUSED_IN_ENCODER = ("encoder._conv_head.", "encoder._bn1.", "encoder._fc.")
"""The classification head, which the first checkpoints have and nothing here uses."""

_PROTOTYPE_NAMES = {
    "e": "encoder",
    "f16": "fuse16",
    "f8": "fuse8",
    "f4": "fuse4",
    "lat": "skip",
    "red": "reduce",
    "c1": "refine1",
    "c2": "refine2",
    "pts": "centres",
}
"""Parts of parameter names in the first checkpoints, and what they are called here."""


def load(source: str | Path) -> Lite:
    """The network in a file, in a folder, or under a name.

    Parameters
    ----------
    source
        The folder of a run; a file of weights that PyTorch saved; a caffemodel or prototxt, or a folder with both; or
        the name of a model, such as `lite`.

    Raises
    ------
    TrainingError, WeightsError
        It cannot be read, or is another network.
    UsageError
        There is no such model.
    """
    path = Path(source)
    if (path / RUN).is_file():
        content = checkpoints.load(path / RUN)
        # one that was stopped before it was measured has no best weights yet
        return network_of(dict(content["best"] or content["objective"].get("averaged", {})), shown(path / RUN))
    if path.is_file() and path.suffix.lower() not in (".caffemodel", ".prototxt"):
        return _of_checkpoint(path)
    model = resolve_model(str(source))
    if set(model.files) != {"prototxt", "caffemodel"}:
        raise WeightsError(f"{shown(model.weights)}: no network like {NETWORK_NAME}")
    return _of_caffe(model.files["caffemodel"])


def mean_of(models: Sequence[str | Path]) -> Lite:
    """The network whose weights are the mean of several models' (Wortsman et al. 2022, model soups).

    Runs that began from the same weights lie in one basin, where the mean of their weights does better than each.

    Raises
    ------
    WeightsError
        As `load`; or the models are networks of different widths.
    """
    networks = [load(model) for model in models]
    states = [network.state_dict() for network in networks]
    for model, state in zip(models, states, strict=True):
        if any(state[name].shape != value.shape for name, value in states[0].items()):
            raise WeightsError(f"{shown(model)}: is wider or narrower than {shown(models[0])}")
    floating = (name for name, value in states[0].items() if value.dtype.is_floating_point)
    means = {name: torch.stack([state[name].double() for state in states]).mean(0).float() for name in floating}
    networks[0].load_state_dict(states[0] | means)
    return networks[0]


def _of_checkpoint(path: Path) -> Lite:
    name = shown(path)
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise WeightsError(f"{name}: no checkpoint of PyTorch, or a truncated one")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{name}: cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise WeightsError(f"{name}: holds code beside weights, or is damaged; nothing of it was run") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{name}: holds something else than weights by name")
    return network_of({_current(key): value for key, value in state.items()}, name)


def network_of(state: dict[str, Tensor], name: str) -> Lite:
    """The network of a state dict; widths and encoder are read from it.

    Raises
    ------
    WeightsError
        It is another network's, or was trained with other bin centres; the message begins with `name`.
    """
    state = {key: value for key, value in state.items() if not key.startswith(UNUSED_IN_ENCODER)}
    ups = [f"fuse{stride}.up" for stride in (16, 8, 4)]
    if absent := [key for key in ups if key not in state]:
        raise WeightsError(f"{name}: no checkpoint of lite (lacks {', '.join(absent)})")
    width16, width8, width4 = (len(state[key]) for key in ups)
    blocks = {key.split(".")[2] for key in state if key.startswith("encoder._blocks.")}
    last = state.get(f"encoder._blocks.{len(blocks) - 1}._project_conv.weight")
    encoder = None if last is None else number_of(len(blocks), len(last))
    if encoder is None:
        raise WeightsError(f"{name}: no checkpoint of lite (an encoder of {len(blocks)} blocks)")
    network = Lite((width16, width8, width4), encoder=encoder)
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes that differ
        raise WeightsError(f"{name}: no checkpoint of lite (weights of other sizes)") from error
    if missing or unexpected:
        what = f"lacks {missing[0]}" if missing else f"has {unexpected[0]} beside"
        raise WeightsError(f"{name}: no checkpoint of lite ({what})")
    if not np.array_equal(network.centres.numpy(), bin_centres()):
        raise WeightsError(f"{name}: was trained with other bin centres than the release's")
    return network.eval()


def _current(name: str) -> str:
    return ".".join(_PROTOTYPE_NAMES.get(part, part) for part in name.split("."))


def _of_caffe(path: Path) -> Lite:
    """The network whose norms were folded into its convolutions: here they are there again, and change nothing."""
    model = read_caffemodel(path)
    widths = [len(_blobs(model, f"fuse{stride}_up", path)[0]) for stride in (16, 8, 4)]
    blocks = sum(layer.name.startswith("enc") and layer.name.endswith("_project") for layer in model.layers)
    encoder = number_of(blocks, len(_blobs(model, f"enc{blocks - 1}_project", path)[0])) if blocks else None
    if encoder is None:
        raise WeightsError(f"{shown(path)}: no network like {NETWORK_NAME} (an encoder of {blocks} blocks)")
    network = Lite((widths[0], widths[1], widths[2]), encoder=encoder)
    state = network.state_dict()
    for layer, convolution, norm, halves in _convolutions(network):
        weight, bias = _blobs(model, layer, path)
        # the kernel was grown for a symmetric padding
        weight = weight[:, :, 1:, 1:] if halves else weight
        weight = weight * MIDDLE_LIGHTNESS if layer == "enc_stem" else weight
        if weight.shape != state[f"{convolution}.weight"].shape:
            raise WeightsError(f"{shown(path)}: no network like {NETWORK_NAME} ({layer} has the shape {weight.shape})")
        state[f"{convolution}.weight"] = torch.from_numpy(np.array(weight, np.float32))
        state[f"{norm}.bias"] = torch.from_numpy(np.array(bias.ravel(), np.float32))
        if norm != convolution:
            eps = KERAS_NORM_EPSILON if norm.startswith("encoder.") else 1e-5
            state[f"{norm}.running_var"] = torch.full_like(state[f"{norm}.running_var"], 1 - eps)
    network.load_state_dict(state)
    return network.eval()


def _convolutions(network: Lite) -> Iterator[tuple[str, str, str, bool]]:
    """Of each: its layer in Caffe, its own name and its norm's, and whether it halves the size."""
    yield "enc_stem", "encoder._conv_stem", "encoder._bn0", True
    for place, block in enumerate(network.encoder._blocks):
        own = f"encoder._blocks.{place}"
        if block._expand_conv is not None:
            yield f"enc{place}_expand", f"{own}._expand_conv", f"{own}._bn0", False
        yield f"enc{place}_depthwise", f"{own}._depthwise_conv", f"{own}._bn1", block.stride == 2
        yield f"enc{place}_project", f"{own}._project_conv", f"{own}._bn2", False
    for fuse in ("fuse16", "fuse8", "fuse4"):
        for part in ("reduce", "skip"):
            yield f"{fuse}_{part}", f"{fuse}.{part}.0", f"{fuse}.{part}.1", False
        for step in ("refine1", "refine2"):
            yield f"{fuse}_{step}_depthwise", f"{fuse}.{step}.0.0", f"{fuse}.{step}.0.1", False
            yield f"{fuse}_{step}_pointwise", f"{fuse}.{step}.1.0", f"{fuse}.{step}.1.1", False
    yield LOGITS, "logits", "logits", False


def _blobs(model: CaffeModel, layer: str, path: Path) -> list[np.ndarray]:
    found = model.layer(layer)
    if found is None:
        raise WeightsError(f"{shown(path)}: no network like {NETWORK_NAME} (lacks the layer {layer})")
    return [np.asarray(blob.data, np.float32).reshape(blob.shape) for blob in found.blobs]
