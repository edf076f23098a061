"""The page's own files: a requested name is looked up among those that exist; a client's path is never opened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from colorizer.web.problems import ProblemError

FOLDER = Path(__file__).parent / "page"

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".webmanifest": "application/manifest+json",
}
"""Of what the page is made of; other files are not served."""

LISTING = "files.json"
"""The names of them all, for the service worker."""


async def page_file(request: Request) -> Response:
    """`/`, `/docs`, `/favicon.ico` and `/page/...`.

    Raises
    ------
    ProblemError
        There is no such file.
    """
    path = request.url.path
    named = {"/": "index.html", "/docs": "docs.html", "/favicon.ico": "favicon.ico", "/offline.js": "offline.js"}
    return page_response(named.get(path) or path.removeprefix("/page/"), request.headers.get("if-none-match"))


def page_response(name: str, known: str | None = None) -> Response:
    """A file of the page, or word that it has not changed.

    Raises
    ------
    ProblemError
        There is none of that name.
    """
    files = {file.relative_to(FOLDER).as_posix(): file for file in FOLDER.rglob("*") if file.suffix in MEDIA_TYPES}
    if name == LISTING:
        return _answer(json.dumps(sorted(files)).encode(), "application/json", known)
    if name not in files:
        raise ProblemError(404, "there is nothing at this address")
    return _answer(files[name].read_bytes(), MEDIA_TYPES[files[name].suffix], known)


def _answer(data: bytes, kind: str, known: str | None) -> Response:
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=kind)
