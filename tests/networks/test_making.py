"""What results say of their making: one schema, in XMP and in reports; and what puts a folder out of date."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import numpy as np
import onnx
import pytest
from conftest import Command
from in_process import run_in_process
from made_networks import CONTRACTS
from onnx.external_data_helper import convert_model_to_external_data
from PIL import Image

import colorizer
from colorizer.networks.descriptor.reading import parse_descriptor
from colorizer.networks.store import packaged_weights

SCHEMA = json.loads((Path(colorizer.__file__).parent / "networks" / "making.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MAKING = "{https://pypi.org/project/colorize-photos/xmp/1.0/}Making"

ENGINE = ("--engine", "onnxruntime", "--device", "cpu", "--precision", "fp32")


def in_xmp(path: Path) -> dict[str, Any] | None:
    """What the XMP of a file says."""
    (packet,) = re.findall(rb"<x:xmpmeta.*?</x:xmpmeta>", path.read_bytes(), re.DOTALL)
    found = list(ElementTree.fromstring(packet).iter(MAKING))  # noqa: S314 - our own packet
    assert len(found) <= 1
    made: dict[str, Any] | None = json.loads(str(found[0].text)) if found else None
    return made


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def photo(tmp_path: Path, photographs: list[Path]) -> Path:
    with Image.open(photographs[0]) as picture:
        picture.thumbnail((96, 96))
        for name in ("photo.png", "photo.jpg"):
            picture.convert("L").save(tmp_path / name)
    return tmp_path / "photo.png"


@pytest.mark.usefixtures("photo")
def test_the_built_in_network_says_what_it_is_and_how_it_was_set(colorize: Command, tmp_path: Path) -> None:
    arguments = ("--model", "lite", "--fast", "--saturation", "1.5", "--temperature", "0.7", *ENGINE)
    done = colorize("photo.png", "photo.jpg", "--report", "-", *arguments)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line)["making"] for line in done.stdout.splitlines()]
    for name, reported in zip(("photo.color.png", "photo.color.jpg"), lines, strict=True):
        made = in_xmp(tmp_path / name)
        assert made is not None
        VALIDATOR.validate(made)
        assert str(tmp_path) not in json.dumps(made)
        # the JPEG keeps its own luma, and says so
        assert made.pop("notes", []) == (["luma coefficients kept"] if name.endswith("jpg") else [])
        assert made == reported
        original = tmp_path / name.replace(".color", "")
        assert made["source"] == {"name": original.name, "sha256": sha256(original)}
        folder = packaged_weights()
        for file in made["model"]["files"]:
            assert file["sha256"] == sha256(next(folder.rglob(file["name"])))
        assert made["settings"] == {
            "size": [224],
            "fit": "stretch",
            "saturation": 1.5,
            "strength": 1.0,
            "keep_color": False,
            "compat": False,
            "temperature": 0.7,
        }
        assert (made["engine"]["device"], made["engine"]["precision"]) == ("cpu", "fp32")
        assert made["engine"]["name"].startswith("ONNX Runtime ")
    colorize("photo.png", "-o", "bare.png", "--no-mark", *ENGINE)
    assert MAKING.rpartition("}")[2].encode() not in (tmp_path / "bare.png").read_bytes()


@pytest.mark.usefixtures("photo")
def test_a_described_network_says_its_files_and_its_descriptor(colorize: Command, tmp_path: Path) -> None:
    contract = next(each for each in CONTRACTS if each.name == "C4-dyn")
    model = onnx.load(contract.make(tmp_path / "whole.onnx"))
    convert_model_to_external_data(model, location="net.data", size_threshold=0)
    onnx.save(model, tmp_path / "net.onnx")
    descriptor = contract.descriptor | {"licence": {"weights": "Apache-2.0"}}
    (tmp_path / "net.colorize.json").write_text(json.dumps(descriptor))
    done = colorize("photo.png", "-o", "out.png", "--model", "net.onnx", *ENGINE)
    assert done.returncode == 0, done.stderr
    made = in_xmp(tmp_path / "out.png")
    assert made is not None
    VALIDATOR.validate(made)
    files = [{"name": name, "sha256": sha256(tmp_path / name)} for name in ("net.onnx", "net.data")]
    assert made["model"] == {
        "name": "net",
        "family": "grey-rgb-to-ab",
        "files": files,
        "descriptor": descriptor,
        "licence": "Apache-2.0",
    }
    assert parse_descriptor(made["model"]["descriptor"], "read back") == parse_descriptor(descriptor, "written")
    assert "temperature" not in made["settings"]


def test_a_folder_is_done_again_when_a_file_of_the_model_or_its_descriptor_changes(
    colorize: Command, tmp_path: Path
) -> None:
    (tmp_path / "scans").mkdir()
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))).save(tmp_path / "scans" / "a.png")
    contract = next(each for each in CONTRACTS if each.name == "C4-dyn")
    model = onnx.load(contract.make(tmp_path / "whole.onnx"))
    convert_model_to_external_data(model, location="net.data", size_threshold=0)
    onnx.save(model, tmp_path / "net.onnx")
    described = tmp_path / "net.colorize.json"
    described.write_text(json.dumps(contract.descriptor))
    out = tmp_path / "colored" / "a.png"

    def made_again() -> bool:
        before = out.stat().st_mtime_ns if out.exists() else 0
        done = colorize("scans", "-o", "colored", "--update", "--jobs", "1", "--model", "net.onnx", *ENGINE)
        assert done.returncode == 0, done.stderr
        return out.stat().st_mtime_ns != before

    assert made_again()
    assert not made_again()
    # the numbers lie in a file of their own; the model beside them stays as it is
    data = bytearray((tmp_path / "net.data").read_bytes())
    data[3] ^= 1
    (tmp_path / "net.data").write_bytes(data)
    assert made_again()
    described.write_text(json.dumps(contract.descriptor | {"output": contract.descriptor["output"] | {"scale": 0.5}}))
    assert made_again()
    assert not made_again()


def test_every_page_of_a_tiff_names_the_file_that_it_is_of(colorize: Command, tmp_path: Path) -> None:
    pages = [Image.new("L", (40, 30), tone) for tone in (60, 180)]
    (tmp_path / "box").mkdir()
    source = tmp_path / "box" / "album.tif"
    pages[0].save(source, save_all=True, append_images=pages[1:])
    done = colorize("box/album.tif", "-o", "out.tif", "--model", "lite", "--fast", *ENGINE)
    assert done.returncode == 0, done.stderr
    marks = re.findall(rb"<x:xmpmeta.*?</x:xmpmeta>", (tmp_path / "out.tif").read_bytes(), re.DOTALL)
    found = [ElementTree.fromstring(mark).find(f".//{MAKING}") for mark in marks]  # noqa: S314 - our own packet
    said = [json.loads(str(one.text))["source"] for one in found if one is not None]
    assert said == [{"name": "album.tif", "sha256": sha256(source)}] * 2


def test_a_pipe_names_its_file_where_there_is_one(colorize: Command, photo: Path, tmp_path: Path) -> None:
    arguments = ("--model", "lite", "--fast", *ENGINE)
    assert colorize("-", "-o", "unnamed.png", *arguments, stdin=photo.read_bytes()).returncode == 0
    made = in_xmp(tmp_path / "unnamed.png")
    assert made is not None
    assert "source" not in made
    once = colorize_bytes(tmp_path, "photo.png", "-o", "-", *arguments)
    (tmp_path / "named.png").write_bytes(once)
    made = in_xmp(tmp_path / "named.png")
    assert made is not None
    assert made["source"] == {"name": "photo.png", "sha256": sha256(photo)}
    assert colorize("photo.png", "-o", "file.png", *arguments).returncode == 0
    assert (tmp_path / "file.png").read_bytes() == once


def colorize_bytes(folder: Path, *arguments: str) -> bytes:
    """What the command writes to stdout."""
    environment = dict(os.environ)
    return run_in_process(arguments, cwd=folder, environment=environment, stdin=b"").stdout
