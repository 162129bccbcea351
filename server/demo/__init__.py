"""`ripost demo`: a throw-away site to try things on, with people in it who talk and answer.

Owns a temporary folder with everything in it, which is gone when the command ends, and what is printed after the
listening line. Promises that nothing of the configured database is touched: of the environment only the address and
the log count.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette

from server import serving
from server.config import Config
from server.demo.client import Client
from server.demo.commenters import Commenters
from server.demo.stage import MODERATOR, Discussion, Stage, set_up

_log = logging.getLogger("ripost.demo")


def run(port: int | None) -> int:
    """Serves the demo until a signal asks to stop; the exit status. Raises CommandError if it cannot start.

    `port` None: the configured one.
    """
    with _stopping_tidily(), TemporaryDirectory(prefix="ripost-demo-", ignore_cleanup_errors=True) as folder:
        config = _config(Path(folder) / "ripost.db", port)
        serving.prepare_logging(config)
        listener = serving.bind(config, "ripost demo --port {port}")
        with contextlib.closing(listener):
            stage = asyncio.run(set_up(config.database_url))

            @contextlib.asynccontextmanager
            async def meanwhile(_app: Starlette, url: str) -> AsyncIterator[None]:
                sys.stdout.write(_invitation(stage, config.public_url or _reachable(url)))
                sys.stdout.flush()
                async with _playing(stage, url):
                    yield

            return serving.run(config, listener=listener, meanwhile=meanwhile, prepared=True)


def _config(database: Path, port: int | None) -> Config:
    config = Config.from_environ(port=port, database_url=f"sqlite:///{database}", web_concurrency=1)
    return replace(
        config,
        redis_url=None,
        secret_key=None,
        rate_limits=True,
        # The commenters name addresses of their own (X-Forwarded-For), which counts only if the loopback is trusted.
        forwarded_allow_ips="127.0.0.1,::1",
        # The links are what should stay on the screen.
        log_level="warning" if config.log_level == "info" else config.log_level,
    )


@contextlib.asynccontextmanager
async def _playing(stage: Stage, url: str) -> AsyncIterator[None]:
    """The commenters, for as long as the server runs. What goes wrong with them is logged and ends only them."""
    parts = urlsplit(url)
    commenters = Commenters(stage, Client(parts.hostname or "127.0.0.1", parts.port or 80), Random())
    task = asyncio.create_task(commenters.run(), name="ripost-demo")
    task.add_done_callback(_mourn)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _mourn(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the simulated commenters have stopped; the server goes on", exc_info=error)


@contextlib.contextmanager
def _stopping_tidily() -> Iterator[None]:
    """A request to stop ends the demo in order from its first moment on, so that its folder goes too.

    Closing the terminal is such a request, except under nohup. While the server runs, SIGTERM is its own.
    """
    hangup = getattr(signal, "SIGHUP", None)
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    if hangup is not None and signal.getsignal(hangup) == signal.SIG_DFL:
        signal.signal(hangup, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _reachable(url: str) -> str:
    """`url`, or the loopback's where a server listens on every address, which no browser can be sent to."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _invitation(stage: Stage, url: str) -> str:
    """What is printed: the hot article first, then the others, then the moderator's link."""
    others = [discussion for discussion in reversed(stage.discussions) if discussion is not stage.hot]
    width = max(len(discussion.label) for discussion in others)
    lines = [
        "",
        "Open this in two windows and write something; you will be answered within 5 seconds:",
        f"  {_address(url, stage.hot)}",
        "",
        "Other discussions:",
        *(f"  {discussion.label:<{width}}  {_address(url, discussion)}" for discussion in others),
        "",
        f"Sign in as the moderator, {MODERATOR} (the link works once):",
        f"  {url}/signin#{stage.link}",
        "",
        "Ctrl-C stops the demo and throws everything in it away.",
        "",
        "",
    ]
    return "\n".join(lines)


def _address(url: str, discussion: Discussion) -> str:
    return f"{url}/a/{quote(discussion.slug)}"
