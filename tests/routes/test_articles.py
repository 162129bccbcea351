"""Articles over HTTP: who may make and change them, how they are found, and what a publisher's page may do."""

import asyncio

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


async def test_a_page_is_one_page_however_its_address_is_spelled(doors: Doors) -> None:
    article = (await doors.article())["id"]
    first = (await doors.post(article))["event"]["comment"]["id"]
    for parent in [None] * 3 + [first] * 3:
        await doors.post(article, parent=parent)
    thread, replies, one = f"/api/articles/{article}/thread", f"/api/comments/{first}/replies", f"/api/comments/{first}"
    further = (await doors.ask("GET", f"{thread}?limit=2")).json()["next"]
    for spellings in (
        ["", "?", "?_=1", "?_=2", "?sort=oldest", "?sort=", "?limit=25&sort=oldest", "?limit=025", "?cursor=", "?sort=top&sort=oldest"],
        [f"?limit=2&cursor={further}", f"?cursor={further}&limit=02&x", f"?cursor=&sort=oldest&limit=2&cursor={further}"],
    ):  # fmt: skip
        await _are_one_page(doors, [thread + spelled for spelled in spellings], reads=1)
    await _are_one_page(doors, [thread.replace("articles/", "articles/00")], reads=0)
    await _are_one_page(
        doors, [replies, f"{replies}?limit=50", f"{replies}?_=1&sort=top", replies.replace("s/", "s/0", 1)]
    )
    await _are_one_page(doors, [one, f"{one}?_=1", f"{one}?limit=3"])
    tags = [
        (await doors.ask("GET", path)).headers["etag"]
        for path in (thread, f"{thread}?sort=newest", f"{thread}?limit=24", replies, f"{replies}?limit=25", one)
    ]
    assert len(set(tags)) == len(tags), "pages that differ have names of their own"


async def _are_one_page(doors: Doors, paths: list[str], reads: int = 1) -> None:
    before = doors.site.state.database.reads["page"]
    pages = [await doors.ask("GET", path) for path in paths]
    assert {page.status_code for page in pages} == {200}, paths
    assert len({page.headers["etag"] for page in pages}) == 1, paths
    assert len({page.content for page in pages}) == 1, paths
    assert doors.site.state.database.reads["page"] - before == reads, paths


async def test_a_cursor_has_one_spelling(doors: Doors) -> None:
    article = (await doors.article())["id"]
    for _ in range(3):
        await doors.post(article)
    cursor = (await doors.ask("GET", f"/api/articles/{article}/thread?limit=1")).json()["next"]
    for spelled in (cursor + "=", cursor[:3] + "!" + cursor[3:], cursor[:3] + "%20" + cursor[3:]):
        is_problem(await doors.ask("GET", f"/api/articles/{article}/thread?cursor={spelled}"), 400)


async def test_what_an_answer_varies_by_is_named_once(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article)
    for token in (None, said["token"]):
        answer = await doors.ask("GET", f"/api/articles/{article}/thread", token=token, Origin=FRIEND)
        named = [name.strip().lower() for name in answer.headers["vary"].split(",")]
        assert {"authorization", "origin"} <= set(named) and len(set(named)) == len(named), named


async def test_whatever_was_erased_is_on_no_page_that_is_asked_for_after_the_answer(doors: Doors) -> None:
    """Several pages of one discussion are being made when something on all of them goes (DESIGN law 11)."""
    article = (await doors.article())["id"]
    path = f"/api/articles/{article}/thread?sort=newest&limit="

    async def pages() -> list[str]:
        return [page.text for page in await asyncio.gather(*(doors.ask("GET", f"{path}{n}") for n in range(10, 16)))]

    for number in range(60):
        secret = f"secret{number}."
        said = await doors.post(article, secret)
        asking = asyncio.create_task(pages())
        for _ in range(number % 12):
            await asyncio.sleep(0)
        one = f"/api/comments/{said['event']['comment']['id']}"
        if number % 2:
            answer = await doors.ask("DELETE", one, token=said["token"])
        else:
            answer = await doors.ask("PATCH", one, {"text": "Nothing."}, token=said["token"])
        assert answer.status_code == 200, answer.text
        assert not [text for text in await pages() if secret in text], f"round {number}"
        await asking
        assert not [text for text in await pages() if secret in text], f"round {number}, what is kept"


async def test_counts_are_given_for_many_articles_at_once(doors: Doors) -> None:
    one, two = await doors.article(url=f"{FRIEND}/one"), await doors.article()
    await doors.post(one["id"])
    answer = await doors.ask("GET", f"/api/counts?id={one['id']}&id={two['id']}&id=999")
    assert answer.json()["counts"] == {str(one["id"]): 1, str(two["id"]): 0}
    assert (await doors.ask("GET", f"/api/counts?url={FRIEND}/one/")).json()["counts"] == {f"{FRIEND}/one/": 1}
    is_problem(await doors.ask("GET", "/api/counts?" + "&".join(f"id={n}" for n in range(1, 202))), 400)
    is_problem(await doors.ask("GET", "/api/counts?id=x"), 400)
