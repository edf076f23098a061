"""From a photograph to what the network sees and what it should answer; batches of them, prepared ahead.

A sample depends on the seed and its number alone, so a run that resumes meets the very samples that it would have met,
whatever the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.networks.zhang.contract import MIDDLE_LIGHTNESS, OUTPUT_STRIDE
from training.ageing import Ageing, aged_lightness
from training.photographs import Photographs

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """What chance does to a photograph before the network sees it.

    Attributes
    ----------
    smallest_crop
        Least side of a crop, as a share of the picture's short side.
    aspect
        Crops are stretched by up to this factor, either way.
    mixing
        Share of batches in which a rectangle of each picture is another picture's, with its colours (Yun et al. 2019,
        CutMix, for dense answers): the network learns not to colour a thing by the rest of the scene alone.
    ageing
        What is done to the lightness.
    """

    smallest_crop: float = 0.72
    aspect: float = 1.18
    mixing: float = 0.0
    ageing: Ageing = Ageing()


@dataclass(frozen=True)
class Batch:
    """What the network sees, what it would see of a new picture, and the colours that it should find."""

    lightness: Floats  # (N, 1, S, S), L - 50, aged
    clean: Floats  # (N, 1, S, S), L - 50, not aged
    ab: Floats  # (N, S/4, S/4, 2), CIE Lab units


def crop(pixels: Pixels, size: int, augmentation: Augmentation, rng: np.random.Generator) -> Pixels:
    """A random part of a picture, perhaps mirrored, at (size, size, 3)."""
    height, width = pixels.shape[:2]
    side = rng.uniform(augmentation.smallest_crop, 1) * min(height, width)
    stretch = np.exp(rng.uniform(-1, 1) * np.log(augmentation.aspect) / 2)
    tall, wide = max(1, min(height, round(side * stretch))), max(1, min(width, round(side / stretch)))
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    part = pixels[top : top + tall, left : left + wide]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    shrinks = min(tall, wide) >= size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=how), np.uint8)


def sample(
    pixels: Pixels, size: int, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """One sample: (size, size) L - 50, aged; the same, not aged; and (size/4, size/4, 2) ab."""
    part = crop(pixels, size, augmentation, rng)
    small = (size // OUTPUT_STRIDE, size // OUTPUT_STRIDE)
    ab = cv2.resize(chroma_plane(part), small, interpolation=cv2.INTER_AREA)
    middle = np.float32(MIDDLE_LIGHTNESS)
    aged = aged_lightness(part, augmentation.ageing, rng) - middle
    return aged, lightness(part) - middle, np.asarray(ab, np.float32)


def mix(batch: Batch, rng: np.random.Generator) -> Batch:
    """Each picture with a rectangle of its neighbour in it, lightness and colours alike."""
    side = batch.ab.shape[1]
    tall, wide = (int(side * share) for share in np.sqrt(rng.uniform(0.1, 0.5)) * np.exp(rng.uniform(-0.3, 0.3, 2)))
    tall, wide = min(tall, side), min(wide, side)
    top, left = int(rng.integers(side - tall + 1)), int(rng.integers(side - wide + 1))
    light, clean, ab = batch.lightness.copy(), batch.clean.copy(), batch.ab.copy()
    ab[:, top : top + tall, left : left + wide] = np.roll(batch.ab, 1, 0)[:, top : top + tall, left : left + wide]
    rows, columns = (
        slice(start * OUTPUT_STRIDE, (start + n) * OUTPUT_STRIDE) for start, n in ((top, tall), (left, wide))
    )
    light[..., rows, columns] = np.roll(batch.lightness, 1, 0)[..., rows, columns]
    clean[..., rows, columns] = np.roll(batch.clean, 1, 0)[..., rows, columns]
    return Batch(light, clean, ab)


class Feed:
    """Batches without end, prepared ahead by threads.

    Parameters
    ----------
    photographs
        What to learn from; each is met once in an epoch.
    augmentation
        What chance does to them.
    batch_size
        Samples in a batch.
    seed
        Where chance begins.
    threads
        How many prepare batches; one keeps up with a network on two cores.
    """

    def __init__(
        self, photographs: Photographs, augmentation: Augmentation, batch_size: int, seed: int, threads: int = 1
    ) -> None:
        self._photographs = photographs
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._seed = seed
        self._threads = threads

    def batch(self, step: int, size: int) -> Batch:
        """The batch of a step, at a side of `size` pixels."""
        rng = np.random.default_rng((self._seed, step))
        samples = [sample(self._photographs[i], size, self._augmentation, rng) for i in self._numbers(step)]
        aged, clean, ab = (np.stack(planes) for planes in zip(*samples, strict=True))
        batch = Batch(aged[:, None], clean[:, None], ab)
        return mix(batch, rng) if rng.random() < self._augmentation.mixing else batch

    def _numbers(self, step: int) -> npt.NDArray[np.int64]:
        per_epoch = max(1, len(self._photographs) // self._batch_size)
        order = np.random.default_rng((self._seed, step // per_epoch, 1)).permutation(len(self._photographs))
        start = step % per_epoch * self._batch_size
        return order[start : start + self._batch_size]

    def batches(self, sizes: Iterator[tuple[int, int]]) -> Iterator[Batch]:
        """Batches for (step, size), in order."""
        with ThreadPoolExecutor(self._threads) as pool:
            ahead: deque[Future[Batch]] = deque()
            for step, size in sizes:
                ahead.append(pool.submit(self.batch, step, size))
                if len(ahead) > 4 * self._threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
