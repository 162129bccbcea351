"""Decisions: what a moderator may decide, that deciding twice changes nothing, and who hears of it."""

import json
from typing import Any

import pytest

from server.actions import comments, moderation
from server.actions.moderation import Reading
from server.errors import Conflict, Forbidden, Invalid, NotFound, Outdated, Unauthorized
from server.models import Actor, Decision, Role, Status
from tests.support.build import NOBODY, Site

LINK = "look at https://example.org/page"


async def types(site: Site, channel: str) -> list[str]:
    return [event["type"] for event in await site.log(channel)]


async def test_an_approved_comment_is_posted_and_its_author_told(site: Site) -> None:
    article, moderator, author = await site.article(state="premoderated"), await site.moderator(), await site.person()
    held = await site.post(article, by=author)
    decided = await site.decide(moderator, held.id, "approve")
    assert decided.comment.status == "visible"
    log = await site.log(article.channel)
    assert [event["type"] for event in log] == ["article.updated", "comment.posted"] and log[-1]["comment_count"] == 1
    assert await types(site, "moderation") == ["queue.entered", "queue.left"]
    told = await site.log(f"person:{author.id}")
    assert [(event["type"], event["id"], event["decision"], event["status"]) for event in told] == [
        ("comment.decided", held.id, "approve", "visible")
    ]
    assert told[0]["channel"] == "me"


async def test_a_text_that_nobody_has_read_is_not_approved(site: Site) -> None:
    article, moderator, author = await site.article(state="premoderated"), await site.moderator(), await site.person()
    held = await site.post(article, "harmless", by=author)
    site.clock.advance(1)
    await comments.edit_comment(site.state, author, held.id, "not harmless")
    with pytest.raises(Outdated):
        await site.decide(moderator, held.id, "approve", read=Reading(None))
    assert await types(site, article.channel) == ["article.updated"]
    rejected = await site.decide(moderator, held.id, "reject", read=Reading(None))  # whatever it says now
    with pytest.raises(Outdated):
        await site.decide(moderator, held.id, "restore", read=Reading(None))
    assert rejected.comment.edited_at is not None
    restored = await site.decide(moderator, held.id, "restore", read=Reading(rejected.comment.edited_at))
    assert restored.comment.status == "visible"
    await site.decide(moderator, held.id, "approve")  # who does not say what was read is not asked


async def test_a_comment_comes_back_with_no_more_tombstones_than_an_event_may_hold(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderation, "BURIED_MAX", 3)
    article, moderator, chain = await site.article(), await site.moderator(), []
    for _ in range(5):
        chain.append(await site.post(article, "deeper", parent=chain[-1].id if chain else None))
    for said in reversed(chain):
        await site.decide(moderator, said.id, "reject")
    with pytest.raises(Conflict, match="3 comments right above"):
        await site.decide(moderator, chain[4].id, "restore")
    assert (await site.thread(article))["comments"] == []
    await site.decide(moderator, chain[0].id, "restore")
    restored = await site.decide(moderator, chain[4].id, "restore")
    assert [one["id"] for one in json.loads(restored.frame or "")["ancestors"]] == [said.id for said in chain[1:4]]


async def test_a_rejected_comment_is_no_public_event(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    held = await site.post(article, LINK)
    decided = await site.decide(moderator, held.id, "spam")
    assert decided.frame is None and decided.comment.status == "removed"
    assert await types(site, article.channel) == []
    assert await types(site, "moderation") == ["queue.entered", "queue.left"]


async def test_one_that_was_never_published_is_posted_when_it_is_restored(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    held = await site.post(article, LINK)
    await site.decide(moderator, held.id, "reject")
    await site.decide(moderator, held.id, "restore")
    assert await types(site, article.channel) == ["comment.posted"]
    await site.decide(moderator, held.id, "reject")
    await site.decide(moderator, held.id, "restore")
    assert await types(site, article.channel) == ["comment.posted", "comment.removed", "comment.restored"]


@pytest.mark.parametrize(
    ("first", "again"),
    [("reject", "reject"), ("reject", "spam"), ("spam", "reject"), ("restore", "restore"), ("restore", "approve"),
     ("pin", "pin"), ("unpin", "unpin")],
)  # fmt: skip
async def test_deciding_what_is_so_already_changes_and_says_nothing(site: Site, first: str, again: str) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article)
    await site.decide(moderator, said.id, first)
    before = await site.log(article.channel), await site.log("moderation")
    known = await moderation.log(site.state, moderator, 2**62, 50)
    decided = await site.decide(moderator, said.id, again)
    assert decided.frame is None
    assert (await site.log(article.channel), await site.log("moderation")) == before
    assert await moderation.log(site.state, moderator, 2**62, 50) == known


async def test_approving_what_was_removed_points_to_restoring(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article)
    await site.decide(moderator, said.id, "reject")
    with pytest.raises(Conflict, match="restore"):
        await site.decide(moderator, said.id, "approve")


async def test_only_a_visible_top_level_comment_can_be_pinned_and_loses_its_pin_when_removed(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    root = await site.post(article)
    reply = await site.post(article, parent=root.id)
    with pytest.raises(Conflict, match="top-level"):
        await site.decide(moderator, reply.id, "pin")
    decided = await site.decide(moderator, root.id, "pin")
    assert decided.comment.pinned
    await site.decide(moderator, root.id, "reject")
    with pytest.raises(Conflict, match="visible"):
        await site.decide(moderator, root.id, "pin")
    decided = await site.decide(moderator, root.id, "restore")
    assert not decided.comment.pinned


async def test_rights_count_on_riposts_own_origin_only(site: Site) -> None:
    article = await site.article()
    said = await site.post(article)
    token = await site.token(await site.person("Mod", Role.MODERATOR))
    elsewhere = await site.known(token, origin="https://news.example", own_origin=False)
    at_home = await site.known(token, origin="https://ripost.example", own_origin=True)
    for by, error in ((elsewhere, Forbidden), (await site.person(), Forbidden), (NOBODY, Unauthorized)):
        for attempt in _everything_a_moderator_does(site, by, said.id):
            with pytest.raises(error):
                await attempt
    assert await types(site, article.channel) == ["comment.posted"]
    for attempt in _everything_a_moderator_does(site, at_home, said.id):
        await attempt


def _everything_a_moderator_does(site: Site, by: Actor, comment_id: int) -> list[Any]:
    return [
        *(site.decide(by, comment_id, decision) for decision in ("pin", "unpin", "reject", "restore")),
        moderation.queue(site.state, by, Status.PENDING, 0, 10),
        moderation.log(site.state, by, 2**62, 10),
    ]


async def test_the_queue_shows_what_waits_oldest_first_and_why(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    held = [await site.post(article, LINK) for _ in range(5)]
    page = await moderation.queue(site.state, moderator, Status.PENDING, 0, 3)
    assert [comment.id for comment in page["comments"]] == [one.id for one in held[:3]]
    assert "link" in page["held_for"][str(held[0].id)]
    assert page["comments"][0].tree is not None
    rest = await moderation.queue(site.state, moderator, Status.PENDING, int(page["next"]), 3)
    assert [comment.id for comment in rest["comments"]] == [one.id for one in held[3:]] and rest["next"] is None
    await site.decide(moderator, held[0].id, "reject")
    removed = await moderation.queue(site.state, moderator, Status.REMOVED, 0, 3)
    assert [comment.id for comment in removed["comments"]] == [held[0].id]


async def test_the_audit_log_says_who_decided_what_and_why(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article)
    await site.decide(moderator, said.id, "reject", "rude")
    await site.decide(moderator, said.id, "restore")
    log = await moderation.log(site.state, moderator, 2**62, 10)
    assert [(one["decision"], one["comment"], one["reason"]) for one in log["decisions"]] == [
        ("restore", said.id, None), ("reject", said.id, "rude")
    ]  # fmt: skip
    assert moderator.person is not None
    assert log["decisions"][0]["moderator"] == {"id": moderator.id, "name": moderator.person.name}
    assert "rude" not in str(await site.log(article.channel)) + str(await site.log("moderation"))


async def test_wrong_decisions_are_refused_by_name(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article)
    with pytest.raises(NotFound):
        await site.decide(moderator, 999, "approve")
    with pytest.raises(Invalid) as caught:
        await moderation.decide(site.state, moderator, said.id, Decision.REJECT, "x" * 1001)
    assert [field for field, _ in caught.value.errors] == ["reason"]
