"""`colorize train`: what it tells, what it refuses, and from photographs to coloured ones, end to end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import PHOTOS, Command, run_python

from colorizer.training.catalog import TRAINABLE

SHARE = "0.25"


def without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photographs, cut from those of the tests."""
    folder = tmp_path_factory.mktemp("album")
    rng = np.random.default_rng(4)
    photographs = sorted(PHOTOS.glob("*.jpg"))
    for number in range(40):
        pixels = np.asarray(cv2.imread(str(photographs[number % len(photographs)])))
        top, left = (int(rng.integers(side - 100)) for side in pixels.shape[:2])
        assert cv2.imwrite(str(folder / f"photo-{number:02}.png"), pixels[top : top + 100, left : left + 100])
    return folder


def test_the_list_tells_of_every_network_without_pytorch(colorize: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pytorch(monkeypatch)
    done = colorize("train", "--list")
    assert done.returncode == 0
    for which in TRAINABLE.values():
        row = next(line for line in done.stdout.splitlines() if re.match(rf"{which.name}\s", line))
        assert f"{which.count:,}" in row
        assert which.source in done.stdout
    details = colorize("train", "--list", "unet-gan").stdout
    assert "2,765,633" in details
    assert "  plain = 100.0\n" in details


def test_without_pytorch_a_line_says_how_to_install_it(
    colorize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pytorch(monkeypatch)
    done = colorize("train", "alpha", PHOTOS, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr == (
        "colorize: training needs PyTorch, which is not installed; pip install 'colorize-photos[train]'\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gamma", PHOTOS, "--out", "out"), "no network that can be trained; there are autoencoder, "),
        (("alpha", PHOTOS), "a folder for what comes out is wanted: --out DIR"),
        (("alpha",), "a network and photographs are wanted"),
        (("alpha", PHOTOS, "--out", "out", "--size", "100"), "--size 100: alpha takes multiples of 8 pixels alone"),
        (("autoencoder", PHOTOS, "--out", "out", "--size", "64"), "takes 128 x 128 pixels alone"),
        (("alpha", PHOTOS, "--out", "out", "--set", "depth=3"), "--set: depth is no part of this network's recipe"),
        (("alpha", PHOTOS, "--out", "out", "--set", "loss"), "--set loss: expected NAME=VALUE"),
        (("lite", PHOTOS, "--out", "out", "--set", "teaching=0.5"), "teachers and their share of the loss"),
        (
            ("alpha", PHOTOS, "--out", "out", "--validation-share", "1"),
            "--validation-share 1.0: expected a number from 0 to",
        ),
        (("color-gan", PHOTOS, "--out", "out", "--batch", "1"), "--batch 1: color-gan needs 2 pictures at a time"),
        (("alpha", PHOTOS, "--out", "out", "--rate", "0"), "rate=0.0: must be above 0"),
        (("lite", PHOTOS, "--out", "out", "--set", "mixed_sizes=yes"), "mixed_sizes=yes: needs sizes to mix"),
        (("alpha", PHOTOS, "--out", "out", "--set", "largest_crop=0.5"), "smallest_crop=1: must not be above"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(
    colorize: Command, arguments: tuple[str | os.PathLike[str], ...], words: str
) -> None:
    done = colorize("train", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_and_other_commands_load_nothing_of_training(tmp_path: Path) -> None:
    code = """
import sys
import time
from colorizer.cli.main import run
run(["--help"]); run(["train", "--help"]); run(["train", "--list"])
print([name for name in sys.modules if name.partition(".")[0] in ("torch", "onnx", "timm")], file=sys.stderr)
"""
    done = run_python(code, tmp_path)
    assert done.stderr.endswith("[]\n")


def test_without_what_writes_onnx_it_is_said_before_anything_is_trained(
    colorize: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    done = colorize("train", "alpha", PHOTOS, "--out", "out")
    assert done.returncode == 2
    assert done.stderr == (
        "colorize: writing a trained network needs onnxscript, which is not installed; "
        "pip install 'colorize-photos[train]'\n"
    )
    assert not (tmp_path / "out").exists()


def photographs_are_refused(colorize: Command, folder: Path, *more: str) -> str:
    pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
    done = colorize("train", "alpha", folder, "--out", "out", "--size", "32", "--steps", "1", *more)
    assert done.returncode == 2
    return done.stderr.splitlines()[-1]


def test_photographs_that_cannot_teach_are_refused_with_the_remedy(colorize: Command, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    assert "no colour photographs, too few" in photographs_are_refused(colorize, folder)
    grey = np.asarray(cv2.imread(str(PHOTOS / "dahlia.jpg"), cv2.IMREAD_GRAYSCALE))[:64, :64]
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), grey)
    assert "all photographs are grey, and there are no colours to learn" in photographs_are_refused(colorize, folder)
    (folder / "a.jpg").write_bytes((PHOTOS / "dahlia.jpg").read_bytes())
    assert "1 colour photograph, too few" in photographs_are_refused(colorize, folder)
    (folder / "b.jpg").write_bytes((PHOTOS / "panda.jpg").read_bytes())
    told = photographs_are_refused(colorize, folder, "--validation-share", "0")
    assert "none of 2 photographs is kept for validation" in told
    assert "--validation-share" in told
    assert "--validate" in told


@pytest.mark.parametrize("name", ["alpha", "ae-lab"])
def test_forty_photographs_train_a_network_that_colours(
    colorize: Command, tmp_path: Path, album: Path, name: str
) -> None:
    pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
    pytest.importorskip("onnxscript", reason="an extra's package")
    command = ("train", name, album, "--out", tmp_path / "trained", "--size", "32", "--batch", "8", "--threads", "1")
    done = colorize(*command, "--validation-share", SHARE, "--steps", "30")
    assert done.returncode == 0, done.stderr
    assert "photographs to learn from" in done.stderr
    assert "kept: step" in done.stderr
    files = {path.name for path in (tmp_path / "trained").iterdir()}
    assert files == {"checkpoint.pth", "log.csv", "report.html", f"{name}.onnx", f"{name}.colorize.json"}
    descriptor = json.loads((tmp_path / "trained" / f"{name}.colorize.json").read_text())
    assert descriptor["size"] == {"default": 32, "step": 8}

    # it colours as any other network does
    (tmp_path / "photo.png").write_bytes((album / "photo-03.png").read_bytes())
    colored = colorize("photo.png", "--model", "trained", "-o", "colored.png")
    assert colored.returncode == 0, colored.stderr
    result = np.asarray(cv2.imread(str(tmp_path / "colored.png"))).astype(int)
    assert result.shape == (100, 100, 3)
    assert np.ptp(result, axis=2).max() > 4
    measured = colorize("evaluate", album / "photo-03.png", album / "photo-04.png", "--model", "trained", "--json")
    assert measured.returncode == 0, measured.stderr

    # and the same command goes on, with more steps
    again = colorize(*command, "--validation-share", SHARE, "--steps", "31")
    assert "going on after 30 steps" in again.stderr
    other = colorize(*command, "--validation-share", SHARE, "--steps", "31", "--rate", "0.1")
    assert other.returncode == 2
    assert "rate differ" in other.stderr
    assert "choose another folder with --out" in other.stderr

    page = (tmp_path / "trained" / "report.html").read_text()
    assert page.count("<svg") == 8
    assert page.count("data:image/jpeg;base64") % 3 == 0
    assert "http" not in re.sub(r"data:[^\"]+", "", page)
    assert "is worth little" in page


@pytest.mark.slow
def test_lite_learns_an_album_from_what_ships_and_comes_out_as_its_pair(
    colorize: Command, tmp_path: Path, album: Path
) -> None:
    pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
    command = ("train", "lite", album, "--start", "lite", "--out", tmp_path / "album", "--size", "64", "--batch", "4")
    small = (
        "--set",
        "mosaic=0.5",
        "--set",
        "mixed_sizes=yes",
        "--set",
        "sizes=64,96",
        "--set",
        "edges=1",
        "--set",
        "skin=1",
    )
    done = colorize(*command, *small, "--steps", "4", "--validation-share", SHARE, "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert {"lite.prototxt", "lite.caffemodel"} < {path.name for path in (tmp_path / "album").iterdir()}
    colored = colorize(album / "photo-03.png", "--model", tmp_path / "album", "-o", "out.png")
    assert colored.returncode == 0, colored.stderr
    # another run may begin from it
    more = colorize(
        *("train", "lite", album, "--start", tmp_path / "album", "--out", tmp_path / "more", "--size", "64"),
        *("--batch", "4", "--steps", "1", "--validation-share", SHARE, "--threads", "1"),
    )
    assert more.returncode == 0, more.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_stops_in_good_order_and_the_same_command_goes_on(
    tmp_path: Path, album: Path, command_environment: dict[str, str]
) -> None:
    pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")
    command = [sys.executable, "-m", "colorizer", "train", "alpha", str(album), "--out", "trained", "--size", "32"]
    command += ["--batch", "4", "--threads", "1", "--patience", "0", "--save-every", "0.001", "--steps"]
    environment = command_environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    checkpoint = tmp_path / "trained" / "checkpoint.pth"
    with subprocess.Popen(
        [*command, "1000000"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "colorize: stopped; the same command goes on from trained"
    again = subprocess.run(
        [*command, "1"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert again.returncode == 0, again.stderr
    assert re.search(r"going on after \d+ steps", again.stderr)
