"""Writing and reading on both databases: what a caller may rely on, whatever else happens at the same time."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from server.errors import Conflict, Unavailable
from server.models import Commit
from server.storage import event_log
from server.storage.database import Database
from server.storage.transaction import Transaction

CHANNEL = "test"


def say(word: str, channel: str = CHANNEL) -> Callable[[Transaction], str]:
    """A write that appends one event."""
    return lambda tx: event_log.append(tx, channel, "said", 1, {"word": word})


def words(commits: list[Commit]) -> list[str]:
    return [json.loads(event.frame)["word"] for commit in commits for event in commit.appended]


async def logged(database: Database, channel: str = CHANNEL) -> list[str]:
    rows = await database.read(lambda tx: event_log.since(tx, channel, 0, 100_000))
    assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1)), "the log has a gap"
    return [json.loads(frame)["word"] for _, _, frame in rows]


@pytest.fixture
async def commits() -> list[Commit]:
    return []


@pytest.fixture
async def database(database_url: str, commits: list[Commit]) -> Any:
    opened = await Database.open(database_url, commits.append)
    yield opened
    await opened.close()


async def test_a_write_returns_what_its_function_returns(database: Database) -> None:
    assert await database.write(lambda tx: 6 * 7) == 42


async def test_writes_are_published_in_the_order_in_which_they_were_given(
    database: Database, commits: list[Commit]
) -> None:
    expected = [f"word {number}" for number in range(600)]
    await asyncio.gather(*(database.write(say(word)) for word in expected))
    assert words(commits) == expected
    assert await logged(database) == expected
    assert [event.seq for commit in commits for event in commit.appended] == list(range(1, 601))


async def test_everything_is_published_before_its_caller_is_answered(database: Database, commits: list[Commit]) -> None:
    published_when_answered: list[bool] = []

    async def write(word: str) -> None:
        await database.write(say(word))
        published_when_answered.append(word in words(commits))

    await asyncio.gather(*(write(f"word {number}") for number in range(50)))
    assert published_when_answered == [True] * 50


async def test_the_exception_of_a_function_undoes_only_that_function(database: Database, commits: list[Commit]) -> None:
    def fails(tx: Transaction) -> None:
        event_log.append(tx, CHANNEL, "said", 1, {"word": "never"})
        raise Conflict("no")

    def fails_in_sql(tx: Transaction) -> None:
        event_log.append(tx, CHANNEL, "said", 1, {"word": "never"})
        tx.run(text("INSERT INTO no_such_table VALUES (1)"))

    jobs = [say("first"), fails, say("second"), fails_in_sql, say("third"), fails, say("fourth")]
    answers = await asyncio.gather(*(database.write(job) for job in jobs), return_exceptions=True)
    assert [isinstance(answer, BaseException) for answer in answers] == [False, True, False, True, False, True, False]
    assert isinstance(answers[1], Conflict)
    assert await logged(database) == ["first", "second", "third", "fourth"] == words(commits)


async def test_a_function_that_raises_stop_iteration_fails_alone(database: Database) -> None:
    def stops(tx: Transaction) -> object:
        return next(iter(()))

    answers = await asyncio.gather(database.write(stops), database.write(say("after")), return_exceptions=True)
    assert isinstance(answers[0], RuntimeError)
    assert await logged(database) == ["after"]


async def test_a_write_whose_caller_goes_away_is_done_all_the_same(database: Database, commits: list[Commit]) -> None:
    callers = [asyncio.create_task(database.write(say(f"word {number}"))) for number in range(20)]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == 10
    expected = [f"word {number}" for number in range(20)]
    assert await logged(database) == expected == words(commits)


async def test_closing_finishes_what_was_submitted(database_url: str) -> None:
    commits: list[Commit] = []
    database = await Database.open(database_url, commits.append)
    writes = [asyncio.ensure_future(database.write(say(f"word {number}"))) for number in range(700)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    assert words(commits) == [f"word {number}" for number in range(700)]
    again = await Database.open(database_url, commits.append)
    assert len(await logged(again)) == 700
    await again.close()


async def test_a_closed_database_refuses_writes_with_a_sentence(database_url: str) -> None:
    database = await Database.open(database_url, lambda commit: None)
    await database.close()
    with pytest.raises(Unavailable, match="shutting down"):
        await database.write(say("late"))


async def test_a_publisher_that_fails_leaves_nobody_without_an_answer(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(commit: Commit) -> None:
        raise ValueError("the hub is broken")

    database = await Database.open(database_url, fails)
    try:
        await asyncio.wait_for(asyncio.gather(*(database.write(say("word")) for _ in range(3))), 10)
        assert await logged(database) == ["word"] * 3
    finally:
        await database.close()
    assert "could not be published" in caplog.text


async def test_nothing_is_published_before_another_connection_can_read_it(database_url: str) -> None:
    seen: list[bool] = []
    readers: list[asyncio.Task[None]] = []
    other: Database

    def on_commit(commit: Commit) -> None:
        # Asked in the very moment of publishing, from a connection that sees only what is committed.
        async def check() -> None:
            rows = await other.read(lambda tx: event_log.since(tx, CHANNEL, commit.appended[0].seq - 1, 1))
            seen.append([frame for _, _, frame in rows] == [commit.appended[0].frame])

        readers.append(asyncio.ensure_future(check()))

    database = await Database.open(database_url, on_commit)
    other = await Database.open_readonly(database_url)
    try:
        await asyncio.gather(*(database.write(say(f"word {number}")) for number in range(40)))
        await asyncio.gather(*readers)
        assert seen == [True] * 40
    finally:
        await other.close()
        await database.close()


async def test_a_read_sees_one_moment_while_others_write(database: Database) -> None:
    await database.write(lambda tx: [say("a", "left")(tx), say("a", "right")(tx)])
    going = True

    async def keep_writing() -> None:
        while going:
            await database.write(lambda tx: [say("more", "left")(tx), say("more", "right")(tx)])

    writing = asyncio.create_task(keep_writing())
    try:
        for _ in range(60):
            left, right = await database.read(
                lambda tx: (event_log.head(tx, "left"), len(event_log.since(tx, "right", 0, 100_000)))
            )
            assert left is not None and left.seq == right
    finally:
        going = False
        await writing


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable):
        await database.read(say("smuggled"))
    assert await logged(database) == []


async def test_reads_that_are_cancelled_leave_the_database_readable(database: Database) -> None:
    for _ in range(10):
        reads = [asyncio.create_task(logged(database)) for _ in range(12)]
        await asyncio.sleep(0)
        for read in reads[::2]:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
    await asyncio.wait_for(database.ping(), 5)


async def test_more_readers_than_connections_wait_their_turn(database: Database) -> None:
    await database.write(say("word"))
    assert await asyncio.gather(*(logged(database) for _ in range(60))) == [["word"]] * 60


async def test_a_database_opened_for_reading_only_takes_no_writes(database: Database, database_url: str) -> None:
    other = await Database.open_readonly(database_url)
    try:
        with pytest.raises(AssertionError, match="for reading only"):
            await other.write(say("word"))
        await other.ping()
    finally:
        await other.close()


async def test_many_writes_that_wait_share_a_commit(database: Database) -> None:
    commits_before = await database.write(_wal_commits) if database.dialect == "sqlite" else 0

    def write(tx: Transaction) -> object:
        say("word")(tx)
        return tx.one(text("SELECT pg_current_xact_id()::text")) if tx.dialect == "postgresql" else None

    transactions = set(await asyncio.gather(*(database.write(write) for _ in range(512))))
    shared = len(transactions)
    if database.dialect == "sqlite":
        shared = await database.write(_wal_commits) - commits_before
    assert shared <= 16, f"512 writes that waited together took {shared} commits"


def _wal_commits(tx: Transaction) -> int:
    """Transactions in the WAL: the last frame of each says how large the database is after it, every other says 0."""
    row = tx.one(text("SELECT file FROM pragma_database_list WHERE name = 'main'"))
    assert row is not None
    wal = Path(f"{row[0]}-wal").read_bytes()
    frames = range(32, len(wal), 24 + int.from_bytes(wal[8:12], "big"))
    return sum(int.from_bytes(wal[start + 4 : start + 8], "big") != 0 for start in frames)
