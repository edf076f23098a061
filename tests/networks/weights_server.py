"""A web server on loopback that serves one folder's files rightly, or misbehaves as it is told to.

`Server.script` holds what to do with the coming requests for a caffemodel, one entry each; when it is empty,
`Server.then` is done. All other files are served rightly.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Behaviour = Callable[["Handler", bytes], None]


@dataclass(frozen=True)
class Request:
    """What a client asked for, and when."""

    path: str
    headers: Mapping[str, str]
    at: float  # seconds, monotonic


@dataclass
class Server:
    """The server's state, for tests to set and to read."""

    files: dict[str, bytes]
    url: str = ""
    etags: dict[str, str] = field(default_factory=dict)
    script: list[Behaviour] = field(default_factory=list)
    then: Behaviour = field(default_factory=lambda: serve)
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)  # lets stalled answers go on

    def asked(self, suffix: str = ".caffemodel") -> list[Request]:
        """Requests for files of that suffix."""
        return [request for request in self.requests if request.path.endswith(suffix)]


class Handler(BaseHTTPRequestHandler):
    """Answers one request after another as the script says."""

    state: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Look up what to do."""
        self.state.requests.append(Request(self.path, dict(self.headers), time.monotonic()))
        name = self.path.rpartition("/")[2].partition("?")[0]
        content = self.state.files.get(name)
        self.etag = self.state.etags.get(name, '"first"')
        if name.endswith(".caffemodel") and content is not None:
            behaviour = self.state.script.pop(0) if self.state.script else self.state.then
            behaviour(self, content)
        elif content is None:
            status(404)(self, b"")
        else:
            serve(self, content)

    def reply(
        self, code: int, body: bytes, headers: Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        """Send a whole answer; `length` is what the header says of it, -1 for nothing."""
        self.send_response(code)
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        """Close the connection without another word."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def wanted(self) -> int | None:
        """The first byte asked for, None for the whole file or where If-Range says that it changed."""
        given = self.headers.get("Range")
        if given is None or self.headers.get("If-Range", self.etag) != self.etag:
            return None
        return int(given.removeprefix("bytes=").rstrip("-"))

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _answer(handler: Handler, content: bytes) -> tuple[int, bytes, dict[str, str]]:
    start = handler.wanted()
    headers = {"ETag": handler.etag} if handler.etag else {}
    if start is None:
        return 200, content, headers
    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return 206, content[start:], headers


def serve(handler: Handler, content: bytes) -> None:
    """As a good server does."""
    handler.reply(*_answer(handler, content))


def ignore_range(handler: Handler, content: bytes) -> None:
    """The whole file, whatever part was asked for."""
    handler.reply(200, content, {"ETag": handler.etag})


def wrong_range(handler: Handler, content: bytes) -> None:
    """Another part than the one asked for, and saying so."""
    start = (handler.wanted() or 0) // 2
    handler.reply(206, content[start:], {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"})


def lying_range(handler: Handler, content: bytes) -> None:
    """Another part than the one that the header names, if a part was asked for."""
    code, body, headers = _answer(handler, content)
    handler.reply(code, body[::-1] if code == 206 else body, headers)


def changed_range(handler: Handler, content: bytes) -> None:
    """The part asked for, of whatever is there now: If-Range is not looked at."""
    start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    headers = {"ETag": handler.etag, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    handler.reply(206, content[start:], headers)


def cut(count: int) -> Behaviour:
    """Break off after so many bytes of the answer."""

    def behave(handler: Handler, content: bytes) -> None:
        code, body, headers = _answer(handler, content)
        handler.reply(code, body[:count], headers, length=len(body))
        handler.hang_up()

    return behave


def cut_unannounced(count: int) -> Behaviour:
    """Break off, without ever having said how long the answer is."""

    def behave(handler: Handler, content: bytes) -> None:
        handler.reply(200, content[:count], {"Connection": "close"}, length=-1)
        handler.hang_up()

    return behave


def stall(count: int) -> Behaviour:
    """Stop after so many bytes and keep the connection, until the test says go on."""

    def behave(handler: Handler, content: bytes) -> None:
        code, body, headers = _answer(handler, content)
        handler.reply(code, body[:count], headers, length=len(body))
        handler.wfile.flush()
        handler.state.released.wait(60)
        try:
            handler.wfile.write(body[count:])
        except OSError:
            handler.close_connection = True

    return behave


def silence(handler: Handler, _: bytes) -> None:
    """Take the request and never answer."""
    handler.state.released.wait(60)
    handler.close_connection = True


def status(code: int, **headers: str) -> Behaviour:
    """Only a status; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.reply(code, b"sorry", named)


def redirect(target: str) -> Behaviour:
    """Send elsewhere."""
    return status(302, Location=target)


def page(handler: Handler, _: bytes) -> None:
    """A web page, with status 200."""
    handler.reply(200, b"<!DOCTYPE html><html><body>Quota exceeded</body></html>", {"Content-Type": "text/html"})


def chunked_page(handler: Handler, _: bytes) -> None:
    """A web page in chunks, whose length nothing announces."""
    body = b"<html><body>Virus scan warning</body></html>"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    handler.reply(200, chunks, {"Transfer-Encoding": "chunked"}, length=-1)


def lfs_pointer(handler: Handler, _: bytes) -> None:
    """What a repository without its large files serves."""
    handler.reply(200, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")


def wrong_bytes(handler: Handler, content: bytes) -> None:
    """As many bytes as there should be, but others."""
    handler.reply(200, content[::-1], {"ETag": '"other"'})


def too_much(handler: Handler, content: bytes) -> None:
    """More than there should be, in chunks."""
    body = content + b"more"
    handler.reply(200, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), {"Transfer-Encoding": "chunked"}, length=-1)


def compressed(handler: Handler, content: bytes) -> None:
    """The right file, compressed though nobody asked for it."""
    handler.reply(200, gzip.compress(content), {"Content-Encoding": "gzip", "ETag": handler.etag})


def compressed_and_cut(handler: Handler, content: bytes) -> None:
    """The same, broken off in the middle."""
    body = gzip.compress(content)
    handler.reply(200, body[: len(body) // 2], {"Content-Encoding": "gzip", "ETag": handler.etag}, length=len(body))
    handler.hang_up()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what these tests are about."""


@contextmanager
def serving(files: Mapping[str, bytes], certificate: Path | None = None) -> Iterator[Server]:
    """A server for the time of a `with` block, over TLS where a certificate is given."""
    state = Server(dict(files))
    http = _Quiet(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    state.url = f"{'https' if certificate else 'http'}://127.0.0.1:{http.server_address[1]}/"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        http.shutdown()
        http.server_close()
        thread.join()
