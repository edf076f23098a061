"""What is to be said of an output that is there already, and that nothing is remembered of."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from colorizer.errors import InputError, MissingExtraError
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.storage import Storage
from colorizer.jobs.facts import Facts, utc
from colorizer.jobs.plan import Task
from colorizer.jobs.run import Outcome, Status
from colorizer.media import open_document
from colorizer.media.formats import HEAD_SIZE, format_of
from colorizer.media.metadata.xmp import making_in


def check_existing(task: Task, max_pixels: int, storage: Storage = ANYWHERE) -> Outcome | None:
    """What is to be said of an output that exists: kept if it is a whole picture, None if it is to be done again.

    A picture that breaks off is what a full disk or a copy broken off leaves, and is done again. What is no picture at
    all was somebody else's, and is kept.
    """
    try:
        with storage.open_read(task.target, peek=True) as file:
            head = file.read(HEAD_SIZE)
    except OSError:
        return None
    if head and format_of(head) is None:
        return Outcome(task, Status.KEPT, notes=("what exists there is no picture",))
    pixels, making = None, None
    try:
        with open_document(task.target, max_pixels=max_pixels, storage=storage, hashed=True) as document:
            for picture in document:
                if pixels is None:
                    pixels = picture.pixels.shape[0], picture.pixels.shape[1]
                    making = _read(making_in(picture.metadata.xmp))
            facts = Facts(_source(making), document.sha256, len(document), _time(task, storage))
    except (InputError, MissingExtraError):
        return None
    return Outcome(task, Status.KEPT, pixels=pixels, making=making, facts=facts)


def _read(text: str) -> Mapping[str, Any] | None:
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else None
    return None


def _source(making: Mapping[str, Any] | None) -> str:
    """The SHA-256 of the file that it says it was made from."""
    source = (making or {}).get("source")
    return str(source.get("sha256", "")) if isinstance(source, dict) else ""


def _time(task: Task, storage: Storage) -> str:
    stamp = storage.stamp(task.target)
    return "" if stamp is None else utc(stamp.modified_ns / 1e9)
