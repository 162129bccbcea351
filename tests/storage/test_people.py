"""People as rows: who is found by what, and what is left of those who were forgotten."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite as sqlite_dialect

from server.models import Role
from server.storage import people
from server.storage.transaction import Transaction
from tests.support.build import Site, open_site


@pytest.fixture
async def site(database_url: str) -> Any:
    async with open_site(database_url) as opened:
        yield opened


async def test_a_guests_name_is_not_their_own(site: Site) -> None:
    await site.person("Ada", Role.GUEST)
    member = await site.person("Ada")
    found = await site.database.read(lambda tx: people.by_name(tx, "Ada"))
    assert [person.id for person in found] == [member.id]


async def test_the_names_of_staff_are_known_until_they_are_forgotten(site: Site) -> None:
    moderator = await site.person("Grace", Role.MODERATOR)
    await site.person("Ada")
    assert moderator.id is not None
    person_id = moderator.id
    assert len(await site.database.read(people.staff_skeletons)) == 1
    await site.database.write(lambda tx: people.erase(tx, person_id, site.clock.now()))
    assert await site.database.read(people.staff_skeletons) == frozenset()
    assert await site.database.read(lambda tx: people.get(tx, person_id)) is None
    assert await site.database.read(lambda tx: people.by_name(tx, "")) == []


async def test_a_new_guest_is_compared_with_the_few_who_are_none(site: Site) -> None:
    """However many guests there are: the look-up reads an index of the others."""

    def plan(tx: Transaction) -> str:
        wanted = people._STAFF.compile(dialect=sqlite_dialect.dialect(), compile_kwargs={"literal_binds": True})
        if tx.dialect == "sqlite":
            return str(tx.all(text(f"EXPLAIN QUERY PLAN {wanted}")))
        tx.run(text("SET LOCAL enable_seqscan = off"))  # of so few a planner rightly reads all
        return str(tx.all(text(f"EXPLAIN {wanted}")))

    assert "ix_people_standing" in await site.database.read(plan)


async def test_a_link_is_used_up_by_one_of_those_who_try_at_once(site: Site) -> None:
    person = await site.person()
    assert person.id is not None
    person_id = person.id
    await site.database.write(lambda tx: people.add_link(tx, token_hash="h", person_id=person_id, expires_at=10))
    taken = await asyncio.gather(*(site.database.write(lambda tx: people.take_link(tx, "h", 5)) for _ in range(8)))
    assert sorted(taken, key=str) == [person_id, *[None] * 7]
