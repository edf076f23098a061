"""Stages that work side by side: a generator, run ahead in a thread of its own, through a queue of fixed length.

Chained, `ahead(solve(ahead(predict(ahead(decode())))))`, every stage has its thread, and what is under way is bounded.
NumPy, OpenCV, the networks and the codecs let go of the interpreter's lock while they compute, so threads do.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

_PATIENCE = 0.1
"""Seconds between looks at whether the reader is still there."""


@dataclass(frozen=True)
class _Item(Generic[Item]):
    value: Item


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """The same items, made up to `depth` ahead in a thread; an error comes up where the item would have.

    Closing this generator ends the thread, and closes `items` in it.
    """
    ready: queue.Queue[_Item[Item] | _End] = queue.Queue(depth)
    gone = threading.Event()

    def put(item: _Item[Item] | _End) -> bool:
        while not gone.is_set():
            try:
                ready.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
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

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while isinstance(item := ready.get(), _Item):
            yield item.value
        if item.error is not None:
            raise item.error
    finally:
        gone.set()
        thread.join()
