"""Films whose colours are known: a camera over a photograph, and a disc of one colour that moves before it; and films
in which the camera comes back to a photograph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from films import Picture

SIZE = (96, 128)
VIEW = (120, 160)
RADIUS = 17
DISC = np.array([170, 84, 60], np.float32)


@dataclass(frozen=True)
class KnownFrame:
    """A frame, and where its object is."""

    grey: Picture
    truth: Picture
    inside: npt.NDArray[np.bool_]  # well inside the object, away from its edge

    @property
    def centre(self) -> tuple[float, float]:
        """Of the object, in fractions of width and height."""
        y, x = np.nonzero(self.inside)
        return (float(x.mean()) + 0.5) / SIZE[1], (float(y.mean()) + 0.5) / SIZE[0]


def known_film(photo: Path, frames: int, *, grain: float = 3.0, seed: int = 3) -> list[KnownFrame]:
    """A camera that pans and turns back over a photograph, before which a textured disc moves."""
    rng = np.random.default_rng(seed)
    picture = np.asarray(cv2.imread(str(photo)))[..., ::-1]
    height, width = SIZE
    scale = max(height * 1.6 / picture.shape[0], width * 1.8 / picture.shape[1])
    large = cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (2 * RADIUS, 2 * RADIUS)), (0, 0), 1.5)
    texture *= 12 / texture.std()
    y, x = np.mgrid[0 : 2 * RADIUS, 0 : 2 * RADIUS] + 0.5 - RADIUS
    disc, core = (np.hypot(x, y) < limit for limit in (RADIUS - 1, RADIUS - 5))
    found = []
    for number in range(frames):
        away = 25 * (1 - np.cos(number / 20))
        place = np.array([[1, 0, away], [0, 1, 8 + away / 5]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(large, place, (width, height), flags=flags).astype(np.float32)
        left, top = round(30 + 25 * np.sin(number / 16)), round(32 + 10 * np.cos(number / 12))
        part = np.s_[top : top + 2 * RADIUS, left : left + 2 * RADIUS]
        frame[part][disc] = (DISC + texture[..., None])[disc]
        inside = np.zeros(SIZE, np.bool_)
        inside[part] = core
        truth = np.clip(frame, 0, 255).astype(np.uint8)
        grey = cv2.cvtColor(truth, cv2.COLOR_RGB2GRAY) + rng.normal(0, grain, SIZE)
        found.append(KnownFrame(np.dstack([np.clip(np.rint(grey), 0, 255).astype(np.uint8)] * 3), truth, inside))
    return found


@dataclass(frozen=True)
class Filmed:
    """A frame, and the motion from its points to those of the photograph."""

    grey: Picture
    place: npt.NDArray[np.float64]


def filmed(
    photo: Path, frames: int, *, nearer: float = 1.0, at: float = 0.5, exposure: float = 1.0, seed: int = 1
) -> list[Filmed]:
    """A camera that moves over a photograph."""
    rng = np.random.default_rng(seed)
    picture = np.asarray(cv2.imread(str(photo)))
    height, width = VIEW
    scale = nearer * max(height * 1.3 / picture.shape[0], width * 1.3 / picture.shape[1])
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = []
    for number in range(frames):
        x, y = at * (large.shape[1] - width) + 0.6 * number, at * (large.shape[0] - height)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(large, np.array([[1, 0, x], [0, 1, y]]), (width, height), flags=flags)
        grey = exposure * cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) + rng.normal(0, 4, VIEW)
        place = np.array([[1 / scale, 0, x / scale], [0, 1 / scale, y / scale]])
        found.append(Filmed(np.dstack([np.clip(np.rint(grey), 0, 255).astype(np.uint8)] * 3), place))
    return found


def pictures_of(path: Path) -> Iterator[Picture]:
    """The frames of a film as RGB."""
    with av.open(str(path)) as film:
        for native in film.decode(video=0):
            yield native.to_ndarray(format="rgb24")
