"""Plain text as comments: shown as it was, whatever Markdown would make of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import markdown
from server.importers import plain

LINES = [
    "# not a heading", "1. not a list", "12) not one either", "- no", "+ no", "* no", "> no quote", "=== no", "---", "***",
    "~~no~~ ~no~", "`no code`", "```", "[no](http://link.example)", "![no](x)", "[no]: http://x.example", "<b>no</b>",
    "<http://a.example>", "a & b &amp; &#35; c", "back\\slash \\* twice\\\\", "snake_case_name and __init__ _x_",
    "a*b*c", "    indented", "$5~6", "x | y | z", "\\", "1986\\. A good year", "end with two spaces  ", "#hashtag",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_shown_as_it_is(line: str) -> None:
    source, tree = plain.comment(["before", line, "after"])
    assert [node[0] for node in tree] == ["p", "p", "p"]
    assert markdown.plain_text(tree) == f"before\n{' '.join(line.split())}\nafter"
    assert markdown.parse(source) == tree, "what a moderator edits is what is shown"


def test_an_address_becomes_a_link() -> None:
    source, tree = plain.comment(["see https://a.example/b_c_d*e*f now"])
    assert tree == [
        ["p", "see ", ["a", {"href": "https://a.example/b_c_d*e*f"}, "https://a.example/b_c_d*e*f"], " now"]
    ]
    assert markdown.parse(source) == tree


@given(st.lists(st.text(min_size=1).filter(lambda text: bool(text.split())), min_size=1, max_size=4))
def test_any_paragraphs_are_shown_as_paragraphs(paragraphs: list[str]) -> None:
    _, tree = plain.comment(paragraphs)
    assert all(node[0] == "p" for node in tree)
