"""Sessions and what a person may ask about themselves: a link works once, and who is forgotten is forgotten."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from server import auth
from server.actions import accounts, checks, comments, votes
from server.actions.reports import report_comment
from server.errors import Conflict, TooMany, Unauthorized
from server.storage import people
from server.storage.schema import metadata
from server.times import SECOND
from tests.support.build import NOBODY, Said, Site, guest, new_id, open_site


async def link(site: Site, person_id: int, seconds: float = auth.LINK_SECONDS) -> str:
    token = auth.new_token()
    await site.database.write(
        lambda tx: people.add_link(
            tx,
            token_hash=auth.token_hash(token),
            person_id=person_id,
            expires_at=site.clock.now() + round(seconds * SECOND),
        )
    )
    return token


async def test_a_sign_in_link_works_once(site: Site) -> None:
    person = await site.moderator()
    assert person.id is not None
    given = await link(site, person.id)
    signed_in = await accounts.sign_in_with_link(site.state, guest(origin="https://ripost.example"), given)
    assert signed_in.person == person.person
    actor = await site.known(signed_in.token, origin="https://ripost.example")
    assert actor.person == person.person and actor.staff
    with pytest.raises(Unauthorized, match="used or is too old"):
        await accounts.sign_in_with_link(site.state, NOBODY, given)


async def test_a_sign_in_link_ends_after_a_day(site: Site) -> None:
    person = await site.person()
    assert person.id is not None
    given = await link(site, person.id)
    site.clock.advance(auth.LINK_SECONDS)
    for wrong in (given, "", "no such link"):
        with pytest.raises(Unauthorized):
            await accounts.sign_in_with_link(site.state, NOBODY, wrong)


async def test_guessing_links_is_limited(limited: Site) -> None:
    for _ in range(10):
        with pytest.raises(Unauthorized):
            await accounts.sign_in_with_link(limited.state, NOBODY, "guess")
    with pytest.raises(TooMany):
        await accounts.sign_in_with_link(limited.state, NOBODY, "guess")


async def test_signing_out_ends_this_session_only(site: Site) -> None:
    person = await site.person()
    here, there = await site.token(person), await site.token(person)
    await accounts.sign_out(site.state, await site.known(here))
    with pytest.raises(Unauthorized):
        await site.known(here)
    assert (await site.known(there)).person == person.person
    with pytest.raises(Unauthorized):
        await accounts.sign_out(site.state, NOBODY)


async def test_an_export_has_everything_that_a_person_wrote(site: Site) -> None:
    article = await site.article()
    first = await site.post(article, "the *first*")
    ada = await site.known(first.token)
    for number in range(60):
        await site.post(article, f"number {number}", by=ada)
    await site.post(article, "look at https://example.org/", by=ada)
    await site.post(article, "somebody else's")
    taken = await accounts.export(site.state, ada)
    assert taken["person"]["name"] == "Ada"
    texts = [one["text"] for one in taken["comments"]]
    assert texts == ["the *first*", *(f"number {number}" for number in range(60)), "look at https://example.org/"]
    assert taken["comments"][-1]["status"] == "pending"
    with pytest.raises(Unauthorized):
        await accounts.export(site.state, NOBODY)


async def test_who_asks_to_be_forgotten_is(site: Site) -> None:
    article, moderator = await site.article(), await site.moderator()
    client_id = new_id()
    first = await site.post(article, "canary words", name="Canary Name", client_id=client_id)
    ada = await site.known(first.token)
    reply = await site.post(article, "a reply", parent=first.id, by=moderator)
    for number in range(60):
        await site.post(article, f"canary {number}", by=ada)
    removed = await site.post(article, "canary removed", by=ada)
    await site.decide(moderator, removed.id, "reject")
    held = await site.post(article, "canary https://example.org/", by=ada)
    assert await accounts.erase(site.state, ada) == 63
    everything = json.dumps([await site.log(article.channel), await site.thread(article), await site.log("moderation")])
    assert "anary" not in everything
    page = await site.thread(article)
    assert [(one["id"], one["status"]) for one in page["comments"]] == [(first.id, "deleted"), (reply.id, "visible")]
    assert page["article"]["comment_count"] == 1
    with pytest.raises(Unauthorized):
        await site.known(first.token)
    for one in (first, removed, held):
        with pytest.raises(Conflict):
            await site.decide(moderator, one.id, "restore")
    with pytest.raises(Conflict):
        await site.post(article, "canary words", name="Canary Name", client_id=client_id)
    assert await _rows_with(site, "anary") == []


async def _rows_with(site: Site, word: str) -> list[str]:
    """Tables that still hold a word."""
    found: list[str] = []

    def work(tx: Any) -> None:
        for table in metadata.sorted_tables:
            if any(word in str(value) for row in tx.all(select(table)) for value in row):
                found.append(table.name)

    await site.database.read(work)
    return found


async def test_forgetting_one_leaves_all_others_alone(site: Site) -> None:
    article, author, other = await site.article(), await site.person(), await site.person()
    mine, theirs = await site.post(article, by=author), await site.post(article, by=other)
    await accounts.erase(site.state, author)
    page = await site.thread(article)
    assert [one["id"] for one in page["comments"]] == [theirs.id]
    await comments.edit_comment(site.state, other, theirs.id, "still here")
    assert mine.id not in [one["id"] for one in page["comments"]]


async def test_a_token_that_was_forgotten_meanwhile_does_nothing_more(site: Site) -> None:
    article = await site.article()
    said = await site.post(article, "somebody else's")
    author = await site.person("Canary Name")
    retried = new_id()
    await site.post(article, by=author, client_id=retried)
    await accounts.erase(site.state, author)
    done = await asyncio.gather(
        site.post(article, by=author),
        site.post(article, by=author, client_id=retried),
        report_comment(site.state, author, said.id, "spam", None),
        votes.vote(site.state, author, said.id, 1),
        return_exceptions=True,
    )
    assert all(isinstance(one, Unauthorized) for one in done), done
    assert [one["id"] for one in (await site.thread(article))["comments"]] == [said.id]
    assert await _rows_with(site, "Canary") == []


async def test_nothing_that_races_an_erasure_survives_it(site: Site) -> None:
    await _race(site, site)


async def test_nothing_that_races_an_erasure_in_another_process_survives_it(postgres_url: str) -> None:
    async with open_site(postgres_url) as here, open_site(postgres_url) as there:
        await _race(here, there)


async def _race(here: Site, there: Site) -> None:
    """Erases people while they post, vote and report in another process."""
    article = await here.article()
    said = await here.post(article, "somebody else's")
    for number in range(15):
        author = await here.person(f"Canary {number}")
        await here.post(article, by=author)
        done = await asyncio.gather(
            *(there.post(article, by=author) for _ in range(3)),
            votes.vote(there.state, author, said.id, 1),
            accounts.erase(here.state, author),
            report_comment(there.state, author, said.id, "spam", None),
            *(there.post(article, by=author) for _ in range(3)),
            return_exceptions=True,
        )
        assert all(isinstance(one, Unauthorized | Said | votes.Voted | int | None) for one in done), done
    while await votes.flush(here.state) < 1:
        here.clock.advance(1)
    assert [one["id"] for one in (await here.thread(article))["comments"]] == [said.id]
    assert await _rows_with(here, "Canary") == []
    assert await here.database.read(lambda tx: list(checks.check(tx, lambda count: None))) == []


async def test_one_sees_oneself(site: Site) -> None:
    moderator = await site.moderator()
    seen = accounts.me(moderator)
    assert (seen["id"], seen["role"], "moderate" in seen["can"]) == (moderator.id, "moderator", True)
    with pytest.raises(Unauthorized):
        accounts.me(NOBODY)
