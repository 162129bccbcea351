"""Posting, editing and deleting: what an author may do, and what a retry gets whatever happened in between."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from server.actions import comments
from server.actions.articles import Changes, change_article
from server.actions.moderation import Reading
from server.errors import Conflict, Forbidden, Invalid, NotFound, Outdated, TooMany, Unauthorized
from server.models import Actor, ArticleState, Draft, Role
from tests.support.build import NOBODY, Site, guest, new_id, open_site

LINK = "look at https://example.org/page"


async def edited(site: Site, by: Actor, comment_id: int, text: str, read: Reading | None = None) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(await comments.edit_comment(site.state, by, comment_id, text, read))
    return event


# Posting


async def test_a_post_is_answered_with_the_very_event_that_everyone_gets(site: Site) -> None:
    article = await site.article()
    said = await site.post(article, "Hello *there*.", name="Ada")
    assert said.created
    assert (await site.log(article.channel))[-1] == said.event
    assert said.event["type"] == "comment.posted" and said.event["seq"] == 1 and said.event["comment_count"] == 1
    assert said.comment["author"]["name"] == "Ada" and said.comment["author"]["role"] == "guest"
    assert said.comment["tree"] == [["p", "Hello ", ["em", "there"], "."]]
    assert said.comment["status"] == "visible" and said.comment["dated"] is True


async def test_a_guests_token_makes_them_the_same_person_from_then_on(site: Site) -> None:
    article = await site.article()
    first = await site.post(article, name="Ada")
    ada = await site.known(first.token)
    second = await site.post(article, by=ada, name="Somebody else")
    assert second.comment["author"] == first.comment["author"]
    assert second.token is None
    assert (await site.post(article, name="Ada")).comment["author"]["id"] != first.comment["author"]["id"]


async def test_the_client_id_is_shown_to_nobody_and_its_hash_to_all(site: Site) -> None:
    article = await site.article()
    client_id = new_id()
    said = await site.post(article, client_id=client_id)
    assert client_id not in said.frame
    assert said.comment["ref"] == hashlib.sha256(client_id.encode()).hexdigest()[:16]


async def test_a_reply_counts_at_its_parent_and_knows_its_depth(site: Site) -> None:
    article = await site.article()
    root = await site.post(article)
    reply = await site.post(article, parent=root.id)
    assert (reply.comment["parent"], reply.comment["depth"]) == (root.id, 1)
    assert (reply.event["parent_replies"], reply.event["comment_count"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "some text"), (" \n\t", "some text"), ("\u200b\u2060", "some text"), ("x" * 10_001, "10000"), ("x" * 60_000, "10000")],
)  # fmt: skip
async def test_a_text_that_cannot_be_a_comment_is_refused_by_name(site: Site, text: str, message: str) -> None:
    article = await site.article()
    with pytest.raises(Invalid, match=message) as caught:
        await site.post(article, text)
    assert [field for field, _ in caught.value.errors] == ["text"]


@pytest.mark.parametrize("text", ["#", "---", "**", "\\", "x" * 10_000, "<script>alert(1)</script>", "\ud800 half"])
async def test_odd_texts_are_comments(site: Site, text: str) -> None:
    article = await site.article()
    assert (await site.post(article, text)).comment["tree"]


@pytest.mark.parametrize("name", [None, "", "  ", "\u200b", "x" * 61, "admin", "Аdmin", "Mоderator", "m o d e r a t o r", "Grace  Hopper", "Grасе Норреr"])  # fmt: skip
async def test_a_guest_needs_a_name_that_is_nobody_elses_office(site: Site, name: str | None) -> None:
    await site.person("Grace Hopper", Role.ADMIN)
    article = await site.article()
    with pytest.raises(Invalid) as caught:
        await site.post(article, name=name)
    assert [field for field, _ in caught.value.errors] == ["name"]
    assert await site.log(article.channel) == []


@pytest.mark.parametrize("client_id", ["", "7", "not a uuid", "x" * 500])
async def test_a_client_id_is_a_uuid(site: Site, client_id: str) -> None:
    article = await site.article()
    with pytest.raises(Invalid) as caught:
        await comments.post_comment(site.state, NOBODY, article.id, Draft(client_id=client_id, text="x", name="Ada"))
    assert [field for field, _ in caught.value.errors] == ["client_id"]


async def test_what_is_not_there_cannot_be_commented_on(site: Site) -> None:
    article, other = await site.article(), await site.article("Other")
    elsewhere = await site.post(other)
    with pytest.raises(NotFound):
        await site.post(12345)
    for parent in (12345, elsewhere.id):
        with pytest.raises(NotFound):
            await site.post(article, parent=parent)


async def test_a_reply_to_what_is_no_longer_visible_is_a_conflict(site: Site) -> None:
    article, moderator, author = await site.article(), await site.moderator(), await site.person()
    removed, deleted = await site.post(article), await site.post(article, by=author)
    held = await site.post(article, LINK)
    await site.decide(moderator, removed.id, "reject")
    await comments.delete_comment(site.state, author, deleted.id)
    for parent in (removed, deleted, held):
        with pytest.raises(Conflict):
            await site.post(article, parent=parent.id)


async def test_a_closed_discussion_takes_nothing_but_from_staff(site: Site) -> None:
    article = await site.article(state="closed")
    with pytest.raises(Conflict, match="closed"):
        await site.post(article)
    with pytest.raises(Conflict, match="closed"):
        await site.post(article, by=await site.person())
    await site.post(article, by=await site.moderator())


# Held


async def test_a_guests_link_waits_for_a_moderator_and_nobody_else_hears_of_it(site: Site) -> None:
    article = await site.article()
    said = await site.post(article, LINK)
    assert "seq" not in said.event and said.event["type"] == "comment.posted"
    assert said.comment["status"] == "pending" and said.comment["tree"] is not None
    assert await site.log(article.channel) == []
    page = await site.thread(article)
    assert page["comments"] == [] and page["article"]["comment_count"] == 0
    assert [event["type"] for event in await site.log("moderation")] == ["queue.entered"]
    assert "example.org" not in json.dumps(await site.log("moderation"))


async def test_members_may_link(site: Site) -> None:
    said = await site.post(await site.article(), LINK, by=await site.person())
    assert said.comment["status"] == "visible"


async def test_everything_on_a_premoderated_article_waits_but_for_staff(site: Site) -> None:
    article = await site.article(state="premoderated")
    assert (await site.post(article)).comment["status"] == "pending"
    assert (await site.post(article, by=await site.person())).comment["status"] == "pending"
    assert (await site.post(article, by=await site.moderator())).comment["status"] == "visible"
    elsewhere = Actor(person=(await site.moderator()).person, staff=False, address="a", origin="https://news.example")
    assert (await site.post(article, by=elsewhere)).comment["status"] == "pending"


# Retries


async def test_a_retry_gets_the_same_event_and_adds_nothing(site: Site) -> None:
    article, client_id = await site.article(), new_id()
    first = await site.post(article, client_id=client_id)
    again = await site.post(article, client_id=client_id)
    assert (again.frame, again.created, again.token) == (first.frame, False, first.token)
    assert len(await site.log(article.channel)) == 1
    assert (await site.known(again.token)).person == (await site.known(first.token)).person


async def test_a_retry_counts_however_the_uuid_is_written(site: Site) -> None:
    article, client_id = await site.article(), new_id()
    first = await site.post(article, client_id=client_id)
    for written in (client_id.upper(), "{" + client_id + "}", client_id.replace("-", "")):
        assert (await site.post(article, client_id=written)).frame == first.frame


async def test_retries_at_the_same_moment_are_one_comment(site: Site) -> None:
    article, client_id = await site.article(), new_id()
    answers = await asyncio.gather(*(site.post(article, client_id=client_id) for _ in range(20)))
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.frame for answer in answers}) == 1
    assert len(await site.log(article.channel)) == 1


async def test_a_guest_who_got_the_token_may_retry_with_it(site: Site) -> None:
    article, client_id = await site.article(), new_id()
    first = await site.post(article, client_id=client_id)
    again = await site.post(article, client_id=client_id, by=await site.known(first.token))
    assert again.frame == first.frame and not again.created


async def test_the_retry_of_a_held_comment_is_answered_alike(site: Site) -> None:
    article, client_id = await site.article(), new_id()
    first = await site.post(article, LINK, client_id=client_id)
    again = await site.post(article, LINK, client_id=client_id)
    assert again.frame == first.frame and again.token == first.token and not again.created
    assert len(await site.log("moderation")) == 1
    await site.decide(await site.moderator(), first.id, "approve")
    approved = await site.post(article, LINK, client_id=client_id)
    assert approved.event["seq"] == 1 and approved.comment["status"] == "visible"


async def test_another_use_of_a_client_id_is_a_conflict(site: Site) -> None:
    article, other, person = await site.article(), await site.article("Other"), await site.person()
    root, client_id, own = await site.post(article), new_id(), new_id()
    await site.post(article, "the text", client_id=client_id)
    await site.post(article, "the text", client_id=own, by=person)
    for attempt in (
        site.post(article, "another text", client_id=client_id),
        site.post(other, "the text", client_id=client_id),
        site.post(article, "the text", client_id=client_id, parent=root.id),
        site.post(article, "the text", client_id=client_id, by=person),
        site.post(article, "the text", client_id=own),
        site.post(article, "the text", client_id=own, by=await site.person()),
    ):
        with pytest.raises(Conflict, match="client_id"):
            await attempt
    assert len(await site.log(article.channel)) == 3


async def test_a_retry_is_answered_whatever_has_become_of_the_comment_and_the_discussion(site: Site) -> None:
    article, moderator, client_id = await site.article(), await site.moderator(), new_id()
    first = await site.post(article, "first words", client_id=client_id)
    ada = await site.known(first.token)
    await edited(site, ada, first.id, "other words")
    again = await site.post(article, "first words", client_id=client_id)
    assert again.id == first.id and again.comment["tree"] == [["p", "other words"]] and again.event["seq"] == 1
    await site.decide(moderator, first.id, "reject")
    again = await site.post(article, "first words", client_id=client_id)
    assert again.id == first.id and again.comment["status"] == "removed" and again.comment["tree"] is None
    await change_article(site.state, moderator, article.id, Changes(state=ArticleState.CLOSED))
    again = await site.post(article, "first words", client_id=client_id)
    assert again.id == first.id and not again.created


# Changing


async def test_an_author_may_edit_for_fifteen_minutes(site: Site) -> None:
    article, author = await site.article(), await site.person()
    said = await site.post(article, by=author)
    site.clock.advance(15 * 60)
    event = await edited(site, author, said.id, "better")
    assert event["type"] == "comment.edited" and event["comment"]["tree"] == [["p", "better"]]
    assert event["comment"]["edited_at"] == event["at"]
    site.clock.advance(1)
    for attempt in (edited(site, author, said.id, "late"), comments.delete_comment(site.state, author, said.id)):
        with pytest.raises(Forbidden, match="15 minutes"):
            await attempt
    await edited(site, await site.moderator(), said.id, "by a moderator")


async def test_only_the_author_or_a_moderator_may_change_or_see_the_source(site: Site) -> None:
    article, author, other = await site.article(), await site.person(), await site.person()
    said = await site.post(article, "the *source*", by=author)
    for by, error in ((other, Forbidden), (NOBODY, Unauthorized)):
        for attempt in (
            edited(site, by, said.id, "x"),
            comments.delete_comment(site.state, by, said.id),
            comments.comment_source(site.state, by, said.id),
        ):
            with pytest.raises(error):
                await attempt
    for by in (author, await site.moderator()):
        assert await comments.comment_source(site.state, by, said.id) == "the *source*"
    for attempt in (edited(site, author, 999, "x"), comments.comment_source(site.state, author, 999)):
        with pytest.raises(NotFound):
            await attempt


async def test_an_edit_cannot_smuggle_in_what_a_post_would_be_held_for(site: Site) -> None:
    article = await site.article()
    said = await site.post(article)
    ada = await site.known(said.token)
    with pytest.raises(Invalid, match="link"):
        await edited(site, ada, said.id, LINK)
    strict = await site.article("Strict", state="premoderated")
    author = await site.person()
    held = await site.post(strict, "fine", by=author)
    await site.decide(await site.moderator(), held.id, "approve")
    with pytest.raises(Conflict):
        await edited(site, author, held.id, "not fine")


async def test_a_held_comment_can_be_edited_and_stays_held_and_silent(site: Site) -> None:
    article = await site.article()
    said = await site.post(article, LINK)
    ada = await site.known(said.token)
    event = await edited(site, ada, said.id, "no link any more")
    assert event["comment"]["status"] == "pending" and "seq" not in event
    assert await site.log(article.channel) == []
    told = [entry["id"] for entry in await site.log("moderation") if entry["type"] == "queue.entered"]
    assert told == [said.id, said.id], "what a moderator has seen of it is not what it says any more"


async def test_an_edit_does_not_replace_a_text_that_nobody_has_read(site: Site) -> None:
    article, author, moderator = await site.article(), await site.person(), await site.moderator()
    said = await site.post(article, "mine", by=author)
    site.clock.advance(1)
    by_moderator = await edited(site, moderator, said.id, "a moderator's", Reading(None))
    site.clock.advance(1)
    with pytest.raises(Outdated):
        await edited(site, author, said.id, "mine again", Reading(None))
    assert await comments.comment_source(site.state, author, said.id) == "a moderator's"
    read = Reading(by_moderator["comment"]["edited_at"])
    await edited(site, author, said.id, "mine again", read)
    site.clock.advance(1)
    event = await edited(site, author, said.id, "mine again", read)  # once more: its answer was lost
    assert event["comment"]["tree"] == [["p", "mine again"]]
    await edited(site, author, said.id, "mine at last")  # who does not say what was read is not asked


async def test_deleting_wipes_for_good(site: Site) -> None:
    article, author = await site.article(), await site.person()
    said = await site.post(article, "regret", by=author)
    event = json.loads(await comments.delete_comment(site.state, author, said.id))
    assert (event["type"], event["status"], event["comment_count"]) == ("comment.removed", "deleted", 0)
    assert "regret" not in json.dumps(await site.log(article.channel))
    with pytest.raises(NotFound):
        await comments.comment_source(site.state, await site.moderator(), said.id)
    for attempt in (comments.delete_comment(site.state, author, said.id), edited(site, author, said.id, "back"),
                    site.decide(await site.moderator(), said.id, "restore")):  # fmt: skip
        with pytest.raises(Conflict):
            await attempt


async def test_a_moderator_who_deletes_anothers_comment_removes_it(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article, "rude")
    event = json.loads(await comments.delete_comment(site.state, moderator, said.id))
    assert event["status"] == "removed"
    assert await comments.comment_source(site.state, moderator, said.id) == "rude"


# Limits


async def test_slow_mode_lets_one_comment_through_each_time_also_of_many_at_once(limited: Site) -> None:
    article = await limited.article(slow_mode_seconds=60)
    ada = await limited.known((await limited.post(await limited.article("Other"))).token)
    answers = await asyncio.gather(*(limited.post(article, by=ada) for _ in range(4)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, TooMany)]
    assert len(refused) == 3
    assert all(0 < (one.retry_after or 0) <= 60 for one in refused)
    limited.clock.advance(59)
    with pytest.raises(TooMany, match="slow mode"):
        await limited.post(article, by=ada)
    limited.clock.advance(1)
    await limited.post(article, by=ada)
    await limited.post(article, by=await limited.moderator())


async def test_slow_mode_does_not_punish_what_was_not_posted(limited: Site) -> None:
    article, client_id = await limited.article(slow_mode_seconds=60), new_id()
    with pytest.raises(Invalid):
        await limited.post(article, name="admin", client_id=client_id)
    said = await limited.post(article, client_id=client_id)
    assert (await limited.post(article, client_id=client_id)).frame == said.frame, "a retry is no second comment"


async def test_a_guest_without_a_token_does_not_escape_slow_mode(limited: Site) -> None:
    article = await limited.article(slow_mode_seconds=60)
    said = await limited.post(article)
    with pytest.raises(TooMany):
        await limited.post(article, name="Somebody new")
    with pytest.raises(TooMany):
        await limited.post(article, by=await limited.known(said.token))
    await limited.post(article, by=guest("another address"))


async def test_a_person_who_posts_too_fast_is_told_when_to_come_back(limited: Site) -> None:
    article, person = await limited.article(), await limited.person()
    for _ in range(5):
        await limited.post(article, by=person)
    with pytest.raises(TooMany) as caught:
        await limited.post(article, by=person)
    assert caught.value.retry_after and int(caught.value.headers()["Retry-After"]) >= 1
    limited.clock.advance(caught.value.retry_after)
    await limited.post(article, by=person)


# Several processes


async def test_two_processes_that_change_one_thread_keep_its_counters_right(postgres_url: str) -> None:
    """Approvals, removals and replies of the same comments at the same moment, from two processes."""
    async with open_site(postgres_url) as here, open_site(postgres_url) as there:
        article = await here.article(state="premoderated")
        moderator = await here.moderator()
        roots = [await here.post(article, by=moderator) for _ in range(4)]
        held = [await here.post(article, parent=root.id) for root in roots for _ in range(3)]
        pairs: list[list[Any]] = [[site.decide(moderator, one.id, "approve") for site in (here, there)] for one in held]
        for root in roots:
            pairs.append([here.post(article, by=moderator, parent=root.id), there.decide(moderator, root.id, "reject")])
            pairs.append([site.decide(moderator, root.id, "restore") for site in (here, there)])
            pairs.append([there.post(article, by=moderator, parent=root.id), here.decide(moderator, root.id, "reject")])
        # First two at a time, where each runs beside the other, then everything at once.
        answers = [answer for pair in pairs for answer in await asyncio.gather(*pair, return_exceptions=True)]
        rush = [
            site.decide(moderator, one.id, act)
            for act in ("reject", "restore")
            for one in held
            for site in (here, there)
        ]
        answers += await asyncio.gather(*rush, return_exceptions=True)
        assert {type(answer) for answer in answers if isinstance(answer, BaseException)} <= {Conflict}
        page = await here.thread(article, limit=100)
        shown = {comment["id"]: comment for comment in page["comments"]}
        visible = [comment for comment in shown.values() if comment["status"] == "visible"]
        assert page["article"]["comment_count"] == len(visible)
        for comment in shown.values():
            assert comment["replies"] == sum(one["parent"] == comment["id"] for one in visible)
        log = await here.log(article.channel)
        posted = [event["comment"]["id"] for event in log if event["type"] == "comment.posted"]
        assert len(posted) == len(set(posted)), "published twice"
        assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
        counts = [event["comment_count"] for event in log if "comment_count" in event]
        assert counts[-1] == len(visible)
