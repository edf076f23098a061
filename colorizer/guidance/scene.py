"""What a picture gives the spreading of hints once, whatever the hints: where each place lies for the kernel.

All maps have the working size, whose longer side is `WORKING_SIDE`; memory for them is about 22 MB, whatever the
picture's own size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.guidance.metric import Floats, Metric
from colorizer.guidance.walk import walked
from colorizer.networks.distribution import Distribution

WORKING_SIDE = 256
"""Of the maps that hints are spread on. Half of it loses 0.1 dB, twice as much gains nothing that can be seen."""

WALKING_SIDE = 96
"""Of the grid that distances are walked on."""

USUAL_DEVIATION = 12.0
"""Of a network's distribution in a and b, at which an error's scale is `_SCALE`."""

_SCALE = 10.0
_LEAST_VARIANCE = 1.0
_CHROMA_UNIT = 30.0
"""What predicted chroma is counted in, for the term that is proportional to it."""

_CHROMA_LENGTH = 14.0
"""In ab, over which places are alike for a network without a distribution."""

_BLUR = 1.0
"""Standard deviation of the lightness's blur before prices are taken, in cells of the walking grid: against grain."""

_ALIKE = 0.06
"""Difference of L (0..1) from a cell of the walking grid, beyond which a place is of another thing."""

_LEAST_SHARE = np.float32(1e-6)

_MEDIAN = 3
"""Cells of the median that leaves edges where they are, and takes grain away."""

_PLACES = 1 << 13
"""Worked on at a time, so that intermediate results stay in the processor's cache."""


@dataclass(frozen=True)
class Prices:
    """What a walk along the picture costs.

    Attributes
    ----------
    far
        Share of the longer side along which a colour fades where nothing changes.
    light
        Change of L (0..1) that costs as much as all that.
    look
        Change of the embedding that does.
    edge, slack
        A change of L in one step beyond `slack` is an edge, and costs as much as all that at each `edge` of it.
    feature
        Exponent on direct likeness, which counts besides.
    power
        Of the distance, in the exponential.
    """

    far: float = 1.2
    light: float = 0.3
    look: float = 5.0
    edge: float = 0.04
    slack: float = 0.03
    feature: float = 0.3
    power: float = 1.5


@dataclass(frozen=True)
class Coordinates:
    """Where n places lie for each term: (n, k) float32 each; and half their squared lengths, where they are known."""

    alike: Floats
    same: Floats
    near: Floats
    chroma: Floats
    own: Floats
    halves: Floats | None = None  # (4, n), of alike, same, near and own

    def take(self, rows: slice | npt.NDArray[np.intp]) -> Coordinates:
        """Of some of the places."""
        halves = None if self.halves is None else self.halves[:, rows]
        return Coordinates(
            self.alike[rows], self.same[rows], self.near[rows], self.chroma[rows], self.own[rows], halves
        )

    def half(self, term: int) -> Floats | None:
        """Half the squared lengths for a term of `halves`."""
        return None if self.halves is None else self.halves[term]


@dataclass(frozen=True)
class Scene:
    """A picture, prepared.

    Attributes
    ----------
    metric, prices
        The kernel's numbers.
    light
        (H, W) float32 L / 100.
    scale
        (H W, 2) float32, how large the network's errors in a and b may be.
    places
        Coordinates of all places.
    down, right
        Prices of steps on the walking grid.
    cells, shares
        (H W, 4) the cells of the walking grid around each place, and how much each counts there.
    """

    metric: Metric
    prices: Prices
    light: Floats
    scale: Floats
    places: Coordinates
    down: Floats
    right: Floats
    cells: npt.NDArray[np.intp]
    shares: Floats

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the maps."""
        height, width = self.light.shape
        return height, width

    @classmethod
    def of(
        cls,
        light: Floats,
        ab: Floats,
        distribution: Distribution | None,
        metric: Metric,
        prices: Prices | None = None,
    ) -> Scene:
        """Prepare a picture.

        Parameters
        ----------
        light
            (H, W) float32 L in 0..100, at the working size.
        ab
            (h, w, 2) float32, what the network says.
        distribution
            Where it comes from; None where the network has none.
        metric, prices
            The kernel's numbers.
        """
        prices = prices or Prices()
        size = light.shape[0], light.shape[1]
        shade = np.asarray(light / 100, np.float32)
        predicted = enlarged(ab, size)
        if distribution is None:
            deviation = np.full((1, 1, 2), USUAL_DEVIATION, np.float32)
            look = np.moveaxis(ab, -1, 0) / np.float32(_CHROMA_LENGTH)
            embedded = (look, look, look)
        else:
            deviation = deviations(distribution)
            embedded = metric.embed(distribution)
        scale = enlarged(
            (deviation / np.float32(USUAL_DEVIATION)) ** np.float32(metric.doubt) * np.float32(_SCALE), size
        )
        places = coordinates(metric, [_flat(each, size) for each in embedded], shade, predicted)
        own = np.ascontiguousarray(np.moveaxis(embedded[2], 0, -1))
        grid = _walking_grid(shade)
        down, right = _step_prices(grid, own, prices)
        return cls(metric, prices, shade, scale.reshape(-1, 2), places, down, right, *_around(shade, grid))

    def walks(self, points: npt.NDArray[np.float64]) -> Floats:
        """How far everything is from points, along the picture.

        Parameters
        ----------
        points
            (n, 2) x and y, pixels of the working size.

        Returns
        -------
        ndarray, (n, h, w) float32
            On the walking grid.
        """
        return walked(self.down, self.right, self._cells_of(points))

    def between(self, points: npt.NDArray[np.float64], maps: Floats) -> Floats:
        """How far points are from each other, by their walks: (n, n); row i has the distances of point i."""
        at = self._cells_of(points)
        found = maps[:, at[:, 0], at[:, 1]].T
        return np.asarray(np.maximum(found, found.T))

    def _cells_of(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """(n, 2) rows and columns of the walking grid."""
        height, width = self.size
        rows, columns = len(self.right), self.down.shape[1]
        scale = np.array([columns / width, rows / height])
        return np.asarray(np.clip(((points + 0.5) * scale).astype(np.intp), 0, [columns - 1, rows - 1])[:, ::-1])

    def at_places(self, maps: Floats, rows: slice) -> Floats:
        """Maps of the walking grid at the working size, with the picture's edges.

        Parameters
        ----------
        maps
            (h w, n) float32.
        rows
            Which places.

        Returns
        -------
        ndarray, (m, n) float32
        """
        cells, shares = self.cells[rows], self.shares[rows]
        total = maps[cells[:, 0]] * shares[:, :1]
        for corner in range(1, cells.shape[1]):
            total += maps[cells[:, corner]] * shares[:, corner, None]
        return total


def coordinates(metric: Metric, embedded: list[Floats], shade: Floats, predicted: Floats) -> Coordinates:
    """Coordinates of all places of maps.

    Parameters
    ----------
    metric
        The kernel's numbers.
    embedded
        (H W, k) float32 for the three terms that look at the network.
    shade
        (H, W) float32 L / 100.
    predicted
        (H, W, 2) float32 ab.
    """
    height, width = shade.shape
    y, x = np.mgrid[0:height, 0:width]
    place = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32) / np.float32(max(height, width))
    return coordinates_of(metric, embedded, shade.reshape(-1), place, predicted.reshape(-1, 2))


def coordinates_of(
    metric: Metric, embedded: list[Floats], shade: Floats, place: Floats, predicted: Floats
) -> Coordinates:
    """As `coordinates`, for n places: L / 100 (n,), x and y over the longer side (n, 2), ab (n, 2)."""
    first, second, third = embedded
    tone = shade[:, None]
    alike = np.concatenate([first, tone / metric.lightness[0], place / metric.place[0]], axis=1, dtype=np.float32)
    near = np.concatenate([tone / metric.lightness[1], place / metric.place[1]], axis=1, dtype=np.float32)
    same, own = (np.asarray(each, np.float32) for each in (second, third))
    chroma = np.asarray(predicted / np.float32(_CHROMA_UNIT), np.float32)
    halves = np.stack([half_square(each) for each in (alike, same, near, own)])
    return Coordinates(alike, same, near, chroma, own, halves)


def half_square(places: Floats) -> Floats:
    """Half the squared length of each of (n, k)."""
    return np.asarray(np.float32(0.5) * np.einsum("ij,ij->i", places, places), np.float32)


def deviations(distribution: Distribution) -> Floats:
    """Standard deviation of a and b under the distribution at T = 1: (h, w, 2) float32, CIE Lab units, 1 at least."""
    count, height, width = distribution.logits.shape
    logits = distribution.logits.reshape(count, -1)
    centres = distribution.centres.T
    moments = np.concatenate([centres, centres**2, np.ones((1, count), np.float32)]).astype(np.float32)
    sums = np.empty((5, height * width), np.float32)
    for first in range(0, height * width, _PLACES):
        weights = np.exp(logits[:, first : first + _PLACES].astype(np.float32))
        np.matmul(moments, weights, out=sums[:, first : first + _PLACES])
    mean, square = sums[:2] / sums[4], sums[2:4] / sums[4]
    variance = np.maximum(square - mean**2, np.float32(_LEAST_VARIANCE))
    return np.ascontiguousarray(np.sqrt(variance).T).reshape(height, width, 2)


def enlarged(plane: Floats, size: tuple[int, int]) -> Floats:
    """(h, w, k) at another height and width, bilinearly between centres; OpenCV takes four channels at a time."""
    if plane.shape[:2] == size:
        return np.asarray(plane, np.float32)
    parts = [
        cv2.resize(np.ascontiguousarray(plane[..., at : at + 4]), size[::-1], interpolation=cv2.INTER_LINEAR).reshape(
            *size, -1
        )
        for at in range(0, plane.shape[2], 4)
    ]
    return np.asarray(np.concatenate(parts, axis=2), np.float32)


def working_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the maps for a picture."""
    factor = WORKING_SIDE / max(height, width)
    return max(2, round(height * factor)), max(2, round(width * factor))


def _flat(embedded: Floats, size: tuple[int, int]) -> Floats:
    return enlarged(np.moveaxis(embedded, 0, -1), size).reshape(size[0] * size[1], -1)


def _walking_grid(shade: Floats) -> Floats:
    """L / 100 on the walking grid."""
    height, width = shade.shape
    factor = WALKING_SIDE / max(height, width)
    size = max(2, round(width * factor)), max(2, round(height * factor))
    return np.asarray(cv2.resize(shade, size, interpolation=cv2.INTER_AREA), np.float32)


def _around(shade: Floats, grid: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """The cells around each place, and their shares: bilinear, times how like the place's lightness theirs is.

    Joint bilateral upsampling (Kopf, Cohen, Lischinski and Uyttendaele 2007).
    """
    at = [
        np.clip((np.arange(count) + 0.5) * cells / count - 0.5, 0, cells - 1)
        for count, cells in zip(shade.shape, grid.shape, strict=True)
    ]
    low = [np.minimum(each.astype(np.intp), cells - 2) for each, cells in zip(at, grid.shape, strict=True)]
    part = [np.asarray(each - first, np.float32) for each, first in zip(at, low, strict=True)]
    cells, shares = [], []
    for down in (0, 1):
        for right in (0, 1):
            index = (low[0] + down)[:, None] * grid.shape[1] + (low[1] + right)[None]
            vertical, horizontal = (part[0] if down else 1 - part[0]), (part[1] if right else 1 - part[1])
            away = (grid.ravel()[index] - shade) / np.float32(_ALIKE)
            cells.append(index.ravel())
            shares.append((vertical[:, None] * horizontal[None] * np.exp(-0.5 * away * away) + _LEAST_SHARE).ravel())
    found = np.stack(shares, axis=1)
    return np.stack(cells, axis=1), np.asarray(found / found.sum(axis=1, keepdims=True), np.float32)


def _step_prices(small: Floats, look: Floats, prices: Prices) -> tuple[Floats, Floats]:
    light = cv2.GaussianBlur(small, (0, 0), _BLUR)
    firm = cv2.medianBlur(small, _MEDIAN)
    seen = enlarged(look, (small.shape[0], small.shape[1]))

    def price(axis: int) -> Floats:
        changed = np.abs(np.diff(light, axis=axis)) / prices.light
        changed += np.maximum(np.abs(np.diff(firm, axis=axis)) - np.float32(prices.slack), 0) / np.float32(prices.edge)
        turned = np.linalg.norm(np.diff(seen, axis=axis), axis=-1) / prices.look
        return np.asarray(1 / (prices.far * WALKING_SIDE) + changed + turned, np.float32)

    return price(0), price(1)
