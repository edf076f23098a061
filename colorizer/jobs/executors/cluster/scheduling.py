"""Jobs given to workers that come and go: in order, no more than there are workers, and again where one is lost.

Knows nothing of Ray: workers are a `Crew`, which tells what it has done and whom it has lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from colorizer.jobs.executors.base import Item, Job, WorkerDied

MOST_DEATHS = 3
"""Workers that may die at a job before it is given up: the first may have died of something else."""

AHEAD = 2
"""Jobs that are looked at beside those that can be begun, so that a worker that is done has its next one at once."""


@dataclass(frozen=True)
class Done:
    """A worker has finished its job."""

    worker: Hashable
    result: Any


@dataclass(frozen=True)
class Lost:
    """A worker is gone."""

    worker: Hashable
    alone: bool  # and its machine is still there, so that it may have died of its job


class Crew(Protocol):
    """Workers, wherever they are."""

    @property
    def free(self) -> int:
        """How many wait for work."""

    def choose(self, job: Job[Any]) -> Hashable | None:
        """A worker that waits, and has the memory for a job; None where there is none now."""

    def begin(self, worker: Hashable, job: Job[Any]) -> None:
        """Give a job to a worker that was chosen for it."""

    def wait(self, *, soon: bool) -> Sequence[Done | Lost]:
        """What has happened; waits until something has, but not for long, since workers may have come meanwhile.

        Parameters
        ----------
        soon
            Whether to come back at once: there are workers that wait, and there may be work for them in a moment.

        Raises
        ------
        Exception
            What a worker raised, or that no worker is left and none will come.
        """

    def end(self) -> None:
        """Let all workers go, whatever they are at."""


@dataclass
class _Trial(Generic[Item]):
    """A job, and how many workers have died at it."""

    job: Job[Item]
    deaths: int = 0


def schedule(
    crew: Crew, jobs: Iterable[Job[Item] | None], stopping: Callable[[], bool]
) -> Iterator[tuple[Item, Any | WorkerDied]]:
    """Have a crew do jobs; see `Executor.run`.

    What is lost is done again, before anything new; a job at which workers keep dying is given up. Once it is
    `stopping`, nothing is begun, and what is lost stays undone.

    Parameters
    ----------
    crew
        Who works; ends with this.
    jobs
        Begun in their order. None in their place: nothing can be begun before more results are known.
    stopping
        Whether nothing more is to be begun.
    """
    source = iter(jobs)
    waiting: deque[_Trial[Item]] = deque()
    under_way: dict[Hashable, _Trial[Item]] = {}
    results: list[tuple[Item, Any | WorkerDied]] = []
    more, later = True, False

    def give() -> None:
        while waiting and not stopping():
            worker = crew.choose(waiting[0].job)
            if worker is None:
                return
            under_way[worker] = waiting.popleft()
            crew.begin(worker, under_way[worker].job)

    def look() -> bool:
        nonlocal later
        later = False
        while len(waiting) < crew.free + AHEAD and not stopping():
            try:
                job = next(source)
            except StopIteration:
                return False
            if job is None:
                later = True
                return True
            waiting.append(_Trial(job))
        return True

    def take(event: Done | Lost) -> Iterator[tuple[Item, Any | WorkerDied]]:
        trial = under_way.pop(event.worker, None)
        if trial is None:
            return
        if isinstance(event, Done):
            yield trial.job.item, event.result
            return
        trial.deaths += event.alone
        if trial.deaths == MOST_DEATHS:
            yield trial.job.item, WorkerDied(None)
        else:
            waiting.appendleft(trial)

    try:
        while True:
            give()
            # only now, while they work, results are looked at; what comes next may depend on them
            yield from results
            more = more and look()
            give()
            if not under_way and (stopping() or not (more or waiting)):
                return
            results = [result for event in crew.wait(soon=later and crew.free > 0) for result in take(event)]
    finally:
        crew.end()
