"""Comments over HTTP: bytes to a Draft and the stored frame back; single comments, their replies and source."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.actions import comments as actions
from server.actions import threads
from server.actions.moderation import Reading
from server.errors import NotFound
from server.models import Draft
from server.routes import web
from server.routes.articles import page
from server.storage import comments


class _New(msgspec.Struct):
    client_id: str
    text: str
    parent: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    name: str | None = None


class _Edit(msgspec.Struct):
    text: str
    edited_at: str | msgspec.UnsetType | None = msgspec.UNSET


class _Preview(msgspec.Struct):
    text: str


async def post(request: Request) -> Response:
    article_id = web.path_id(request)
    new = await web.body(request, _New)
    draft = Draft(client_id=new.client_id, text=new.text, parent=new.parent, name=new.name)
    posted = await actions.post_comment(web.state_of(request), await web.actor(request), article_id, draft)
    token = "" if posted.token is None else f',"token":"{posted.token}"'
    return web.text_answer(f'{{"event":{posted.frame}{token}}}', 201 if posted.created else 200)


async def edit(request: Request) -> Response:
    comment_id = web.path_id(request)
    changed = await web.body(request, _Edit)
    read = None if changed.edited_at is msgspec.UNSET else Reading(changed.edited_at)
    frame = await actions.edit_comment(web.state_of(request), await web.actor(request), comment_id, changed.text, read)
    return web.text_answer(f'{{"event":{frame}}}')


async def delete(request: Request) -> Response:
    frame = await actions.delete_comment(web.state_of(request), await web.actor(request), web.path_id(request))
    return web.text_answer(f'{{"event":{frame}}}')


async def preview(request: Request) -> Response:
    asked = await web.body(request, _Preview)
    return web.answer({"tree": actions.preview(web.state_of(request), await web.actor(request), asked.text)})


async def show(request: Request) -> Response:
    comment_id = web.path_id(request)
    actor = await web.actor(request)
    article_id = await _article_of(request, comment_id)
    return await page(request, actor, article_id, lambda tx: threads.read_context(tx, comment_id, actor))


async def replies(request: Request) -> Response:
    comment_id = web.path_id(request)
    limit = web.whole(request, "limit", threads.REPLIES, 1, threads.MAX_LIMIT)
    cursor = request.query_params.get("cursor") or None
    actor = await web.actor(request)
    article_id = await _article_of(request, comment_id)
    return await page(request, actor, article_id, lambda tx: threads.read_replies(tx, comment_id, cursor, limit, actor))


async def source(request: Request) -> Response:
    text = await actions.comment_source(web.state_of(request), await web.actor(request), web.path_id(request))
    return web.answer({"text": text})


async def _article_of(request: Request, comment_id: int) -> int:
    comment = await web.state_of(request).database.read(lambda tx: comments.get(tx, comment_id))
    if comment is None:
        raise NotFound(f"there is no comment {comment_id}")
    return comment.article_id


routes = [
    Route("/api/preview", preview, methods=["POST"]),
    Route("/api/articles/{id}/comments", post, methods=["POST"]),
    Route("/api/comments/{id}", show, methods=["GET"]),
    Route("/api/comments/{id}", edit, methods=["PATCH"]),
    Route("/api/comments/{id}", delete, methods=["DELETE"]),
    Route("/api/comments/{id}/replies", replies, methods=["GET"]),
    Route("/api/comments/{id}/source", source, methods=["GET"]),
]
