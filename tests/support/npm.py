"""The packages of package.json, installed into node_modules/ the first time one is asked for, by one process at a time."""

import fcntl
import json
import os
import subprocess
from pathlib import Path

from tests.support import provision

ROOT = Path(__file__).resolve().parents[2]


def environment(node: str) -> dict[str, str]:
    """The environment in which npm finds this node: it is a script that looks for its own on PATH."""
    return {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}


def package(name: str, node: provision.Found) -> Path | None:
    """The folder of a package in the version that package.json names; None when npm cannot have it (it says why)."""
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"][name]
    folder = ROOT / "node_modules" / name
    with (ROOT / "package.json").open() as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _version(folder) != wanted:
            install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(install, cwd=ROOT, env=environment(node.where), stdin=subprocess.DEVNULL, timeout=300)
    return folder if _version(folder) == wanted else None


def _version(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "package.json").read_text("utf-8"))["version"])
    except OSError:
        return None
