"""One request, and what its answer is worth: the HTTP of a download (RFC 9110: If-Range, ranges, statuses).

A server is not believed. A range must be the one asked for, of the version begun with; a body must have the size that
the catalogue states; what ends early is kept and continued. Whether the whole is right is not decided here but by its
hash. Every answer ends in one of three ways: the partial file is complete, `TemporaryError`, or `MirrorError`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

from colorizer.errors import shown
from colorizer.networks.catalog import FileSpec
from colorizer.networks.download.partial import Partial, Version
from colorizer.networks.store import cannot_write

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 14
"""Bytes written at a time; what a broken connection can cost."""

MAX_REDIRECTS = 10

LARGEST_UNKNOWN = 4 << 30
"""Bytes of a file whose size the catalogue does not know."""

_OK, _PARTIAL, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524}
_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")


@dataclass(frozen=True)
class Policy:
    """How patient a download is."""

    timeout: float = 30.0  # seconds without a byte before a connection counts as stalled
    connect_timeout: float = 10.0  # seconds
    retries: int = 4  # in a row without progress, at each mirror
    backoff: float = 0.5  # seconds before the first retry; doubled for each further one
    longest_wait: float = 60.0  # seconds that a server may ask for (Retry-After) before the next mirror is tried

    @property
    def timeouts(self) -> tuple[float, float]:
        """Seconds to wait for a connection, and for the next bytes on it."""
        return min(self.connect_timeout, self.timeout), self.timeout


class Listener(Protocol):
    """Who is told how a download goes."""

    def message(self, text: str) -> None:
        """One line about what happened."""

    def begin(self, name: str, total: int, done: int) -> None:
        """Bytes of a file begin to arrive, `done` of `total` are there."""

    def advance(self, count: int) -> None:
        """So many bytes more have arrived."""

    def end(self) -> None:
        """No more bytes arrive for now."""


@dataclass(frozen=True)
class DownloadContext:
    """What all requests of a download share."""

    session: requests.Session
    policy: Policy
    listener: Listener


class MirrorError(Exception):
    """A mirror does not serve the file; the message says why."""


class TemporaryError(Exception):
    """The same request may succeed later.

    Attributes
    ----------
    after
        Seconds that the server asks to wait, None where it does not.
    anew
        Whether what has arrived must not be continued; there is nothing to wait for then.
    """

    def __init__(self, why: str, *, after: float | None = None, anew: bool = False) -> None:
        super().__init__(why)
        self.after = after
        self.anew = anew


class UnreachableError(TemporaryError):
    """No connection could be made at all: one of many sources, or the whole network, is away."""


def open_session() -> requests.Session:
    """A session that follows the usual environment variables.

    `requests` itself heeds HTTP_PROXY, HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE; SSL_CERT_FILE is
    what most other programs read.
    """
    import requests

    from colorizer import __version__

    session = requests.Session()
    session.max_redirects = MAX_REDIRECTS
    session.verify = os.environ.get("SSL_CERT_FILE") or True
    # a compressed answer could not be resumed, and weights do not compress
    session.headers.update({"Accept-Encoding": "identity", "User-Agent": f"colorize/{__version__}"})
    return session


def transfer(context: DownloadContext, url: str, partial: Partial) -> bool:
    """Bring the partial file to its full size, continuing what is there where the server allows.

    Returns
    -------
    bool
        Whether the bytes come from this answer alone; if not, a wrong hash says nothing about the mirror.

    Raises
    ------
    TemporaryError
        The connection or the server failed in a way that may pass.
    MirrorError
        The server does not have the file.
    OutputError
        The store takes no more bytes.
    """
    version = partial.version()
    offset = partial.size() if version is not None and version.url == url else 0
    size = partial.file.size
    if size and offset > size:
        offset = 0
    if size and offset == size:
        return False
    headers = {}
    if version is not None and offset:
        headers["Range"] = f"bytes={offset}-"
        if version.validator:
            headers["If-Range"] = version.validator
    with (
        _outcome_of_errors(context.policy),
        context.session.get(url, headers=headers, stream=True, timeout=context.policy.timeouts) as answer,
    ):
        _check_status(answer, ranged=bool(offset))
        if not size:
            size = _size_told(answer)
            partial = replace(partial, file=replace(partial.file, size=size))
        if answer.status_code == _PARTIAL and version is not None:
            _check_range(answer, version, offset, size)
            output = partial.go_on()
        else:
            offset = 0
            _check_length(answer, partial.file)
            output = partial.begin(_version(answer, url))
        with output:
            context.listener.begin(partial.file.name, size, offset)
            try:
                _receive(answer, output, partial, offset, context.listener)
            finally:
                context.listener.end()
    return offset == 0


def _size_told(answer: requests.Response) -> int:
    """How large a file is that the catalogue knows by its hash alone, as the server says."""
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    told = match[3] if match is not None else answer.headers.get("Content-Length", "")
    size = _number(told)
    if not size or _is_encoded(answer):
        raise MirrorError("does not say how large the file is")
    if size > LARGEST_UNKNOWN:
        raise MirrorError(f"sends a file of {size} bytes, more than any network here has")
    return size


def _check_status(answer: requests.Response, *, ranged: bool) -> None:
    status = answer.status_code
    if status == _OK or (status == _PARTIAL and ranged):
        return
    said = f"answered {status} {shown(answer.reason or '')}".rstrip()
    if status == _PARTIAL:
        raise MirrorError("sends a part where the whole was asked for")
    if status == _RANGE_NOT_SATISFIABLE and ranged:
        raise TemporaryError(f"{said} to the rest of the file", anew=True)
    if status in _TEMPORARY:
        raise TemporaryError(said, after=_retry_after(answer.headers.get("Retry-After", "")))
    raise MirrorError(said)


def _retry_after(header: str) -> float | None:
    """Seconds to wait, from either form of Retry-After (section 10.2.3)."""
    seconds = _number(header)
    if seconds is not None:
        return float(seconds)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,18}\s*", text) else None


def _check_range(answer: requests.Response, version: Version, offset: int, size: int) -> None:
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != offset or int(match[2]) >= size:
        raise TemporaryError("sends another range than the one asked for", anew=True)
    now = _version(answer, version.url)
    changed = (now.etag and now.etag != version.etag) or (
        now.last_modified and now.last_modified != version.last_modified
    )
    if changed or match[3] not in ("*", str(size)):
        raise TemporaryError("the file has changed there since the download began", anew=True)
    if _is_encoded(answer):
        raise TemporaryError("sends the rest compressed", anew=True)


def _check_length(answer: requests.Response, file: FileSpec) -> None:
    length = _number(answer.headers.get("Content-Length", ""))
    if length is not None and length != file.size and not _is_encoded(answer):
        raise MirrorError(_instead(next(answer.iter_content(CHUNK), b""), length, file))


def _instead(head: bytes, length: int, file: FileSpec) -> str:
    """What a server sends in place of the file."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGE_STARTS):
        return "sends a web page instead of the file"
    if text.startswith(b"version https://git-lfs"):
        return "sends a Git LFS pointer instead of the file"
    return f"sends a file of {length} bytes, but {file.name} has {file.size}"


def _version(answer: requests.Response, url: str) -> Version:
    if _is_encoded(answer):
        # ranges count compressed bytes: what arrives of such an answer cannot be continued
        return Version(url="")
    return Version(url, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))


def _is_encoded(answer: requests.Response) -> bool:
    return answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")


def _receive(answer: requests.Response, output: BinaryIO, partial: Partial, offset: int, listener: Listener) -> None:
    file = partial.file
    received, head = offset, b""
    for chunk in answer.iter_content(CHUNK):
        head = head or chunk
        received += len(chunk)
        if received > file.size:
            raise MirrorError(f"sends more than the {file.size} bytes of {file.name}")
        try:
            output.write(chunk)
            # what a killed process has received is what its successor need not ask for again
            output.flush()
        except OSError as error:
            raise cannot_write(partial.path, error) from error
        listener.advance(len(chunk))
    if received == file.size:
        return
    # a body that says where it ends has ended; one that ends with the connection may have been cut
    ended = "chunked" in answer.headers.get("Transfer-Encoding", "").lower() or _is_encoded(answer)
    if ended and not offset:
        raise MirrorError(_instead(head, received, file))
    raise TemporaryError(f"broke off after {received} of {file.size} bytes")


@contextmanager
def _outcome_of_errors(policy: Policy) -> Iterator[None]:
    """Turn what `requests` raises into one of our outcomes."""
    import urllib3
    from requests import exceptions

    try:
        yield
    except exceptions.TooManyRedirects as error:
        raise MirrorError("redirects in a loop") from error
    except exceptions.SSLError as error:
        raise MirrorError(
            f"its certificate is not trusted ({_cause(error)}); REQUESTS_CA_BUNDLE=FILE names your own authorities"
        ) from error
    except (exceptions.ProxyError, exceptions.ConnectTimeout) as error:
        raise UnreachableError(f"no connection ({_cause(error)})") from error
    except exceptions.ReadTimeout as error:
        raise TemporaryError(f"no answer within {policy.timeout:g} s") from error
    except exceptions.ContentDecodingError as error:
        raise TemporaryError("sends damaged compressed data", anew=True) from error
    except exceptions.ChunkedEncodingError as error:
        raise TemporaryError("the connection broke off") from error
    except exceptions.ConnectionError as error:
        inner = error.args[0] if error.args else error
        if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
            raise TemporaryError(f"stalled for {policy.timeout:g} s") from error
        if isinstance(inner, urllib3.exceptions.MaxRetryError):
            raise UnreachableError(f"no connection ({_cause(error)})") from error
        raise TemporaryError(f"the connection broke off ({_cause(error)})") from error
    except (exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise MirrorError(f"cannot be asked ({_cause(error)})") from error


_NO_SUCH_NAME = "Failed to resolve"
"""What urllib3 says where a host's name leads nowhere."""
_NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ?")


def _cause(error: Exception) -> str:
    """The telling end of a nested network error, in one line."""
    inner = error.args[0] if error.args else error
    text = shown(str(getattr(inner, "reason", None) or inner).rsplit(": ", 1)[-1])
    if _NO_SUCH_NAME in text:
        return "there is no server of that name, or no network"
    return _NUMBER.sub("", text)
