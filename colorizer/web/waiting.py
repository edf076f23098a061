"""How an answer waits for its work: no longer than the client does, and what it sends is deleted once it is sent."""

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
from colorizer.web.lanes import DroppedError, Ticket
from colorizer.web.problems import ProblemError

Outcome = TypeVar("Outcome")

PIECE = 1 << 18
"""Bytes of a file sent at a time."""


class PassingFile(StreamingResponse):
    """A file that is deleted once it is sent, or nobody takes it."""

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
            while piece := await run_in_threadpool(file.read, PIECE):
                yield piece


async def waited(ticket: Ticket[Outcome]) -> Outcome:
    """What comes of a piece of work."""
    try:
        return await asyncio.wrap_future(ticket.future)
    except (DroppedError, CancelledError) as error:
        raise ProblemError(503, "the server is stopping") from error


async def unless_gone(request: Request, work: Any, seconds: float | None = None) -> Any:
    """What comes of the work, unless the client goes first or the time is over."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone())
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
