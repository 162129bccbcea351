"""Finds or fetches the peers: nginx with nchan (apt, as root), node `ws` (npm), Starlette (is here anyway).

What cannot be had is said by name with the reason and left out of the table.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.servers import SCRATCH, Peer, scratch
from tests.support.provision import find_node

PEERS = Path(__file__).parent / "peers"
NPM = SCRATCH / "npm"  # node_modules of the peers, git-ignored
_MODULES = ("/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules", "/etc/nginx/modules")

Start = Callable[[int | None], Peer]


def peers(names: tuple[str, ...]) -> tuple[dict[str, Start], dict[str, str]]:
    """How to start each of these that can be had; and why the others cannot."""
    makers = {"nchan": _nchan, "ws": _ws, "starlette": _starlette}
    found: dict[str, Start] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            found[name] = makers[name]()
        except LookupError as error:
            missing[name] = str(error.args[0])
    return found, missing


def version_of_nginx() -> str:
    """`1.22.1`, or nothing."""
    nginx = _nginx()
    return "" if nginx is None else _run([nginx, "-v"])[1].partition("/")[2].split()[0]


def version_of_ws() -> str:
    """`8.23.0 on Node.js v20.20.2`, or nothing."""
    import json

    package, node = NPM / "node_modules" / "ws" / "package.json", find_node()
    return f"{json.loads(package.read_text())['version']} on {node.version}" if package.is_file() and node else ""


def _nchan() -> Start:
    nginx, module = _nginx(), _module()
    if (nginx is None or module is None) and shutil.which("apt-get") and os.geteuid() == 0:
        # RUNLEVEL: the package shall not start an nginx of its own.
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "nginx-core", "libnginx-mod-nchan"]
        if _run(install, quiet)[0]:
            _run(["apt-get", "update", "-q"], quiet)
            _run(install, quiet)
        nginx, module = _nginx(), _module()
    if nginx is None:
        raise LookupError("nginx is not installed (Debian and Ubuntu: apt install nginx libnginx-mod-nchan)")
    if module is None:
        raise LookupError("nginx has no nchan module (Debian and Ubuntu: apt install libnginx-mod-nchan)")

    def start(core: int | None) -> Peer:
        folder = scratch("nchan")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        files = open_files()
        user = "user root;" if os.geteuid() == 0 else ""  # the worker reads and writes in the scratch folder
        text = (PEERS / "nginx.conf").read_text()
        text = text.format(user=user, folder=folder, port=port, module=module, files=files)
        (folder / "nginx.conf").write_text(text)
        return Peer("nchan", [str(nginx), "-c", str(folder / "nginx.conf"), "-p", str(folder)], core, port, {})

    return start


def _ws() -> Start:
    node = find_node()
    if node is None:
        raise LookupError("Node.js 20 or newer is not installed")
    if not (NPM / "node_modules" / "ws" / "package.json").is_file():
        NPM.mkdir(parents=True, exist_ok=True)
        shutil.copy(PEERS / "package.json", NPM)
        npm = shutil.which("npm") or str(Path(node.where).parent / "npm")
        status, said = _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(NPM)])
        if status:
            raise LookupError(f"npm could not install ws: {said.strip().splitlines()[-1] if said.strip() else status}")

    def start(core: int | None) -> Peer:
        path = {"NODE_PATH": str(NPM / "node_modules")}
        return Peer("ws", [node.where, str(PEERS / "ws.cjs")], core, 0, path)

    return start


def _starlette() -> Start:
    def start(core: int | None) -> Peer:
        return Peer("starlette", [sys.executable, str(PEERS / "starlette_loop.py")], core, 0, {})

    return start


def open_files() -> int:
    """How many files a process may open here; the limit of this one and its children is raised to the most allowed."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (1 << 17, 1 << 16, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
            break
        except (ValueError, OSError):
            continue
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft


def _nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _module() -> Path | None:
    for folder in _MODULES:
        path = Path(folder) / "ngx_nchan_module.so"
        if path.is_file():
            return path
    return None


def _run(command: list[str], env: dict[str, str] | None = None) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, done.stdout + done.stderr
