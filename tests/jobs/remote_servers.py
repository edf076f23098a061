"""Servers on loopback: an S3 store (moto's, in its own process), a proxy that counts and fails, and a web site."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"

Fault = Callable[[str, str], "int | None"]
"""Given method and path: a status to answer instead, 0 to break the connection off, None to let it pass."""

_STARTS_WITHIN = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def s3_server() -> Iterator[int]:
    """A store with nothing in it; gives its port."""
    port = free_port()
    code = (
        "from werkzeug.serving import run_simple, WSGIRequestHandler\n"
        "from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app\n"
        "WSGIRequestHandler.protocol_version = 'HTTP/1.1'\n"
        "WSGIRequestHandler.log = lambda *_: None\n"
        f"run_simple('127.0.0.1', {port}, DomainDispatcherApplication(create_backend_app), threaded=True)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait()


def variables(port: int) -> dict[str, str]:
    """What the environment says to a user of that store, or of a proxy before it."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def client(port: int) -> Any:
    """The store by another library than the one that is tested."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 3}),
    )


def keys_in(store: Any, bucket: str, prefix: str = "") -> list[str]:
    """The keys of all objects, some of which may be gone a moment later."""
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def contents(store: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """All objects, by key."""
    keys = keys_in(store, bucket, prefix)
    return {key: store.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def unfinished(store: Any, bucket: str) -> list[str]:
    """The keys of uploads in parts that were begun and not ended."""
    return [upload["Key"] for upload in store.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


@dataclass
class Proxy:
    """Before a server: counts requests by kind and bytes both ways, and fails as it is told to."""

    upstream: int
    fault: Fault | None = None
    slow_share: float = 0.0
    seed: int = 1
    counts: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    port: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle_one_request()

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return lambda: proxy._pass(self, name[3:])
                raise AttributeError(name)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _pass(self, request: BaseHTTPRequestHandler, method: str) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        if request.headers.get("Expect"):
            request.send_response_only(100)
            request.end_headers()
        body = request.rfile.read(length)
        with self.guard:
            self.counts[_kind(method, request.path)] += 1
            self.received += length
            status = self.fault(method, request.path) if self.fault else None
            slow = self.random.random() < self.slow_share
        if status == 0:
            request.close_connection = True
            return
        if status:
            words = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}.get(status, "Other")
            answer = b"" if method == "HEAD" else f"<Error><Code>{words}</Code><Message>no</Message></Error>".encode()
            request.send_response(status)
            request.send_header("Content-Type", "application/xml")
            request.send_header("Content-Length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer)
            return
        up = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "expect"}
            up.request(method, request.path, body, headers)
            response = up.getresponse()
            data = response.read()
        finally:
            up.close()
        request.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                request.send_header(name, value)
        said = response.getheader("Content-Length") if method == "HEAD" else None
        request.send_header("Content-Length", said or str(len(data)))
        request.end_headers()
        if slow and method == "GET":
            for begin in range(0, len(data), 1 + len(data) // 4):
                time.sleep(0.05)
                request.wfile.write(data[begin : begin + 1 + len(data) // 4])
        else:
            request.wfile.write(data)
        with self.guard:
            self.sent += len(data)


def _kind(method: str, path: str) -> str:
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    if method == "GET" and "list-type" in query:
        return "LIST"
    if "uploads" in query:
        return "BEGIN PARTS"
    if "uploadId" in query:
        return {"PUT": "PART", "POST": "END PARTS", "DELETE": "ABORT PARTS"}.get(method, method)
    return method


@contextlib.contextmanager
def web_site(folder: Path, fault: Fault | None = None) -> Iterator[str]:
    """A web server of a folder, which knows no ranges; gives its address without a slash at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = fault("GET", self.path) if fault else None
            path = folder / unquote(urlsplit(self.path).path).lstrip("/")
            if status is None and not path.is_file():
                status = 404
            data = b"" if status else path.read_bytes()
            if status == 0:  # breaks off in the middle
                data = path.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                return
            self.send_response(status or 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
