"""`make bench`: runs the parts that are asked for, prints their tables and writes docs/performance.md after a whole run."""

import argparse
import sys
import time

from tests.bench import report
from tests.bench.measuring import Bench
from tests.bench.parts import PARTS
from tests.bench.servers import ROOT

PEERS = ("nchan", "ws", "starlette")
WITH_PEERS = {"fanout", "idle"}


def main() -> int:
    """The command line; 1 if a part failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all of them)")
    parser.add_argument("--quick", action="store_true", help="small numbers, for a look in two minutes")
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers, separated by commas; empty for none")
    parser.add_argument("--write", action="store_true", help="write the page though other programs disturbed the run")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    names = tuple(name for name in asked.peers.split(",") if name)
    if unknown := set(names) - set(PEERS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if not sys.platform.startswith("linux"):
        parser.error("the generator needs Linux (epoll, /proc)")
    parts = asked.parts or list(PARTS)
    bench = Bench.prepare(quick=asked.quick, peers=names if WITH_PEERS & set(parts) else ())
    failed = False
    began = time.monotonic()
    for part in parts:
        bench.say(f"[{time.monotonic() - began:4.0f} s] {part}: {(PARTS[part].__doc__ or '').splitlines()[0]}")
        try:
            PARTS[part](bench)
        except (RuntimeError, AssertionError, OSError) as error:
            failed = True
            bench.say(f"    {part} failed: {error}")
    print(report.tables(bench))
    print(report.goals_text(bench))
    print("".join(f"\n{line}" for line in report.warnings(bench)))
    if not (failed or asked.quick or asked.parts or set(names) != set(PEERS)):
        if report.disturbances(bench) and not asked.write:
            print(f"\n{report.PAGE.relative_to(ROOT)} was not written: repeat this on a quiet machine, or add --write")
        else:
            print(f"\nwritten to {report.write(bench).relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
