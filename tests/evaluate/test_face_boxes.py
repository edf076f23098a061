"""Faces of a set: boxes read and moved, medians and their intervals, and the rows of the table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluations import QUICK, Listening
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from colorizer.cli.main import run
from colorizer.errors import InputError, UsageError
from colorizer.evaluate.faces import FaceBoxes, FaceSums, read_boxes, weighted_median
from colorizer.evaluate.figures import FACE_FIGURES, FIGURES
from colorizer.evaluate.protocol import DDCOLOR, NATIVE, ZHANG16
from colorizer.evaluate.run import Options, evaluate
from colorizer.evaluate.sources import PictureSet
from colorizer.metrics.faces import Box, FaceScore


def test_boxes_are_found_by_path_or_by_the_files_name(tmp_path: Path) -> None:
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"a.jpg": [[1, 2, 3, 4], [5.5, 6, 7, 8]], "other/b.jpg": []}))
    boxes = read_boxes(file)
    expected = (Box(1, 2, 3, 4), Box(5.5, 6, 7, 8))
    for name in ("a.jpg", "photos/a.jpg", "C:\\photos\\a.jpg", "set.tar:a.jpg", "set.tar:photos/a.jpg"):
        assert boxes.of(name) == expected
    assert boxes.of("c.jpg") == boxes.of("other/b.jpg") == ()


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"a.jpg": 7},
        {"a.jpg": [1, 2, 3, 4]},
        {"a.jpg": [[1, 2, 3]]},
        {"a.jpg": [[1, 2, 0, 4]]},
        {"a.jpg": [[1, 2, 3, -4]]},
        {"a.jpg": [[1, 2, 3, "4"]]},
        {"a.jpg": [[1, 2, True, 4]]},
    ],
)
def test_what_is_no_box_is_refused_by_name(content: Any, tmp_path: Path) -> None:
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=r"boxes\.json: .*expected \{"):
        read_boxes(file)


def test_a_file_that_is_not_there_or_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_boxes(tmp_path / "none.json")
    (tmp_path / "x.json").write_text('{"a.jpg": [[1, 2, Infinity, 4]')
    with pytest.raises(UsageError, match=r"x\.json: not JSON"):
        read_boxes(tmp_path / "x.json")


@pytest.mark.parametrize("protocol", [NATIVE, ZHANG16, DDCOLOR])
@pytest.mark.parametrize("size", [(120, 90), (90, 120), (300, 300)])
def test_a_box_moves_with_its_picture(protocol: Any, size: tuple[int, int]) -> None:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[40:60, 30:54] = 255
    moved = protocol.moved(Box(30, 40, 24, 20), *size)
    seen = protocol.prepare(pixels)[..., 0] / 255.0
    assert moved.width * moved.height == pytest.approx(seen.sum(), rel=0.02)
    y, x = np.mgrid[0 : seen.shape[0], 0 : seen.shape[1]] + 0.5
    assert moved.left + moved.width / 2 == pytest.approx((seen * x).sum() / seen.sum(), abs=0.1)
    assert moved.top + moved.height / 2 == pytest.approx((seen * y).sum() / seen.sum(), abs=0.1)


@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 4)), min_size=1, max_size=9))
def test_a_weighted_median_is_that_of_the_values_written_out(pairs: list[tuple[float, int]]) -> None:
    values, counts = (np.array(each) for each in zip(*pairs, strict=True))
    written = np.repeat(values, counts)
    (found,) = weighted_median(values.astype(np.float64), counts[:, None].astype(np.float64))
    assert math.isnan(found) if not written.size else found == pytest.approx(np.median(written))


def test_faces_are_told_apart_by_size_and_those_without_a_hue_are_left_out() -> None:
    sums = FaceSums()
    small = [FaceScore(0.1, ratio, hue, 10 * ratio) for ratio, hue in ((0.2, math.nan), (0.4, 20.0), (0.9, 40.0))]
    sums.add(np.array([1.0, 2.0]), small)
    sums.add(np.array([1.0, 0.0]), [FaceScore(0.2, 0.7, 5.0, 3.0)])
    assert (sums.count(large=False), sums.count(large=True)) == (3, 1)
    np.testing.assert_allclose(sums.chroma_ratio(large=False), [0.4, 0.4])
    np.testing.assert_allclose(sums.faded(large=False), [2 / 3, 2 / 3])
    np.testing.assert_allclose(sums.hue_error(large=False), [30, 30])
    np.testing.assert_allclose(sums.ab_error(large=False), [5, 5])
    np.testing.assert_allclose(sums.chroma_ratio(large=True), [0.7, math.nan])
    assert np.isnan(FaceSums().ab_error(large=True)).all()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Pictures with two boxes of one colour each, one small and one large."""
    folder = tmp_path / "people"
    folder.mkdir()
    for number in range(3):
        pixels = np.full((60, 80, 3), 90 + 20 * number, np.uint8)
        pixels[5:35, 5:35] = (200, 150, 120)
        pixels[45:51, 60:66] = (190, 140, 110)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_faces_have_rows_of_their_own_where_they_are_named(people: Path) -> None:
    boxes = FaceBoxes({f"{number}.png": (Box(5, 5, 30, 30), Box(60, 45, 6, 6)) for number in range(2)})
    found = evaluate(PictureSet((people,)), [QUICK], Options(resamples=50, faces=boxes), Listening())
    assert found.figures == (*FIGURES, *FACE_FIGURES)
    assert (found.tally.small_faces, found.tally.large_faces) == (2, 2)
    values = {
        (column.name, figure.key): value
        for column in found.columns
        for figure, value in zip(found.figures, column.values, strict=True)
    }
    for size in ("small", "large"):
        assert values["grey", f"face_chroma_ratio_{size}"].value == 0
        assert values["grey", f"face_faded_{size}"].value == 100
        assert math.isnan(values["grey", f"face_hue_error_{size}"].value)
        error = values["lite", f"face_ab_error_{size}"]
        assert error.low is not None
        assert error.high is not None
        assert error.low <= error.value <= error.high
    assert values["tint, raw", "face_chroma_ratio_large"].value > 0
    assert evaluate(PictureSet((people,)), [QUICK], Options(resamples=50), Listening()).figures == FIGURES


def test_the_command_takes_boxes(people: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"1.png": [[60, 45, 6, 6]]}))
    command = ["evaluate", str(people), "--model", "lite", "--size", "64", "--resamples", "20", "-q"]
    assert run([*command, "--faces", str(boxes)]) == 0
    printed = capfd.readouterr().out
    assert (
        "3 pictures measured; left out: 0 grey, 0 unreadable; 1 small face (below 0.2 of the short side), 0" in printed
    )
    assert "| small faces: chroma ratio " in printed
    assert "nan" not in printed
    boxes.write_text("[]")
    assert run([*command, "--faces", str(boxes)]) == 2
    assert "boxes.json: expected" in capfd.readouterr().err
