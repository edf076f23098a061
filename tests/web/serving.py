"""`colorize serve` in a process of its own on loopback, and clients that say exactly what they want to say."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

START_SECONDS = 60
ANSWER_SECONDS = 60


@dataclass
class Server:
    """A server that runs."""

    process: subprocess.Popen[str]
    address: str
    temporary: Path
    lines: list[str] = field(default_factory=list)  # of stderr

    @property
    def port(self) -> int:
        return int(self.address.split("?")[0].rstrip("/").rpartition(":")[2])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return self.address.split("?")[0].rstrip("/") + path

    def get(self, path: str, **keywords: Any) -> requests.Response:
        return requests.get(self.url(path), timeout=ANSWER_SECONDS, allow_redirects=False, **keywords)

    def post(self, path: str, data: Any = None, **keywords: Any) -> requests.Response:
        return requests.post(self.url(path), data, timeout=ANSWER_SECONDS, allow_redirects=False, **keywords)

    def put(self, path: str, data: bytes, **keywords: Any) -> requests.Response:
        return requests.put(self.url(path), data=data, timeout=60, **keywords)

    def delete(self, path: str) -> requests.Response:
        return requests.delete(self.url(path), timeout=ANSWER_SECONDS)

    def add(self, data: bytes, name: str = "photo.jpg", *, fast: bool = False) -> str:
        """Put a picture on the shelf; its address."""
        answer = self.post("/api/pictures", data, params={"name": name, **({"fast": "true"} if fast else {})})
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Location"])

    def ended(self, address: str) -> dict[str, Any]:
        """How a picture stands once it is ready or has failed."""
        for _ in range(100):
            found: dict[str, Any] = self.get(address, params={"wait": "10"}).json()
            if found["state"] in ("ready", "failed"):
                return found
        raise AssertionError(found)

    def files(self) -> list[Path]:
        """What lies in its private folder, but for the lock."""
        folders = list(self.temporary.glob("colorize-serve-*"))
        return [path for folder in folders for path in folder.iterdir() if path.name != "lock"]

    def memory(self) -> int:
        """Bytes of resident memory at its highest (Linux)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
        raise AssertionError

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)


def environment(temporary: Path, **variables: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("COLORIZE_")}
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    return own | places | variables


@contextmanager
def serving(temporary: Path, *options: str, hasty: bool = False, **variables: str) -> Iterator[Server]:
    """A server for the time of a `with` block; a hasty one gives clients one second where others have ten or sixty."""
    code = "import colorizer.web.limits as limits, colorizer.cli as cli, sys\n"
    code += "limits.HEAD_SECONDS = limits.STALL_SECONDS = 1\n" if hasty else ""
    code += "cli.main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--no-open", *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment(temporary, **variables), cwd=temporary
    )
    assert process.stderr is not None
    server = Server(process, "", temporary)
    listening = threading.Event()

    def read(stream: Any) -> None:
        for line in stream:
            server.lines.append(line.rstrip("\n"))
            listening.set()
        listening.set()

    reader = threading.Thread(target=read, args=(process.stderr,))
    reader.start()
    try:
        assert listening.wait(START_SECONDS)
        assert server.lines, "it said nothing"
        assert server.lines[0].startswith("colorize: http://"), server.lines
        server.address = server.lines[0].split()[1]
        yield server
    finally:
        server.stop()
        reader.join()
        process.stderr.close()


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A bare connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=ANSWER_SECONDS) as link:
        yield link


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        return found


def read_answer(link: socket.socket) -> Answer:
    """The next answer on a connection."""
    import http.client

    response = http.client.HTTPResponse(link)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    found = Answer(response.status, headers, response.read())
    response.close()
    return found


def said(server: Server, request: bytes) -> Answer:
    """The answer to these very bytes."""
    with connected(server) as link:
        link.sendall(request)
        return read_answer(link)


def closed_within(link: socket.socket, seconds: float) -> bool:
    """Whether the other side ends the connection in that time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            if not link.recv(65536):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


def photo(width: int = 96, height: int = 64, *, seed: int = 0, kind: str = "JPEG", deep: bool = False) -> bytes:
    """A grey picture file; another one for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    tone = 128 + 60 * np.sin(x / (7 + seed % 11) + seed) + 40 * np.cos(y / (5 + seed % 7)) + rng.normal(0, 4, x.shape)
    pixels = np.clip(tone, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(pixels.astype(np.uint16) * 257) if deep else Image.fromarray(pixels)
    image.save(file, kind, **({"quality": 92} if kind == "JPEG" else {}))
    return file.getvalue()
