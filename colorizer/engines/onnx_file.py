"""What an ONNX file says of itself: inputs, outputs, operations, and the files beside it that hold its tensors.

Read by hand with `wire`, for the reasons that `onnx_form` is written by hand; tensors are passed over, not loaded, so a
model of a gigabyte takes milliseconds. Field numbers and enums: onnx.proto,
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import contextlib
import mmap
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorizer.errors import Remedy, WeightsError, shown
from colorizer.io.wire import Field, Walk, WireError, WireType, signed

ORT_MAGIC = b"ORTM"
"""At byte 4 of ONNX Runtime's own format, which is a flatbuffer."""

LARGEST_PROTOBUF = (1 << 31) - 1
"""Bytes; protobuf reads no larger message, and a larger model keeps its tensors in files of their own."""

ELEMENTS = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    16: "bfloat16",
}
"""TensorProto.DataType."""

_STANDARD_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
_QUANTIZED = ("QLinearConv", "ConvInteger", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeLinear")
_NUMPY: dict[int, str] = {1: "<f4", 10: "<f2", 11: "<f8"}

_MODEL_IR, _MODEL_GRAPH, _MODEL_OPSET = 1, 7, 8
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_OP, _NODE_DOMAIN = 4, 7
_TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_EXTERNAL, _TENSOR_LOCATION, _TENSOR_FLOATS = 2, 8, 9, 13, 14, 4
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_VALUE_NAME, _VALUE_TYPE, _TYPE_TENSOR, _TENSOR_ELEMENT, _TENSOR_SHAPE = 1, 2, 1, 1, 2
_SHAPE_DIM, _DIM_VALUE = 1, 1
_EXTERNAL = 1  # TensorProto.DataLocation
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a model."""

    name: str
    dtype: str  # as NumPy calls it, or "string"
    shape: tuple[int | None, ...] | None  # None for a side that is open; None where nothing is said of it


@dataclass(frozen=True)
class OnnxFile:
    """What was read of a file."""

    path: Path
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    external: dict[str, int]  # names of the files that hold tensors, and the bytes that are needed of each
    operations: dict[str, int]  # how often
    foreign: tuple[str, ...]  # operations of other sets than ONNX's own
    opset: int

    @property
    def data_files(self) -> tuple[Path, ...]:
        """The files that hold tensors, beside the model."""
        return tuple(self.path.parent / name for name in self.external)

    @property
    def quantized(self) -> bool:
        """Whether it computes in whole numbers."""
        return any(name in self.operations for name in _QUANTIZED)


def is_ort_format(path: Path) -> bool:
    """Whether a file is in ONNX Runtime's own format.

    Raises
    ------
    WeightsError
        It cannot be read.
    """
    return _head(path)[4:8] == ORT_MAGIC


def read_onnx_file(path: Path) -> OnnxFile:
    """Read what a model says of itself, and that its other files are there and long enough.

    Raises
    ------
    WeightsError
        It cannot be read, is no ONNX model, is cut short, or a file that it refers to is missing or cut short.
    """
    head = _head(path)
    size = path.stat().st_size
    _refuse_others(path, head)
    if size > LARGEST_PROTOBUF:
        raise WeightsError(
            f"{shown(path)}: {size} bytes, more than the {LARGEST_PROTOBUF} that a protobuf message can have",
            remedy="export it again with external data (save_as_external_data)",
        )
    try:
        with _mapped(path) as view:
            found = _Model(path, Walk(view)).read(len(view))
    except WireError as error:
        if error.missing:
            raise WeightsError(
                f"{shown(path)}: truncated, or no ONNX model ({error})", remedy="copy or download it again"
            ) from error
        raise WeightsError(f"{shown(path)}: no ONNX model ({error})", remedy=_GIVE_ONNX) from error
    except OSError as error:
        raise WeightsError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    for name, needed in found.external.items():
        if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
            raise WeightsError(f"{shown(path)}: refers to a file outside its folder ({shown(name)})")
        if not (path.parent / name).is_file():
            raise WeightsError(
                f"{shown(path)}: its tensors are in {shown(name)}, which is not beside it",
                remedy="put both files into one folder",
            )
        missing = needed - (path.parent / name).stat().st_size
        if missing > 0:
            raise WeightsError(
                f"{shown(path)}: its tensors are in {shown(name)}, which is truncated; {missing} of {needed} bytes are "
                "missing",
                remedy="copy or download it again",
            )
    return found


def check_weights_finite(path: Path) -> None:
    """Refuse a model with a constant that is no number or infinite; reads all of the file.

    Tensors in files of their own are not looked at.

    Raises
    ------
    WeightsError
        The message names the tensor.
    """
    with _mapped(path) as view:
        name = _Model(path, Walk(view)).broken_tensor(len(view))
    if name is not None:
        raise WeightsError(f"{shown(path)}: its weights {shown(name)!r} hold NaN; the file is damaged")


_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""A ZIP archive, as PyTorch writes, and Python's pickle in its versions."""

_GIVE_ONNX = "give a colouring network as ONNX"


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
    ):
        yield view


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError as error:
        raise WeightsError(f"{shown(path)}: cannot be read ({error.strerror})") from error


def _refuse_others(path: Path, head: bytes) -> None:
    """Say what a file is that is known to be something else."""
    if not head:
        raise WeightsError(f"{shown(path)}: empty", remedy="copy or download it again")
    if head.startswith(_PICKLES):
        raise WeightsError(
            f"{shown(path)}: a PyTorch checkpoint, which is code as well as numbers and is never opened here",
            remedy=Remedy.EXPORT_TO_ONNX,
        )
    if head.startswith(b"\x89HDF"):
        raise WeightsError(f"{shown(path)}: a Keras file (HDF5)", remedy=Remedy.EXPORT_TO_ONNX)
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{shown(path)}: a pointer of Git LFS, not the model", remedy=Remedy.FETCH_FROM_LFS)
    if head.lstrip()[:1] == b"<":
        raise WeightsError(f"{shown(path)}: a web page, not a model", remedy="download the file itself")
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        raise WeightsError(f"{shown(path)}: compressed; unpack it first")
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        raise WeightsError(f"{shown(path)}: text, not an ONNX model", remedy=_GIVE_ONNX)


class _Model:
    """A walk over one file."""

    def __init__(self, path: Path, walk: Walk) -> None:
        self._path, self._walk = path, walk

    def read(self, end: int) -> OnnxFile:
        graph: Field | None = None
        opset, ir = 0, 0
        for field in self._walk.fields(0, end):
            if field.number == _MODEL_GRAPH and field.wire is WireType.LENGTH:
                graph = field
            elif field.number == _MODEL_IR and field.wire is WireType.VARINT:
                ir = field.value
            elif field.number == _MODEL_OPSET and field.wire is WireType.LENGTH:
                opset = max(opset, self._opset(field))
        if graph is None or not ir:
            raise WeightsError(f"{shown(self._path)}: no ONNX model (it has no graph)", remedy=_GIVE_ONNX)
        inputs, outputs, constants = [], [], set()
        external: dict[str, int] = {}
        operations: Counter[str] = Counter()
        foreign: dict[str, None] = {}
        for field in self._walk.fields(graph.start, graph.end):
            if field.wire is not WireType.LENGTH:
                continue
            if field.number == _GRAPH_NODE:
                domain, name = self._operation(field)
                operations[name] += 1
                if domain not in _STANDARD_DOMAINS:
                    foreign[f"{domain}.{name}"] = None
            elif field.number == _GRAPH_INITIALIZER:
                name, _, elsewhere = self._tensor(field)
                constants.add(name)
                if elsewhere is not None:
                    external[elsewhere[0]] = max(elsewhere[1], external.get(elsewhere[0], 0))
            elif field.number == _GRAPH_INPUT:
                inputs.append(self._value(field))
            elif field.number == _GRAPH_OUTPUT:
                outputs.append(self._value(field))
        return OnnxFile(
            self._path,
            tuple(each for each in inputs if each.name not in constants),
            tuple(outputs),
            external,
            dict(operations),
            tuple(foreign),
            opset,
        )

    def broken_tensor(self, end: int) -> str | None:
        for field in self._walk.fields(0, end):
            if field.number != _MODEL_GRAPH:
                continue
            for inner in self._walk.fields(field.start, field.end):
                if inner.number == _GRAPH_INITIALIZER:
                    name, values, _ = self._tensor(inner)
                    if values is not None and not np.isfinite(values).all():
                        return name
        return None

    def _tensor(
        self, field: Field
    ) -> tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.floating]] | None, tuple[str, int] | None]:
        """Name, values where they lie in the file as floats, and else the file that holds them and where they end."""
        name, kind, is_external = "", 0, False
        span: Field | None = None
        told: dict[str, str] = {}
        for part in self._walk.fields(field.start, field.end):
            if part.number == _TENSOR_NAME:
                name = self._text(part)
            elif part.number == _TENSOR_TYPE:
                kind = part.value
            elif part.number in (_TENSOR_RAW, _TENSOR_FLOATS) and part.wire is WireType.LENGTH:
                span = part
            elif part.number == _TENSOR_LOCATION:
                is_external = part.value == _EXTERNAL
            elif part.number == _TENSOR_EXTERNAL:
                entry = {each.number: self._text(each) for each in self._walk.fields(part.start, part.end)}
                told[entry.get(_ENTRY_KEY, "")] = entry.get(_ENTRY_VALUE, "")
        values = None
        if span is not None and kind in _NUMPY:
            dtype = np.dtype("<f4" if span.number == _TENSOR_FLOATS else _NUMPY[kind])
            raw = self._walk.buffer[span.start : span.end]
            # copied, so that no array keeps the mapped file open
            values = np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype).copy()
        if not is_external or "location" not in told:
            return name, values, None
        end = sum(int(told[key]) for key in ("offset", "length") if _NUMBER.fullmatch(told.get(key, "")))
        return name, values, (told["location"], end)

    def _operation(self, field: Field) -> tuple[str, str]:
        texts = {part.number: part for part in self._walk.fields(field.start, field.end)}
        domain, name = texts.get(_NODE_DOMAIN), texts.get(_NODE_OP)
        return (self._text(domain) if domain else "", self._text(name) if name else "")

    def _opset(self, field: Field) -> int:
        domain, version = "", 0
        for part in self._walk.fields(field.start, field.end):
            if part.number == _OPSET_DOMAIN:
                domain = self._text(part)
            elif part.number == _OPSET_VERSION:
                version = signed(part.value)
        return version if domain in _STANDARD_DOMAINS else 0

    def _value(self, field: Field) -> TensorInfo:
        name, kind, shape = "", 0, None
        for part in self._walk.fields(field.start, field.end):
            if part.number == _VALUE_NAME:
                name = self._text(part)
            elif part.number == _VALUE_TYPE and part.wire is WireType.LENGTH:
                for tensor in self._walk.fields(part.start, part.end):
                    if tensor.number == _TYPE_TENSOR and tensor.wire is WireType.LENGTH:
                        kind, shape = self._tensor_type(tensor)
        return TensorInfo(name, ELEMENTS.get(kind, f"type {kind}"), shape)

    def _tensor_type(self, field: Field) -> tuple[int, tuple[int | None, ...] | None]:
        kind, shape = 0, None
        for part in self._walk.fields(field.start, field.end):
            if part.number == _TENSOR_ELEMENT:
                kind = part.value
            elif part.number == _TENSOR_SHAPE and part.wire is WireType.LENGTH:
                dims = (dim for dim in self._walk.fields(part.start, part.end) if dim.number == _SHAPE_DIM)
                shape = tuple(self._dim(dim) for dim in dims)
        return kind, shape

    def _dim(self, field: Field) -> int | None:
        for part in self._walk.fields(field.start, field.end):
            if part.number == _DIM_VALUE and part.wire is WireType.VARINT:
                value = signed(part.value)
                return value if value > 0 else None
        return None

    def _text(self, field: Field) -> str:
        return bytes(self._walk.buffer[field.start : field.end]).decode("utf-8", "backslashreplace")
