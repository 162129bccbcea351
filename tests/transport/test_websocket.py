"""The slim protocol: frames for all, back-pressure, pings, odd frames, and an end that is never 1006 by our doing."""

import asyncio
import contextlib
import json
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server import auth
from server.sessions import KEPT_SECONDS
from server.storage import people
from server.transport.inbox import MOST_FRAGMENTS
from server.transport.websocket import FRAMES_BURST, LiveProtocol
from tests.transport.server import HANDSHAKE, Fast, fast_server, masked, shake_hands, until


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


def slim(fast: Fast) -> Any:
    """The server's side of the only open WebSocket."""
    (found,) = (one for one in fast.connections if isinstance(one, LiveProtocol))
    return found


PING = masked(b'{"type":"ping"}')
LONG_PING = masked(b'{"type":"ping"}' + b" " * 500)


async def in_segments(fast: Fast, sock: socket.socket, segments: list[bytes]) -> None:
    """Sends each so that the server reads it before the next one: TCP would join what is sent soon after another."""
    server = slim(fast)
    for segment in segments:
        before = 0 if server._inbox is None else len(server._inbox._pieces)
        await asyncio.get_running_loop().sock_sendall(sock, segment)
        await until(lambda: server._inbox is None or len(server._inbox._pieces) != before)  # noqa: B023


async def pongs(sock: socket.socket, count: int) -> bytes:
    """What comes until so many pings are answered."""
    answer = b""
    async with asyncio.timeout(5):
        while answer.count(b'{"type":"pong"}') < count:
            more = await asyncio.get_running_loop().sock_recv(sock, 4096)
            assert more and b"\x88" not in answer, answer
            answer += more
    return answer


@pytest.mark.parametrize(
    "extension", ["", "Sec-WebSocket-Extensions: permessage-deflate\r\n"], ids=["plain", "deflate"]
)
async def test_a_frame_may_be_cut_anywhere(tmp_path: Path, extension: str) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        for frame in (PING, LONG_PING):
            for cut in range(1, 10):
                sock = await shake_hands(fast, extension)
                await in_segments(fast, sock, [frame[:cut], frame[cut:]])
                await pongs(sock, 1)
                assert slim(fast)._inbox is None, "nothing is remembered between messages"
                sock.close()
                await until(lambda: not fast.app.state.door._links)


async def test_frames_byte_by_byte_are_read(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = await shake_hands(fast)
        await in_segments(fast, sock, [bytes((byte,)) for byte in PING + PING])
        await pongs(sock, 2)
        sock.close()


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 6, 8, 12])
async def test_the_second_of_two_frames_may_be_cut(tmp_path: Path, cut: int) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = await shake_hands(fast)
        await in_segments(fast, sock, [PING + LONG_PING[:cut], LONG_PING[cut:]])
        await pongs(sock, 2)
        sock.close()


async def test_fragments_are_joined_whatever_comes_between_them_and_wherever_they_are_cut(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = await shake_hands(fast)
        parts = (
            masked(b'{"type"', 1) + masked(b"zz", 0x89) + masked(b':"pi', 0) + masked(b"", 0x8A) + masked(b'ng"}', 0x80)
        )
        for cut in range(len(parts)):
            await in_segments(fast, sock, [parts[:cut], parts[cut:]] if cut else [parts])
            assert b"\x8a\x02zz" in await pongs(sock, 1)
        sock.close()


async def test_the_first_frame_may_come_with_the_handshake(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        for frame in (PING, LONG_PING * 3):
            sock = fast.raw()
            await asyncio.get_running_loop().sock_sendall(
                sock, HANDSHAKE.format(port=fast.port, more="").encode() + frame
            )
            await pongs(sock, frame.count(b"ping"))
            sock.close()


FLOODS = {
    "pings": masked(b"", 0x89),
    "pongs": masked(b"", 0x8A),
    "long pings": masked(b"x" * 125, 0x89),
    "empty continuations": masked(b"", 0),
    "texts": PING,
    "nonsense": masked(b"x"),
    "binary": masked(b"x", 0x82),
}


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("reads", [True, False], ids=["reading", "deaf"])
async def test_a_flood_of_frames_of_any_kind_is_cut_off(tmp_path: Path, kind: str, reads: bool) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        if kind == "empty continuations":
            await loop.sock_sendall(sock, masked(b"", 1))
        reading = asyncio.create_task(_read_all(sock)) if reads else None
        async with asyncio.timeout(5):
            with contextlib.suppress(OSError):
                while True:
                    await loop.sock_sendall(sock, FLOODS[kind] * 1000)
                    await asyncio.sleep(0)
        await until(lambda: not fast.app.state.door._links)
        assert fast.app.state.ripost.metrics._aborts["protocol"] >= 1
        if reading is not None:
            await reading
        sock.close()


async def _read_all(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while await asyncio.get_running_loop().sock_recv(sock, 1 << 16):
            pass


async def test_a_pong_flood_in_single_segments_is_cut_off(tmp_path: Path) -> None:
    """Each comes alone, as whole small frames do: the way that has no inbox counts, too."""
    async with fast_server(tmp_path, second=1) as fast:
        sock = await shake_hands(fast)
        server, count = slim(fast), 0
        while server.peer is not None:
            server.data_received(masked(b"", 0x8A))
            count += 1
            await asyncio.sleep(0)
        assert FRAMES_BURST <= count < 2 * FRAMES_BURST
        sock.close()


async def test_as_many_pings_as_anybody_may_need_are_answered(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = await shake_hands(fast)
        await asyncio.get_running_loop().sock_sendall(sock, masked(b"zz", 0x89) * (FRAMES_BURST - 10))
        answer = b""
        async with asyncio.timeout(5):
            while answer.count(b"\x8a\x02zz") < FRAMES_BURST - 10:
                answer += await asyncio.get_running_loop().sock_recv(sock, 1 << 16)
        sock.close()


async def test_one_who_does_not_read_is_written_no_pongs(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        await loop.sock_sendall(sock, masked(subscribe(fast.article).encode()))
        await until(lambda: fast.readers() == 1)
        server = slim(fast)
        while not server._paused:
            await asyncio.gather(*(fast.post("Much to read. " * 600) for _ in range(20)))
        waiting = server.transport.get_write_buffer_size()
        paid = server._paid_until
        await loop.sock_sendall(sock, masked(b"x" * 125, 0x89) * 200)
        await until(lambda: server._paid_until > paid and server._inbox is None)
        assert server.transport.get_write_buffer_size() <= waiting
        sock.close()


async def test_too_many_fragments_are_too_much(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock = await shake_hands(fast)
        await asyncio.get_running_loop().sock_sendall(sock, masked(b"", 1) + masked(b" ", 0) * MOST_FRAGMENTS)
        answer = await asyncio.get_running_loop().sock_recv(sock, 4096)
        assert (answer[0], int.from_bytes(answer[2:4], "big")) == (0x88, 1009)
        sock.close()


async def test_after_our_close_only_the_other_sides_is_read(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        loop = asyncio.get_running_loop()
        sock = await shake_hands(fast)
        server = slim(fast)
        await loop.sock_sendall(sock, masked(b"binary", 0x82) + PING + LONG_PING + masked(b"zz", 0x89))
        answer = await loop.sock_recv(sock, 4096)
        assert (answer[0], int.from_bytes(answer[2:4], "big")) == (0x88, 4503)
        await loop.sock_sendall(sock, PING * 5)
        await asyncio.wait_for(loop.sock_sendall(sock, masked(answer[2:4], 0x88)), 1)
        started = loop.time()
        assert await loop.sock_recv(sock, 4096) == b"", "nothing was answered, and the end did not wait for its time"
        assert loop.time() - started < 1 and server.peer is None
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


async def test_a_right_that_another_process_has_ended_is_noticed_by_a_heartbeat(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast, connect(fast.url) as socket:
        token = await fast.post("Mine.")
        await socket.send(json.dumps({"type": "subscribe", "channel": "me", "token": token}))
        assert json.loads(await socket.recv())["type"] == "subscribed"
        # Not by the server's own sign-out: it does not hear of it.
        await fast.app.state.ripost.database.write(lambda tx: people.end_session(tx, auth.token_hash(token)))
        async with asyncio.timeout(KEPT_SECONDS + 10):
            while (frame := json.loads(await socket.recv()))["type"] == "head":
                pass
        assert (frame["type"], frame["channel"]) == ("unsubscribed", "me")


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
