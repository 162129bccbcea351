"""The app: routes, middleware, and the lifespan in which the parts of a server meet. No logic."""

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from server import jobs
from server.actions import votes as voting
from server.broker import Broker
from server.broker.memory import MemoryBroker
from server.config import Config
from server.errors import MethodNotAllowed, NotFound, RipostError
from server.frames import Batch
from server.hub import Hub
from server.lag import Lag
from server.limits import Connections, Limits
from server.metrics import Metrics
from server.middleware import Requests
from server.models import Commit
from server.presence import Presence
from server.pulse import Pulse
from server.relay import Relay
from server.routes import (
    articles,
    auth,
    comments,
    descriptions,
    drawn,
    feeds,
    health,
    live,
    moderation,
    pages,
    static,
    stream,
    votes,
    web,
)
from server.sessions import Sessions
from server.snapshots import Snapshots
from server.state import State
from server.storage.database import Database
from server.tallies import Tallies
from server.times import Clock, SystemClock
from server.transport.callers import EACH_STREAM, Callers
from server.transport.wheel import Wheel


@contextlib.asynccontextmanager
async def open_state(
    config: Config, clock: Clock | None = None, metrics: Metrics | None = None
) -> AsyncIterator[State]:
    """The parts of a server, opened in order and closed in reverse. Raises CommandError."""
    broker: Broker = MemoryBroker()
    metrics, clock = metrics or Metrics(), clock or SystemClock()
    snapshots = Snapshots(clock, alone=not config.is_postgres)

    def on_commit(commit: Commit) -> None:
        metrics.committed(len(commit.appended), len(commit.rewritten))
        snapshots.committed(commit)
        broker.publish(commit)

    database = await Database.open(config.database_url, on_commit, metrics.batch)
    try:
        loop = asyncio.get_running_loop()
        hub = Hub(loop.call_soon, _observed(metrics))
        relay = Relay(hub, database)
        tallies = Tallies()

        def receive(commit: Commit) -> None:
            relay.receive(commit)
            tallies.committed(commit)

        await broker.start(receive)
        state = State(
            config=config,
            database=database,
            broker=broker,
            hub=hub,
            relay=relay,
            limits=Limits(enabled=config.rate_limits),
            connections=Connections(config.max_connections, config.max_connections_per_address),
            metrics=metrics,
            clock=clock,
            presence=Presence(),
            tallies=tallies,
            snapshots=snapshots,
            sessions=Sessions(),
            secret=_secret(config),
            draining=asyncio.Event(),
        )
        _measure(state)
        watching = asyncio.create_task(relay.watch(), name="ripost-watch")
        try:
            yield state
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await relay.close()
            await broker.close()
    finally:
        await database.close()


def create_app(config: Config, clock: Clock | None = None) -> Starlette:
    """The ASGI app of this configuration. Start-up opens and migrates the database."""

    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(static.assets)  # not in the middle of somebody's request
        async with open_state(config, clock, metrics) as state, jobs.listen(state):
            app.state.ripost = state
            app.state.door = live.LiveDoor(state)
            loop = asyncio.get_running_loop()
            app.state.wheel = Wheel(loop, metrics.aborted)
            app.state.callers = Callers(EACH_STREAM * config.max_connections_per_address)
            lag = Lag(loop, metrics.lag)
            running = [
                asyncio.create_task(voting.flush_forever(state), name="ripost-votes"),
                asyncio.create_task(Pulse(state).beat_forever(), name="ripost-pulse"),
            ]
            try:
                yield
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                app.state.wheel.close()
                lag.close()

    app = _App(
        routes=[  # each is tried until one fits: what is asked for most comes first
            *comments.routes,
            *articles.routes,
            *drawn.routes,
            *pages.routes,
            *static.routes,
            *votes.routes,
            *auth.routes,
            *stream.routes,
            *live.routes,
            *feeds.routes,
            *health.routes,
            *moderation.routes,
            *descriptions.routes,
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it redirects to whatever Host was asked for
    app.around = Requests(app.router, config, metrics.request, _unrouted)
    return app


class _App(Starlette):
    """Without Starlette's own layers around the routes: one of ours does what both do, in half the time."""

    around: ASGIApp

    def build_middleware_stack(self) -> ASGIApp:
        return self.around


def _measure(state: State) -> None:
    hub, relay, gauge, counter = state.hub, state.relay, state.metrics.gauge, state.metrics.counter
    gauge("connections", "Open WebSockets, event streams and long polls.", lambda: state.connections.open)
    gauge("channels", "Channels whose recent events are kept.", lambda: len(hub.channels))
    gauge("readers", "Cursors into channels.", lambda: sum(len(c.cursors) for c in hub.channels.values()))
    gauge("readers_behind", "Cursors that are catching up.", hub.behind)
    counter("caught_up", "Events written to readers that were behind.", lambda: hub.caught_up)
    counter("resumes", "Positions that readers came back with and were resumed.", lambda: relay.resumes)
    counter("resets", "Positions that could not be resumed, by cause.", lambda: relay.resets, "cause")
    counter("database_reads", "Read transactions, by what for.", lambda: state.database.reads, "purpose")


def _observed(metrics: Metrics) -> Callable[[Batch, int], None]:
    """What the hub tells of every batch it has written, as delays since the commits of its events."""

    def written(batch: Batch, readers: int) -> None:
        now = time.monotonic()
        for frame in batch.frames:
            if frame.moment is not None:
                metrics.delivered(now - frame.moment, readers)

    return written


async def _unrouted(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        answer = web.problem(MethodNotAllowed(f"{request.method} is not accepted here"))
        answer.headers.update(error.headers or {})
        return answer
    missing = NotFound(f"there is no {request.url.path}")
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/"):
        return await pages.failure(request, missing)
    return web.problem(missing)


def _secret(config: Config) -> bytes:
    """The key of guests' tokens and address hashes: SECRET_KEY, or one made and kept beside the SQLite file."""
    if config.secret_key:
        return hashlib.sha256(config.secret_key.encode()).digest()
    path = Path(f"{config.database_path}.secret")
    with contextlib.suppress(FileExistsError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(os.urandom(32).hex())
    try:
        return bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise RipostError(f"cannot read the secret key in {path}: {error}") from None
