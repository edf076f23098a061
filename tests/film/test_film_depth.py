"""RGB of more than 8 bits becomes Y'CbCr of as many, or the loss is said; HDR is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import SMALL_VIEW, Recipe, make_film, planes_of

from colorizer.errors import InputError
from colorizer.film import FilmOptions
from colorizer.film.job import color_video
from colorizer.film.pyav import readable_format

HEIGHT, WIDTH = 48, 64


def deep_film(path: Path, pix_fmt: str, bits: int) -> Any:
    """A film of two frames of a grey ramp with all codes of its depth that have room; gives their code values."""
    ramp = np.linspace(0, (1 << bits) - 1, HEIGHT * WIDTH).round().astype(np.uint16).reshape(HEIGHT, WIDTH)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pix_fmt
        for number in range(2):
            frame = av.VideoFrame(WIDTH, HEIGHT, pix_fmt)
            for plane in frame.planes:
                samples = ramp if len(frame.planes) > 1 else np.repeat(ramp, 3, axis=1)
                rows = np.zeros((HEIGHT, plane.line_size // 2), np.uint16)
                rows[:, : samples.shape[1]] = samples
                plane.update(rows.tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return ramp


@pytest.mark.parametrize(("pix_fmt", "bits"), [("gbrp10le", 10), ("gbrp12le", 12), ("gbrp16le", 16), ("rgb48le", 16)])
def test_deep_rgb_keeps_its_depth(pix_fmt: str, bits: int, tmp_path: Path) -> None:
    ramp = deep_film(tmp_path / "film.mkv", pix_fmt, bits)
    said: list[str] = []
    film = FilmOptions(codec="ffv1")
    color_video(
        tmp_path / "film.mkv", tmp_path / "out.mkv", SMALL_VIEW, film, on_note=lambda text: said.append(str(text))
    )
    assert not any("bits" in text for text in said)
    with av.open(str(tmp_path / "out.mkv")) as opened:
        frame = next(opened.decode(video=0))
    assert frame.format.name == f"yuv444p{bits}le"
    luma = planes_of(frame)[0].astype(float)
    # Y' of grey is the grey itself: BT.601, BT.709 and BT.2020 alike; black and white by the range that is tagged
    top, unit = (1 << bits) - 1, 1 << (bits - 8)
    wanted = ramp if frame.color_range == 2 else 16 * unit + ramp * (219 * unit / top)
    # FFmpeg's scaler takes 255 * 2^(bits - 8) for white, so that it comes out up to 0.4 % too light
    assert np.abs(luma - wanted).max() <= 0.004 * top
    slope, offset = np.polyfit(wanted.ravel().astype(float), luma.ravel(), 1)
    # two bits less would be off by 2 at worst
    assert np.abs(luma - (slope * wanted + offset)).max() <= 1.2


def test_depth_that_a_codec_does_not_have_is_said(tmp_path: Path) -> None:
    deep_film(tmp_path / "film.mkv", "gbrp16le", 16)
    said: list[str] = []
    film = FilmOptions(preset="ultrafast")
    color_video(
        tmp_path / "film.mkv", tmp_path / "out.mkv", SMALL_VIEW, film, on_note=lambda text: said.append(str(text))
    )
    assert any("16 bits become 10" in text for text in said)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_before_the_work_and_not_read_as_if_it_were_srgb(
    transfer: int, name: str, tmp_path: Path
) -> None:
    def tagged(context: Any) -> None:
        context.color_trc = transfer
        context.color_primaries = 9

    recipe = Recipe("ffv1", "yuv420p10le", options={}, sounds=(), colorspace=9, setup=tagged)
    make_film(tmp_path / "film.mkv", [np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * 2, recipe)
    with pytest.raises(InputError, match=rf"film\.mkv.*is HDR \({name}\).*convert it to SDR first"):
        color_video(tmp_path / "film.mkv", tmp_path / "out.mkv", SMALL_VIEW)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


@pytest.mark.parametrize(
    ("pix_fmt", "readable"),
    [
        ("xyz12le", "yuv444p12le"),
        ("rgb24", "yuv444p"),
        ("x2rgb10le", "yuv444p10le"),
        ("gbrp14be", "yuv444p14le"),
        ("gbrpf32le", "yuv444p16le"),
        ("p016le", "yuv420p16le"),
        ("yuv422p10be", "yuv422p10le"),
        ("pal8", "yuv444p"),
        ("yuvj420p", "yuv420p"),
        ("ya8", "gray"),
    ],
)
def test_every_format_is_read_in_one_that_holds_it(pix_fmt: str, readable: str) -> None:
    assert readable_format(pix_fmt) == readable
