"""The HTTP protocol: a request arrives in time and within its bounds or not at all, an answer is taken or the connection
is cut, and streams end when the server does."""

import asyncio
import contextlib
import json
import re
import socket
import uuid
from pathlib import Path
from typing import Any

import pytest

from server.transport.callers import Callers
from server.transport.http import FRAMING_BYTES, PIECE, PIPELINE, UNREAD_BYTES, RipostHTTP
from server.transport.wheel import STALL_TIMEOUT
from tests.transport.server import HANDSHAKE, SECOND, Fast, fast_server, files, shake_hands, until

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
STREAM = "GET /api/articles/{article}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
POST = "POST /api/articles/{article}/comments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"


async def send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)


async def read_all(sock: socket.socket) -> bytes:
    """Everything until the other side ends."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while more := await asyncio.get_running_loop().sock_recv(sock, 1 << 16):
            answer += more
    return answer


async def read_until(sock: socket.socket, text: bytes, count: int = 1) -> bytes:
    answer = b""
    async with asyncio.timeout(10):
        while answer.count(text) < count:
            more = await asyncio.get_running_loop().sock_recv(sock, 1 << 16)
            assert more, answer
            answer += more
    return answer


def http(fast: Fast, sock: socket.socket) -> RipostHTTP:
    """The server's side of a connection."""
    (end,) = files(fast, sock)
    (found,) = (one for one in fast.connections if one.transport.get_extra_info("socket") is end)
    assert isinstance(found, RipostHTTP)
    return found


async def flood(fast: Fast, sock: socket.socket, data: bytes) -> tuple[int, bytes]:
    """Sends the same again and again until the connection has ended: how many bytes went, and what was answered."""
    (end,) = files(fast, sock)
    reading = asyncio.create_task(read_all(sock))
    sent = 0
    async with asyncio.timeout(10):
        with contextlib.suppress(OSError):
            while end.fileno() != -1:
                await send(sock, data)
                sent += len(data)
                await asyncio.sleep(0)
        answer = await reading
    sock.close()
    await until(lambda: end.fileno() == -1)
    return sent, answer


async def test_a_request_that_trickles_in_is_ended_after_its_time(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        answer = asyncio.create_task(reader.read())
        number = 0
        async with asyncio.timeout(10):
            while not answer.done():
                number += 1
                writer.write(f"X-{number}: y\r\n".encode())
                await asyncio.sleep(SECOND / 2)
        assert (await answer).startswith(b"HTTP/1.1 408 ")
        writer.close()
        await until(lambda: not fast.connections)


async def test_a_body_that_trickles_in_is_ended_after_its_time(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        head = f"POST /api/articles/{fast.article}/comments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write((head + "Content-Length: 60000\r\n\r\n").encode())
        answer = asyncio.create_task(reader.read())
        async with asyncio.timeout(10):
            while not answer.done():
                writer.write(b" ")
                await asyncio.sleep(SECOND)
        assert b" 408 " in await answer
        writer.close()


async def test_a_connection_that_asks_nothing_is_ended(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()


async def test_requests_in_time_are_answered_one_after_the_other(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        for _ in range(30):
            assert (await fast.http.get("/healthz")).status_code == 200
            await asyncio.sleep(SECOND)


async def test_a_stop_ends_event_streams_and_long_polls(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        path = f"/api/articles/{fast.article}/events"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
        await reader.readuntil(b"event: subscribed")
        polling = asyncio.create_task(fast.http.get(path))
        await until(lambda: fast.readers() == 2)
        started = asyncio.get_running_loop().time()
        fast.server.should_exit = True
        async with asyncio.timeout(5):
            await reader.read()
            await asyncio.gather(polling, return_exceptions=True)
        assert asyncio.get_running_loop().time() - started < 3
        writer.close()


ENDLESS = {
    "header value": (b"GET /healthz HTTP/1.1\r\nX: ", b"a" * 4096),
    "URL": (b"GET /", b"a" * 4096),
    "headers": (b"GET /healthz HTTP/1.1\r\n", b"a: b\r\n" * 700),
    "trailers": (CHUNKED.encode() + b"2\r\n{}\r\n0\r\n", b"a: b\r\n" * 700),
    "extension of a chunk": (CHUNKED.encode() + b"1;", b"a" * 4096),
    "chunks of one byte": (CHUNKED.encode(), b"1\r\n \r\n" * 700),
    "empty lines": (b"", b"\r\n" * 2048),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_what_surrounds_a_body_is_bounded(tmp_path: Path, kind: str) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        begin, more = ENDLESS[kind]
        sock = fast.raw()
        await send(sock, begin.replace(b"{article}", str(fast.article).encode()) or b"\r\n")
        await until(lambda: files(fast, sock))
        sent, answer = await flood(fast, sock, more)
        assert answer.startswith(b"HTTP/1.1 431 ") and b"application/problem+json" in answer, answer
        assert sent > FRAMING_BYTES / 2


async def test_a_long_head_and_a_body_in_many_chunks_are_read(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        text = json.dumps({"client_id": str(uuid.uuid4()), "text": "word " * 1900, "name": "Ada"}).encode()
        head = CHUNKED.format(article=fast.article).replace("\r\n\r\n", f"\r\nX-Long: {'a' * 20_000}\r\n\r\n")
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(part), part) for part in (text[i : i + 10] for i in range(0, len(text), 10))
        )
        await send(sock, head.encode() + chunks + b"0\r\nX-Trailer: y\r\n\r\n" + GET)
        answer = await read_until(sock, b"HTTP/1.1 ", 2)
        assert answer.startswith(b"HTTP/1.1 201 ") and b"HTTP/1.1 200 " in answer
        sock.close()


async def test_requests_that_wait_for_earlier_answers_are_few_and_all_are_answered(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        sending = asyncio.create_task(send(sock, GET * 3000))
        await until(lambda: files(fast, sock))
        server, most, answered, answer = http(fast, sock), 0, 0, b""
        async with asyncio.timeout(20):
            while answered < 3000:
                most = max(most, len(server.pipeline))
                answer = answer[-8:] + await asyncio.get_running_loop().sock_recv(sock, 1 << 16)
                answered += answer.count(b"HTTP/1.1 ") - answer[:8].count(b"HTTP/1.1 ")
        await sending
        assert 0 < most <= PIPELINE + PIECE // len(GET) + 1
        await send(sock, GET)
        await read_until(sock, b"HTTP/1.1 200 ")
        sock.close()


async def test_a_body_that_nobody_reads_ends_the_connection(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        for request in (
            b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
            STREAM.format(article=fast.article).encode().replace(b"Host", b"Content-Length: 99999999999\r\nHost"),
        ):
            sock = fast.raw()
            await send(sock, request)
            await read_until(sock, b"HTTP/1.1 ")
            sent, _ = await flood(fast, sock, b"a" * 8192)
            assert UNREAD_BYTES < sent < UNREAD_BYTES + (4 << 20), "what the kernels' buffers hold comes on top"
        assert fast.readers() == 0


async def test_a_body_that_does_not_come_after_the_answer_ends_the_connection(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        fast.server.config.timeout_keep_alive = 0  # seconds
        sock = fast.raw()
        await send(sock, b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await read_all(sock)
        assert answer.count(b"HTTP/1.1 ") == 1
        sock.close()


def pages(fast: Fast, count: int) -> bytes:
    """Requests for a page of the discussion; the connection is to be closed after the last."""
    page = f"GET /api/articles/{fast.article}/thread?limit=100 HTTP/1.1\r\nHost: x\r\n".encode()
    return (page + b"\r\n") * (count - 1) + page + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(("comments", "requests"), [(30, 15), (3, 1)], ids=["much", "the rest of a closing one"])
async def test_an_answer_that_is_not_taken_is_cut_off(
    tmp_path: Path, comments: int, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.serving.KERNEL_BUFFER", 4096)
    async with fast_server(tmp_path) as fast:
        await asyncio.gather(*(fast.post("Much to read. " * 600) for _ in range(comments)))
        sock = fast.raw()
        await send(sock, pages(fast, requests))
        await until(lambda: files(fast, sock))
        server, (end,) = http(fast, sock), files(fast, sock)
        await until(lambda: end.fileno() == -1)
        assert fast.app.state.ripost.metrics._aborts["stalled"] == 1
        assert server not in fast.connections
        sock.close()


async def test_a_slow_reader_of_an_answer_gets_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a stall may last, but never without taking some."""
    monkeypatch.setattr("server.serving.KERNEL_BUFFER", 4096)
    async with fast_server(tmp_path, second=0.05) as fast:
        await asyncio.gather(*(fast.post("Much to read. " * 600) for _ in range(30)))
        sock = fast.raw()
        await send(sock, pages(fast, 2))
        taken, loop = b"", asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(30):
            while more := await loop.sock_recv(sock, 4096):
                taken += more
                await asyncio.sleep(0.01)
        whole = taken.index(b"HTTP/1.1 200 ", 1)
        assert len(taken) == 2 * whole + len(b"connection: close\r\n")
        assert loop.time() - began > 2 * 1.5 * STALL_TIMEOUT * 0.05
        assert fast.app.state.ripost.metrics._aborts["stalled"] == 0
        sock.close()


async def test_empty_lines_do_not_keep_an_idle_connection(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        fast.server.config.timeout_keep_alive = 1
        sock = fast.raw()
        await send(sock, GET)
        await read_until(sock, b"HTTP/1.1 200 ")
        (end,) = files(fast, sock)
        await send(sock, b"\r\n")
        await until(lambda: end.fileno() == -1, 5)
        sock.close()


async def test_a_connection_that_goes_on_in_time_is_kept(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        fast.server.config.timeout_keep_alive = 1
        sock = fast.raw()
        for number in range(4):
            await send(sock, b"\r\n" * number + GET)
            await read_until(sock, b"HTTP/1.1 200 ")
            await asyncio.sleep(0.4)
        sock.close()


UPGRADE = "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


async def test_an_upgrade_that_is_not_known_is_ignored(tmp_path: Path) -> None:
    """curl --http2 and Java's HttpClient ask for h2c with their first request, whatever it is."""
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        await send(sock, GET[:-2] + UPGRADE.encode() + b"\r\n" + GET)
        answer = await read_until(sock, b"HTTP/1.1 200 ", 2)
        assert answer.count(b"HTTP/1.1 ") == 2
        for number, (kind, cut) in enumerate((kind, cut) for kind in ("length", "chunks") for cut in (0, 20, 400)):
            text = json.dumps({"client_id": str(uuid.uuid4()), "text": f"Number {number}.", "name": "Ada"}).encode()
            head = POST.format(article=fast.article) + UPGRADE
            if kind == "length":
                request = f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text
            else:
                request = (
                    f"{head}Transfer-Encoding: chunked\r\n\r\n{len(text):x}\r\n".encode() + text + b"\r\n0\r\n\r\n"
                )
            await send(sock, request[:cut])
            await asyncio.sleep(0.02)
            await send(sock, request[cut:] + GET)
            answer = await read_until(sock, b"HTTP/1.1 ", 2)
            assert answer.startswith(b"HTTP/1.1 201 ") and b"HTTP/1.1 200 " in answer
        page = (await fast.http.get(f"/api/articles/{fast.article}/thread")).json()
        assert page["seq"] == 6, "each was posted once"
        await send(sock, b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_all(sock)).startswith(b"HTTP/1.1 400 ")
        sock.close()


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
@pytest.mark.parametrize("together", [True, False])
async def test_no_upgrade_while_another_request_is_answered(tmp_path: Path, accept: str, together: bool) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        asked = STREAM.format(article=fast.article).replace("text/event-stream", accept).encode()
        upgrade = HANDSHAKE.format(port=fast.port, more="").encode()
        await send(sock, asked + upgrade if together else asked)
        if not together:
            await until(lambda: fast.readers() == 1)
            await send(sock, upgrade)
        async with asyncio.timeout(5):
            assert b" 101 " not in await read_all(sock)
        sock.close()
        await until(lambda: not fast.app.state.ripost.connections.open and not fast.readers())
        assert not fast.app.state.door._links


async def test_a_request_that_others_wait_for_hears_that_nobody_is_there_any_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        await send(sock, STREAM.format(article=fast.article).encode() + GET * 3)
        await until(lambda: fast.readers() == 1)
        sock.close()
        while fast.readers():  # what is written is what finds it out
            await fast.post()
        await until(lambda: not fast.app.state.ripost.connections.open)
    assert not caplog.records


@pytest.mark.parametrize("change", [("GET ", "POST "), ("HTTP/1.1", "HTTP/1.0")], ids=lambda change: change[1])
async def test_a_websocket_begins_with_get_and_http_1_1(tmp_path: Path, change: tuple[str, str]) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        await send(sock, HANDSHAKE.format(port=fast.port, more="").replace(*change).encode())
        async with asyncio.timeout(5):
            assert (await read_all(sock)).startswith(b"HTTP/1.1 400 ")
        sock.close()


async def test_a_late_request_is_not_told_so_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        for begun in (b"GET /", GET[:-2]):
            sock = fast.raw()
            await send(sock, STREAM.format(article=fast.article).encode())
            await read_until(sock, b"event: subscribed")
            await send(sock, begun)
            async with asyncio.timeout(5):
                assert b"408" not in await read_all(sock)
            sock.close()
            await until(lambda: not fast.readers())


async def test_a_late_body_is_not_told_so_after_its_answer(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        sock = fast.raw()
        await send(sock, (POST.format(article=fast.article) + "Content-Length: 100000\r\n\r\n{").encode())
        async with asyncio.timeout(10):
            answer = await read_all(sock)
        assert answer.startswith(b"HTTP/1.1 413 ") and answer.count(b"HTTP/1.1 ") == 1
        sock.close()


async def test_streams_are_asked_back_at_different_times_when_the_server_stops(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        socks = [fast.raw() for _ in range(30)]
        for sock in socks:
            await send(sock, STREAM.format(article=fast.article).encode())
            await read_until(sock, b"event: subscribed")
        fast.server.should_exit = True
        hints: set[Any] = set()
        for sock in socks:
            async with asyncio.timeout(5):
                found = re.search(rb"\nretry: (\d+)\n\n", await read_all(sock))
            assert found is not None and 1000 <= int(found[1]) <= 11_000
            hints.add(found[1])
            sock.close()
        assert len(hints) > 10


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
async def test_head_of_the_events_is_answered_at_once_and_the_connection_goes_on(tmp_path: Path, accept: str) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = fast.raw()
        asked = STREAM.format(article=fast.article).replace("GET", "HEAD").replace("text/event-stream", accept)
        await send(sock, asked.encode())
        head = (await read_until(sock, b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200 ") and head.endswith(b"\r\n\r\n")
        kind = b"text/event-stream" if accept != "*/*" else b"application/json"
        assert b"content-type: " + kind in head and b"cache-control: no-store" in head and b"content-length" not in head
        assert fast.readers() == 0 and fast.app.state.ripost.connections.open == 0
        await send(sock, asked.replace(f"/{fast.article}/", "/999/").encode() + GET)
        answer = await read_until(sock, b"HTTP/1.1 ", 2)
        assert answer.startswith(b"HTTP/1.1 404 ") and b"HTTP/1.1 200 " in answer
        sock.close()


async def asked(sock: socket.socket) -> bytes:
    """What a connection is answered; empty if it is dropped."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(sock, GET)
        return await loop.sock_recv(sock, 4096)
    except ConnectionError:
        return b""


async def test_one_address_does_not_hold_every_connection(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1, forwarded_allow_ips="", max_connections_per_address=2) as fast:
        held = [fast.raw() for _ in range(8)]
        await until(lambda: len(fast.connections) == 8)
        assert await asked(fast.raw()) == b"", "the ninth"
        assert (await asked(held[0])).startswith(b"HTTP/1.1 200")
        assert fast.app.state.ripost.metrics._aborts["too_many"] == 1
        held.pop().close()
        await until(lambda: len(fast.connections) == 7)
        stream = await shake_hands(fast)  # which is no plain connection any more
        held.append(fast.raw())
        assert (await asked(held[-1])).startswith(b"HTTP/1.1 200")
        for sock in (*held, stream):
            sock.close()
        await until(lambda: not fast.connections)
        assert fast.app.state.callers._held == {}


async def test_a_trusted_proxy_holds_as_many_connections_as_it_needs(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1, max_connections_per_address=2) as fast:
        held = [fast.raw() for _ in range(12)]
        for sock in held:
            assert (await asked(sock)).startswith(b"HTTP/1.1 200")
            sock.close()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("203.0.113.7", "203.0.113.8", False),
    ],
)
def test_addresses_count_by_network(one: str, other: str, same: bool) -> None:
    callers = Callers(1)
    assert callers.come(one) is not None
    assert (callers.come(other) is None) is same
