"""What is used of uvicorn beyond its public interface: where a version lacks it, these tests say what is gone."""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import re
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

PYPROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers nothing."""


def test_the_installed_version_is_one_that_the_package_allows() -> None:
    ranges = set(re.findall(r'"uvicorn>=(\d+)\.(\d+),<(\d+)\.(\d+)"', PYPROJECT.read_text(encoding="utf-8")))
    assert len(ranges) == 1, "the extras web and test name different versions of uvicorn"
    (found,) = ranges
    least, beyond = (int(found[0]), int(found[1])), (int(found[2]), int(found[3]))
    major, minor = importlib.metadata.version("uvicorn").split(".")[:2]
    assert least <= (int(major), int(minor)) < beyond


def test_a_connection_has_what_the_time_limits_hang_on() -> None:
    for name in (
        "connection_made",
        "data_received",
        "on_response_complete",
        "connection_lost",
        "pause_writing",
        "resume_writing",
    ):
        assert callable(getattr(H11Protocol, name, None)), f"H11Protocol.{name} is gone"

    async def trial() -> None:
        config = uvicorn.Config(application, ws="none", h11_max_incomplete_event_size=1000)
        config.load()
        protocol = H11Protocol(config=config, server_state=ServerState(), app_state={})
        assert isinstance(protocol.conn, h11.Connection)
        assert protocol.conn.their_state is h11.IDLE
        assert protocol.loop is asyncio.get_running_loop()
        assert hasattr(protocol, "transport"), "H11Protocol.transport is gone"

    asyncio.run(trial())


def test_a_server_has_what_starting_and_signals_hang_on() -> None:
    assert inspect.iscoroutinefunction(uvicorn.Server.startup)
    assert list(inspect.signature(uvicorn.Server.startup).parameters) == ["self", "sockets"]
    assert list(inspect.signature(uvicorn.Server.capture_signals).parameters) == ["self"]
    assert list(inspect.signature(uvicorn.Server.handle_exit).parameters)[1:] == ["sig", "frame"]
    assert "capture_signals" in inspect.getsource(uvicorn.Server.serve), "serve() no longer takes signals that way"
    assert "startup" in inspect.getsource(uvicorn.Server._serve), "serving no longer begins with startup()"
