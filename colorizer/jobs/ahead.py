"""Whether a job looks like one for several processes, so that they can be started before all else."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence

from colorizer.io.address import Address, Remote
from colorizer.io.machine import usable_cores
from colorizer.jobs.executors.local import StartedProcesses

SMALL_BATCH = 3
"""So many pictures are done sooner by one process than new ones take to start."""


def start_processes(inputs: Sequence[Address], jobs: int | None) -> StartedProcesses | None:
    """Start those that a job will want; None where it does not look like one for several.

    Parameters
    ----------
    inputs
        Files and folders.
    jobs
        How many processes are wanted; None: one for each core.
    """
    count = jobs or usable_cores()
    return StartedProcesses(count, "colorizer.jobs.batch") if count > 1 and _are_many(inputs) else None


def _are_many(inputs: Iterable[Address]) -> bool:
    """Whether there are more than a few files, at a glance: nothing is opened, and folders in folders count as many."""
    return len(list(itertools.islice(_glanced_at(inputs), SMALL_BATCH + 1))) > SMALL_BATCH


def _glanced_at(inputs: Iterable[Address]) -> Iterator[None]:
    for path in inputs:
        if isinstance(path, Remote):  # what ends in a suffix is a picture, mostly; servers are not asked yet
            yield from itertools.repeat(None, 1 if path.suffix else SMALL_BATCH + 1)
            continue
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    yield from itertools.repeat(None, SMALL_BATCH + 1 if entry.is_dir() else 1)
        except OSError:  # a file; whatever else is wrong with it will be said when it is its turn
            yield None
