"""Jobs done in this process, one after the other: a few pictures take less time than new processes to start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from colorizer.jobs.executors.base import Item, Job, Load, Result, WorkerDied


class SerialExecutor:
    """An `Executor` that does the jobs here."""

    workers = 1
    threads = None

    def __init__(self) -> None:
        self._stopping = False

    def run(self, load: Load[Item, Result], jobs: Iterable[Job[Item]]) -> Iterator[tuple[Item, Result | WorkerDied]]:
        """Do the jobs; what they need is loaded once there is one. See `Executor`."""
        source = iter(jobs)
        work: Callable[[Item], Result] | None = None
        while not self._stopping:
            job = next(source, None)
            if job is None:
                return
            work = work or load()
            yield job.item, work(job.item)

    def stop(self) -> None:
        """Begin nothing more; see `Executor`."""
        self._stopping = True
