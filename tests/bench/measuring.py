"""What one measurement needs: a server and its generator side by side, and what was measured as plain values.

A `Bench` knows the cores, the scale and the peers; `Stand` is one server under load with its loop. Values are kept as
dictionaries so that a report can be made of them, and of nothing else.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.bench import provision
from tests.bench.delays import Delays, commits, of_deliveries
from tests.bench.loop import Loop, clock, undisturbed
from tests.bench.posters import Posted, Posters
from tests.bench.readers import Crowd
from tests.bench.servers import Peer, Ripost, Server, began_on, kernel_cpu, usage
from tests.bench.tape import Tape

Row = dict[str, Any]
DISTURBED = 0.1  # of a core, taken by others
DRAIN_SECONDS = 12  # after the last post, readers may still be given what is under way


@dataclass
class Bench:
    """One run of the whole comparison."""

    quick: bool = False
    server_core: int | None = None
    generator_core: int | None = None
    files: int = 1024
    peers: dict[str, Callable[[int | None], Peer]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)

    @classmethod
    def prepare(cls, *, quick: bool, peers: tuple[str, ...]) -> "Bench":
        """Raises the limit of open files, takes a core for the generator and one for the servers, finds the peers."""
        bench = cls(quick=quick, files=provision.open_files())
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            bench.server_core, bench.generator_core = cores[0], cores[1]
            os.sched_setaffinity(0, {cores[1]})
        bench.peers, bench.missing = provision.peers(peers)
        return bench

    def scale(self, full: float, quick: float) -> float:
        """A number of the full run, or of the quick one."""
        return quick if self.quick else full

    def readers(self, full: int, quick: int) -> int:
        """A number of readers, as far as open files allow."""
        return min(quick if self.quick else full, self.files - 500)

    def say(self, text: str) -> None:
        """Progress, for whoever watches."""
        print(text, file=sys.stderr, flush=True)

    def add(self, part: str, row: Row) -> None:
        """Keeps what was measured."""
        self.rows.setdefault(part, []).append(row)
        self.say("    " + ", ".join(f"{key} {_short(value)}" for key, value in row.items()))

    @contextlib.contextmanager
    def stand(self, start: Callable[[int | None], Server]) -> Iterator["Stand"]:
        """A server of its own with a loop of its own, both gone afterwards."""
        server = start(self.server_core)
        loop = Loop()
        try:
            yield Stand(self, server, loop)
        finally:
            loop.close()
            server.close()


class Stand:
    """One server under load."""

    def __init__(self, bench: Bench, server: Server, loop: Loop) -> None:
        self.bench = bench
        self.server = server
        self.loop = loop
        self.crowd = Crowd(loop, server)
        self._posters: Posters | None = None

    @property
    def ripost(self) -> Ripost:
        """The server, where only Ripost is measured."""
        assert isinstance(self.server, Ripost)
        return self.server

    @property
    def posters(self) -> Posters:
        """The 32 connections that publish."""
        if self._posters is None:
            self._posters = Posters(self.loop, self.server.port)
        return self._posters

    def settle(self, seconds: float = 0.5) -> None:
        """Lets what is under way end, so that it is not measured with what follows."""
        self.loop.run(seconds)

    def fan_out(self, channels: list[int], tapes: list[Tape], rate: float, seconds: float) -> Row:
        """Publishes at a rate to whoever reads; what the readers got of it."""
        exchange = self.server.exchange(channels)
        readers = [sum(reader.live and reader.tape is tape for reader in self.crowd.readers) for tape in tapes]
        # A guest's first post makes a person: that is over before the measurement begins.
        before = self._deliveries(tapes)
        warm = self.posters.closed_loop(exchange, 5, most=max(64, len(channels)))
        if warm.failures:
            raise RuntimeError(warm.failures[0])
        self._drain(tapes, before + _expected(warm, channels, readers))
        before = self._deliveries(tapes)
        for tape in tapes:
            del tape.when[:], tape.since[:], tape.until[:]
        with undisturbed():
            meter = Meter(self.bench, self.server.pid)
            offset = time.time() - clock()
            posted = self.posters.at_rate(exchange, rate, seconds)
            expected = _expected(posted, channels, readers)
            self._drain(tapes, before + expected)
            meter.stop()
        deliveries = self._deliveries(tapes) - before
        delays, since_commit = Delays(), Delays()
        for tape, channel in zip(tapes, channels, strict=True):
            starts = began_on(posted, channel)
            of_deliveries(tape, starts, delays)
            if tape.consecutive:
                at = commits(tape, offset)
                of_deliveries(tape, {key: at[key] for key in starts if key in at}, since_commit)
        ended = max((max(tape.when) for tape in tapes if tape.when), default=posted.first)
        heads = max(1, sum(tape.head for tape in tapes))
        return {
            "server": self.server.name,
            "readers": sum(readers),
            "offered": rate,
            "published": posted.answered / seconds,
            "expected": expected,
            "delivered": len(delays),
            "rate": deliveries / max(ended - posted.first, 1e-9),
            "p50": delays.p50,
            "p99": delays.p99,
            "most": delays.most,
            "commit_p50": since_commit.p50,
            "commit_p99": since_commit.p99,
            "post_p99": posted.latency.p99,
            "cpu": meter.cpu / deliveries if deliveries else float("nan"),
            "event_bytes": sum(tape.payload_bytes for tape in tapes) / heads,
            "wire_bytes": sum(len(tape.data) for tape in tapes) / heads,
            **meter.shares(),
            "faults": len(self.crowd.faults) + self.crowd.lost,
            "fault": [*self.crowd.faults, *posted.failures, ""][0],
        }

    def _deliveries(self, tapes: list[Tape]) -> int:
        return sum(tape.deliveries for tape in tapes)

    def _drain(self, tapes: list[Tape], wanted: int) -> bool:
        return self.loop.run(DRAIN_SECONDS, lambda: self._deliveries(tapes) >= wanted)


class Meter:
    """What a server, its core, the generator and its core did between the meter's making and `stop`."""

    def __init__(self, bench: Bench, pid: int) -> None:
        self._cores = (bench.server_core, bench.generator_core)
        self._pid = pid
        self._before = self._now()
        self.cpu = self.wall = self.generator = self.others = 0.0

    def stop(self) -> None:
        """Ends the measurement: seconds of processor time, and of the clock."""
        cpu, wall, generator, core, own_core, kernel = (
            now - before for now, before in zip(self._now(), self._before, strict=True)
        )
        self.cpu, self.wall, self.generator = cpu, wall, generator
        if self._cores[0] is not None:
            # The kernel's own threads write to disk what was committed: that is no other program.
            self.others = max(0.0, max(core - cpu, own_core - generator) - kernel)

    def shares(self) -> Row:
        """How busy the server and the generator were, and how much of either's core others took."""
        return {
            "busy": self.cpu / self.wall,
            "generator": self.generator / self.wall,
            "others": self.others / self.wall,
        }

    def _now(self) -> tuple[float, ...]:
        server, generator = self._cores
        return usage(self._pid).cpu, clock(), time.process_time(), _worked(server), _worked(generator), kernel_cpu()


def disturbed(row: Row) -> bool:
    """Whether other programs took enough of a core to make the figures of this row doubtful."""
    return float(row.get("others", 0.0)) > DISTURBED


def _expected(posted: Posted, channels: list[int], readers: list[int]) -> int:
    """Deliveries that acknowledged events owe to so many readers of each channel."""
    return sum(len(began_on(posted, channel)) * count for channel, count in zip(channels, readers, strict=True))


def _worked(core: int | None) -> float:
    """Seconds that this core has worked for anyone (0 if servers are not pinned)."""
    if core is None:
        return 0.0
    with open("/proc/stat") as file:
        for line in file:
            if line.startswith(f"cpu{core} "):
                user, nice, system = map(int, line.split()[1:4])
                return (user + nice + system) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
