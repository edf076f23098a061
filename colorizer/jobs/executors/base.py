"""What an executor is: it does the jobs of a batch somewhere, and gives each result as it comes.

A batch is given one, and does not know where the work happens: in this process, in processes of this machine, or on
other machines. An executor knows nothing of pictures: a job is an item and the memory that it takes, and the work is
what `load` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

Answer = TypeVar("Answer")
Item = TypeVar("Item")
Result = TypeVar("Result")

Load = Callable[[], Callable[[Item], Result]]
"""Called once by each worker to load what it needs (a network, say); returns the function that does one job.

It is picklable, and so are items and results, since workers may be other processes.
"""


@runtime_checkable
class ReadsFiles(Protocol):
    """A `Load` that reads files of this machine, which an executor on others takes there."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files; those of one folder stay together."""

    def placed(self, places: Mapping[Path, Path]) -> Callable[[], Callable[[Any], Any]]:
        """The same, where its files lie elsewhere."""


@dataclass(frozen=True)
class Job(Generic[Item]):
    """A piece of work."""

    item: Item
    memory: int  # bytes that it takes while it is under way


@dataclass(frozen=True)
class WorkerDied:
    """In place of a result: the worker ended while it was at the job, because it crashed or was killed."""

    exit_code: int | None  # of its process; negative: the signal; None where it is not known


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


@runtime_checkable
class DistantExecutor(Executor, Protocol):
    """An `Executor` on other machines: even little work is not done on this one, and what they have is asked first.

    Whoever asks closes it at the end.
    """

    def close(self) -> None:
        """Let go of the machines; a second time, nothing happens."""

    def run(
        self, load: Load[Item, Result], jobs: Iterable[Job[Item] | None]
    ) -> Iterator[tuple[Item, Result | WorkerDied]]:
        """Do the jobs; see `Executor`. None in their place: nothing can be begun before more results are known.

        Raises
        ------
        Exception
            Whatever `load` or the work raises.
        """

    def on_a_gpu(self, question: Callable[[], Answer]) -> Answer | None:
        """Have a question answered by a machine with a GPU; None where there is none.

        Raises
        ------
        Exception
            What it raises there.
        """

    def use_gpus(self) -> None:
        """Have a worker for each GPU in place of one for each core."""
