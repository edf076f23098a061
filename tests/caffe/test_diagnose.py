"""Each file that is no Caffe file is called by its name."""

from __future__ import annotations

import gzip
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import caffe_by_hand as hand
import numpy as np
import pytest

from colorizer.caffe.caffemodel import read_caffemodel
from colorizer.caffe.diagnose import FileKind, diagnose
from colorizer.caffe.network import read_network
from colorizer.cli.wording import worded
from colorizer.errors import WeightsError

CAFFEMODEL = hand.tiny_caffemodel(hand.tiny_weights())
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"f5" * 32 + b"\nsize 128946764\n"
ONNX = b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + hand.sized(7, b"a graph") + hand.sized(8, hand.number(2, 17))
BOTH: list[FileKind] = ["caffemodel", "prototxt"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The name under which people have such files."""
    return tmp_path / "release v2.caffemodel"


def message_about(path: Path, meant: FileKind = "caffemodel") -> str:
    """What a reader says: one line, with the file in it."""
    with pytest.raises(WeightsError) as caught:
        (read_caffemodel if meant == "caffemodel" else read_network)(path)
    message = worded(caught.value)
    assert str(path) in message or str(path).replace("\n", "\\n") in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("meant", BOTH)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LFS_POINTER, "Git LFS pointer"),
        (b"\xef\xbb\xbf  \r\n\n<!DOCTYPE html>\n<html><head><title>Quota exceeded", "web page"),
        (b"<HTML>\n<BODY>404 Not Found", "web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "web page"),
        (b"\xfd7zXZ\x00\x00", "xz archive"),
        (b"7z\xbc\xaf\x27\x1c\x00", "7-Zip archive"),
        (ONNX, "ONNX model"),
        (pickle.dumps({"model8.6.weight": [1.0]}, protocol=2), "PyTorch model"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG picture"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 file"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (b"%PDF-1.7", "PDF document"),
    ],
)
def test_a_file_is_known_by_its_beginning(content: bytes, words: str, meant: FileKind, path: Path) -> None:
    path.write_bytes(content)
    assert words in message_about(path, meant)


@pytest.mark.parametrize("meant", BOTH)
def test_a_missing_file(meant: FileKind, path: Path) -> None:
    assert "does not exist" in message_about(path, meant)


@pytest.mark.parametrize("meant", BOTH)
def test_an_empty_file(meant: FileKind, path: Path) -> None:
    path.touch()
    assert "is empty" in message_about(path, meant)


@pytest.mark.parametrize("meant", BOTH)
def test_a_folder(meant: FileKind, tmp_path: Path) -> None:
    assert "is a folder" in message_about(tmp_path, meant)


def test_a_path_that_no_system_can_hold() -> None:
    with pytest.raises(WeightsError, match="cannot read"):
        diagnose(Path("null\0byte"))


def test_a_name_with_a_line_break_stays_on_one_line(tmp_path: Path) -> None:
    assert r"two\nlines" in message_about(tmp_path / "two\nlines.caffemodel")


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.gz"])
def test_gzip_comes_with_a_command_that_unpacks_it(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"release{suffix}"
    path.write_bytes(gzip.compress(CAFFEMODEL))
    message = message_about(path)
    assert "gzip" in message
    packed = path if suffix.endswith(".gz") else path.rename(f"{path}.gz")
    assert f"-m gzip -d {packed}" in message
    subprocess.run([sys.executable, "-m", "gzip", "-d", packed], check=True)
    assert len(read_caffemodel(tmp_path / "release.caffemodel").layers) == len(hand.TINY_SHAPES)


def test_zip_comes_with_a_command_that_unpacks_it(tmp_path: Path) -> None:
    path = tmp_path / "release.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("release.caffemodel", CAFFEMODEL)
    message = message_about(path)
    assert "is a zip archive" in message
    assert f"-m zipfile -e {path} {tmp_path}" in message
    subprocess.run([sys.executable, "-m", "zipfile", "-e", path, tmp_path], check=True)
    assert len(read_caffemodel(tmp_path / "release.caffemodel").layers) == len(hand.TINY_SHAPES)


def test_a_command_quotes_a_name_with_spaces(path: Path) -> None:
    path.write_bytes(gzip.compress(CAFFEMODEL))
    quote = '"' if os.name == "nt" else "'"
    assert f"gzip -d {quote}{path}.gz{quote}" in message_about(path)


def test_half_a_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 and no more")
    assert "damaged zip archive" in message_about(path)


def test_a_pth_of_todays_form_is_a_zip_and_not_called_one(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("release-9b330a0b/data.pkl", pickle.dumps({}))
        archive.writestr("release-9b330a0b/version", "3")
    assert "PyTorch model" in message_about(path)


def test_a_prototxt_in_place_of_the_weights(path: Path) -> None:
    for text in (hand.TINY_PROTOTXT, "# a comment\n\ninput: 'data_l'\ninput_dim: 1", '\ufefflayer{ name: "x" }'):
        path.write_text(text, encoding="utf-8")
        assert "is a prototxt, not a network's weights" in message_about(path)


@pytest.mark.parametrize("content", [CAFFEMODEL, hand.layer("a", "ReLU"), hand.v1_layer("a", 18)])
def test_weights_in_place_of_the_prototxt(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert "is a caffemodel, not a network's description" in message_about(path, "prototxt")


def test_binary_of_no_known_kind_is_no_prototxt(path: Path) -> None:
    path.write_bytes(b"\x01\x02\x03\x00")
    assert "is no text" in message_about(path, "prototxt")


def test_other_text_in_place_of_the_weights_is_refused(path: Path) -> None:
    path.write_text("Sorry, the file you asked for is no longer here.\n")
    assert "no intact caffemodel" in message_about(path)


def test_noise_is_refused(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(100_000))
    assert "no intact caffemodel" in message_about(path)


@pytest.mark.parametrize(("content", "meant"), [(CAFFEMODEL, "caffemodel"), (hand.TINY_PROTOTXT.encode(), "prototxt")])
def test_the_right_file_passes(content: bytes, meant: FileKind, path: Path) -> None:
    path.write_bytes(content)
    diagnose(path, meant)


@pytest.mark.parametrize("meant", BOTH)
def test_a_device(meant: FileKind) -> None:
    assert "no regular file" in message_about(Path(os.devnull), meant)
