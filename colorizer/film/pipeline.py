"""Stages of a pipeline that run at the same time: each generator in a thread of its own, joined by bounded queues.

Chained, `in_thread(encode(in_thread(predict(in_thread(decode())))))`, every stage has its thread, and the number of
frames between two stages is bounded. Threads are enough: NumPy, OpenCV, the networks and the codecs let go of the
interpreter's lock while they compute.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.1
"""How often a stage whose queue is full looks whether anybody still reads from it."""


@dataclass(frozen=True)
class _Item(Generic[Item]):
    value: Item


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def in_thread(items: Iterator[Item], depth: int, stop: Callable[[], None] = lambda: None) -> Iterator[Item]:
    """The same items, produced in a thread of their own.

    Closing this generator ends the thread, and closes `items` in it.

    Parameters
    ----------
    items
        A generator; from here on only the thread uses it.
    depth
        Items that may wait in the queue.
    stop
        Has `items` come to an end soon; called when nobody wants more of them. An item under way is waited for.

    Raises
    ------
    BaseException
        Whatever `items` raises, in the place of the item.
    """
    ready: queue.Queue[_Item[Item] | _End] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: _Item[Item] | _End) -> bool:
        # a plain put would wait for ever where the reader has gone and the queue is full
        while not closed.is_set():
            try:
                ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for value in items:
                if not put(_Item(value)):
                    break
            else:
                put(_End())
        except BaseException as error:  # it is raised again where it can be handled
            put(_End(error))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while isinstance(item := ready.get(), _Item):
            yield item.value
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        stop()
        thread.join()
