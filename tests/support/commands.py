"""The `ripost` command as a person runs it: its exit status, its output and its complaints."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.server import server_environment


@dataclass(frozen=True)
class Outcome:
    """What a finished command left: its status and both streams as text."""

    status: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line of its output, where commands print what a script would take."""
        return self.out.strip().splitlines()[-1] if self.out.strip() else ""


def run_ripost(*arguments: str, folder: Path, seconds: float = 60, **settings: str) -> Outcome:
    """Runs `ripost ARGUMENTS` in `folder` with `settings` as its environment; returns whatever came of it."""
    done = subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env=server_environment(**settings),
        cwd=folder,
        timeout=seconds,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
