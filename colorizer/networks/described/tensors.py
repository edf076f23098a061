"""What the names and shapes of a model's tensors say of it: family, layout and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorizer.engines.onnx_file import OnnxFile, TensorInfo
from colorizer.errors import OptionRef, Remedy, WeightsError, shown
from colorizer.networks.described.files import FEEDABLE
from colorizer.networks.descriptor.rules import RULES

PACKED = "data_l_ab_mask"
"""ideepcolor's input: L - 50, a, b, and 110 where they hold."""

ZHANG_BINS = 313


@dataclass
class Overrides:
    """What the user says of a model."""

    family: str | None = None
    input_range: str | None = None
    output_range: str | None = None
    layout: str | None = None
    size: int | None = None


@dataclass
class Finding:
    """A descriptor, and how each of its fields came about."""

    descriptor: dict[str, Any]
    said: list[str] = field(default_factory=list)


def by_tensors(found: OnnxFile, said: Overrides) -> Finding:
    """Family, layout and size, as far as names and shapes tell.

    Raises
    ------
    WeightsError
        They are of no colouring network, or leave open what it is.
    """
    path = found.path
    output = found.outputs[0] if len(found.outputs) == 1 else _chosen_output(found)
    if output.shape is not None and len(output.shape) != 4:
        raise _no_network(path, f"its output is of shape {_shape(output)}")
    for each in (*found.inputs, output):
        if each.dtype not in FEEDABLE:
            kinds = ", ".join(FEEDABLE)
            raise _no_network(path, f"{shown(each.name)} is of {each.dtype}, and pictures come as {kinds}")
    images = [each for each in found.inputs if each.shape is None or len(each.shape) == 4]
    if not images or len(images) < len(found.inputs):
        raise _no_network(path, f"its inputs are {_listed(found.inputs)}")
    layout = said.layout or _layout(path, images[0], output)
    inputs, family, how = _inputs(path, images, output, layout, said)
    holds = _holds(path, output, layout, family, said)
    family = family or {"ab": "grey-rgb-to-ab", "rgb": "rgb"}[holds]
    descriptor: dict[str, Any] = {
        "version": 1,
        "family": family,
        "inputs": [dict(each) for each in inputs],
        "output": {"tensor": output.name, "holds": holds},
        "size": _size(images[0], layout, family, said),
    }
    if layout == "NHWC":
        for each in (*descriptor["inputs"], descriptor["output"]):
            each["layout"] = layout
    lines = [f"family {family}: {how}", f"layout {layout}", _size_words(descriptor["size"])]
    dtypes = sorted({each.dtype for each in images} - {"float32"})
    return Finding(descriptor, lines + [f"tensors of {', '.join(dtypes)}"] * bool(dtypes))


def _chosen_output(found: OnnxFile) -> TensorInfo:
    usable = [each for each in found.outputs if each.shape is None or len(each.shape) == 4]
    if len(usable) == 1:
        return usable[0]
    raise _no_network(found.path, f"its outputs are {_listed(found.outputs)}")


def _channels(each: TensorInfo, layout: str) -> int | None:
    if each.shape is None or len(each.shape) != 4:
        return None
    return each.shape[1 if layout == "NCHW" else 3]


def _layout(path: Path, first: TensorInfo, output: TensorInfo) -> str:
    few = range(1, 6)
    for each in (first, output):
        possible = [layout for layout in ("NCHW", "NHWC") if _channels(each, layout) in few]
        if len(possible) == 1:
            return possible[0]
    if first.shape is None or all(side is None for side in first.shape[1:]):
        raise unclear(path, "does not say which side of its input holds the channels", OptionRef("layout", "NCHW"))
    return "NCHW"


def _inputs(
    path: Path, images: Sequence[TensorInfo], output: TensorInfo, layout: str, said: Overrides
) -> tuple[list[dict[str, Any]], str | None, str]:
    counts = [_channels(each, layout) for each in images]
    if said.family is not None and len(images) == 1 and said.family in ("ab", "grey-rgb-to-ab", "rgb"):
        holds = "lightness" if said.family == "ab" else "grey-rgb"
        return [{"tensor": images[0].name, "holds": holds}], said.family, "as said"
    if counts == [1]:
        return [{"tensor": images[0].name, "holds": "lightness"}], "ab", "one channel in"
    if counts == [3]:
        return [{"tensor": images[0].name, "holds": "grey-rgb"}], None, "three channels in"
    if counts == [4] and (images[0].name == PACKED or said.family == "hinted"):
        entry = {"tensor": images[0].name, "holds": ["lightness", "hint-a", "hint-b", "hint-mask"]}
        return [{**entry, "scale": [1, 1, 1, 110], "offset": [-50, 0, 0, 0]}], "hinted", "ideepcolor's packed input"
    if sorted(filter(None, counts)) == [1, 1, 2] and len(images) == 3:
        return _three(images, counts), "hinted", "lightness, ab hints and mask in"
    channels = ", ".join("?" if count is None else str(count) for count in counts)
    if None in counts:
        raise unclear(path, "does not say how many channels its input has", OptionRef("family"))
    raise _no_network(path, f"its inputs have {channels} channels, its output {_shape(output)}")


def _three(images: Sequence[TensorInfo], counts: Sequence[int | None]) -> list[dict[str, Any]]:
    ones = [each.name for each, count in zip(images, counts, strict=True) if count == 1]
    masks = [name for name in ones if any(word in name.lower() for word in ("mask", "map"))]
    mask = masks[0] if len(masks) == 1 else ones[-1]
    holds = {name: "hint-mask" if name == mask else "lightness" for name in ones}
    return [{"tensor": each.name, "holds": holds.get(each.name, "hint-ab")} for each in images]


def _holds(path: Path, output: TensorInfo, layout: str, family: str | None, said: Overrides) -> str:
    count = _channels(output, layout)
    if count == ZHANG_BINS:
        raise _no_network(path, "it gives 313 classes; such a network is taken as Caffe's two files")
    usual = {"ab": "ab", "grey-rgb-to-ab": "ab", "rgb": "rgb", "hinted": "ab"}
    if count is None and (said.family or family):
        return usual[str(said.family or family)]
    if count == 2:
        return "ab"
    if count == 3 and family in (None, "rgb"):
        return "rgb"
    if count is None:
        raise unclear(path, "does not say how many channels its output has", OptionRef("family"))
    raise _no_network(path, f"its output is of shape {_shape(output)}")


def _size(first: TensorInfo, layout: str, family: str, said: Overrides) -> dict[str, Any]:
    sides = [] if first.shape is None else list(first.shape[2:] if layout == "NCHW" else first.shape[1:3])
    if sides and None not in sides:
        return {"fixed": sides}
    rules = RULES[family]
    return {"default": said.size or rules.size, "step": rules.step}


def _size_words(size: Mapping[str, Any]) -> str:
    if "fixed" in size:
        height, width = size["fixed"]
        return f"sees {height} x {width} pixels alone"
    return f"takes any size, here multiples of {size['step']}; {size['default']} if not said otherwise"


def unclear(path: Path, why: str, what: OptionRef | str) -> WeightsError:
    """An error that asks for what a file does not tell."""
    return WeightsError(
        f"{shown(path)}: {why}, which cannot be told from the file", remedy=Remedy.SAY_ON_IMPORT, what=what
    )


def _no_network(path: Path, why: str) -> WeightsError:
    text = f"{shown(path)}: an ONNX model, but no colouring network of a known family; {why}"
    return WeightsError(text, remedy=Remedy.DESCRIBE)


def _listed(tensors: Sequence[TensorInfo]) -> str:
    return ", ".join(f"{shown(each.name)} {_shape(each)}" for each in tensors[:6]) or "none"


def _shape(each: TensorInfo) -> str:
    if each.shape is None:
        return "of unknown shape"
    return "[" + ", ".join("?" if side is None else str(side) for side in each.shape) + "]"
