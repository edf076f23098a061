"""What every request passes first: who may ask, what the answer may do in a browser, and errors answered plainly.

A page elsewhere can make a browser send requests to this machine. Three things keep it out. The Host header has to be a
name that the server is known by, which a foreign name that resolves to this machine (DNS rebinding) is not. What a
browser says of where a request comes from (Origin, Sec-Fetch-Site, Referer) has to be this server. And nothing says
CORS, so that no other page can read an answer. Beyond this machine a token is asked for as well.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import time
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from colorizer.web.limits import HEAD_SECONDS
from colorizer.web.problems import ProblemError, problem_of

log = logging.getLogger("colorizer.web")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Of every answer."""

_READING = ("GET", "HEAD")
_OWN_SITE = ("same-origin", "none")  # none: the user's own doing, such as typing the address

MAX_DRAINED = 256 << 20
"""Of a body that is not wanted, read so that the client gets to see why: most send all before they listen."""


class AccessControl:
    """Which requests are let in: by the host name that they are sent to, their origin, and a token.

    Parameters
    ----------
    names
        Host names and addresses that the server is known by.
    any_address
        Whether any bare address will do, which is safe: rebinding needs a name.
    token
        What has to be shown besides; None where nothing has.
    port
        That the server listens on; names the cookie, since cookies are common to all ports of a host.
    """

    def __init__(self, names: Collection[str], *, any_address: bool, token: str | None, port: int) -> None:
        self._names = {name.lower().rstrip(".") for name in names}
        self._any_address = any_address
        self._token = token
        self.cookie = f"colorize-{port}"

    def check(self, scope: Scope) -> None:
        """Let a request in.

        Raises
        ------
        ProblemError
            403 for a foreign host or origin, 401 without the token.
        """
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.knows_host(hosts[0]):
            raise ProblemError(403, "this is not a name of this server; use the address that `colorize serve` printed")
        self._check_origin(scope, headers, hosts[0])
        if not self._has_token(headers):
            raise ProblemError(
                401,
                "a token is needed; open the address that `colorize serve` printed, or send "
                "Authorization: Bearer TOKEN",
                WWW_Authenticate='Bearer realm="colorize"',
            )

    def accepts_token(self, token: str) -> bool:
        """Whether it is the token, compared in constant time."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())

    def knows_host(self, host: str) -> bool:
        """Whether a Host header is a name of this server."""
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname, parts.port
        except ValueError:
            return False
        if name is None or parts.netloc != host or "@" in host or parts.path or parts.query or parts.fragment:
            return False
        if name.rstrip(".") in self._names:
            return True
        return self._any_address and _is_address(name)

    def _check_origin(self, scope: Scope, headers: Headers, host: str) -> None:
        reading = scope["method"] in _READING
        site = headers.get("sec-fetch-site", "none")
        visiting = reading and not scope["path"].startswith("/api/")
        if site not in _OWN_SITE and not visiting:
            raise _foreign()
        if reading:
            return
        for name in ("origin", "referer"):
            given = headers.getlist(name)
            if given:
                if len(given) > 1 or _authority(given[0]) != host.lower():
                    raise _foreign()
                return

    def _has_token(self, headers: Headers) -> bool:
        if self._token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.accepts_token(given.strip()):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self.cookie in cookies and self.accepts_token(cookies[self.cookie].value)

    def sign_in(self, scope: Scope) -> Response | None:
        """The answer to the page's address with the token in it: a cookie instead, and the plain address; else None."""
        query = scope["query_string"].decode("latin-1")
        if self._token is None or scope["path"] != "/" or scope["method"] not in _READING or "token=" not in query:
            return None
        given = parse_qs(query, max_num_fields=8).get("token", [""])
        if len(given) != 1 or not self.accepts_token(given[0]):
            return None
        response = RedirectResponse("/", 303)
        response.set_cookie(self.cookie, self._token, httponly=True, samesite="strict", path="/")
        return response


class SecurityMiddleware:
    """ASGI middleware: lets requests in, adds headers to answers, and turns exceptions into answers."""

    def __init__(self, app: ASGIApp, access: AccessControl) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        exchange = _Exchange(scope, receive, send)
        scope["app"] = self._app  # by which Starlette's routes know to raise an error in place of answering one
        try:
            answer: ASGIApp = self._admit(scope) or self._app
            await answer(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            log.info("%s %r: the client has gone", scope["method"], scope["path"])
            return
        except Exception as error:
            problem = problem_of(error)
            if exchange.status is not None:
                raise BrokenAnswerError from error
            await problem.response()(scope, exchange.receive, exchange.send)
        taken = (time.perf_counter() - begun) * 1000
        log.info("%s %r: %s in %.0f ms", scope["method"], scope["path"], exchange.status, taken)

    def _admit(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        sign_in = self._access.sign_in(scope) if len(hosts) == 1 and self._access.knows_host(hosts[0]) else None
        if sign_in is None:
            self._access.check(scope)
        return sign_in


class BrokenAnswerError(Exception):
    """An answer that had begun cannot be finished; the connection is closed, so that the client knows."""


class _Exchange:
    """A request and its answer: headers are added, and what is left of the body is read before the answer is sent."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.status: int | None = None
        self._receive = receive
        self._send = send
        headers = Headers(scope=scope)
        self._expects = headers.get("expect", "").lower() == "100-continue"
        self._body_left = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"

    async def receive(self) -> Message:
        message = await self._receive()
        self._expects = False
        if message["type"] != "http.request" or not message.get("more_body"):
            self._body_left = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._body_left and not self._expects:
                await self._drain()
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            if self._body_left:
                headers["Connection"] = "close"
            self.status = message["status"]
        await self._send(message)

    async def _drain(self) -> None:
        left = MAX_DRAINED
        end = asyncio.get_running_loop().time() + HEAD_SECONDS
        while self._body_left and left > 0:
            try:
                message = await asyncio.wait_for(self.receive(), max(0.0, end - asyncio.get_running_loop().time()))
            except asyncio.TimeoutError:
                return
            left -= len(message.get("body", b""))


def _foreign() -> ProblemError:
    return ProblemError(403, "requests from other sites' pages are refused; open this server's own page")


def _authority(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
