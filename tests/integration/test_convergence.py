"""The oracle: an old snapshot and the events after it equal a fresh snapshot.

For every type of event, from every position, with tombstones, on both databases, by the Python reducer and by the
page's own. A client that read up to any point live (frames as they were said) and then resumed (frames as they are kept
now) ends in the same state as one that never was away, and as one that has just come.
"""

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server import events
from server.actions import accounts, articles, votes
from server.actions.comments import delete_comment, edit_comment
from server.errors import ProblemError
from server.fold import fold
from server.models import Actor, Article, ArticleState, Role, Sort, article_channel
from tests.support.build import Said, Site, open_site
from tests.support.whole import Page, PageReducer, compared, page_reducer, whole_thread

LINK = "Look at https://elsewhere.example/page"  # guests' links are held


@pytest.fixture
async def site(database_url: str) -> Any:
    async with open_site(database_url) as opened:
        yield opened


@pytest.fixture
async def sqlite_site(sqlite_url: str) -> Any:
    async with open_site(sqlite_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(node: str) -> Iterator[PageReducer]:
    with page_reducer(node) as reducer:
        yield reducer


class Witness:
    """Keeps a snapshot of every moment it is asked to, and every frame as it was said live."""

    def __init__(self, site: Site, article: Article, moderator: Actor, sort: Sort = Sort.OLDEST) -> None:
        self.site = site
        self.article = article
        self.moderator = moderator
        self.sort = sort
        self.snapshots: list[Page] = []
        self.live: list[Page] = []

    async def look(self) -> None:
        """A snapshot of now, and the live frames up to it."""
        self.snapshots.append(await whole_thread(self.site, self.article.id, self.sort))
        self.live += (await self.log())[len(self.live) :]

    async def log(self) -> list[Page]:
        return await self.site.log(article_channel(self.article.id))

    async def check(self, page: PageReducer, *, cuts: int = 1000) -> int:
        """Every snapshot, read on live up to every later position and resumed from there, ends where a fresh one is."""
        fresh = await whole_thread(self.site, self.article.id, self.sort)
        replay = await self.log()
        folds = 0
        assert [event["seq"] for event in replay] == list(range(1, fresh["seq"] + 1))
        for snapshot in self.snapshots:
            positions = range(snapshot["seq"], fresh["seq"] + 1)
            for cut in positions[:: max(1, len(positions) // cuts)]:
                later = self.live[snapshot["seq"] : cut] + replay[cut:]
                assert compared(fold(snapshot, later)) == compared(fresh), f"from {snapshot['seq']}, resumed at {cut}"
                folds += 1
            for later in (replay[snapshot["seq"] :], self.live[snapshot["seq"] :]):
                assert compared(page.fold(snapshot, later)) == compared(fresh), f"the page, from {snapshot['seq']}"
                folds += 1
        return folds


Story = Callable[[Witness], Awaitable[None]]


async def _said(witness: Witness, text: str = "Hello.", **how: Any) -> Said:
    said = await witness.site.post(witness.article, text, **how)
    await witness.look()
    return said


async def _author(witness: Witness, said: Said) -> Actor:
    return await witness.site.known(said.token)


async def posted(witness: Witness) -> None:
    first = await _said(witness)
    await _said(witness, parent=first.id)
    await _said(witness, LINK)
    held = await _said(witness, LINK, parent=first.id)
    await witness.site.decide(witness.moderator, held.id, "approve")


async def edited(witness: Witness) -> None:
    first = await _said(witness)
    await _said(witness, parent=first.id)
    for text in ("Once.", "Twice.", "Thrice."):
        await edit_comment(witness.site.state, await _author(witness, first), first.id, text)
        await witness.look()
    await delete_comment(witness.site.state, await _author(witness, first), first.id)


async def removed(witness: Witness) -> None:
    """A tombstone in a chain, one below a tombstone that vanished, and one that a deletion follows."""
    root = await _said(witness)
    middle = await _said(witness, parent=root.id)
    leaf = await _said(witness, parent=middle.id)
    await witness.site.decide(witness.moderator, middle.id, "reject")
    await witness.look()
    await witness.site.decide(witness.moderator, root.id, "spam")
    await witness.look()
    await delete_comment(witness.site.state, await _author(witness, leaf), leaf.id)
    await witness.look()
    await accounts.erase(witness.site.state, await _author(witness, root))


async def restored(witness: Witness) -> None:
    """Back below tombstones that had vanished, with the pin lost, and one that was never published before."""
    root = await _said(witness)
    middle = await _said(witness, parent=root.id)
    leaf = await _said(witness, parent=middle.id)
    held = await _said(witness, LINK, parent=middle.id)
    await witness.site.decide(witness.moderator, root.id, "pin")
    for said in (held, leaf, middle, root):
        await witness.site.decide(witness.moderator, said.id, "reject")
        await witness.look()
    for said in (held, leaf, root):
        await witness.site.decide(witness.moderator, said.id, "restore")
        await witness.look()


async def pinned(witness: Witness) -> None:
    first, second = await _said(witness), await _said(witness)
    for decision, said in (("pin", second), ("pin", first), ("unpin", second), ("reject", first), ("restore", first)):
        await witness.site.decide(witness.moderator, said.id, decision)
        await witness.look()


async def scored(witness: Witness) -> None:
    first, second = await _said(witness), await _said(witness)
    people = [witness.moderator, *[await witness.site.person() for _ in range(3)]]
    for person, said, value in zip(people, (first, second, second, first), (1, 1, 1, -1), strict=True):
        await votes.vote(witness.site.state, person, said.id, value)
    await publish_votes(witness)
    await witness.look()
    await votes.vote(witness.site.state, people[1], second.id, -1)
    await publish_votes(witness)
    await witness.look()
    await accounts.erase(witness.site.state, people[2])
    await publish_votes(witness)


async def article_updated(witness: Witness) -> None:
    await _said(witness)
    for changes in (
        {"state": ArticleState.CLOSED},
        {"title": "Another title"},
        {"state": ArticleState.OPEN, "slow_mode_seconds": 5},
    ):
        await change(witness, **changes)
        await witness.look()
    await _said(witness)


async def noop(witness: Witness) -> None:
    first = await _said(witness)
    author = await _author(witness, first)
    await edit_comment(witness.site.state, author, first.id, "Better.")
    await witness.look()
    await witness.site.decide(witness.moderator, first.id, "reject")
    await witness.look()
    await witness.site.decide(witness.moderator, first.id, "restore")


async def change(witness: Witness, **changes: Any) -> None:
    state = witness.site.state
    await articles.change_article(state, witness.moderator, witness.article.id, articles.Changes(**changes))


async def publish_votes(witness: Witness) -> None:
    """A second passes, and the votes cast in it become public."""
    witness.site.clock.advance(1)
    await votes.flush(witness.site.state)


STORIES: dict[str, Story] = {
    events.POSTED: posted,
    events.EDITED: edited,
    events.REMOVED: removed,
    events.RESTORED: restored,
    events.PINNED: pinned,
    events.SCORED: scored,
    events.ARTICLE_UPDATED: article_updated,
    events.NOOP: noop,
}
ELSEWHERE = {events.QUEUE_ENTERED, events.QUEUE_LEFT, events.DECIDED}  # of the channels `moderation` and `me`


def test_every_type_of_event_has_a_case() -> None:
    known = {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}
    assert known - ELSEWHERE == set(STORIES), "a new type of event needs a story in this file"


@pytest.mark.parametrize("kind", STORIES)
async def test_an_old_snapshot_and_the_events_equal_a_fresh_one(site: Site, page: PageReducer, kind: str) -> None:
    moderator = await site.moderator()
    witness = Witness(site, await site.article(), moderator)
    await witness.look()
    await STORIES[kind](witness)
    await witness.look()
    assert kind in {event["type"] for event in witness.live + await witness.log()}, "the story tells of something else"
    assert await witness.check(page) >= len(witness.snapshots) * 3


OPERATIONS = (
    "post", "post", "reply", "reply", "reply", "hold", "approve", "reject", "spam", "restore", "delete", "edit", "pin",
    "unpin", "remove", "erase", "article", "score",
)  # fmt: skip


async def operate(witness: Witness, said: list[Said], operation: str, number: int) -> None:
    """One operation on one comment; what the rules refuse (ProblemError) changes nothing."""
    site, chosen = witness.site, said[number % len(said)] if said else None
    site.clock.advance(0.001)
    if operation == "post" or (operation == "hold" and number % 2):
        said.append(await site.post(witness.article, LINK if operation == "hold" else f"Comment {number}."))
    elif operation == "article":
        await change(witness, **({"title": f"Title {number}"} if number % 2 else {"slow_mode_seconds": number % 9}))
    elif chosen is None:
        return
    elif operation in ("reply", "hold"):
        said.append(await site.post(witness.article, LINK if operation == "hold" else "Yes.", parent=chosen.id))
    elif operation == "edit":
        await edit_comment(site.state, await site.known(chosen.token), chosen.id, f"Edited {number}.")
    elif operation == "delete":
        await delete_comment(site.state, await site.known(chosen.token), chosen.id)
    elif operation == "erase":
        await accounts.erase(site.state, await site.known(chosen.token))
    elif operation == "remove":
        await delete_comment(site.state, witness.moderator, chosen.id)
    elif operation == "score":
        await votes.vote(site.state, witness.moderator, chosen.id, number % 3 - 1)
        if number % 2:  # or later, together with others
            await publish_votes(witness)
    else:
        await site.decide(witness.moderator, chosen.id, operation)


_STEPS = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 99), st.booleans()), min_size=5, max_size=30)
_SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


async def _happens(site: Site, page: PageReducer, steps: list[tuple[str, int, bool]], sort: Sort) -> None:
    moderator = await site.person(role=Role.MODERATOR)
    witness = Witness(site, await site.article(), moderator, sort)
    said: list[Said] = []
    await witness.look()
    for operation, number, looks in steps:
        with contextlib.suppress(ProblemError):
            await operate(witness, said, operation, number)
        # The log is read after every step, so that `live` has each frame as it was first said.
        witness.live += (await witness.log())[len(witness.live) :]
        if looks:
            await witness.look()
    await witness.check(page, cuts=8)
    frames = json.dumps(await witness.log())
    for event in await witness.log():
        if event["type"] in (events.POSTED, events.RESTORED) and event["comment"]["status"] != "visible":
            assert event["comment"]["author"] is None and event["comment"]["tree"] is None, frames


@settings(max_examples=60, **_SLOW)  # type: ignore[arg-type]
@given(steps=_STEPS, sort=st.sampled_from(list(Sort)))
async def test_whatever_happens_every_reader_ends_in_the_same_state_on_sqlite(
    sqlite_site: Site, page: PageReducer, steps: list[tuple[str, int, bool]], sort: Sort
) -> None:
    await _happens(sqlite_site, page, steps, sort)


@pytest.fixture
async def postgres_site(postgres_url: str) -> Any:
    async with open_site(postgres_url) as opened:
        yield opened


@settings(max_examples=12, **_SLOW)  # type: ignore[arg-type]
@given(steps=_STEPS, sort=st.sampled_from(list(Sort)))
async def test_whatever_happens_every_reader_ends_in_the_same_state_on_postgresql(
    postgres_site: Site, page: PageReducer, steps: list[tuple[str, int, bool]], sort: Sort
) -> None:
    await _happens(postgres_site, page, steps, sort)
