"""Frames through pipes: YUV4MPEG2 and bare ones."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from films import SMALL_VIEW, pan, to_grey
from hypothesis import given
from hypothesis import strategies as st

from colorizer.errors import ColorizerError, InputError, UsageError
from colorizer.film.coloring import SteadyingOptions
from colorizer.film.pipe import color_stream
from colorizer.film.streams import parse_rawvideo, read_frames, read_header, y4m_header

Plane = npt.NDArray[np.uint16]


@pytest.fixture(scope="module")
def luma(photographs: list[Path]) -> list[npt.NDArray[np.uint8]]:
    """Y' of a film of odd size, full range."""
    return [frame[:47, :65, 0] for frame in to_grey(pan(photographs[3], 4))]


def y4m(words: str, frames: list[bytes]) -> bytes:
    return f"YUV4MPEG2 W65 H47 F25:1 Ip A1:1 {words}\n".encode() + b"".join(b"FRAME\n" + frame for frame in frames)


def colored(data: bytes, raw: str | None = None) -> bytes:
    out = io.BytesIO()
    color_stream(io.BytesIO(data), out, SMALL_VIEW, SteadyingOptions(0.8, 1), rawvideo=raw)
    return out.getvalue()


@pytest.mark.parametrize(
    ("space", "written", "bits", "chroma"),
    [
        ("mono", "420jpeg", 8, None),
        ("mono10", "420p10", 10, None),
        ("420jpeg", "420jpeg", 8, (24, 33)),
        ("420mpeg2", "420mpeg2", 8, (24, 33)),
        ("422", "422", 8, (47, 33)),
        ("444", "444", 8, (47, 65)),
        ("420p10", "420p10", 10, (24, 33)),
        ("422p10", "422p10", 10, (47, 33)),
    ],
)
@pytest.mark.parametrize("color_range", ["FULL", "LIMITED"])
def test_luma_and_header_go_through_and_chroma_is_new(
    space: str,
    written: str,
    bits: int,
    chroma: tuple[int, int] | None,
    color_range: str,
    luma: list[npt.NDArray[np.uint8]],
) -> None:
    kind = np.dtype("<u2") if bits > 8 else np.dtype("u1")
    planes = [np.left_shift(plane.astype(np.uint16), bits - 8).astype(kind).tobytes() for plane in luma]
    flat = np.full(2 * chroma[0] * chroma[1], 1 << (bits - 1), kind).tobytes() if chroma else b""
    out = io.BytesIO(colored(y4m(f"C{space} XCOLORRANGE={color_range}", [plane + flat for plane in planes])))
    words = out.readline().decode().split()
    assert words == ["YUV4MPEG2", "W65", "H47", "F25:1", "Ip", "A1:1", f"XCOLORRANGE={color_range}", f"C{written}"]
    rows, columns = chroma or (24, 33)
    for plane in planes:
        assert out.readline() == b"FRAME\n"
        assert out.read(len(plane)) == plane
        new = np.frombuffer(out.read(2 * rows * columns * kind.itemsize), kind)
        assert np.ptp(new.astype(int)) > 3 << (bits - 8)
    assert out.read() == b""


def test_bare_frames_come_out_with_their_luma(luma: list[npt.NDArray[np.uint8]]) -> None:
    data = b"".join(plane.tobytes() for plane in luma)
    out = colored(data, raw="65x47@25:gray")
    size = 47 * 65 + 2 * 24 * 33
    assert len(out) == 4 * size
    assert all(out[n * size :][: 47 * 65] == plane.tobytes() for n, plane in enumerate(luma))


def test_frames_leave_while_others_are_still_to_come(luma: list[npt.NDArray[np.uint8]], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "colorizer", "video", "--y4m", "-", "-o", "-", "--model", "lite", "-q"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(y4m("Cmono", []))
    for number in range(7):
        process.stdin.write(b"FRAME\n" + luma[number % 4].tobytes())
    process.stdin.flush()
    process.stdout.readline()
    first = process.stdout.read(len(b"FRAME\n") + 47 * 65 + 2 * 24 * 33)
    assert first[6:].startswith(luma[0].tobytes())
    process.stdin.close()
    rest = process.stdout.read()
    process.stdout.close()
    assert len(rest) == 6 * len(first)
    assert process.wait() == 0


def test_a_stream_that_breaks_off_gives_its_frames_and_an_error(luma: list[npt.NDArray[np.uint8]]) -> None:
    data = y4m("Cmono", [plane.tobytes() for plane in luma])[:-100]
    out = io.BytesIO()
    with pytest.raises(InputError, match="breaks off within frame 4"):
        color_stream(io.BytesIO(data), out, SMALL_VIEW, SteadyingOptions(0.0, 1))
    assert out.getvalue().count(b"FRAME\n") == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"YUV4MPEG2 W4\n",
        b"YUV4MPEG2 W0 H0\n",
        b"YUV4MPEG2 W4 H4 C411alpha\n",
        b"YUV4MPEG2 W99999 H99999\n",
    ],
)
def test_what_is_no_stream_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(InputError, match="YUV4MPEG2"):
        color_stream(io.BytesIO(data), io.BytesIO(), SMALL_VIEW)


@pytest.mark.parametrize("text", ["", "640x480", "640x480@25:rgb24", "0x4@25:gray", "4x4@0:gray", "4x4@25:nonsense"])
def test_a_bad_description_of_bare_frames_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^rawvideo"):
        parse_rawvideo(text)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_crash(data: bytes) -> None:
    stream = io.BytesIO(b"YUV4MPEG2 " + data)
    try:
        what = read_header(stream)
        y4m_header(what)
        for _ in read_frames(stream, what, headed=True):
            pass
    except ColorizerError as error:
        assert "\n" not in str(error)  # noqa: PT017 - any other error fails


def test_opencv_and_pyav_read_what_is_written(luma: list[npt.NDArray[np.uint8]], tmp_path: Path) -> None:
    (tmp_path / "out.y4m").write_bytes(colored(y4m("Cmono XCOLORRANGE=FULL", [plane.tobytes() for plane in luma])))
    capture = cv2.VideoCapture(str(tmp_path / "out.y4m"))
    count = 0
    while capture.read()[0]:
        count += 1
    assert count == 4
