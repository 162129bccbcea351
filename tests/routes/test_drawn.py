"""The first page of a discussion with its elements as data, for pages of somebody else's: the same as on our own."""

import json
import re
from typing import Any

from server.markup.nodes import markup
from server.render import to_html
from tests.routes.conftest import Doors, is_problem

URL = "https://paper.example/night"


async def drawn(doors: Doors, query: str) -> dict[str, Any]:
    answer = await doors.ask("GET", f"/api/drawn?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_the_page_of_the_api_and_the_elements_of_our_own_page(doors: Doors) -> None:
    article = await doors.article(url=URL)
    first = await doors.post(article["id"], "First **bold** <b>")
    await doors.post(article["id"], "A reply", parent=first["event"]["comment"]["id"], name="<i>Ben")
    found = await drawn(doors, f"article={article['id']}")
    assert found["page"] == (await doors.ask("GET", f"/api/articles/{article['id']}/thread")).json()
    trees = {comment["id"]: comment["tree"] for comment in found["page"]["comments"]}
    made = markup(found["section"], lambda id: to_html(trees[id]))
    assert made in (await doors.ask("GET", f"/a/{article['slug']}")).text
    assert "&lt;i&gt;Ben" in made and "<strong>bold</strong>" in made


async def test_a_page_is_found_by_its_address_however_it_is_spelled_and_never_made(doors: Doors) -> None:
    article = await doors.article(url=URL)
    for spelled in (URL, f"{URL}?utm_source=x", f"{URL}%23part"):
        assert (await drawn(doors, f"url={spelled}"))["page"]["article"]["id"] == article["id"]
    unseen = await doors.ask("GET", "/api/drawn?url=https://paper.example/never")
    assert unseen.status_code == 204 and unseen.headers["cache-control"] == "no-store"
    assert (await doors.ask("GET", "/api/articles?url=https://paper.example/never")).json()["articles"] == []
    is_problem(await doors.ask("GET", "/api/drawn?article=999"), 404)
    for wrong in ("", "article=", "url=", "article=x", "url=ftp://a", f"url={URL}&sort=best"):
        is_problem(await doors.ask("GET", f"/api/drawn?{wrong}"), 400)


async def test_it_says_what_it_says_in_the_words_and_the_order_that_are_asked_for(doors: Doors) -> None:
    article = await doors.article(url=URL)
    for name in ("Ada", "Ben"):
        await doors.post(article["id"], name=name)
    german = await drawn(doors, f"url={URL}&lang=de-AT&sort=newest")
    assert german["section"][1]["lang"] == "de" and "dir" not in german["section"][1]
    assert "2 Kommentare" in json.dumps(german["section"])
    assert [comment["author"]["name"] for comment in german["page"]["comments"]] == ["Ben", "Ada"]
    assert [int(id) for id in re.findall(r'"data-comment-id": "(\d+)"', json.dumps(german["section"]))] == [2, 1]
    arabic = await drawn(doors, f"url={URL}&lang=ar")
    assert (arabic["section"][1]["lang"], arabic["section"][1]["dir"]) == ("ar", "rtl")
    assert (await drawn(doors, f"url={URL}&lang=tlh"))["section"][1]["lang"] == "en"


async def test_it_is_the_same_for_everyone_and_sent_again_only_when_it_has_changed(doors: Doors) -> None:
    article = await doors.article(url=URL)
    await doors.post(article["id"])
    first = await doors.ask("GET", f"/api/drawn?url={URL}", token=doors.moderator)
    assert first.json()["page"]["viewer"] is None
    assert first.headers["cache-control"] == "public, max-age=0, s-maxage=1"
    again = await doors.ask("GET", f"/api/drawn?url={URL}", if_none_match=first.headers["etag"])
    assert again.status_code == 304 and not again.content
    await doors.ask("POST", "/api/comments/1/decision", {"decision": "reject", "reason": "spam"}, token=doors.moderator)
    changed = await doors.ask("GET", f"/api/drawn?url={URL}", if_none_match=first.headers["etag"])
    assert changed.status_code == 200 and "comment-1" not in changed.text


async def test_an_id_and_an_address_that_looks_like_one_are_two_things(doors: Doors) -> None:
    one = await doors.article("One")
    other = await doors.article("Other", url=f"http://{one['id']}")
    assert (await drawn(doors, f"url=http://{one['id']}"))["page"]["article"]["id"] == other["id"]
    assert (await drawn(doors, f"article={one['id']}"))["page"]["article"]["id"] == one["id"]
