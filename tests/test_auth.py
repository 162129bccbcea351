"""Who is asking, and what of their rights counts there."""

import asyncio

import pytest

from server import auth
from server.actions import accounts
from server.errors import Unauthorized
from server.models import Role
from server.sessions import Sessions
from server.times import SECOND
from tests.support.build import NOBODY, Site, open_site

OWN, NEWS = "https://ripost.example", "https://news.example"


@pytest.fixture
async def site(sqlite_url: str) -> object:
    async with open_site(sqlite_url) as opened:
        yield opened


async def test_nobody_known_asks_without_a_token(site: Site) -> None:
    actor = await site.known(None)
    assert actor.person is None and not actor.staff
    for wrong in ("", "x", "🙂", "x" * 5000):
        with pytest.raises(Unauthorized):
            await site.known(wrong)


async def test_a_token_works_on_the_origin_it_was_made_on_only(site: Site) -> None:
    person = await site.person()
    token = await site.token(person, NEWS)
    assert (await site.known(token, origin=NEWS, own_origin=False)).person == person.person
    with pytest.raises(Unauthorized, match="was made on"):
        await site.known(token, origin="https://evil.example", own_origin=False)


async def test_staff_are_staff_on_riposts_own_pages_and_for_programs(site: Site) -> None:
    token = await site.token(await site.person(role=Role.ADMIN))
    assert (await site.known(token, origin=OWN, own_origin=True)).staff
    assert (await site.known(token)).staff
    assert not (await site.known(token, origin=NEWS, own_origin=False)).staff
    member = await site.token(await site.person())
    assert not (await site.known(member, origin=OWN, own_origin=True)).staff


async def test_a_session_ends_after_a_year(site: Site) -> None:
    token = await site.token(await site.person())
    site.clock.advance(auth.SESSION_SECONDS - 1)
    await site.known(token)
    site.clock.advance(60)  # what is known of a session is kept for a moment
    with pytest.raises(Unauthorized):
        await site.known(token)


async def test_what_was_asked_before_a_session_ended_is_not_remembered_after_it(site: Site) -> None:
    person = (await site.person()).person
    assert person is not None
    sessions = Sessions()
    for end in (lambda: sessions.forget("its hash"), lambda: sessions.forget_person(person.id)):
        endings = sessions.endings
        end()
        sessions.keep("its hash", (person, None), 0, endings)
        assert sessions.get("its hash", 0) is None
    sessions.keep("its hash", (person, None), 0, sessions.endings)
    assert sessions.get("its hash", 0) == (person, None)


async def test_a_session_is_unknown_once_it_has_ended_whatever_was_asked_meanwhile(site: Site) -> None:
    for round in range(20):
        person = await site.person()
        tokens = [await site.token(person) for _ in range(3)]
        actor = await site.known(tokens[0])
        ending = accounts.erase if round % 2 else accounts.sign_out
        asked = [site.known(tokens[0]) for _ in range(5)]
        await asyncio.gather(
            *asked, ending(site.state, actor), *(site.known(one) for one in tokens), return_exceptions=True
        )
        ended = tokens if round % 2 else tokens[:1]
        for token in ended:
            with pytest.raises(Unauthorized):
                await site.known(token)


async def test_the_database_knows_no_token(site: Site) -> None:
    token = await site.token(await site.person())
    folder = site.state.config.database_path.parent
    assert all(token.encode() not in file.read_bytes() for file in folder.iterdir())


def test_a_guests_token_depends_on_the_secret_and_the_client_id() -> None:
    tokens = {auth.guest_token(secret, client) for secret in (b"a", b"b") for client in ("x", "y")}
    assert len(tokens) == 4 and auth.guest_token(b"a", "x") in tokens
    assert all(len(token) >= 43 for token in tokens)


def test_addresses_are_kept_as_keyed_hashes_of_a_household() -> None:
    key = auth.address_key
    assert key(b"k", "2001:db8:1:2:3:4:5:6") == key(b"k", "2001:db8:1:2::1") != key(b"k", "2001:db8:1:3::1")
    assert key(b"k", "192.0.2.1") != key(b"k", "192.0.2.2")
    assert key(b"k", "192.0.2.1") != key(b"other", "192.0.2.1")
    assert "192" not in key(b"k", "192.0.2.1") or len(key(b"k", "192.0.2.1")) == 24


def test_nobody_may_do_what_needs_a_person() -> None:
    with pytest.raises(Unauthorized, match="Authorization"):
        auth.require_person(NOBODY)
    with pytest.raises(Unauthorized):
        auth.require_staff(NOBODY)
    assert SECOND == 1_000_000
