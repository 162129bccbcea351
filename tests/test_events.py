"""Frames: one text for everyone, and earlier ones that carry the present content or none."""

import json
from dataclasses import replace
from typing import Any

import pytest

from server import events
from server.models import Comment, Status

ROW = Comment(
    7, 3, 5, 5, 1, b"", 9, "ref", '[["p","now"]]', Status.VISIBLE, 2, 1, 4, 4, 0, 1, None, 0, "Ada", "guest"
)  # fmt: skip


def framed(kind: str, row: Comment = ROW) -> str:
    return events.frame(kind, "article:3", "epoch", 12, 1_000_000, {"comment": events.comment(row), "comment_count": 8})


def test_a_frame_says_where_it_belongs() -> None:
    event = json.loads(framed(events.POSTED))
    assert list(event)[:5] == ["type", "article", "epoch", "seq", "at"]
    assert (event["article"], event["seq"], event["at"]) == (3, 12, "1970-01-01T00:00:01.000000Z")
    for channel, name in (("person:9", "me"), ("moderation", "moderation")):
        event = json.loads(events.frame("x", channel, "e", 1, 0, {}))
        assert event["channel"] == name and "article" not in event and "9" not in json.dumps(event["channel"])


def test_a_tree_is_sent_as_it_is_stored() -> None:
    row = replace(ROW, tree='[["p","<b> \\"x\\" 🙂"]]')
    assert '"tree":[["p","<b> \\"x\\" 🙂"]]' in framed(events.POSTED, row)


@pytest.mark.parametrize("status", [status for status in Status if status != Status.VISIBLE])
def test_what_may_not_be_read_is_not_in_a_frame(status: Status) -> None:
    shown: Any = json.loads(events.encode(events.comment(replace(ROW, status=status))))
    assert shown["author"] is None and shown["tree"] is None and shown["status"] == status
    own = events.comment(replace(ROW, status=status), show_held=True)
    assert (own.tree is not None) == (status == Status.PENDING)


@pytest.mark.parametrize("kind", [events.POSTED, events.RESTORED])
def test_an_earlier_publication_keeps_its_counters_and_takes_the_present_content(kind: str) -> None:
    before = json.loads(framed(kind))
    present = replace(ROW, tree='[["p","new"]]', edited_at=5, replies=99, up=99, down=99, pinned=1)
    after = json.loads(events.rewritten(framed(kind), present))
    assert after["comment"]["tree"] == [["p", "new"]] and after["comment"]["edited_at"] is not None
    for field in ("replies", "up", "down", "pinned", "ref", "created_at"):
        assert after["comment"][field] == before["comment"][field]
    assert {**after, "comment": 0} == {**before, "comment": 0}
    gone = json.loads(events.rewritten(framed(kind), replace(ROW, status=Status.REMOVED)))
    assert (gone["comment"]["author"], gone["comment"]["tree"], gone["comment"]["status"]) == (None, None, "removed")


def test_an_earlier_edit_becomes_nothing_and_rewriting_twice_is_rewriting_once() -> None:
    nothing = events.rewritten(framed(events.EDITED), ROW)
    assert json.loads(nothing) == {
        "type": "noop", "article": 3, "epoch": "epoch", "seq": 12, "at": "1970-01-01T00:00:01.000000Z"
    }  # fmt: skip
    for kind in (events.POSTED, events.RESTORED, events.EDITED):
        once = events.rewritten(framed(kind), ROW)
        assert events.rewritten(once, ROW) == once


def test_a_frame_without_content_stays_as_it_is() -> None:
    frame = events.frame(events.REMOVED, "article:3", "e", 1, 0, {"id": 7, "status": "removed"})
    assert events.rewritten(frame, ROW) == frame
