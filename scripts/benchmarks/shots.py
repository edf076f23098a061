"""One colour in several shots: how far the colours of things differ where the camera comes back to a place.

A camera moves over a photograph, then over another one, then over the first again: as before, from nearer, from
farther, or turned round (mirrored, and from nearer); with other exposure, and other grain. What belongs together in the
photograph, its objects, is known, and so is where each is in every frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.film import GRAIN_STEADINESS, PHOTOS, SMALL, WAYS, Picture
from benchmarks.measure import json_option, machine, markdown_table, report
from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane
from colorizer.color.ycbcr import ColorEncoding, PlaneLayout
from colorizer.film.coloring import FilmState, FrameColorizer, seen_of
from colorizer.film.frame import Frame
from colorizer.film.guidance.files import FilmGuidance
from colorizer.film.guidance.guide import Guide
from colorizer.film.guidance.matching import Matcher
from colorizer.film.guidance.preparing import FrameGuidance, Geometry
from colorizer.film.guidance.recognition import Sight, aligned, traced
from colorizer.film.guidance.shift import FrameShift
from colorizer.film.options import film_settings
from colorizer.film.shots import SmallFrame
from colorizer.metrics.video import object_means, object_spread

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]

OBJECTS = 8
LEAST_PIXELS = 300
"""Of an object, in each of the frames in the middle of both shots."""

_ENCODING, _LAYOUT = ColorEncoding(full_range=True), PlaneLayout(8, None)


@dataclass(frozen=True)
class Camera:
    """What is seen of a photograph.

    Attributes
    ----------
    x, y
        Where it begins, as shares of what there is beside its picture.
    nearer
        1: a picture is as wide or as high as 10/13 of the photograph.
    mirrored
        Whether it is turned left to right.
    exposure, gamma
        Of the film.
    """

    x: float = 0.5
    y: float = 0.5
    nearer: float = 1.0
    mirrored: bool = False
    exposure: float = 1.0
    gamma: float = 1.0


NEAR = Camera(0.4, 0.5, 1.6, exposure=0.85, gamma=1.1)
CUTS = {
    "again": (Camera(), Camera(0.6, 0.4, 1.03, exposure=0.85, gamma=1.1)),
    "nearer": (Camera(), NEAR),
    "farther": (NEAR, Camera()),
    "turned round": (Camera(), Camera(0.5, 0.5, 1.15, mirrored=True, exposure=0.85, gamma=1.1)),
}
"""The first and the third shot."""


@dataclass(frozen=True)
class Shown:
    """A shot.

    Attributes
    ----------
    pictures
        (H, W, 3) BGR of each frame, without grain.
    film
        (H, W) grey, as it is filmed.
    places
        (2, 3) of each frame: from its points to those of the photograph.
    """

    pictures: list[Picture]
    film: list[Picture]
    places: list[Places]


@dataclass(frozen=True)
class Difference:
    """How a film came out."""

    photo: str
    cut: str
    way: str
    recognised: bool
    mistaken: bool  # whether the shot in between was taken for one of the same place
    jump: float  # of an object's mean ab from the first to the third shot, mean of the objects
    error: float  # mean distance in ab from the photograph's own colours, third shot
    first_error: float  # the same of the first shot
    spread: float  # of an object's mean ab over the third shot
    change: float  # mean absolute, of a and b along the true motion, third shot
    left: (
        float  # of a change of an object's ab by 10 within the third shot, the share that is left, mean of the objects
    )


@click.command()
@click.option("--frames", default=16, show_default=True, help="Frames of each of the three shots.")
@click.option("--grain", default=GRAIN_STEADINESS, show_default=True, help="Standard deviation of the film grain.")
@click.option("--photos", type=click.Path(path_type=Path, exists=True), default=PHOTOS, help="Folder of photographs.")
@click.option("--most", default=100, show_default=True, help="Photographs to take, at most.")
@json_option
def shots(frames: int, grain: float, photos: Path, most: int, json_file: Path | None) -> None:
    """How far colours differ between two shots of one place, without and with matched shots."""
    colorizer = Colorizer(film_settings(Settings(model="lite")), pictures=1000)
    paths = _photographs(photos)[:most]
    results = [
        result
        for place, photo in enumerate(paths)
        for cut in CUTS
        for result in _differences(photo, paths[place - 1], cut, frames, grain, colorizer)
    ]
    rows = []
    for cut in CUTS:
        for way in ("as they are", "matched"):
            some = [one for one in results if (one.cut, one.way) == (cut, way)]
            means = [
                np.mean([getattr(one, name) for one in some]) for name in ("jump", "error", "spread", "change", "left")
            ]
            known = f"{sum(one.recognised for one in some)} of {len(some)}" if way == "matched" else ""
            rows.append([f"{cut}, {way}", known, *(f"{mean:.2f}" for mean in means)])
    mistaken = sum(one.mistaken for one in results if one.way == "matched")
    click.echo(f"shots of other photographs that were taken for the same place: {mistaken}")
    header = ["third shot", "recognised", "jump from the first", "error", "spread over the shot", "change along motion"]
    header.append("left of a change")
    facts = {"frames": str(frames), "grain": str(grain), "photographs": str(len(paths))}
    facts |= machine("numpy", "opencv-python-headless")
    report(markdown_table(header, rows), facts, [asdict(one) for one in results], json_file)


@click.command("same-place")
@click.option("--grain", default=GRAIN_STEADINESS, show_default=True, help="Standard deviation of the film grain.")
@click.option("--photos", type=click.Path(path_type=Path, exists=True), default=PHOTOS, help="Folder of photographs.")
@click.option("--most", default=100, show_default=True, help="Photographs to take, at most.")
@json_option
def same_place(grain: float, photos: Path, most: int, json_file: Path | None) -> None:
    """How many keypoints agree in frames of one photograph, and of two; and how many are taken for one place."""
    colorizer = Colorizer(film_settings(Settings(model="lite")), pictures=1000)
    rng = np.random.default_rng(1)
    cameras = {"as before": CUTS["again"][1], "nearer": NEAR, "turned round": CUTS["turned round"][1]}
    cameras["half as far"] = replace(NEAR, nearer=2.2)

    def sight(photo: Path, camera: Camera) -> Sight:
        (film,) = filmed(photo, camera, 1, grain, rng).film
        return Sight.of(lightness_of(film, colorizer))

    paths = _photographs(photos)[:most]
    first = {photo: sight(photo, Camera()) for photo in paths}
    others = {(photo, name): sight(photo, camera) for photo in paths for name, camera in cameras.items()}
    pairs = [
        (name if photo == other else f"another photograph, {name}", others[other, name], first[photo])
        for photo in paths
        for other in paths
        for name in cameras
    ]
    counts: dict[str, list[tuple[int, bool]]] = {}
    for name, here, there in pairs:
        agreed, same = 0, False
        for seen in (here, here.mirrored()):
            alignment = aligned(seen, there, 4)
            if alignment is not None and alignment.agreed > agreed:
                agreed = alignment.agreed
                known = aligned(seen, there)
                same = known is not None and traced(seen, there, known) is not None
        counts.setdefault(name, []).append((agreed, same))
    rows = []
    for name, found in sorted(counts.items()):
        agreed_all = sorted(count for count, _ in found)
        middle = str(int(np.median(agreed_all)))
        rows.append(
            [
                name,
                str(len(found)),
                str(agreed_all[0]),
                middle,
                str(agreed_all[-1]),
                str(sum(same for _, same in found)),
            ]
        )
    header = ["second frame", "pairs", "agreed, least", "median", "most", "taken for one place"]
    facts = {"grain": str(grain), "photographs": str(len(paths))} | machine("numpy", "opencv-python-headless")
    report(
        markdown_table(header, rows),
        facts,
        [{"pairs": name, "found": found} for name, found in counts.items()],
        json_file,
    )


def _photographs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def filmed(photo: Path, camera: Camera, frames: int, grain: float, rng: np.random.Generator) -> Shown:
    """A camera that moves over a photograph."""
    picture = np.asarray(cv2.imread(str(photo)), np.uint8)
    picture = np.ascontiguousarray(picture[:, ::-1]) if camera.mirrored else picture
    height, width = SMALL
    scale = camera.nearer * max(height * 1.3 / picture.shape[0], width * 1.3 / picture.shape[1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    room = np.array([large.shape[1] - width, large.shape[0] - height])
    # as far as the photograph goes: what it repeats at its edge is no place
    step = np.minimum([0.8, 0.2], room * (1 - np.array([camera.x, camera.y])) / max(frames, 1))
    pictures, film, places = [], [], []
    for number in range(frames):
        x, y = room * (camera.x, camera.y) + step * number
        place = np.array([[1, 0, x], [0, 1, y]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = np.asarray(cv2.warpAffine(large, place, (width, height), flags=flags), np.uint8)
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.float32) / 255
        grey = 255 * np.clip(grey * camera.exposure, 0, 1) ** camera.gamma + rng.normal(0, grain, grey.shape)
        pictures.append(frame)
        film.append(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
        # pixels' centres lie at halves
        found = np.array([[1 / scale, 0, (x + 0.5) / scale - 0.5], [0, 1 / scale, (y + 0.5) / scale - 0.5]])
        places.append(
            np.array([[-1, 0, picture.shape[1] - 1], [0, 1, 0]]) @ np.vstack([found, [0, 0, 1]])
            if camera.mirrored
            else found
        )
    return Shown(pictures, film, places)


def lightness_of(film: Picture, colorizer: Colorizer) -> Floats:
    """A frame as the network sees it."""
    return np.asarray(seen_of(colorizer, Frame(film, None, _LAYOUT, _ENCODING))[0].lightness[0, 0], np.float32)


def _differences(
    photo: Path, between: Path, cut: str, frames: int, grain: float, colorizer: Colorizer
) -> Iterator[Difference]:
    rng = np.random.default_rng(7)
    one, three = CUTS[cut]
    parts = [
        filmed(photo, one, frames, grain, rng),
        filmed(between, Camera(), frames, grain, rng),
        filmed(photo, three, frames, grain, rng),
    ]
    labels = objects_of(photo)
    inside = [_objects_in(parts[0], parts[2], labels), _objects_in(parts[2], parts[0], labels)]
    kept = [
        number for number in range(OBJECTS) if all(masks[frames // 2][number].sum() >= LEAST_PIXELS for masks in inside)
    ]
    film = [frame for part in parts for frame in part.film]
    middle, plain = 2 * frames + frames // 2, list[Floats]()
    for way in ("as they are", "matched"):
        planes, shifts = _colored(film, colorizer, match=way == "matched")
        plain = plain or planes
        matched = {number // frames for number in shifts}
        first, third = planes[:frames], planes[2 * frames :]
        means = [
            [object_means(shot, [masks[number] for masks in of_shot]) for number in kept]
            for shot, of_shot in ((first, inside[0]), (third, inside[1]))
        ]
        jumps = [np.linalg.norm(a.mean(axis=0) - b.mean(axis=0)) for a, b in zip(*means, strict=True)]
        spread = [object_spread(third, [masks[number] for masks in inside[1]]) for number in kept]
        yield Difference(
            photo.stem,
            cut,
            way,
            2 in matched,
            1 in matched,
            float(np.mean(jumps)) if jumps else 0.0,
            _error(third, parts[2]),
            _error(first, parts[0]),
            float(np.mean(spread)) if spread else 0.0,
            _change(third, parts[2]),
            _left(plain[middle], lightness_of(film[middle], colorizer), shifts[middle], inside[1][frames // 2], kept)
            if middle in shifts
            else 1.0,
        )


def objects_of(photo: Path) -> npt.NDArray[np.int32]:
    """What belongs together in a photograph, by its lightness and its colours: (H, W), 0 to 7."""
    picture = np.asarray(cv2.imread(str(photo)), np.uint8)
    smooth = cv2.GaussianBlur(picture, (0, 0), 3)
    lab = cv2.cvtColor(np.asarray(smooth, np.float32) / 255, cv2.COLOR_BGR2LAB)
    small = cv2.resize(lab, (160, 120), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    cv2.setRNGSeed(0)
    _, _, centres = cv2.kmeans(small, OBJECTS, None, (3, 30, 0.1), 2, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload] # None
    away = np.stack([((lab - centre) ** 2).sum(axis=-1) for centre in np.asarray(centres)])
    return np.asarray(away.argmin(axis=0), np.int32)


def _objects_in(shot: Shown, other: Shown, labels: npt.NDArray[np.int32]) -> list[list[npt.NDArray[np.bool_]]]:
    """Where the objects are in each frame, as far as the middle of the other shot shows them."""
    height, width = SMALL
    middle = np.vstack([other.places[len(other.places) // 2], [0, 0, 1]])
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    found = []
    for place in shot.places:
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        here = cv2.warpAffine(labels.astype(np.int16), place, (width, height), flags=flags, borderValue=-1)
        there = np.linalg.solve(middle, np.vstack([place, [0, 0, 1]]))
        ours = [there[row, 0] * x + there[row, 1] * y + there[row, 2] for row in range(2)]
        both = (ours[0] >= 0) & (ours[0] < width) & (ours[1] >= 0) & (ours[1] < height)
        found.append([(here == number) & both for number in range(OBJECTS)])
    return found


def _colored(film: list[Picture], colorizer: Colorizer, *, match: bool) -> tuple[list[Floats], dict[int, FrameShift]]:
    """The film's colours, steady, at its size; and what was added to frames of shots that were matched."""
    shifts: dict[int, FrameShift] = {}
    frames = [Frame(luma, None, _LAYOUT, _ENCODING) for luma in film]
    guide = matching_guide(film, colorizer) if match else None

    def guidance_of(number: int) -> FrameGuidance:
        found = FrameGuidance() if guide is None else guide.at(number)
        if found.shift is not None:
            shifts[number] = found.shift
        return found

    frame_colorizer = FrameColorizer(colorizer, WAYS["steady"], guidance_of)
    planes = [
        np.asarray(cv2.resize(one.ab, (SMALL[1], SMALL[0])), np.float32)
        for one in frame_colorizer.predict(iter(enumerate(frames)), FilmState())
        if one.ab is not None
    ]
    if guide is not None:
        guide.close()
    return planes, shifts


def _left(
    ab: Floats, lightness: Floats, shift: FrameShift, inside: list[npt.NDArray[np.bool_]], kept: list[int]
) -> float:
    """Of a change of an object's colour, the share that is left."""
    before = shift.applied(ab, lightness)
    found = []
    for number in kept:
        for way in ((10, 0), (-10, 0), (0, 10), (0, -10)):
            changed = np.asarray(ab + inside[number][..., None] * np.array(way), np.float32)
            after = shift.applied(changed, lightness)
            found.append((after - before)[inside[number]].mean(axis=0) @ np.array(way) / 100)
    return float(np.mean(found)) if found else 1.0


def matching_guide(film: list[Picture], colorizer: Colorizer) -> Guide:
    """What matched shots say of a film, of (240, 320) grey frames."""
    frames = (
        SmallFrame(number, Fraction(number, 24), lightness_of(luma, colorizer)) for number, luma in enumerate(film)
    )
    matcher = Matcher(colorizer, *SMALL)
    return Guide(FilmGuidance(match_shots=True), frames, matcher, Geometry(*SMALL, 0, Fraction(1, 48)))


def _error(planes: list[Floats], shot: Shown) -> float:
    truth = (chroma_plane(np.ascontiguousarray(picture[..., ::-1])) for picture in shot.pictures)
    return float(np.mean([np.linalg.norm(ab - true, axis=-1).mean() for ab, true in zip(planes, truth, strict=True)]))


def _change(planes: list[Floats], shot: Shown) -> float:
    """Mean absolute change of a and b of a point that moves."""
    found = []
    for number, (before, now) in enumerate(zip(planes, islice(planes, 1, None), strict=False)):
        here, there = (np.vstack([shot.places[at], [0, 0, 1]]) for at in (number, number + 1))
        place = np.linalg.solve(there, here)[:2]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = cv2.warpAffine(now, place, (SMALL[1], SMALL[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        found.append(np.abs(back - before)[8:-8, 8:-8].mean())
    return float(np.mean(found))
