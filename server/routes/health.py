"""Whether the server lives, whether it is ready, its numbers, and the descriptions of its interface."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import __version__
from server.errors import ProblemError, Unavailable
from server.routes import web


async def healthz(request: Request) -> Response:
    return web.answer({"status": "ok", "version": __version__})


async def readyz(request: Request) -> Response:
    state = web.state_of(request)
    try:
        if state.draining.is_set():
            raise Unavailable("the server is being restarted", retry_after=2)
        await state.database.ping()
    except ProblemError as error:
        return web.problem(error)
    return web.answer({"status": "ready"})


async def metrics(request: Request) -> Response:
    return Response(
        web.state_of(request).metrics.text(),
        headers={"Cache-Control": "no-store"},
        media_type="text/plain; version=0.0.4; charset=utf-8",
    )


routes = [
    Route("/metrics", metrics, methods=["GET"]),
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
]
