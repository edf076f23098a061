"""Bounded queues with their own threads: a request that finds one full is refused at once, a job can be cancelled.

Whatever takes long is done here; the event loop only waits for it. NumPy, OpenCV, codecs and networks let go of the
interpreter's lock, so threads are enough, and one network in memory serves all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from colorizer.web.problems import ProblemError

Result = TypeVar("Result")


class JobCancelledError(Exception):
    """Nobody waits for the result any more."""


class QueuedJob(Generic[Result]):
    """A job in a queue.

    Attributes
    ----------
    future
        Its result.
    cancelled
        Set when nobody waits any more; a job of several steps looks at it between them.
    """

    def __init__(self, future: Future[Result], cancelled: threading.Event) -> None:
        self.future = future
        self.cancelled = cancelled

    def cancel(self) -> None:
        """Cancel: a job that has not begun never will, one that has ends at its next step."""
        self.cancelled.set()
        self.future.cancel()


class WorkQueue:
    """Threads that do one job at a time each, in the order of submission.

    Parameters
    ----------
    name
        Of the threads.
    threads
        How many.
    capacity
        Jobs that may wait.
    """

    def __init__(self, name: str, threads: int, capacity: int) -> None:
        self.capacity = capacity
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: dict[threading.Event, None] = {}  # in order; the event that cancels each
        self._working = 0

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    def check_room(self) -> None:
        """Refuse what would not find a place.

        Raises
        ------
        ProblemError
            The queue is full; it says when to come back.
        """
        if self.waiting >= self.capacity:
            raise ProblemError(
                429, f"{self.waiting} pictures are waiting already; try again in a few seconds", Retry_After="5"
            )

    def submit(
        self,
        work: Callable[[threading.Event], Result],
        begun: Callable[[threading.Event], None] | None = None,
        *,
        even_if_full: bool = False,
    ) -> QueuedJob[Result]:
        """Take on a job.

        Parameters
        ----------
        work
            Given the event that tells whether its result is still wanted.
        begun
            Called with the same, from the thread, when its turn has come.
        even_if_full
            Take it on even when the queue is full.

        Raises
        ------
        ProblemError
            The queue is full.
        """
        cancelled = threading.Event()
        with self._lock:
            if not even_if_full and self._working + self.waiting >= self._threads + self.capacity:
                self.check_room()
            self._waiting[cancelled] = None

        def run() -> Result:
            with self._lock:
                self._waiting.pop(cancelled, None)
                self._working += 1
            try:
                if cancelled.is_set():
                    raise JobCancelledError
                if begun is not None:
                    begun(cancelled)
                return work(cancelled)
            finally:
                with self._lock:
                    self._working -= 1

        future = self._pool.submit(run)
        future.add_done_callback(lambda _: self._forget(cancelled))
        return QueuedJob(future, cancelled)

    def position(self, job: QueuedJob[Result]) -> int:
        """How many come before it, itself included; 0 when its turn has come."""
        with self._lock:
            order = list(self._waiting)
        return order.index(job.cancelled) + 1 if job.cancelled in order else 0

    def close(self) -> None:
        """Begin nothing more; what is under way is told to stop, and not waited for."""
        with self._lock:
            waiting = list(self._waiting)
        for cancelled in waiting:
            cancelled.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self, cancelled: threading.Event) -> None:
        with self._lock:
            self._waiting.pop(cancelled, None)
