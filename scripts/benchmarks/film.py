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
from colorizer.color.pixels import chroma_plane
from colorizer.color.ycbcr import ColorEncoding, PlaneLayout
from colorizer.film.coloring import FilmState, FrameColorizer, SteadyingOptions
from colorizer.film.encoder import Encoder, native_frame, plan_encoding
from colorizer.film.frame import Frame
from colorizer.film.options import DEFAULT_STEADINESS, FilmOptions
from colorizer.film.pipeline import in_thread
from colorizer.film.pyav import import_av
from colorizer.film.source import FilmReader
from colorizer.metrics.video import color_distribution_consistency, warp_error

PHOTOS = Path(__file__).parent.parent.parent / "tests" / "photos"
FULL_HD = (1080, 1920)
SMALL = (240, 320)
GRAIN_SPEED, GRAIN_STEADINESS = 4.0, 14.0
STEP = 2.0
"""Pixels that the pan moves in a frame; a fifth of that downwards."""

ZOOM = 0.008
"""Share by which a frame shows less than the one before."""

_UNDER_WAY = 4

size_option = click.option("--size", default="auto", show_default=True, help="Looks of the network, as for pictures.")

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
@size_option
@json_option
def video(frames: int, networks: tuple[str, ...], size: str, json_file: Path | None) -> None:
    """Seconds a frame at 1080p: the usual loop, frame by frame, steady, and keyframe mode; all in float32."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = folder / "film.mp4"
        make_film(film, frames)
        for network in networks:
            results += list(_speeds(network, film, folder, frames, size))
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
    facts = {"frames": str(frames), "size": size} | machine("numpy", "opencv-python-headless", "av")
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def make_film(path: Path, frames: int, size: tuple[int, int] = FULL_HD, grain: float = GRAIN_SPEED) -> Path:
    """Write the film: a pan over a photograph, in H.264."""
    av = import_av()
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for grey in grained(pan(PHOTOS / "meadow-and-mountain.jpg", frames, size), grain):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    return path


def _speeds(network: str, film: Path, folder: Path, frames: int, size: str) -> Iterator[Speed]:
    model = model_named(network, folder)
    which: dict[str, Any] = (
        {"model": network}
        if network == "lite"
        else {"model": str(model.files["caffemodel"]), "prototxt": model.files["prototxt"]}
    )
    yield _usual_loop(network, film, folder, frames // 2, Settings(compat=True, **which))
    ours = Colorizer(Settings(precision="fp32", device="cpu", size=size, **which), pictures=1000)
    for contestant, steadying in (
        ("frame by frame", SteadyingOptions(0.0, 1)),
        ("steady", SteadyingOptions(DEFAULT_STEADINESS, 1)),
        ("keyframes, auto", SteadyingOptions(DEFAULT_STEADINESS, None)),
    ):
        yield _ours(network, contestant, film, FrameColorizer(ours, steadying))


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


def _ours(network: str, contestant: str, film: Path, frame_colorizer: FrameColorizer) -> Speed:
    with contextlib.closing(FilmReader(film)) as reader:
        plan = plan_encoding(Path("film.mp4"), reader.description, FilmOptions())
        frames = ((timed, timed.frame) for timed in reader.frames())
        predicted = in_thread(frame_colorizer.predict(in_thread(frames, _UNDER_WAY), FilmState()), _UNDER_WAY)
        natives = []
        first = next(predicted)
        frame_colorizer.planes(first, plan.layout)  # makes the table
        start = time.perf_counter()
        for one in predicted:
            natives.append(
                native_frame(one.frame, frame_colorizer.planes(one, plan.layout), plan, time=one.item.time, duration=0)
            )
        coloring = time.perf_counter() - start
        start = time.perf_counter()
        encoder = Encoder(plan)
        for native in [*natives, None]:
            for _ in encoder.encode(native):
                pass
        encoding = time.perf_counter() - start
    return Speed(network, contestant, coloring / len(natives), encoding / len(natives))


MOTIONS = {
    "pan": lambda number: np.array([[1, 0, STEP * number], [0, 1, STEP / 5 * number]], np.float64),
    "zoom": lambda number: np.array(
        [[1 - ZOOM * number, 0, SMALL[1] / 2 * ZOOM * number], [0, 1 - ZOOM * number, SMALL[0] / 2 * ZOOM * number]],
        np.float64,
    ),
}
"""From the number of a frame to the place of its points in the photograph."""

WAYS = {
    "frame by frame": SteadyingOptions(0.0, 1),
    "steady": SteadyingOptions(DEFAULT_STEADINESS, 1),
    "keyframes, auto": SteadyingOptions(DEFAULT_STEADINESS, None),
}


@dataclass(frozen=True)
class Steadiness:
    """How a film came out."""

    photo: str
    motion: str
    way: str
    change: float  # mean absolute, of a and b along the true motion
    chroma: float
    error: float  # mean distance in ab from the photograph's own colours
    cdc: float
    warp_error: float


@click.command()
@click.option("--frames", default=24, show_default=True, help="Frames of each film.")
@click.option("--photos", type=click.Path(path_type=Path, exists=True), default=PHOTOS, help="Folder of photographs.")
@click.option("--grain", default=GRAIN_STEADINESS, show_default=True, help="Standard deviation of the film grain.")
@size_option
@json_option
def steadiness(frames: int, photos: Path, grain: float, size: str, json_file: Path | None) -> None:
    """Change of chroma along known motion on noisy film: frame by frame, steady, and keyframe mode."""
    colorizer = Colorizer(Settings(model="lite", size=size), pictures=1000)
    paths = sorted(path for path in photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    results = [
        result
        for photo in paths
        for motion in MOTIONS
        for result in _steadiness(photo, motion, frames, grain, colorizer)
    ]
    rows = []
    for number in range(0, len(results), len(WAYS)):
        single, steady, key = results[number : number + len(WAYS)]
        row = [f"{single.photo}, {single.motion}"]
        for other in (steady, key):
            row += [
                f"{single.change / other.change:.1f}",
                f"{100 * (other.chroma / single.chroma - 1):+.1f} %",
                f"{100 * (other.error / single.error - 1):+.1f} %",
            ]
        rows.append(row)
    names = ["times steadier", "chroma", "error"]
    header = ["film", *names, *(f"keyframes: {name}" for name in names)]
    for way in WAYS:
        of_way = [result for result in results if result.way == way]
        means = [np.mean([getattr(one, name) for one in of_way]) for name in ("change", "error", "cdc", "warp_error")]
        click.echo(f"{way}: change {means[0]:.2f}, error {means[1]:.2f}, CDC {means[2]:.5f}, warp error {means[3]:.5f}")
    facts = {"frames": str(frames), "grain": str(grain), "size": size} | machine("numpy", "opencv-python-headless")
    report(markdown_table(header, rows), facts, [asdict(result) for result in results], json_file)


def _steadiness(photo: Path, motion: str, frames: int, grain: float, colorizer: Colorizer) -> Iterator[Steadiness]:
    original = list(moving(photo, frames, motion))
    film = list(grained(iter(original), grain))
    truth = [chroma_plane(np.ascontiguousarray(frame[..., ::-1])) for frame in original]
    for way, steadying in WAYS.items():
        planes = _chroma(film, FrameColorizer(colorizer, steadying))
        error = float(np.mean([_length(plane - true) for plane, true in zip(planes, truth, strict=True)]))
        chroma = float(np.mean([_length(plane) for plane in planes]))
        change = change_along(planes, motion)
        yield Steadiness(photo.stem, motion, way, change, chroma, error, *_published(film, planes, colorizer, motion))


def moving(photo: Path, frames: int, motion: str) -> Iterator[Picture]:
    """(H, W, 3) BGR frames of a motion over a photograph."""
    picture = np.asarray(cv2.imread(str(photo)), np.uint8)
    height, width = SMALL
    scale = max(height * 1.2 / picture.shape[0], (width + STEP * frames) / picture.shape[1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for number in range(frames):
        yield np.asarray(cv2.warpAffine(large, MOTIONS[motion](number), (width, height), flags=flags), np.uint8)


def _chroma(film: list[Picture], frame_colorizer: FrameColorizer) -> list[npt.NDArray[np.float32]]:
    encoding = ColorEncoding(full_range=True)
    fed = ((Fraction(number), Frame(luma, None, PlaneLayout(8, None), encoding)) for number, luma in enumerate(film))
    return [
        np.asarray(cv2.resize(one.ab, (SMALL[1], SMALL[0])), np.float32)
        for one in frame_colorizer.predict(fed, FilmState())
        if one.ab is not None
    ]


def _published(
    film: list[Picture], planes: list[npt.NDArray[np.float32]], colorizer: Colorizer, motion: str
) -> tuple[float, float]:
    """CDC, and warp error along the motion, of the film with these colours."""
    frames = [colorizer.render(luma, ab) for luma, ab in zip(film, planes, strict=True)]
    y, x = np.mgrid[0 : SMALL[0], 0 : SMALL[1]].astype(np.float64)
    flows = []
    for number in range(len(frames) - 1):
        place = _next_place(motion, number)
        there = np.stack([place[0, 0] * x + place[0, 2], place[1, 1] * y + place[1, 2]], axis=-1)
        flows.append((there - np.stack([x, y], axis=-1)).astype(np.float32))
    inside = np.zeros(SMALL, bool)
    inside[8:-8, 8:-8] = True
    return color_distribution_consistency(frames), warp_error(frames, flows, [inside] * len(flows))


def _length(ab: npt.NDArray[np.float32]) -> float:
    return float(np.hypot(ab[..., 0], ab[..., 1]).mean())


def _next_place(motion: str, number: int) -> npt.NDArray[np.float64]:
    """Where the points of a frame are in the next one."""
    here, there = (np.vstack([MOTIONS[motion](n), [0, 0, 1]]) for n in (number, number + 1))
    return np.asarray(np.linalg.solve(there, here)[:2], np.float64)


def change_along(planes: list[npt.NDArray[np.float32]], motion: str) -> float:
    """Mean absolute change of a and b of a point that moves."""
    changes = []
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for number, (before, now) in enumerate(pairwise(planes)):
        place = _next_place(motion, number)
        back = cv2.warpAffine(now, place, (SMALL[1], SMALL[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        changes.append(float(np.abs(back - before)[8:-8, 8:-8].mean()))
    return float(np.mean(changes))
