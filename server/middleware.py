"""Pure ASGI around every request: an id for the log, security headers, CORS for those who may embed, clear errors.

CORS here only tells browsers what they may read: there are no cookies, so a foreign page has nothing to ride on. The
API answers `ALLOWED_ORIGINS` exactly; `/static/*` is open to all and says so itself.
"""

import itertools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.config import Config
from server.errors import ProblemError, Unavailable
from server.routes import web

_log = logging.getLogger("ripost.http")

_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
_ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match, Last-Event-ID"
_EXPOSED = (b"access-control-expose-headers", b"ETag, Retry-After")
_VARY = (b"vary", b"Origin")
_USUAL = (  # of every answer that does not say otherwise
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_PREFLIGHT_SECONDS = "7200"  # Chromium's longest

Unrouted = Callable[[Request, HTTPException], Awaitable[Response]]
"""The answer to a request that no route takes."""

Observe = Callable[[str, int, float], None]
"""Told of every finished HTTP request: method, status, seconds."""


class Requests:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, config: Config, observe: Observe, unrouted: Unrouted) -> None:
        self._app = app
        self._config = config
        self._observe = observe
        self._unrouted = unrouted
        # Numbers after a random start: the operating system's randomness gives up the GIL to the writer's thread.
        self._start = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        api = scope["path"].startswith("/api/")
        cors = origin if api and origin is not None and origin in self._config.allowed_origins else None
        if api and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return await _preflight(send, cors)
        started = time.perf_counter()
        request_id = f"{self._start}-{next(self._numbers)}"
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = message["headers"] = list(message.get("headers", ()))
                known = {name for name, _ in out}
                out += [header for header in _USUAL if header[0] not in known]
                out.append((b"x-request-id", request_id.encode()))
                if api:
                    if b"vary" in known:
                        MutableHeaders(raw=out).add_vary_header("Origin")
                    else:
                        out.append(_VARY)
                if cors is not None:
                    if b"access-control-allow-origin" in known:
                        del MutableHeaders(raw=out)["access-control-allow-origin"]
                    out.append((b"access-control-allow-origin", cors.encode("latin1")))
                    out.append(_EXPOSED)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ProblemError as error:
            if status:
                raise
            await web.problem(error)(scope, receive, answer)
        except HTTPException as error:
            if status:
                raise
            await (await self._unrouted(Request(scope, receive), error))(scope, receive, answer)
        except ClientDisconnect:
            pass  # it left before its request or our answer was whole; nobody is there to be answered
        except Exception:
            _log.exception("request %s: %s %s failed", request_id, scope["method"], scope["path"])
            if status:
                raise
            failed = Unavailable(f"something went wrong here; the log has it under request {request_id}")
            failed.status, failed.title, failed.slug = 500, "Internal error", "internal"
            await web.problem(failed)(scope, receive, answer)
        finally:
            self._observe(scope["method"], status, time.perf_counter() - started)


async def _preflight(send: Send, origin: str | None) -> None:
    headers = [(b"vary", b"Origin"), (b"content-length", b"0")]
    if origin is not None:
        headers += [
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-methods", _ALLOWED_METHODS.encode()),
            (b"access-control-allow-headers", _ALLOWED_HEADERS.encode()),
            (b"access-control-max-age", _PREFLIGHT_SECONDS.encode()),
        ]
    await send({"type": "http.response.start", "status": 204 if origin is not None else 403, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
