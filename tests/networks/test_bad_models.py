"""Files that are no colouring network, or a broken one: one line with the cause, and no native crash."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import Command
from made_ideepcolor import PROTOTXT, write_pair
from made_networks import CONTRACTS, Maker, ddcolor_net, lightness_net
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from colorizer.engines import onnx_file
from colorizer.engines.onnx_file import read_onnx_file
from colorizer.errors import ColorizerError, WeightsError
from colorizer.networks.described import child


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("unpickled"),))


def a_pickle(folder: Path) -> Path:
    (folder / "net.pth").write_bytes(pickle.dumps(Bomb()))
    return folder / "net.pth"


def a_torch_archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "net.onnx", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    return folder / "net.onnx"


def of_another_program(suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / f"net{suffix}").write_bytes(pickle.dumps(Bomb()))
        return folder / f"net{suffix}"

    return write


def a_global_variant(folder: Path) -> Path:
    path = write_pair(folder)
    inputs = 'top: "data_l_ab_mask" top: "glob_ab_313_mask" top: "s_avg_mask"'
    (folder / "deploy_nodist.prototxt").write_text(PROTOTXT.replace('top: "data_l_ab_mask"', inputs, 1))
    return path


def an_archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "net.onnx", "w") as archive:
        archive.writestr("really.onnx", b"")
    return folder / "net.onnx"


def text(folder: Path) -> Path:
    (folder / "net.onnx").write_text("This is not a network.\n" * 9)
    return folder / "net.onnx"


def empty(folder: Path) -> Path:
    (folder / "net.onnx").write_bytes(b"")
    return folder / "net.onnx"


def a_web_page(folder: Path) -> Path:
    (folder / "net.onnx").write_text("\n<!doctype html><title>404</title>")
    return folder / "net.onnx"


def a_pointer(folder: Path) -> Path:
    (folder / "net.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    return folder / "net.onnx"


def truncated(folder: Path) -> Path:
    path = ddcolor_net(folder / "net.onnx", (64, 64))
    path.write_bytes(path.read_bytes()[:-40])
    return path


def with_data_beside(folder: Path) -> Path:
    path = lightness_net(folder / "net.onnx", (64, 64))
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
        convert_attribute=True,
    )
    return path


def without_its_data(folder: Path) -> Path:
    path = with_data_beside(folder)
    (folder / "weights.bin").unlink()
    return path


def with_data_cut_short(folder: Path) -> Path:
    path = with_data_beside(folder)
    data = folder / "weights.bin"
    data.write_bytes(data.read_bytes()[:-4])
    return path


def reaching_out(folder: Path) -> Path:
    path = without_its_data(folder)
    path.write_bytes(path.read_bytes().replace(b"weights.bin", b"../../a.bin"))
    return path


def of_whole_numbers(folder: Path) -> Path:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.INT64, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [1, 3, 64, 64])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "net.onnx")
    return folder / "net.onnx"


def of_unknown_operations(folder: Path) -> Path:
    make = Maker()
    make.add("Frobnicate", ["x"], "y", domain="org.example")
    graph = helper.make_graph(
        make.nodes,
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 64, 64])],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("org.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "net.onnx")
    return folder / "net.onnx"


def with_nan_inside(folder: Path) -> Path:
    path = ddcolor_net(folder / "net.onnx", (64, 64))
    model = onnx.load(path)
    last = model.graph.initializer[-1]
    last.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(last), np.nan), last.name))
    onnx.save(model, path)
    return path


def giving_nan(folder: Path) -> Path:
    make = Maker()
    make.mixed(make.add("Log", [make.affine("x", [1] * 3, [-9] * 3)]), [[1, 0, 0], [0, 1, 0]], [0, 0], "y")
    return make.save(folder / "net.onnx", {"x": [1, 3, 64, 64]}, {"y": [1, 2, 64, 64]})


def a_classifier(folder: Path) -> Path:
    make = Maker()
    make.add("GlobalAveragePool", ["x"], "y")
    return make.save(folder / "net.onnx", {"x": [1, 3, 64, 64]}, {"y": [1, 3, 1, 1]})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (a_pickle, "net.pth: a PyTorch checkpoint, .* never opened here; export the network to ONNX"),
        (a_torch_archive, "net.onnx: a PyTorch checkpoint, .* never opened here; export the network to ONNX"),
        (of_another_program(".ckpt"), "net.ckpt: a PyTorch checkpoint, .* never opened here; export"),
        (of_another_program(".h5"), "net.h5: a Keras model, .* never opened here; export"),
        (of_another_program(".safetensors"), "net.safetensors: weights alone, .* never opened here; export"),
        (a_global_variant, "ideepcolor's global variant, .* layer written in Python .*; take the local variant"),
        (an_archive, "net.onnx: a ZIP archive; unpack it"),
        (text, "net.onnx: text, not an ONNX model"),
        (empty, "net.onnx: empty"),
        (a_web_page, "net.onnx: a web page"),
        (a_pointer, "net.onnx: a pointer of Git LFS"),
        (truncated, "net.onnx: truncated, or no ONNX model"),
        (without_its_data, "net.onnx: its tensors are in weights.bin, which is not beside it; put both"),
        (with_data_cut_short, "net.onnx: .* weights.bin, which is truncated; 4 of [0-9]+ bytes are missing"),
        (reaching_out, "net.onnx: refers to a file outside its folder"),
        (of_whole_numbers, "is of int64, and pictures come as float32"),
        (of_unknown_operations, "net.onnx: .* cannot load this network .*Frobnicate"),
        (with_nan_inside, "net.onnx: its weights .* hold NaN; the file is damaged"),
        (giving_nan, "net.onnx: .*values that are no numbers"),
        (a_classifier, "net.onnx: gives no picture like the one it is fed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_one_line_says_what_it_is_and_what_to_do(
    make: Callable[[Path], Path], said: str, colorize: Command, tmp_path: Path
) -> None:
    path = make(tmp_path)
    done = colorize("weights", "import", path.name, "--name", "mine")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert re.search(said, lines[0]), lines[0]
    assert not (tmp_path / "unpickled").exists()
    assert "mine" not in colorize("weights", "list").stdout


@pytest.mark.usefixtures("photo")
@pytest.mark.parametrize(("engine", "kind"), [("opencv", np.int8), ("onnxruntime", np.uint8)])
def test_integers_that_a_runtime_cannot_run_are_named(
    engine: str, kind: type, colorize: Command, tmp_path: Path
) -> None:
    """Quantized files come in forms that one runtime knows and another does not."""
    make = Maker()
    whole = make.add("Cast", [make.affine("x", [127] * 3, [0] * 3)], to=TensorProto.INT8)
    weights = make.constant(np.ones((2, 3, 1, 1)), kind)
    one, zero = make.constant(1.0), make.constant(0, np.int8)
    if kind is np.int8:
        summed = make.add("ConvInteger", [whole, weights])
    else:
        summed = make.add("QLinearConv", [whole, one, zero, weights, one, make.constant(0, kind), one, zero])
    make.add("Cast", [summed], "y", to=TensorProto.FLOAT)
    make.save(tmp_path / "net.onnx", {"x": [1, 3, 64, 64]}, {"y": [1, 2, 64, 64]})
    descriptor = {"family": "grey-rgb-to-ab", "inputs": [{"holds": "grey-rgb"}], "output": {"holds": "ab"}}
    (tmp_path / "net.colorize.json").write_text(json.dumps({**descriptor, "size": {"fixed": 64}}))
    done = colorize("photo.png", "--model", "net.onnx", "--engine", engine)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert re.search("cannot load this network .*(ConvInteger|QLinearConv).*try --engine ", done.stderr), done.stderr
    others = [each for each in ("opencv", "onnxruntime", "openvino") if each != engine]
    done = colorize("photo.png", "--model", "net.onnx", "--engine", others[1])
    assert done.returncode == 0, done.stderr


def test_a_protobuf_beyond_its_limit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lightness_net(tmp_path / "net.onnx")
    monkeypatch.setattr(onnx_file, "LARGEST_PROTOBUF", 100)
    with pytest.raises(WeightsError, match=r"more than the 100 .* external data \(save_as_external_data\)"):
        read_onnx_file(path)


def test_a_model_that_hangs_or_dies_takes_nothing_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from colorizer.engines import EngineRequest
    from colorizer.networks.described.files import model_of
    from colorizer.networks.descriptor.reading import parse_descriptor

    contract = CONTRACTS[0]
    path = contract.make(tmp_path / "net.onnx")
    model = model_of({"onnx": path}, parse_descriptor(contract.descriptor, "made"), "net")
    monkeypatch.setattr(child, "SECONDS", 0.05)
    with pytest.raises(WeightsError, match="did not load and run within 0 s"):
        child.in_child("answer", model, EngineRequest())
    monkeypatch.setattr(child, "SECONDS", 60)
    for death, said in (("os.kill(os.getpid(), 11)", "signal 11"), ("os._exit(3)", "status 3")):
        folder = tmp_path / said.replace(" ", "-")
        folder.mkdir()
        # found before the package's own dependencies, as a runtime that crashes when it is imported
        for name in ("onnxruntime", "openvino", "cv2"):
            (folder / f"{name}.py").write_text(f"import os\n{death}\n")
        monkeypatch.syspath_prepend(str(folder))
        with pytest.raises(WeightsError, match=f"crashed the runtime that loaded it.*{said}"):
            child.in_child("answer", model, EngineRequest())


def mutated(data: bytes, seed: int) -> bytes:
    """Some bytes changed, taken out, or put in."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(changed)))
        kind = rng.integers(4)
        if kind == 0:
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[place] = int(rng.choice([0, 1, 127, 128, 255]))
        elif kind == 2:
            del changed[place : place + int(rng.integers(1, 9))]
        else:
            changed[place:place] = bytes(rng.integers(0, 256, int(rng.integers(1, 9)), np.uint8))
    return bytes(changed)


_OPERATIONS = (
    "Add",
    "Concat",
    "Conv",
    "Identity",
    "Log",
    "Loop",
    "MatMul",
    "Relu",
    "Reshape",
    "Resize",
    "Softmax",
)


def rewired(data: bytes, seed: int) -> bytes:
    """A file in good form whose graph is changed in places: operations, wires, shapes, types, attributes, weights."""
    rng = np.random.default_rng(seed)
    model = onnx.load_from_string(data)
    graph = model.graph
    for _ in range(int(rng.integers(1, 4))):
        node, tensor = (each[int(rng.integers(len(each)))] for each in (graph.node, graph.initializer))
        names = [name for each in graph.node for name in (*each.input, *each.output)]
        declared = (*graph.input, *graph.output)[int(rng.integers(len(graph.input) + len(graph.output)))]
        kind = rng.integers(8)
        if kind == 0:
            node.op_type = str(rng.choice(_OPERATIONS))
        elif kind == 1:
            node.input[int(rng.integers(len(node.input)))] = str(rng.choice(names))
        elif kind == 2 and tensor.dims:
            tensor.dims[int(rng.integers(len(tensor.dims)))] = int(rng.choice([-1, 0, 1, 2, 7, 2**31, 2**62]))
        elif kind == 3:
            tensor.data_type = int(rng.integers(0, 24))
        elif kind == 4:
            sides = declared.type.tensor_type.shape.dim
            sides[int(rng.integers(len(sides)))].dim_value = int(rng.choice([-1, 0, 1, 3, 5, 63, 2**40]))
        elif kind == 5:
            declared.type.tensor_type.elem_type = int(rng.integers(0, 24))
        elif kind == 6 and node.attribute:
            del node.attribute[:]
        else:
            content = bytearray(tensor.raw_data)
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
            tensor.raw_data = bytes(content)
    return bytes(model.SerializeToString())


Change = Callable[[bytes, int], bytes]


def try_mutations(change: Change, seeds: range, folder: Path, colorize: Command) -> None:
    makers = [contract.make for contract in CONTRACTS]
    for seed in seeds:
        path = makers[seed % len(makers)](folder / "net.onnx")
        path.write_bytes(change(path.read_bytes(), seed))
        try:
            read_onnx_file(path)
        except ColorizerError:
            continue  # most are refused before anything native sees them
        descriptor = CONTRACTS[seed % len(makers)].descriptor
        (folder / "net.colorize.json").write_text(json.dumps(descriptor))
        done = colorize("photo.png", "-o", f"{seed}.png", "--model", "net.onnx")
        assert done.returncode in (0, 2), (seed, done.stderr)
        assert "Traceback" not in done.stderr, (seed, done.stderr)
        if done.returncode:
            assert len(done.stderr.splitlines()) == 1, (seed, done.stderr)


@pytest.fixture
def photo(photographs: list[Path], tmp_path: Path) -> None:
    with Image.open(photographs[2]) as picture:
        picture.thumbnail((80, 60))
        picture.convert("L").save(tmp_path / "photo.png")


@pytest.mark.usefixtures("photo")
@pytest.mark.parametrize(("change", "count"), [(mutated, 30), (rewired, 4)])
def test_mutated_models_end_in_a_picture_or_in_a_line(
    change: Change, count: int, colorize: Command, tmp_path: Path
) -> None:
    try_mutations(change, range(count), tmp_path, colorize)


@pytest.mark.slow
@pytest.mark.usefixtures("photo")
@pytest.mark.parametrize("change", [mutated, rewired])
@pytest.mark.parametrize("part", range(5))
def test_five_hundred_mutated_models(part: int, change: Change, colorize: Command, tmp_path: Path) -> None:
    try_mutations(change, range(1000 + 50 * part, 1050 + 50 * part), tmp_path, colorize)
