"""Bounded queues with their own threads: who comes when one is full is told so at once, who leaves is dropped.

Whatever takes long is done here; the event loop only waits for it. NumPy, OpenCV, codecs and networks let go of the
interpreter's lock, so threads do, and a network in memory serves all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from colorizer.web.problems import ProblemError

Result = TypeVar("Result")


class DroppedError(Exception):
    """Nobody wants the result any more."""


class Ticket(Generic[Result]):
    """A place in a lane.

    Attributes
    ----------
    future
        What comes of the work.
    dropped
        Set when nobody waits any more; work of several steps looks at it between them.
    """

    def __init__(self, future: Future[Result], dropped: threading.Event) -> None:
        self.future = future
        self.dropped = dropped

    def drop(self) -> None:
        """Give up: work that has not begun never will, the rest ends at its next step."""
        self.dropped.set()
        self.future.cancel()


class Lane:
    """Threads that do one piece of work at a time each, in the order in which it came.

    Parameters
    ----------
    name
        Of the threads.
    threads
        How many.
    capacity
        Pieces of work that may wait.
    """

    def __init__(self, name: str, threads: int, capacity: int) -> None:
        self.capacity = capacity
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._guard = threading.Lock()
        self._waiting: dict[threading.Event, None] = {}  # in order; each piece's own event for being dropped
        self._working = 0

    @property
    def waiting(self) -> int:
        """Pieces of work that wait."""
        return len(self._waiting)

    def check_room(self) -> None:
        """Refuse what would not find a place.

        Raises
        ------
        ProblemError
            The lane is full; it says when to come back.
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
        patient: bool = False,
    ) -> Ticket[Result]:
        """Take on a piece of work.

        Parameters
        ----------
        work
            Given the event that tells whether its result is still wanted.
        begun
            Called with the same, from the thread, when its turn has come.
        patient
            Take it on even when the lane is full.

        Raises
        ------
        ProblemError
            The lane is full.
        """
        dropped = threading.Event()
        with self._guard:
            if not patient and self._working + self.waiting >= self._threads + self.capacity:
                self.check_room()
            self._waiting[dropped] = None

        def run() -> Result:
            with self._guard:
                self._waiting.pop(dropped, None)
                self._working += 1
            try:
                if dropped.is_set():
                    raise DroppedError
                if begun is not None:
                    begun(dropped)
                return work(dropped)
            finally:
                with self._guard:
                    self._working -= 1

        future = self._pool.submit(run)
        future.add_done_callback(lambda _: self._forget(dropped))
        return Ticket(future, dropped)

    def position(self, ticket: Ticket[Result]) -> int:
        """How many come before it, itself included; 0 when its turn has come."""
        with self._guard:
            order = list(self._waiting)
        return order.index(ticket.dropped) + 1 if ticket.dropped in order else 0

    def close(self) -> None:
        """Begin nothing more; what is under way is told to stop, and not waited for."""
        with self._guard:
            waiting = list(self._waiting)
        for dropped in waiting:
            dropped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self, dropped: threading.Event) -> None:
        with self._guard:
            self._waiting.pop(dropped, None)
