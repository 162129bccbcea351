"""The report: tables of what was measured, what was to be reached, and docs/performance.md with how to repeat it."""

import math
import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench import provision
from tests.bench.goals import NONE, count, goals, microseconds, milliseconds
from tests.bench.measuring import Bench, Row, disturbed
from tests.bench.servers import ROOT, SCRATCH

PAGE = ROOT / "docs" / "performance.md"
MARK = "†"
NAMES = {"Ripost": "**Ripost**", "nchan": "nginx + nchan", "ws": "Node `ws`", "starlette": "plain Starlette loop"}
MISSING = {"nchan": "nginx with nchan", "ws": "Node `ws`", "starlette": "the plain Starlette loop"}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all but the first column stand to the right."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _mark(row: Row) -> str:
    return f" {MARK}" if disturbed(row) else ""


def _fan_out(rows: Sequence[Row]) -> str:
    out = []
    for row in rows:
        if row.get("fault") and "delivered" not in row:
            out.append([NAMES[row["server"]], row["fault"], *[NONE] * 7])
            continue
        share = row["delivered"] / row["expected"] if row["expected"] else 0.0
        delivered = "all" if row["delivered"] == row["expected"] else f"{math.floor(share * 1000) / 10:.1f} %"
        if row["faults"]:
            delivered += f", {row['faults']} readers lost or out of order"
        out.append(
            [
                NAMES[row["server"]],
                f"{row['readers']:,} x {row['offered']:g}/s{_mark(row)}",
                f"{row['published']:.0f}/s",
                delivered,
                count(row["rate"]),
                milliseconds(row["p50"]),
                milliseconds(row["p99"]),
                microseconds(row["cpu"]),
                f"{row['generator']:.0%}",
            ]
        )
    head = [
        "",
        "readers x events",
        "accepted",
        "delivered",
        "deliveries/s",
        "p50",
        "p99",
        "CPU per delivery",
        "generator busy",
    ]
    return table(head, out)


def _idle(rows: Sequence[Row]) -> str:
    head = ["", "readers", "memory per reader", "joins/s", "CPU per join"]
    return table(
        head,
        [
            [
                NAMES[row["server"]],
                f"{row['readers']:,}{_mark(row)}",
                f"{row['memory'] / 1024:.1f} KB",
                count(row["handshakes"]),
                microseconds(row["handshake_cpu"]),
            ]
            for row in rows
        ],
    )


def _posts(rows: Sequence[Row]) -> str:
    head = ["posted by", "acknowledged/s", "p50", "p99", "longest", "CPU per comment", "on disk per comment"]
    return table(
        head,
        [
            [
                row["who"] + _mark(row),
                count(row["rate"]),
                milliseconds(row["p50"]),
                milliseconds(row["p99"]),
                milliseconds(row["most"]),
                microseconds(row["cpu"]),
                f"{row['database_bytes']:,.0f} bytes",
            ]
            for row in rows
        ],
    )


def _pages(rows: Sequence[Row]) -> str:
    head = ["comments", "asked again and again", "p99", "CPU", "never asked before, p50", "longest", "bytes"]
    return table(
        head,
        [
            [
                f"{row['comments']:,}{_mark(row)}",
                f"{count(row['rate'])}/s",
                milliseconds(row["p99"]),
                microseconds(row["cpu"]),
                milliseconds(row["uncached_p50"]),
                milliseconds(row["uncached_most"]),
                f"{row['answer_bytes']:,.0f}",
            ]
            for row in rows
        ],
    )


def _growth(rows: Sequence[Row]) -> str:
    head = ["comments there already", "acknowledged/s", "p99", "CPU per comment"]
    return table(
        head,
        [
            [f"{r['comments']:,}{_mark(r)}", count(r["rate"]), milliseconds(r["p99"]), microseconds(r["cpu"])]
            for r in rows
        ],
    )


def _slow(rows: Sequence[Row]) -> str:
    row = rows[0]
    return "\n".join(
        [
            f"{row['readers']:,} readers, {row['offered']} comments of {row['event_bytes'] / 1024:.1f} KB a second; "
            f"{row['stalled']} readers stop reading, and half of them go on after 4 s. Delays are medians of three rounds, each "
            "on a server of its own; everything else is the worst of them.",
            "",
            table(
                ["", "before", "while they are stopped", "after"],
                [
                    [
                        "p99 delay of the others",
                        milliseconds(row["p99_before"]),
                        milliseconds(row["p99_meanwhile"]),
                        milliseconds(row["p99_after"]),
                    ],
                    [
                        "memory of the process",
                        f"{row['memory_before'] / 2**20:.1f} MB",
                        f"{row['memory_most'] / 2**20:.1f} MB at most",
                        "",
                    ],
                ],
            ),
            "",
            f"Of the {row['resumed']} that went on, {row['resumed_caught_up']} had caught up within "
            f"{row['resumed_seconds']:.1f} s and {row['resumed_away']} had been sent away (they come back and resume). Of the "
            f"{row['never']} that never did, {row['never_away']} were sent away, the last {row['never_seconds']:.1f} s after it stopped.",
        ]
    )


def _storm(rows: Sequence[Row]) -> str:
    row = rows[0]
    return (
        f"{row['readers']:,} readers lose their connections, miss {row['missed']} comments and come back in the same moment, "
        f"while 20 comments a second go on: all are live again and have caught up after {row['seconds']:.1f} s (half of them "
        f"after {row['median']:.1f} s); {microseconds(row['cpu'])} of CPU each; {row['reads']:.0f} database reads for all of them together."
    )


SECTIONS: dict[str, tuple[str, str, Callable[[Sequence[Row]], str]]] = {
    "fanout": (
        "Fan-out, beside its peers",
        "A comment comes in over one of 32 connections and goes to every reader. Delays run from the beginning of the POST to "
        "the read at each reader, over all deliveries. For Ripost the POST parses Markdown, commits durably and is answered "
        "with the stored event; the peers store nothing and are given ready-made events of the same size. A server that "
        "accepts less than it is offered holds its publishers back. CPU is user and system time of the server's process. At 20 "
        "events a second to 2,000 readers the servers take turns three times, and the round with the median CPU is shown.",
        _fan_out,
    ),
    "idle": (
        "Readers that sit and wait",
        "Growth of the process's resident memory for each subscribed connection; joins are handshakes with their subscription, "
        "64 under way at any time.",
        _idle,
    ),
    "posts": (
        "Posting",
        "32 connections, each posting again as soon as it is answered; every third is a reply.",
        _posts,
    ),
    "growth": ("Posting as a thread grows", "", _growth),
    "pages": (
        "The first page of a thread",
        "The JSON page of 25 threads with their replies, gzip accepted, over 16 connections (cached) and over one (pages that "
        "nobody has asked for yet).",
        _pages,
    ),
    "spread": ("Readers over many articles", "", _fan_out),
    "deflate": ("Compressed", "All readers negotiated permessage-deflate, as browsers do.", _fan_out),
    "slow": ("Readers that stop reading", "", _slow),
    "storm": ("A reconnect storm", "", _storm),
}


def tables(bench: Bench) -> str:
    """Everything that was measured, as Markdown."""
    out = []
    for part, (title, words, render) in SECTIONS.items():
        if rows := bench.rows.get(part):
            if part == "fanout":
                rows = sorted(rows, key=lambda row: (row["readers"], row["offered"]))
            out += [f"## {title}", "", *([words, ""] if words else []), render(rows), ""]
            if part in ("spread", "deflate") and "wire_bytes" in rows[0]:
                out += [f"{rows[0]['event_bytes']:.0f} bytes an event, {rows[0]['wire_bytes']:.0f} on the wire.", ""]
    return "\n".join(out)


def goals_text(bench: Bench) -> str:
    """The goals for a terminal."""
    marks = {True: "reached", False: "MISSED ", None: "   –   "}
    return "\n".join(f"{marks[goal.reached]}  {goal.sentence}: {goal.measured}" for goal in goals(bench))


def disturbances(bench: Bench) -> list[str]:
    """What was measured while other programs were at work, and how much of a core they took."""
    return [f"{part} ({row['others']:.0%})" for part, rows in bench.rows.items() for row in rows if disturbed(row)]


def warnings(bench: Bench) -> list[str]:
    """What makes these figures doubtful."""
    out = [f"{MISSING[name]} was left out: {why}" for name, why in bench.missing.items()]
    if bench.server_core is None:
        out.append(
            "only one core is available: servers and generator share it, so nothing here says what a server can do"
        )
    doubtful = disturbances(bench)
    if doubtful:
        out.append(f"other programs took more than a tenth of a core (rows marked {MARK}): {', '.join(doubtful)}")
    busy = sorted({part for part, rows in bench.rows.items() for row in rows if row.get("generator", 0.0) > 0.95})
    if busy:
        out.append(f"the generator was the limit (over 95 % busy) in a run of: {', '.join(busy)}")
    return out


def machine(bench: Bench) -> str:
    """What this was measured on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory = next((int(line.split()[1]) // 1024 for line in _read("/proc/meminfo") if line.startswith("MemTotal")), 0)
    parts = [
        f"{os.cpu_count()} x {model}, {memory / 1024:.0f} GB, {platform.system()} {platform.release().split('-')[0]}, "
        f"database on {_filesystem(SCRATCH)}",
        f"Python {platform.python_version()}, uvloop {version('uvloop')}, uvicorn {version('uvicorn')}, SQLite {sqlite3.sqlite_version}",
    ]
    if "nchan" in bench.peers:
        parts.append(f"nginx {provision.version_of_nginx()} with nchan")
    if "ws" in bench.peers:
        parts.append(f"ws {provision.version_of_ws()}")
    if "starlette" in bench.peers:
        parts.append(f"Starlette {version('starlette')}")
    return "; ".join(parts)


def page(bench: Bench) -> str:
    """docs/performance.md."""
    reached = {True: "yes", False: "**no**", None: NONE}
    doubts = "".join(f"\n- {doubt}" for doubt in warnings(bench))
    return "\n".join(
        [
            "# Performance",
            "",
            "Written by `make bench`; edit `tests/bench/report.py`, not this page.",
            "",
            f"Measured on {machine(bench)}. The server has one core to itself and the load generator another; both are on one "
            "machine, so figures are to be compared with each other, not with those of other machines."
            + (f"\n\nTo be borne in mind:\n{doubts}" if doubts else ""),
            "",
            "## What was to be reached",
            "",
            table(["", "measured", "reached"], [[g.sentence, g.measured, reached[g.reached]] for g in goals(bench)]),
            "",
            tables(bench),
            *_HOW,
            "",
        ]
    )


_HOW = [
    "## How it is measured, and how to repeat it",
    "",
    "`make bench` sets up everything (nginx and nchan with apt when it runs as root, `ws` with npm), runs for about ten "
    'minutes on Linux, prints these tables and writes this page. `make bench ARGS="posts slow"` runs some parts '
    "(`fanout idle posts threads spread deflate slow storm`) and `make bench ARGS=--quick` a small version of all in two "
    "minutes; both only print. A peer that cannot be had is named and left out. Leave the machine alone meanwhile: the report "
    "marks what was measured while other programs were at work, and such a run writes this page only with `ARGS=--write`.",
    "",
    "- Ripost runs as `ripost serve` on an SQLite file on disk, every comment committed with `synchronous=FULL`. Of its settings "
    "only the rate limits and the connection caps are off.",
    "- The peers' configurations are in `tests/bench/peers/`: nginx with one worker, the memory store and no logs; `ws` sending one "
    "buffer to all, without compression; Starlette on uvicorn with httptools and uvloop.",
    "- The generator (`tests/bench/`) is one process with one epoll over plain sockets. Every byte that every reader receives is "
    "compared with what the others received, so a lost, doubled, altered or reordered event at any reader is noticed; an event is "
    "counted when its last byte has been read, and nothing is sampled.",
    "- Where the generator is close to 100 % busy it is part of the delay that is shown.",
]


def write(bench: Bench) -> Path:
    """Writes docs/performance.md."""
    PAGE.write_text(page(bench), "utf-8")
    return PAGE


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _filesystem(folder: Path) -> str:
    best = ("", "an unknown filesystem")
    for line in _read("/proc/mounts"):
        _, where, kind, *_ = line.split()
        if f"{folder}/".startswith(where.rstrip("/") + "/") and len(where) >= len(best[0]):
            best = (where, kind)
    return best[1]
