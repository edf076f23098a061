"""One colour a shot: how far the colour of a thing wanders over its shot, and jumps at a cut between two shots of it.

A disc of one colour moves before a photograph over which a camera moves; then the camera is turned round (the same
scene, mirrored and from nearer), as in a dialogue. The colours are measured where the disc is known to be. Where shots
are matched it is by the photograph behind: the disc has moved on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.film import GRAIN_STEADINESS, PHOTOS, SMALL, WAYS, Picture, grained
from benchmarks.measure import json_option, machine, markdown_table, report
from benchmarks.shots import matching_guide
from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane
from colorizer.color.ycbcr import ColorEncoding, PlaneLayout
from colorizer.film.coloring import FilmState, FrameColorizer
from colorizer.film.frame import Frame
from colorizer.film.options import film_settings
from colorizer.metrics.video import object_means, object_spread

RADIUS = 40
MARGIN = 10
COLOR = (60, 84, 170)  # B, G, R
MATCHED = "steady, shots matched"
MIRRORED = 1.15
"""How much nearer the other camera is."""


@dataclass(frozen=True)
class ObjectSpread:
    """How a film came out."""

    photo: str
    way: str
    spread: float  # of the object's mean ab over a shot, mean of both shots
    jump: float  # between the means of the two shots
    error: float  # of the object's mean ab from its true colour


@dataclass(frozen=True)
class Shown:
    """A frame, and where its object is, without its edge."""

    picture: Picture
    inside: npt.NDArray[np.bool_]


@click.command()
@click.option("--frames", default=24, show_default=True, help="Frames of each of the two shots.")
@click.option("--grain", default=GRAIN_STEADINESS, show_default=True, help="Standard deviation of the film grain.")
@click.option("--photos", type=click.Path(path_type=Path, exists=True), default=PHOTOS, help="Folder of photographs.")
@click.option("--most", default=100, show_default=True, help="Photographs to take, at most.")
@json_option
def objects(frames: int, grain: float, photos: Path, most: int, json_file: Path | None) -> None:
    """How far an object's colour wanders over its shot, and jumps between two shots of one scene."""
    colorizer = Colorizer(film_settings(Settings(model="lite")), pictures=1000)
    paths = sorted(path for path in photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[:most]
    results = [result for photo in paths for result in _results(photo, frames, grain, colorizer)]
    rows = []
    for way in (*WAYS, MATCHED):
        of_way = [one for one in results if one.way == way]
        means = [np.mean([getattr(one, name) for one in of_way]) for name in ("spread", "jump", "error")]
        rows.append([way, *(f"{mean:.2f}" for mean in means)])
    facts = {"frames": str(frames), "grain": str(grain), "photographs": str(len(paths))}
    table = markdown_table(["way", "spread over a shot", "jump at the cut", "error"], rows)
    report(table, facts | machine("numpy", "opencv-python-headless"), [asdict(one) for one in results], json_file)


def _results(photo: Path, frames: int, grain: float, colorizer: Colorizer) -> Iterator[ObjectSpread]:
    shots = [list(shot(photo, frames, mirrored=mirrored)) for mirrored in (False, True)]
    film = list(grained(iter([one.picture for each in shots for one in each]), grain))
    inside = [[one.inside for one in each] for each in shots]
    wanted = chroma_plane(np.array([[COLOR[::-1]]], np.uint8))[0, 0]
    for way, steadying in (*WAYS.items(), (MATCHED, WAYS["steady"])):
        guide = matching_guide(film, colorizer) if way == MATCHED else None
        planes = _chroma(film, FrameColorizer(colorizer, steadying, None if guide is None else guide.at))
        if guide is not None:
            guide.close()
        halves = planes[:frames], planes[frames:]
        means = [object_means(half, masks) for half, masks in zip(halves, inside, strict=True)]
        spread = np.mean([object_spread(half, masks) for half, masks in zip(halves, inside, strict=True)])
        jump = np.linalg.norm(means[0].mean(axis=0) - means[1].mean(axis=0))
        error = np.mean([np.linalg.norm(each - wanted, axis=1).mean() for each in means])
        yield ObjectSpread(photo.stem, way, float(spread), float(jump), float(error))


def shot(photo: Path, frames: int, *, mirrored: bool) -> Iterator[Shown]:
    """A camera that moves over a photograph, and a disc that moves before it."""
    picture = np.asarray(cv2.imread(str(photo)), np.uint8)
    picture = picture[:, ::-1] if mirrored else picture
    height, width = SMALL
    nearer = MIRRORED if mirrored else 1.0
    scale = nearer * max(height * 1.3 / picture.shape[0], width * 1.3 / picture.shape[1])
    large = cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    radius = round(RADIUS * nearer)
    rng = np.random.default_rng(5)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (2 * radius, 2 * radius)), (0, 0), 3)
    texture *= 12 / texture.std()
    y, x = np.mgrid[0 : 2 * radius, 0 : 2 * radius] + 0.5 - radius
    distance = np.hypot(x, y)
    for number in range(frames):
        place = np.array([[1, 0, 1.2 * number], [0, 1, 0.3 * number]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(large, place, (width, height), flags=flags).astype(np.float32)
        left = round(60 + 1.5 * number) if not mirrored else round(width - 80 - 2 * radius - 1.5 * number)
        part = np.s_[60 : 60 + 2 * radius, left : left + 2 * radius]
        disc = distance < radius - 1
        frame[part][disc] = (np.array(COLOR, np.float32) + texture[..., None])[disc]
        inside = np.zeros(SMALL, np.bool_)
        inside[part] = distance < radius - MARGIN
        yield Shown(np.clip(frame, 0, 255).astype(np.uint8), inside)


def _chroma(film: list[Picture], frame_colorizer: FrameColorizer) -> list[npt.NDArray[np.float32]]:
    encoding = ColorEncoding(full_range=True)
    fed = ((number, Frame(luma, None, PlaneLayout(8, None), encoding)) for number, luma in enumerate(film))
    return [
        np.asarray(cv2.resize(one.ab, (SMALL[1], SMALL[0])), np.float32)
        for one in frame_colorizer.predict(fed, FilmState())
        if one.ab is not None
    ]
