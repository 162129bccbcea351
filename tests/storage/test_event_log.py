"""The log: gapless numbers under any load, and a past that holds nothing of what was taken away (DESIGN law 11)."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.actions import comments
from server.models import Commit
from server.storage import event_log
from server.storage.database import Database
from server.storage.transaction import Transaction
from tests.support.build import Site, open_site


@pytest.fixture
async def site(database_url: str) -> Any:
    async with open_site(database_url) as opened:
        yield opened


@contextlib.asynccontextmanager
async def opened(url: str, commits: list[Commit]) -> AsyncIterator[Database]:
    database = await Database.open(url, commits.append)
    try:
        yield database
    finally:
        await database.close()


async def test_numbers_have_no_gap_under_64_writers_some_of_which_fail(database_url: str) -> None:
    """Two processes on PostgreSQL, the one there can be on SQLite."""
    commits: list[Commit] = []

    async def writer(database: Database, number: int) -> int:
        said = 0
        for turn in range(8):

            def work(tx: Transaction) -> None:
                for channel in sorted({"one", "two", f"of {number % 5}"}):
                    event_log.append(tx, channel, "said", 1, {"number": number})
                if (number + turn) % 7 == 0:  # noqa: B023
                    raise ValueError("fails after it has taken its numbers")

            try:
                await database.write(work)
                said += 1
            except ValueError:
                pass
        return said

    async with contextlib.AsyncExitStack() as stack:
        count = 1 if database_url.startswith("sqlite") else 2
        databases = [await stack.enter_async_context(opened(database_url, commits)) for _ in range(count)]
        said = sum(await asyncio.gather(*(writer(databases[n % count], n) for n in range(64))))
        for channel in ("one", "two", *(f"of {number}" for number in range(5))):
            rows = await databases[0].read(lambda tx: event_log.since(tx, channel, 0, 10_000))  # noqa: B023
            head = await databases[0].read(lambda tx: event_log.head(tx, channel))  # noqa: B023
            assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1))
            assert head is not None and head.seq == len(rows)
            assert {json.loads(frame)["epoch"] for _, _, frame in rows} == {head.epoch}
        assert len(await databases[0].read(lambda tx: event_log.since(tx, "one", 0, 10_000))) == said
    assert sum(len(commit.appended) for commit in commits) == 3 * said


async def test_a_channel_has_an_epoch_of_its_own_that_stays(database_url: str) -> None:
    async with opened(database_url, []) as database:
        await database.write(lambda tx: [event_log.append(tx, name, "said", 5, {}) for name in ("one", "two")])
        heads = await database.read(lambda tx: [event_log.head(tx, name) for name in ("one", "two", "none")])
    assert heads[0] and heads[1] and heads[0].epoch != heads[1].epoch
    assert (heads[0].seq, heads[0].floor, heads[0].at) == (1, 0, 5)
    assert heads[2] is None
    async with opened(database_url, []) as database:
        assert await database.read(lambda tx: event_log.head(tx, "one")) == heads[0]


async def test_new_epochs_are_given_to_every_channel(database_url: str) -> None:
    async with opened(database_url, []) as database:
        await database.write(lambda tx: [event_log.append(tx, name, "said", 5, {}) for name in ("one", "two")])
        before = await database.read(lambda tx: event_log.heads(tx, ["one", "two"]))
        await database.write(event_log.renew_epochs)
        after = await database.read(lambda tx: event_log.heads(tx, ["one", "two"]))
    assert {name: seq for name, (_, seq) in before.items()} == {name: seq for name, (_, seq) in after.items()}
    assert all(before[name][0] != after[name][0] for name in before)


@pytest.mark.parametrize(
    "name", ["article:1", "person:7", "moderation", "odd, 'name' \"with\" \\ everything", "עברית 🙂"]
)
async def test_heads_are_found_whatever_a_channel_is_called(database_url: str, name: str) -> None:
    async with opened(database_url, []) as database:
        await database.write(lambda tx: event_log.append(tx, name, "said", 5, {}))
        heads = await database.read(lambda tx: event_log.heads(tx, [name, "none", "article:2"]))
    assert {channel: seq for channel, (_, seq) in heads.items()} == {name: 1}


async def test_a_stored_frame_is_exactly_what_was_published(site: Site) -> None:
    article = await site.article()
    said = await site.post(article, "straße 🙂 \u2028 <b>&amp;")
    rows = await site.database.read(lambda tx: event_log.since(tx, article.channel, 0, 10))
    assert rows[-1][2] == said.frame
    assert await site.database.read(lambda tx: event_log.event_time(tx, article.channel, rows[-1][0])) == rows[-1][1]
    assert await site.database.read(lambda tx: event_log.event_time(tx, article.channel, 99)) is None
    assert await site.database.read(lambda tx: event_log.posted_frame(tx, article.channel, said.id)) == said.frame


async def test_since_reads_at_most_what_was_asked_for(site: Site) -> None:
    article = await site.article()
    for _ in range(9):
        await site.post(article)
    rows = await site.database.read(lambda tx: event_log.since(tx, article.channel, 3, 4))
    assert [seq for seq, _, _ in rows] == [4, 5, 6, 7]


# The past: after every sequence of changes


ACTS = st.lists(st.sampled_from(["edit", "remove", "restore", "reply", "delete", "pin", "edit again"]), max_size=9)
RELAXED = [HealthCheck.function_scoped_fixture]


@pytest.fixture
async def sqlite_site(sqlite_url: str) -> Any:
    async with open_site(sqlite_url) as opened_site:
        yield opened_site


@pytest.fixture
async def postgres_site(postgres_url: str) -> Any:
    async with open_site(postgres_url) as opened_site:
        yield opened_site


@given(acts=ACTS, held=st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=RELAXED)
async def test_the_past_holds_the_present_content_and_its_own_counters(
    sqlite_site: Site, acts: list[str], held: bool
) -> None:
    await _check_the_past(sqlite_site, acts, held)


@given(acts=ACTS, held=st.booleans())
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=RELAXED)
async def test_the_past_on_postgresql(postgres_site: Site, acts: list[str], held: bool) -> None:
    await _check_the_past(postgres_site, acts, held)


async def _check_the_past(site: Site, acts: list[str], held: bool) -> None:
    article = await site.article(f"article {time.monotonic_ns()}", state="premoderated" if held else "open")
    author, moderator = await site.person(), await site.moderator()
    commits: list[Commit] = []
    site.database._writer._on_commit = _both(site.database._writer._on_commit, commits)
    said = await site.post(article, "first words", by=author)
    live: list[dict[str, Any]] = []
    texts = ["first words"]
    status = said.comment["status"]
    for number, act in enumerate(acts):
        if act == "reply" and status == "visible":
            await site.post(article, "a reply", by=moderator, parent=said.id)
        elif act.startswith("edit") and status in ("visible", "pending"):
            texts.append(f"words {number}")
            await comments.edit_comment(site.state, moderator, said.id, texts[-1])
        elif act == "remove" and status in ("visible", "pending"):
            await site.decide(moderator, said.id, "reject")
            status = "removed"
        elif act == "restore" and status in ("removed", "pending"):
            await site.decide(moderator, said.id, "restore")
            status = "visible"
        elif act == "delete" and status in ("visible", "pending"):
            await comments.delete_comment(site.state, author, said.id)
            status = "deleted"
        elif act == "pin" and status == "visible":
            await site.decide(moderator, said.id, "pin")
    live = [
        json.loads(event.frame) for commit in commits for event in commit.appended if event.channel == article.channel
    ]
    past = await site.log(article.channel)
    assert [event["seq"] for event in past] == list(range(1, len(past) + 1))
    of_this = [event for event in past if (event.get("comment") or {}).get("id") == said.id]
    gone = texts if status != "visible" else texts[:-1]
    for text in gone:
        if text not in texts[-1:] or status != "visible":
            assert all(text not in json.dumps(event) for event in past), "the past holds what is gone"
    for event in of_this:
        assert event["type"] in ("comment.posted", "comment.restored", "comment.edited")
        assert event["comment"]["status"] == status
        if status == "visible":
            assert event["comment"]["tree"] == [["p", texts[-1]]]
        else:
            assert event["comment"]["tree"] is None and event["comment"]["author"] is None
    # Compared with what was said at the time: same place, same counters, same type or nothing at all.
    said_live = {event["seq"]: event for event in live}
    for event in past:
        original = said_live.get(event["seq"])
        if original is None:
            continue  # before we listened
        assert (event["epoch"], event["at"], event.get("article")) == (
            original["epoch"], original["at"], original.get("article")
        )  # fmt: skip
        if event["type"] == "noop":
            assert original["type"] == "comment.edited"
            assert set(event) == {"type", "article", "epoch", "seq", "at"}
            continue
        assert event["type"] == original["type"]
        for counter in ("comment_count", "parent_replies", "id", "status", "pinned"):
            assert event.get(counter) == original.get(counter)
        if "comment" in event:
            for counter in ("id", "parent", "depth", "ref", "created_at", "up", "down", "replies", "pinned"):
                assert event["comment"][counter] == original["comment"][counter]
    # Every change of the past is said in the commit that made it, and before it in time nothing else was.
    present = {(event["seq"]): json.dumps(event, sort_keys=True) for event in past}
    told: dict[int, str] = {}
    for commit in commits:
        for old in commit.rewritten:
            if old.channel == article.channel:
                assert old.seq < min(event.seq for event in commit.appended if event.channel == old.channel)
                told[old.seq] = old.frame
        for new in commit.appended:
            if new.channel == article.channel:
                told[new.seq] = new.frame
    assert {seq: json.dumps(json.loads(frame), sort_keys=True) for seq, frame in told.items()} == {
        seq: text for seq, text in present.items() if seq in told
    }
    assert set(told) >= {event["seq"] for event in of_this}


def _both(first: Any, commits: list[Commit]) -> Any:
    def on_commit(commit: Commit) -> None:
        commits.append(commit)
        first(commit)

    return on_commit
