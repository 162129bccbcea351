"""Comments over HTTP: each answer of CONTRACT.md with its exact status, and pages as their caches may keep them."""

import json
import uuid

import pytest

from server.models import Role
from tests.routes.conftest import FRIEND, Doors, draft, is_problem
from tests.support.site import open_site


async def test_a_guest_posts_and_is_answered_with_the_event_and_a_token(doors: Doors) -> None:
    article = (await doors.article())["id"]
    body = draft(text="Hello *you*.")
    answer = await doors.ask("POST", f"/api/articles/{article}/comments", body)
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    event = answer.json()["event"]
    assert (event["type"], event["article"], event["seq"]) == ("comment.posted", article, 1)
    assert event["comment"]["tree"] == [["p", "Hello ", ["em", "you"], "."]]
    assert event["comment"]["author"]["name"] == "Ada" and event["comment"]["author"]["role"] == "guest"
    assert body["client_id"] not in json.dumps(event)
    again = await doors.ask("POST", f"/api/articles/{article}/comments", body)
    assert again.status_code == 200 and again.json() == answer.json()
    me = await doors.ask("GET", "/api/me", token=answer.json()["token"])
    assert me.json()["name"] == "Ada"


async def test_wrong_fields_are_422_and_named(doors: Doors) -> None:
    article = (await doors.article())["id"]
    for more, field in (
        ({"text": ""}, "text"), ({"text": " \n\u200b"}, "text"), ({"text": "x" * 10_001}, "text"), ({"text": 3}, "text"),
        ({"text": None}, "text"), ({"name": ""}, "name"), ({"name": None}, "name"), ({"name": "x" * 200}, "name"),
        ({"name": ["Ada"]}, "name"), ({"client_id": "1"}, "client_id"), ({"client_id": None}, "client_id"),
        ({"parent": "1"}, "parent"), ({"parent": 0}, "parent"), ({"parent": 1.5}, "parent"), ({"parent": True}, "parent"),
    ):  # fmt: skip
        is_problem(await doors.ask("POST", f"/api/articles/{article}/comments", draft(**more)), 422, field)
    missing = draft()
    del missing["client_id"]
    is_problem(await doors.ask("POST", f"/api/articles/{article}/comments", missing), 422, "client_id")
    page = await doors.ask("GET", f"/api/articles/{article}/thread")
    assert page.json()["comments"] == [] and page.json()["seq"] == 0


async def test_unknown_fields_are_ignored(doors: Doors) -> None:
    article = (await doors.article())["id"]
    await doors.post(article, status="visible", id=7, author={"role": "admin"}, up=9)
    comment = (await doors.ask("GET", f"/api/articles/{article}/thread")).json()["comments"][0]
    assert (comment["author"]["role"], comment["up"], comment["depth"]) == ("guest", 0, 0)


async def test_what_is_not_there_is_404_and_what_cannot_be_now_is_409(doors: Doors) -> None:
    article, other = (await doors.article())["id"], (await doors.article())["id"]
    first = await doors.post(article)
    comment = first["event"]["comment"]["id"]
    path = f"/api/articles/{article}/comments"
    is_problem(await doors.ask("POST", "/api/articles/999/comments", draft()), 404)
    is_problem(await doors.ask("POST", path, draft(parent=999)), 404)
    is_problem(await doors.ask("POST", f"/api/articles/{other}/comments", draft(parent=comment)), 404)
    is_problem(await doors.ask("PATCH", "/api/comments/999", {"text": "x"}, token=first["token"]), 404)
    is_problem(await doors.ask("DELETE", "/api/comments/999", token=first["token"]), 404)
    known = draft()
    await doors.ask("POST", path, known)
    is_problem(await doors.ask("POST", path, known | {"text": "Something else."}), 409)
    is_problem(await doors.ask("POST", path, known, token=first["token"]), 409)
    assert (await doors.ask("DELETE", f"/api/comments/{comment}", token=first["token"])).status_code == 200
    is_problem(await doors.ask("POST", path, draft(parent=comment)), 409)
    is_problem(await doors.ask("DELETE", f"/api/comments/{comment}", token=first["token"]), 409)
    is_problem(await doors.ask("PATCH", f"/api/comments/{comment}", {"text": "x"}, token=first["token"]), 409)
    await doors.ask("PATCH", f"/api/articles/{article}", {"state": "closed"}, token=doors.moderator)
    is_problem(await doors.ask("POST", path, draft()), 409)
    is_problem(await doors.ask("GET", f"/api/comments/{comment}"), 404)


async def test_a_comment_is_changed_by_its_author_and_nobody_else(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said, stranger = await doors.post(article), await doors.post(article)
    path = f"/api/comments/{said['event']['comment']['id']}"
    is_problem(await doors.ask("PATCH", path, {"text": "x"}), 401)
    is_problem(await doors.ask("PATCH", path, {"text": "x"}, token="unknown"), 401)
    is_problem(await doors.ask("PATCH", path, {"text": "x"}, token=stranger["token"]), 403)
    is_problem(await doors.ask("DELETE", path, token=stranger["token"]), 403)
    is_problem(await doors.ask("PATCH", path, {}, token=said["token"]), 422, "text")
    edited = (await doors.ask("PATCH", path, {"text": "Better."}, token=said["token"])).json()["event"]
    assert (edited["type"], edited["comment"]["tree"]) == ("comment.edited", [["p", "Better."]])
    assert (await doors.ask("GET", path + "/source", token=said["token"])).json() == {"text": "Better."}
    is_problem(await doors.ask("GET", path + "/source"), 401)
    is_problem(await doors.ask("GET", path + "/source", token=stranger["token"]), 403)
    doors.site.clock.advance(15 * 60 + 1)
    is_problem(await doors.ask("PATCH", path, {"text": "x"}, token=said["token"]), 403)
    removed = (await doors.ask("DELETE", path, token=doors.moderator)).json()["event"]
    assert (removed["type"], removed["status"]) == ("comment.removed", "removed")


async def test_an_edit_that_says_what_was_read_replaces_nothing_else(doors: Doors) -> None:
    said = await doors.post((await doors.article())["id"])
    path = f"/api/comments/{said['event']['comment']['id']}"
    first = await doors.ask("PATCH", path, {"text": "One.", "edited_at": None}, token=said["token"])
    at = first.json()["event"]["comment"]["edited_at"]
    is_problem(await doors.ask("PATCH", path, {"text": "Two.", "edited_at": None}, token=doors.moderator), 412)
    is_problem(await doors.ask("PATCH", path, {"text": "Two.", "edited_at": 7}, token=said["token"]), 422, "edited_at")
    assert (await doors.ask("PATCH", path, {"text": "Two.", "edited_at": at}, token=said["token"])).status_code == 200
    assert (await doors.ask("PATCH", path, {"text": "Three."}, token=said["token"])).status_code == 200


async def test_a_held_comment_is_answered_without_a_place_and_shown_to_nobody_else(doors: Doors) -> None:
    article = (await doors.article())["id"]
    held = await doors.post(article, "See https://elsewhere.example")
    assert "seq" not in held["event"] and held["event"]["comment"]["status"] == "pending"
    path = f"/api/comments/{held['event']['comment']['id']}"
    is_problem(await doors.ask("GET", path), 404)
    own = (await doors.ask("GET", path, token=held["token"])).json()
    assert own["comments"][0]["tree"] is not None
    page = (await doors.ask("GET", f"/api/articles/{article}/thread", token=held["token"])).json()
    assert page["comments"] == [] and [row["id"] for row in page["viewer"]["pending"]] == [own["comments"][0]["id"]]


async def test_a_page_for_nobody_in_particular_is_cached_and_checked_by_its_tag(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article)
    for path in (f"/api/articles/{article}/thread", f"/api/comments/{said['event']['comment']['id']}/replies"):
        page = await doors.ask("GET", path)
        assert page.json()["viewer"] is None
        assert "no-store" not in page.headers["cache-control"]
        assert {"authorization", "origin"} <= {name.strip().lower() for name in page.headers["vary"].split(",")}
        tag = page.headers["etag"]
        for known in (tag, f'"other", {tag}', "W/" + tag.removeprefix("W/")):
            same = await doors.ask("GET", path, If_None_Match=known)
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag), known
        assert (await doors.ask("GET", path, If_None_Match='"other"')).status_code == 200
        assert (await doors.ask("GET", path + "?limit=1")).headers["etag"] != tag
        await doors.post(article)
        changed = await doors.ask("GET", path, If_None_Match=tag)
        assert changed.status_code == 200 and changed.headers["etag"] != tag


async def test_a_page_for_somebody_is_kept_by_nobody(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article)
    page = await doors.ask("GET", f"/api/articles/{article}/thread", token=said["token"])
    assert page.headers["cache-control"] == "private, no-store" and "etag" not in page.headers
    viewer = page.json()["viewer"]
    assert viewer["person"]["name"] == "Ada" and "post" in viewer["can"] and "moderate" not in viewer["can"]
    assert {"text_max", "name_max", "edit_seconds"} <= set(viewer["limits"]) and viewer["now"].endswith("Z")
    tagged = await doors.ask("GET", f"/api/articles/{article}/thread")
    same = await doors.ask(
        "GET", f"/api/articles/{article}/thread", token=said["token"], If_None_Match=tagged.headers["etag"]
    )
    assert same.status_code == 200, "somebody's own page is never a 304 of everybody's"
    is_problem(await doors.ask("GET", f"/api/articles/{article}/thread", token="unknown"), 401)


async def test_a_token_works_only_on_the_origin_it_was_made_on(doors: Doors) -> None:
    article = (await doors.article())["id"]
    answer = await doors.ask("POST", f"/api/articles/{article}/comments", draft(), Origin=FRIEND)
    token = answer.json()["token"]
    assert (await doors.ask("GET", "/api/me", token=token, Origin=FRIEND)).status_code == 200
    is_problem(await doors.ask("GET", "/api/me", token=token, Origin="https://other.example"), 401)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_too_many_comments_are_429_and_say_when_to_come_back(sqlite_url: str, database: str) -> None:
    async with open_site(sqlite_url) as site:
        site.state.limits._enabled = True  # open_site turns them off; everything else of the site is the same
        doors = Doors(site)
        doors.moderator = await doors.person("Mo", Role.MODERATOR)
        article = (await doors.article())["id"]
        answers = [await doors.ask("POST", f"/api/articles/{article}/comments", draft()) for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code != 201]
        assert refused and answers[0].status_code == 201
        found = is_problem(refused[0], 429)
        seconds = int(refused[0].headers["retry-after"])
        assert seconds >= 1 and found["retry_after"] <= seconds
        site.clock.advance(seconds)
        assert (await doors.ask("POST", f"/api/articles/{article}/comments", draft())).status_code == 201


async def test_a_client_id_is_the_same_however_it_is_spelt(doors: Doors) -> None:
    article = (await doors.article())["id"]
    made = uuid.uuid4()
    first = await doors.ask("POST", f"/api/articles/{article}/comments", draft(client_id=str(made)))
    again = await doors.ask("POST", f"/api/articles/{article}/comments", draft(client_id=str(made).upper()))
    assert (first.status_code, again.status_code) == (201, 200)
