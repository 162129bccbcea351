"""A small HTTP client for one server: JSON in and out, one connection for each request, nothing kept between them.

For the commenters, who come to the server the way everybody does. Raises OSError (TimeoutError included) when the
server cannot be reached or hangs up; an answer of any status is an answer.
"""

import asyncio
import ipaddress
import json
from dataclasses import dataclass
from typing import Any

BYTES_MAX = 8 * 2**20  # of one answer; ours are at most some hundred KiB
SECONDS = 10.0  # for a request that answers at once


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `retry_after` is in seconds, 0 unless the server named a wait."""

    status: int
    body: Any
    retry_after: float


class Client:
    """Asks the server at `host`:`port`."""

    def __init__(self, host: str, port: int) -> None:
        # A server that listens everywhere is reached on the loopback.
        unspecified = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
        self._host = unspecified.get(host, host)
        self._port = port

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        address: str | None = None,
        seconds: float = SECONDS,
    ) -> Answer:
        """One request and its answer within `seconds`. `address` is where it says it comes from (X-Forwarded-For)."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {_bracketed(self._host)}:{self._port}", "Connection: close"]
        lines += ["Accept: application/json", f"Content-Length: {len(content)}"]
        if body is not None:
            lines.append("Content-Type: application/json")
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if address is not None:
            lines.append(f"X-Forwarded-For: {address}")
        request = "\r\n".join([*lines, "", ""]).encode() + content
        try:
            async with asyncio.timeout(seconds):
                return _answer(*await self._exchange(request))
        except (ValueError, EOFError, asyncio.LimitOverrunError) as error:  # hung up in the middle, or no HTTP
            raise ConnectionError(f"the answer to {method} {path} is incomplete") from error

    async def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=BYTES_MAX)
        try:
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            return head, await _body(reader, _headers(head))
        finally:
            writer.close()


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", "0"))
        return await reader.readexactly(min(length, BYTES_MAX))
    content = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        content += (await reader.readexactly(size + 2))[:-2]
        if len(content) > BYTES_MAX:
            raise ValueError("the answer is too long")
    return bytes(content)


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _answer(head: bytes, content: bytes) -> Answer:
    headers = _headers(head)
    status = int(head.split(b" ", 2)[1])
    wait = headers.get("retry-after", "")
    body = json.loads(content) if content and "json" in headers.get("content-type", "") else None
    return Answer(status, body, float(wait) if wait.isdigit() else 0.0)


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
