"""Uploads, written straight into a file: a bare body or a form's one file, with limits of size, time and rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from colorizer.io.atomic import NO_ROOM
from colorizer.web.folder import PrivateFolder
from colorizer.web.limits import HEAD_SECONDS, MAX_JSON, MEBIBYTE, MIN_RATE, Limits
from colorizer.web.problems import ProblemError

WRITE_BYTES = 256 * 1024
"""Gathered before they are written: what an upload takes of memory."""

_FORM = "multipart/form-data"


@dataclass(frozen=True)
class Upload:
    """A file that has arrived: where it lies, what the client calls it, and its bytes."""

    path: Path
    name: str
    size: int


async def receive_upload(request: Request, folder: PrivateFolder, limits: Limits) -> Upload:
    """Take the picture that a request carries.

    Raises
    ------
    ProblemError
        It is too large, too slow, compressed, or a form that is not one file.
    ClientDisconnect
        The client has gone.
    """
    _check_announced(request, limits.max_upload)
    path = folder.new()
    try:
        with path.open("xb") as file:
            form = _form_of(request)
            size = 0
            async for block in _blocks(_body(request, limits.max_upload + (form is not None) * MEBIBYTE, limits)):
                data = block if form is None else form.feed(block)
                size += len(data)
                if size > limits.max_upload:
                    raise too_large(limits.max_upload)
                await run_in_threadpool(_write, file, data)
        name = "" if form is None else form.finish()
    except BaseException:
        folder.discard(path)
        raise
    return Upload(path, name, size)


async def receive_json(request: Request, limits: Limits) -> bytes:
    """Take a body that is JSON.

    Raises
    ------
    ProblemError
        It is not called JSON, too large or too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(415, "expected a body of type application/json")
    _check_announced(request, MAX_JSON)
    return b"".join([block async for block in _body(request, MAX_JSON, limits)])


def too_large(limit: int) -> ProblemError:
    """The answer to more bytes than are allowed."""
    if limit < MEBIBYTE:
        return ProblemError(413, f"more than {limit} bytes are not taken here")
    return ProblemError(
        413, f"more than {limit // MEBIBYTE} MiB are not taken here; start the server with a larger --max-upload"
    )


def _check_announced(request: Request, limit: int) -> None:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise ProblemError(415, "compressed uploads are not taken; send the file as it is", Accept_Encoding="identity")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit + MEBIBYTE:
        raise too_large(limit)


async def _body(request: Request, limit: int, limits: Limits) -> AsyncIterator[bytes]:
    """The body's pieces, as long as they come fast enough and are not too many."""
    loop = asyncio.get_running_loop()
    begun, taken = loop.time(), 0
    while True:
        left = begun + limits.upload_time - loop.time()
        try:
            message: Any = await asyncio.wait_for(request.receive(), min(left, HEAD_SECONDS))
        except asyncio.TimeoutError as error:
            raise _too_slow() from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        taken += len(message.get("body", b""))
        if taken > limit:
            raise too_large(limit)
        if taken < MIN_RATE * (loop.time() - begun - HEAD_SECONDS):
            raise _too_slow()
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _too_slow() -> ProblemError:
    return ProblemError(408, "the upload was too slow and was given up; try again", Connection="close")


async def _blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger pieces."""
    held = bytearray()
    async for piece in pieces:
        held += piece
        if len(held) >= WRITE_BYTES:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _write(file: BinaryIO, data: bytes) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        if error.errno in NO_ROOM:
            raise ProblemError(507, "the disk is full; free some space, or delete pictures from the page") from error
        raise


def _form_of(request: Request) -> _Form | None:
    kind = request.headers.get("content-type", "")
    return _Form(kind) if kind.partition(";")[0].strip().lower() == _FORM else None


class _Form:
    """A form that has one file and nothing else, read as it comes."""

    def __init__(self, content_type: str) -> None:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser, parse_options_header

        self._errors: type[Exception] = FormParserError
        self._parse_header = parse_options_header
        _, parameters = parse_options_header(content_type)
        self._name: str | None = None
        self._complete = False
        self._data = bytearray()
        self._field, self._value = bytearray(), bytearray()
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                parameters.get(b"boundary", b""),
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _bad_form() from error
        if not parameters.get(b"boundary"):
            raise _bad_form()

    def feed(self, data: bytes) -> bytes:
        """What of the file was in these bytes."""
        try:
            self._parser.write(data)
        except self._errors as error:
            raise _bad_form() from error
        found = bytes(self._data)
        self._data.clear()
        return found

    def finish(self) -> str:
        """The file's name, once all has come."""
        if not self._complete:
            raise _bad_form()
        if self._name is None:
            raise ProblemError(400, "the form holds no file; send one file field")
        return self._name

    def _begin_part(self) -> None:
        self._disposition = b""

    def _end_header(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        _, parameters = self._parse_header(self._disposition)
        if b"filename" not in parameters:
            raise ProblemError(
                400, "the form holds fields beside its one file; leave them out, options go into the query"
            )
        if self._name is not None:
            raise ProblemError(400, "the form holds several files; send them one at a time")
        self._name = parameters[b"filename"].decode("utf-8", "replace")

    def _end(self) -> None:
        self._complete = True


def _bad_form() -> ProblemError:
    return ProblemError(400, "the form is damaged or incomplete; send it again")
