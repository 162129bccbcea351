"""Ripost's own export as a format: what is accepted, and what is made safe on the way in."""

import json

import pytest

from server.importers import ripost
from server.importers.records import NotUnderstood

AT = "2026-03-01T12:00:00.000000Z"
HEADER = {"format": "ripost", "version": 1, "instance": "abc", "exported_at": AT}


def comment(**values: object) -> dict[str, object]:
    return {
        "record": "comment",
        "id": 1,
        "article": 1,
        "author": 1,
        "ref": "r",
        "created_at": AT,
        "source": "x",
    } | values


def parse(*records: dict[str, object]) -> list[ripost.Record]:
    return list(ripost.parse(json.dumps(record).encode() + b"\n" for record in records))


def one(**values: object) -> ripost.Comment:
    [found] = parse(comment(**values))
    assert isinstance(found, ripost.Comment)
    return found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{}", 'line 1: the header of an export, {"format":"ripost",…}, is expected'),
        ("nonsense", 'line 1: the header of an export, {"format":"ripost",…}, is expected'),
        (
            json.dumps(HEADER | {"version": 2}),
            "line 1: an export of version 1 is expected; this is version 2, of a newer Ripost",
        ),
    ],
)
def test_a_wrong_header_is_refused(line: str, said: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        ripost.header(line.encode())
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "record",
    [
        {"record": "vote"},
        comment(id=0),
        comment(id=2**60),
        comment(id="1"),
        comment(status="gone"),
        comment(created_at="yesterday"),
        {"record": "person", "id": 1, "name": "A", "role": "owner", "created_at": AT},
    ],
)
def test_a_record_that_is_none_is_named_by_its_line(record: dict[str, object]) -> None:
    with pytest.raises(NotUnderstood, match=r"^line 3: a record of an export is expected"):
        parse(comment(), record)


def test_a_tree_that_markdown_could_not_have_made_is_made_from_the_source() -> None:
    for tree in (
        [["script", "alert(1)"]],
        [["p", ["a", {"href": "javascript:alert(1)"}, "x"]]],
        [["p", ["a", {"href": "https://a.example", "onclick": "x"}, "x"]]],
        [["p", {"class": "x"}]],
        [[]],
        [7],
    ):
        assert one(tree=tree, source="*plain*").tree == [["p", ["em", "plain"]]]
    kept = [["p", "a ", ["a", {"href": "https://a.example"}, "b"]], ["ul", ["li", ["strong", "c"]]]]
    assert one(tree=kept, source="other").tree == kept


def test_nothing_of_a_deleted_comment_comes_in() -> None:
    found = one(status="deleted", tree=[["p", "text"]], source="text", text_hash="t")
    assert (found.tree, found.source, found.author, found.text_hash) == ([], None, None, "")


def test_an_articles_body_is_sanitised_again() -> None:
    [found] = parse(
        {
            "record": "article",
            "id": 1,
            "slug": "a",
            "title": "A",
            "created_at": AT,
            "body": "<p onclick=x>A<script>b</script>",
        }
    )
    assert isinstance(found, ripost.Article)
    assert found.body == "<p>A</p>"


def test_decisions_come_after_all_comments_and_comments_after_their_parents() -> None:
    decision = {"record": "decision", "id": 1, "comment": 2, "article": 1, "decision": "approve", "at": AT}
    assert [type(record).__name__ for record in parse(decision, comment(id=2, parent=1), comment(id=1))] == [
        "Comment",
        "Comment",
        "Decided",
    ]
