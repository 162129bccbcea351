"""Backups: one moment, whole, beside a server; restored with a new history, and nothing lost that was there."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.actions import backups, checks
from server.errors import CommandError
from tests.support.build import Site, open_site
from tests.support.whole import whole_thread

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def quiet(_done: int, _total: int) -> None:
    """No progress is shown."""


def files(folder: Path) -> set[str]:
    """What is in a folder, without what a server keeps beside its database."""
    return {file.name for file in folder.iterdir() if file.suffix not in {".lock", ".secret"}}


async def wrong(site: Site) -> list[str]:
    found: list[str] = await site.database.read(lambda tx: list(checks.check(tx, lambda count: None)))
    return found


async def test_a_backup_is_one_moment_while_people_post(tmp_path: Path) -> None:
    database = tmp_path / "ripost.db"
    async with open_site(f"sqlite:///{database}") as site:
        article = await site.article()
        for _ in range(50):
            await site.post(article, "before " * 200)
        posted = 50

        async def keep_posting() -> None:
            nonlocal posted
            while True:
                await site.post(article, "meanwhile " * 200)
                posted += 1

        posting = asyncio.create_task(keep_posting())
        for number in range(5):
            before = posted
            held = await asyncio.to_thread(backups.back_up, database, tmp_path / f"copy{number}.db", quiet)
            assert before <= held.comments <= posted + 1
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
    for number in range(5):
        assert {f"copy{number}.db"} == {name for name in files(tmp_path) if name.startswith(f"copy{number}")}
        async with open_site(f"sqlite:///{tmp_path / f'copy{number}.db'}") as copy:
            assert await wrong(copy) == []
    assert not [name for name in files(tmp_path) if name.startswith(".")]


async def test_a_backup_is_private_and_readable_where_nothing_can_be_written(tmp_path: Path) -> None:
    database, copy = tmp_path / "ripost.db", tmp_path / "copy.db"
    async with open_site(f"sqlite:///{database}") as site:
        await site.article()
    backups.back_up(database, copy, quiet)
    assert copy.stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert connection.execute("SELECT count(*) FROM articles").fetchone()[0] == 1
    connection.close()


async def test_a_restored_backup_is_a_new_history_and_the_old_one_is_kept(tmp_path: Path) -> None:
    database, copy = tmp_path / "ripost.db", tmp_path / "copy.db"
    url = f"sqlite:///{database}"
    async with open_site(url) as site:
        article = await site.article()
        await site.post(article, "in the backup")
        backups.back_up(database, copy, quiet)
        before = await whole_thread(site, article.id)
        lost = await site.post(article, "after the backup")
    _, kept = await backups.restore(database, copy, NOW, quiet)
    assert kept == tmp_path / "ripost.db.before-restore-20260301T120000Z"
    async with open_site(url) as site:
        after = await whole_thread(site, article.id)
        assert (after["comments"], after["seq"]) == (before["comments"], before["seq"])
        assert after["epoch"] != before["epoch"]
        assert {event["epoch"] for event in await site.log("article:1")} == {after["epoch"]}
        assert (await site.post(article, "after it was restored")).id > lost.id, "links to what is lost lead nowhere"
        assert await wrong(site) == []
    async with open_site(f"sqlite:///{kept}") as old:
        assert len((await whole_thread(old, article.id))["comments"]) == 2
    assert files(tmp_path) == {"ripost.db", "copy.db", kept.name}


async def test_last_commits_of_a_killed_server_stay_with_the_database_they_belong_to(tmp_path: Path) -> None:
    database, copy = tmp_path / "ripost.db", tmp_path / "copy.db"
    async with open_site(f"sqlite:///{database}") as site:
        await site.article("first")
        backups.back_up(database, copy, quiet)
        await site.article("second")
        killed = tmp_path / "killed"
        killed.mkdir()
        for file in ("ripost.db", "ripost.db-wal"):
            (killed / file).write_bytes((tmp_path / file).read_bytes())
    assert (killed / "ripost.db-wal").stat().st_size > 0
    _, kept = await backups.restore(killed / "ripost.db", copy, NOW, quiet)
    assert kept is not None
    async with open_site(f"sqlite:///{killed / 'ripost.db'}") as site:
        assert (await site.article("second")).id == 2
        assert await wrong(site) == []
    async with open_site(f"sqlite:///{kept}") as old:
        assert (await old.article("third")).id == 3


async def test_restoring_where_nothing_was_makes_the_database(tmp_path: Path) -> None:
    async with open_site(f"sqlite:///{tmp_path / 'ripost.db'}") as site:
        await site.article()
    backups.back_up(tmp_path / "ripost.db", tmp_path / "copy.db", quiet)
    held, kept = await backups.restore(tmp_path / "new.db", tmp_path / "copy.db", NOW, quiet)
    assert (held, kept) == (backups.Held(articles=1, comments=0), None)
    assert backups.inspect(tmp_path / "new.db").articles == 1


async def test_nothing_is_restored_under_a_running_server(tmp_path: Path) -> None:
    database, copy = tmp_path / "ripost.db", tmp_path / "copy.db"
    async with open_site(f"sqlite:///{database}") as site:
        await site.article()
        backups.back_up(database, copy, quiet)
        with pytest.raises(CommandError, match=r"is using .*; stop it first"):
            await backups.restore(database, copy, NOW, quiet)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: None, "there is no file"),
        (lambda file: file.write_text("nonsense " * 200), "is not a readable SQLite database"),
        (lambda file: file.write_bytes(b""), "is an SQLite database, but not one of Ripost"),
        (lambda file: _other(file), "is an SQLite database, but not one of Ripost"),
    ],
)
async def test_what_is_no_backup_replaces_nothing(tmp_path: Path, make, said: str) -> None:  # type: ignore[no-untyped-def]
    database, copy = tmp_path / "ripost.db", tmp_path / "copy.db"
    async with open_site(f"sqlite:///{database}") as site:
        await site.article()
    make(copy)
    with pytest.raises(CommandError, match=said):
        await backups.restore(database, copy, NOW, quiet)
    assert files(tmp_path) <= {"ripost.db", "copy.db"}
    assert backups.inspect(database).articles == 1


async def test_a_backup_of_a_newer_ripost_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    database, copy = tmp_path / "ripost.db", tmp_path / "copy.db"
    async with open_site(f"sqlite:///{database}") as site:
        for _ in range(20):
            await site.article("x" * 300)
    backups.back_up(database, copy, quiet)
    connection = sqlite3.connect(copy)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(CommandError, match="newer than this Ripost"):
        await backups.restore(database, copy, NOW, quiet)
    content = bytearray(copy.read_bytes())
    content[4096 * 3 : 4096 * 12] = b"\xff" * (4096 * 9)
    copy.write_bytes(content)
    with pytest.raises(CommandError, match=r"damaged|not a readable"):
        await backups.restore(database, copy, NOW, quiet)
    assert backups.inspect(database).articles == 20


def _other(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()


async def test_a_backup_never_replaces_the_database_itself(tmp_path: Path) -> None:
    database = tmp_path / "ripost.db"
    async with open_site(f"sqlite:///{database}") as site:
        await site.article()
    for target in (database, tmp_path):
        with pytest.raises(CommandError):
            backups.back_up(database, target, quiet)
