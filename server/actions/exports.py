"""Exporting everything, as importers/ripost.py has the format. Reads one moment and changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from server.importers import ripost
from server.models import ArticleState, Decision, Role, Status
from server.storage import meta, transfer
from server.storage.transaction import Transaction
from server.times import rfc3339

_encoder = msgspec.json.Encoder()

COUNTED = ("people", "sessions", "articles", "comments", "votes", "reports", "decisions")


def total(tx: Transaction) -> int:
    """How many records there are."""
    return sum(transfer.count(tx, table) for table in COUNTED)


def export(tx: Transaction, now: int, write: Callable[[bytes], object], advance: Callable[[int], None]) -> int:
    """Writes the header and every record, a line each; how many records. The database must have its name."""
    instance = meta.get(tx, meta.INSTANCE)
    assert instance is not None, "name_instance comes first"
    write(_line(ripost.Header(ripost.FORMAT, ripost.VERSION, instance, rfc3339(now))))
    written = 0
    for record in _records(tx):
        write(_line(record))
        written += 1
        advance(1)
    return written


def _line(value: object) -> bytes:
    return _encoder.encode(value) + b"\n"


def _records(tx: Transaction) -> Iterator[ripost.Record]:
    yield from map(_person, transfer.rows(tx, "people"))
    yield from map(_session, transfer.rows(tx, "sessions"))
    for row in transfer.rows(tx, "articles"):
        yield _article(row, transfer.slugs_of(tx, row["id"]))
    yield from map(_comment, transfer.rows(tx, "comments"))
    for comment, person, value, at in transfer.votes_cast(tx):
        yield ripost.Vote(comment=comment, person=person, value=1 if value > 0 else -1, at=rfc3339(at))
    yield from map(_report, transfer.rows(tx, "reports"))
    yield from map(_decision, transfer.rows(tx, "decisions"))


def _time(moment: int | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _person(row: dict[str, Any]) -> ripost.Person:
    return ripost.Person(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        email=row["email"],
        created_at=rfc3339(row["created_at"]),
        erased_at=_time(row["erased_at"]),
        origin=row["origin"],
        origin_id=row["origin_id"],
    )


def _session(row: dict[str, Any]) -> ripost.Session:
    return ripost.Session(
        hash=row["hash"],
        person=row["person_id"],
        origin=row["origin"],
        created_at=rfc3339(row["created_at"]),
        expires_at=_time(row["expires_at"]),
    )


def _article(row: dict[str, Any], slugs: list[str]) -> ripost.Article:
    return ripost.Article(
        id=row["id"],
        slug=row["slug"],
        slugs=slugs,
        url=row["url"],
        title=row["title"],
        byline=row["byline"],
        body=row["body"],
        image_url=row["image_url"],
        image_caption=row["image_caption"],
        published_at=_time(row["published_at"]),
        state=ArticleState(row["state"]),
        slow_mode_seconds=row["slow_mode_seconds"],
        created_at=rfc3339(row["created_at"]),
        origin=row["origin"],
        origin_id=row["origin_id"],
    )


def _comment(row: dict[str, Any]) -> ripost.Comment:
    return ripost.Comment(
        id=row["id"],
        article=row["article_id"],
        parent=row["parent_id"],
        author=row["author_id"],
        ref=row["ref"],
        client_hash=row["client_hash"],
        text_hash=row["text_hash"],
        source=row["source"],
        tree=msgspec.json.decode(row["tree"]),
        status=Status(row["status"]),
        published=bool(row["published"]),
        held_for=row["held_for"],
        up=row["up"],
        down=row["down"],
        created_at=rfc3339(row["created_at"]),
        dated=bool(row["dated"]),
        edited_at=_time(row["edited_at"]),
        pinned=bool(row["pinned"]),
        origin=row["origin"],
        origin_id=row["origin_id"],
    )


def _report(row: dict[str, Any]) -> ripost.Report:
    return ripost.Report(
        comment=row["comment_id"],
        reporter=row["reporter"],
        person=row["person_id"],
        reason=row["reason"],
        note=row["note"],
        settled=bool(row["settled"]),
        at=rfc3339(row["at"]),
    )


def _decision(row: dict[str, Any]) -> ripost.Decided:
    return ripost.Decided(
        id=row["id"],
        comment=row["comment_id"],
        article=row["article_id"],
        moderator=row["moderator_id"],
        decision=Decision(row["decision"]),
        reason=row["reason"],
        at=rfc3339(row["at"]),
    )
