"""Reporting a comment: what a reader who finds it wrong does. Nothing changes on the page; moderators are told.

One report per person and comment counts, for readers without a token one per network. The comment enters the queue with
its first open report and leaves it when a moderator decides (actions/moderation.py) or it is taken down.
"""

import hmac

from server import auth, limits
from server.actions import publishing
from server.errors import Conflict, Invalid, NotFound
from server.models import REPORT_NOTE_MAX, REPORT_REASON_MAX, Actor, Status
from server.state import State
from server.storage import comments, reports
from server.storage.transaction import Transaction


async def report_comment(state: State, actor: Actor, comment_id: int, reason: str, note: str | None) -> None:
    """Reports a visible comment; again changes nothing. Raises Unauthorized, Invalid, NotFound, Conflict, TooMany."""
    reason, note = reason.strip(), (note or "").strip() or None
    if not 0 < len(reason) <= REPORT_REASON_MAX:
        raise Invalid.field("reason", f"1 to {REPORT_REASON_MAX} characters are accepted, such as spam or abuse")
    if note is not None and len(note) > REPORT_NOTE_MAX:
        raise Invalid.field("note", f"at most {REPORT_NOTE_MAX} characters are accepted, not {len(note)}")
    now = state.clock.monotonic()
    if not actor.staff:
        state.limits.take(limits.REPORT, actor.address, now)
    # Without a person it is the network that reports; the hash holds for this comment only.
    who = f"person {actor.id}" if actor.id is not None else f"address {actor.address}"
    reporter = hmac.digest(state.secret, f"report {comment_id} {who}".encode(), "sha256").hex()[:32]

    def work(tx: Transaction) -> None:
        if actor.person is not None:
            auth.still_known(tx, actor.person)
        comment = comments.get_for_change(tx, comment_id)
        if comment is None or (comment.status == Status.PENDING and comment.author_id != actor.id):
            raise NotFound(f"there is no comment {comment_id}")
        if actor.id is not None and comment.author_id == actor.id:
            raise Conflict("this is your own comment; you can delete it")
        if comment.status != Status.VISIBLE:
            raise Conflict("this comment is no longer there")
        first = reports.count_open(tx, comment_id) == 0
        at = state.clock.now()
        added = reports.add(
            tx, comment_id=comment_id, reporter=reporter, person_id=actor.id, reason=reason, note=note, at=at
        )
        if added and first:
            publishing.enter_queue(tx, comment, at)

    await state.database.write(work)
