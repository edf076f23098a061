"""Ways of bringing ab from the network's output to full size, measured: bilinear against those that look at edges.

Each way enlarges two chroma planes at the network's output size: the predicted one, and the true one averaged down to
it. The error is the mean distance in ab from the photograph's own colours, over all pixels and over those within 5
pixels of a chroma edge. What a way gains on true ab it can only give to the user if it gains on predicted ab.

Ways: bilinear and bicubic; the fast guided filter (He and Sun 2015); bilinear plus the detail that the local slope of
ab over L foretells; joint bilateral upsampling (Kopf et al. 2007) with 2 x 2 and 4 x 4 neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import numpy.typing as npt
from benchmarks.measure import markdown_table

from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane, lightness

Floats = npt.NDArray[Any]
Way = Callable[[Floats, Floats, Floats], Floats]
"""(h, w, 2) ab, (H, W) lightness and (h, w) lightness to (H, W, 2) ab."""

EDGE_SLOPE = 4.0
"""Change of ab from one pixel to the next, after a blur of one pixel, that makes a chroma edge."""

NEAR_EDGE = 5
GREY = 2.0
"""Photographs whose mean chroma is less are left out."""


def _resized(image: Floats, like: Floats, how: int) -> Floats:
    return np.asarray(cv2.resize(image, (like.shape[1], like.shape[0]), interpolation=how))


def plain(ab: Floats, full: Floats, _small: Floats, *, how: int = cv2.INTER_LINEAR) -> Floats:
    """Interpolated without a look at the lightness."""
    return _resized(ab, full, how)


def slopes(ab: Floats, small: Floats, radius: int, epsilon: float) -> Floats:
    """Slope of ab over lightness in each window, (h, w, 2): covariance over variance plus epsilon."""
    blur = partial(cv2.blur, ksize=(2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)
    mean = np.asarray(blur(small))
    variance = blur(small * small) - mean * mean
    covariance = blur(ab * small[..., None]) - blur(ab) * mean[..., None]
    return np.asarray(covariance / (variance + epsilon)[..., None])


def guided(ab: Floats, full: Floats, small: Floats, *, radius: int, epsilon: float) -> Floats:
    """The fast guided filter: in each window ab is a linear function of lightness, enlarged and then applied."""
    blur = partial(cv2.blur, ksize=(2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)
    slope = slopes(ab, small, radius, epsilon)
    offset = blur(ab) - slope * np.asarray(blur(small))[..., None]
    slope, offset = (_resized(np.asarray(blur(each)), full, cv2.INTER_LINEAR) for each in (slope, offset))
    return np.asarray(slope * full[..., None] + offset)


def detailed(ab: Floats, full: Floats, small: Floats, *, radius: int, epsilon: float, share: float) -> Floats:
    """Bilinear, and a share of what the slopes make of the lightness that bilinear enlargement misses."""
    blur = partial(cv2.blur, ksize=(2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)
    slope = _resized(np.asarray(blur(slopes(ab, small, radius, epsilon))), full, cv2.INTER_LINEAR)
    detail = full - _resized(small, full, cv2.INTER_LINEAR)
    return np.asarray(plain(ab, full, small) + share * slope * detail[..., None])


def bilateral(ab: Floats, full: Floats, small: Floats, *, reach: int, spread: float, tolerance: float) -> Floats:
    """Neighbours weigh by distance (bilinearly where `spread` is 0) and by likeness of their lightness."""
    y = (np.arange(full.shape[0]) + 0.5) * len(small) / len(full) - 0.5
    x = (np.arange(full.shape[1]) + 0.5) * small.shape[1] / full.shape[1] - 0.5
    total = np.zeros((*full.shape, 2), np.float32)
    weights = np.zeros((*full.shape, 1), np.float32)
    steps = range(1 - reach, reach + 1)
    for down, right in ((down, right) for down in steps for right in steps):
        rows, columns = np.floor(y).astype(int) + down, np.floor(x).astype(int) + right
        by_row, by_column = (
            np.exp(-0.5 * ((at - near) / spread) ** 2) if spread else np.clip(1 - np.abs(at - near), 0, None)
            for at, near in ((y, rows), (x, columns))
        )
        place = np.ix_(np.clip(rows, 0, len(small) - 1), np.clip(columns, 0, small.shape[1] - 1))
        likeness = np.exp(-0.5 * ((full - small[place]) / tolerance) ** 2) + 1e-4
        weight = (np.outer(by_row, by_column) * likeness).astype(np.float32)[..., None]
        total += weight * ab[place]
        weights += weight
    return total / weights


WAYS: dict[str, Way] = {
    "bilinear": plain,
    "bicubic": partial(plain, how=cv2.INTER_CUBIC),
    "guided, r = 1, eps = 100": partial(guided, radius=1, epsilon=100),
    "guided, r = 2, eps = 25": partial(guided, radius=2, epsilon=25),
    "guided, r = 4, eps = 25": partial(guided, radius=4, epsilon=25),
    "bilinear + half the detail, r = 1, eps = 25": partial(detailed, radius=1, epsilon=25, share=0.5),
    "bilinear + all the detail, r = 1, eps = 100": partial(detailed, radius=1, epsilon=100, share=1),
    "joint bilateral 2 x 2, 10 L": partial(bilateral, reach=1, spread=0, tolerance=10),
    "joint bilateral 2 x 2, 20 L": partial(bilateral, reach=1, spread=0, tolerance=20),
    "joint bilateral 4 x 4, 20 L": partial(bilateral, reach=2, spread=0.5, tolerance=20),
}


@dataclass
class Tally:
    """Sums over photographs for one way: mean errors (everywhere, near edges), and time."""

    predicted: Floats = field(default_factory=lambda: np.zeros(2))
    true: Floats = field(default_factory=lambda: np.zeros(2))
    seconds: float = 0.0


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--every", default=1, show_default=True, help="Take one photograph in so many.")
@click.option("--model", default="lite", show_default=True)
def upsampling(folder: Path, every: int, model: str) -> None:
    """Compare ways of upsampling ab on a folder of colour photographs (JPEG or PNG)."""
    colorizer = Colorizer(Settings(model=model, size=224))
    tallies = {name: Tally() for name in WAYS}
    count, megapixels = 0, 0.0
    cv2.setNumThreads(1)
    for rgb in photographs(folder, every):
        count += 1
        megapixels += rgb.shape[0] * rgb.shape[1] / 1e6
        measure(colorizer, rgb, tallies)
    header = [f"{count} photographs", "predicted ab", "near edges", "true ab", "near edges", "ms per megapixel"]
    rows = []
    for name, tally in tallies.items():
        errors = [f"{error / count:.2f}" for error in (*tally.predicted, *tally.true)]
        rows.append([name, *errors, f"{tally.seconds / megapixels / 2 * 1e3:.1f}"])
    click.echo(markdown_table(header, rows))


def photographs(folder: Path, every: int) -> Iterator[Floats]:
    """Those with colour in them, as (H, W, 3) uint8 RGB."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for path in paths[::every]:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is not None:
            rgb = np.ascontiguousarray(bgr[..., ::-1])
            if np.hypot(*np.moveaxis(chroma_plane(rgb), -1, 0)).mean() >= GREY:
                yield rgb


def measure(colorizer: Colorizer, rgb: Floats, tallies: dict[str, Tally]) -> None:
    """Add a photograph's errors, and the time taken, to the tally of each way."""
    full, own = lightness(rgb), chroma_plane(rgb)
    predicted = colorizer.predict(rgb)
    small, true = (_resized(plane, predicted, cv2.INTER_AREA) for plane in (full, own))
    near = near_edges(own)
    for name, way in WAYS.items():
        tally = tallies[name]
        for ab, errors in ((predicted, tally.predicted), (true, tally.true)):
            start = time.perf_counter()
            enlarged = way(ab, full, small)
            tally.seconds += time.perf_counter() - start
            error = np.hypot(*np.moveaxis(enlarged - own, -1, 0))
            errors[:] += error.mean(), error[near].mean() if near.any() else 0


def near_edges(ab: Floats) -> npt.NDArray[np.bool_]:
    """Pixels within `NEAR_EDGE` pixels of a chroma edge."""
    smooth = cv2.GaussianBlur(ab, (0, 0), 1)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    slope = np.sqrt((np.square(across) + np.square(down)).sum(axis=-1))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR_EDGE + 1,) * 2)
    return np.asarray(cv2.dilate((slope > EDGE_SLOPE).astype(np.uint8), disc)) > 0


if __name__ == "__main__":
    upsampling()
