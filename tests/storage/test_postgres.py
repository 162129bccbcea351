"""PostgreSQL: other processes write too, connections die, and what a process is told is true all the same."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from server.errors import CommandError, Unavailable
from server.models import Commit
from server.storage import event_log
from server.storage.database import Database
from server.storage.transaction import Transaction
from tests.support import provision
from tests.support.build import NOBODY, new_id, open_site
from tests.support.postgres import cluster

CHANNEL = "test"


def say(word: str, channel: str = CHANNEL) -> Callable[[Transaction], str]:
    """A write that appends one event."""
    return lambda tx: event_log.append(tx, channel, "said", 1, {"word": word})


async def logged(database: Database, channel: str = CHANNEL) -> list[str]:
    rows = await database.read(lambda tx: event_log.since(tx, channel, 0, 100_000))
    assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1)), "the log has a gap"
    return [json.loads(frame)["word"] for _, _, frame in rows]


@pytest.fixture
async def commits() -> list[Commit]:
    return []


@pytest.fixture
async def database(postgres_url: str, commits: list[Commit]) -> Any:
    opened = await Database.open(postgres_url, commits.append)
    yield opened
    await opened.close()


@pytest.fixture
async def other(postgres_url: str, database: Database) -> Any:
    """The same database, opened by another process."""
    opened = await Database.open(postgres_url, lambda commit: None)
    yield opened
    await opened.close()


@pytest.fixture
async def observer(postgres_url: str) -> Any:
    """A connection of its own."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_a_deadlock_with_another_process_runs_the_batch_again(
    database: Database, observer: asyncpg.Connection, commits: list[Commit]
) -> None:
    await database.write(lambda tx: [say("made", "left")(tx), say("made", "right")(tx)])
    runs: list[int] = []

    def left_then_right(tx: Transaction) -> None:
        runs.append(1)
        say("ours", "left")(tx)
        say("ours", "right")(tx)

    # The other side is patient, so that it is ours that finds the deadlock.
    await observer.execute("SET deadlock_timeout = '1min'")
    async with observer.transaction():
        await observer.execute("UPDATE channels SET at = 1 WHERE name = 'right'")
        writing = asyncio.create_task(database.write(left_then_right))
        await _until_somebody_waits_for_a_lock(observer)
        await observer.execute("UPDATE channels SET at = 1 WHERE name = 'left'")
    await asyncio.wait_for(writing, 20)
    assert len(runs) == 2
    assert await logged(database, "left") == ["made", "ours"] == await logged(database, "right")
    assert len(commits) == 2, "what was undone is not published"


async def _until_somebody_waits_for_a_lock(observer: asyncpg.Connection) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    for _ in range(400):
        if await observer.fetchval(waiting):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waited for a lock")


async def test_a_connection_that_is_killed_fails_its_batch_and_the_next_one_works(
    database: Database, observer: asyncpg.Connection, commits: list[Commit]
) -> None:
    await database.write(say("before"))
    terminate = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def is_killed(tx: Transaction) -> None:
        say("lost")(tx)
        tx.one(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        tx.one(text("SELECT 1"))

    answers = await asyncio.gather(
        database.write(say("lost too")),
        database.write(is_killed),
        database.write(say("and this")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    await database.write(say("after"))
    assert await logged(database) == ["before", "after"]
    assert len(commits) == 2
    assert await observer.fetchval(terminate) > 0  # now while nothing runs
    await database.write(say("and again"))
    await database.ping()
    assert await logged(database) == ["before", "after", "and again"]


async def test_the_same_comment_posted_to_two_processes_is_one_comment_with_one_event(postgres_url: str) -> None:
    async with open_site(postgres_url) as here, open_site(postgres_url) as there:
        article = await here.article()
        for _ in range(15):
            client_id = new_id()
            mine, theirs, again = await asyncio.gather(
                here.post(article, client_id=client_id),
                there.post(article, client_id=client_id),
                here.post(article, client_id=client_id),
            )
            assert mine.frame == theirs.frame == again.frame
            assert sorted([mine.created, theirs.created, again.created]) == [False, False, True]
            assert mine.token == theirs.token
            assert (await here.known(mine.token)).person == (await there.known(theirs.token)).person
        page = await here.thread(article, limit=100)
        assert page["article"]["comment_count"] == 15 == len(page["comments"])


async def test_two_processes_that_append_at_once_leave_no_gap(database: Database, other: Database) -> None:
    words = [f"word {number}" for number in range(320)]
    await asyncio.gather(*((database, other)[number % 2].write(say(word)) for number, word in enumerate(words)))
    assert sorted(await logged(database)) == sorted(words)


async def test_each_process_publishes_in_the_order_of_the_log(postgres_url: str) -> None:
    heard: list[list[int]] = [[], []]
    databases = [
        await Database.open(postgres_url, lambda commit, mine=mine: mine.extend(event.seq for event in commit.appended))  # type: ignore[misc]
        for mine in heard
    ]
    try:
        await asyncio.gather(*(databases[number % 2].write(say("word")) for number in range(200)))
    finally:
        for opened in databases:
            await opened.close()
    assert [sorted(mine) for mine in heard] == heard
    assert sorted(heard[0] + heard[1]) == list(range(1, 201))


async def test_a_reader_never_sees_a_number_before_all_lower_ones(database: Database, other: Database) -> None:
    """Commit order is the order of the log: a reader that goes on from the last number misses nothing."""
    going = True
    seen: list[int] = []

    async def follow() -> None:
        while going or len(seen) < 200:
            rows = await other.read(lambda tx: event_log.since(tx, CHANNEL, seen[-1] if seen else 0, 1000))
            seen.extend(seq for seq, _, _ in rows)

    following = asyncio.create_task(follow())
    await asyncio.gather(*((database, other)[number % 2].write(say("word")) for number in range(200)))
    going = False
    await asyncio.wait_for(following, 20)
    assert seen == list(range(1, 201))


async def test_processes_that_start_at_once_migrate_once(postgres_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(postgres_url, lambda commit: None) for _ in range(6)))
    try:
        await asyncio.gather(*(database.write(say(f"word {number}")) for number, database in enumerate(opened)))
        assert len(await logged(opened[0])) == 6
    finally:
        for database in opened:
            await database.close()


async def test_an_address_where_nobody_listens_is_one_sentence_without_the_password() -> None:
    for opening in (Database.open_readonly("postgresql://ripost:hunter2@127.0.0.1:1/ripost"),
                    Database.open("postgresql://ripost:hunter2@127.0.0.1:1/ripost", lambda commit: None)):  # fmt: skip
        with pytest.raises(CommandError, match=r"^cannot open the database 127\.0\.0\.1:1/ripost: ") as caught:
            await opening
        assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_one_sentence(postgres_url: str) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        await Database.open(postgres_url + "_not", lambda commit: None)


async def test_while_the_database_is_down_everything_says_so_and_afterwards_everything_works(tmp_path: Path) -> None:
    found = provision.find("postgres")
    assert found is not None
    if "://" in found.where:
        pytest.skip("TEST_DATABASE_URL names a server that is not ours to stop")
    with cluster(found) as running, running.database() as url:
        connection = await asyncpg.connect(url)  # the test cluster trades this for speed
        await connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = on")
        await connection.close()
        async with open_site(url) as site:
            article = await site.article()
            await site.post(article)
            running.crash()
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await site.post(article)
                with pytest.raises(Unavailable):
                    await site.thread(article)
                with pytest.raises(Unavailable):
                    await site.database.ping()
            await asyncio.to_thread(running.start)
            await site.database.ping()
            retried = await site.post(article, by=NOBODY)
            assert retried.comment["id"] and len((await site.thread(article))["comments"]) == 2
