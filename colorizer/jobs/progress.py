"""How far a job is: a bar on a terminal, lines of JSON for programs, nothing elsewhere.

Pictures differ a thousandfold in size, so time left is estimated by pixels. How many are to come is known only where
pictures are done; the rest is taken from the files' sizes, at the rate of pixels per byte seen so far.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

from tqdm import tqdm

from colorizer.io.storage import LOCAL, Storage
from colorizer.jobs.run import Outcome, Status

Kind = Literal["bar", "json", "none"]


class Progress(Protocol):
    """Who is told how far a job is; used as a context."""

    def __enter__(self) -> Progress:  # noqa: PYI034 - Self is newer than Python 3.10
        """Begin to show it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display."""

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""

    def say(self, line: str) -> None:
        """Print a line without disturbing the display."""


class _Estimator:
    """Counts, and the share of the work that is done."""

    def __init__(self, sources: Sequence[Path], storage: Storage) -> None:
        self._sizes = {source: found.size if (found := storage.stamp(source)) else 0 for source in sources}
        self._bytes_left = sum(self._sizes.values())
        self._bytes_done = 0
        self._pixels_done = 0
        self._start = time.monotonic()
        self.total = len(sources)
        self.done = 0
        self.failed = 0

    def add(self, outcome: Outcome) -> None:
        size = self._sizes.get(outcome.task.source, 0)
        self._bytes_left -= size
        self.done += 1
        self.failed += outcome.status is Status.FAILED
        if outcome.pixels:
            self._bytes_done += size
            self._pixels_done += outcome.pixels[0] * outcome.pixels[1]

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    @property
    def pixels_per_second(self) -> float:
        return self._pixels_done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None until there is something to estimate from."""
        if not self._pixels_done or not self._bytes_done:
            return None
        pixels_left = self._bytes_left * self._pixels_done / self._bytes_done
        return pixels_left / self.pixels_per_second


class _Silent:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def __enter__(self) -> _Silent:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def add(self, outcome: Outcome) -> None:
        pass

    def say(self, line: str) -> None:
        self._say(line)


class _Lines(_Silent):
    """One line of JSON for each picture."""

    def __init__(self, estimator: _Estimator, say: Callable[[str], None]) -> None:
        super().__init__(say)
        self._estimator = estimator

    def add(self, outcome: Outcome) -> None:
        estimator = self._estimator
        estimator.add(outcome)
        left = estimator.seconds_left
        event = {
            "done": estimator.done,
            "total": estimator.total,
            "failed": estimator.failed,
            "seconds": round(estimator.seconds, 3),
            "seconds_left": None if left is None else round(left, 1),
            "pixels_per_second": round(estimator.pixels_per_second),
        }
        self._say(json.dumps(event))


class _Bar(_Silent):
    """A bar of `tqdm`."""

    def __init__(self, estimator: _Estimator, say: Callable[[str], None]) -> None:
        super().__init__(say)
        self._estimator = estimator
        layout = "{n_fmt}/{total_fmt} |{bar}| {elapsed}{postfix}"
        self._bar = tqdm(total=estimator.total, bar_format=layout, dynamic_ncols=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def add(self, outcome: Outcome) -> None:
        self._estimator.add(outcome)
        self._bar.set_postfix_str(self._state(), refresh=False)
        self._bar.update()

    def say(self, line: str) -> None:
        with self._bar.external_write_mode():
            self._say(line)

    def _state(self) -> str:
        left = self._estimator.seconds_left
        parts = [f"{self._estimator.pixels_per_second / 1e6:.1f} MP/s"]
        if left is not None:
            parts.append(f"{tqdm.format_interval(left)} left")
        if self._estimator.failed:
            parts.append(f"{self._estimator.failed} failed")
        return ", ".join(parts)


def open_progress(
    kind: Kind, sources: Sequence[Path], say: Callable[[str], None], storage: Storage = LOCAL
) -> Progress:
    """The display of a job.

    Parameters
    ----------
    kind
        What to show.
    sources
        All inputs.
    say
        Prints a line to stderr.
    storage
        Where the inputs lie.
    """
    if kind == "none":
        return _Silent(say)
    estimator = _Estimator(sources, storage)
    return _Bar(estimator, say) if kind == "bar" else _Lines(estimator, say)
