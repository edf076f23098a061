"""Processes of this machine that each do whole pictures, one at a time; one that dies costs its picture, no more.

A process decodes, predicts, recombines and encodes by itself, so that while one waits for a disk the others compute,
and a decoder that crashes takes nobody with it. Memory is bounded in bytes, not in pictures: a picture is begun only
when what is under way leaves room for it; one that would not fit at all runs alone. Processes are spawned, not forked,
so the same code runs on every system. Since a process takes as long to start as the one that starts it takes to get
ready, a command may start them first (`StartedProcesses`) and say later what they are to do.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic

from colorizer.io.machine import usable_cores
from colorizer.jobs.executors.base import Executor, Item, Job, Load, Result, WorkerDied
from colorizer.jobs.executors.serial import SerialExecutor

_CONTEXT = multiprocessing.get_context("spawn")

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""NumPy's OpenBLAS starts as many threads as the machine has cores, in each process, unless this says otherwise."""


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


class StartedProcesses:
    """Processes that import a module while this one gets ready, and wait to be told what to do.

    An executor takes them over. Whoever starts them ends those that were not taken.

    Parameters
    ----------
    count
        How many.
    module
        The name of what they will need.
    """

    def __init__(self, count: int, module: str) -> None:
        self._waiting: list[_Worker[Any]] = [_start(module) for _ in range(count)]

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> _Worker[Any] | None:
        """One of those that wait; None where there is none left."""
        return self._waiting.pop() if self._waiting else None

    def keep(self, count: int) -> None:
        """Let those that are more than so many end, once they have imported what they were told to."""
        for surplus in self._waiting[count:]:
            surplus.end()
        del self._waiting[count:]

    def end(self) -> None:
        """End those that still wait, at once."""
        leaving, self._waiting = self._waiting, []
        for worker in leaving:
            worker.process.terminate()
            worker.end()
        for worker in leaving:
            worker.process.join()


class LocalExecutor:
    """An `Executor` of processes on this machine.

    Parameters
    ----------
    count
        How many processes.
    budget
        Bytes that the jobs under way may take together.
    started
        Processes that have been started already; the first ones are taken from them.
    keeps
        Whether the processes stay for the jobs of the next run, which need the same, until `end`.
    """

    def __init__(
        self, count: int, budget: int, started: StartedProcesses | None = None, *, keeps: bool = False
    ) -> None:
        self._count = count
        self._budget = budget
        self._started = started
        self._keeps = keeps
        self._workers: list[_Worker[Any]] = []
        self._stopping = False

    @property
    def workers(self) -> int:
        """How many processes; see `Executor`."""
        return self._count

    @property
    def threads(self) -> int | None:
        """A process's share of the cores; see `Executor`."""
        return max(1, usable_cores() // self._count)

    def stop(self) -> None:
        """Begin nothing more; see `Executor`."""
        self._stopping = True

    def resume(self) -> None:
        """Begin jobs again, in further runs."""
        self._stopping = False

    def prepare(self, load: Load[Any, Any]) -> None:
        """Nothing: each process loads what jobs need when it gets its first one."""

    def end(self) -> None:
        """End the processes that were kept."""
        self._end()

    def run(self, load: Load[Item, Result], jobs: Iterable[Job[Item]]) -> Iterator[tuple[Item, Result | WorkerDied]]:
        """Do the jobs; see `Executor`.

        Of jobs to come as many are asked for as there are processes, so that looking at them costs nobody time.
        """
        source = iter(jobs)
        # of those that were kept, one may have been ended since, and nobody's picture with it
        self._workers = [worker for worker in self._workers if worker.process.is_alive()]
        waiting: deque[Job[Item]] = deque()
        if self._started:
            self._started.keep(self._count)
        results: list[tuple[Item, Result | WorkerDied]] = []
        try:
            while True:
                while not self._stopping:
                    if not waiting:
                        waiting.extend(itertools.islice(source, 1))
                    if not waiting or not self._has_room(waiting[0]):
                        break
                    worker = self._idle_worker(load)
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
            if not self._keeps or any(worker.job is not None for worker in self._workers):
                self._end()

    def _has_room(self, job: Job[Any]) -> bool:
        under_way = [worker.job.memory for worker in self._workers if worker.job is not None]
        return not under_way or sum(under_way) + job.memory <= self._budget

    def _idle_worker(self, load: Load[Any, Any]) -> _Worker[Any] | None:
        for worker in self._workers:
            if worker.job is None:
                return worker
        if len(self._workers) == self._count:
            return None
        new = (self._started.take() if self._started else None) or _start()
        new.send(load)
        self._workers.append(new)
        return new

    def _collect(self, busy: list[_Worker[Any]]) -> Iterator[tuple[Any, Any]]:
        ready = wait([worker.pipe for worker in busy])
        for worker in busy:
            if worker.pipe not in ready or worker.job is None:
                continue
            item = worker.job.item
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                self._workers.remove(worker)
                result = WorkerDied(worker.process.exitcode or 0)
            worker.job = None
            if isinstance(result, BaseException):
                raise result
            yield item, result

    def _end(self) -> None:
        leaving, self._workers = self._workers, []
        for worker in leaving:
            worker.end()
        for worker in leaving:
            worker.process.join()
        if self._started:
            self._started.end()


def local_executor(count: int, budget: int, started: StartedProcesses | None = None) -> Executor:
    """The executor for so many pictures at a time on this machine; for one at a time, this process itself.

    Parameters
    ----------
    count, budget, started
        As for `LocalExecutor`.
    """
    return SerialExecutor() if count == 1 else LocalExecutor(count, budget, started)


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
        load = pipe.recv()
        work = load()
        while True:
            pipe.send(work(pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the other side is gone, and with it the reason to work
    except Exception as error:
        pipe.send(error)
