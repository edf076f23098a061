"""Jobs done in this process, one after the other: a few pictures take less time than new processes to start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from colorizer.jobs.executors.base import Item, Job, Load, Result, WorkerDied


class SerialExecutor:
    """An `Executor` that does the jobs here.

    Parameters
    ----------
    keeps
        Whether what the jobs need is kept for those of the next run, which need the same.
    """

    workers = 1
    threads = None

    def __init__(self, *, keeps: bool = False) -> None:
        self._stopping = False
        self._keeps = keeps
        self._work: Callable[[Any], Any] | None = None

    def prepare(self, load: Load[Any, Any]) -> None:
        """Load what jobs need before there is one."""
        self._work = self._work or load()

    def run(self, load: Load[Item, Result], jobs: Iterable[Job[Item]]) -> Iterator[tuple[Item, Result | WorkerDied]]:
        """Do the jobs; what they need is loaded once there is one. See `Executor`."""
        source = iter(jobs)
        work: Callable[[Item], Result] | None = self._work
        while not self._stopping:
            job = next(source, None)
            if job is None:
                return
            work = work or load()
            if self._keeps:
                self._work = work
            yield job.item, work(job.item)

    def stop(self) -> None:
        """Begin nothing more; see `Executor`."""
        self._stopping = True

    def resume(self) -> None:
        """Begin jobs again, in further runs."""
        self._stopping = False

    def end(self) -> None:
        """Let go of what was kept."""
        self._work = None
