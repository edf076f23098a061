"""Film: how fast at 1080p against the loop that people write today, and how steady on a noisy film.

The usual loop reads with cv2.VideoCapture, colours each frame by OpenCV 4's sample recipe, and writes MJPEG with
cv2.VideoWriter. Ours is decoding, network, motion, and solved chroma planes. What encoding takes is stated apart for
both, since the codecs differ. The film is a pan over a photograph with grain, in H.264.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.forward import model_named
from benchmarks.measure import json_option, machine, markdown_table, report
from colorizer import Colorizer, Settings
from colorizer.color import chroma_plane
from colorizer.metrics.video import color_distribution_consistency, warp_error
from colorizer.temporal import DEFAULT_STEADINESS
from colorizer.video.encoder import Encoder, native_frame, plan_for
from colorizer.video.encoding import Encoding, Layout
from colorizer.video.frame import Frame
from colorizer.video.options import Film
from colorizer.video.overlap import ahead
from colorizer.video.painting import Manner, Painter
from colorizer.video.segments import Memory
from colorizer.video.source import Reader, import_av

PHOTOS = Path(__file__).parent.parent.parent / "tests" / "photos"
FULL_HD = (1080, 1920)
SMALL = (240, 320)
GRAIN_SPEED, GRAIN_STEADINESS = 4.0, 14.0
STEP = 2.0
"""Pixels that the pan moves in a frame; a fifth of that downwards."""

_UNDER_WAY = 4
_STEADINESS_PHOTOS = ("meadow-and-mountain", "moose", "dahlia", "two-dogs")

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Speed:
    """One row; seconds a frame."""

    network: str
    contestant: str
    coloring: float  # reading and colouring
    encoding: float


def pan(photo: Path, frames: int, size: tuple[int, int], step: float = STEP) -> Iterator[Picture]:
    """(H, W, 3) BGR frames of a pan over a photograph."""
    picture = np.asarray(cv2.imread(str(photo)), np.uint8)
    height, width = size
    scale = max(height * 1.2 / picture.shape[0], (width + step * frames) / picture.shape[1])
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for number in range(frames):
        place = np.array([[1, 0, number * step], [0, 1, number * step / 5]], np.float64)
        yield np.asarray(cv2.warpAffine(large, place, (width, height), flags=flags), np.uint8)


def grained(frames: Iterator[Picture], deviation: float) -> Iterator[Picture]:
    """(H, W) grey frames with film grain."""
    rng = np.random.default_rng(7)
    for frame in frames:
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.float32)
        grain = rng.normal(0, deviation, grey.shape).astype(np.float32)
        yield np.clip(np.rint(grey + grain), 0, 255).astype(np.uint8)


@click.command()
@click.option("--frames", default=24, show_default=True, help="Frames of the film; the usual loop colours half.")
@click.option("--network", "networks", multiple=True, default=("release", "lite"), show_default=True)
@json_option
def video(frames: int, networks: tuple[str, ...], json_file: Path | None) -> None:
    """Seconds a frame at 1080p: the usual loop, frame by frame, steady, and keyframe mode; all in float32."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = folder / "film.mp4"
        _make(film, frames)
        for network in networks:
            results += list(_speeds(network, film, folder, frames))
    usual = {result.network: result.coloring for result in results if result.contestant == "usual loop"}
    header = ["network, way", "reading and colouring, ms", "times as fast", "encoding, ms"]
    rows = [
        [
            f"{result.network}, {result.contestant}",
            f"{result.coloring * 1000:.0f}",
            f"{usual[result.network] / result.coloring:.1f}",
            f"{result.encoding * 1000:.0f}",
        ]
        for result in results
    ]
    facts = {"frames": str(frames)} | machine("numpy", "opencv-python-headless", "av")
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def _make(path: Path, frames: int) -> None:
    av = import_av()
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = FULL_HD
        stream.pix_fmt = "yuv420p"
        for grey in grained(pan(PHOTOS / "meadow-and-mountain.jpg", frames, FULL_HD), GRAIN_SPEED):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")))
        out.mux(stream.encode(None))


def _speeds(network: str, film: Path, folder: Path, frames: int) -> Iterator[Speed]:
    model = model_named(network, folder)
    which: dict[str, Any] = (
        {"model": network} if network == "lite" else {"model": str(model.caffemodel), "prototxt": model.prototxt}
    )
    yield _usual_loop(network, film, folder, frames // 2, Settings(compat=True, **which))
    ours = Colorizer(Settings(precision="fp32", device="cpu", **which), pictures=1000)
    for contestant, manner in (
        ("frame by frame", Manner(0.0, 1)),
        ("steady", Manner(DEFAULT_STEADINESS, 1)),
        ("keyframes, auto", Manner(DEFAULT_STEADINESS, None)),
    ):
        yield _ours(network, contestant, film, Painter(ours, manner))


def _usual_loop(network: str, film: Path, folder: Path, frames: int, settings: Settings) -> Speed:
    colorizer = Colorizer(settings)
    capture = cv2.VideoCapture(str(film))
    writer = cv2.VideoWriter(str(folder / "usual.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 24, (FULL_HD[1], FULL_HD[0]))
    coloring = encoding = 0.0
    for number in range(frames + 1):
        start = time.perf_counter()
        colored = colorizer.colorize(np.asarray(capture.read()[1]))
        middle = time.perf_counter()
        writer.write(colored)
        if number > 0:  # the first one warms up
            coloring += middle - start
            encoding += time.perf_counter() - middle
    writer.release()
    return Speed(network, "usual loop", coloring / frames, encoding / frames)


def _ours(network: str, contestant: str, film: Path, painter: Painter) -> Speed:
    with contextlib.closing(Reader(film)) as reader:
        plan = plan_for(Path("film.mp4"), reader.description, Film())
        frames = ((timed, timed.frame) for timed in reader.frames())
        predicted = ahead(painter.predict(ahead(frames, _UNDER_WAY), Memory(None, None)), _UNDER_WAY)
        natives = []
        first = next(predicted)
        painter.painted(first, plan.layout)  # makes the table
        start = time.perf_counter()
        for one in predicted:
            natives.append(
                native_frame(one.frame, painter.painted(one, plan.layout), plan, time=one.item.time, duration=0)
            )
        coloring = time.perf_counter() - start
        start = time.perf_counter()
        encoder = Encoder(plan)
        for native in [*natives, None]:
            for _ in encoder.encode(native):
                pass
        encoding = time.perf_counter() - start
    return Speed(network, contestant, coloring / len(natives), encoding / len(natives))


@click.command()
@click.option("--frames", default=20, show_default=True, help="Frames of each film.")
@json_option
def steadiness(frames: int, json_file: Path | None) -> None:
    """Change of chroma along known motion on noisy film: frame by frame, steady, and keyframe mode."""
    colorizer = Colorizer(Settings(model="lite"), pictures=1000)
    rows = []
    for name in _STEADINESS_PHOTOS:
        original = [frame[..., ::-1] for frame in pan(PHOTOS / f"{name}.jpg", frames, SMALL)]
        film = list(grained(pan(PHOTOS / f"{name}.jpg", frames, SMALL), GRAIN_STEADINESS))
        truth = [chroma_plane(np.ascontiguousarray(frame)) for frame in original]
        for contestant, manner in (
            ("frame by frame", Manner(0.0, 1)),
            ("steady", Manner(DEFAULT_STEADINESS, 1)),
            ("keyframes, auto", Manner(DEFAULT_STEADINESS, None)),
        ):
            planes = _chroma(film, Painter(colorizer, manner))
            error = np.mean([_length(plane - true) for plane, true in zip(planes, truth, strict=True)])
            chroma = np.mean([_length(plane) for plane in planes])
            cdc, warped = _published(film, planes, colorizer)
            rows.append(
                [
                    f"{name}, {contestant}",
                    f"{change_along_pan(planes):.2f}",
                    f"{chroma:.2f}",
                    f"{error:.2f}",
                    f"{cdc:.5f}",
                    f"{warped:.5f}",
                ]
            )
    header = ["film, way", "change along motion", "mean chroma", "error in ab", "CDC", "warp error"]
    facts = {"frames": str(frames), "grain": str(GRAIN_STEADINESS)} | machine("numpy", "opencv-python-headless")
    report(markdown_table(header, rows), facts, rows, json_file)


def _chroma(film: list[Picture], painter: Painter) -> list[npt.NDArray[np.float32]]:
    encoding = Encoding(full_range=True)
    fed = ((Fraction(number), Frame(luma, None, Layout(8, None), encoding)) for number, luma in enumerate(film))
    return [
        np.asarray(cv2.resize(one.ab, (SMALL[1], SMALL[0])), np.float32)
        for one in painter.predict(fed, Memory(None, None))
        if one.ab is not None
    ]


def _published(film: list[Picture], planes: list[npt.NDArray[np.float32]], colorizer: Colorizer) -> tuple[float, float]:
    """CDC, and warp error along the pan, of the film with these colours."""
    frames = [colorizer.render(luma, ab) for luma, ab in zip(film, planes, strict=True)]
    flow = np.broadcast_to(np.array([-STEP, -STEP / 5], np.float32), (*SMALL, 2))
    inside = np.zeros(SMALL, bool)
    inside[8:-8, 8:-8] = True
    pairs = len(frames) - 1
    return color_distribution_consistency(frames), warp_error(frames, [flow] * pairs, [inside] * pairs)


def _length(ab: npt.NDArray[np.float32]) -> float:
    return float(np.hypot(ab[..., 0], ab[..., 1]).mean())


def change_along_pan(planes: list[npt.NDArray[np.float32]], step: float = STEP) -> float:
    """Mean absolute change of a and b of a point that moves with the pan."""
    place = np.array([[1, 0, -step], [0, 1, -step / 5]], np.float64)
    changes = []
    for before, now in pairwise(planes):
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = cv2.warpAffine(now, place, (SMALL[1], SMALL[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        changes.append(float(np.abs(back - before)[8:-8, 8:-8].mean()))
    return float(np.mean(changes))
