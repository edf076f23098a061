"""Processes that each do whole pictures, one at a time; one that dies costs its picture and is replaced.

A process decodes, predicts, recombines and encodes by itself, so that while one waits for a disk the others compute,
and a decoder that crashes takes nobody with it. Memory is bounded in bytes, not in pictures: a picture is begun only
when what is under way leaves room for it; one that would not fit at all runs alone. Processes are spawned, not forked,
so the same code runs on every system. Since a process takes as long to start as the one that starts it takes to get
ready, a command may start them ahead.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONTEXT = multiprocessing.get_context("spawn")

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""NumPy's OpenBLAS starts as many threads as the machine has cores, in each process, unless this says otherwise."""


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

    def send(self, message: object) -> None:
        """Hand something over; a process that has died is found out by its answer."""
        with contextlib.suppress(OSError):
            self.pipe.send(message)

    def end(self) -> None:
        """Let it end, or if it is at work, end it; it is gone when its `process` is joined."""
        self.pipe.close()
        if self.job is not None:
            self.process.terminate()


_ahead: list[_Worker[Any]] = []
"""Processes that were started before it was known what they would do."""


def start_ahead(count: int, module: str) -> None:
    """Start processes that import a module while this one gets ready; the next pool takes them.

    Parameters
    ----------
    count
        How many.
    module
        The name of what they will need.
    """
    _ahead.extend(_start(module) for _ in range(count))


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

        Of jobs to come as many are asked for as there are processes, so that looking at them costs nobody time.
        Leaving the iteration early, by an exception or by closing it, ends the processes at once.
        """
        source = iter(jobs)
        waiting: deque[Job[Item]] = deque()
        for surplus in _ahead[self._count :]:
            surplus.end()
        del _ahead[self._count :]
        results: list[tuple[Item, Result | Died]] = []
        try:
            while True:
                while not self._stopping:
                    if not waiting:
                        waiting.extend(itertools.islice(source, 1))
                    if not waiting or not self._has_room(waiting[0]):
                        break
                    worker = self._idle_worker()
                    if worker is None:
                        break
                    worker.job = waiting.popleft()
                    worker.send(worker.job.item)
                # only now, while they work, the results of before are looked at, and jobs looked for that come next
                yield from results
                busy = [worker for worker in self._workers if worker.job is not None]
                if not busy:
                    return
                if not self._stopping:
                    waiting.extend(itertools.islice(source, self._count - len(waiting)))
                results = list(self._collect(busy))
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
        new: _Worker[Item] = _ahead.pop() if _ahead else _start()
        new.send(self._make)
        self._workers.append(new)
        return new

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
        leaving = [*self._workers, *_ahead]
        self._workers.clear()
        _ahead.clear()
        for worker in leaving:
            worker.end()
        for worker in leaving:
            worker.process.join()


def _start(module: str | None = None) -> _Worker[Any]:
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_work, args=(theirs, module), daemon=True)
    with _inherited():
        process.start()
    theirs.close()  # so that the pipe ends with the process
    return _Worker(process, ours)


@contextlib.contextmanager
def _inherited() -> Iterator[None]:
    """What a process that is started meanwhile inherits: an OpenBLAS of one thread, and no ear for Ctrl-C.

    It would meet Ctrl-C while it still imports, with a traceback. There are as many processes as cores, hence one
    thread, unless the user has chosen otherwise.
    """
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # which at its first call would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if blocks else set()
    chosen = _BLAS_THREADS in os.environ
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        yield
    finally:
        if not chosen:
            del os.environ[_BLAS_THREADS]
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, module: str | None) -> None:
    # Ctrl-C reaches the whole group of processes; the one that started them decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if module is not None:
            importlib.import_module(module)
        make = pipe.recv()
        work = make()
        while True:
            pipe.send(work(pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the other side is gone, and with it the reason to work
    except Exception as error:
        pipe.send(error)
