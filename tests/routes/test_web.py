"""What every door shares: bodies, queries, ids and tokens that are wrong get one clear sentence and change nothing."""

from typing import Any

import msgspec
import pytest

from server.config import Config
from server.errors import BadRequest, Invalid
from server.routes import web
from tests.routes.conftest import Doors, draft, is_problem


class _Image(msgspec.Struct):
    url: str


class _Body(msgspec.Struct):
    text: str
    count: int = 0
    image: _Image | None = None
    tags: list[str] = []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "text"),
        (b'{"text": 3}', "text"),
        (b'{"text": null}', "text"),
        (b'{"text": "a", "count": "1"}', "count"),
        (b'{"text": "a", "count": 1.5}', "count"),
        (b'{"text": "a", "image": {}}', "image.url"),
        (b'{"text": "a", "image": {"url": 1}}', "image.url"),
        (b'{"text": "a", "image": []}', "image"),
        (b'{"text": "a", "tags": [1]}', "tags[0]"),
        (b"[]", ""),
        (b"null", ""),
    ],
)
def test_a_wrong_field_is_named_by_its_own_name(body: bytes, field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        web.decode(body, _Body)
    assert [name for name, _ in wrong.value.errors] == [field]
    assert "$" not in wrong.value.detail and "`" not in wrong.value.errors[0][0]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"{'text': 1}", b'{"text": "a"} more', b'{"text": NaN}', b'{"text": "a", "count": Infinity}',
        b'{"text": "\xff\xfe"}', b'{"text": "\\ud800"}', b'{"text": "a\x00b"}', b"[" * 100_000, b'{"a":' * 5_000,
        b"\xef\xbb\xbf{}",
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises((BadRequest, Invalid)) as wrong:
        web.decode(body, _Body)
    assert wrong.value.status == 400


def test_unknown_fields_are_ignored() -> None:
    assert web.decode(b'{"text": "a", "new": {"deep": [1]}}', _Body) == _Body("a")


async def test_malformed_json_is_400_and_names_no_inside(doors: Doors) -> None:
    article = (await doors.article())["id"]
    for body in (b"{", b'{"text": NaN}', b"[" * 20_000, b"\xff"):
        is_problem(await doors.ask("POST", f"/api/articles/{article}/comments", body), 400)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_other_types_than_json_are_415(doors: Doors, media: str) -> None:
    for path in ("/api/articles/1/comments", "/api/articles", "/api/sessions", "/api/articles/resolve"):
        answer = await doors.ask("POST", path, draft(), token=doors.moderator, Content_Type=media)
        is_problem(answer, 415)


async def test_bodies_over_their_bound_are_413_whatever_they_declare(doors: Doors) -> None:
    article = (await doors.article())["id"]
    path = f"/api/articles/{article}/comments"
    is_problem(await doors.ask("POST", path, draft(text="x" * 70_000)), 413)
    is_problem(
        await doors.ask("POST", "/api/articles", {"title": "x", "body": "x" * 2**20}, token=doors.moderator), 413
    )

    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    answer = await doors.site.client.request(
        "POST", path, content=endless(), headers={"Content-Type": "application/json"}
    )
    is_problem(answer, 413)
    big = await doors.ask("POST", "/api/articles", {"title": "x", "body": "word " * 50_000}, token=doors.moderator)
    assert big.status_code == 201, "an article may be larger than a comment"


@pytest.mark.parametrize(
    "id", ["0", "-1", "x", "1.0", "01x", "%00", "٣", "9" * 30, "9223372036854775808", "1e3", "None"]
)
async def test_an_id_that_is_none_is_404_everywhere(doors: Doors, id: str) -> None:
    for method, path in (
        ("GET", "/api/articles/{}"), ("GET", "/api/articles/{}/thread"), ("GET", "/api/articles/{}/events"),
        ("GET", "/api/comments/{}"), ("GET", "/api/comments/{}/replies"), ("GET", "/api/comments/{}/source"),
        ("DELETE", "/api/comments/{}"),
    ):  # fmt: skip
        is_problem(await doors.ask(method, path.format(id), token=doors.moderator), 404)
    is_problem(await doors.ask("POST", f"/api/articles/{id}/comments", draft()), 404)


async def test_limits_and_sorts_out_of_range_are_400(doors: Doors) -> None:
    article = (await doors.article())["id"]
    comment = (await doors.post(article))["event"]["comment"]["id"]
    for query in (
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=" + "9" * 40,
        "sort=worst",
        "cursor=!",
        "cursor=AAAA",
    ):
        is_problem(await doors.ask("GET", f"/api/articles/{article}/thread?{query}"), 400)
    for query in ("limit=0", "limit=101", "cursor=x", "cursor=kwEC"):
        is_problem(await doors.ask("GET", f"/api/comments/{comment}/replies?{query}"), 400)
    for query in ("limit=0", "cursor=x"):
        is_problem(await doors.ask("GET", f"/api/articles?{query}"), 400)


async def test_cursors_with_numbers_that_no_column_holds_are_400(doors: Doors) -> None:
    from server import cursors

    article = (await doors.article())["id"]
    comment = (await doors.post(article))["event"]["comment"]["id"]
    for path in (
        f"/api/articles/{article}/thread?cursor={cursors.encode(2**63, 0, 0)}",
        f"/api/articles/{article}/thread?sort=top&cursor={cursors.encode(1, 2**63, 2)}",
        f"/api/articles/{article}/thread?sort=top&cursor={cursors.encode(1, -(2**63), 2)}",
        f"/api/comments/{comment}/replies?cursor={cursors.encode(b'', 2**64 - 1)}",
        f"/api/articles?cursor={cursors.encode(2**64 - 1)}",
    ):
        answer = await doors.ask("GET", path)
        assert answer.status_code in (200, 400), f"{path}: {answer.text}"


async def test_numbers_that_no_column_holds_are_invalid_fields(doors: Doors) -> None:
    article = (await doors.article())["id"]
    for parent in (2**63, 10**30, -(2**63) - 1):
        answer = await doors.ask("POST", f"/api/articles/{article}/comments", draft(parent=parent))
        is_problem(answer, 422, "parent")
    for seconds in (2**63, -1, 10**30):
        answer = await doors.ask(
            "PATCH", f"/api/articles/{article}", {"slow_mode_seconds": seconds}, token=doors.moderator
        )
        is_problem(answer, 422, "slow_mode_seconds")


async def test_a_nul_or_half_a_character_is_never_our_fault(doors: Doors) -> None:
    """PostgreSQL stores no NUL, and no database half a surrogate pair: both are cleaned or refused, never a 5xx."""
    article = (await doors.article())["id"]
    for bad in ("a\u0000b", "a\ud800b", "\u0000"):
        asked = [
            ("POST", "/api/articles", {"title": bad}),
            ("POST", "/api/articles", {"title": "x", "body": bad, "byline": bad}),
            ("POST", "/api/articles", {"title": "x", "url": f"https://a.example/{bad}"}),
            ("POST", "/api/articles", {"title": "x", "image": {"url": "https://a.example/x.png", "caption": bad}}),
            ("POST", "/api/articles/resolve", {"url": "https://paper.example/x", "title": bad}),
            ("POST", f"/api/articles/{article}/comments", draft(text=f"Hello {bad}")),
            ("POST", f"/api/articles/{article}/comments", draft(name=f"Ada {bad}")),
            ("POST", "/api/sessions", {"link": bad}),
            ("PATCH", f"/api/articles/{article}", {"byline": bad}),
        ]
        for method, path, body in asked:
            answer = await doors.ask(method, path, body, token=doors.moderator if "resolve" not in path else None)
            assert answer.status_code < 500, f"{method} {path} {body!r}: {answer.text}"
        comment = (await doors.post(article))["event"]["comment"]["id"]
        answer = await doors.ask(
            "POST", f"/api/comments/{comment}/decision", {"decision": "reject", "reason": bad}, token=doors.moderator
        )
        assert answer.status_code < 500, answer.text
    for path in ("/api/articles?url=https://a.example/%00", "/api/counts?url=%00", "/a/%00", "/api/counts?id=%00"):
        assert (await doors.ask("GET", path)).status_code < 500, path


@pytest.mark.parametrize(
    "authorization", ["Basic eDp5", "Bearer", "Bearer ", "bearer \t", "", "nonsense", "Bearer nonsense"]
)
async def test_an_authorization_that_is_no_token_of_ours_is_401_everywhere(doors: Doors, authorization: str) -> None:
    article = (await doors.article())["id"]
    asked = [
        ("GET", "/api/me", None),
        ("GET", f"/api/articles/{article}/thread", None),
        ("POST", f"/api/articles/{article}/comments", draft()),
        ("POST", "/api/articles", {"title": "x"}),
    ]
    for method, path, body in asked:
        answer = await doors.ask(method, path, body, Authorization=authorization)
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer", path


def test_which_origin_is_ours_and_which_may_embed() -> None:
    plain = Config()
    behind = Config(public_url="https://talk.example", allowed_origins=("https://paper.example",))
    host = {"host": "talk.local:8000"}
    assert web.is_own_origin(plain, host, None) and web.is_own_origin(plain, host, "http://talk.local:8000")
    assert not web.is_own_origin(plain, host, "http://talk.local")
    assert web.is_own_origin(behind, host, "https://talk.example")
    assert not web.is_own_origin(behind, host, "http://talk.local:8000"), "PUBLIC_URL alone is where staff work"
    assert web.may_embed(behind, host, "http://talk.local:8000")
    assert web.may_embed(behind, host, "https://paper.example")
    assert not web.may_embed(behind, host, "http://paper.example")
    assert web.is_own_origin(plain, {"host": "[::1]:80"}, "http://[::1]")
    for hostile in (
        "null",
        "",
        "http://",
        "http://[",
        "http://talk.local:8000@evil.example",
        "http://x:y@talk.local:8000",
    ):
        assert not web.may_embed(plain, host, hostile), hostile
