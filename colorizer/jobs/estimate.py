"""What a job will take, told before it starts: a few pictures are coloured in memory, and the rest is estimated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from colorizer.colorizer import Colorizer
from colorizer.errors import ColorizerError, shown
from colorizer.io.address import Address
from colorizer.jobs.batch import Batch
from colorizer.jobs.run import OutputPolicy
from colorizer.jobs.standing import Standing
from colorizer.jobs.stream import color_bytes, read_file

SAMPLES = 3


@dataclass(frozen=True)
class Estimate:
    """What a job will take.

    Attributes
    ----------
    kept
        How many outputs exist and stay.
    seconds, bytes
        Time, and room on the disk, for those that do not; None where no picture could be tried.
    """

    kept: int
    seconds: float | None
    bytes: int | None

    @property
    def sentence(self) -> str:
        """In words."""
        if self.seconds is None or self.bytes is None:
            return "time and space cannot be told, since no picture of a sample could be coloured"
        return f"about {tqdm.format_interval(self.seconds)} and {self.bytes / 1e6:.1f} MB for the others"


def estimate(batch: Batch, standing: Standing) -> Estimate:
    """Colour a few pictures of a job in memory, and estimate the rest by the files' sizes.

    Parameters
    ----------
    batch
        The job.
    standing
        Where it stands, which afterwards knows what was made otherwise.

    Raises
    ------
    ColorizerError
        What fails for all pictures: the settings do not fit the model, or the engine cannot be had.
    """
    stamp = batch.storage.stamp
    sizes: dict[Address, int] = {}
    kept = 0
    for task in batch.tasks:
        stays = standing.verdict(task) is not False
        kept += stays
        found = None if stays else stamp(task.source)
        if found is not None:
            sizes[task.source] = found.size
    if not sizes:
        return Estimate(kept, 0.0, 0)
    colorizer = Colorizer(batch.settings, pictures=len(batch.tasks))
    read = written = 0
    start = time.perf_counter()
    for source in _sample(sorted(sizes, key=sizes.__getitem__)):
        try:
            data = read_file(source, batch.storage)
            result, _ = color_bytes(
                data, colorizer, OutputPolicy(batch.policy.output, batch.policy.max_pixels), shown(source)
            )
        except ColorizerError:
            continue
        read += len(data)
        written += len(result)
    if not read:
        return Estimate(kept, None, None)
    share = sum(sizes.values()) / read
    return Estimate(kept, (time.perf_counter() - start) * share, int(written * share))


def _sample(sources: Sequence[Address]) -> list[Address]:
    """A few, spread evenly over the sizes, but none of the extremes where there are more."""
    count = min(SAMPLES, len(sources))
    return [sources[(2 * index + 1) * len(sources) // (2 * count)] for index in range(count)]
