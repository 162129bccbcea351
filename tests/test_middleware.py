"""Around every request: an id, security headers, CORS for exactly those who may embed, and no stack trace, ever."""

import pytest
from starlette.types import Receive, Scope, Send

from server.app import _unrouted
from server.config import Config
from server.middleware import Requests
from tests.routes.conftest import FRIEND, Doors, doors, draft, is_problem

__all__ = ["doors"]

FOREIGN = ("https://evil.example", "http://paper.example", FRIEND + ".evil.example", FRIEND + ":8443", "null", "")


async def test_a_preflight_allows_what_the_page_needs_to_allowed_origins_only(doors: Doors) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,content-type"}
    allowed = await doors.ask("OPTIONS", "/api/articles/1/comments", Origin=FRIEND, **asked)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == FRIEND
    assert set(allowed.headers["access-control-allow-methods"].split(", ")) >= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert {"authorization", "content-type"} <= set(allowed.headers["access-control-allow-headers"].lower().split(", "))
    assert "origin" in allowed.headers["vary"].lower()
    for origin in FOREIGN:
        refused = await doors.ask("OPTIONS", "/api/articles/1/comments", Origin=origin, **asked)
        assert refused.status_code == 403 and "access-control-allow-origin" not in refused.headers


async def test_answers_and_errors_may_be_read_by_allowed_pages_only(doors: Doors) -> None:
    article = (await doors.article())["id"]
    for path, status in ((f"/api/articles/{article}/thread", 200), ("/api/articles/999", 404), ("/api/me", 401)):
        answer = await doors.ask("GET", path, Origin=FRIEND)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert set(answer.headers["access-control-expose-headers"].split(", ")) >= {"ETag", "Retry-After"}
        for origin in FOREIGN:
            answer = await doors.ask("GET", path, Origin=origin)
            assert "access-control-allow-origin" not in answer.headers
            assert "origin" in answer.headers["vary"].lower()
        assert "access-control-allow-credentials" not in answer.headers


async def test_pages_of_ours_are_not_opened_to_others(doors: Doors) -> None:
    for path in ("/", "/healthz", "/metrics", "/feeds/comments.atom"):
        answer = await doors.ask("GET", path, Origin=FRIEND)
        assert answer.headers.get("access-control-allow-origin") in (None, "*"), path


async def test_every_answer_has_an_id_and_the_headers_that_make_it_harmless(doors: Doors) -> None:
    seen = set()
    for method, path, body in (
        ("GET", "/api/articles", None), ("GET", "/nothing", None), ("GET", "/healthz", None), ("GET", "/", None),
        ("PUT", "/api/articles", None), ("POST", "/api/articles/1/comments", draft()),
    ):  # fmt: skip
        answer = await doors.ask(method, path, body)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "referrer-policy" in answer.headers and "content-security-policy" in answer.headers
        assert "set-cookie" not in answer.headers and "server" not in answer.headers
        seen.add(answer.headers["x-request-id"])
    assert len(seen) == 6


async def test_a_method_that_is_none_is_405_and_says_which_are(doors: Doors) -> None:
    answer = await doors.ask("PUT", "/api/articles", {})
    is_problem(answer, 405)
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


async def test_unknown_paths_are_404_and_never_a_redirect_to_the_host_that_was_asked_for(doors: Doors) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/api/articles/", "/api/articles/1/nothing"):
        is_problem(await doors.ask("GET", path, Host="evil.example"), 404)


@pytest.mark.parametrize("started", [False, True])
async def test_what_fails_inside_is_500_with_the_id_that_the_log_has(
    started: bool, caplog: pytest.LogCaptureFixture
) -> None:
    import httpx2

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError("the secret of the inside")

    seen: list[tuple[str, int]] = []
    app = Requests(fail, Config(), lambda method, status, _: seen.append((method, status)), _unrouted)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://x"
    ) as client:
        answer = await client.get("/api/fail")
    if started:
        assert seen == [("GET", 200)]
    else:
        found = is_problem(answer, 500)
        assert "secret" not in answer.text
        assert answer.headers["x-request-id"] in found["detail"] and answer.headers["x-request-id"] in caplog.text
        assert seen == [("GET", 500)]
