"""Batches of samples, prepared ahead by threads.

A batch depends on the seed and its number alone, so a run that resumes meets the very samples that it would have met,
whatever the number of threads: the place of a run in its photographs is its number of steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colorizer.training.contract import Contract
from colorizer.training.data.photographs import Photographs
from colorizer.training.data.samples import sample
from colorizer.training.recipe import LiteRecipe, Recipe

Floats = npt.NDArray[np.float32]

_AHEAD = 4
"""Batches that each thread may be ahead."""


@dataclass(frozen=True)
class Batch:
    """What the network sees, what it would see of a new picture, and what it should answer."""

    seen: Floats  # (N, 1, S, S)
    clean: Floats  # (N, 1, S, S), not aged
    target: Floats  # (N, C, S, S)


def mix(batch: Batch, rng: np.random.Generator) -> Batch:
    """Each picture with a rectangle of its neighbour in it, lightness and colours alike."""
    side = batch.target.shape[-1]
    tall, wide = (int(side * share) for share in np.sqrt(rng.uniform(0.1, 0.5)) * np.exp(rng.uniform(-0.3, 0.3, 2)))
    tall, wide = max(1, min(tall, side)), max(1, min(wide, side))
    top, left = int(rng.integers(side - tall + 1)), int(rng.integers(side - wide + 1))
    rows, columns = slice(top, top + tall), slice(left, left + wide)

    def mixed(planes: Floats) -> Floats:
        result = planes.copy()
        result[..., rows, columns] = np.roll(planes, 1, 0)[..., rows, columns]
        return result

    return Batch(mixed(batch.seen), mixed(batch.clean), mixed(batch.target))


def _side_by_side(four: Sequence[Floats], size: int) -> Floats:
    """Four planes, each of half the side, as one, (C, size, size)."""
    upper, lower = np.concatenate(four[:2], 2), np.concatenate(four[2:], 2)
    return np.concatenate([upper, lower], 1)[:, :size, :size]


def pictures_at(size: int, recipe: Recipe) -> int:
    """How many pictures a batch has at a side of `size` pixels."""
    if not (isinstance(recipe, LiteRecipe) and recipe.mixed_sizes) or size <= recipe.size:
        return recipe.batch
    return max(1, round(recipe.batch * (recipe.size / size) ** 2))


class Feed:
    """Batches without end; a sample is a photograph, or four of them at half the size.

    Parameters
    ----------
    photographs
        What to learn from; each is met once in an epoch.
    contract
        What the network sees and gives.
    recipe
        Size of batches, what chance does, and where it begins.
    threads
        How many prepare batches; one keeps up with a network on two cores.
    """

    def __init__(self, photographs: Photographs, contract: Contract, recipe: Recipe, threads: int = 1) -> None:
        self._photographs = photographs
        self._contract = contract
        self._recipe = recipe
        self._threads = threads

    @property
    def per_epoch(self) -> int:
        """Batches in which each photograph is met once; what fills none is met in another epoch."""
        return max(1, len(self._photographs) // self._recipe.batch)

    def batch(self, step: int, size: int) -> Batch:
        """The batch of a step, at a side of `size` pixels."""
        rng = np.random.default_rng((self._recipe.seed, step))
        numbers = self.numbers(step)[: pictures_at(size, self._recipe)]
        samples = [self._sample(index, size, rng) for index in numbers]
        batch = Batch(*(np.stack(planes) for planes in zip(*samples, strict=True)))
        mixing = self._recipe.mixing
        return mix(batch, rng) if mixing and rng.random() < mixing else batch

    def _sample(self, index: int, size: int, rng: np.random.Generator) -> tuple[Floats, ...]:
        recipe = self._recipe
        if not recipe.mosaic or rng.random() >= recipe.mosaic:
            return sample(self._photographs[index], size, self._contract, recipe, rng)
        four = [index, *rng.integers(len(self._photographs), size=3)]
        half = -(-size // 2)
        parts = [sample(self._photographs[int(each)], half, self._contract, recipe, rng) for each in four]
        return tuple(_side_by_side(planes, size) for planes in zip(*parts, strict=True))

    def numbers(self, step: int) -> list[int]:
        """Which photographs a step meets."""
        epoch, place = divmod(step, self.per_epoch)
        order = np.random.default_rng((self._recipe.seed, epoch, 1)).permutation(len(self._photographs))
        start = place * self._recipe.batch
        return [int(index) for index in order[start : start + self._recipe.batch]]

    def batches(self, sizes: Iterator[tuple[int, int]]) -> Iterator[Batch]:
        """Batches for (step, size), in order."""
        pool = ThreadPoolExecutor(self._threads)
        ahead: deque[Future[Batch]] = deque()
        try:
            for step, size in sizes:
                ahead.append(pool.submit(self.batch, step, size))
                if len(ahead) > _AHEAD * self._threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            # whoever stops in the middle waits for none of what was prepared in vain
            pool.shutdown(cancel_futures=True)
