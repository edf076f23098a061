"""How far a job of pictures is, in numbers.

Pictures differ a thousandfold in size, so time left is estimated by pixels. How many are to come is known only where
pictures are done; the rest is taken from the files' sizes, at the rate of pixels per byte seen so far.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage, stamp_if_any
from colorizer.jobs.run import Outcome, Status


class JobProgress:
    """Counts what is done, and reckons how long the rest will take.

    Parameters
    ----------
    sources
        All inputs.
    storage
        Where they lie.

    Attributes
    ----------
    total, done, failed
        Pictures: of the job, of those that have come to an end, and of those that failed.
    """

    def __init__(self, sources: Sequence[Address], storage: Storage = ANYWHERE) -> None:
        self._sizes = {source: found.size if (found := stamp_if_any(storage, source)) else 0 for source in sources}
        self._bytes_left = sum(self._sizes.values())
        self._bytes_done = 0
        self._pixels_done = 0
        self._start = time.monotonic()
        self.total = len(sources)
        self.done = 0
        self.failed = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        size = self._sizes.get(outcome.task.source, 0)
        self._bytes_left -= size
        self.done += 1
        self.failed += outcome.status is Status.FAILED
        if outcome.pixels:
            self._bytes_done += size
            self._pixels_done += outcome.pixels[0] * outcome.pixels[1]

    @property
    def seconds(self) -> float:
        """Since the job began."""
        return time.monotonic() - self._start

    @property
    def pixels_per_second(self) -> float:
        """Of what is done."""
        return self._pixels_done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None until there is something to estimate from."""
        if not self._pixels_done or not self._bytes_done:
            return None
        pixels_left = self._bytes_left * self._pixels_done / self._bytes_done
        return pixels_left / self.pixels_per_second
