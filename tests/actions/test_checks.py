"""`ripost check`: silent about what is right, and finds each thing that is broken on purpose."""

import pytest
from sqlalchemy import text

from server.actions import checks, comments
from tests.support.build import Site, open_site


async def wrong(site: Site) -> list[str]:
    found: list[str] = await site.database.read(lambda tx: list(checks.check(tx, lambda count: None)))
    return found


async def filled(site: Site) -> None:
    """A visible root (1) with a removed reply (2) that has a reply (3), and a deleted root (4)."""
    article = await site.article()
    root = await site.post(article, "a root")
    reply = await site.post(article, "a reply", parent=root.id)
    await site.post(article, "below", parent=reply.id)
    gone = await site.post(article, "gone")
    await comments.delete_comment(site.state, await site.known(gone.token), gone.id)
    await site.decide(await site.moderator(), reply.id, "reject")
    await site.post(article, "https://held.example")


async def test_a_healthy_database_is_right(database_url: str) -> None:
    async with open_site(database_url) as site:
        assert await wrong(site) == []
        await filled(site)
        assert await wrong(site) == []


BREAKS = {
    "UPDATE comments SET replies = 5 WHERE id = 3": "comment 3 says 5 replies, 0 are visible",
    "UPDATE comments SET kept = 0 WHERE id = 2": "comment 2 says 0 replies are in the thread, 1 are",
    "UPDATE articles SET comment_count = 9": "article 1 says 9 comments, 2 are visible",
    "DELETE FROM slugs": "article 1 is not found by its slug an-article",
    "DELETE FROM events WHERE channel = 'article:1' AND seq = 2": (
        "channel article:1 says its events are 1 to 6; the log has 5, from 1 to 6"
    ),
    "UPDATE channels SET seq = 7 WHERE name = 'article:1'": (
        "channel article:1 says its events are 1 to 7; the log has 6, from 1 to 6"
    ),
    "UPDATE channels SET epoch = 'other' WHERE name = 'moderation'": "event 1 of moderation has the epoch",
    "UPDATE events SET frame = '{' WHERE channel = 'article:1' AND seq = 1": "event 1 of article:1 is not JSON",
    "UPDATE events SET type = 'noop' WHERE channel = 'article:1' AND seq = 1": (
        "event 1 of article:1 has the type 'comment.posted' in its frame, not 'noop'"
    ),
    "UPDATE comments SET depth = 4 WHERE id = 3": "comment 3 has depth 4 below 2 of depth 1",
    "UPDATE comments SET root_id = 3 WHERE id = 3": "comment 3 has root 3, its parent 1",
    "UPDATE comments SET parent_id = 3 WHERE id = 2": "comment 2 has depth 1 below 3 of depth 2",
    "UPDATE comments SET path = (SELECT path FROM comments WHERE id = 1) WHERE id = 3": "comment 3 has the path",
    "UPDATE comments SET source = 'still here' WHERE id = 4": "comment 4 was deleted and still has its text",
    'UPDATE comments SET tree = \'[["p","other"]]\' WHERE id = 1': (
        "comment 1 is not what the log of article 1 says: tree"
    ),
    "UPDATE comments SET up = 3 WHERE id = 1": "comment 1 is not what the log of article 1 says: up is 3, there 0",
    "UPDATE comments SET status = 'removed', replies = replies WHERE id = 3": (
        "event 3 of article 1 carries the content of comment 3, which is removed"
    ),
    "UPDATE comments SET pinned = 1 WHERE id = 3": "comment 3 is pinned, but not a visible one at top level",
    "UPDATE comments SET published = 0 WHERE id = 1": "comment 1 is visible and was never published",
    "INSERT INTO channels (name, epoch, seq, floor) VALUES ('article:77', 'e', 0, 0)": "channel article:77 is of no article",
}


@pytest.mark.parametrize("sql", BREAKS)
async def test_what_is_broken_is_found(sqlite_url: str, sql: str) -> None:
    statement = text(sql.replace(":", "\\:"))
    async with open_site(sqlite_url) as site:
        await filled(site)
        await site.database.write(lambda tx: tx.run(statement))
        found = await wrong(site)
        assert any(BREAKS[sql] in sentence for sentence in found), found


async def test_the_same_is_found_on_postgresql(postgres_url: str) -> None:
    async with open_site(postgres_url) as site:
        await filled(site)
        await site.database.write(lambda tx: tx.run(text("UPDATE comments SET replies = 5 WHERE id = 3")))
        assert await wrong(site) == [
            "comment 3 says 5 replies, 0 are visible",
            "comment 3 is not what the log of article 1 says: replies is 5, there 0",
        ]
