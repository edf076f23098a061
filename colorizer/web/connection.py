"""A connection that is closed when its client is too slow: uvicorn's, with the time limits that it lacks.

Uvicorn waits without end for the head of a first request, for the rest of a body that nobody reads any more, and for a
client that takes nothing of its answer. Each costs a connection.

`H11Protocol` is no public interface of uvicorn's: pyproject.toml names the versions that were tried, and
tests/web/test_uvicorn.py says what a new one lacks.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from colorizer.web.limits import HEAD_SECONDS, STALL_SECONDS


class TimeLimitedProtocol(H11Protocol):
    """HTTP/1.1 with time limits for requests and for taking answers; subclasses set the one for bodies.

    Attributes
    ----------
    body_seconds
        For a request's body.
    """

    body_seconds: float = 600.0

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._awaited: Any = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected: it has to send a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """A client has sent something: what comes next has a time of its own."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """An answer is sent; between requests uvicorn's own limit holds."""
        super().on_response_complete()
        self._watch(between=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._await(None, 0)
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More of an answer waits than the client takes."""
        super().pause_writing()
        self._stall = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client takes its answer again."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    def _watch(self, *, between: bool = False) -> None:
        state = self.conn.their_state
        if state is h11.IDLE and not between:
            self._await(state, HEAD_SECONDS)
        elif state is h11.SEND_BODY:
            self._await(state, self.body_seconds)
        else:
            self._await(None, 0)

    def _await(self, what: Any, seconds: float) -> None:
        """Give the client that long for something, unless it has a deadline for it already."""
        if what is self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited = what
        self._deadline = None if what is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
