"""Weights that others have trained on ImageNet, for encoders that stay frozen: from a file, or from timm by network.

Nothing is fetched unless a user asks for it by the word "timm".
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from colorizer.errors import MissingExtraError, TrainingError, shown
from colorizer.training.lite.encoder import renamed

FROM_TIMM = "timm"
"""What users write to have weights fetched."""

TIMM_NAMES = {
    "xception": "legacy_xception",
    "inception-resnet-v2": "inception_resnet_v2",
    "efficientnet-lite": "tf_efficientnet_lite",
}
"""By encoder, its name in timm; of the last one a number follows."""

_HEADS = ("fc.", "head.", "last_linear.")
"""Of a classifier that is of no use here; Inception-ResNet-v2's, `classif`, is."""


def fill(encoder: nn.Module, kind: str, source: str, number: str = "") -> None:
    """Give an encoder its weights.

    Parameters
    ----------
    encoder
        What is filled.
    kind
        Which one it is, as the catalogue calls it.
    source
        A file (safetensors, or what `torch.save` wrote and loads without code), or "timm".
    number
        In its family, where it has one.

    Raises
    ------
    TrainingError
        The file cannot be read, or holds other weights; or they cannot be fetched.
    MissingExtraError
        The package that reads or fetches them is not installed.
    """
    in_timm = TIMM_NAMES[kind] + number
    state = _fetched(in_timm) if source == FROM_TIMM else read_weights(Path(source))
    name = f"timm's {in_timm}" if source == FROM_TIMM else shown(source)
    translate: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = renamed if kind == "efficientnet-lite" else dict
    own = encoder.state_dict()
    given = {key: value for key, value in translate(state).items() if not key.startswith(_HEADS)}
    # how many batches a norm has met is told by some and used by none
    counted = [key for key in own if key.endswith("num_batches_tracked")]
    given = {**{key: own[key] for key in counted}, **given}
    missing = [key for key in own if key not in given]
    differ = [key for key, value in given.items() if key in own and value.shape != own[key].shape]
    if missing or differ:
        what = f"lacks {len(missing)} of them, such as {missing[0]}" if missing else f"{differ[0]} has another shape"
        raise TrainingError(
            f"{name}: no weights of {kind} ({what})",
            remedy=f"their names have to be those of timm's {in_timm}",
        )
    encoder.load_state_dict({key: given[key] for key in own})


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name.

    Raises
    ------
    TrainingError
        The file cannot be read, or holds something else.
    MissingExtraError
        The package that reads it is not installed.
    """
    name = shown(path)
    if not path.is_file():
        raise TrainingError(f"{name}: no such file", remedy="give a file of weights, .safetensors or .pth")
    if path.suffix.lower() == ".safetensors":
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load_file
        except ImportError as error:
            raise MissingExtraError("a .safetensors file", "safetensors", "train") from error
        try:
            found: dict[str, Tensor] = load_file(path)
        except (SafetensorError, OSError) as error:
            raise TrainingError(f"{name}: damaged or incomplete weights; copy or download it again") from error
        return found
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise TrainingError(f"{name}: no weights that PyTorch saved, or of a PyTorch older than 1.6")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise TrainingError(f"{name}: cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise TrainingError(
            f"{name}: holds code beside weights, or is damaged; nothing of it was run",
            remedy="give a file of weights alone, such as .safetensors",
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise TrainingError(f"{name}: holds something else than weights by name")
    return state


def _fetched(name: str) -> dict[str, Tensor]:
    try:
        import timm
    except ImportError as error:
        raise TrainingError(
            "weights are fetched by the package timm, which is not installed", remedy="install timm, or give a file"
        ) from error
    try:
        state: dict[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # of whatever library timm fetches by
        raise TrainingError(
            f"timm cannot fetch its weights of {name}", remedy="see that there is a network connection, or give a file"
        ) from error
    return state
