"""The markup that static/ adopts: who stands in whom, in which order, however deep a thread is."""

import json
from typing import Any

import msgspec
import pytest

from server.events import Article, Author, Comment
from server.markup import linked_data
from server.markup.languages import ENGLISH
from server.markup.layout import Site, data_block, direction
from server.markup.thread import Discussion, element
from tests.support.site import Outline

SITE = Site("https://talk.example", "/static/v-0")
ARTICLE = Article(1, "a", None, "Title", None, None, None, "open", 0, 1, "2026-11-23T19:58:00.123456Z")


def comment(id: int, parent: int | None = None, depth: int = 0, **values: Any) -> Comment:
    known: dict[str, Any] = {
        "id": id, "article": 1, "parent": parent, "depth": depth, "ref": "0" * 16, "author": Author(id, f"Name {id}", "guest", None),
        "tree": msgspec.Raw(json.dumps([["p", f"Text {id}"]]).encode()), "created_at": "2026-11-23T19:58:00.123456Z",
        "dated": True, "edited_at": None, "status": "visible", "up": 0, "down": 0, "replies": 0, "pinned": False,
    }  # fmt: skip
    return Comment(**known | values)


def shown(*comments: Comment, branches: dict[str, str] | None = None, **values: Any) -> str:
    known: dict[str, Any] = {"article": ARTICLE, "sort": "oldest", "next": None, "snapshot": "{}"}
    return element(Discussion(comments=comments, branches=branches or {}, **known | values), SITE)


def chain(length: int) -> list[Comment]:
    return [comment(id, id - 1 or None, id - 1) for id in range(1, length + 1)]


def test_ten_thousand_levels_nest_no_deeper_than_seven() -> None:
    few, many = Outline(shown(*chain(20))), Outline(shown(*chain(10_000)))
    assert many.deepest == few.deepest
    assert many.order == list(range(1, 10_001))
    assert [many.parents[id] for id in range(1, 10)] == [None, 1, 2, 3, 4, 5, 6, 6, 6]
    assert "data-deep" in many.attributes[8] and "data-deep" not in many.attributes[7]
    assert (many.attributes[9]["data-level"], many.attributes[9]["data-depth"]) == ("6", "8")


def test_flat_replies_stand_right_after_what_is_below_their_parent() -> None:
    page = Outline(shown(*chain(7), comment(20, 7, 7), comment(30, 7, 7), comment(40, 20, 8), comment(50, 6, 6)))
    assert page.order == [1, 2, 3, 4, 5, 6, 7, 20, 40, 30, 50]
    assert {page.parents[id] for id in (7, 20, 30, 40, 50)} == {6}


def test_replies_are_in_the_order_of_their_ids_whatever_the_page_says() -> None:
    page = Outline(shown(comment(9), comment(1), comment(30, 1, 1), comment(20, 1, 1)))
    assert page.order == [9, 1, 20, 30]


def test_only_a_comment_with_replies_or_more_of_them_has_a_branch() -> None:
    text = shown(comment(1), comment(2), comment(3, 2, 1), comment(4), branches={"4": "CUR"})
    assert [f'id="replies-{id}"' in text for id in (1, 2, 3, 4)] == [False, True, False, True]
    assert 'data-branch="4" href="?comment=4&amp;cursor=CUR"' in text


def test_a_deep_reply_says_whom_it_answers() -> None:
    gone = comment(5, 4, 4, author=None, tree=None, status="removed")
    text = shown(*chain(4), gone, comment(6, 5, 5))
    assert text.count('class="context"') == 1  # nobody speaks in a tombstone
    assert 'replying to <a href="?comment=5">a removed comment</a>' in text
    assert 'replying to <a href="?comment=4"><bdi>Name 4</bdi></a>' in shown(*chain(5))


def test_a_comment_whose_parent_is_not_on_the_page_stands_at_the_top() -> None:
    text = shown(comment(500, 499, 400), comment(501, 500, 401))
    assert Outline(text).parents == {500: None, 501: None}
    assert '<a href="?comment=499">an earlier comment</a>' in text


@pytest.mark.parametrize(
    ("status", "words"), [("removed", "Removed by a moderator"), ("deleted", "Deleted by its author")]
)
def test_a_tombstone_says_only_that_something_is_gone(status: str, words: str) -> None:
    text = shown(comment(1, author=None, tree=None, status=status), comment(2, 1, 1))
    assert words in text
    assert 'id="by-1"' in text
    assert 'aria-label="Replies"' in text
    assert text.count('data-ripost="reply"') == 1


def test_a_byline_says_role_edit_and_pin_and_no_time_that_is_not_known() -> None:
    text = shown(
        comment(
            1,
            author=Author(14, "ßa", "moderator", None),
            dated=False,
            edited_at="2026-11-23T20:00:00.000000Z",
            pinned=True,
        )
    )
    for part in (
        'data-role="moderator">Moderator<',
        ">edited<",
        ">Pinned<",
        "data-pinned",
        'data-hue="2"',
        ">SS<",
        ">Link<",
    ):
        assert part in text, part
    assert "<time" not in text


def test_what_stands_in_a_data_block_cannot_end_it() -> None:
    block = data_block("application/json", json.dumps({"a": "</script><!--\u2028"}, ensure_ascii=False))
    assert block.count("</script>") == 1
    assert "<!--" not in block and "\u2028" not in block
    assert json.loads(block.partition(">")[2].removesuffix("</script>")) == {"a": "</script><!--\u2028"}


def test_linked_data_nests_within_bounds_and_leaves_out_what_is_gone() -> None:
    gone = comment(2, 1, 1, author=None, tree=None, status="deleted")
    found = json.loads(
        linked_data.article(
            ARTICLE, url="u", page="p", description="", comments=[comment(1), gone, comment(3, 2, 2)], modified_at=None
        )
    )
    assert [one["text"] for one in found["comment"]] == ["Text 1"]
    assert [one["text"] for one in found["comment"][0]["comment"]] == ["Text 3"]
    deep = linked_data.article(ARTICLE, url="u", page="p", description="", comments=chain(5000), modified_at=None)
    assert deep.count('"@type":"Comment"') == 5000
    assert max(deep.count("[{", 0, at) - deep.count("}]", 0, at) for at in range(0, 20_000, 50)) <= 8


def test_a_day_and_a_direction_are_read_from_text() -> None:
    assert ENGLISH.short_time("2026-01-03T09:05:00.000000Z") == "3 Jan 2026, 09:05"
    assert [direction(text) for text in ("Night", "قارب", "12 שלום", "123")] == ["ltr", "rtl", "rtl", "ltr"]
