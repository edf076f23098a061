"""How graphs are written as ONNX: nodes in order, constants by name; and weights that are drawn as a graph grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]
"""A side that is free is a name."""

Tensors = tuple[dict[str, list[int | str]], dict[str, list[int | str]]]
"""Inputs and outputs by name."""


@dataclass
class Graph:
    """A graph under construction."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    dtype: Any = np.float32
    opset: ClassVar[int] = 17  # from which on there is LayerNormalization

    def constant(self, values: Any, dtype: Any = None) -> str:
        """A tensor; its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype or self.dtype), name))
        return name

    def add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """An operation; the name of its output."""
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def affine(self, value: str, scale: Any, offset: Any, output: str | None = None) -> str:
        """Value * scale + offset, per channel of NCHW."""
        shape = (1, -1, 1, 1)
        scaled = self.add("Mul", [value, self.constant(np.reshape(scale, shape))])
        return self.add("Add", [scaled, self.constant(np.reshape(offset, shape))], output)

    def model(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """The graph as it is now, from these inputs to these outputs."""
        kind = TensorProto.FLOAT16 if self.dtype is np.float16 else TensorProto.FLOAT
        given, found = (
            [helper.make_tensor_value_info(name, kind, shape) for name, shape in tensors.items()]
            for tensors in (inputs, outputs)
        )
        graph = helper.make_graph(self.nodes, "made", given, found, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def save(self, path: Path, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], **options: Any) -> Path:
        """Write it to a file; options are those of `onnx.save`."""
        onnx.save(self.model(inputs, outputs), str(path), **options)
        return path


@dataclass
class Drawn(Graph):
    """A graph whose weights are drawn as it grows, of a size that keeps activations ordinary."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(2023))
    parameters: int = 0  # numbers that were learned

    def weights(self, *shape: int, inputs: float) -> str:
        """Normal weights, where so many inputs are summed."""
        drawn = self.rng.standard_normal(shape, np.float32)
        drawn *= np.float32(inputs**-0.5)
        return self.learned(drawn)

    def learned(self, values: npt.NDArray[Any]) -> str:
        """A tensor that counts as a parameter."""
        self.parameters += values.size
        return self.constant(values)

    def conv(
        self, value: str, into: int, out: int, kernel: int, *, bias: bool = True, up: bool = False, **more: Any
    ) -> str:
        """A convolution that keeps the size unless it has a stride or pads of its own; or a transposed one."""
        group, stride = more.get("group", 1), more.get("strides", (1, 1))[0]
        reach = more.get("dilations", (1, 1))[0] * (kernel - 1)
        more.setdefault("pads", [reach // 2] * 4)
        shape = (into, out, kernel, kernel) if up else (out, into // group, kernel, kernel)
        summed = into // group * kernel**2 // (stride**2 if up else 1)
        # most see what a ReLU has left, half of the variance (He et al. 2015)
        tensors = [value, self.weights(*shape, inputs=summed / 2)]
        if bias:
            tensors.append(self.learned(np.zeros(out)))
        return self.add("ConvTranspose" if up else "Conv", tensors, **more)

    def linear(self, value: str, into: int, out: int) -> str:
        """A matrix over the last axis, with bias."""
        product = self.add("MatMul", [value, self.weights(into, out, inputs=into)])
        return self.add("Add", [product, self.learned(np.zeros(out))])

    def batch_norm(self, value: str, channels: int, gain: float = 1.0) -> str:
        """BatchNorm as it is when nothing is learned any more; without statistics that were seen."""
        scale, shift = self.learned(np.full(channels, gain)), self.learned(np.zeros(channels))
        mean, variance = self.constant(np.zeros(channels)), self.constant(np.ones(channels))
        return self.add("BatchNormalization", [value, scale, shift, mean, variance])

    def reshaped(self, value: str, *shape: int) -> str:
        """The same numbers in another shape."""
        return self.add("Reshape", [value, self.constant(shape, np.int64)])

    def shuffled(self, value: str, into: int, out: int, factor: int, norm: bool = False) -> str:
        """So many times the size by a pixel shuffle of a 1x1 convolution, blurred (Sugawara et al. 2018)."""
        wide = self.conv(value, into, out * factor**2, 1, bias=not norm)
        if norm:
            wide = self.batch_norm(wide, out * factor**2)
        large = self.add("DepthToSpace", [self.add("Relu", [wide])], blocksize=factor, mode="CRD")
        sides = self.constant([0, 0, 1, 1, 0, 0, 0, 0], np.int64)  # one row above, one column to the left
        return self.add("AveragePool", [self.add("Pad", [large, sides], mode="edge")], kernel_shape=[2, 2])
