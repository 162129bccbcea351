"""What every door shares: reading a bounded JSON body, the query, the actor behind a request, and the JSON answer.

Shape errors are raised here with the sentence CONTRACT.md promises; what a value means is decided by the actions.
"""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from server import auth, events
from server.config import Config
from server.errors import BadRequest, Invalid, NotFound, ProblemError, TooLarge, Unauthorized, UnsupportedMediaType
from server.models import Actor
from server.state import State

T = TypeVar("T")

BODY_BYTES = 64 * 1024
ARTICLE_BYTES = 1024 * 1024
_MISSING = re.compile(r"missing required field `([^`]+)`")


def state_of(connection: HTTPConnection) -> State:
    """The parts of this server."""
    state: State = connection.scope["app"].state.ripost
    return state


async def body(request: Request, kind: type[T], most: int = BODY_BYTES) -> T:
    """The JSON body as `kind`. Raises UnsupportedMediaType, TooLarge, BadRequest, Invalid."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedMediaType(f"application/json is accepted, not {media or 'a body without a type'}")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge(f"a body of at most {most // 1024} KiB is accepted")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise TooLarge(f"a body of at most {most // 1024} KiB is accepted")
        chunks.append(chunk)
    return decode(b"".join(chunks), kind)


def decode(data: bytes, kind: type[T]) -> T:
    """JSON bytes as `kind`. Raises BadRequest for malformed JSON, Invalid for wrong fields."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        _require_json(data)
        message, _, place = str(error).partition(" - at ")
        # msgspec says "… - at `$.image.url`", and of what is missing "… field `url` - at `$.image`".
        missing = _MISSING.search(message)
        steps = [step for step in (place.strip("`").removeprefix("$").lstrip("."), missing and missing[1]) if step]
        raise Invalid(f"{'.'.join(steps) or 'the body'}: {message}", errors=[(".".join(steps), message)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def _require_json(data: bytes) -> None:
    """Raises BadRequest: a wrong field may be found before what makes the rest of the text no JSON."""
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that nobody else may keep."""
    return text_answer(events.encode(value), status, headers)


def text_answer(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose JSON text is made already."""
    return Response(
        text,
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def problem(error: ProblemError) -> Response:
    """A failed request (RFC 9457)."""
    return Response(
        events.encode(error.problem()),
        error.status,
        {"Cache-Control": "no-store", **error.headers()},
        media_type="application/problem+json",
    )


def path_id(request: HTTPConnection, name: str = "id") -> int:
    """An id in the path. Raises NotFound if it cannot be one."""
    text = request.path_params[name]
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) < 2**63:
        raise NotFound(f"there is no {request.url.path}")
    return int(text)


def whole(request: HTTPConnection, name: str, default: int, low: int, high: int) -> int:
    """A whole number in the query. Raises BadRequest."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not low <= int(text) <= high:
        raise BadRequest(f"{name} is {text[:40]!r}: a whole number from {low} to {high} is accepted")
    return int(text)


def token_of(headers: Headers) -> str | None:
    """The bearer token, or None. Raises Unauthorized for anything else."""
    value = headers.get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Authorization: Bearer TOKEN is accepted")
    return token.strip()


async def actor(request: HTTPConnection) -> Actor:
    """Who asks. Raises Unauthorized."""
    state = state_of(request)
    origin = request.headers.get("origin")
    return await auth.identify(
        state,
        token_of(request.headers),
        address=address(request),
        origin=origin,
        own_origin=is_own_origin(state.config, request.headers, origin),
    )


def address(connection: HTTPConnection) -> str:
    """A keyed hash of the address that asks (uvicorn has resolved trusted proxies)."""
    client = connection.client
    return auth.address_key(state_of(connection).secret, client.host if client else "local")


def is_own_origin(config: Config, headers: Mapping[str, str], origin: str | None) -> bool:
    """Whether a page of this origin is ours: PUBLIC_URL or, if that is not set, the Host that was asked for.

    Staff rights hang on it, so a set PUBLIC_URL is the only one.
    """
    if origin is None:
        return True
    return origin == config.public_url if config.public_url else _is_asked_for(headers, origin)


def _is_asked_for(headers: Mapping[str, str], origin: str) -> bool:
    """Whether an origin is the Host that the request names."""
    try:
        parts = urlsplit(origin)
        host = urlsplit(f"{parts.scheme}://{headers.get('host', '')}")
        default = {"http": 80, "https": 443}.get(parts.scheme)
        return (
            default is not None
            and origin.count("/") == 2
            and parts.username is None
            and parts.hostname is not None
            and parts.hostname == host.hostname
            and (parts.port or default) == (host.port or default)
        )
    except ValueError:
        return False


def may_embed(config: Config, headers: Mapping[str, str], origin: str | None) -> bool:
    """Whether pages of this origin may use the API and open connections."""
    if origin is None or is_own_origin(config, headers, origin) or origin in config.allowed_origins:
        return True
    return _is_asked_for(headers, origin)
