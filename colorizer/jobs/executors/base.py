"""What an executor is: it does the jobs of a batch somewhere, and gives each result as it comes.

A batch is given one, and does not know where the work happens: in this process, in processes of this machine, or on
other machines. An executor knows nothing of pictures: a job is an item and the memory that it takes, and the work is
what `load` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Load = Callable[[], Callable[[Item], Result]]
"""Called once by each worker to load what it needs (a network, say); returns the function that does one job.

It is picklable, and so are items and results, since workers may be other processes.
"""


@dataclass(frozen=True)
class Job(Generic[Item]):
    """A piece of work."""

    item: Item
    memory: int  # bytes that it takes while it is under way


@dataclass(frozen=True)
class WorkerDied:
    """In place of a result: the worker ended while it was at the job, because it crashed or was killed."""

    exit_code: int  # of its process; negative: the signal


class Executor(Protocol):
    """Does the jobs of one batch.

    Attributes
    ----------
    workers
        How many jobs may be under way at a time.
    threads
        Threads that a worker should compute with, so that all together keep to the cores there are; None where one
        worker has them all.
    """

    @property
    def workers(self) -> int:
        """How many jobs may be under way at a time."""

    @property
    def threads(self) -> int | None:
        """How many threads a worker should compute with."""

    def run(self, load: Load[Item, Result], jobs: Iterable[Job[Item]]) -> Iterator[tuple[Item, Result | WorkerDied]]:
        """Do the jobs, begun in their order, and give each result as soon as it is known.

        Jobs are asked for as they are begun, not all at once. Leaving the iteration early, by an exception or by
        closing it, ends the work at once.

        Raises
        ------
        Exception
            Whatever `load` or the work raises.
        """

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished. May be called before, and while, the jobs are done."""
