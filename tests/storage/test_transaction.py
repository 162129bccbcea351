"""The three verbs give the same answers on a bare cursor and on a connection."""

from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects import sqlite

from server.storage.database import Database
from server.storage.schema import meta
from server.storage.transaction import Statements, Transaction

ADD = insert(meta)
SOME = select(meta.c.key, meta.c.value).where(meta.c.key >= bindparam("first")).order_by(meta.c.key)
CHANGE = update(meta).where(meta.c.key != bindparam("but")).values(value=func.coalesce(bindparam("new"), "none"))


@pytest.fixture
async def database(database_url: str) -> Any:
    opened = await Database.open(database_url, lambda commit: None)
    yield opened
    await opened.close()


async def test_rows_are_plain_tuples_and_changes_are_counted(database: Database) -> None:
    await database.write(lambda tx: [tx.run(ADD, key=key, value=key.upper()) for key in ("a", "b", "ç🙂")])

    def read(tx: Transaction) -> Any:
        return tx.all(SOME, first="b"), tx.one(SOME, first="a"), tx.one(SOME, first="\U0010ffff")

    for rows in (await database.read(read), await database.write(read)):
        assert rows == ([("b", "B"), ("ç🙂", "Ç🙂")], ("a", "A"), None)
    assert await database.write(lambda tx: tx.run(CHANGE, but="a", new="x")) == 2


async def test_text_takes_named_values_any_number_of_times(database: Database) -> None:
    statement = text("SELECT CAST(:a AS text) || CAST(:b AS text) || CAST(:a AS text)")
    assert await database.read(lambda tx: tx.one(statement, b="2", a="1")) == ("121",)
    assert await database.write(lambda tx: tx.one(statement, a="3", b="4")) == ("343",)


async def test_values_are_never_part_of_the_text(database: Database) -> None:
    hostile = "'); DROP TABLE meta; -- :a $1 ? %s \\"
    await database.write(lambda tx: tx.run(ADD, key=hostile, value=hostile))
    assert await database.read(lambda tx: tx.one(SOME, first="'")) == (hostile, hostile)


def test_a_statement_is_compiled_once_for_each_set_of_columns() -> None:
    statements = Statements(sqlite.dialect())
    for number in range(100):
        statements.text(SOME, {"first": str(number)})
        statements.text(ADD, {"key": str(number), "value": "v"})
        statements.text(ADD, {"key": str(number)})
    assert len(statements._texts) == 3
