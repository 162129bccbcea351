"""The servers that are measured: how each is started on its core, joined, published to, and what it uses.

Ripost runs as an operator runs it (`ripost serve`, SQLite on disk, everything durable); of its settings only the rate
limits and the connection caps are off. A peer is a program of tests/bench/peers/ with a configuration of its own.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.loop import Loop
from tests.bench.posters import Posted, Posters, http, status_of
from tests.bench.tape import Tape, masked
from tests.support.processes import Child
from tests.support.server import RipostServer

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "tests" / "artifacts" / "bench"  # on the checkout's disk: /tmp may be memory, where fsync is free
ORIGIN = "http://bench.example"
TEXT = (
    "I read the whole report twice, and what strikes me is how little of it was known to those who voted in spring. "
    "Number {}: does anybody have the figures of the year before?"
)
_SEQ_BITS = 40  # an event of a channel as one number: channel << 40 | seq
_KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Processes started meanwhile run on this core (None: on any)."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True)
class Usage:
    """What a server has used: processor seconds (user and system), and resident bytes now."""

    cpu: float
    memory: int


_KERNEL_THREAD = 0x00200000  # PF_KTHREAD in include/linux/sched.h


def usage(pid: int) -> Usage:
    """What the process, all its threads together, and its children (nginx's worker) have used."""
    ticks = pages = 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (str(pid), *children):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        pages += int(fields[21])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def kernel_cpu() -> float:
    """Seconds of CPU that the kernel's own threads have used, for all programs; 0 where they cannot be seen."""
    ticks = 0
    for one in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = one.read_text().rpartition(")")[2].split()
            ticks += (int(fields[11]) + int(fields[12])) if int(fields[6]) & _KERNEL_THREAD else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def open_files(pid: int) -> int:
    """How many files and sockets the process has open. Asks the kernel once, which takes little of the generator's
    time: to ask of each of 1,000 what it is would delay what is being measured."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def upgrade(path: str, *, deflate: bool) -> bytes:
    """The request of a handshake, with the extension as Chromium offers it."""
    headers = ["Upgrade: websocket", "Connection: Upgrade", _KEY, "Sec-WebSocket-Version: 13"]
    if deflate:
        headers.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return http("GET", path, headers=headers)


class Comments:
    """The exchange that posts real comments: every third is a reply; each connection is one guest, by its token.

    With `strangers` each comment is the first of a new guest.
    """

    def __init__(self, articles: Sequence[int], *, strangers: bool = False, text: str = TEXT) -> None:
        self._articles = articles
        self._strangers = strangers
        self._text = text
        self._tokens: dict[int, str] = {}
        self._parents: dict[int, list[int]] = {}
        self._random = random.Random(4)
        self._ids = uuid.uuid4().hex[:20]

    def request(self, number: int, connection: int) -> bytes:
        """See posters.Exchange."""
        article = self._articles[number % len(self._articles)]
        ids = self._ids
        comment: dict[str, object] = {
            "client_id": f"{ids[:8]}-{ids[8:12]}-4{ids[12:15]}-8{ids[15:18]}-{number:012x}",
            "text": self._text.format(number),
        }
        if number % 3 == 2 and (parents := self._parents.get(article)):
            comment["parent"] = self._random.choice(parents)
        headers = []
        if token := self._tokens.get(connection):
            headers.append(f"Authorization: Bearer {token}")
        else:
            comment["name"] = f"Reader {number}"
        return http("POST", f"/api/articles/{article}/comments", json.dumps(comment).encode(), headers)

    def answered(self, number: int, connection: int, answer: bytes) -> int | None:
        """See posters.Exchange."""
        if status_of(answer) not in (200, 201):
            raise ValueError(f"a comment was refused: {answer[-300:]!r}")
        article = self._articles[number % len(self._articles)]
        seq = _number(answer, b'"seq":')
        if number % 3 == 0:
            parents = self._parents.setdefault(article, [])
            parents.append(_number(answer, b'"comment":{"id":'))
            del parents[:-64]
        if not self._strangers and connection not in self._tokens:
            start = answer.find(b'"token":"')
            if start >= 0:
                self._tokens[connection] = answer[start + 9 : answer.index(b'"', start + 9)].decode()
        return article << _SEQ_BITS | seq


class Requests:
    """The exchange that asks for the same page again and again."""

    def __init__(self, path: str, headers: Sequence[str] = ("Accept-Encoding: gzip",)) -> None:
        self._request = http("GET", path, headers=headers)

    def request(self, number: int, connection: int) -> bytes:
        """See posters.Exchange."""
        return self._request

    def answered(self, number: int, connection: int, answer: bytes) -> int | None:
        """See posters.Exchange."""
        if status_of(answer) != 200:
            raise ValueError(f"refused: {answer[:300]!r}")
        return None


class Ripost:
    """A Ripost of its own, with articles at addresses that are made as they are asked for."""

    name = "Ripost"

    def __init__(self, core: int | None, folder: Path | None = None, **settings: str) -> None:
        folder = folder or scratch("ripost")
        unlimited = {"RATE_LIMITS": "off", "MAX_CONNECTIONS": "1000000", "MAX_CONNECTIONS_PER_ADDRESS": "1000000"}
        allowed = {"ALLOWED_ORIGINS": ORIGIN, "LOG_LEVEL": "warning"}
        server = RipostServer(folder, unlimited | allowed | settings)
        with on_core(core):
            server.start(seconds=120)
        self._take(server)

    @classmethod
    def around(cls, server: RipostServer) -> "Ripost":
        """One that runs already; who started it stops it."""
        made = cls.__new__(cls)
        made._take(server)
        return made

    def _take(self, server: RipostServer) -> None:
        self._server = server
        self.folder = server.folder
        self.port = server.port

    @property
    def pid(self) -> int:
        """The process."""
        return self._server.pid

    @property
    def log(self) -> str:
        """What it has written."""
        return self._server.log

    def upgrade(self, channel: int, *, deflate: bool) -> bytes:
        """See readers.Live."""
        return upgrade("/live", deflate=deflate)

    def subscribe(self, channel: int, epoch: str, since: int | None) -> bytes | None:
        """See readers.Live."""
        position = "" if since is None else f',"epoch":"{epoch}","since":{since}'
        return masked(f'{{"type":"subscribe","article":{channel}{position}}}'.encode())

    def tape(self) -> Tape:
        """A tape that holds Ripost to its promise."""
        return Tape(consecutive=True)

    def exchange(self, channels: Sequence[int]) -> Comments:
        """What publishes to these channels: comments."""
        return Comments(channels)

    def articles(self, loop: Loop, count: int) -> list[int]:
        """Articles, made by being resolved."""
        resolving = _Resolving(count)
        posters = Posters(loop, self.port, 4)
        made = posters.closed_loop(resolving, 60, most=count)
        posters.close()
        if made.failures or len(resolving.found) != count:
            raise RuntimeError(f"articles could not be made: {made.failures[:1]}")
        return resolving.found

    def metrics(self, loop: Loop) -> dict[str, float]:
        """What /metrics says, by the names of its series, labels included."""
        exchange = _Metrics()
        posters = Posters(loop, self.port, 1)
        posters.closed_loop(exchange, 10, most=1)
        posters.close()
        return exchange.values

    def database_bytes(self) -> int:
        """The database on disk, with its write-ahead log."""
        return sum(file.stat().st_size for file in self.folder.glob("ripost.db*") if "lock" not in file.name)

    def close(self) -> None:
        """Stops it."""
        with contextlib.suppress(AssertionError):
            self._server.stop()
        self._server.kill()


class _Resolving:
    def __init__(self, count: int) -> None:
        self.found: list[int] = []
        self._salt = uuid.uuid4().hex[:8]

    def request(self, number: int, connection: int) -> bytes:
        body = json.dumps({"url": f"{ORIGIN}/{self._salt}/{number}", "title": f"Article {number}"}).encode()
        return http("POST", "/api/articles/resolve", body)

    def answered(self, number: int, connection: int, answer: bytes) -> int | None:
        if status_of(answer) != 200:
            raise ValueError(f"not resolved: {answer[-300:]!r}")
        self.found.append(_number(answer, b'"id":'))
        return None


class _Metrics:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def request(self, number: int, connection: int) -> bytes:
        return http("GET", "/metrics")

    def answered(self, number: int, connection: int, answer: bytes) -> int | None:
        for line in answer.decode().split("\r\n\r\n", 1)[-1].splitlines():
            name, _, value = line.rpartition(" ")
            if name and not name.startswith("#"):
                with contextlib.suppress(ValueError):
                    self.values[name] = float(value)
        return None


class Peer:
    """A peer's process. Its one channel is `/live`; what is POSTed to `/publish` goes to all who read it."""

    def __init__(self, name: str, command: Sequence[str], core: int | None, port: int, env: Mapping[str, str]) -> None:
        self.name = name
        with on_core(core):
            self._child = Child(command, env={**os.environ, **env}, cwd=SCRATCH)
        try:
            self.port = port or int(self._child.wait_for(r"listening on (\d+)", seconds=30)[1])
            _wait_until_open(self.port)
        except AssertionError:
            self._child.kill()
            raise

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid

    def upgrade(self, channel: int, *, deflate: bool) -> bytes:
        """See readers.Live."""
        return upgrade("/live", deflate=deflate)

    def subscribe(self, channel: int, epoch: str, since: int | None) -> bytes | None:
        """Nothing: the connection is the subscription."""
        return None

    def tape(self) -> Tape:
        """A tape in whatever order the first reader got."""
        return Tape(consecutive=False)

    def articles(self, loop: Loop, count: int) -> list[int]:
        """The one channel."""
        return [0] * count

    def exchange(self, channels: Sequence[int]) -> "Publishing":
        """What publishes: events of Ripost's size."""
        return Publishing()

    def close(self) -> None:
        """Ends it, with its children."""
        self._child.signal(signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            self._child.wait(seconds=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)  # it leads a session of its own


class Publishing:
    """The exchange that publishes ready-made events, of the size and form that Ripost's have."""

    def __init__(self) -> None:
        event = {
            "type": "comment.posted", "article": 1, "epoch": "5d41402abc4b", "seq": 987654321, "at": "2026-11-02T09:30:00.000000Z",
            "comment": {
                "id": 987654321, "article": 1, "parent": None, "depth": 0, "ref": "0123456789abcdef",
                "author": {"id": 32, "name": "Reader 32", "role": "guest", "avatar": None},
                "tree": [["p", TEXT.format(987654321)]], "created_at": "2026-11-02T09:30:00.000000Z", "dated": True,
                "edited_at": None, "status": "visible", "up": 0, "down": 0, "replies": 0, "pinned": False,
            },
            "comment_count": 987654321, "parent_replies": None,
        }  # fmt: skip
        self._event = json.dumps(event, separators=(",", ":"))

    def request(self, number: int, connection: int) -> bytes:
        """See posters.Exchange."""
        return http("POST", "/publish", self._event.replace("987654321", str(number + 1)).encode())

    def answered(self, number: int, connection: int, answer: bytes) -> int | None:
        """See posters.Exchange."""
        if not 200 <= status_of(answer) < 300:
            raise ValueError(f"not published: {answer[:200]!r}")
        return number + 1


Server = Ripost | Peer


def began_on(posted: Posted, channel: int) -> dict[int, float]:
    """When each event of a channel began, by its seq."""
    mask = (1 << _SEQ_BITS) - 1
    return {event & mask: moment for event, moment in posted.began.items() if event >> _SEQ_BITS == channel}


def _wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.05)


def scratch(name: str) -> Path:
    """An empty folder for a server of this name."""
    folder = SCRATCH / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _number(text: bytes, before: bytes) -> int:
    start = text.find(before)
    if start < 0:
        raise ValueError(f"no {before!r} in {text[:300]!r}")
    start += len(before)
    end = start
    while 48 <= text[end] <= 57:
        end += 1
    return int(text[start:end])
