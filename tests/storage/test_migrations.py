"""Migrations: a fresh database is what the tables say, an older one is copied and brought up, a newer one is refused."""

import asyncio
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.errors import CommandError
from server.storage import migrations
from server.storage.database import Database
from server.storage.schema import metadata
from server.storage.sqlite import connect_writer

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade():
    op.add_column("meta", sa.Column("added", sa.Text()))
    {more}
"""


async def _made(url: str) -> None:
    await (await Database.open(url, lambda commit: None)).close()


def _url(database_url: str) -> str:
    return database_url.replace("sqlite://", "sqlite+aiosqlite://").replace("postgresql://", "postgresql+asyncpg://")


async def _look(database_url: str, look: Any) -> Any:
    engine = create_async_engine(_url(database_url))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    finally:
        await engine.dispose()


# What SQLAlchemy cannot read back from SQLite is compared as text below.
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")


async def test_a_fresh_database_is_what_the_tables_say(database_url: str) -> None:
    await _made(database_url)

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[Any] = compare_metadata(context, metadata)
        return found

    assert await _look(database_url, differences) == []


async def test_a_fresh_database_has_every_index_as_the_tables_have_it(database_url: str, tmp_path: Path) -> None:
    """Autogenerate overlooks expressions and conditions: both are compared as the database itself describes them."""
    await _made(database_url)

    def described(connection: Connection) -> dict[str, str]:
        statement = (
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
            if connection.dialect.name == "sqlite"
            else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
        rows = connection.execute(text(statement)).all()
        plain = {name: " ".join(sql.replace("(up - down)", "up - down").split()) for name, sql in rows}
        return {name: sql for name, sql in plain.items() if not name.startswith("alembic_version")}

    def remade(connection: Connection) -> dict[str, str]:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return described(connection)

    migrated = await _look(database_url, described)
    assert {"ix_comments_top", "ix_comments_roots", "ix_comments_pinned", "ix_comments_waiting"} <= set(migrated)
    assert migrated == await _look(database_url, remade)


async def test_every_table_has_a_primary_key_and_every_foreign_key_an_index(database_url: str) -> None:
    await _made(database_url)

    def unindexed(connection: Connection) -> list[str]:
        inspector = inspect(connection)
        missing = []
        for table in metadata.tables:
            primary = inspector.get_pk_constraint(table)["constrained_columns"]
            assert primary, table
            leading = {primary[0], *(index["column_names"][0] for index in inspector.get_indexes(table))}
            for key in inspector.get_foreign_keys(table):
                if key["constrained_columns"][0] not in leading:
                    missing.append(f"{table}.{key['constrained_columns'][0]}")
        return missing

    # Articles and people are never deleted, so these two are only followed in the other direction.
    assert set(await _look(database_url, unindexed)) <= {"decisions.article_id", "decisions.moderator_id"}


async def test_opening_again_changes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    await _made(sqlite_url)
    before = (tmp_path / "ripost.db").read_bytes()
    await _made(sqlite_url)
    assert (tmp_path / "ripost.db").read_bytes() == before
    assert list(tmp_path.glob("*.before-*")) == []


def _scripts(tmp_path: Path, more: str = "pass", revision: str = "9999") -> Path:
    """Our migrations and one more."""
    folder = tmp_path / f"scripts-{revision}"
    shutil.copytree(migrations.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = ScriptDirectory.from_config(migrations._config(folder)).get_current_head()
    text = NEXT.format(newest=newest, more=more).replace('"9999"', f'"{revision}"')
    (folder / "versions" / f"{revision}_more.py").write_text(text)
    return folder


async def test_an_older_file_is_copied_before_it_is_migrated(sqlite_url: str, tmp_path: Path) -> None:
    await _made(sqlite_url)
    path = tmp_path / "ripost.db"
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO meta (key, value) VALUES ('kept', 'yes')")
    connection.commit()
    connection.close()
    migrations.upgrade_sqlite(path, connect_writer(path), _scripts(tmp_path))
    copy = tmp_path / "ripost.db.before-9999"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.copying"))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT key, value, added FROM meta WHERE key = 'kept'").fetchall() == [
        ("kept", "yes", None)
    ]
    connection.close()
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT * FROM meta WHERE key = 'kept'").fetchall() == [("kept", "yes")]
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_five_copies_are_kept(sqlite_url: str, tmp_path: Path) -> None:
    await _made(sqlite_url)
    path = tmp_path / "ripost.db"
    fresh = path.read_bytes()
    for number in range(8):
        path.write_bytes(fresh)
        migrations.upgrade_sqlite(path, connect_writer(path), _scripts(tmp_path, revision=f"999{number}"))
    names = {file.name for file in tmp_path.glob("ripost.db.before-*")}
    assert names == {f"ripost.db.before-999{number}" for number in range(3, 8)}


async def test_a_migration_that_fails_leaves_everything_as_it_was(sqlite_url: str, tmp_path: Path) -> None:
    await _made(sqlite_url)
    path = tmp_path / "ripost.db"
    for more in ('op.execute("INSERT INTO nothing VALUES (1)")',
                 'op.execute("INSERT INTO slugs (slug, article_id) VALUES (\'orphan\', 5)")'):  # fmt: skip
        with pytest.raises(CommandError, match="migrate the database"):
            migrations.upgrade_sqlite(path, connect_writer(path), _scripts(tmp_path, more))
        shutil.rmtree(tmp_path / "scripts-9999")
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM slugs").fetchone() == (0,)
        assert "added" not in [row[1] for row in connection.execute("PRAGMA table_info(meta)")]
        connection.close()
    await _made(sqlite_url)


async def test_a_table_that_a_migration_makes_anew_keeps_what_refers_to_it(sqlite_url: str, tmp_path: Path) -> None:
    await _made(sqlite_url)
    path = tmp_path / "ripost.db"
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO people VALUES (1, 'Ada', 'member', NULL, 'ada', 0, NULL, NULL, NULL)")
    connection.execute("INSERT INTO links VALUES ('hash', 1, 0)")
    connection.commit()
    connection.close()
    more = 'with op.batch_alter_table("people", recreate="always") as batch:\n        batch.add_column(sa.Column("new", sa.Text()))'
    migrations.upgrade_sqlite(path, connect_writer(path), _scripts(tmp_path, more))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT people.name FROM links JOIN people ON people.id = person_id").fetchall() == [
        ("Ada",)
    ]
    connection.close()


async def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    await _made(database_url)

    def stamp(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '8888'"))
        connection.commit()

    await _look(database_url, stamp)
    sentence = r"newer than this Ripost \(revision 8888\); install the newer version"
    with pytest.raises(CommandError, match=sentence):
        await Database.open(database_url, lambda commit: None)
    with pytest.raises(CommandError, match=sentence):
        await Database.open_readonly(database_url)


async def test_a_database_that_was_never_migrated_is_not_opened_for_reading(postgres_url: str) -> None:
    with pytest.raises(CommandError, match="start `ripost serve` once"):
        await Database.open_readonly(postgres_url)


async def test_an_older_postgresql_database_is_migrated_once_by_processes_that_start_together(
    postgres_url: str, tmp_path: Path
) -> None:
    await _made(postgres_url)
    scripts = _scripts(tmp_path)
    engine = create_async_engine(_url(postgres_url))

    async def migrate() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(migrations.upgrade, scripts)

    await asyncio.gather(*(migrate() for _ in range(4)))
    await engine.dispose()
    columns = await _look(postgres_url, lambda connection: [c["name"] for c in inspect(connection).get_columns("meta")])
    assert columns.count("added") == 1
