"""Reports: one per person and comment, told to moderators once, open until somebody has decided."""

from typing import Any

import pytest

from server.actions import accounts, comments, moderation
from server.actions.reports import report_comment
from server.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorized
from server.models import Actor
from tests.actions.test_moderation import LINK, types
from tests.support.build import NOBODY, Site, guest


async def report(site: Site, by: Actor, comment_id: int, reason: str = "spam", note: str | None = None) -> None:
    await report_comment(site.state, by, comment_id, reason, note)


async def reported(site: Site, moderator: Actor) -> dict[int, Any]:
    """What the reports say, by comment."""
    page = await moderation.reported(site.state, moderator, 0, 50)
    assert [str(comment.id) for comment in page["comments"]] == list(page["reports"])
    return {int(key): said for key, said in page["reports"].items()}


async def test_a_report_is_seen_by_moderators_and_by_nobody_else(site: Site) -> None:
    article, moderator, reader = await site.article(), await site.moderator(), await site.person()
    said = await site.post(article)
    await report(site, reader, said.id, "abuse", "  He said this before.  ")
    assert await reported(site, moderator) == {
        said.id: {"count": 1, "reasons": {"abuse": 1}, "notes": ["He said this before."]}
    }
    assert await types(site, "moderation") == ["queue.entered"]
    assert await types(site, article.channel) == ["comment.posted"]
    assert "abuse" not in str(await site.log("moderation")) + str(await site.thread(article))


async def test_a_person_counts_once_and_readers_without_a_token_once_per_network(site: Site) -> None:
    article, moderator, reader = await site.article(), await site.moderator(), await site.person()
    said = await site.post(article)
    for by in (reader, reader, guest("one"), guest("one"), guest("two")):
        await report(site, by, said.id)
    assert (await reported(site, moderator))[said.id]["count"] == 3
    assert await types(site, "moderation") == ["queue.entered"], "a comment enters the queue once"


async def test_the_queue_says_where_a_reported_comment_stands_and_goes_on_by_cursor(site: Site) -> None:
    article, moderator = await site.article("Night trains"), await site.moderator()
    said = [await site.post(article) for _ in range(3)]
    for one in said:
        await report(site, NOBODY, one.id)
    first = await moderation.reported(site.state, moderator, 0, 2)
    assert [comment.id for comment in first["comments"]] == [one.id for one in said[:2]]
    assert first["articles"] == {str(article.id): {"slug": article.slug, "title": "Night trains"}}
    rest = await moderation.reported(site.state, moderator, int(first["next"]), 2)
    assert [comment.id for comment in rest["comments"]] == [said[2].id] and rest["next"] is None


@pytest.mark.parametrize(("decision", "status"), [("approve", "visible"), ("reject", "removed"), ("spam", "removed")])
async def test_a_decision_answers_the_reports(site: Site, decision: str, status: str) -> None:
    article, moderator, author = await site.article(), await site.moderator(), await site.person()
    said = await site.post(article, by=author)
    await report(site, NOBODY, said.id)
    decided = await site.decide(moderator, said.id, decision)
    assert decided.comment.status == status
    assert await reported(site, moderator) == {}
    assert await types(site, "moderation") == ["queue.entered", "queue.left"]
    log = await moderation.log(site.state, moderator, 2**62, 10)
    assert [one["decision"] for one in log["decisions"]] == [decision]
    told = await types(site, f"person:{author.id}")
    assert told == ([] if status == "visible" else ["comment.decided"]), "a comment that stays is no news to its author"


async def test_who_reported_a_comment_that_was_looked_at_cannot_bring_it_back_but_others_can(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article)
    await report(site, guest("one"), said.id)
    await site.decide(moderator, said.id, "approve")
    await report(site, guest("one"), said.id)
    assert await reported(site, moderator) == {}
    await report(site, guest("two"), said.id)
    assert (await reported(site, moderator))[said.id]["count"] == 1
    assert await types(site, "moderation") == ["queue.entered", "queue.left", "queue.entered"]


async def test_a_pin_answers_no_report(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    said = await site.post(article)
    await report(site, NOBODY, said.id)
    await site.decide(moderator, said.id, "pin")
    assert said.id in await reported(site, moderator)


async def test_a_reported_comment_that_is_deleted_leaves_the_queue_and_its_reports_go(site: Site) -> None:
    article, moderator, author = await site.article(), await site.moderator(), await site.person()
    said, reader = await site.post(article, by=author), await site.person()
    await report(site, reader, said.id, note="Something about what it says.")
    await comments.delete_comment(site.state, author, said.id)
    assert await reported(site, moderator) == {}
    assert await types(site, "moderation") == ["queue.entered", "queue.left"]
    assert (await accounts.export(site.state, reader))["reports"] == []


async def test_what_a_person_reported_is_in_their_data_and_goes_with_them(site: Site) -> None:
    article, moderator, reader = await site.article(), await site.moderator(), await site.person()
    said = await site.post(article)
    await report(site, reader, said.id, "other", "My own words.")
    own = (await accounts.export(site.state, reader))["reports"]
    assert [(one["comment"], one["reason"], one["note"]) for one in own] == [(said.id, "other", "My own words.")]
    await accounts.erase(site.state, reader)
    assert (await reported(site, moderator))[said.id] == {"count": 1, "reasons": {"other": 1}, "notes": []}


async def test_only_what_others_wrote_and_everybody_sees_can_be_reported(site: Site) -> None:
    article, moderator, author = await site.article(), await site.moderator(), await site.person()
    own = await site.post(article, by=author)
    with pytest.raises(Conflict, match="your own"):
        await report(site, author, own.id)
    await site.decide(moderator, own.id, "reject")
    with pytest.raises(Conflict, match="no longer"):
        await report(site, NOBODY, own.id)
    held = await site.post(article, LINK)
    for unknown in (held.id, 999):
        with pytest.raises(NotFound):
            await report(site, NOBODY, unknown)


async def test_a_report_has_a_reason_of_some_words(site: Site) -> None:
    said = await site.post(await site.article())
    for reason, note, field in ((" ", None, "reason"), ("x" * 61, None, "reason"), ("spam", "x" * 1001, "note")):
        with pytest.raises(Invalid) as caught:
            await report(site, NOBODY, said.id, reason, note)
        assert [name for name, _ in caught.value.errors] == [field]


async def test_only_moderators_see_what_was_reported(site: Site) -> None:
    for by, error in ((NOBODY, Unauthorized), (await site.person(), Forbidden)):
        with pytest.raises(error):
            await moderation.reported(site.state, by, 0, 10)


async def test_reports_and_previews_are_limited(limited: Site) -> None:
    article = await limited.article()
    said = await limited.post(article)
    with pytest.raises(TooMany):
        for _ in range(20):
            await report(limited, guest("reader"), said.id)
    with pytest.raises(TooMany):
        for _ in range(50):
            comments.preview(limited.state, guest("reader"), "**Hello.**")


async def test_a_preview_is_the_tree_that_a_post_would_get(site: Site) -> None:
    article = await site.article()
    text = "**Bold**, `code` and\n\n> a quote\n\n- with\n- a list <script>"
    posted = await site.post(article, text)
    assert comments.preview(site.state, NOBODY, text) == posted.comment["tree"]
    assert len(await types(site, article.channel)) == 1
    with pytest.raises(Invalid):
        comments.preview(site.state, NOBODY, "  ")
