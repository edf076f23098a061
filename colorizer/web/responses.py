"""How an answer waits for its job, no longer than the client does, and sends a file that is deleted afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from colorizer.web.folder import PrivateFolder
from colorizer.web.problems import ProblemError
from colorizer.web.work_queue import JobCancelledError, QueuedJob

Outcome = TypeVar("Outcome")

CHUNK_BYTES = 1 << 18
"""How much of a file is sent at a time."""


class TemporaryFileResponse(StreamingResponse):
    """A file that is deleted once it is sent, or once the client has gone."""

    def __init__(self, path: Path, folder: PrivateFolder, **keywords: Any) -> None:
        super().__init__(self._pieces(), **keywords)
        self._path = path
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; see the ASGI specification."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._folder.discard(self._path)

    async def _pieces(self) -> AsyncIterator[bytes]:
        with self._path.open("rb") as file:
            while piece := await run_in_threadpool(file.read, CHUNK_BYTES):
                yield piece


async def result_of(job: QueuedJob[Outcome]) -> Outcome:
    """The result of a job.

    Raises
    ------
    ProblemError
        The job was cancelled, since the server is stopping.
    """
    try:
        return await asyncio.wrap_future(job.future)
    except (JobCancelledError, CancelledError) as error:
        raise ProblemError(503, "the server is stopping") from error


async def while_connected(request: Request, work: Any, seconds: float | None = None) -> Any:
    """The result of what is awaited, unless the client goes first or the time is over.

    Raises
    ------
    ClientDisconnect
        The client has gone.
    ProblemError
        It takes longer than so many seconds.
    """

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait({doing, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        if leaving.done():
            raise ClientDisconnect
        raise ProblemError(503, "this takes too long; try again later", Retry_After="30")
    finally:
        doing.cancel()
        leaving.cancel()
