"""Pages as they are sent: each carries the position it is true at, and shows nobody what is not theirs to see."""

import json

import pytest

from server import cursors
from server.actions import threads
from server.errors import BadRequest, NotFound
from server.models import Actor, Sort
from tests.support.build import NOBODY, Site, as_json

LINK = "look at https://example.org/page"


async def test_a_page_carries_the_position_it_is_true_at(site: Site) -> None:
    article = await site.article()
    empty = await site.thread(article)
    assert (empty["seq"], empty["at"], empty["comments"], empty["next"], empty["branches"]) == (0, None, [], None, {})
    said = [await site.post(article) for _ in range(3)]
    page = await site.thread(article)
    assert (page["epoch"], page["seq"], page["at"]) == (empty["epoch"], 3, said[-1].event["at"])
    assert [one["id"] for one in page["comments"]] == [one.id for one in said]
    assert page["comments"][0] == said[0].comment
    assert (await site.replies(said[0].id))["seq"] == 3


async def test_what_waits_is_seen_by_its_author_and_moderators_only(site: Site) -> None:
    article = await site.article()
    held = await site.post(article, LINK)
    ada, moderator, other = await site.known(held.token), await site.moderator(), await site.person()

    async def pending(by: Actor) -> list[int]:
        view = await site.database.read(lambda tx: threads.read_thread(tx, article.id, Sort.OLDEST, None, 25, by))
        assert as_json(threads.content(view))["comments"] == []
        seen = as_json(threads.viewer(site.state, by, view))
        return [one["id"] for one in seen["pending"]] if seen else []

    assert await pending(ada) == [held.id]
    assert await pending(other) == await pending(NOBODY) == []
    for by in (ada, moderator):
        page = await site.context(held.id, by)
        assert page["comments"][0]["tree"] is not None
    for by in (other, NOBODY):
        with pytest.raises(NotFound):
            await site.context(held.id, by)


async def test_the_public_part_of_a_page_is_the_same_for_everyone(site: Site) -> None:
    article = await site.article()
    root = await site.post(article, by=await site.person())
    await site.post(article, LINK)
    moderator = await site.moderator()
    await site.decide(moderator, root.id, "reject")
    pages = []
    for by in (NOBODY, moderator):
        view = await site.database.read(lambda tx: threads.read_thread(tx, article.id, Sort.OLDEST, None, 25, by))  # noqa: B023
        pages.append(threads.content(view))
    assert as_json(pages[0]) == as_json(pages[1])


async def test_a_removed_comment_with_nothing_below_is_not_there(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article, "canary")
    await site.decide(moderator, said.id, "reject")
    with pytest.raises(NotFound):
        await site.context(said.id)
    with pytest.raises(NotFound):
        await site.replies(said.id)
    await site.decide(moderator, said.id, "restore")
    reply = await site.post(article, parent=said.id)
    await site.decide(moderator, said.id, "reject")
    page = await site.context(reply.id)
    assert [(one["id"], one["status"]) for one in page["comments"]] == [(said.id, "removed"), (reply.id, "visible")]
    assert "canary" not in json.dumps(page)


async def test_a_linked_comment_comes_with_its_ancestors_and_first_replies(site: Site) -> None:
    article = await site.article()
    root = await site.post(article)
    aside = await site.post(article, parent=root.id)
    middle = await site.post(article, parent=root.id)
    asked = await site.post(article, parent=middle.id)
    below = await site.post(article, parent=asked.id)
    ids = [one["id"] for one in (await site.context(asked.id))["comments"]]
    assert ids == [root.id, middle.id, asked.id, below.id] and aside.id not in ids


@pytest.mark.parametrize("cursor", ["", "x", "====", "gAAA", "kwEC", "🙂", "x" * 5000, "lAECAwQ"])
async def test_a_cursor_that_no_page_gave_is_refused(site: Site, cursor: str) -> None:
    article = await site.article()
    root = await site.post(article)
    with pytest.raises(BadRequest, match="cursor"):
        await site.thread(article, cursor=cursor)
    with pytest.raises(BadRequest, match="cursor"):
        await site.replies(root.id, cursor=cursor)


async def test_a_cursor_with_absurd_numbers_costs_nothing(site: Site) -> None:
    article = await site.article()
    root = await site.post(article)
    for number in (-1, 2**63 - 1, -(2**63), 2**64 - 1, 0):
        for place, score, sort in ((number, 0, 0), (0, number, 2), (number, number, 1), (1, 1, number)):
            try:
                await site.thread(article, Sort.TOP, 25, cursors.encode(place, score, sort))
            except BadRequest:
                pass
        for path in (b"", b"\xff" * 600, b"\x00"):
            try:
                await site.replies(root.id, cursor=cursors.encode(path, number))
            except BadRequest:
                pass
    assert len((await site.thread(article))["comments"]) == 1


async def test_unknown_things_are_not_found(site: Site) -> None:
    with pytest.raises(NotFound):
        await site.database.read(lambda tx: threads.read_thread(tx, 999, Sort.OLDEST, None, 25, NOBODY))
    for attempt in (site.replies(999), site.context(999)):
        with pytest.raises(NotFound):
            await attempt
