"""What was to be reached, beside what was measured, and how figures are written."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.measuring import Bench, Row, disturbed

NONE = "–"


@dataclass(frozen=True)
class Goal:
    """Something to reach: the sentence, what was measured, and whether that is enough (None: not measured)."""

    sentence: str
    measured: str
    reached: bool | None


def milliseconds(value: float) -> str:
    """`12.3 ms`, `1.2 s`."""
    if math.isnan(value):
        return NONE
    return f"{value:.1f} s" if value >= 2 else f"{value * 1e3:.0f} ms" if value >= 0.01 else f"{value * 1e3:.1f} ms"


def microseconds(value: float) -> str:
    """`12.3 µs`."""
    return NONE if math.isnan(value) else f"{value * 1e6:.1f} µs" if value < 1e-4 else f"{value * 1e6:,.0f} µs"


def count(value: float) -> str:
    """`12,345`; `0.98 M` from a hundred thousand on."""
    return f"{value / 1e6:.2f} M" if value >= 1e5 else f"{value:,.0f}"


def goals(bench: Bench) -> list[Goal]:
    """What was to be reached."""
    rows = bench.rows

    def fan(server: str, rate: float, most: bool = False, part: str = "fanout") -> Row | None:
        found = [
            row for row in rows.get(part, []) if row["server"] == server and row["offered"] == rate and "rate" in row
        ]
        return (max if most else min)(found, key=lambda row: int(row["readers"])) if found else None

    fast, calm = fan("Ripost", 500), fan("Ripost", 20)
    wide = fan("Ripost", 20, most=True) if rows.get("idle") else None  # those readers are the ones that sat idle before
    nchan_fast, nchan_calm = fan("nchan", 500), fan("nchan", 20)
    idle = next((row for row in rows.get("idle", []) if row["server"] == "Ripost"), None)
    posting = next(iter(rows.get("posts", [])), None)
    pages = rows.get("pages", [])
    page = pages[1] if len(pages) > 1 else None
    growth, slow, storm = rows.get("growth", []), rows.get("slow"), rows.get("storm")
    out: list[Goal] = []

    def goal(
        sentence: str,
        values: Row | None,
        say: Callable[[Row], str],
        enough: Callable[[Row], bool],
    ) -> None:
        if values is None:
            out.append(Goal(sentence, "not measured", None))
        elif disturbed(values):
            out.append(Goal(sentence, f"{say(values)} (disturbed)", None))
        else:
            out.append(Goal(sentence, say(values), enough(values)))

    def whole(row: Row) -> bool:
        return row["delivered"] == row["expected"] and not row["faults"] and row["published"] >= 0.99 * row["offered"]

    goal("500/s to 2,000 readers: all delivered, p99 <= 250 ms", fast,
         lambda r: f"{r['published']:.0f}/s accepted, {r['delivered'] / max(1, r['expected']):.1%} delivered, p99 {milliseconds(r['p99'])}",
         lambda r: whole(r) and r["p99"] <= 0.25)  # fmt: skip
    more, nchan_more = fan("Ripost", 500, most=True), fan("nchan", 500, most=True)
    most, nchan_most = fan("Ripost", 1500), fan("nchan", 1500)
    both = (
        {"ours": fast["rate"], "theirs": nchan_fast["rate"], **_worse(fast, nchan_fast)}
        if fast and nchan_fast
        else None
    )
    further = "".join(
        f"; {name} {ours['rate'] / theirs['rate']:.1f}x"
        for name, ours, theirs in (("offered 1,500/s", most, nchan_most), ("to 4,000 readers", more, nchan_more))
        if ours and theirs
    )
    goal("500/s to 2,000 readers: at least 5x nchan's deliveries/s", both,
         lambda r: f"{r['ours'] / r['theirs']:.1f}x{further}", lambda r: r["ours"] >= 5 * r["theirs"])  # fmt: skip
    goal("20/s to 10,000 readers: all delivered, p99 <= 500 ms", wide,
         lambda r: f"{r['readers']:,} readers, {r['published']:.1f}/s accepted, {r['delivered'] / max(1, r['expected']):.1%} delivered, p99 {milliseconds(r['p99'])}",
         lambda r: whole(r) and r["p99"] <= 0.5)  # fmt: skip
    both = (
        {"ours": calm["cpu"], "theirs": nchan_calm["cpu"], **_worse(calm, nchan_calm)} if calm and nchan_calm else None
    )
    goal("20/s to 2,000 readers: CPU per delivery <= 1.2x nchan's", both,
         lambda r: f"{r['ours'] / r['theirs']:.2f}x", lambda r: r["ours"] <= 1.2 * r["theirs"])  # fmt: skip
    goal("idle subscribed connection <= 4 KB", idle,
         lambda r: f"{r['memory'] / 1024:.1f} KB", lambda r: r["memory"] <= 4096)  # fmt: skip
    goal(">= 5,000 handshakes with subscription a second", idle,
         lambda r: count(r["handshakes"]), lambda r: r["handshakes"] >= 5000)  # fmt: skip
    goal("3,000 acknowledged posts/s over 32 connections, p99 <= 50 ms", posting,
         lambda r: f"{count(r['rate'])}/s, p99 {milliseconds(r['p99'])}", lambda r: r["rate"] >= 3000 and r["p99"] <= 0.05)  # fmt: skip
    goal("first page of a 10,000-comment thread >= 3,000/s from cache", page,
         lambda r: f"{count(r['rate'])}/s", lambda r: r["rate"] >= 3000)  # fmt: skip
    goal("the same <= 20 ms uncached", page,
         lambda r: f"p50 {milliseconds(r['uncached_p50'])}, longest {milliseconds(r['uncached_most'])}",
         lambda r: r["uncached_p50"] <= 0.02)  # fmt: skip
    both = {"ratio": growth[1]["cpu"] / growth[0]["cpu"], **_worse(*growth)} if len(growth) == 2 else None
    goal("posting to a thread of 100,000 costs <= 1.3x posting to one of 100", both,
         lambda r: f"{r['ratio']:.2f}x the CPU", lambda r: r["ratio"] <= 1.3)  # fmt: skip
    first = slow[0] if slow else None
    goal("50 of 1,000 stop reading: the others' p99 rises by less than 20 %", first,
         lambda r: f"{milliseconds(r['p99_before'])} -> {milliseconds(r['p99_meanwhile'])} -> {milliseconds(r['p99_after'])}",
         lambda r: r["p99_meanwhile"] < 1.2 * max(r["p99_before"], r["p99_after"]))  # fmt: skip
    goal("… memory stays flat", first,
         lambda r: f"+{(r['memory_most'] - r['memory_before']) / 2**20:.1f} MB",
         lambda r: r["memory_most"] - r["memory_before"] <= 8 * 2**20)  # fmt: skip
    goal("… the 50 are caught up or sent away within 10 s", first,
         lambda r: f"{r['resumed_caught_up'] + r['resumed_away']}/{r['resumed']} in {r['resumed_seconds']:.1f} s, {r['never_away']}/{r['never']} away in {r['never_seconds']:.1f} s",
         lambda r: r["resumed_caught_up"] + r["resumed_away"] == r["resumed"] and r["never_away"] == r["never"]
         and r["resumed_seconds"] <= 10 and r["never_seconds"] <= 10)  # fmt: skip
    first = storm[0] if storm else None
    goal("4,000 readers reconnect at once: all live within 10 s", first,
         lambda r: f"{r['seconds']:.1f} s", lambda r: r["seconds"] <= 10)  # fmt: skip
    reads = first if first and first["reads"] is not None else None
    goal("… with at most three database reads per article", reads,
         lambda r: f"{r['reads']:.0f}", lambda r: r["reads"] <= 3)  # fmt: skip
    return out


def _worse(*rows: Row) -> Row:
    """A comparison is as disturbed as the worse of its sides."""
    return {"others": max(row["others"] for row in rows)}
