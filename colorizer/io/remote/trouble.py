"""What servers say when something is wrong: in words, without keys; and what is worth another try.

fsspec's file systems raise what their libraries raise: exceptions of botocore, aiohttp, paramiko, and Python's own.
What is common to them is found here: the status of HTTP, the code that a store gives, the kind of OSError.
"""

from __future__ import annotations

import errno
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import unquote

from colorizer.errors import ColorizerError
from colorizer.io.address import Remote
from colorizer.io.storage import StorageError

Answer = TypeVar("Answer")

ATTEMPTS = 5
"""How often something is tried in all."""

FIRST_PAUSE = 0.5
"""Seconds before the second try; twice as long before each next."""

LATER = "run the same command again later: it goes on with the rest"
NETWORK = "check the network and the address"
CREDENTIALS = "check the credentials, and what they are allowed to do (docs/remote.md)"

_PASSING = frozenset({429, 500, 502, 503, 504})
_PASSING_NUMBERS = frozenset({errno.EBUSY, errno.EIO, errno.EPIPE, errno.ETIMEDOUT, getattr(errno, "EREMOTEIO", -1)})
_PASSING_NAMES = re.compile(
    r"timeout|timedout|connection|payload|disconnect|incompleteread|sslerror|eoferror|sshexception"
)
_REFUSED = frozenset({401, 403})
_STATUS = {
    400: "it does not understand the request",
    401: "it wants credentials",
    403: "access is denied",
    404: "there is nothing of this name",
    405: "it does not allow this",
    409: "something else is being done with it",
    412: "it was changed meanwhile",
    416: "it is shorter than was asked for",
    429: "too many requests",
    500: "the server failed",
    501: "it cannot do this",
    502: "a server behind it failed",
    503: "the server is overloaded, or down",
    504: "a server behind it did not answer in time",
}
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9.]{2,60}")
_SECRET_VARIABLES = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|ACCOUNT_KEY|CONNECTION_STRING|SAS", re.IGNORECASE)
_SHORTEST_SECRET = 6
_LONGEST_WORDS = 200


def patiently(address: Remote, ask: Callable[[], Answer], attempts: int = ATTEMPTS) -> Answer:
    """Ask a server; again, with longer and longer pauses, where what is wrong may pass.

    Raises
    ------
    FileNotFoundError
        There is nothing at this address.
    StorageError
        It cannot be had, in words that hold no keys.
    """
    attempt = 1
    while True:
        try:
            return ask()
        except ColorizerError:
            raise
        except Exception as error:
            if attempt == attempts or not may_pass(error):
                # without its cause, whose words and whose frames may hold a signed address
                raise in_words(error, address) from None
        time.sleep(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1))  # noqa: S311 - spreads tries, no secret
        attempt += 1


def may_pass(error: BaseException) -> bool:
    """Whether it may go better at the next try."""
    if is_missing(error):
        return False
    status = status_of(error)
    if status:
        return status in _PASSING
    if isinstance(error, PermissionError | IsADirectoryError | NotADirectoryError | FileExistsError):
        return False
    if isinstance(error, OSError) and error.errno in _PASSING_NUMBERS:
        return True
    return any(_PASSING_NAMES.search(type(each).__name__.lower()) for each in _chain(error))


def is_missing(error: BaseException) -> bool:
    """Whether it means that there is nothing at an address."""
    return isinstance(error, FileNotFoundError) and status_of(error) in (None, 404)


def is_refused(error: BaseException) -> bool:
    """Whether access is denied."""
    return isinstance(error, PermissionError) or status_of(error) in _REFUSED


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error stands for, where it does."""
    for each in _chain(error):
        response: Any = getattr(each, "response", None)
        if isinstance(response, dict):
            value = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if isinstance(value, int):
                return value
        # what aiohttp calls a code is its own verdict on a broken answer, and none of the server's
        ours = ("status",) if type(each).__module__.startswith("aiohttp") else ("status", "status_code", "code")
        for name in ours:
            value = getattr(each, name, None)
            if isinstance(value, int) and 300 <= value < 600:
                return value
    return None


def in_words(error: BaseException, address: Remote) -> OSError:
    """The error as it may be told: FileNotFoundError where there is nothing, else StorageError."""
    if isinstance(error, StorageError):
        return error
    code = _code(error)
    said = f" ({code})" if code else ""
    if is_missing(error):
        return FileNotFoundError(errno.ENOENT, f"there is nothing of this name{said}")
    status = status_of(error)
    if is_refused(error):
        return StorageError(errno.EACCES, f"access is denied{said or f' ({status or 403})'}", CREDENTIALS)
    name = type(error).__name__
    if "BadHostKey" in name:
        return StorageError(errno.EACCES, "the host's key is another one than was known", "ask who runs it why")
    if "Credential" in name or "Auth" in name:
        return StorageError(errno.EACCES, "there are no credentials for it, or none that hold", CREDENTIALS)
    if status:
        told = _STATUS.get(status, "it answers something unexpected")
        return StorageError(errno.EIO, f"{told}: {status}{said}", LATER if status in _PASSING else "check the address")
    names = " ".join(type(each).__name__.lower() for each in _chain(error))
    if "timeout" in names or "timedout" in names:
        return StorageError(errno.ETIMEDOUT, "the server does not answer in time", LATER)
    if "payload" in names or "incompleteread" in names or "disconnect" in names:
        return StorageError(errno.EIO, "the connection broke, again and again", LATER)
    if _PASSING_NAMES.search(names):
        return StorageError(
            errno.EIO,
            f"the server {redacted(address.root, address)} cannot be reached",
            NETWORK,
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error
    if "Expired" in name:
        return StorageError(errno.EIO, "it was changed while it was read", LATER)
    words = redacted(" ".join(str(error).split()), address)[:_LONGEST_WORDS]
    return StorageError(errno.EIO, f"{name}{': ' if words else ''}{words}{said}", LATER)


def redacted(text: str, address: Remote | None = None) -> str:
    """A text of a library's without what opens doors: the address's own secrets, those of the environment, and URLs."""
    text = re.sub(r"[a-z][a-z0-9+.-]+://\S+", "...", text, flags=re.IGNORECASE)
    secrets = [value for name, value in os.environ.items() if _SECRET_VARIABLES.search(name)]
    if address is not None:
        parts = address.user.rstrip("@").split(":")
        secrets += [address.query, address.user, *parts, *map(unquote, parts)]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "...")
    return text


def _code(error: BaseException) -> str:
    """What a store calls the problem, such as `NoSuchBucket`."""
    for each in _chain(error):
        response: Any = getattr(each, "response", None)
        found = (
            response.get("Error", {}).get("Code") if isinstance(response, dict) else getattr(each, "error_code", None)
        )
        text = str(found or "")
        if _TOKEN.fullmatch(text) or re.fullmatch(r"[1-5]\d\d", text):
            return text
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
