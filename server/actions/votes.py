"""Voting, and making public what was voted.

A vote stores its row and marks its comment, in the voter's transaction. The scores that everyone sees are changed by
`flush` alone, which appends the `comments.scored` that says so: at most one a second for each article, however many
vote. So equal positions always mean equal snapshots, and a crash between the two loses nothing: the marks are on disk,
and the next flush, of any process, takes them.
"""

import asyncio
import logging
from dataclasses import dataclass

from server import auth, events, limits
from server.errors import Conflict, Invalid, NotFound, ProblemError
from server.models import Actor, ArticleState, Status, article_channel
from server.state import State
from server.storage import articles, comments, event_log, votes
from server.storage.transaction import Transaction
from server.times import SECOND

SPACING = SECOND  # microseconds from one `comments.scored` of an article to the next
MOST_SCORES = 500  # comments in one event: a frame of about 12 KiB; the rest waits for the next
EARLIEST = 0.25  # seconds from one look at the marks to the next, whatever is due before
TOGETHER = 32  # articles that are flushed at once: they share commits, and posts go on in between

_log = logging.getLogger("ripost.votes")


@dataclass(frozen=True, slots=True)
class Voted:
    """What the voter thinks of the comment now, and the public scores, which follow within a second or so."""

    value: int
    up: int
    down: int


async def vote(state: State, actor: Actor, comment_id: int, value: int) -> Voted:
    """Stores what a person thinks of a comment: 1, -1, or 0 to take it back. The same again changes nothing.

    Raises Unauthorized, Invalid, NotFound, Conflict, TooMany, Unavailable.
    """
    person = auth.require_person(actor)
    if value not in (1, 0, -1):
        raise Invalid.field("value", f"1, 0 and -1 are accepted, not {value}")
    if not actor.staff:
        now = state.clock.monotonic()
        state.limits.take(limits.VOTE_ADDRESS, actor.address, now)
        state.limits.take(limits.VOTE_PERSON, str(person.id), now)

    def work(tx: Transaction) -> Voted:
        auth.still_known(tx, person)
        comment = comments.get_for_change(tx, comment_id)
        if comment is None or (comment.status == Status.PENDING and comment.author_id != person.id):
            raise NotFound(f"there is no comment {comment_id}")
        if comment.status != Status.VISIBLE:
            raise Conflict(f"only a visible comment can be voted on; this one is {comment.status}")
        if comment.author_id == person.id:
            raise Conflict("one cannot vote on one's own comment")
        article = articles.get(tx, comment.article_id)
        if article is not None and article.state == ArticleState.CLOSED and not actor.staff:
            raise Conflict("this discussion is closed")
        votes.put(tx, comment, person.id, value, state.clock.now())
        return Voted(value, comment.up, comment.down)

    return await state.database.write(work)


async def flush_forever(state: State) -> None:
    """Publishes the votes of all articles as they come, for ever; what marks an earlier run left, at once.

    For the process that serves; one that cannot write now goes on trying.
    """
    failing = False
    while True:
        try:
            wait = await flush(state)
            failing = False
        except ProblemError as error:
            if not failing:  # once, not every second of a full disk
                _log.warning("votes cannot be published now (%s); they are kept, and it is tried again", error)
            wait, failing = 1.0, True
        except Exception:
            _log.exception("publishing votes failed; they are kept, and it is tried again")
            wait = 1.0
        await asyncio.sleep(max(wait, EARLIEST))


async def flush(state: State) -> float:
    """Publishes the votes of every article that may say so now. Seconds until the next may, at most 1."""
    waiting = await state.database.read(votes.marked_articles, "check")
    wait = 1.0
    for start in range(0, len(waiting), TOGETHER):
        group = waiting[start : start + TOGETHER]
        waits = await asyncio.gather(*(_flush_article(state, article_id) for article_id in group))
        wait = min(wait, *waits)
    return wait


async def _flush_article(state: State, article_id: int) -> float:
    """Publishes what was voted about the comments of one article; seconds until that may be done again."""

    def work(tx: Transaction) -> float:
        now = state.clock.now()
        before = votes.hold_article(tx, article_id)
        if before is not None and before <= now < before + SPACING:  # a clock that was put back does not stop it
            return (before + SPACING - now) / SECOND
        scores = {
            str(mark.comment_id): votes.add_scores(tx, mark)
            for mark in votes.take_marks(tx, article_id, MOST_SCORES)
            if mark.up or mark.down
        }
        if scores:
            votes.set_scored_at(tx, article_id, now)
            event_log.append(tx, article_channel(article_id), events.SCORED, now, {"scores": scores})
        return 1.0

    return await state.database.write(work)


def forget_person(tx: Transaction, person_id: int, most: int) -> int:
    """Takes back at most `most` votes of a person; how many. The next flush changes the scores accordingly."""
    found = votes.of_person(tx, person_id, 0, most)
    for one in found:
        comment = comments.get_for_change(tx, one.comment_id)
        assert comment is not None
        votes.put(tx, comment, person_id, 0, one.at)
    return len(found)
