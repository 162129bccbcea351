"""A throw-away nginx in front of a server, configured with the blocks of docs/configuration.md as they stand there."""

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import Child

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

_FRAME = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {outside}
    server {{
        listen 127.0.0.1:{port};
        add_header X-Cache $upstream_cache_status always;
        {inside}
    }}
}}
"""


def documented(target: str, folder: Path) -> tuple[str, str]:
    """What the page says to write outside of `server` and inside of it, for the server at `target`."""
    blocks = re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", PAGE.read_text())
    text = "\n".join(block for block in blocks if "proxy_pass" in block)
    text = text.replace("http://127.0.0.1:8000", target).replace("/var/cache/nginx", str(folder))
    outside = [line for line in text.splitlines() if line.strip().startswith("proxy_cache_path")]
    inside = [line for line in text.splitlines() if line not in outside]
    return "\n".join(outside), "\n".join(inside)


@contextlib.contextmanager
def nginx(program: str, folder: Path, outside: str, inside: str) -> Iterator[str]:
    """Its URL while it runs. AssertionError, with what it said, if it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""  # its worker keeps files in the test's folder
    config = folder / "nginx.conf"
    config.write_text(_FRAME.format(user=user, folder=folder, port=port, outside=outside, inside=inside))
    child = Child([program, "-c", str(config), "-p", str(folder), "-e", "stderr"])
    try:
        child.wait_for(r"start worker process \d+", seconds=15)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.signal(signal.SIGTERM)
        child.wait(seconds=10)
