"""Whole pictures, strip by strip over threads: lightness shrunk for the network, and chroma put into the picture.

Beyond the picture and the result, memory holds a few strips' intermediate planes and nothing that grows with the
picture. NumPy and OpenCV let go of the interpreter's lock while they compute, so threads do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness, recombine
from colorizer.color.resample import Part, Shrinker
from colorizer.color.upsample import Upsampler
from colorizer.io.machine import usable_cores

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Result = TypeVar("Result")

STRIP_PIXELS = 1 << 18
"""Pixels worked on at a time: few enough for the processor's cache, enough of them to hide Python's own time."""

WORTHWHILE_THREADS = 4
"""Each holds up to 20 MB, and more of them mostly wait for the interpreter's lock between two operations."""

KEPT_MEMORY = 1 << 24
"""Bytes; more than a thread's planes take, less than glibc's own limit of 32 MB."""


class Adjustment(Protocol):
    """What changes a picture's chroma at full size, a strip at a time; called by several threads."""

    def adjust(self, rows: slice, lightness: Floats, wanted: Floats) -> Floats:
        """The chroma to render.

        Parameters
        ----------
        rows
            Of the strip, in the picture.
        lightness
            (n, W) float32, L in 0..100.
        wanted
            (n, W, 2) float32, what there would be otherwise.
        """


def shrunk_lightness(pixels: Pixels, size: tuple[int, int], threads: int | None = None) -> Floats:
    """Lightness of a picture at the network's size.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.
    size
        Height and width wanted.
    threads
        How many compute; None: the cores that this process may use. More than `WORTHWHILE_THREADS` are never taken.

    Returns
    -------
    ndarray, (height, width) float32, L in 0..100
    """
    (result,) = shrunk_lightnesses(pixels, [size], threads)
    return result


def shrunk_lightnesses(
    pixels: Pixels, sizes: Sequence[tuple[int, int]], threads: int | None = None
) -> tuple[Floats, ...]:
    """Lightness of a picture at several sizes, computed once; see `shrunk_lightness`."""
    height, width = pixels.shape[:2]
    shrinkers = [Shrinker((height, width), size) for size in sizes]

    def shrink(rows: slice) -> list[Part]:
        strip = lightness(pixels[rows])
        return [shrinker.shrink(rows.start, strip) for shrinker in shrinkers]

    for parts in each_strip(shrink, height, width, worthwhile(threads)):
        for shrinker, part in zip(shrinkers, parts, strict=True):
            shrinker.add(part)
    return tuple(shrinker.result() for shrinker in shrinkers)


def with_chroma(
    pixels: Pixels,
    ab: Floats,
    own_share: float = 0.0,
    threads: int | None = None,
    adjustment: Adjustment | None = None,
) -> Pixels:
    """A picture's lightness with other chroma.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.
    ab
        (h, w, 2) float32, CIE Lab units, at any size.
    own_share
        Share of the picture's own chroma that is added, 0..1.
    threads
        As for `shrunk_lightness`.
    adjustment
        What changes the chroma at full size.

    Returns
    -------
    ndarray, (H, W, 3) RGB of the input's dtype
    """
    height, width = pixels.shape[:2]
    _keep_freed_memory()
    upsampler = Upsampler(ab, height, width)
    result = np.empty((height, width, 3), pixels.dtype)

    def render(rows: slice) -> None:
        strip = pixels[rows]
        wanted = upsampler.rows(rows.start, rows.stop)
        if own_share > 0 and strip.ndim == 3:
            wanted += chroma_plane(strip) * np.float32(own_share)
        light = lightness(strip)
        if adjustment is not None:
            wanted = adjustment.adjust(rows, light, wanted)
        result[rows] = recombine(light, wanted, pixels.dtype)

    for _ in each_strip(render, height, width, worthwhile(threads)):
        pass
    return result


def _keep_freed_memory() -> None:
    """Have glibc keep what a strip's planes took for the next strip's.

    It hands freed memory back to the system by a threshold that follows the largest block ever freed. A strip's planes
    are larger than it is at first, and getting their pages anew for each strip takes as long as the arithmetic.
    """
    np.empty(KEPT_MEMORY, np.uint8)


def worthwhile(threads: int | None) -> int:
    """How many threads to take, of those wanted; None: the cores that this process may use."""
    return min(threads or usable_cores(), WORTHWHILE_THREADS)


def strips(height: int, width: int, pixels: int = STRIP_PIXELS) -> list[slice]:
    """The rows of each strip of a picture, from the top.

    Parameters
    ----------
    height, width
        Of the picture.
    pixels
        How many of them a strip may have; it has one row at least.
    """
    rows = max(1, pixels // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def each_strip(work: Callable[[slice], Result], height: int, width: int, threads: int) -> Iterator[Result]:
    """What `work` makes of each strip, given its rows, in order from the top.

    Parameters
    ----------
    work
        Called for several strips at a time, by as many threads.
    height, width
        Of the picture.
    threads
        How many at most.
    """
    parts = strips(height, width)
    count = min(threads, len(parts))
    if count <= 1:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(work, parts)
