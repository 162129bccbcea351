"""The parts of the comparison: each puts servers under one kind of load and keeps what was measured.

A part starts servers of its own, is bounded in time, and can be run alone (`make bench ARGS="posts slow"`).
"""

from collections.abc import Callable
from functools import partial
from math import isnan
from statistics import median

from tests.bench import seeding
from tests.bench.delays import Delays, of_deliveries
from tests.bench.loop import clock, undisturbed
from tests.bench.measuring import Bench, Meter, Row, Stand
from tests.bench.posters import Exchange, Posted, Posters
from tests.bench.readers import Reader
from tests.bench.servers import Comments, Requests, Ripost, Server, began_on, open_files, scratch, usage

LONG_TEXT = "A comment as long as a letter to the editor, number {}. " + "So much for that; and another thing. " * 80
AT_ONCE = 64  # handshakes under way at any time
STALLED = 50
READS = (
    "page",
    "position",
    "log",
    "other",
)  # what a storm of readers could cost; tokens and regular checks are not theirs
AWAY_SECONDS = 10  # a reader that stopped is caught up or sent away by then


def _all_servers(bench: Bench) -> list[Callable[[int | None], Server]]:
    return [Ripost, *bench.peers.values()]


def fanout(bench: Bench) -> None:
    """Events to 2,000 readers: few of them, where CPU for each delivery counts, many, and more than anyone takes; to 4,000."""
    _calm(bench)
    loads = [(bench.readers(2000, 200), 500)]
    if not bench.quick:
        loads.append((bench.readers(4000, 400), 500))
        loads.append((bench.readers(2000, 200), 1500))  # three million deliveries a second are more than anyone manages
    for start in _all_servers(bench):
        for readers, rate in loads:
            with bench.stand(start) as stand:
                _fan_out(stand, "fanout", readers, rate, bench.scale(10, 2))


def _calm(bench: Bench) -> None:
    """20 events a second to 2,000 readers, three times in turns: what the machine does meanwhile changes the CPU of a
    delivery by half, and nobody's more than another's. Of each server the round with the median CPU is kept."""
    rounds: dict[str, list[Row]] = {}
    for _ in range(int(bench.scale(3, 1))):
        for start in _all_servers(bench):
            with bench.stand(start) as stand:
                row = _fanned_out(stand, bench.readers(2000, 200), 20, bench.scale(8, 2))
                rounds.setdefault(stand.server.name, []).append(row)
                bench.say(f"    a round: {stand.server.name} {row['cpu'] * 1e6:.2f} µs a delivery")
    for rows in rounds.values():
        rows.sort(key=lambda row: float(row["cpu"]))
        faulty = [row for row in rows if row["faults"] or row["delivered"] < row["expected"]]
        bench.add("fanout", faulty[0] if faulty else rows[len(rows) // 2])


def idle(bench: Bench) -> None:
    """10,000 readers come, sit, and are given 20 events a second."""
    count = bench.readers(10_000, 500)
    for start in _all_servers(bench):
        with bench.stand(start) as stand:
            channel, tape = stand.server.articles(stand.loop, 1)[0], stand.server.tape()
            stand.crowd.open([(channel, tape)] * 20)  # what a server sets up with its first readers is no reader's cost
            stand.settle()
            before, meter = usage(stand.server.pid), Meter(bench, stand.server.pid)
            seconds = stand.crowd.open([(channel, tape)] * count, at_once=AT_ONCE, seconds=120)
            meter.stop()
            stand.settle(1)
            bench.add(
                "idle",
                {
                    "server": stand.server.name,
                    "readers": count,
                    "handshakes": count / seconds,
                    "handshake_cpu": meter.cpu / count,
                    "memory": (usage(stand.server.pid).memory - before.memory) / count,
                    **meter.shares(),
                },
            )
            bench.add("fanout", stand.fan_out([channel], [tape], 20, bench.scale(8, 2)))


def deflate(bench: Bench) -> None:
    """The same to readers that negotiated permessage-deflate, as browsers do."""
    for rate in (20, 500):
        with bench.stand(Ripost) as stand:
            _fan_out(stand, "deflate", bench.readers(2000, 200), rate, bench.scale(8, 2), deflate=True)


def spread(bench: Bench) -> None:
    """2,000 readers over 200 articles, 500 comments a second over all of them."""
    articles = int(bench.scale(200, 20))
    with bench.stand(Ripost) as stand:
        channels = stand.ripost.articles(stand.loop, articles)
        tapes = [stand.server.tape() for _ in channels]
        places = list(zip(channels, tapes, strict=True)) * (bench.readers(2000, 200) // articles)
        stand.crowd.open(places, at_once=AT_ONCE)
        stand.settle()
        bench.add("spread", stand.fan_out(channels, tapes, 500, bench.scale(8, 2)) | {"articles": articles})


def _fan_out(stand: Stand, part: str, readers: int, rate: float, seconds: float, *, deflate: bool = False) -> None:
    stand.bench.add(part, _fanned_out(stand, readers, rate, seconds, deflate=deflate))


def _fanned_out(stand: Stand, readers: int, rate: float, seconds: float, *, deflate: bool = False) -> Row:
    channel, tape = stand.server.articles(stand.loop, 1)[0], stand.server.tape()
    stand.crowd.open([(channel, tape)] * readers, at_once=AT_ONCE, deflate=deflate)
    if deflate and not all(reader.deflated for reader in stand.crowd.readers):
        return {"server": stand.server.name, "offered": rate, "fault": "does not negotiate compression"}
    stand.settle()
    return stand.fan_out([channel], [tape], rate, seconds)


def posts(bench: Bench) -> None:
    """As many comments as are acknowledged over 32 connections, nobody reading; and what they take on disk."""
    for kind, strangers in (("people known by their token", False), ("a new guest each", True)):
        with bench.stand(Ripost) as stand:
            empty = stand.ripost.database_bytes()
            exchange = Comments(stand.ripost.articles(stand.loop, 1), strangers=strangers)
            warm = stand.posters.closed_loop(exchange, bench.scale(1, 0.3))
            row, posted = _closed_loop(stand, stand.posters, exchange, bench.scale(8, 1.5))
            server = stand.ripost
        # Stopped in order, the server has folded its log into the one file.
        size = (server.database_bytes() - empty) / (warm.answered + posted.answered)
        bench.add("posts", {"who": kind, **row, "database_bytes": size})


def _closed_loop(
    stand: Stand, posters: Posters, exchange: Exchange, seconds: float, most: int = 1 << 60
) -> tuple[Row, Posted]:
    with undisturbed():
        meter = Meter(stand.bench, stand.server.pid)
        posted = posters.closed_loop(exchange, seconds, most=most)
        meter.stop()
    if posted.failures:
        raise RuntimeError(posted.failures[0])
    row: Row = {
        "rate": posted.rate,
        "p50": posted.latency.p50,
        "p99": posted.latency.p99,
        "most": posted.latency.most,
        "cpu": meter.cpu / max(1, posted.answered),
        "answer_bytes": posted.answer_bytes / max(1, posted.answered),
        **meter.shares(),
    }
    return row, posted


def threads(bench: Bench) -> None:
    """The first page, and posting, as threads grow from 100 comments to 100,000."""
    small, middle, large = 100, int(bench.scale(10_000, 1000)), int(bench.scale(100_000, 3000))
    many = int(bench.scale(200, 20))  # articles of 100, so that posting to them leaves them small
    folder = scratch("threads")
    bench.say(f"    seeding {many} x {small}, {middle:,} and {large:,} comments")
    articles = seeding.threads(folder, [small] * many + [middle, large])
    with bench.stand(partial(Ripost, folder=folder)) as stand:
        for size, article in ((small, articles[0]), (middle, articles[-2]), (large, articles[-1])):
            bench.add("pages", {"comments": size, **_pages(stand, article)})
        sides = {small: Comments(articles[:many]), large: Comments(articles[-1:])}
        rounds: dict[int, list[Row]] = {small: [], large: []}
        for exchange in sides.values():
            _closed_loop(stand, stand.posters, exchange, 0.5)
        for _ in range(3):  # in turns, so that whatever else the machine does meets both
            for size, exchange in sides.items():
                rounds[size].append(_closed_loop(stand, stand.posters, exchange, bench.scale(3, 0.5))[0])
        for size, rows in rounds.items():
            best = min(rows, key=lambda row: float(row["cpu"]))
            bench.add("growth", {"comments": size, **best, "rate": max(row["rate"] for row in rows)})


def _pages(stand: Stand, article: int) -> Row:
    path = f"/api/articles/{article}/thread"
    one, some = Posters(stand.loop, stand.server.port, 1), Posters(stand.loop, stand.server.port, 16)
    fresh = Delays()
    for limit in range(21, 31):
        for sort in ("oldest", "newest", "top"):  # pages nobody has asked for yet
            posted = one.closed_loop(Requests(f"{path}?sort={sort}&limit={limit}"), 10, most=1)
            if posted.failures:
                raise RuntimeError(posted.failures[0])
            fresh.add(posted.latency.most)
    _closed_loop(stand, some, Requests(path), 0.3)
    cached, _ = _closed_loop(stand, some, Requests(path), stand.bench.scale(4, 0.5))
    one.close()
    some.close()
    return {
        "uncached_p50": fresh.p50,
        "uncached_most": fresh.most,
        "rate": cached["rate"],
        "p99": cached["p99"],
        "cpu": cached["cpu"],
        "answer_bytes": cached["answer_bytes"],
        "generator": cached["generator"],
        "others": cached["others"],
    }


def slow(bench: Bench) -> None:
    """1,000 readers, 50 of which stop reading: the others' delay before, meanwhile and after, and what becomes of the 50.

    Half of the 50 take up reading again after 4 s; the others never do. Three times, on a server of its own each: of some
    hundred comments the slowest four are the 99th percentile, and a disk that once takes its time is four of them. The
    delays are the medians of the three; times, memory and what was not sent away are those of the worst.
    """
    rounds = [_slow(bench) for _ in range(int(bench.scale(3, 1)))]
    grown = max(rounds, key=lambda row: float(row["memory_most"] - row["memory_before"]))
    ended = min(rounds, key=lambda row: int(row["resumed_caught_up"] + row["resumed_away"]))
    grown |= {name: ended[name] for name in ("resumed_caught_up", "resumed_away")}
    bench.add("slow", grown | {name: of([row[name] for row in rounds]) for name, of in _OF_ROUNDS.items()})


def _longest(seconds: list[float]) -> float:
    """The most; nan if one never ended."""
    return sum(seconds) if any(map(isnan, seconds)) else max(seconds)


_OF_ROUNDS: dict[str, Callable[[list[float]], float]] = {
    "p99_before": median, "p99_meanwhile": median, "p99_after": median, "resumed_seconds": _longest,
    "never_seconds": _longest, "never_away": min, "others": max, "generator": max, "fault": max,
}  # fmt: skip


def _slow(bench: Bench) -> Row:
    count, rate = bench.readers(1000, 200), 40
    stalled = min(STALLED, count // 4)
    with bench.stand(Ripost) as stand:
        article, tape, slow_tape = stand.ripost.articles(stand.loop, 1)[0], stand.server.tape(), stand.server.tape()
        stand.crowd.open([(article, tape)] * (count - stalled), at_once=AT_ONCE)
        readers = [Reader(stand.loop, stand.server, article, slow_tape, stand.crowd.changed) for _ in range(stalled)]
        for reader in readers:
            reader.receive_buffer = 4096
        stand.crowd.readers += readers
        stand.crowd.join(readers, at_once=AT_ONCE)
        exchange = Comments([article], text=LONG_TEXT)
        warm = stand.posters.closed_loop(exchange, 5, most=64)
        stand.settle()
        memory = [usage(stand.server.pid).memory]
        meter = Meter(bench, stand.server.pid)
        watched = _Stalled(stand, readers)  # watches all the time, so that what that costs meets all three alike
        before = _delays_of(stand, exchange, rate, bench.scale(8, 2), watched.tick)
        watched.stop()
        meanwhile = _delays_of(stand, exchange, rate, bench.scale(14, 13), watched.tick)
        after = _delays_of(stand, exchange, rate, bench.scale(8, 2), watched.tick)
        meter.stop()
        memory.append(usage(stand.server.pid).memory)
        resumed, never = readers[::2], readers[1::2]
        for reader in never:
            reader.go_on_reading()
        stand.loop.run(5, lambda: all(reader.closed_at for reader in never))
        row: Row = {
            "readers": count,
            "stalled": stalled,
            "offered": rate,
            "event_bytes": tape.payload_bytes / max(1, tape.head),
            "p99_before": before.p99,
            "p99_meanwhile": meanwhile.p99,
            "p99_after": after.p99,
            "resumed_caught_up": sum(reader in watched.level for reader in resumed),
            "resumed_away": sum(reader.closed_at > 0 for reader in resumed),
            "resumed_seconds": max(
                (watched.level[reader] for reader in resumed if reader in watched.level), default=0.0
            ),
            "resumed": len(resumed),
            "never": len(never),
            "never_away": sum(reader.closed_at > 0 for reader in never),
            "never_seconds": watched.away,
            "memory_before": memory[0],
            "memory_most": max([*memory, *watched.memory]),
            **meter.shares(),
            "fault": [*stand.crowd.faults, *warm.failures, ""][0],
        }
    delays = ", ".join(f"{name} {row[f'p99_{name}'] * 1e3:.1f} ms" for name in ("before", "meanwhile", "after"))
    bench.say(f"    a round: p99 {delays}; the last was sent away after {watched.away:.1f} s")
    return row


class _Stalled:
    """Stops readers and watches them: lets every second go on after 4 s, and notes when it has caught up."""

    GO_ON = 4.0

    def __init__(self, stand: Stand, readers: list[Reader]) -> None:
        self._stand = stand
        self._readers = readers
        self._fast = next(reader for reader in stand.crowd.readers if reader not in readers)
        self._wanted: int | None = None  # where the others were when those went on
        self.began: float | None = None  # when they stopped
        self.level: dict[Reader, float] = {}  # seconds from going on
        self.memory: list[int] = []
        self.away = float("nan")  # seconds until the server had let go of all that never went on
        self._open = open_files(stand.server.pid)

    def stop(self) -> None:
        """They stop reading."""
        self.began = clock()
        for reader in self._readers:
            reader.stop_reading()

    def tick(self) -> None:
        """Ten times a second."""
        self.memory.append(usage(self._stand.server.pid).memory)
        # The kernel still holds what they did not read, so they themselves learn of it only when they read on.
        closed = self._open - open_files(self._stand.server.pid)
        if self.began is None:
            return
        since = clock() - self.began
        gone = sum(reader.closed_at > 0 for reader in self._readers[::2])
        if self.away != self.away and closed >= len(self._readers[1::2]) + gone:
            self.away = since
        if since >= self.GO_ON and self._wanted is None:
            self._wanted = self._seq(self._fast)
            for reader in self._readers[::2]:
                reader.go_on_reading()
        elif self._wanted is not None:
            for reader in self._readers[::2]:
                if reader not in self.level and not reader.closed_at and self._seq(reader) >= self._wanted:
                    self.level[reader] = since - self.GO_ON

    def _seq(self, reader: Reader) -> int:
        assert reader.place is not None
        return reader.tape.base + reader.place.events


def _delays_of(
    stand: Stand, exchange: Comments, rate: float, seconds: float, tick: Callable[[], None] | None = None
) -> Delays:
    """The delays of the readers on the first reader's tape."""
    reader = stand.crowd.readers[0]
    tape = reader.tape
    del tape.when[:], tape.since[:], tape.until[:]

    def again() -> None:
        if tick is not None and clock() < ends:
            tick()
            stand.loop.at(clock() + 0.1, again)

    with undisturbed():
        ends = clock() + seconds + 1
        stand.loop.at(clock(), again)
        posted = stand.posters.at_rate(exchange, rate, seconds)
        stand.settle(1)
    return of_deliveries(tape, began_on(posted, reader.channel))


def storm(bench: Bench) -> None:
    """4,000 readers lose their connections and come back at once, from where they were, while comments go on."""
    count = bench.readers(4000, 300)
    with bench.stand(Ripost) as stand:
        article, tape = stand.ripost.articles(stand.loop, 1)[0], stand.server.tape()
        stand.crowd.open([(article, tape)] * count, at_once=AT_ONCE)
        exchange = Comments([article])
        stand.posters.closed_loop(exchange, 5, most=64)
        stand.settle()
        first = stand.ripost.metrics(stand.loop)
        stand.crowd.drop()
        missed = stand.posters.closed_loop(exchange, 5, most=20).answered
        stand.settle(0.3)
        with undisturbed():
            meter = Meter(bench, stand.server.pid)
            stand.posters.schedule(exchange, 20, 10)
            seconds = stand.crowd.join(stand.crowd.readers, at_once=count, seconds=30, caught_up=True)
            meter.stop()
            stand.posters.finish()
        stand.settle()
        last = stand.ripost.metrics(stand.loop)
        names = [f'ripost_database_reads_total{{purpose="{purpose}"}}' for purpose in READS]
        live = sorted(reader.live_at for reader in stand.crowd.readers)
        bench.add(
            "storm",
            {
                "readers": count,
                "missed": missed,
                "seconds": seconds,
                "median": live[len(live) // 2] - (live[-1] - seconds),
                "reads": sum(last[name] - first[name] for name in names),
                "cpu": meter.cpu / count,
                **meter.shares(),
                "fault": [*stand.crowd.faults, ""][0],
            },
        )


PARTS: dict[str, Callable[[Bench], None]] = {
    "fanout": fanout,
    "idle": idle,
    "posts": posts,
    "threads": threads,
    "spread": spread,
    "deflate": deflate,
    "slow": slow,
    "storm": storm,
}
