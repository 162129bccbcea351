"""Moderation over HTTP: decisions, what waits, what was decided."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import events
from server.actions import moderation as actions
from server.errors import BadRequest
from server.models import Decision, Status
from server.routes import web


class _Decide(msgspec.Struct):
    decision: Decision
    reason: str | None = None


async def decide(request: Request) -> Response:
    comment_id = web.path_id(request)
    asked = await web.body(request, _Decide)
    decided = await actions.decide(
        web.state_of(request), await web.actor(request), comment_id, asked.decision, asked.reason
    )
    event = "" if decided.frame is None else f',"event":{decided.frame}'
    return web.text_answer(f'{{"comment":{events.encode(decided.comment)}{event}}}')


async def queue(request: Request) -> Response:
    wanted = request.query_params.get("state") or "pending"
    if wanted not in ("pending", "removed"):
        raise BadRequest(f"state is {wanted[:40]!r}: pending or removed is accepted")
    after = web.whole(request, "cursor", 0, 0, 2**62)
    limit = web.whole(request, "limit", actions.PAGE, 1, 100)
    return web.answer(
        await actions.queue(web.state_of(request), await web.actor(request), Status(wanted), after, limit)
    )


async def log(request: Request) -> Response:
    before = web.whole(request, "cursor", 2**62, 0, 2**62)
    limit = web.whole(request, "limit", actions.PAGE, 1, 100)
    return web.answer(await actions.log(web.state_of(request), await web.actor(request), before, limit))


routes = [
    Route("/api/comments/{id}/decision", decide, methods=["POST"]),
    Route("/api/moderation/queue", queue, methods=["GET"]),
    Route("/api/moderation/log", log, methods=["GET"]),
]
