"""The caffemodel, Caffe's file of weights: a protobuf `NetParameter`, read over a memory map and written.

Read are the layers and their blobs of numbers: today's `layer` and the older `layers` (V1, whose types are an enum),
both forms of a blob's shape, single and double precision, packed or one by one, and the half precision that NVIDIA's
Caffe introduced and OpenCV reads. The numbers of a file are never copied: a blob's array is a view into the map. What
the layers mean, and how they are wired, is the prototxt's business.

Field numbers: caffe.proto (Berkeley Vision and Learning Center) and OpenCV's opencv-caffe.proto.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from colorizer.caffe.diagnose import diagnose
from colorizer.caffe.v1 import type_of_number
from colorizer.errors import OutputError, WeightsError, shown
from colorizer.io.wire import Field, Walk, WireError, WireType, key, length_field, length_key, signed, varint

MAX_BLOB_AXES = 32
"""Caffe's and OpenCV's own limit on the number of a blob's axes."""

MAX_FIELD_BYTES = (1 << 31) - 1
"""Protobuf's own limit on a message; a length beyond it comes of damage, not of a file cut short."""

CHECK_CHUNK = 1 << 20
"""Numbers looked at in one step by `check_finite`: their flags take a megabyte."""

_NET_NAME, _NET_V1_LAYER, _NET_LAYER = 1, 2, 100
_LAYER_NAME, _LAYER_TYPE, _LAYER_BLOBS = 1, 2, 7
_V1_V0_LAYER, _V1_NAME, _V1_TYPE, _V1_BLOBS = 1, 4, 5, 6
_BLOB_OLD_AXES = (1, 2, 3, 4)  # num, channels, height, width
_BLOB_DATA, _BLOB_SHAPE, _BLOB_DOUBLE_DATA, _BLOB_RAW_TYPE, _BLOB_RAW_DATA = 5, 7, 8, 10, 12
_SHAPE_DIM = 1
_RAW_FLOAT, _RAW_FLOAT16 = 1, 2  # of the five raw types the two that OpenCV reads
_RAW_DTYPES: dict[int, np.dtype[Any]] = {_RAW_FLOAT: np.dtype("<f4"), _RAW_FLOAT16: np.dtype("<f2")}
_PRECISIONS: dict[int, np.dtype[Any]] = {_BLOB_DATA: np.dtype("<f4"), _BLOB_DOUBLE_DATA: np.dtype("<f8")}

Numbers = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Blob:
    """One array of a layer's parameters, such as the kernels of a convolution.

    From a file, `data` is a read-only view into the memory map, aligned or not.
    """

    shape: tuple[int, ...]
    data: Numbers  # of that shape; float32, float64 or float16


@dataclass(frozen=True)
class BlobLayer:
    """A layer as the caffemodel knows it: what it is called, its type, and its blobs in Caffe's order."""

    name: str
    type: str
    blobs: tuple[Blob, ...]


@dataclass(frozen=True)
class CaffeModel:
    """All layers of a caffemodel, with and without blobs, in the file's order."""

    name: str
    layers: tuple[BlobLayer, ...]
    path: Path | None = field(default=None, compare=False)  # the file they came from, for messages

    def layer(self, name: str) -> BlobLayer | None:
        """The layer of that name; of several, as OpenCV does, the first that has blobs. None if there is none."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, BlobLayer]:
        found: dict[str, BlobLayer] = {}
        for layer in self.layers:
            if layer.name not in found or (layer.blobs and not found[layer.name].blobs):
                found[layer.name] = layer
        return found


def read_caffemodel(path: Path) -> CaffeModel:
    """The layers and blobs of a caffemodel.

    The file stays mapped as long as any of the arrays lives (on Windows it cannot be replaced meanwhile).

    Raises
    ------
    WeightsError
        The file is missing, truncated, damaged, or something else than a caffemodel; the message says which.
    """
    diagnose(path, "caffemodel")
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it changed while it was read"
        raise WeightsError(f"cannot read {shown(path)}: {reason}; check the file and its permissions") from error
    buffer = memoryview(mapped)
    try:
        model = _net(Walk(buffer), path)
    except _TruncationError as error:
        raise WeightsError(
            f"{shown(path)} is truncated: it has {len(buffer)} bytes, and at least {error.missing} are missing; "
            "download it again"
        ) from error
    except WireError as error:
        raise WeightsError(f"{shown(path)} is no intact caffemodel ({error}); download it again") from error
    if not model.layers:
        raise WeightsError(f"{shown(path)} holds no layers, so it is no caffemodel; give the file with the weights")
    return model


def write_caffemodel(target: str | Path | BinaryIO, name: str, layers: Iterable[BlobLayer], half: bool = False) -> None:
    """Write a caffemodel that Caffe (single precision) and OpenCV read; the same layers give the same bytes.

    Parameters
    ----------
    target
        A path, or a file open for binary writing.
    name
        The network's name.
    layers
        Written as they come, so an iterator may make one layer at a time. Blobs of any precision are stored in single.
    half
        Store in half precision, in the form OpenCV reads. A blob with a number beyond half precision's range (65504)
        stays in single.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    if not isinstance(target, (str, Path)):
        _write(target, name, layers, half)
        return
    try:
        with Path(target).open("wb") as file:
            _write(file, name, layers, half)
    except OSError as error:
        raise OutputError(f"cannot write {shown(target)}: {error.strerror}") from error


def check_finite(model: CaffeModel) -> None:
    """Refuse weights that hold a NaN or an infinity: every colour would come out as nothing.

    Raises
    ------
    WeightsError
        It names the first layer that does.
    """
    for layer in model.layers:
        for blob in layer.blobs:
            flat = blob.data.reshape(-1)
            for start in range(0, flat.size, CHECK_CHUNK):
                if not np.isfinite(flat[start : start + CHECK_CHUNK]).all():
                    raise WeightsError(
                        f"the weights in {_file(model)} are damaged: layer {shown(layer.name)!r} holds a NaN or an "
                        "infinity; download them again"
                    )


class _TruncationError(WireError):
    """The file itself ends inside a field, rather than a field inside its message."""


def _file(model: CaffeModel) -> str:
    return shown(model.path) if model.path else f"network {shown(model.name)!r}"


def _net(walk: Walk, path: Path) -> CaffeModel:
    name = ""
    layers: list[BlobLayer] = []
    for entry in _top_fields(walk):
        if entry.wire is not WireType.LENGTH:
            continue
        if entry.number == _NET_NAME:
            name = _text(walk, entry)
        elif entry.number == _NET_LAYER:
            layers.append(_layer(walk, entry))
        elif entry.number == _NET_V1_LAYER:
            layers.append(_v1_layer(walk, entry))
    return CaffeModel(name, tuple(layers), path)


def _top_fields(walk: Walk) -> Iterator[Field]:
    position, end = 0, len(walk.buffer)
    while position < end:
        try:
            entry = walk.field_at(position, end)
        except WireError as error:
            if 0 < error.missing <= MAX_FIELD_BYTES:
                raise _TruncationError("the file ends", error.offset, error.missing) from error
            raise
        if entry.number > _NET_LAYER:
            raise WireError(f"field {entry.number} is none of a network's", position)
        yield entry
        position = entry.end


def _layer(walk: Walk, message: Field) -> BlobLayer:
    name, kind = "", ""
    blobs: list[Blob] = []
    for entry in walk.fields(message.start, message.end):
        if entry.wire is not WireType.LENGTH:
            continue
        if entry.number == _LAYER_NAME:
            name = _text(walk, entry)
        elif entry.number == _LAYER_TYPE:
            kind = _text(walk, entry)
        elif entry.number == _LAYER_BLOBS:
            blobs.append(_blob(walk, entry))
    return BlobLayer(name, kind, tuple(blobs))


def _v1_layer(walk: Walk, message: Field) -> BlobLayer:
    name, kind = "", ""
    blobs: list[Blob] = []
    for entry in walk.fields(message.start, message.end):
        if entry.number == _V1_TYPE and entry.wire is WireType.VARINT:
            kind = type_of_number(entry.value)
        elif entry.wire is not WireType.LENGTH:
            continue
        elif entry.number == _V1_V0_LAYER:
            raise WireError("a layer of Caffe's first format (V0, 2013), which OpenCV does not read,", message.start)
        elif entry.number == _V1_NAME:
            name = _text(walk, entry)
        elif entry.number == _V1_BLOBS:
            blobs.append(_blob(walk, entry))
    return BlobLayer(name, kind, tuple(blobs))


def _text(walk: Walk, entry: Field) -> str:
    return bytes(walk.buffer[entry.start : entry.end]).decode("utf-8", "surrogateescape")


def _blob(walk: Walk, message: Field) -> Blob:
    old_axes: dict[int, int] = {}
    shape: tuple[int, ...] | None = None
    runs: dict[int, list[Numbers]] = {_BLOB_DATA: [], _BLOB_DOUBLE_DATA: []}
    raw: Field | None = None
    raw_type = 0
    position = message.start
    while position < message.end:
        entry = walk.field_at(position, message.end)
        after = entry.end
        if entry.number in _BLOB_OLD_AXES and entry.wire is WireType.VARINT:
            old_axes[entry.number] = signed(entry.value)
        elif entry.number == _BLOB_SHAPE and entry.wire is WireType.LENGTH:
            shape = (shape or ()) + _shape(walk, entry)
        elif entry.number in _PRECISIONS:
            numbers, after = _run(walk, entry, position, message.end)
            runs[entry.number].append(numbers)
        elif entry.number == _BLOB_RAW_TYPE and entry.wire is WireType.VARINT:
            raw_type = entry.value
        elif entry.number == _BLOB_RAW_DATA and entry.wire is WireType.LENGTH:
            raw = entry
        position = after
    if old_axes:
        shape = tuple(old_axes.get(axis, 0) for axis in _BLOB_OLD_AXES)
    elif shape is None:
        shape = (1,)
    if len(shape) > MAX_BLOB_AXES or min(shape, default=0) < 0:
        raise WireError(f"a blob of an impossible shape, {len(shape)} axes", message.start)
    numbers = _numbers(walk, runs, raw, raw_type, message.start)
    if prod(shape) != numbers.size:
        raise WireError(f"a blob of shape {shape} that holds {numbers.size} numbers", message.start)
    return Blob(shape, numbers.reshape(shape))


def _shape(walk: Walk, message: Field) -> tuple[int, ...]:
    dims: list[int] = []
    for entry in walk.fields(message.start, message.end):
        if entry.number != _SHAPE_DIM:
            continue
        if entry.wire is WireType.VARINT:
            dims.append(signed(entry.value))
        elif entry.wire is WireType.LENGTH:
            dims.extend(signed(value) for value in walk.varints(entry.start, entry.end))
        if len(dims) > MAX_BLOB_AXES:
            raise WireError(f"a blob with more than {MAX_BLOB_AXES} axes", message.start)
    return tuple(dims)


def _run(walk: Walk, entry: Field, start: int, end: int) -> tuple[Numbers, int]:
    """The numbers of a packed field, or of as many unpacked ones of the same key as follow each other from `start`."""
    dtype = _PRECISIONS[entry.number]
    if entry.wire is WireType.LENGTH:
        if (entry.end - entry.start) % dtype.itemsize:
            raise WireError("a run of numbers that ends inside one", start)
        return _view(walk, entry, dtype), entry.end
    if entry.wire is not (WireType.FIXED32 if dtype.itemsize == 4 else WireType.FIXED64):
        raise WireError("numbers in an encoding that is none of theirs", start)
    one = np.dtype([("key", np.uint8), ("number", dtype)])
    if entry.start - start != 1:  # a key spelt in more bytes than it needs: legal, and no run to look for
        return _view(walk, entry, dtype), entry.end
    entries = np.frombuffer(walk.buffer, one, (end - start) // one.itemsize, start)
    others = np.flatnonzero(entries["key"] != walk.buffer[start])
    count = int(others[0]) if others.size else len(entries)
    return entries["number"][:count], start + count * one.itemsize


def _numbers(walk: Walk, runs: dict[int, list[Numbers]], raw: Field | None, raw_type: int, start: int) -> Numbers:
    """A blob's numbers, from the first of single, raw, double precision that it holds: OpenCV's order, then ours."""
    if not runs[_BLOB_DATA] and raw is not None:
        dtype = _RAW_DTYPES.get(raw_type)
        if dtype is None or (raw.end - raw.start) % dtype.itemsize:
            raise WireError("raw numbers that are neither single nor half precision", start)
        return _view(walk, raw, dtype)
    for chunks in runs.values():
        if chunks:
            return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    return np.empty(0, np.float32)


def _view(walk: Walk, entry: Field, dtype: np.dtype[Any]) -> Numbers:
    if entry.start == entry.end:
        return np.empty(0, dtype)
    return np.frombuffer(walk.buffer, dtype, (entry.end - entry.start) // dtype.itemsize, entry.start)


def _write(file: BinaryIO, name: str, layers: Iterable[BlobLayer], half: bool) -> None:
    file.write(length_field(_NET_NAME, _encoded(name)))
    for layer in layers:
        head = length_field(_LAYER_NAME, _encoded(layer.name)) + length_field(_LAYER_TYPE, _encoded(layer.type))
        blobs = [_encoded_blob(blob, half) for blob in layer.blobs]
        keys = [length_key(_LAYER_BLOBS, len(prefix) + numbers.nbytes) for prefix, numbers in blobs]
        body = sum(len(k) + len(prefix) + numbers.nbytes for k, (prefix, numbers) in zip(keys, blobs, strict=True))
        file.write(length_key(_NET_LAYER, len(head) + body) + head)
        for blob_key, (prefix, numbers) in zip(keys, blobs, strict=True):
            file.write(blob_key + prefix)
            file.write(numbers.data)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _encoded_blob(blob: Blob, half: bool) -> tuple[bytes, Numbers]:
    """Everything of a blob that precedes its numbers, and the numbers as they are stored."""
    dims = b"".join(varint(dim) for dim in blob.shape)
    shape = length_field(_BLOB_SHAPE, length_field(_SHAPE_DIM, dims))
    numbers: Numbers = np.ascontiguousarray(blob.data, "<f4").reshape(-1)
    if numbers.size != prod(blob.shape):
        raise ValueError(f"a blob of shape {blob.shape} was given {numbers.size} numbers")
    if half and (np.abs(numbers) <= np.finfo(np.float16).max).all():
        numbers = numbers.astype("<f2")
        raw_type = key(_BLOB_RAW_TYPE, WireType.VARINT) + varint(_RAW_FLOAT16)
        return shape + raw_type + length_key(_BLOB_RAW_DATA, numbers.nbytes), numbers
    return shape + length_key(_BLOB_DATA, numbers.nbytes), numbers
