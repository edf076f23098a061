"""Encoders on graphics chips: tried, not believed. No chip is here, so an encoder in software stands for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from films import SMALL_VIEW, Picture, Recipe, look, make_film, pan, to_grey

from colorizer.errors import UsageError
from colorizer.film import FilmOptions, hardware
from colorizer.film.hardware import CHIP_ENCODERS, ChipEncoder, chip_encoder, works
from colorizer.film.job import color_video


@pytest.fixture
def fresh() -> Iterator[None]:
    works.cache_clear()
    yield
    works.cache_clear()


@pytest.fixture(scope="module")
def shots(photographs: list[Path]) -> list[Picture]:
    return to_grey(pan(photographs[0], 3))


def test_a_chip_that_does_not_answer_is_passed_over(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ChipEncoder("libx264", ("yuv420p", "yuv420p10le"), lambda crf: {"crf": str(crf)}, "ultrafast")
    broken = ChipEncoder("libx265", ("gray9le",), lambda _: {}, None)
    monkeypatch.setitem(CHIP_ENCODERS, "h264", (*CHIP_ENCODERS["h264"][2:], broken, stand_in))
    assert chip_encoder("h264") is stand_in
    assert not works("h264_nonsense", "yuv420p")


def test_where_no_chip_encodes_that_is_said(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "works", lambda _, __: False)
    with pytest.raises(UsageError, match="none of h264_nvenc, h264_qsv, h264_videotoolbox works"):
        chip_encoder("h264")
    with pytest.raises(UsageError, match="no chip writes ffv1"):
        chip_encoder("ffv1")


@pytest.mark.parametrize("layout", ["yuv420p", "nv12"])
def test_a_film_goes_through_a_chip_with_the_samples_it_has(
    layout: str, fresh: None, monkeypatch: pytest.MonkeyPatch, shots: list[Picture], tmp_path: Path
) -> None:
    lossless = ChipEncoder("libx264", (layout, "p010le"), lambda _: {"qp": "0"}, "ultrafast")
    monkeypatch.setitem(CHIP_ENCODERS, "h264", (lossless,))
    source = make_film(tmp_path / "film.mkv", shots, Recipe(codec="ffv1", options={}, sounds=()))
    color_video(source, tmp_path / "out.mp4", SMALL_VIEW, FilmOptions(hardware=True))
    color_video(source, tmp_path / "exact.mkv", SMALL_VIEW, FilmOptions(codec="ffv1"))
    for one, other in zip(look(tmp_path / "out.mp4").planes, look(tmp_path / "exact.mkv").planes, strict=True):
        assert np.array_equal(one[0], other[0])


def test_quality_is_counted_as_x264_does() -> None:
    nvenc, quick_sync, apple = CHIP_ENCODERS["h265"]
    assert nvenc.quality(20)["cq"] == "20"
    assert quick_sync.quality(20) == {"global_quality": "20"}
    assert apple.quality(20)["global_quality"] == str(118 * 60)
