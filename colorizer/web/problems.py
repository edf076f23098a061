"""Errors as answers: `application/problem+json` (RFC 9457), in the command's words but for the names of options."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from colorizer.errors import (
    ColorizerError,
    DiskFullError,
    EngineError,
    InputError,
    MissingExtraError,
    OutputError,
    TooLargeError,
    UnknownFormatError,
    UsageError,
    WeightsError,
    lacks_memory,
)
from colorizer.web.wording import worded

log = logging.getLogger("colorizer.web")

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[ColorizerError], HTTPStatus], ...] = (
    (UsageError, HTTPStatus.BAD_REQUEST),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnknownFormatError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DiskFullError, HTTPStatus.INSUFFICIENT_STORAGE),
    (OutputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (MissingExtraError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (WeightsError, HTTPStatus.CONFLICT),
    (MissingExtraError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (EngineError, HTTPStatus.INTERNAL_SERVER_ERROR),
)

_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Names of RFC 9110 that not every Python has."""


class ProblemError(Exception):
    """A request that is answered with an error.

    Parameters
    ----------
    status
        HTTP's.
    detail
        What happened and what to do, in one line.
    headers
        To send with it.
    """

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = int(status)
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def describe(self) -> dict[str, Any]:
        """The problem as JSON has it."""
        title = _TITLES.get(self.status) or HTTPStatus(self.status).phrase
        return {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}

    def response(self) -> JSONResponse:
        """The problem as an answer."""
        return JSONResponse(self.describe(), self.status, self.headers, MEDIA_TYPE)


def problem_of(error: BaseException) -> ProblemError:
    """What to answer for an error; of one that nobody expected, nothing but that it happened."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, ColorizerError):
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
        return ProblemError(status, worded(error))
    if isinstance(error, HTTPException):
        detail = "there is nothing at this address" if error.status_code == 404 else "this method is not taken here"
        return ProblemError(error.status_code, detail, **(error.headers or {}))
    if lacks_memory(error):
        return ProblemError(HTTPStatus.INSUFFICIENT_STORAGE, "not enough memory for this picture; close other programs")
    log.error("internal error", exc_info=error)
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal error; please report it, with what `colorize serve -v` prints",
    )
