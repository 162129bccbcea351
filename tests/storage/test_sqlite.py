"""The SQLite file: one process writes it, a full disk costs nobody what was acknowledged, and what goes wrong is said."""

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from server.actions import accounts, comments
from server.errors import CommandError, StorageFull, Unavailable
from server.models import Commit
from server.storage import event_log
from server.storage.database import Database, DatabaseLocked
from server.storage.transaction import Transaction
from tests.support.build import open_site

CHANNEL = "test"


def say(word: str) -> Callable[[Transaction], str]:
    """A write that appends one event."""
    return lambda tx: event_log.append(tx, CHANNEL, "said", 1, {"word": word})


async def heard(database: Database) -> int:
    return len(await database.read(lambda tx: event_log.since(tx, CHANNEL, 0, 100_000)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ripost.db"


@pytest.fixture
async def commits() -> list[Commit]:
    return []


@pytest.fixture
async def database(path: Path, commits: list[Commit]) -> Any:
    opened = await Database.open(f"sqlite:///{path}", commits.append)
    yield opened
    await opened.close()


# One process


async def test_a_second_process_that_would_write_is_refused(database: Database, path: Path) -> None:
    with pytest.raises(DatabaseLocked, match=r"in use by another Ripost process"):
        await Database.open(f"sqlite:///{path}", lambda commit: None)


async def test_another_name_of_the_same_file_is_the_same_lock(database: Database, path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "other.db"
    link.parent.mkdir()
    link.symlink_to(path)
    with pytest.raises(DatabaseLocked):
        await Database.open(f"sqlite:///{link}", lambda commit: None)


async def test_the_lock_is_free_again_after_closing(path: Path) -> None:
    for _ in range(3):
        database = await Database.open(f"sqlite:///{path}", lambda commit: None)
        await database.close()


async def test_the_lock_of_a_process_that_was_killed_is_free(path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from server.storage.sqlite import FileLock\n"
        "print(FileLock(Path(sys.argv[1])).acquire(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with pytest.raises(DatabaseLocked):
            await Database.open(f"sqlite:///{path}", lambda commit: None)
        holder.kill()
    database = await Database.open(f"sqlite:///{path}", lambda commit: None)
    await database.close()


async def test_readers_cannot_write_nor_checkpoint(database: Database, path: Path) -> None:
    for _ in range(20):
        await database.write(say("word"))
    wal = Path(f"{path}-wal")
    size, main = wal.stat().st_size, path.read_bytes()
    for statement in (
        "INSERT INTO meta VALUES ('a', 'b')",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA query_only=0",
        "DELETE FROM events",
        "VACUUM",
    ):
        try:
            await database.read(lambda tx: tx.run(text(statement)))  # noqa: B023
        except Unavailable:
            pass
    assert (wal.stat().st_size, path.read_bytes()) == (size, main)
    assert await heard(database) == 20


async def test_another_readers_end_does_not_checkpoint(database: Database, path: Path) -> None:
    await database.write(say("word"))
    main = path.read_bytes()
    other = await Database.open_readonly(f"sqlite:///{path}")
    assert await heard(other) == 1
    await other.close()
    assert path.read_bytes() == main


async def test_after_closing_everything_is_in_the_one_file(path: Path, tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{path}", lambda commit: None)
    await asyncio.gather(*(database.write(say("word")) for _ in range(100)))
    await asyncio.gather(*(heard(database) for _ in range(8)))  # the readers' connections are open too
    await database.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ripost.db", "ripost.db.lock"]
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    other = await Database.open_readonly(f"sqlite:///{copy}")
    assert await heard(other) == 100
    await other.close()


async def test_nobody_else_on_the_machine_may_read_the_files(database: Database, tmp_path: Path) -> None:
    await database.write(say("word"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes) == {"ripost.db", "ripost.db-wal", "ripost.db-shm", "ripost.db.lock"}
    assert set(modes.values()) == {0o600}


async def test_the_writer_syncs_every_commit_and_maps_no_memory(database: Database) -> None:
    def pragma(tx: Transaction, name: str) -> object:
        row = tx.one(text(f"PRAGMA {name}"))
        return row and row[0]

    for name, expected in (
        ("journal_mode", "wal"), ("synchronous", 2), ("mmap_size", 0), ("foreign_keys", 1), ("secure_delete", 1)
    ):  # fmt: skip
        assert await database.write(lambda tx: pragma(tx, name)) == expected, name  # noqa: B023


# Files that cannot be opened


async def _refusal(url: str) -> str:
    with pytest.raises(CommandError) as caught:
        await Database.open(url, lambda commit: None)
    sentence = str(caught.value)
    assert "\n" not in sentence and "Traceback" not in sentence
    return sentence


@pytest.mark.parametrize(
    "content",
    [b"This is a letter, not a database. " * 100, b"SQLite format 3\0" + bytes(range(256)) * 40, b"\0" * 5000],
    ids=["text", "a header and rubbish", "zeros"],
)
async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert str(path) in await _refusal(f"sqlite:///{path}")
    assert path.read_bytes() == content


async def test_a_damaged_database_is_refused_with_a_sentence(path: Path) -> None:
    database = await Database.open(f"sqlite:///{path}", lambda commit: None)
    await database.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + os.urandom(4000) + whole[4100:])
    assert str(path) in await _refusal(f"sqlite:///{path}")


async def test_a_database_of_another_program_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE articles (id INTEGER)")
    connection.commit()
    connection.close()
    assert str(path) in await _refusal(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("articles",)]
    connection.close()


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "the folder must exist" in await _refusal(f"sqlite:///{tmp_path}/nowhere/ripost.db")


async def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "ripost.db").mkdir()
    assert "ripost.db" in await _refusal(f"sqlite:///{tmp_path}/ripost.db")


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """The process as somebody who is not root for a while, since root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may enter."""
    folder = tmp_path / "private"
    folder.mkdir()
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


async def test_a_folder_that_may_not_be_read_is_said(private: Path, unprivileged: None) -> None:
    assert "writable" in await _refusal(f"sqlite:///{private}/ripost.db")
    with pytest.raises(CommandError, match="there is no database"):
        await Database.open_readonly(f"sqlite:///{private}/ripost.db")


async def test_reading_a_database_that_is_not_there_makes_none(path: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no database"):
        await Database.open_readonly(f"sqlite:///{path}")
    assert list(tmp_path.iterdir()) == []


async def test_reading_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(CommandError, match="not a database"):
        await Database.open_readonly(f"sqlite:///{path}")


async def test_a_database_that_was_closed_can_be_read_while_no_server_runs(path: Path) -> None:
    database = await Database.open(f"sqlite:///{path}", lambda commit: None)
    await database.write(say("word"))
    await database.close()
    other = await Database.open_readonly(f"sqlite:///{path}")
    assert await heard(other) == 1
    await other.close()


# A full disk


async def test_a_full_database_inside_a_statement_fails_the_whole_batch(
    database: Database, commits: list[Commit]
) -> None:
    await database.write(say("before"))
    pages = await database.write(lambda tx: tx.one(text("PRAGMA page_count")))
    assert pages is not None
    await database.write(lambda tx: tx.all(text(f"PRAGMA max_page_count={pages[0] + 2}")))
    answers = await asyncio.gather(
        database.write(say("small")),
        database.write(say("x" * 200_000)),
        database.write(say("small too")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [StorageFull] * 3
    assert len({id(answer) for answer in answers}) == 3
    assert len(commits) == 1
    assert await heard(database) == 1
    await database.ping()
    await database.write(lambda tx: tx.all(text("PRAGMA max_page_count=1000000")))
    await database.write(say("x" * 200_000))
    assert await heard(database) == 2 == len(commits)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of one MiB and a half."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("only root can mount a small filesystem; the test with max_page_count covers the rest")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_costs_nothing_that_was_acknowledged_and_needs_no_restart(small_disk: Path) -> None:
    commits: list[Commit] = []
    url = f"sqlite:///{small_disk}/ripost.db"
    database = await Database.open(url, commits.append)
    acknowledged = failed = 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    for _ in range(60):
        answers = await asyncio.gather(*(database.write(say("y" * 8000)) for _ in range(8)), return_exceptions=True)
        kinds = {type(answer) for answer in answers}
        assert len(kinds) == 1, "a batch is stored whole or not at all"
        if kinds == {str}:
            acknowledged += 8
        else:
            assert kinds == {StorageFull}
            failed += 1
            assert len(commits) == acknowledged
            assert await heard(database) == acknowledged
            if failed == 3:
                break
    assert failed == 3 and acknowledged > 0
    await database.ping()
    assert database.stopped is None
    ballast.unlink()
    await asyncio.gather(*(database.write(say("z" * 8000)) for _ in range(8)))
    acknowledged += 8
    assert await heard(database) == len(commits) == acknowledged
    await database.close()
    again = await Database.open(url, commits.append)
    assert await heard(again) == acknowledged
    assert await again.write(lambda tx: tx.all(text("PRAGMA integrity_check"))) == [("ok",)]
    await again.close()


async def test_a_disk_that_is_full_at_the_start_is_one_sentence(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 1_500_000)
    assert "full" in await _refusal(f"sqlite:///{small_disk}/ripost.db")


# A commit that fails


async def test_a_failed_commit_stops_the_writer_until_a_restart(
    database: Database, commits: list[Commit], path: Path
) -> None:
    await database.write(say("before"))

    def breaks_the_commit(tx: Transaction) -> None:
        tx.run(text("PRAGMA defer_foreign_keys=ON"))
        tx.run(text("INSERT INTO slugs (slug, article_id) VALUES ('orphan', 12345)"))

    answers = await asyncio.gather(
        database.write(say("with it")), database.write(breaks_the_commit), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Unavailable] * 2
    assert len(commits) == 1
    assert database.stopped is not None
    with pytest.raises(Unavailable, match="could not commit"):
        await database.write(say("after"))
    with pytest.raises(Unavailable, match="could not commit"):
        await database.ping()
    assert await heard(database) == 1, "reads go on"
    await database.close()
    again = await Database.open(f"sqlite:///{path}", commits.append)
    await again.write(say("after the restart"))
    assert await heard(again) == 2
    await again.close()


async def test_a_violation_inside_a_statement_is_the_functions_own_business(database: Database) -> None:
    def orphan(tx: Transaction) -> None:
        tx.run(text("INSERT INTO slugs (slug, article_id) VALUES ('orphan', 12345)"))

    answers = await asyncio.gather(database.write(orphan), database.write(say("word")), return_exceptions=True)
    assert isinstance(answers[0], sqlite3.IntegrityError) and isinstance(answers[1], str)
    await database.ping()


# The past


@pytest.mark.parametrize("act", ["edit", "delete", "remove and forget the author"])
async def test_what_was_taken_away_leaves_the_files_while_the_server_runs(tmp_path: Path, act: str) -> None:
    canary = "kanarienvogel"
    async with open_site(f"sqlite:///{tmp_path}/ripost.db") as site:
        article = await site.article()
        by = await site.person()
        said = await site.post(article, f"a {canary} in a cage " * 40, by=by)
        await site.post(article, "below", parent=said.id)
        assert canary in _files(tmp_path)
        if act == "edit":
            await comments.edit_comment(site.state, by, said.id, "another text")
        elif act == "delete":
            await comments.delete_comment(site.state, by, said.id)
        else:
            await site.decide(await site.moderator(), said.id, "reject")
            assert all(canary not in json.dumps(event) for event in await site.log(article.channel))
            await accounts.erase(site.state, by)
        deadline = time.monotonic() + 10
        while canary in _files(tmp_path):
            assert time.monotonic() < deadline, "it is still in one of the files"
            await asyncio.sleep(0.1)
        assert all(canary not in json.dumps(event) for event in await site.log(article.channel))


def _files(folder: Path) -> str:
    return "".join(file.read_bytes().decode("latin-1") for file in folder.iterdir())
