"""Votes over HTTP."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.actions import votes as actions
from server.routes import web


class _Vote(msgspec.Struct):
    value: int


async def put(request: Request) -> Response:
    comment_id = web.path_id(request)
    wanted = await web.body(request, _Vote)
    voted = await actions.vote(web.state_of(request), await web.actor(request), comment_id, wanted.value)
    return web.answer({"value": voted.value, "up": voted.up, "down": voted.down})


routes = [Route("/api/comments/{id}/vote", put, methods=["PUT"])]
