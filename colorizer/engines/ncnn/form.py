"""ncnn's two files: a text of layers (what each reads, makes, and is told), and their weights in the same order.

Knows how ncnn spells a network and nothing of Caffe.

Formats: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure and
https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

_MAGIC = "7767517"
_FLOAT32 = np.zeros(1, "<f4")  # before the kernels of a convolution
_CONVOLVING = ("Convolution", "Deconvolution")
"""How the names of the layers begin that can take an activation."""

_MOVING = "PixelShuffle"
"""A layer that moves values and leaves them as they are, so that what limits them may come before it."""

_ACTIVATION = 9  # of a convolution's parameters

Number: TypeAlias = "int | float"
Parameters: TypeAlias = "Mapping[int, Number | Sequence[Number]]"
"""By their numbers; ncnn writes that of a list as -23300 less its own."""


class Node(NamedTuple):
    """One layer; inputs and outputs are names of blobs without spaces, each made once."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Parameters


class NcnnModel(NamedTuple):
    """What ncnn loads: the text, and what its file of weights would hold."""

    param: str
    weights: tuple[npt.NDArray[np.float32], ...]  # to be read one after the other
    outputs: tuple[str, ...]  # the blobs to fetch


class Graph:
    """A network while it is put together."""

    def __init__(self, entry: str) -> None:
        self._nodes = [Node("Input", (), (entry,), {})]
        self._numbers: list[npt.NDArray[np.float32]] = []

    def node(self, kind: str, inputs: Sequence[str], parameters: Parameters) -> str:
        """Add a layer with one output; its name."""
        return self.nodes(kind, inputs, parameters, 1)[0]

    def nodes(self, kind: str, inputs: Sequence[str], parameters: Parameters, outputs: int) -> tuple[str, ...]:
        """Add a layer with so many outputs; their names."""
        made = tuple(f"{len(self._nodes)}.{number}" for number in range(outputs))
        self._nodes.append(Node(kind, tuple(inputs), made, parameters))
        return made

    def numbers(self, *arrays: npt.NDArray[np.floating[Any]], kernels: bool = False) -> None:
        """Add a layer's weights; kernels of convolutions say what type they are of."""
        self._numbers += [_FLOAT32] if kernels else []
        self._numbers += [np.ascontiguousarray(array, "<f4") for array in arrays]

    def finished(self, last: str, result: str) -> NcnnModel:
        """All of it, with the blob `last` under the name `result`.

        Layers that only limit what a convolution gives become a part of it, which saves a walk through memory each; and
        since ncnn counts on each blob being read once, copies are made of those that are read more often.
        """
        nodes = _with_splits(_with_activations([*self._nodes, Node("Noop", (last,), (result,), {})]))
        lines = [_line(number, node) for number, node in enumerate(nodes)]
        blobs = sum(len(node.outputs) for node in nodes)
        return NcnnModel("\n".join([_MAGIC, f"{len(nodes)} {blobs}", *lines, ""]), tuple(self._numbers), (result,))


def _with_activations(nodes: Sequence[Node]) -> list[Node]:
    readers = Counter(name for node in nodes for name in node.inputs)
    found: dict[str, Node] = {}  # by the first blob that each makes
    for node in nodes:
        if node.kind in ("ReLU", "Clip"):
            node = _merged(node, found, readers) or node  # noqa: PLW2901
        found[node.outputs[0]] = node
    return list(found.values())


def _merged(node: Node, found: dict[str, Node], readers: Mapping[str, int]) -> Node | None:
    """What takes an activation's place once the convolution before it does its work; none if that cannot be."""
    before = found.get(node.inputs[0])
    maker = found.get(before.inputs[0]) if before and before.kind == _MOVING else before
    if not before or not maker or any(readers[name] > 1 for name in (*node.inputs, *maker.outputs)):
        return None
    if not maker.kind.startswith(_CONVOLVING) or _ACTIVATION in maker.parameters:
        return None
    active = maker._replace(parameters={**maker.parameters, **_activation(node)})
    del found[before.outputs[0]]
    if maker is before:
        return active._replace(outputs=node.outputs)
    found[maker.outputs[0]] = active
    return before._replace(outputs=node.outputs)


def _activation(node: Node) -> Parameters:
    """What makes it a part of a convolution: the activation's number, and a list of its own parameters."""
    own = [value for value in node.parameters.values() if isinstance(value, int | float)]
    if node.kind == "Clip":
        return {_ACTIVATION: 3, -23310: own}
    return {_ACTIVATION: 2, -23310: own} if own[0] else {_ACTIVATION: 1}


def _with_splits(nodes: Sequence[Node]) -> list[Node]:
    readers = Counter(name for node in nodes for name in node.inputs)
    copies: dict[str, list[str]] = {}
    found = []
    for node in nodes:
        inputs = tuple(copies[name].pop() if name in copies else name for name in node.inputs)
        found.append(node._replace(inputs=inputs))
        for name in node.outputs:
            if readers[name] > 1:
                copies[name] = [f"{name}.{number}" for number in range(readers[name])]
                found.append(Node("Split", (name,), tuple(copies[name]), {}))
    return found


def _line(number: int, node: Node) -> str:
    words = [node.kind, str(number), str(len(node.inputs)), str(len(node.outputs)), *node.inputs, *node.outputs]
    return " ".join([*words, *(_parameter(key, value) for key, value in node.parameters.items())])


def _parameter(key: int, value: Number | Sequence[Number]) -> str:
    if isinstance(value, int | float):
        return f"{key}={_number(value)}"
    return f"{key}=" + ",".join(map(_number, (len(value), *value)))


def _number(value: Number) -> str:
    if isinstance(value, int):
        return str(value)
    # nine digits are exact for float32, and over 15 characters too long for ncnn before 2026; a point or an exponent
    # tells it from a whole number
    text = f"{value:.9g}"
    return text if set(text) & set(".e") else f"{text}.0"
