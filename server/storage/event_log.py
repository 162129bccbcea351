"""The log: channels with their gapless sequence of events, appended by the transaction that makes the change.

`append` takes the next number under the lock of the channel's row, so commit order is `seq` order on PostgreSQL too; it
comes last in a write function, so that the lock is short. `rewrite` replaces the content of earlier frames (law 11).
Nothing here publishes: the commit does, with what the transaction noted.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, or_, select, text, update

from server import events, models
from server.models import Appended, Rewritten
from server.storage.schema import channels
from server.storage.schema import events as log
from server.storage.transaction import Transaction

_NEXT = (
    update(channels)
    .where(channels.c.name == bindparam("channel_name"))
    .values(seq=channels.c.seq + 1, at=bindparam("event_at"))
    .returning(channels.c.epoch, channels.c.seq)
)
_ADD_CHANNEL = insert(channels)
_ADD_EVENT = insert(log)
_POSITION = select(channels.c.epoch, channels.c.seq, channels.c.floor, channels.c.at).where(
    channels.c.name == bindparam("channel_name")
)
_HEADS = {
    "sqlite": text("SELECT name, epoch, seq FROM channels WHERE name IN (SELECT value FROM json_each(:names))"),
    "postgresql": text(
        "SELECT name, epoch, seq FROM channels"
        " WHERE name IN (SELECT json_array_elements_text(CAST(CAST(:names AS text) AS json)))"
    ),
}
_SINCE = (
    select(log.c.seq, log.c.at, log.c.frame)
    .where(log.c.channel == bindparam("channel_name"), log.c.seq > bindparam("after"))
    .order_by(log.c.seq)
    .limit(bindparam("most"))
)
_ONE = select(log.c.at, log.c.frame).where(
    log.c.channel == bindparam("channel_name"), log.c.seq == bindparam("event_seq")
)
_OF_SUBJECT = (
    select(log.c.seq, log.c.frame)
    .where(
        log.c.subject == bindparam("about"),
        log.c.channel == bindparam("channel_name"),
        or_(log.c.type == events.POSTED, log.c.type == events.EDITED, log.c.type == events.RESTORED),
    )
    .order_by(log.c.seq)
)
_REPLACE = (
    update(log)
    .where(log.c.channel == bindparam("channel_name"), log.c.seq == bindparam("event_seq"))
    .values(frame=bindparam("new_frame"), type=bindparam("new_type"))
)
_FIRST_POSTED = (
    select(log.c.frame)
    .where(log.c.subject == bindparam("about"), log.c.channel == bindparam("channel_name"), log.c.type == events.POSTED)
    .order_by(log.c.seq)
    .limit(1)
)
# Quotes inside a JSON text are escaped, so this stands in a frame only where the epoch of its event does.
_NEW_EPOCHS_IN_FRAMES = text(
    'UPDATE events SET frame = replace(frame, \'"epoch":"\' ||'
    " (SELECT epoch FROM channels WHERE channels.name = events.channel) || '\"', :new)"
)
_NEW_EPOCHS = update(channels).values(epoch=bindparam("new_epoch"))


@dataclass(frozen=True, slots=True)
class Head:
    """Where a channel stands: its last event (`seq`, at time `at`; 0 and None before the first), and the lowest
    position from which it can be resumed (`floor`)."""

    epoch: str
    seq: int
    floor: int
    at: int | None


def add_channel(tx: Transaction, name: str) -> str:
    """Makes a channel with an empty log; its epoch."""
    epoch = secrets.token_hex(6)
    tx.run(_ADD_CHANNEL, name=name, epoch=epoch, seq=0, floor=0, at=None)
    return epoch


def ensure_channel(tx: Transaction, name: str) -> None:
    """Makes a channel if there is none of this name."""
    if head(tx, name) is None:
        add_channel(tx, name)


def append(
    tx: Transaction, channel: str, type: str, at: int, content: dict[str, object], *, subject: int | None = None
) -> str:
    """Appends one event and notes it for the commit; the frame. A channel that does not exist yet is made.

    `subject` is the comment whose content the frame carries, if it does.
    """
    row = tx.one(_NEXT, channel_name=channel, event_at=at)
    if row is None:
        add_channel(tx, channel)
        row = tx.one(_NEXT, channel_name=channel, event_at=at)
        assert row is not None
    epoch, seq = row
    frame = events.frame(type, channel, epoch, seq, at, content)
    tx.run(_ADD_EVENT, channel=channel, seq=seq, type=type, subject=subject, frame=frame, at=at)
    tx.appended.append(Appended(channel, epoch, seq, at, frame))
    return frame


def rewrite(tx: Transaction, channel: str, comment: models.Comment) -> None:
    """Gives every earlier frame of a comment the content that the comment has now, or none if it is taken down."""
    for seq, frame in tx.all(_OF_SUBJECT, about=comment.id, channel_name=channel):
        new = events.rewritten(frame, comment)
        if new != frame:
            new_type = events.decode(new)["type"]
            tx.run(_REPLACE, channel_name=channel, event_seq=seq, new_frame=new, new_type=new_type)
            tx.rewritten.append(Rewritten(channel, seq, new))


def head(tx: Transaction, channel: str) -> Head | None:
    """Where a channel stands, or None if nothing was ever said in it."""
    row = tx.one(_POSITION, channel_name=channel)
    return None if row is None else Head(*row)


def heads(tx: Transaction, names: list[str]) -> dict[str, tuple[str, int]]:
    """Epoch and last seq of several channels, in one statement."""
    wanted = events.encode(names)
    return {name: (epoch, seq) for name, epoch, seq in tx.all(_HEADS[tx.dialect], names=wanted)}


def since(tx: Transaction, channel: str, after: int, most: int) -> list[tuple[int, int, str]]:
    """At most `most` events after position `after`, as (seq, at, frame), in order."""
    return [(seq, at, frame) for seq, at, frame in tx.all(_SINCE, channel_name=channel, after=after, most=most)]


def event_time(tx: Transaction, channel: str, seq: int) -> int | None:
    """When the event `seq` happened, or None if there is none."""
    row = tx.one(_ONE, channel_name=channel, event_seq=seq)
    return None if row is None else int(row[0])


def posted_frame(tx: Transaction, channel: str, comment_id: int) -> str | None:
    """The frame with which a comment was first published, as it is now; None if it never was."""
    row = tx.one(_FIRST_POSTED, about=comment_id, channel_name=channel)
    return None if row is None else str(row[0])


def renew_epochs(tx: Transaction) -> None:
    """Starts a new history in every channel: for a restored backup, whose later events others may have seen."""
    epoch = secrets.token_hex(6)
    tx.run(_NEW_EPOCHS_IN_FRAMES, new=f'"epoch":"{epoch}"')
    tx.run(_NEW_EPOCHS, new_epoch=epoch)
