"""Answers that are sent small, or not at all: what the asker accepts, and what it has already (RFC 9110)."""

import asyncio
import gzip
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from server.snapshots import Snapshot

_WORTHWHILE = 1024  # bytes; below, a packet is a packet
_LONG = 32 * 1024  # bytes; compressing more takes milliseconds, in which others wait: that is a thread's work
_LEVEL = 5  # 6 and above take twice the time for 1 %


def is_accepted(request: Request, wanted: str = "gzip") -> bool:
    """Whether the asker takes this content coding."""
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, parameters = part.partition(";")
        if coding.strip() in (wanted, "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def is_known(request: Request, etag: str) -> bool:
    """Whether the asker has what `etag` names (weak comparison)."""
    known = request.headers.get("if-none-match")
    if known is None:
        return False
    wanted = etag.removeprefix("W/")
    return known.strip() == "*" or any(tag.strip().removeprefix("W/") == wanted for tag in known.split(","))


async def answer(
    request: Request, text: str, status: int = 200, *, media_type: str, headers: Mapping[str, str]
) -> Response:
    """`text` as an answer, compressed where that pays."""
    content = text.encode()
    sent = {"Vary": "Accept-Encoding", **headers}
    if len(content) >= _WORTHWHILE and is_accepted(request):
        sent["Content-Encoding"] = "gzip"
        if len(content) >= _LONG:
            content = await asyncio.to_thread(gzip.compress, content, _LEVEL, mtime=0)
        else:
            content = gzip.compress(content, _LEVEL, mtime=0)
    return Response(content, status, sent, media_type=media_type)


def of_snapshot(request: Request, snapshot: Snapshot, *, media_type: str, headers: Mapping[str, str]) -> Response:
    """A page that is kept, or that the asker has it already; compressed once for all."""
    sent = {"Vary": "Accept-Encoding", **headers, "ETag": snapshot.etag}
    if is_known(request, snapshot.etag):
        return Response(status_code=304, headers=sent)
    content = snapshot.body
    if is_accepted(request) and snapshot.packed is not None:
        content = snapshot.packed
        sent["Content-Encoding"] = "gzip"
    return Response(content, headers=sent, media_type=media_type)
