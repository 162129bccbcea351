"""The interface described for programs: OpenAPI 3.1 for HTTP, AsyncAPI 3.1 for the live protocol. Only what is built.

The operations stand in one table here; the schemas come from the types that requests are read with and answers are
made of, so they cannot drift apart. A test holds the table against the routes.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import __version__, events
from server.actions.articles import Changes, NewArticle
from server.models import Decision, Sort
from server.presence import MOST_PLACES
from server.routes import web
from server.tallies import MOST_WATCHED

_PROBLEM = "Problem"
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


_CURSOR = _query("cursor", {"type": "string"})
_LIMIT = _query("limit", {"type": "integer", "minimum": 1, "maximum": 100})
_SORT = _query("sort", {"type": "string", "enum": list(Sort)})


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_STRING: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
_EVENT = _object(["event"], event=_ref("Event"))

# method, path, summary, parameters, body schema, {status: schema or None}, errors
_OPERATIONS: tuple[
    tuple[str, str, str, list[dict[str, Any]], dict[str, Any] | None, dict[int, Any], tuple[int, ...]],
    ...,
] = (
    ("get", "/api/articles", "Articles, newest first; or the one at a URL", [_CURSOR, _LIMIT, _query("url", _STRING)],
     None, {200: _object(["articles", "next"], articles={"type": "array", "items": _ref("Article")},
                         next=_nullable(_STRING))}, (400,)),
    ("post", "/api/articles", "Make an article (moderator up)", [], _ref("NewArticle"), {201: _ref("Article")},
     (401, 403, 409, 413, 415, 422)),
    ("post", "/api/articles/resolve", "The article of a publisher's page, found or made", [],
     _object(["url"], url=_STRING, title=_nullable(_STRING)), {200: _ref("Article")}, (403, 415, 422, 429)),
    ("get", "/api/articles/{id}", "One article", [_ID], None, {200: _ref("Article")}, (404,)),
    ("patch", "/api/articles/{id}", "Change an article (moderator up); reaches open pages", [_ID], _ref("Changes"),
     {200: _ref("Article")}, (401, 403, 404, 409, 422)),
    ("get", "/api/articles/{id}/thread", "A page of the discussion, with its position", [_ID, _SORT, _CURSOR, _LIMIT],
     None, {200: _ref("Page"), 304: None}, (400, 401, 404)),
    ("get", "/api/drawn", "The first page of the discussion of an article or a publisher's page, with its elements, "
     "[tag, {attributes}, ...children], where a number stands for what the comment of this id says",
     [_query("article", {"type": "integer", "minimum": 1}), _query("url", _STRING), _SORT, _query("lang", _STRING)],
     None,
     {200: _object(["section", "page"], section={"type": "array"}, page=_ref("Page")), 204: None, 304: None},
     (400, 404)),
    ("get", "/api/articles/{id}/events", "Events after a position: a stream, or a long poll of at most 25 s",
     [_ID, _query("epoch", _STRING), _query("since", _WHOLE), _query("wait", _WHOLE)], None,
     {200: _object(["epoch", "seq"], epoch=_STRING, seq=_WHOLE, reset={"type": "boolean"},
                   events={"type": "array", "items": _ref("Event")})}, (400, 403, 404, 429)),
    ("post", "/api/articles/{id}/comments", "Post a comment or a reply; a retry answers 200 with the same event", [_ID],
     _ref("NewComment"), {201: _object(["event"], event=_ref("Event"), token=_STRING),
                          200: _object(["event"], event=_ref("Event"), token=_STRING)},
     (400, 401, 404, 409, 413, 415, 422, 429, 503, 507)),
    ("post", "/api/preview", "The tree that a text would become; nothing is stored", [],
     _object(["text"], text=_STRING), {200: _object(["tree"], tree={"type": "array"})}, (400, 401, 413, 415, 422, 429)),
    ("get", "/api/comments/{id}", "A comment with its ancestors and first replies", [_ID], None,
     {200: _ref("Page"), 304: None}, (401, 404)),
    ("patch", "/api/comments/{id}", "Edit a comment (author within the window, or moderator)", [_ID],
     _object(["text"], text=_STRING, edited_at=_nullable(_STRING)), {200: _EVENT},
     (401, 403, 404, 409, 412, 422, 429)),
    ("delete", "/api/comments/{id}", "Delete or remove a comment", [_ID], None, {200: _EVENT}, (401, 403, 404, 409)),
    ("get", "/api/comments/{id}/replies", "What is below a comment, depth-first", [_ID, _CURSOR, _LIMIT], None,
     {200: _ref("Page"), 304: None}, (400, 401, 404)),
    ("get", "/api/comments/{id}/source", "The Markdown source (author or moderator)", [_ID], None,
     {200: _object(["text"], text=_STRING)}, (401, 403, 404)),
    ("post", "/api/comments/{id}/report", "Report a comment to the moderators; again changes nothing", [_ID],
     _object(["reason"], reason={"type": "string", "minLength": 1, "maxLength": 60}, note=_nullable(_STRING)),
     {202: _object(["status"], status={"const": "received"})}, (400, 401, 404, 409, 413, 415, 422, 429)),
    ("put", "/api/comments/{id}/vote", "Vote for a comment (1), against it (-1), or take that back (0)", [_ID],
     _object(["value"], value={"type": "integer", "enum": [1, 0, -1]}),
     {200: _object(["value", "up", "down"], value={"type": "integer", "enum": [1, 0, -1]}, up=_WHOLE, down=_WHOLE)},
     (401, 404, 409, 415, 422, 429, 503, 507)),
    ("post", "/api/comments/{id}/decision", "Decide about a comment (moderator up)", [_ID],
     _object(["decision"], decision={"type": "string", "enum": list(Decision)}, reason=_nullable(_STRING),
             edited_at=_nullable(_STRING)),
     {200: _object(["comment"], comment=_ref("Comment"), event=_ref("Event"))}, (401, 403, 404, 409, 412, 422)),
    ("get", "/api/moderation/queue", "What waits, was reported or was removed (moderator up)",
     [_query("state", {"type": "string", "enum": ["pending", "reported", "removed"]}), _CURSOR, _LIMIT], None,
     {200: _object(["comments", "articles", "next"], comments={"type": "array", "items": _ref("Comment")},
                   articles={"type": "object"}, held_for={"type": "object"}, reports={"type": "object"},
                   next=_nullable(_STRING))}, (400, 401, 403)),
    ("get", "/api/moderation/log", "What was decided, by whom (moderator up)", [_CURSOR, _LIMIT], None,
     {200: _object(["decisions", "next"], decisions={"type": "array"}, next=_nullable(_STRING))}, (401, 403)),
    ("post", "/api/sessions", "Sign in with a one-time link", [], _object(["link"], link=_STRING),
     {201: _object(["token", "person"], token=_STRING, person={"type": "object"})}, (401, 422, 429)),
    ("delete", "/api/sessions/current", "Sign out", [], None, {204: None}, (401,)),
    ("get", "/api/me", "Oneself", [], None, {200: {"type": "object"}}, (401,)),
    ("delete", "/api/me", "Be forgotten: deletes one's comments and person", [], None,
     {200: _object(["deleted_comments"], deleted_comments=_WHOLE)}, (401,)),
    ("get", "/api/me/export", "One's own data", [], None, {200: {"type": "object"}}, (401, 429)),
    ("get", "/api/counts", "Comment counts of up to 200 articles", [
        _query("id", {"type": "array", "items": {"type": "integer"}}),
        _query("url", {"type": "array", "items": _STRING}),
    ], None, {200: _object(["counts", "articles"], counts={"type": "object"},
                                      articles={"type": "object"})}, (400,)),
    ("get", "/healthz", "Liveness", [], None, {200: {"type": "object"}}, ()),
    ("get", "/readyz", "Readiness", [], None, {200: {"type": "object"}}, (503,)),
)  # fmt: skip


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 description."""
    paths: dict[str, Any] = {}
    for method, path, summary, parameters, body, answers, errors in _OPERATIONS:
        operation: dict[str, Any] = {"summary": summary, "operationId": _name(method, path), "parameters": parameters}
        if body is not None:
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        operation["responses"] = {
            str(status): {"description": _SAID.get(status, "Done"), **_content("application/json", schema)}
            for status, schema in answers.items()
        } | {
            str(status): {"description": _SAID[status], **_content("application/problem+json", _ref(_PROBLEM))}
            for status in errors
        }
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ripost", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.1 description of `/live`."""
    sent, received = _client_messages(), _server_messages()
    messages = {
        name: {"name": name, "payload": schema, "contentType": "application/json"}
        for name, schema in (sent | received).items()
    }

    def operation(action: str, names: dict[str, Any]) -> dict[str, Any]:
        return {
            "action": action,
            "channel": {"$ref": "#/channels/live"},
            "messages": [{"$ref": f"#/channels/live/messages/{name}"} for name in names],
        }

    return {
        "asyncapi": "3.1.0",
        "info": {"title": "Ripost live", "version": __version__},
        "channels": {
            "live": {
                "address": "/live",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {"client": operation("receive", sent), "server": operation("send", received)},
        "components": {"messages": messages, "schemas": _schemas()},
    }


def _client_messages() -> dict[str, Any]:
    return {
        "subscribe": _object(
            ["type"],
            type={"const": "subscribe"},
            article=_WHOLE,
            channel={"enum": ["moderation", "me"]},
            token=_STRING,
            epoch=_STRING,
            since=_WHOLE,
            at=_STRING,
            counts={"type": "array", "items": _WHOLE, "minItems": 1, "maxItems": MOST_WATCHED},
        ),
        "unsubscribe": _object(
            ["type"],
            type={"const": "unsubscribe"},
            article=_WHOLE,
            channel={"enum": ["moderation", "me"]},
            counts={"anyOf": [{"const": True}, {"type": "array", "items": _WHOLE}]},
        ),
        "typing": _object(["type", "article"], type={"const": "typing"}, article=_WHOLE, parent=_nullable(_WHOLE)),
        "ping": _object(["type"], type={"const": "ping"}),
    }


def _server_messages() -> dict[str, Any]:
    place = {"article": _WHOLE, "channel": _STRING, "epoch": _STRING, "seq": _WHOLE}
    return {
        "subscribed": _object(
            ["type", "epoch", "seq", "readers"], type={"const": "subscribed"}, readers=_WHOLE, **place
        ),
        "reset": _object(["type", "epoch", "seq"], type={"const": "reset"}, **place),
        "head": _object(["type", "epoch", "seq"], type={"const": "head"}, **place),
        "presence": _object(
            ["type", "article", "readers", "typing"],
            type={"const": "presence"},
            article=_WHOLE,
            readers=_WHOLE,
            typing={
                "type": "array",
                "items": _object(["parent", "count"], parent=_nullable(_WHOLE), count=_WHOLE),
                "maxItems": MOST_PLACES,
            },
        ),
        "counts": _object(
            ["type", "counts"],
            type={"const": "counts"},
            counts={"type": "object", "additionalProperties": _WHOLE},
        ),
        "unsubscribed": _object(["type", "reason"], type={"const": "unsubscribed"}, reason=_STRING),
        "pong": _object(["type"], type={"const": "pong"}),
        "error": _object(["type", "problem"], type={"const": "error"}, problem=_ref(_PROBLEM)),
        "event": _ref("Event"),
    }


def _schemas() -> dict[str, Any]:
    types = [events.Article, events.Author, events.Comment, NewArticle, Changes]
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    kinds = [
        events.POSTED,
        events.EDITED,
        events.REMOVED,
        events.RESTORED,
        events.PINNED,
        events.SCORED,
        events.ARTICLE_UPDATED,
        events.DECIDED,
        events.QUEUE_ENTERED,
        events.QUEUE_LEFT,
        events.NOOP,
    ]
    components["Comment"]["properties"]["tree"] = {
        "description": "Block nodes: text, or [tag, …children] with attributes second only for a",
        "type": ["array", "null"],
    }
    return components | {
        "Event": _object(
            ["type"],
            type={"enum": kinds},
            article={"description": "The id; in article.updated the article", "anyOf": [_WHOLE, _ref("Article")]},
            channel=_STRING,
            epoch=_STRING,
            seq=_WHOLE,
            at={"type": "string", "format": "date-time"},
            comment=_ref("Comment"),
            ancestors={"type": "array", "items": _ref("Comment")},
            id=_WHOLE,
            status=_STRING,
            pinned={"type": "boolean"},
            scores={
                "description": "By comment: [up, down] from now on",
                "type": "object",
                "additionalProperties": {"type": "array", "items": _WHOLE, "minItems": 2, "maxItems": 2},
            },
            parent=_nullable(_WHOLE),
            comment_count=_WHOLE,
            parent_replies=_nullable(_WHOLE),
            root=_WHOLE,
            above={"type": "array", "items": _WHOLE},
        ),
        "NewComment": _object(
            ["client_id", "text"],
            client_id={"type": "string", "format": "uuid"},
            text=_STRING,
            parent=_nullable(_WHOLE),
            name=_nullable(_STRING),
        ),
        "Page": _object(
            ["article", "epoch", "seq", "at", "sort", "comments", "branches", "next", "viewer"],
            article=_ref("Article"),
            epoch=_STRING,
            seq=_WHOLE,
            at=_nullable(_STRING),
            sort={"enum": list(Sort)},
            comments={"type": "array", "items": _ref("Comment")},
            branches={"type": "object", "additionalProperties": _STRING},
            next=_nullable(_STRING),
            viewer=_nullable({"type": "object"}),
        ),
        _PROBLEM: _object(
            ["type", "title", "status", "detail"],
            type=_STRING,
            title=_STRING,
            status=_WHOLE,
            detail=_STRING,
            retry_after={"type": "number"},
            errors={"type": "array", "items": _object(["field", "message"], field=_STRING, message=_STRING)},
        ),
    }


def _content(media: str, schema: dict[str, Any] | None) -> dict[str, Any]:
    return {} if schema is None else {"content": {media: {"schema": schema}}}


def _name(method: str, path: str) -> str:
    words = path.replace("/api/", "/").replace("{id}", "one").strip("/").split("/")
    return "_".join([method, *words])


_SAID = {
    201: "Made",
    202: "Received",
    204: "Done",
    304: "Not changed since that ETag",
    400: "Malformed request",
    401: "A missing, unknown or expired token",
    403: "A right that is lacking",
    404: "Unknown",
    409: "Closed, not visible, or in conflict",
    412: "Changed since it was read",
    413: "Too large",
    415: "Not JSON",
    422: "Wrong fields, each with its message",
    429: "A limit; Retry-After says when to come back",
    503: "Not available now; nothing was stored",
    507: "The disk is full; nothing was stored",
}


async def openapi_json(request: Request) -> Response:
    return web.answer(openapi(), headers=_OPEN)


async def asyncapi_json(request: Request) -> Response:
    return web.answer(asyncapi(), headers=_OPEN)


_OPEN = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}

routes = [
    Route("/openapi.json", openapi_json, methods=["GET"]),
    Route("/asyncapi.json", asyncapi_json, methods=["GET"]),
]
