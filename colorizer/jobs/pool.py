"""Processes that each do whole pictures, one at a time; one that dies costs its picture and is replaced.

A process decodes, predicts, recombines and encodes by itself, so that while one waits for a disk the others compute,
and a decoder that crashes takes nobody with it. Memory is bounded in bytes, not in pictures: a picture is begun only
when what is under way leaves room for it; one that would not fit at all runs alone. Processes are spawned, not forked,
so the same code runs on every system.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Job(Generic[Item]):
    """A piece of work and the bytes of memory it takes."""

    item: Item
    memory: int


@dataclass(frozen=True)
class Died:
    """In place of a result: the process was killed, or crashed, with this exit code (negative: the signal)."""

    exit_code: int


@dataclass
class _Worker(Generic[Item]):
    process: SpawnProcess
    pipe: Connection
    job: Job[Item] | None = field(default=None)


class Pool(Generic[Item, Result]):
    """Workers that call `make()` once and then the function it returns for every item.

    Parameters
    ----------
    make
        Picklable; called in each process to load what it needs (a network, say). Returns the work itself.
    count
        How many processes.
    budget
        Bytes that the items under way may take together.
    """

    def __init__(self, make: Callable[[], Callable[[Item], Result]], *, count: int, budget: int) -> None:
        self._make = make
        self._count = count
        self._budget = budget
        self._workers: list[_Worker[Item]] = []
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished."""
        self._stopping = True

    def run(self, jobs: Iterable[Job[Item]]) -> Iterator[tuple[Item, Result | Died]]:
        """Do the jobs, begun in their order, and give each result as it comes.

        Leaving the iteration early, by an exception or by closing it, ends the processes at once.
        """
        source = iter(jobs)
        waiting: deque[Job[Item]] = deque()
        exhausted = False
        try:
            while True:
                while not self._stopping:
                    if not waiting and not exhausted:
                        waiting.extend([job for job in [next(source, None)] if job is not None])
                        exhausted = not waiting
                    if not waiting or not self._has_room(waiting[0]):
                        break
                    worker = self._idle_worker()
                    if worker is None:
                        break
                    worker.job = waiting.popleft()
                    worker.pipe.send(worker.job.item)
                busy = [worker for worker in self._workers if worker.job is not None]
                if not busy:
                    return
                yield from self._collect(busy)
        finally:
            self._end()

    def _has_room(self, job: Job[Item]) -> bool:
        under_way = [worker.job.memory for worker in self._workers if worker.job is not None]
        return not under_way or sum(under_way) + job.memory <= self._budget

    def _idle_worker(self) -> _Worker[Item] | None:
        for worker in self._workers:
            if worker.job is None:
                return worker
        if len(self._workers) == self._count:
            return None
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_work, args=(self._make, theirs), daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends with the process
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _collect(self, busy: list[_Worker[Item]]) -> Iterator[tuple[Item, Result | Died]]:
        ready = wait([worker.pipe for worker in busy])
        for worker in busy:
            if worker.pipe not in ready or worker.job is None:
                continue
            item = worker.job.item
            try:
                result: Result | Died | BaseException = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                self._workers.remove(worker)
                result = Died(worker.process.exitcode or 0)
            worker.job = None
            if isinstance(result, BaseException):
                raise result
            yield item, result

    def _end(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
            if worker.job is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()


def _work(make: Callable[[], Callable[[Item], Result]], pipe: Connection) -> None:
    # Ctrl-C reaches the whole group of processes; the one that started them decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work = make()
        while True:
            pipe.send(work(pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the other side is gone, and with it the reason to work
    except Exception as error:
        pipe.send(error)
