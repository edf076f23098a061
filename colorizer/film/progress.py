"""Progress of a film: a bar on a terminal, lines of JSON for programs, nothing elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from colorizer.film.job import Progress

Kind = Literal["auto", "bar", "json", "none"]

_PAUSE = 1.0
"""Seconds between lines of JSON."""


@contextmanager
def shown_progress(kind: Kind, say: Callable[[str], None]) -> Iterator[Callable[[Progress], None]]:
    """Show progress for the time of a `with` block; what it yields is called with the progress after each frame.

    Parameters
    ----------
    kind
        What to show; auto is a bar where stderr is a terminal.
    say
        Prints a line to stderr.
    """
    if kind == "bar" or (kind == "auto" and sys.stderr.isatty()):
        from tqdm import tqdm

        with tqdm(unit=" frames", dynamic_ncols=True) as bar:

            def move(progress: Progress) -> None:
                bar.total, bar.initial = progress.total, progress.resumed
                bar.update(progress.done - bar.n)

            yield move
    elif kind == "json":
        yield _Lines(say)
    else:
        yield lambda _: None


class _Lines:
    """A line of JSON about every second."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._start = self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _PAUSE and progress.done != progress.total:
            return
        self._last = now
        # frames of an earlier run took this one no time
        rate = (progress.done - progress.resumed) / max(now - self._start, 1e-9)
        left = None if progress.total is None or not rate else (progress.total - progress.done) / rate
        event = {
            "done": progress.done,
            "total": progress.total,
            "frames_per_second": round(rate, 2),
            "seconds": round(now - self._start, 3),
            "seconds_left": None if left is None else round(left, 1),
        }
        self._say(json.dumps(event))
