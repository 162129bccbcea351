"""Articles over HTTP: who may make and change them, how they are found, and what a publisher's page may do."""

import pytest

from server.models import Role
from tests.routes.conftest import FRIEND, Doors, is_problem

FIELDS = {
    "id", "slug", "url", "title", "byline", "published_at", "image", "state", "slow_mode_seconds", "comment_count",
    "created_at",
}  # fmt: skip


async def test_a_moderator_makes_an_article_and_everyone_finds_it(doors: Doors) -> None:
    body = {
        "title": "Night trains", "body": "Some *text*.", "url": "https://www.paper.example/night/?utm_source=x#top",
        "byline": "B. Line", "published_at": "2026-03-01T12:00:00Z", "image": {"url": "https://paper.example/a.jpg", "caption": "A"},
    }  # fmt: skip
    answer = await doors.ask("POST", "/api/articles", body, token=doors.moderator)
    made = answer.json()
    assert answer.status_code == 201 and answer.headers["location"] == f"/api/articles/{made['id']}"
    assert set(made) >= FIELDS and (made["state"], made["comment_count"]) == ("open", 0)
    assert made["published_at"] == "2026-03-01T12:00:00.000000Z"
    assert (await doors.ask("GET", f"/api/articles/{made['id']}")).json() == made
    found = await doors.ask("GET", "/api/articles?url=http://paper.example/night")
    assert found.json() == {"articles": [made], "next": None}
    is_problem(await doors.ask("POST", "/api/articles", body, token=doors.moderator), 409)


async def test_making_and_changing_is_for_moderators_on_our_own_origin(doors: Doors) -> None:
    article = await doors.article()
    guest = (await doors.post(article["id"]))["token"]
    member = await doors.person("Mem", Role.MEMBER)
    admin = await doors.person("Ada Min", Role.ADMIN)
    for method, path in (("POST", "/api/articles"), ("PATCH", f"/api/articles/{article['id']}")):
        is_problem(await doors.ask(method, path, {"title": "x"}), 401)
        is_problem(await doors.ask(method, path, {"title": "x"}, token="unknown"), 401)
        for token in (guest, member):
            is_problem(await doors.ask(method, path, {"title": "x"}, token=token), 403)
        for token in (doors.moderator, admin):
            is_problem(await doors.ask(method, path, {"title": "x"}, token=token, Origin=FRIEND), 403)
        assert (await doors.ask(method, path, {"title": "x"}, token=admin)).is_success


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"), ({"title": ""}, "title"), ({"title": 3}, "title"), ({"title": "x" * 301}, "title"),
        ({"title": "x", "body": 3}, "body"), ({"title": "x", "format": "word"}, "format"),
        ({"title": "x", "url": "javascript:alert(1)"}, "url"), ({"title": "x", "url": "/relative"}, "url"),
        ({"title": "x", "published_at": "yesterday"}, "published_at"), ({"title": "x", "byline": "x" * 201}, "byline"),
        ({"title": "x", "image": {}}, "image.url"), ({"title": "x", "image": {"url": 3}}, "image.url"),
        ({"title": "x", "image": "a.jpg"}, "image"),
    ],
)  # fmt: skip
async def test_wrong_fields_are_422_and_named(doors: Doors, body: dict[str, object], field: str) -> None:
    is_problem(await doors.ask("POST", "/api/articles", body, token=doors.moderator), 422, field)


async def test_a_change_is_checked_and_answered_with_the_article(doors: Doors) -> None:
    article = await doors.article()
    path = f"/api/articles/{article['id']}"
    for body, field in (
        ({"state": "ajar"}, "state"), ({"slow_mode_seconds": 3601}, "slow_mode_seconds"),
        ({"slow_mode_seconds": "1"}, "slow_mode_seconds"), ({"title": None}, "title"),
    ):  # fmt: skip
        is_problem(await doors.ask("PATCH", path, body, token=doors.moderator), 422, field)
    for state in ("closed", "premoderated", "open"):
        assert (await doors.ask("PATCH", path, {"state": state}, token=doors.moderator)).json()["state"] == state
    is_problem(await doors.ask("PATCH", "/api/articles/999", {"state": "open"}, token=doors.moderator), 404)


async def test_a_page_of_an_allowed_origin_opens_its_discussion_without_a_token(doors: Doors) -> None:
    body = {"url": f"{FRIEND}/story?utm_campaign=x", "title": "A story"}
    made = await doors.ask("POST", "/api/articles/resolve", body, Origin=FRIEND)
    assert made.status_code == 200 and made.json()["title"] == "A story"
    for url in (f"{FRIEND}/story/", f"{FRIEND}/story#comments", "http://www.paper.example/story"):
        again = await doors.ask("POST", "/api/articles/resolve", {"url": url}, Origin=FRIEND)
        assert again.json()["id"] == made.json()["id"], url


async def test_nobody_opens_discussions_for_pages_that_are_not_allowed(doors: Doors) -> None:
    for url, origin in (
        ("https://evil.example/x", FRIEND), (f"{FRIEND}/x", "https://evil.example"), ("https://evil.example/x", "https://evil.example"),
        (f"{FRIEND}.evil.example/x", FRIEND),
    ):  # fmt: skip
        is_problem(await doors.ask("POST", "/api/articles/resolve", {"url": url}, Origin=origin), 403)
    for url in ("", "paper", "javascript:x", "https://"):
        is_problem(await doors.ask("POST", "/api/articles/resolve", {"url": url}, Origin=FRIEND), 422, "url")
    is_problem(await doors.ask("POST", "/api/articles/resolve", {}, Origin=FRIEND), 422, "url")


async def test_articles_are_listed_newest_first_in_pages(doors: Doors) -> None:
    made = [(await doors.article(f"Number {number}"))["id"] for number in range(5)]
    found: list[int] = []
    cursor = ""
    while True:
        page = (await doors.ask("GET", f"/api/articles?limit=2&cursor={cursor}")).json()
        found += [row["id"] for row in page["articles"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert found == made[::-1]


async def test_counts_are_given_for_many_articles_at_once(doors: Doors) -> None:
    one, two = await doors.article(url=f"{FRIEND}/one"), await doors.article()
    await doors.post(one["id"])
    answer = await doors.ask("GET", f"/api/counts?id={one['id']}&id={two['id']}&id=999")
    assert answer.json()["counts"] == {str(one["id"]): 1, str(two["id"]): 0}
    assert (await doors.ask("GET", f"/api/counts?url={FRIEND}/one/")).json()["counts"] == {f"{FRIEND}/one/": 1}
    is_problem(await doors.ask("GET", "/api/counts?" + "&".join(f"id={n}" for n in range(1, 202))), 400)
    is_problem(await doors.ask("GET", "/api/counts?id=x"), 400)
