"""What is begun before its turn: processes that a job will want, and looks at the pictures that come next."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from colorizer.io.address import Address, Remote
from colorizer.io.machine import usable_cores
from colorizer.jobs.executors.local import StartedProcesses

SMALL_BATCH = 3
"""So many pictures are done sooner by one process than new ones take to start."""

LOOKED_AT_TOGETHER = 16
"""Pictures that are looked at before their turn, at a time: what takes long is the way to a server and back."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


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


def mapped_ahead(
    ask: Callable[[Item], Answer], items: Iterable[Item], together: int = LOOKED_AT_TOGETHER
) -> Iterator[tuple[Item, Answer]]:
    """Items in their order, each with an answer; those of the next ones are asked for meanwhile, side by side.

    Parameters
    ----------
    ask
        Gives the answer; called by other threads.
    items
        Taken as they are asked about, no more of them ahead than `together`.
    together
        How many are asked about at a time.
    """
    threads = ThreadPoolExecutor(together, "look-ahead")
    asked: deque[tuple[Item, Future[Answer]]] = deque()
    source = iter(items)
    try:
        while True:
            for item in itertools.islice(source, together - len(asked)):
                asked.append((item, threads.submit(ask, item)))
            if not asked:
                return
            item, answer = asked.popleft()
            yield item, answer.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
