"""Pages copied as text: what is read out of them, and what is refused with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.importers import page
from server.importers.page import Page
from server.importers.records import NotUnderstood

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "allotments.txt"
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "seeds" / "000_b7daf1e1bacdb257.txt"


def read(text: str) -> Page:
    return page.parse(page.decode(text.encode()))


def outline(found: Page) -> list[tuple[str, str | None, list[str]]]:
    """Each comment's name, its parent's name, and its paragraphs as they are shown."""
    names = {comment.key: comment.name for comment in found.comments}
    return [
        (comment.name, names[comment.parent] if comment.parent else None, shown(comment.tree))
        for comment in found.comments
    ]


def shown(tree: str) -> list[str]:
    return [
        "".join(part if isinstance(part, str) else part[2] for part in paragraph[1:]) for paragraph in json.loads(tree)
    ]


def test_the_sample_is_read_as_its_author_meant_it() -> None:
    found = page.parse(page.decode(SAMPLE.read_bytes()))
    assert found.article.title == "The allotments behind the gasworks are staying"
    assert found.article.body.count("<p>") == 7
    assert "<p>Rows of beans" in found.article.body
    assert found.skipped == []
    assert outline(found) == [
        (
            "Max",
            None,
            ["Good. I walked past this morning and it smelt of rain and *onions*.", "# 1 reason to live here."],
        ),
        (
            "D. H. Lawson: the Third",
            None,
            ["Twenty years is not for ever. It took us fourteen to get a second tap, and the second tap drips."],
        ),
        ("Anonymous", "D. H. Lawson: the Third", ["It does not drip. It weeps."]),
        ("Max", "Anonymous", ["1. Take a washer.", "2. Take a spanner."]),
        (
            "Zoë",
            "D. H. Lawson: the Third",
            ["See https://taps.example/how_to_*fix*_one before you call anyone."],
        ),
        ("She who says", None, ["I say."]),
    ]


@pytest.mark.skipif(not REAL.exists(), reason="the real page stands beside some checkouts only")
def test_the_real_page_has_one_article_and_four_comments_one_of_them_a_reply() -> None:
    found = page.parse(page.decode(REAL.read_bytes()))
    assert "\xa0" not in found.article.title
    assert [(name, above) for name, above, _ in outline(found)] == [
        ("Max", None),
        ("Fre Okin", None),
        ("Anonymous", "Fre Okin"),
        ("steve", None),
    ]
    assert [len(paragraphs) for _, _, paragraphs in outline(found)] == [3, 2, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: "\n\n\n" + text.replace("\n\n", "\n\n\n \t\n\xa0\n"), id="blank lines"),
        pytest.param(lambda text: text.replace("    ", "\t"), id="tabs"),
        pytest.param(lambda text: text.replace("  ", "\xa0\xa0"), id="no-break spaces"),
        pytest.param(lambda text: text.replace("• ", "* "), id="stars"),
        pytest.param(lambda text: text.replace("• ", "–\xa0"), id="dashes"),
        pytest.param(
            lambda text: text.replace("\n  3. ", "\n  1. ").replace("\n  2. ", "\n  1) "), id="numbers that restart"
        ),
        pytest.param(lambda text: text.rstrip(), id="no line end"),
        pytest.param(lambda text: text.replace(" says:", " says:  \u200b"), id="trailing space"),
    ],
)
def test_what_varies_in_copied_text_does_not_matter(change) -> None:  # type: ignore[no-untyped-def]
    text = SAMPLE.read_text("utf-8")
    assert outline(read(change(text))) == outline(read(text))
    assert read(change(text)).article.body.replace("* ", "• ").replace("– ", "• ") == read(text).article.body


def test_a_comment_keeps_its_key_when_others_come_or_go() -> None:
    text = SAMPLE.read_text("utf-8")
    keys = {comment.key for comment in read(text).comments}
    longer = (
        text.replace("  2. D. H.", "  2. Newcomer says:\n\n    Me too.\n\n\n  3. D. H.")
        + "\n\n  4. Max says:\n\n    Ha.\n"
    )
    assert len(keys) == 6
    assert len({comment.key for comment in read(longer).comments} - keys) == 2
    assert keys < {comment.key for comment in read(longer).comments}


def test_the_same_words_twice_are_two_comments() -> None:
    found = read("T\n\nB\n\n1. A says:\n\n  Yes.\n\n2. A says:\n\n  Yes.\n")
    assert len({comment.key for comment in found.comments}) == 2


def test_a_page_without_comments_is_an_article() -> None:
    found = read("Title\n\nOne.\n\nTwo.\n")
    assert found.comments == []
    assert found.article.body.count("<p>") == 2


def test_a_comment_copied_without_indentation_is_read() -> None:
    found = read("Title\n\nBody.\n\n1. Ana says:\n\nOne.\n\nTwo.\n\n2. Bo says:\n\nThree.\n")
    assert outline(found) == [("Ana", None, ["One.", "Two."]), ("Bo", None, ["Three."])]


def test_a_paragraph_after_a_reply_that_is_indented_less_belongs_to_the_comment_above() -> None:
    found = read("T\n\nB\n\n  1. A says:\n\n    One.\n\n    • B says:\n\n      Two.\n\n    Three.\n")
    assert outline(found) == [("A", None, ["One.", "Three."]), ("B", "A", ["Two."])]


def test_a_bullet_that_nothing_above_is_indented_less_than_is_at_top_level() -> None:
    found = read("T\n\nB\n\n• A says:\n\n  One.\n\n• B says:\n\n  Two.\n\n    • C says:\n\n      Three.\n")
    assert [(name, above) for name, above, _ in outline(found)] == [("A", None), ("B", None), ("C", "B")]


def test_names_are_cut_and_cleaned_like_everybodys() -> None:
    found = read(f"T\n\nB\n\n1. {'long ' * 40}says:\n\n  x\n\n2. \u202eevil says:\n\n  y\n")
    assert [len(comment.name) <= 60 for comment in found.comments] == [True, True]
    assert found.comments[1].name == "evil"


def test_a_comment_without_text_is_left_out_and_its_replies_move_up() -> None:
    found = read("T\n\nB\n\n 1. A says:\n\n  • B says:\n\n     Hm.\n")
    assert outline(found) == [("B", None, ["Hm."])]
    assert found.skipped == ["line 5: the comment of A has no text"]


def test_html_in_a_page_is_text() -> None:
    found = read("T <b>\n\n<script>alert(1)</script> & co\n\n1. A says:\n\n  <img src=x onerror=alert(1)>\n")
    assert found.article.body.strip() == "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; co</p>"
    assert outline(found) == [("A", None, ["<img src=x onerror=alert(1)>"])]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: the article's title is expected; the file is empty"),
        (b"\n \n", "line 1: the article's title is expected; the file is empty"),
        (b"Just a title\n", "line 2: a paragraph of the article or `1. NAME says:` is expected"),
        (b"\n\n1. Max says:\n\n  Hm.\n", "line 3: the article's title is expected before the first comment"),
        (b"A" * 301 + b"\n\nB", "line 1: the article's title is expected, at most 300 characters; this has 301"),
        (b"T\n\nB\nx\xe9y\n", "line 4: text in UTF-8 is expected; byte 2 of the line is 0xe9, save it as UTF-8"),
        ("T\n\nB".encode("utf-16"), "line 1: text in UTF-8 is expected; this is UTF-16, save it as UTF-8"),
        (b"T\n\nB\n\0", "line 4: text is expected; this is a binary file"),
        (
            b"T\n\nB\n\n  1. A says:\n\n    x\n\nComments are closed.\n",
            "line 9: a comment's paragraph, indented below its heading, or a heading such as `2. NAME says:` is "
            "expected, not 'Comments are closed.'; take out what follows the comments",
        ),
    ],
)
def test_what_is_not_understood_is_named_by_its_line(data: bytes, said: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        page.parse(page.decode(data))
    assert str(refused.value) == said


@given(st.text(alphabet=st.sampled_from("1. •\tAb\nsays:\xa0\r—*"), max_size=200))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        found = read(text)
    except NotUnderstood as refused:
        assert refused.line <= text.count("\n") + text.count("\r") + 2
    else:
        seen = set()
        for comment in found.comments:
            assert comment.parent is None or comment.parent in seen
            seen.add(comment.key)
        assert len(seen) == len(found.comments)
