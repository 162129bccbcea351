"""Moderation over HTTP: reports, decisions, what waits, what was decided."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import events
from server.actions import moderation as actions
from server.actions import reports
from server.errors import BadRequest
from server.models import Decision, Status
from server.routes import web


class _Decide(msgspec.Struct):
    decision: Decision
    reason: str | None = None
    edited_at: str | msgspec.UnsetType | None = msgspec.UNSET


class _Report(msgspec.Struct):
    reason: str
    note: str | None = None


async def report(request: Request) -> Response:
    comment_id = web.path_id(request)
    said = await web.body(request, _Report)
    await reports.report_comment(web.state_of(request), await web.actor(request), comment_id, said.reason, said.note)
    return web.answer({"status": "received"}, 202)


async def decide(request: Request) -> Response:
    comment_id = web.path_id(request)
    asked = await web.body(request, _Decide)
    read = None if asked.edited_at is msgspec.UNSET else actions.Reading(asked.edited_at)
    decided = await actions.decide(
        web.state_of(request), await web.actor(request), comment_id, asked.decision, asked.reason, read
    )
    event = "" if decided.frame is None else f',"event":{decided.frame}'
    return web.text_answer(f'{{"comment":{events.encode(decided.comment)}{event}}}')


async def queue(request: Request) -> Response:
    wanted = request.query_params.get("state") or "pending"
    if wanted not in ("pending", "reported", "removed"):
        raise BadRequest(f"state is {wanted[:40]!r}: pending, reported or removed is accepted")
    after = web.whole(request, "cursor", 0, 0, 2**62)
    limit = web.whole(request, "limit", actions.PAGE, 1, 100)
    state, actor = web.state_of(request), await web.actor(request)
    if wanted == "reported":
        return web.answer(await actions.reported(state, actor, after, limit))
    return web.answer(await actions.queue(state, actor, Status(wanted), after, limit))


async def log(request: Request) -> Response:
    before = web.whole(request, "cursor", 2**62, 0, 2**62)
    limit = web.whole(request, "limit", actions.PAGE, 1, 100)
    return web.answer(await actions.log(web.state_of(request), await web.actor(request), before, limit))


routes = [
    Route("/api/comments/{id}/report", report, methods=["POST"]),
    Route("/api/comments/{id}/decision", decide, methods=["POST"]),
    Route("/api/moderation/queue", queue, methods=["GET"]),
    Route("/api/moderation/log", log, methods=["GET"]),
]
