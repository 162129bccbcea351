"""Serving: the listening socket, uvicorn around the app, the log, and an orderly end.

It owns the socket before anything else is opened, so a busy port is one sentence and nothing was changed; it says
`Ripost is listening on …` only when the database is ready and connections are accepted. SIGTERM and SIGINT end it with
status 0: no new connections, what is running finishes, streams are hung up, then the database is closed. A start that
fails raises CommandError; whoever called prints it.
"""

import asyncio
import contextlib
import errno
import gc
import json
import logging
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.applications import Starlette

from server.config import Config
from server.errors import CommandError
from server.transport.http import RipostHTTP

_log = logging.getLogger("ripost.serving")

SPARE_FILES = 256  # besides connections: the database, the log, requests that are not live
BACKLOG = 2048  # handshakes that may wait while the loop is busy: a page's readers coming back after a restart
# Bytes of the kernel's for a connection, which grow to megabytes by themselves: who reads nothing shows sooner, and who
# reads slowly is not taken for one (the kernel says that it has room only when a third of its buffer is empty).
KERNEL_BUFFER = 128 * 1024
KEEP_ALIVE_SECONDS = 5
GRACE_SECONDS = 1.5  # after the signal, ordinary requests finish; then streams and long polls are hung up
ABORT_SECONDS = 6  # who has not read its last bytes by then is cut off
COLLECTED_AFTER = (10_000, 10, 10)  # new objects until cycles among them are looked for; Python's 700 is for scripts
DRAIN_SECONDS = 8  # uvicorn gives up waiting; a service manager should grant 12

While = Callable[[Starlette, str], AbstractAsyncContextManager[object]]
"""Entered with the started app and its URL once the listening line is printed, left before connections are closed."""

_QUIET = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "websockets", "asyncio", "alembic", "aiosqlite")


def run(
    config: Config, *, listener: socket.socket | None = None, meanwhile: While | None = None, prepared: bool = False
) -> int:
    """Serves until a signal asks to stop; the exit status. Raises CommandError if it cannot start.

    `listener` comes from `bind`, which is called here if it is missing. `prepared`: logging was set up by the caller.
    """
    if not prepared:
        prepare_logging(config)
    _raise_file_limit(config)
    listener = listener or bind(config)
    host, port = config.host, listener.getsockname()[1]
    config = replace(config, port=port)  # what sign-in links are made of
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(config, listener, url_of(host, port), meanwhile))
    return 0


async def _serve(config: Config, listener: socket.socket, url: str, meanwhile: While | None) -> None:
    from server.app import create_app

    app = create_app(config)
    with contextlib.closing(listener):
        # The lifespan is entered here, not by uvicorn, so that what it raises arrives as it was raised.
        async with app.router.lifespan_context(app):
            # Waits until nothing else can fail: whoever connects earlier waits in the backlog of the socket.
            server = _Server(uvicorn_config(config, app), app, url, meanwhile)
            await server.serve(sockets=[listener])


def uvicorn_config(config: Config, app: Starlette) -> uvicorn.Config:
    """How uvicorn serves the app."""
    return uvicorn.Config(
        app,
        http=RipostHTTP,
        ws="websockets-sansio",  # RipostHTTP upgrades by itself; this only says that upgrades are wanted
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=config.forwarded_allow_ips,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn's server with our line, our signals, and an end that does not wait for those who read for ever."""

    def __init__(self, config: uvicorn.Config, app: Starlette, url: str, meanwhile: While | None) -> None:
        super().__init__(config)
        self._app = app
        self._url = url
        self._meanwhile = meanwhile

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        # Not uvicorn's own, which raises the signal again afterwards: that would end us before the database is closed.
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        try:
            for number in numbers:
                loop.add_signal_handler(number, self.handle_exit, number, None)
        except (RuntimeError, ValueError):  # not the main thread: whoever started us stops us
            yield
            return
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # What RipostHTTP finds in every connection's state.
        found = self._app.state
        self.lifespan.state.update(door=found.door, wheel=found.wheel, callers=found.callers)
        await super().startup(sockets)

    async def main_loop(self) -> None:
        # What start-up made stays: looking through it again and again costs a tenth of a busy server's time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTED_AFTER)
        print(f"Ripost is listening on {self._url}", flush=True)
        around = self._meanwhile(self._app, self._url) if self._meanwhile else contextlib.nullcontext()
        async with around:
            await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.door.drain()
        hanging_up = asyncio.create_task(self._hang_up())
        try:
            await super().shutdown(sockets)
        finally:
            hanging_up.cancel()

    async def _hang_up(self) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, RipostHTTP):  # live connections are sent away by the door, in slices
                connection.transport.close()
        await asyncio.sleep(ABORT_SECONDS - GRACE_SECONDS)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()


def _raise_file_limit(config: Config) -> None:
    """Every connection is an open file; a service often starts with a soft limit of 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = config.max_connections + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        _log.warning("MAX_CONNECTIONS is %d, but this process may open only %d files", config.max_connections, hard)
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))


def bind(config: Config, remedy: str = "ripost serve --port {port}") -> socket.socket:
    """A listening socket at the configured host and port. Raises CommandError with the remedy.

    `remedy` is the command that would work, with the next port for `{port}`.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise CommandError(f"HOST is {config.host!r}: the name or an address of this machine is accepted") from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)  # what it accepts inherits that
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CommandError(_why_not(error, config, remedy)) from None
    return listener


def _why_not(error: OSError, config: Config, remedy: str) -> str:
    if error.errno == errno.EADDRINUSE:
        free = config.port + 1 if config.port < 65535 else 8000
        return (
            f"port {config.port} on {config.host} is in use by another program; stop that one, or use another port: "
            + remedy.format(port=free)
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {config.port} may not be used by this user; ports from 1024 may: {remedy.format(port=8000)}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST is {config.host!r}, which is no address of this machine; 127.0.0.1 or 0.0.0.0 is accepted"
    return f"cannot listen on {config.host} port {config.port}: {error.strerror}"


def url_of(host: str, port: int) -> str:
    """The address that is listened on, as it was configured."""
    host = host or "0.0.0.0"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def prepare_logging(config: Config) -> None:
    """One line for each record on stderr, as text or as JSON; the libraries' own chatter only from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if config.log_format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Text(logging.Formatter):
    """`2026-03-01T12:00:00.123Z INFO ripost.storage: what happened`."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")


class _Json(_Text):
    """One JSON object a line: `at`, `level`, `logger`, `message`, and `exception` with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
