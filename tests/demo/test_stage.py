"""The demo's database before anybody looks."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from server.demo.articles import NAMES, read, steps
from server.demo.stage import MODERATOR, Stage, set_up
from server.models import ArticleState, Role, Sort, Status
from server.storage import articles, comments, people, threads
from server.storage.database import Database
from server.times import SECOND, SystemClock

NOW = 1_800_000_000 * SECOND


@pytest_asyncio.fixture
async def stage_and_database(sqlite_url: str) -> AsyncIterator[tuple[Stage, Database]]:
    stage = await set_up(sqlite_url)
    database = await Database.open_readonly(sqlite_url)
    yield stage, database
    await database.close()


@pytest.mark.parametrize("name", NAMES)
def test_everything_happened_in_the_past_and_in_order(name: str) -> None:
    article = read(name)
    posted = {step.comment.key: step.at for step in steps(article, NOW) if step.what == "posted"}
    assert all(NOW - round(article.hours_ago * 3600) * SECOND < at < NOW for at in posted.values())
    for comment in article.comments:
        if comment.under is not None:
            assert posted[comment.under] < posted[comment.key], f"{comment.key} answers what was not there yet"
    assert [step.at for step in steps(article, NOW)] == sorted(step.at for step in steps(article, NOW))


@pytest.mark.parametrize("name", NAMES)
def test_articles_are_worth_reading(name: str) -> None:
    assert 300 <= len(read(name).body.split()) <= 600


async def test_there_is_a_lively_an_empty_a_closed_and_a_right_to_left_article(
    stage_and_database: tuple[Stage, Database],
) -> None:
    stage, database = stage_and_database
    by_label = {discussion.label: discussion for discussion in stage.discussions}
    assert by_label["lively"] is stage.hot and by_label["lively"].state == ArticleState.OPEN
    assert by_label["closed"].state == ArticleState.CLOSED
    stored = await database.read(lambda tx: {a.id: a for a in articles.newest(tx, articles.BEFORE_ALL, 10)})
    assert next(iter(stored)) == stage.hot.id, "the index shows the lively one first"
    assert stored[by_label["empty"].id].comment_count == 0
    assert stored[stage.hot.id].comment_count >= 40
    assert not stored[by_label["right to left"].id].title.isascii()


async def test_the_hot_thread_shows_what_a_thread_can_be(stage_and_database: tuple[Stage, Database]) -> None:
    stage, database = stage_and_database
    page = await database.read(lambda tx: threads.page(tx, stage.hot.id, Sort.OLDEST, None, 100))
    found = page.comments
    assert max(comment.depth for comment in found) >= 6
    assert [comment.status for comment in found].count(Status.REMOVED) == 1
    assert any(comment.pinned for comment in found) and any(comment.edited_at for comment in found)
    text = "".join(comment.tree for comment in found)
    for tag in ("blockquote", "ul", "ol", "pre", "code", "strong", "em"):
        assert f'["{tag}"' in text, f"no {tag} in the thread"
    by_id = sorted(found, key=lambda comment: comment.id)
    assert all(before.created_at <= after.created_at for before, after in pairwise(by_id))


async def test_the_moderator_has_one_link_and_something_to_decide(stage_and_database: tuple[Stage, Database]) -> None:
    stage, database = stage_and_database
    waiting = await database.read(lambda tx: comments.with_status(tx, Status.PENDING, 0, 10))
    assert len(waiting) == 2
    [moderator] = await database.read(lambda tx: people.by_name(tx, MODERATOR))
    assert moderator.role == Role.MODERATOR
    cast = {person.id for discussion in stage.discussions for person in discussion.cast}
    assert moderator.id not in cast, "nobody plays the moderator"


async def test_commenters_go_on_as_the_people_they_were(stage_and_database: tuple[Stage, Database]) -> None:
    from server import auth

    stage, database = stage_and_database
    now = SystemClock().now()
    for person in stage.hot.cast:
        hashed = auth.token_hash(person.token)
        found = await database.read(lambda tx, hashed=hashed: people.by_token(tx, hashed, now))  # type: ignore[misc]
        assert found is not None and (found[0].id, found[0].name) == (person.id, person.name)
