"""Votes: what a person thinks of a comment counts once, and everyone sees the same scores at the same position."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from server.actions import accounts, checks, comments, exports, imports, reimports, threads, votes
from server.actions.imports import Outcome
from server.actions.reimports import ExportBatch
from server.errors import Conflict, Invalid, NotFound, TooMany, Unauthorized
from server.fold import fold
from server.importers import ripost
from server.models import Actor, Article, Sort
from server.storage import votes as votes_table
from server.storage.transaction import Transaction
from tests.support.build import NOBODY, Said, Site, open_site
from tests.support.whole import compared, whole_thread

HELD = "Look at https://elsewhere.example/page"


async def vote(site: Site, by: Actor, said: Said, value: int = 1) -> votes.Voted:
    return await votes.vote(site.state, by, said.id, value)


async def flush(site: Site) -> float:
    """A flush a second after whatever was before."""
    site.clock.advance(1)
    return await votes.flush(site.state)


async def scores(site: Site, article: Article) -> dict[int, tuple[int, int]]:
    """What a fresh page shows, of comments with votes."""
    page = await site.thread(article, limit=100)
    return {one["id"]: (one["up"], one["down"]) for one in page["comments"] if one["up"] or one["down"]}


async def scored(site: Site, article: Article) -> list[dict[str, list[int]]]:
    """What the log says of scores, event by event."""
    return [event["scores"] for event in await site.log(article.channel) if event["type"] == "comments.scored"]


async def own_votes(site: Site, actor: Actor, article: Article) -> Any:
    def read(tx: Transaction) -> Any:
        return threads.viewer(site.state, actor, threads.read_thread(tx, article.id, Sort.OLDEST, None, 25, actor))

    viewer = await site.database.read(read)
    return viewer["votes"]


async def wrong(site: Site) -> list[str]:
    found: list[str] = await site.database.read(lambda tx: list(checks.check(tx, lambda count: None)))
    return found


async def rows(site: Site, table: str) -> int:
    found = await site.database.read(lambda tx: tx.one(text(f"SELECT count(*) FROM {table}")))
    return int(found[0])


async def test_votes_become_public_together_with_one_event(site: Site) -> None:
    article = await site.article()
    first, second = await site.post(article), await site.post(article)
    ada, ben = await site.person(), await site.person()
    before = await whole_thread(site, article.id)
    assert await vote(site, ada, first) == votes.Voted(1, 0, 0)
    await vote(site, ben, first)
    await vote(site, ben, second, -1)
    assert await scores(site, article) == {}, "the scores change with the event only"
    await flush(site)
    assert await scored(site, article) == [{str(first.id): [2, 0], str(second.id): [0, 1]}]
    assert await scores(site, article) == {first.id: (2, 0), second.id: (0, 1)}
    assert await vote(site, ada, first) == votes.Voted(1, 2, 0)
    later = (await site.log(article.channel))[before["seq"] :]
    assert compared(fold(before, later)) == compared(await whole_thread(site, article.id))
    assert await wrong(site) == []


async def test_the_same_vote_again_changes_nothing(site: Site) -> None:
    article, ada = await site.article(), await site.person()
    said = await site.post(article)
    for _ in range(3):
        await vote(site, ada, said)
    await flush(site)
    await vote(site, ada, said)
    await flush(site)
    assert await scored(site, article) == [{str(said.id): [1, 0]}]
    assert await rows(site, "vote_marks") == 0


async def test_a_vote_is_turned_round_and_taken_back(site: Site) -> None:
    article, ada = await site.article(), await site.person()
    said = await site.post(article)
    for value in (1, -1, 0):
        await vote(site, ada, said, value)
        await flush(site)
    assert await scored(site, article) == [{str(said.id): [1, 0]}, {str(said.id): [0, 1]}, {str(said.id): [0, 0]}]
    assert await rows(site, "votes") == 0


async def test_what_is_taken_back_at_once_is_not_said(site: Site) -> None:
    article, ada = await site.article(), await site.person()
    said = await site.post(article)
    await vote(site, ada, said)
    await vote(site, ada, said, 0)
    await flush(site)
    assert await scored(site, article) == []
    assert await rows(site, "vote_marks") == 0


async def test_guests_vote_with_the_token_of_their_first_comment(site: Site) -> None:
    article = await site.article()
    said, own = await site.post(article), await site.post(article)
    await vote(site, await site.known(own.token), said)
    await flush(site)
    assert await scores(site, article) == {said.id: (1, 0)}


async def test_who_may_not_vote_is_told_why(site: Site) -> None:
    article, moderator, ada = await site.article(), await site.moderator(), await site.person()
    said, held, removed, deleted = [await site.post(article, words) for words in ("a", HELD, "b", "c")]
    author = await site.known(said.token)
    await site.decide(moderator, removed.id, "reject")
    await comments.delete_comment(site.state, await site.known(deleted.token), deleted.id)
    with pytest.raises(Unauthorized):
        await vote(site, NOBODY, said)
    with pytest.raises(Conflict, match="own comment"):
        await vote(site, author, said)
    with pytest.raises(Conflict, match="removed"):
        await vote(site, ada, removed)
    with pytest.raises(Conflict, match="deleted"):
        await vote(site, ada, deleted)
    with pytest.raises(NotFound):
        await vote(site, ada, held)  # nobody else is told that it exists
    with pytest.raises(Conflict, match="pending"):
        await vote(site, await site.known(held.token), held)
    with pytest.raises(NotFound):
        await votes.vote(site.state, ada, 999, 1)
    with pytest.raises(Invalid, match="value"):
        await vote(site, ada, said, 2)
    closed = await site.article(state="closed")
    at_last = await site.post(closed, by=moderator)
    with pytest.raises(Conflict, match="closed"):
        await vote(site, ada, at_last)
    assert await rows(site, "votes") == 0


async def test_a_token_that_was_forgotten_meanwhile_does_not_vote(site: Site) -> None:
    article = await site.article()
    said, own = await site.post(article), await site.post(article)
    ada = await site.known(own.token)
    await accounts.erase(site.state, ada)
    with pytest.raises(Unauthorized):
        await vote(site, ada, said)


async def test_votes_are_limited(limited: Site) -> None:
    article = await limited.article()
    said, ada = await limited.post(article), await limited.person()
    with pytest.raises(TooMany):
        for number in range(40):
            await vote(limited, ada, said, 1 if number % 2 else -1)


async def test_an_article_says_at_most_once_a_second_what_was_voted(site: Site) -> None:
    article, other = await site.article(), await site.article()
    said, elsewhere = await site.post(article), await site.post(other)
    people = [await site.person() for _ in range(4)]
    await vote(site, people[0], said)
    # Two processes at once: one of them says it.
    await asyncio.gather(flush(site), votes.flush(site.state))
    times = [event["at"] for event in await site.log(article.channel) if event["type"] == "comments.scored"]
    assert len(times) == 1
    await vote(site, people[1], said)
    site.clock.advance(0.25)
    assert await votes.flush(site.state) == 0.75
    await vote(site, people[1], elsewhere)
    assert await votes.flush(site.state) == 0.75, "another article does not wait"
    assert await scored(site, other) == [{str(elsewhere.id): [1, 0]}]
    await vote(site, people[2], said)
    site.clock.advance(0.75)
    assert await votes.flush(site.state) == 1
    assert await scored(site, article) == [{str(said.id): [1, 0]}, {str(said.id): [3, 0]}]


async def test_a_clock_that_was_put_back_does_not_stop_votes(site: Site) -> None:
    article, ada = await site.article(), await site.person()
    said = await site.post(article)
    await vote(site, ada, said)
    await flush(site)
    await vote(site, ada, said, -1)
    site.clock.advance(-3600)
    await votes.flush(site.state)
    assert len(await scored(site, article)) == 2


async def test_an_event_says_the_scores_of_a_bounded_number_of_comments(sqlite_url: str) -> None:
    async with open_site(sqlite_url) as site:
        article, moderator, ada = await site.article(), await site.moderator(), await site.person()
        said = await asyncio.gather(*(site.post(article, by=moderator) for _ in range(votes.MOST_SCORES + 1)))
        await asyncio.gather(*(vote(site, ada, one) for one in said))
        await flush(site)
        await flush(site)
        assert [len(one) for one in await scored(site, article)] == [votes.MOST_SCORES, 1]
        assert await wrong(site) == []


async def test_what_was_voted_before_a_crash_is_published_after_it(database_url: str) -> None:
    async with open_site(database_url) as site:
        article, ada = await site.article(), await site.person()
        said = await site.post(article)
        await vote(site, ada, said)
        assert await wrong(site) == []
    async with open_site(database_url) as site:
        await flush(site)
        assert await scored(site, article) == [{str(said.id): [1, 0]}]
        assert await scores(site, article) == {said.id: (1, 0)}


async def test_a_page_tells_its_viewer_what_they_voted_at_once(site: Site) -> None:
    article, ada = await site.article(), await site.person()
    first, second, third = [await site.post(article) for _ in range(3)]
    reply = await site.post(article, parent=second.id)
    await vote(site, ada, first)
    await vote(site, ada, third, -1)
    await vote(site, ada, reply)
    assert await own_votes(site, ada, article) == {str(first.id): 1, str(third.id): -1, str(reply.id): 1}
    assert await own_votes(site, await site.person(), article) == {}
    below = await site.database.read(lambda tx: threads.read_replies(tx, second.id, None, 10, ada))
    assert below.votes == {reply.id: 1}
    linked = await site.database.read(lambda tx: threads.read_context(tx, reply.id, ada))
    assert linked.votes == {reply.id: 1}


async def test_the_best_come_first_when_sorted_by_top(site: Site) -> None:
    article = await site.article()
    said = [await site.post(article) for _ in range(4)]
    people = [await site.person() for _ in range(3)]
    for person in people:
        await vote(site, person, said[2])
    for person in people[:2]:
        await vote(site, person, said[0])
    await vote(site, people[0], said[3], -1)
    await flush(site)
    page = await site.thread(article, Sort.TOP)
    assert [one["id"] for one in page["comments"]] == [said[number].id for number in (2, 0, 1, 3)]


async def test_the_votes_on_a_deleted_comment_go_with_it(site: Site) -> None:
    article, ada, ben = await site.article(), await site.person(), await site.person()
    root = await site.post(article)
    await site.post(article, parent=root.id)
    await vote(site, ada, root)
    await flush(site)
    await vote(site, ben, root)
    await comments.delete_comment(site.state, await site.known(root.token), root.id)
    assert (await rows(site, "votes"), await rows(site, "vote_marks")) == (0, 0)
    await flush(site)
    assert await scored(site, article) == [{str(root.id): [1, 0]}]
    assert await wrong(site) == []


async def test_the_votes_on_a_removed_comment_are_there_when_it_is_back(site: Site) -> None:
    article, moderator, ada = await site.article(), await site.moderator(), await site.person()
    before = await whole_thread(site, article.id)
    said = await site.post(article)
    await vote(site, ada, said)
    await site.decide(moderator, said.id, "reject")
    await flush(site)
    await site.decide(moderator, said.id, "restore")
    assert await scores(site, article) == {said.id: (1, 0)}
    assert compared(fold(before, await site.log(article.channel))) == compared(await whole_thread(site, article.id))
    assert await wrong(site) == []


async def test_who_is_forgotten_takes_their_votes_along(site: Site) -> None:
    article = await site.article()
    said = [await site.post(article, by=await site.person()) for _ in range(accounts.CHUNK + 3)]
    ada, ben = await site.person(), await site.person()
    for one in said:
        await vote(site, ada, one)
    await vote(site, ben, said[0], -1)
    await flush(site)
    taken = await accounts.export(site.state, ada)
    assert [(one["comment"], one["value"]) for one in taken["votes"]] == [(one.id, 1) for one in said]
    assert await accounts.erase(site.state, ada) == 0
    assert await rows(site, "votes") == 1
    await flush(site)
    assert await scores(site, article) == {said[0].id: (0, 1)}
    assert await wrong(site) == []


async def _exported(site: Site) -> list[bytes]:
    await imports.name_instance(site.state, imports.NoArguments())
    lines: list[bytes] = []
    await site.database.read(lambda tx: exports.export(tx, site.clock.now(), lines.append, lambda count: None))
    return lines


async def _take_in(site: Site, lines: list[bytes], *, preview: bool = False) -> Outcome:
    header = ripost.header(lines[0])
    batch = ExportBatch(
        instance=header.instance, exported_at=header.exported_at, records=list(ripost.parse(lines[1:])), last=True
    )
    if preview:
        seen: Outcome = await site.database.read(lambda tx: reimports.preview_export(tx, batch))
        return seen
    return await reimports.import_export(site.state, batch)


async def _voted_on(site: Site) -> Article:
    """An article with scores that came with an import (7 up), public votes, and one that is not public yet."""
    article, ada, ben = await site.article(), await site.person("Ada"), await site.person("Ben")
    first, second, gone = [await site.post(article) for _ in range(3)]
    imported = votes_table.Mark(first.id, 7, 0)
    await site.database.write(lambda tx: votes_table.add_scores(tx, imported))
    for said in (first, second, gone):
        await vote(site, ada, said)
    await vote(site, ben, second, -1)
    await flush(site)
    await vote(site, ben, first)
    await vote(site, ben, gone)
    await comments.delete_comment(site.state, await site.known(gone.token), gone.id)
    return article


async def test_an_export_takes_votes_along_once(database_url: str, tmp_path: Any) -> None:
    async with open_site(database_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        article = await _voted_on(here)
        lines = await _exported(here)
        assert (await _take_in(there, lines, preview=True)).votes == 4
        assert (await _take_in(there, lines)).votes == 4
        assert (await _take_in(there, lines)).votes == 0
        assert await wrong(there) == []
        for site in (here, there):
            await flush(site)
        wanted = await scores(here, article)
        assert wanted == {1: (9, 0), 2: (1, 1)}
        assert await scores(there, article) == wanted
        assert (await _exported(there))[1:] == (await _exported(here))[1:] == lines[1:]
        assert (await _take_in(here, lines)).votes == 0, "whoever takes back their own export changes nothing"
        assert await wrong(there) == []


async def test_votes_join_other_discussions_and_keep_their_comments(sqlite_url: str, tmp_path: Any) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        await _voted_on(here)
        await there.post(await there.article("Another"), "here before")
        lines = await _exported(here)
        assert (await _take_in(there, lines, preview=True)).votes == 4
        assert (await _take_in(there, lines)).votes == 4
        await flush(there)
        page = await there.database.read(lambda tx: tx.all(text("SELECT up, down FROM comments ORDER BY id")))
        assert page == [(0, 0), (9, 0), (1, 1), (1, 0)], "a deleted comment keeps its scores and has no votes"
        assert (await _take_in(there, lines)).votes == 0


async def test_a_vote_of_nobody_or_for_nothing_is_not_imported(sqlite_url: str) -> None:
    async with open_site(sqlite_url) as site:
        said, ada = await site.post(await site.article()), await site.person()
        own = {"record": "vote", "comment": said.id, "person": said.comment["author"]["id"], "value": 1}
        lines = await _exported(site)
        for wanted in (own, own | {"comment": 99, "person": ada.id}, own | {"person": 99}):
            lines.append(json.dumps(wanted | {"at": "2026-03-01T12:00:00Z"}).encode())
        assert (await _take_in(site, lines)).votes == 0
        assert await rows(site, "votes") == 0


BREAKS = {
    "DELETE FROM vote_marks": "comment 1 says 0 up and 0 down, fewer than the 1 and 0 votes it has",
    "UPDATE votes SET value = 7": "comment 1 has a vote of 7 by person 2",
    "UPDATE comments SET status = 'deleted'": "comment 1 was deleted and still has votes",
    "UPDATE people SET erased_at = 1": "person 2 was forgotten and still has votes",
}


@pytest.mark.parametrize("sql", BREAKS)
async def test_what_is_broken_is_found_by_the_check(database_url: str, sql: str) -> None:
    async with open_site(database_url) as site:
        said = await site.post(await site.article())
        await vote(site, await site.person(), said)
        await site.database.write(lambda tx: tx.run(text(sql)))
        found = await wrong(site)
        assert any(BREAKS[sql] in sentence for sentence in found), found


_PEOPLE, _COMMENTS = 3, 3
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, _PEOPLE - 1), st.integers(0, _COMMENTS - 1), st.sampled_from((1, 0, -1))),
        st.just("flush"),
        st.just("too soon"),
    ),
    max_size=30,
)
_SLOW: Any = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


async def _add_up(site: Site, steps: list[Any]) -> None:
    article = await site.article()
    people = [await site.person() for _ in range(_PEOPLE)]
    said = [await site.post(article) for _ in range(_COMMENTS)]
    snapshots = [await whole_thread(site, article.id, Sort.TOP)]
    wanted: dict[tuple[int, int], int] = {}
    for step in steps:
        if step == "flush":
            await flush(site)
            snapshots.append(await whole_thread(site, article.id, Sort.TOP))
        elif step == "too soon":
            site.clock.advance(0.1)
            await votes.flush(site.state)
        else:
            person, comment, value = step
            await vote(site, people[person], said[comment], value)
            wanted[person, comment] = value
    await flush(site)
    await flush(site)
    shown = await scores(site, article)
    for number, one in enumerate(said):
        given_ = [value for (_, comment), value in wanted.items() if comment == number]
        assert shown.get(one.id, (0, 0)) == (given_.count(1), given_.count(-1))
    fresh, log = await whole_thread(site, article.id, Sort.TOP), await site.log(article.channel)
    for snapshot in snapshots:
        assert compared(fold(snapshot, log[snapshot["seq"] :])) == compared(fresh)
    times = [json.dumps(event["at"]) for event in log if event["type"] == "comments.scored"]
    assert len(set(times)) == len(times)
    assert await wrong(site) == []


@settings(max_examples=40, **_SLOW)
@given(steps=_STEPS)
async def test_votes_add_up_whatever_is_voted_on_sqlite(sqlite_url: str, steps: list[Any]) -> None:
    async with open_site(sqlite_url) as site:
        await _add_up(site, steps)


@settings(max_examples=8, **_SLOW)
@given(steps=_STEPS)
async def test_votes_add_up_whatever_is_voted_on_postgresql(postgres_url: str, steps: list[Any]) -> None:
    async with open_site(postgres_url) as site:
        await _add_up(site, steps)
