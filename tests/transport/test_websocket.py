"""The slim protocol: frames for all, back-pressure, pings, odd frames, and an end that is never 1006 by our doing."""

import asyncio
import json
import zlib
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.transport.server import Fast, fast_server, masked, shake_hands, until


def subscribe(article: int) -> str:
    return json.dumps({"type": "subscribe", "article": article})


async def test_a_reader_gets_every_event_as_it_was_stored(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast, connect(fast.url, compression=None) as socket:
        await socket.send(subscribe(fast.article))
        assert json.loads(await socket.recv())["type"] == "subscribed"
        for number in range(1, 30):
            await fast.post(f"Number {number}")
            frame = json.loads(await socket.recv())
            while frame["type"] == "head":
                frame = json.loads(await socket.recv())
            assert frame["seq"] == number


async def test_compressed_frames_are_deflated_once_for_everyone(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        readers = [await shake_hands(fast, "Sec-WebSocket-Extensions: permessage-deflate\r\n") for _ in range(3)]
        loop = asyncio.get_running_loop()
        for reader in readers:
            await loop.sock_sendall(reader, masked(subscribe(fast.article).encode()))
        await until(lambda: fast.readers() == 3)
        await fast.post("A long text about the harbour. " * 30)
        received = []
        for reader in readers:
            data = b""
            while True:
                data += await loop.sock_recv(reader, 65536)
                place = data.find(b"\xc1\x7e")
                if place >= 0 and len(data) >= place + 4 + int.from_bytes(data[place + 2 : place + 4], "big"):
                    break
            received.append(data[place:])
            reader.close()
        assert received[0] == received[1] == received[2]
        length = int.from_bytes(received[0][2:4], "big")
        text = zlib.decompressobj(wbits=-15).decompress(received[0][4 : 4 + length] + b"\0\0\xff\xff")
        assert json.loads(text)["type"] == "comment.posted"
        assert length < len(text) // 2


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_in_pieces_and_fragments_are_read(tmp_path: Path, compression: str | None) -> None:
    async with fast_server(tmp_path) as fast, connect(fast.url, compression=compression) as socket:
        await socket.send(['{"type":', ' "ping"', "}"])
        assert json.loads(await socket.recv()) == {"type": "pong"}
        for _ in range(3):
            await socket.send('{"type": "ping"}' + " " * 500)
            assert json.loads(await socket.recv()) == {"type": "pong"}
        assert await (await socket.ping(b"hello")) >= 0


async def test_a_frame_byte_by_byte_and_with_the_handshake_is_read(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        for byte in masked(b'{"type":"ping"}') + masked(b'{"type":"ping"}'):
            await loop.sock_sendall(sock, bytes((byte,)))
            await asyncio.sleep(0)
        answer = b""
        while answer.count(b"pong") < 2:
            answer += await loop.sock_recv(sock, 4096)
        sock.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (masked(b"x" * 16_385), 1009),
        (b"\x81\x05hello", 1002),  # not masked
        (masked(b"hello", 0xF1), 1002),  # reserved bits
        (masked(b"hello", 0x83), 1002),  # unknown opcode
        (masked(b"\xff\xfe"), 1007),
        (masked(b"more", 0x80), 1002),  # a continuation of nothing
        (masked(b"binary", 0x82), 4503),
    ],
)
async def test_hostile_frames_end_only_that_connection(tmp_path: Path, frame: bytes, code: int) -> None:
    async with fast_server(tmp_path) as fast, connect(fast.url) as other:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        await loop.sock_sendall(sock, frame)
        data = b""
        async with asyncio.timeout(5):
            while b"\x88" not in data:
                data += await loop.sock_recv(sock, 4096)
        place = data.index(b"\x88")
        assert int.from_bytes(data[place + 2 : place + 4], "big") == code
        sock.close()
        await until(lambda: len(fast.connections) <= 2)
        await other.send('{"type":"ping"}')
        assert json.loads(await other.recv()) == {"type": "pong"}


async def test_one_who_does_not_answer_pings_is_gone_soon(tmp_path: Path) -> None:
    """uvicorn keeps a silent peer until TCP gives up: it closes politely and waits for the buffer."""
    async with fast_server(tmp_path) as fast:
        sock = await shake_hands(fast)
        assert len(fast.app.state.door._links) == 1
        await until(lambda: not fast.app.state.door._links, 5)
        sock.close()


async def test_one_who_answers_pings_stays(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast, connect(fast.url) as socket:
        await socket.send(subscribe(fast.article))
        frames = [json.loads(await socket.recv()) for _ in range(4)]
        assert [frame["type"] for frame in frames] == ["subscribed", "head", "head", "head"]


async def test_one_who_stops_reading_is_sent_away_and_delays_nobody(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast, connect(fast.url, compression=None) as quick:
        slow = await shake_hands(fast)
        await asyncio.get_running_loop().sock_sendall(slow, masked(subscribe(fast.article).encode()))
        await quick.send(subscribe(fast.article))
        await until(lambda: fast.readers() == 2)
        await quick.recv()
        posting = asyncio.create_task(_post_much(fast))
        for number in range(1, 101):
            async with asyncio.timeout(10):
                frame = json.loads(await quick.recv())
                while frame["type"] == "head":
                    frame = json.loads(await quick.recv())
            assert frame["seq"] == number
        await posting
        await until(lambda: fast.readers() == 1)
        slow.close()


async def _post_much(fast: Fast) -> None:
    for _ in range(100):
        await fast.post("Much to read. " * 600)


async def test_one_who_pauses_and_goes_on_gets_everything_once(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        await loop.sock_sendall(sock, masked(subscribe(fast.article).encode()))
        await until(lambda: fast.readers() == 1)
        seqs: list[int] = []
        data = b""
        for turn in range(4):
            await asyncio.gather(*(fast.post(f"{turn} " + "Much to read. " * 300) for _ in range(60)))
            async with asyncio.timeout(10):
                while len(seqs) < (turn + 1) * 60:
                    more = await loop.sock_recv(sock, 1 << 20)
                    assert more, "sent away"
                    data = _take(data + more, seqs)
        assert seqs == list(range(1, 241))
        sock.close()


def _take(data: bytes, seqs: list[int]) -> bytes:
    """Reads whole server frames off the front; notes the seqs of events; what is left."""
    while len(data) >= 2:
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + size:
            break
        if data[0] == 0x81:
            frame = json.loads(data[start : start + size])
            if frame["type"] == "comment.posted":
                seqs.append(frame["seq"])
        data = data[start + size :]
    return data


async def test_the_server_stops_though_a_peer_closed_with_our_buffer_full(tmp_path: Path) -> None:
    """uvicorn raises InvalidState out of its shutdown then, and the lifespan never ends."""
    async with fast_server(tmp_path) as fast:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        await loop.sock_sendall(sock, masked(subscribe(fast.article).encode()))
        await until(lambda: fast.readers() == 1)
        await asyncio.gather(*(fast.post("Much to read. " * 600) for _ in range(100)))
        await loop.sock_sendall(sock, masked(b"\x03\xe8", 0x88))
        await asyncio.sleep(0)
    sock.close()


async def test_a_stop_tells_everyone_when_to_come_back(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sockets = [await connect(fast.url) for _ in range(30)]
        await sockets[0].send(subscribe(fast.article))
        await sockets[0].recv()
        fast.server.should_exit = True
        hints = set()
        for socket in sockets:
            frame = json.loads(await socket.recv())
            assert frame["type"] == "reconnect"
            hints.add(frame["in_ms"])
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 4002
        assert len(hints) > 10


async def test_open_sockets_do_not_make_http_answer_503(tmp_path: Path) -> None:
    async with fast_server(tmp_path, max_connections=5) as fast:
        sockets = [await connect(fast.url) for _ in range(5)]
        one_too_many = await connect(fast.url)
        assert json.loads(await one_too_many.recv())["problem"]["status"] == 429
        with pytest.raises(ConnectionClosed) as ended:
            await one_too_many.recv()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4502
        assert (await fast.http.get("/healthz")).status_code == 200
        for socket in sockets:
            await socket.close()
        await until(lambda: fast.app.state.ripost.connections.open == 0)


async def test_other_paths_and_foreign_pages_are_refused_at_the_handshake(tmp_path: Path) -> None:
    async with fast_server(tmp_path, allowed_origins=("https://news.example",)) as fast:
        for url, origin, status in (
            (fast.url.replace("/live", "/other"), None, 404),
            (fast.url, "https://evil.example", 403),
            (fast.url, "https://news.example.evil.example", 403),
            (fast.url, "null", 403),
        ):
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, origin=origin)  # type: ignore[arg-type]
            assert refused.value.response.status_code == status
            assert json.loads(refused.value.response.body or b"")["status"] == status
        async with connect(fast.url, origin="https://news.example"):  # type: ignore[arg-type]
            pass
