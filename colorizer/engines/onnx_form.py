"""ONNX's file, as far as a converter writes one: nodes, tensors, and the model around them, as protobuf.

Knows how ONNX spells a graph on the wire and nothing of Caffe. Written by hand with `wire`, since ONNX's own package
(with protobuf's) weighs more than our network and would be needed for nothing else; the tests hold every model to
ONNX's checker. Field numbers and enums: onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from colorizer.io.wire import WireType, key, length_field, length_key, varint

IR_VERSION = 8
OPSET = 13
"""Old enough for every runtime since 2021; nothing newer is needed."""

_MODEL_IR_VERSION, _MODEL_PRODUCER, _MODEL_PRODUCER_VERSION, _MODEL_GRAPH, _MODEL_OPSET = 1, 2, 3, 7, 8
_OPSET_VERSION = 2
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 2, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_F, _ATTRIBUTE_I, _ATTRIBUTE_INTS, _ATTRIBUTE_TYPE = 1, 2, 3, 8, 20
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_VALUE_NAME, _VALUE_TYPE, _TYPE_TENSOR, _TENSOR_TYPE_ELEMENT, _TENSOR_TYPE_SHAPE = 1, 2, 1, 1, 2
_SHAPE_DIM, _DIM_VALUE, _DIM_PARAM = 1, 1, 2
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_TYPE_FLOAT, _TYPE_INT, _TYPE_INTS = 1, 2, 7  # AttributeProto.AttributeType

Attribute: TypeAlias = int | float | Sequence[int]
Dim: TypeAlias = int | str  # a number, or the name of one that is known only when the model runs


@dataclass(frozen=True)
class Node:
    """One operation; inputs and outputs are names of values, each made once."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True)
class Value:
    """An input or output of the graph, float32."""

    name: str
    shape: tuple[Dim, ...]


@dataclass(frozen=True)
class Graph:
    """A model's nodes in the order in which they run, without its tensors."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


def model_bytes(graph: Graph, tensors: Sequence[bytes], producer_version: str) -> bytes:
    """The whole file. The tensors (each from `tensor`) come last in it, in the order given."""
    body = b"".join(
        (
            *(length_field(_GRAPH_NODE, _node(node)) for node in graph.nodes),
            length_field(_GRAPH_NAME, _text(graph.name)),
            *(length_field(_GRAPH_INPUT, _value(value)) for value in graph.inputs),
            *(length_field(_GRAPH_OUTPUT, _value(value)) for value in graph.outputs),
        )
    )
    head = b"".join(
        (
            key(_MODEL_IR_VERSION, WireType.VARINT) + varint(IR_VERSION),
            length_field(_MODEL_PRODUCER, b"colorize"),
            length_field(_MODEL_PRODUCER_VERSION, _text(producer_version)),
            length_field(_MODEL_OPSET, key(_OPSET_VERSION, WireType.VARINT) + varint(OPSET)),
            length_key(_MODEL_GRAPH, len(body) + sum(map(len, tensors))),
        )
    )
    return b"".join((head, body, *tensors))


def tensor(name: str, values: npt.NDArray[Any]) -> bytes:
    """A constant of the graph, ready to stand in the file; its last bytes are its numbers, in float32 or int64."""
    whole = np.issubdtype(values.dtype, np.integer)
    raw = np.ascontiguousarray(values, "<i8" if whole else "<f4")
    head = b"".join(
        (
            length_field(_TENSOR_DIMS, b"".join(map(varint, values.shape))),
            key(_TENSOR_TYPE, WireType.VARINT) + varint(_INT64 if whole else _FLOAT),
            length_field(_TENSOR_NAME, _text(name)),
            length_key(_TENSOR_RAW, raw.nbytes),
        )
    )
    return length_key(_GRAPH_INITIALIZER, len(head) + raw.nbytes) + head + raw.tobytes()


def _text(name: str) -> bytes:
    # Caffe's names may hold bytes that are no UTF-8, which ONNX does not allow
    return name.encode("utf-8", "backslashreplace")


def _node(node: Node) -> bytes:
    return b"".join(
        (
            *(length_field(_NODE_INPUT, _text(name)) for name in node.inputs),
            *(length_field(_NODE_OUTPUT, _text(name)) for name in node.outputs),
            length_field(_NODE_NAME, _text(node.name)),
            length_field(_NODE_OP, _text(node.op)),
            *(length_field(_NODE_ATTRIBUTE, _attribute(name, value)) for name, value in node.attributes.items()),
        )
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        kind, payload = _TYPE_FLOAT, key(_ATTRIBUTE_F, WireType.FIXED32) + struct.pack("<f", value)
    elif isinstance(value, int):
        kind, payload = _TYPE_INT, key(_ATTRIBUTE_I, WireType.VARINT) + varint(value)
    else:
        # one by one: onnx.proto is proto2, which packs nothing unless told to
        kind = _TYPE_INTS
        payload = b"".join(key(_ATTRIBUTE_INTS, WireType.VARINT) + varint(each) for each in value)
    return length_field(_ATTRIBUTE_NAME, _text(name)) + payload + key(_ATTRIBUTE_TYPE, WireType.VARINT) + varint(kind)


def _value(value: Value) -> bytes:
    dims = b"".join(length_field(_SHAPE_DIM, _dim(dim)) for dim in value.shape)
    kind = key(_TENSOR_TYPE_ELEMENT, WireType.VARINT) + varint(_FLOAT) + length_field(_TENSOR_TYPE_SHAPE, dims)
    return length_field(_VALUE_NAME, _text(value.name)) + length_field(_VALUE_TYPE, length_field(_TYPE_TENSOR, kind))


def _dim(dim: Dim) -> bytes:
    if isinstance(dim, str):
        return length_field(_DIM_PARAM, _text(dim))
    return key(_DIM_VALUE, WireType.VARINT) + varint(dim)
