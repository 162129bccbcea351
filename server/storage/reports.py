"""Reports: what readers say is wrong with a comment, until a moderator has decided.

A reporter is known by a keyed hash of themselves and the comment: nobody counts twice, and nobody can be followed from
one comment to the next. A report is open until it is settled; a settled one stays, so that the same person cannot bring
a comment back before moderators who have looked at it.
"""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import bindparam, delete, exists, func, insert, select, text, update

from server.models import Comment
from server.storage.comments import from_row, select_comments
from server.storage.schema import comments, reports
from server.storage.transaction import Transaction

NOTES_SHOWN = 10  # of a comment's open reports, the latest first

# Written out, not bound: a partial index is used only where its condition can be seen.
_OPEN = text("reports.settled = 0")
_KNOWN = select(reports.c.id).where(reports.c.comment_id == bindparam("comment"), reports.c.reporter == bindparam("by"))
_ADD = insert(reports)
_COUNT = select(func.count()).select_from(reports).where(reports.c.comment_id == bindparam("comment"), _OPEN)
_SETTLE = (
    update(reports)
    .where(reports.c.comment_id == bindparam("comment"), _OPEN)
    .values(settled=1, person_id=None, note=None)
)
_FORGET_COMMENT = delete(reports).where(reports.c.comment_id == bindparam("comment"))
_FORGET_PERSON = update(reports).where(reports.c.person_id == bindparam("person")).values(person_id=None, note=None)
_REASONS = (
    select(reports.c.reason, func.count())
    .where(reports.c.comment_id == bindparam("comment"), _OPEN)
    .group_by(reports.c.reason)
    .order_by(func.count().desc(), reports.c.reason)
)
_NOTES = (
    select(reports.c.note)
    .where(reports.c.comment_id == bindparam("comment"), _OPEN, reports.c.note.is_not(None))
    .order_by(reports.c.id.desc())
    .limit(NOTES_SHOWN)
)
_REPORTED = (
    select_comments()
    .where(
        exists().where(reports.c.comment_id == comments.c.id, _OPEN),
        comments.c.status == "visible",
        comments.c.id > bindparam("after"),
    )
    .order_by(comments.c.id)
    .limit(bindparam("most"))
)
_OF_PERSON = (
    select(reports.c.comment_id, reports.c.reason, reports.c.note, reports.c.at)
    .where(reports.c.person_id == bindparam("person"))
    .order_by(reports.c.id)
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the open reports of a comment say together."""

    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.reasons.total()


def add(
    tx: Transaction, *, comment_id: int, reporter: str, person_id: int | None, reason: str, note: str | None, at: int
) -> bool:
    """Remembers a report; False if this reporter reported this comment before."""
    if is_known(tx, comment_id, reporter):
        return False
    tx.run(
        _ADD,
        comment_id=comment_id,
        reporter=reporter,
        person_id=person_id,
        reason=reason,
        note=note,
        at=at,
        settled=0,
    )
    return True


def is_known(tx: Transaction, comment_id: int, reporter: str) -> bool:
    """Whether this reporter reported this comment before."""
    return tx.one(_KNOWN, comment=comment_id, by=reporter) is not None


def count_open(tx: Transaction, comment_id: int) -> int:
    """How many reports of a comment nobody has decided about."""
    row = tx.one(_COUNT, comment=comment_id)
    return 0 if row is None else int(row[0])


def settle(tx: Transaction, comment_id: int) -> int:
    """Closes the open reports of a comment, and forgets who made them and what they wrote; how many there were."""
    return tx.run(_SETTLE, comment=comment_id)


def forget_comment(tx: Transaction, comment_id: int) -> None:
    """Takes the reports of a comment away: its author deleted it."""
    tx.run(_FORGET_COMMENT, comment=comment_id)


def forget_person(tx: Transaction, person_id: int) -> None:
    """Takes the reporter and their words out of their reports."""
    tx.run(_FORGET_PERSON, person=person_id)


def summary(tx: Transaction, comment_id: int) -> Summary:
    """What the open reports of a comment say."""
    reasons = Counter({str(reason): int(count) for reason, count in tx.all(_REASONS, comment=comment_id)})
    return Summary(reasons, [str(row[0]) for row in tx.all(_NOTES, comment=comment_id)])


def reported(tx: Transaction, after: int, most: int) -> list[Comment]:
    """Visible comments with open reports and an id above `after`, oldest first."""
    return [from_row(row) for row in tx.all(_REPORTED, after=after, most=most)]


def of_person(tx: Transaction, person_id: int) -> list[tuple[int, str, str | None, int]]:
    """The open reports a person made: comment, reason, note, moment."""
    return [(int(row[0]), str(row[1]), row[2], int(row[3])) for row in tx.all(_OF_PERSON, person=person_id)]
