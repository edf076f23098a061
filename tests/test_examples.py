"""The examples of the Python API run as they are printed: those of docstrings, and those of the pages."""

from __future__ import annotations

import doctest
import importlib
import re
import runpy
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest
import tifffile

ROOT = Path(__file__).parent.parent
GREYS = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
RESULTS = {
    "README.md": ["street.color.png"],
    "docs/formats.md": ["album.color.tif"],
    "docs/guidance.md": ["street.color.png"],
    "docs/python.md": ["street.color.png", "street.color.jpg", "street.vivid.png"],
    "docs/video.md": ["film.color.mp4"],
}
"""Pages with examples in Python, and the files that they write."""
TRAINING = "docs/training.md"
"""Its example takes PyTorch, and half an hour."""


def make_inputs(folder: Path) -> None:
    """The files that examples of the pages read."""
    cv2.imwrite(str(folder / "street.jpg"), GREYS)
    tifffile.imwrite(folder / "album.tif", np.stack([GREYS, GREYS[:, ::-1]]), photometric="minisblack")
    with av.open(str(folder / "film.mp4"), "w") as film:
        stream = film.add_stream("libx264", Fraction(24), width=96, height=64, pix_fmt="yuv420p")
        for shift in range(3):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(GREYS, shift, 1), "gray")))
        film.mux(stream.encode())


@pytest.mark.parametrize("page", RESULTS)
def test_examples_in_pages(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for example in examples:
        (tmp_path / "example.py").write_text(example, encoding="utf-8")
        runpy.run_path("example.py")
    assert all((tmp_path / name).stat().st_size for name in RESULTS[page])


def test_all_pages_with_examples_are_tried() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    found = {page.relative_to(ROOT).as_posix() for page in pages if "```python" in page.read_text(encoding="utf-8")}
    assert found == set(RESULTS) | {TRAINING}


def test_the_example_of_training_asks_for_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = importlib.import_module("colorizer.training.run")
    asked: list[Any] = []

    def train(request: Any) -> SimpleNamespace:
        asked.append(request)
        return SimpleNamespace(best=0.9)

    monkeypatch.setattr(run, "train", train)
    example = re.search(r"^```python\n(.*?)^```", (ROOT / TRAINING).read_text(encoding="utf-8"), re.M | re.S)
    assert example
    (tmp_path / "example.py").write_text(example[1], encoding="utf-8")
    runpy.run_path(str(tmp_path / "example.py"))
    assert [(request.network, request.start, request.minutes) for request in asked] == [("lite", "lite", 30)]


@pytest.mark.parametrize(
    "name",
    [
        "colorizer",
        "colorizer.colorizer",
        "colorizer.errors",
        "colorizer.film",
        "colorizer.guidance",
        "colorizer.guidance.session",
        "colorizer.media",
        "colorizer.networks.distribution",
        "colorizer.one_call",
        "colorizer.settings",
    ],
)
def test_examples_in_docstrings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed, capsys.readouterr().out
    assert not list(tmp_path.iterdir())  # examples tidy up
