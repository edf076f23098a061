"""Many results in one ZIP archive, made while it is sent: only the piece that is being sent is in memory."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from colorizer.web import query
from colorizer.web.coloring import Result
from colorizer.web.folder import PrivateFolder
from colorizer.web.names import unique_name
from colorizer.web.pictures import StoredPicture
from colorizer.web.problems import ProblemError, problem_of
from colorizer.web.responses import CHUNK_BYTES

MAX_ENTRIES = 10_000

Coloring = Callable[[], Awaitable[Result]]


@dataclass(frozen=True)
class RequestedPicture:
    """A picture that is to go into an archive, and with which options."""

    id: str
    values: dict[str, Any]


def read_request(body: bytes) -> list[RequestedPicture]:
    """The pictures that a request for an archive names.

    Raises
    ------
    ProblemError
        It is not of the form {"pictures": [{"id": ..., "saturation": 1, ...}, ...], "format": null}.
    """
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, "the body is no JSON; see /docs for what it is to be") from error
    if not isinstance(content, dict) or not isinstance(content.get("pictures"), list):
        raise ProblemError(400, 'expected {"pictures": [{"id": "..."}, ...]}')
    common = _options_in(content, "pictures")
    entries = content["pictures"]
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise ProblemError(400, f"pictures: expected 1 to {MAX_ENTRIES} of them")
    parameters = {item.name: item for item in query.RESULT}
    wanted = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise ProblemError(400, 'pictures: expected {"id": "...", "saturation": 1, ...} for each')
        own = _options_in(entry, "id")
        wanted.append(RequestedPicture(entry["id"], query.read_values({**common, **own}.items(), parameters)))
    return wanted


async def stream_zip(pictures: Sequence[tuple[StoredPicture, Coloring]], folder: PrivateFolder) -> AsyncIterator[bytes]:
    """The archive's bytes; a picture that fails is an entry that says why.

    Parameters
    ----------
    pictures
        Each with what colours it, called when its turn comes.
    folder
        Where results lie until they are sent.
    """
    pipe = _Pipe()
    taken: set[str] = set()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for picture, color in pictures:
            try:
                result = await color()
            except Exception as error:
                name = unique_name(f"{picture.source.name}.txt", taken)
                taken.add(name.casefold())
                archive.writestr(_entry(name), problem_of(error).detail + "\n")
                yield pipe.emptied()
                continue
            try:
                name = unique_name(result.name, taken)
                taken.add(name.casefold())
                with result.path.open("rb") as file, archive.open(_entry(name, result.size), "w") as entry:
                    while piece := await run_in_threadpool(file.read, CHUNK_BYTES):
                        entry.write(piece)
                        yield pipe.emptied()
            finally:
                folder.discard(result.path)
    yield pipe.emptied()


def _entry(name: str, size: int = 0) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.external_attr = 0o644 << 16
    entry.file_size = size  # so that an entry beyond 4 GB is laid out as one
    return entry


def _options_in(entry: dict[str, Any], *without: str) -> dict[str, str]:
    """The options of an object as a query has them; null is as if not given."""
    given = {}
    for name, value in entry.items():
        if name in without or value is None:
            continue
        if not isinstance(value, str | int | float):
            raise ProblemError(400, f"{name[:40]!r}: expected a number, a text, or true or false")
        given[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return given


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON


class _Pipe(io.RawIOBase):
    """A file that can only be written, emptied by who sends what was written."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._place = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        return self._place

    def emptied(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held
