"""The files of a described model: which belong together, what they say of themselves, and whether that fits."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from colorizer.engines.onnx_file import OnnxFile, TensorInfo, is_ort_format, read_onnx_file
from colorizer.errors import Remedy, WeightsError, shown
from colorizer.networks.base import Model
from colorizer.networks.descriptor.model import CHANNELS_OF, SUFFIX, Descriptor, InputTensor, Sizes

MODEL_SUFFIXES = (".onnx", ".ort")
_PICKLED = "a PyTorch checkpoint, which is code as well as numbers"
CHECKPOINTS = {
    **dict.fromkeys((".pth", ".pt", ".ckpt", ".bin", ".tar", ".pkl"), _PICKLED),
    **dict.fromkeys((".h5", ".keras"), "a Keras model, which may hold code"),
    ".safetensors": "weights alone, of which network is not said",
}
"""What files hold that are of no use here, by what their names end in."""

CAFFE_SUFFIXES = (".caffemodel", ".prototxt")

ROLES = ("onnx", "ort", "caffemodel", "prototxt", "data")
FILE_SETS = (("onnx",), ("ort",), ("caffemodel", "prototxt"))

FEEDABLE = ("float32", "float16", "float64", "uint8")


def descriptor_path(path: Path) -> Path:
    """Where the descriptor of a model lies: beside it, `net.colorize.json` for `net.onnx`."""
    return path.with_name(path.stem + SUFFIX)


def is_model_file(path: Path) -> bool:
    """Whether a name is that of a model of these families, or of its descriptor."""
    return path.suffix.lower() in MODEL_SUFFIXES or path.name.lower().endswith(SUFFIX)


def refuse_checkpoint(path: Path) -> None:
    """Refuse what other programs keep weights in.

    Raises
    ------
    WeightsError
        It is such a file; it is never opened.
    """
    kind = CHECKPOINTS.get(path.suffix.lower())
    if kind is not None:
        raise WeightsError(f"{shown(path)}: {kind}, and is never opened here", remedy=Remedy.EXPORT_TO_ONNX)


def files_at(path: Path) -> dict[str, Path]:
    """The files of the model that a path names: of the model, its descriptor, or a folder that holds one.

    Raises
    ------
    WeightsError
        A file is missing, or there are several that it may be.
    """
    if path.is_dir():
        pair = {each.suffix.lower(): each for each in sorted(path.iterdir()) if each.suffix.lower() in CAFFE_SUFFIXES}
        if len(pair) == len(CAFFE_SUFFIXES):
            return {suffix.removeprefix("."): pair[suffix] for suffix in CAFFE_SUFFIXES}
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in MODEL_SUFFIXES)
        if len(found) != 1:
            raise WeightsError(f"{shown(path)}: holds {len(found)} models; a folder given as a model holds one")
        path = found[0]
    elif path.name.lower().endswith(SUFFIX):
        stem = path.name[: -len(SUFFIX)]
        beside = [path.with_name(stem + suffix) for suffix in MODEL_SUFFIXES]
        path = next((each for each in beside if each.is_file()), beside[0])
    if not path.is_file():
        raise WeightsError(f"{shown(path)}: no such file", remedy="put the model beside its descriptor")
    diagnose(path, path.suffix.lower().removeprefix("."))
    if is_ort_format(path):
        return {"ort": path}
    files = {"onnx": path}
    for place, data in enumerate(read_onnx_file(path).data_files):
        files[f"data{place or ''}"] = data
    return files


def check_files(files: Mapping[str, Path]) -> None:
    """Refuse files that are no model.

    Raises
    ------
    WeightsError
        With the cause.
    """
    if "onnx" in files:
        read_onnx_file(files["onnx"])
    elif "caffemodel" in files:
        from colorizer.networks.described.caffe import check_pair

        check_pair(files["prototxt"], files["caffemodel"])


def diagnose(path: Path, role: str) -> None:
    """Refuse a file that is known to be something else.

    Raises
    ------
    WeightsError
        With what it is.
    """
    if role in ("caffemodel", "prototxt"):
        from colorizer.caffe.diagnose import diagnose as diagnose_caffe

        diagnose_caffe(path, "prototxt" if role == "prototxt" else "caffemodel")
    elif role in ("onnx", "ort"):
        _refuse_archive(path)
        if not is_ort_format(path):
            read_onnx_file(path)


def settled(descriptor: Descriptor, found: OnnxFile) -> Descriptor:
    """A descriptor with what it leaves to its file: names of tensors that are the only ones, and a fixed size.

    Raises
    ------
    WeightsError
        It leaves open what the file does not tell.
    """
    named = {each.tensor for each in descriptor.inputs}
    left = [each.name for each in found.inputs if each.name not in named]
    open_inputs = [each for each in descriptor.inputs if not each.tensor]
    output = descriptor.output
    if len(open_inputs) > 1 or (open_inputs and len(left) != 1):
        raise WeightsError(
            f"{shown(found.path)}: its descriptor names no tensor for an input, and there are "
            f"{', '.join(map(shown, left)) or 'none'} to choose from"
        )
    if not output.tensor and len(found.outputs) != 1:
        names = ", ".join(shown(each.name) for each in found.outputs)
        raise WeightsError(f"{shown(found.path)}: its descriptor names no output, and there are {names}")
    inputs = tuple(each if each.tensor else replace(each, tensor=left[0]) for each in descriptor.inputs)
    output = output if output.tensor else replace(output, tensor=found.outputs[0].name)
    sizes = descriptor.sizes
    if "size" not in descriptor.source:
        sizes = _sizes_of(inputs, found) or sizes
    return replace(descriptor, inputs=inputs, output=output, sizes=sizes)


def _sizes_of(inputs: Sequence[InputTensor], found: OnnxFile) -> Sizes | None:
    """The fixed size that a file has, where it has one."""
    shapes = {each.name: each.shape for each in found.inputs}
    for each in inputs:
        shape = shapes.get(each.tensor)
        if not each.channels or shape is None or len(shape) != 4:
            continue
        height, width = shape[2:] if each.layout == "NCHW" else shape[1:3]
        if height is not None and width is not None:
            return Sizes(min(height, width), fixed=(height, width))
    return None


def check_against(descriptor: Descriptor, found: OnnxFile) -> None:
    """Refuse a descriptor that does not fit its file.

    Raises
    ------
    WeightsError
        With what differs.
    """
    inputs = {each.name: each for each in found.inputs}
    outputs = {each.name: each for each in found.outputs}
    name = shown(found.path)
    for each in descriptor.inputs:
        if each.tensor not in inputs:
            raise WeightsError(
                f"{name}: has no input {shown(each.tensor)!r}, which its descriptor names; there is {_listed(inputs)}"
            )
        _check_input(name, each, inputs[each.tensor], descriptor)
    fed = {each.tensor for each in descriptor.inputs}
    unfed = [each for each in inputs if each not in fed]
    if unfed:
        raise WeightsError(f"{name}: its descriptor does not say what the input {shown(unfed[0])!r} holds")
    output = descriptor.output
    if output.tensor not in outputs:
        raise WeightsError(
            f"{name}: has no output {shown(output.tensor)!r}, which its descriptor names; there is {_listed(outputs)}"
        )
    shape = outputs[output.tensor].shape
    channels, place = CHANNELS_OF[output.holds], 1 if output.layout == "NCHW" else 3
    if shape is not None and (len(shape) != 4 or shape[place] not in (None, channels)):
        raise WeightsError(
            f"{name}: its output {shown(output.tensor)!r} is of shape {_shape(shape)}, and {output.holds} has "
            f"{channels} channels in {output.layout}"
        )


def _check_input(name: str, said: InputTensor, has: TensorInfo, descriptor: Descriptor) -> None:
    if has.dtype not in FEEDABLE:
        raise WeightsError(
            f"{name}: its input {shown(said.tensor)!r} is of {has.dtype}, and pictures come as {', '.join(FEEDABLE)}"
        )
    if has.shape is None or not said.channels:
        return
    place = 1 if said.layout == "NCHW" else 3
    if len(has.shape) != 4 or has.shape[place] not in (None, len(said.channels)):
        raise WeightsError(
            f"{name}: its input {shown(said.tensor)!r} is of shape {_shape(has.shape)}, and its descriptor says "
            f"{len(said.channels)} channels in {said.layout}"
        )
    if has.shape[0] not in (None, 1):
        raise WeightsError(f"{name}: takes batches of {has.shape[0]} alone; export it for one picture")
    sides = has.shape[2:] if said.layout == "NCHW" else has.shape[1:3]
    if None not in sides and descriptor.sizes.fixed != sides:
        height, width = sides
        raise WeightsError(
            f"{name}: takes {height} x {width} pixels alone, and its descriptor says otherwise",
            remedy=f'write "size": {{"fixed": [{height}, {width}]}}',
        )


def model_of(files: Mapping[str, Path], descriptor: Descriptor, name: str) -> Model:
    """A model that is ready to be opened; its descriptor was checked against its files where they say something.

    Raises
    ------
    WeightsError
        The descriptor does not fit the file.
    """
    if "onnx" in files:
        found = read_onnx_file(files["onnx"])
        descriptor = settled(descriptor, found)
        check_against(descriptor, found)
    elif "ort" in files and not all([*(each.tensor for each in descriptor.inputs), descriptor.output.tensor]):
        raise WeightsError(
            f"{shown(files['ort'])}: in ONNX Runtime's own format, and its descriptor names no tensor for an input or "
            "the output",
            remedy=Remedy.DESCRIBE,
        )
    elif "caffemodel" in files:
        from colorizer.networks.described.caffe import check_wiring

        check_wiring(files["prototxt"], descriptor)
    sizes = descriptor.sizes
    return Model(
        name,
        descriptor.family,
        files,
        sizes.fit,
        sizes.step,
        sizes=(sizes.default,),
        descriptor=descriptor,
    )


def _refuse_archive(path: Path) -> None:
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return  # whoever reads it says what is wrong
    if not any(each.endswith(("data.pkl", ".weights.h5")) for each in names):
        raise WeightsError(f"{shown(path)}: a ZIP archive; unpack it and give the model in it")


def _listed(names: Mapping[str, TensorInfo]) -> str:
    return ", ".join(f"{each.name} {_shape(each.shape or ())}" for each in names.values()) or "none"


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("?" if side is None else str(side) for side in shape) + "]"
