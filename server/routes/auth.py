"""Sessions and oneself over HTTP: sign-in by a one-time link, sign-out, own data, erasure."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.actions import accounts
from server.routes import web


class _SignIn(msgspec.Struct):
    link: str


async def sign_in(request: Request) -> Response:
    asked = await web.body(request, _SignIn)
    signed_in = await accounts.sign_in_with_link(web.state_of(request), await web.actor(request), asked.link)
    return web.answer(accounts.shown(signed_in), 201)


async def sign_out(request: Request) -> Response:
    await accounts.sign_out(web.state_of(request), await web.actor(request))
    return Response(status_code=204)


async def me(request: Request) -> Response:
    return web.answer(accounts.me(await web.actor(request)))


async def export(request: Request) -> Response:
    data = await accounts.export(web.state_of(request), await web.actor(request))
    return web.answer(data, headers={"Content-Disposition": 'attachment; filename="ripost-my-data.json"'})


async def erase(request: Request) -> Response:
    deleted = await accounts.erase(web.state_of(request), await web.actor(request))
    return web.answer({"deleted_comments": deleted})


routes = [
    Route("/api/sessions", sign_in, methods=["POST"]),
    Route("/api/sessions/current", sign_out, methods=["DELETE"]),
    Route("/api/me", me, methods=["GET"]),
    Route("/api/me", erase, methods=["DELETE"]),
    Route("/api/me/export", export, methods=["GET"]),
]
