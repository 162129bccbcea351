import json
import re
import time
import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server import markdown
from tests.support.hostile_markdown import HOSTILE

SIZE = 10_000  # characters, the most a comment has
PIECES = [
    "a", "word ", " ", "\n", "\n\n", "> ", "- ", "1. ", "7. ", "    ", "*", "**", "_", "~~",
    "~", "`", "```\n", "[", "]", "(", ")",
    "!", "<b>", "<", ">", "&amp;", "&#x6A;", "\\", "# ", "---\n", "http://a.b/_c_ ",
    "www.x.org", "javascript:", "mailto:a@b.c",
    "[a]: http://x.y\n", "](http://e.org)", "<http://a.b>", "<me@x.org>", "é", "ا", "म",
    "\u0301", "\u202e", "\u200d", "\x00", "\ufdd0", "🏴",
]  # fmt: skip
SOURCES = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


def nodes(tree: list[Any], depth: int = 1) -> list[tuple[Any, int]]:
    return [
        pair
        for node in tree
        for pair in [(node, depth), *(nodes(node[1:], depth + 1) if isinstance(node, list) else [])]
    ]


def assert_sound(source: str, tree: list[Any]) -> None:
    for node, depth in nodes(tree):
        assert depth <= markdown.DEPTH_MAX
        if isinstance(node, dict):
            assert list(node) == ["href"]
            assert re.match(r"(https?://[^/?#@]+|mailto:[^\s@]+@[^\s@]+$)", node["href"])
            assert not re.search(r"[\s\x00-\x20\x7f-\x9f\\\"<>]", node["href"])
        elif isinstance(node, str):
            assert node
            assert not re.search("[\ufdd0-\ufdef\x00-\x08\u202a-\u202e\u2066-\u2069\ud800-\udfff]", node)
        else:
            assert node[0] in markdown.TAGS
            assert len(node) > (2 if node[0] == "a" else 0 if node[0] == "br" else 1)
            assert (node[0] == "a") == any(isinstance(child, dict) for child in node)
            assert not any(isinstance(a, str) and isinstance(b, str) for a, b in pairwise(node[1:]))
            if node[0] == "a":
                assert not markdown.has_links(node[2:])
    assert all(isinstance(node, list) for node in tree), "text stands in blocks"
    assert len(json.dumps(tree, ensure_ascii=False, separators=(",", ":"))) <= 8 * len(source) + 64


@given(SOURCES)
@settings(max_examples=400, deadline=None)
def test_whatever_is_typed_becomes_a_sound_tree(source: str) -> None:
    tree = markdown.parse(source)
    assert_sound(source, tree)
    assert markdown.has_links(tree) == bool(markdown.links(tree))


@given(SOURCES)
@settings(max_examples=400, deadline=None)
def test_normalising_twice_changes_nothing(source: str) -> None:
    once = markdown.normalise(source)
    assert markdown.normalise(once) == once
    assert markdown.parse(once) == markdown.parse(source)
    once.encode()


@given(
    st.lists(
        st.sampled_from([*"ab.,:;!?'\"()/|^$@{}%-+=#7é\u00a0\u2003\u2800\u200d中", " ", "\n", "\n\n", "www", "1."])
    )
)
@settings(max_examples=600, deadline=None)
def test_a_text_without_markup_is_what_the_parser_makes_of_it(pieces: list[str]) -> None:
    text = markdown.normalise("".join(pieces))
    assume(markdown.parse(text) and not re.search(r"^(?:[ #+=-]|[0-9]+[.)])", text, re.MULTILINE))
    assert markdown.parse(f"{text}\n\n*end*") == [*markdown.parse(text), ["p", ["em", "end"]]]


@given(st.text(st.sampled_from("ab \n\t\r\v\f\x00\x1f\x7f\x85\u2028\u00a0"), max_size=12))
@settings(max_examples=600, deadline=None)
def test_ascii_is_normalised_as_any_other_text(source: str) -> None:
    assert markdown.normalise(f"é{source}é") == f"é{markdown.normalise(f'x{source}x')[1:-1]}é"


@given(SOURCES)
@settings(max_examples=200, deadline=None)
def test_what_can_be_seen_is_never_lost_entirely(source: str) -> None:
    letters = re.sub(r"[^a-z]", "", source)
    if letters:
        assert markdown.parse(source)


USUAL = "Some *words* and `code`, with [a link](https://x.org) in it. "


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sources_cost_linear_time_and_space(name: str) -> None:
    def seconds(source: str) -> float:
        best = 9.0
        for _ in range(5):
            start = time.process_time()
            tree = markdown.parse(source)
            best = min(best, time.process_time() - start)
        assert_sound(source, tree)
        return best

    usual = (USUAL * SIZE)[:SIZE]
    half, whole = HOSTILE[name](SIZE // 2), HOSTILE[name](SIZE)
    taken = seconds(whole)
    for _ in range(3):  # a busy machine may spoil a measurement, not three
        # 20 ms, and on a slow machine six times what it takes there to read as much of the usual kind (4 ms elsewhere).
        if taken <= max(0.020, 6 * seconds(usual)) and (taken < 0.001 or taken / seconds(half) < 2.5):
            return
        taken = seconds(whole)
    pytest.fail(f"{taken * 1000:.1f} ms for {len(whole)} characters, {seconds(half) * 1000:.1f} ms for half")


A = "https://x.org"
SAMPLES: list[tuple[str, list[Any]]] = [
    ("Hello", [["p", "Hello"]]),
    ("one\ntwo", [["p", "one", ["br"], "two"]]),
    ("one\n\ntwo", [["p", "one"], ["p", "two"]]),
    ("*a* **b** ~~c~~ `d`", [["p", ["em", "a"], " ", ["strong", "b"], " ", ["del", "c"], " ", ["code", "d"]]]),
    ("***a***", [["p", ["em", ["strong", "a"]]]]),
    ("snake_case_name 2*3*4", [["p", "snake_case_name 2", ["em", "3"], "4"]]),
    ("> a\n> > b\n\nc", [["blockquote", ["p", "a"], ["blockquote", ["p", "b"]]], ["p", "c"]]),
    ("- a\n- b", [["ul", ["li", "a"], ["li", "b"]]]),
    ("- a\n\n- b", [["ul", ["li", ["p", "a"]], ["li", ["p", "b"]]]]),
    ("1. a\n   - b\n2. c", [["ol", ["li", "a", ["ul", ["li", "b"]]], ["li", "c"]]]),
    ("1. a\n\n   ```\n   b\n   ```", [["ol", ["li", ["p", "a"], ["pre", ["code", "b"]]]]]),
    ("```py\na\n\n  b\n```", [["pre", ["code", "a\n\n  b"]]]),
    ("    a\n    b", [["pre", ["code", "a\nb"]]]),
    ("# Title #\ntext", [["h", "Title"], ["p", "text"]]),
    ("a\n\n***\n\nb", [["p", "a"], ["p", "b"]]),
    ("\\*a\\* &amp; &copy;", [["p", "*a* & ©"]]),
    ("<b>x</b> & <script>y</script>", [["p", "<b>x</b> & <script>y</script>"]]),
    ("<div>\n*x*\n</div>", [["p", "<div>", ["br"], "*x*", ["br"], "</div>"]]),
    (f"[x *y*]({A} 'title')", [["p", ["a", {"href": A}, "x ", ["em", "y"]]]]),
    (f"[x]\n\n[x]: {A}", [["p", ["a", {"href": A}, "x"]]]),
    (f"![alt text]({A})", [["p", ["a", {"href": A}, "alt text"]]]),
    (f"![]({A})", [["p", ["a", {"href": A}, A]]]),
    (f"[![alt](http://i.org/i.png)]({A})", [["p", ["a", {"href": A}, "alt"]]]),
    ("[x](www.x.org)", [["p", ["a", {"href": "https://www.x.org"}, "x"]]]),
    (f"<{A}> <me@x.org>", [["p", ["a", {"href": A}, A], " ", ["a", {"href": "mailto:me@x.org"}, "me@x.org"]]]),
    (f"See {A}.", [["p", "See ", ["a", {"href": A}, A], "."]]),
    (f"**{A}**", [["p", ["strong", ["a", {"href": A}, A]]]]),
    (f"`{A}`", [["p", ["code", A]]]),
    ("| a |\n|---|\n| b |", [["p", "| a |", ["br"], "|---|", ["br"], "| b |"]]),
    ("a[^1]\n\n[^1]: b", [["p", "a[^1]"], ["p", "[^1]: b"]]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "tree"), SAMPLES, ids=[source for source, _ in SAMPLES])
def test_markdown_becomes_its_tree(source: str, tree: list[Any]) -> None:
    assert markdown.parse(source) == tree


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://x.org/__init__.py is it", "https://x.org/__init__.py"),
        ("https://x.org/a*b*c", "https://x.org/a*b*c"),
        ("https://x.org/~u/~v and", "https://x.org/~u/~v"),
        ("(https://en.wikipedia.org/wiki/Foo_(bar))", "https://en.wikipedia.org/wiki/Foo_(bar)"),
        ("HTTPS://X.org/A,", "https://X.org/A"),
        ("www.x.org!", "https://www.x.org"),
        ("看https://例子.中国/路。谢谢", "https://例子.中国/路"),
        ("https://ru.wikipedia.org/wiki/Кот?", "https://ru.wikipedia.org/wiki/Кот"),
        ("انظر https://x.org/مقال، شكرا", "https://x.org/مقال"),
        ("https://x.org/?a=1&b=2#c;", "https://x.org/?a=1&b=2#c"),
        ("“https://x.org/a”", "https://x.org/a"),
    ],
)
def test_a_bare_address_is_linked_whole_and_without_the_sentence_around_it(text: str, address: str) -> None:
    assert markdown.links(markdown.parse(text)) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#x73;cript:alert(1)",
        "&#x6A;avascript:alert(1)", "&Tab;javascript:alert(1)",
        "data:text/html,<script>x</script>", "vbscript:x", "file:///etc/passwd", "//evil.org",
        "/local", "#id", "ftp://x.org",
        "https://good.org@evil.org", "https://good.org\\@evil.org", "https:\\\\evil.org",
        "http://", "http:///x", "https://a..b",
        "https://x.org:99999", "http:x.org", "https://x\u200b.org", "<https://x.org/a b>",
        "blob:https://x.org", "mailto:", "mailto:a@b.c?body=x",
        "https://[evil", "feed:https://x.org", "view-source:https://x.org", "intent://x#Intent;end", "https://%6a.org",
    ],
)  # fmt: skip
def test_an_address_that_is_not_plainly_web_or_mail_stays_text(address: str) -> None:
    for source in (f"[x]({address})", f"![x]({address})", f"[x]\n\n[x]: {address}"):
        assert not any(
            link.startswith(("javascript", "data")) or "evil" in link for link in markdown.links(markdown.parse(source))
        )
    assert markdown.links(markdown.parse(f"[x]({address})")) in ([], ["https://x.org"])
    assert "x" in markdown.plain_text(markdown.parse(f"[x]({address})"))


def test_a_link_does_not_show_the_address_of_another_site() -> None:
    tree = markdown.parse("[https://bank.example](https://evil.example/x) [www.a.org/y](https://a.org/y)")
    assert markdown.plain_text(tree) == "https://evil.example/x www.a.org/y"


def test_a_numbered_line_keeps_its_number() -> None:
    assert markdown.parse("1986. A great year") == [["p", "1986. A great year"]]
    assert markdown.parse("3. c\n4. d") == [["p", "3. c"], ["p", "4. d"]]
    assert markdown.parse("2.") == [["p", "2."]]
    assert markdown.parse("3. - a\n4.\n5. b") == [["p", "3."], ["ul", ["li", "a"]], ["p", "4."], ["p", "5. b"]]


def test_brackets_and_a_colon_define_a_link_only_before_an_address() -> None:
    assert (
        markdown.plain_text(markdown.parse("Good.\n\n[Edit]: typo\n\n> [Note]:\n> more"))
        == "Good.\n[Edit]: typo\n[Note]:\nmore"
    )
    assert markdown.links(markdown.parse("See [1].\n\n[1]: https://x.org/a_b_c")) == ["https://x.org/a_b_c"]


def test_a_range_with_tildes_is_not_struck_out() -> None:
    assert markdown.parse("5~6 or 7~8, \\~ ~~no~~") == [["p", "5~6 or 7~8, ~ ", ["del", "no"]]]


@pytest.mark.parametrize("source", ["", " \n\t", "\u200b\u200d", "\u3164\u2800", "\u202e", "\u0301", "\u00ad"])
def test_what_cannot_be_seen_is_an_empty_tree(source: str) -> None:
    assert markdown.parse(source) == []


@pytest.mark.parametrize("source", ["---", "#", "-", "1.", "[a]: https://x.org", "![](x)", "``` ```", "[](x)"])
def test_where_markdown_leaves_nothing_the_source_is_the_text(source: str) -> None:
    tree = markdown.parse(source)
    assert markdown.plain_text(tree).replace(" ", "") == source.replace(" ", "")


def test_nests_are_flattened_at_ten_levels_without_losing_words() -> None:
    tree = markdown.parse("> " * 30 + "deep")
    assert markdown.plain_text(tree) == "deep"
    assert json.dumps(tree).count("blockquote") == markdown.NESTING_MAX
    tree = markdown.parse("- " * 30 + "deep\n\n" + "*a " * 30 + "z*" * 30)
    assert json.dumps(tree).count('"ul"') == markdown.NESTING_MAX
    assert json.dumps(tree).count('"em"') == markdown.NESTING_MAX
    quotes = ">" * 200
    assert markdown.parse(f"```\n{quotes}\n```") == [["pre", ["code", quotes]]]
    assert markdown.parse("a\n\n" + "* " * 100 + "\n\nb") == [["p", "a"], ["p", "b"]]


def test_a_source_is_kept_in_one_form() -> None:
    assert markdown.normalise("\r\na  \r\nb\rc\u2028d\n\n\n\n\ne\n") == "a\nb\nc\nd\n\n\ne"
    assert markdown.normalise("e\u0301\x00\x07\x9b\ufeff\u202eabc\u2066\ud800") == "éabc"
    assert markdown.normalise("a\u200eb\u200fc\u061cd") == "a\u200eb\u200fc\u061cd"
    assert markdown.normalise("    code\n\tx") == "    code\n\tx"


def test_towers_of_marks_are_lowered() -> None:
    for mark in ("\u0301", "\u0e47", "\u20dd", "\u0489", "\u05b0", "\u064e", "\u0301\u200d", "\u093e"):
        text = markdown.normalise("a" + mark * 500 + "b")
        assert sum(unicodedata.category(c)[0] == "M" for c in text) <= 8
        assert len(text) <= 20


@pytest.mark.parametrize(
    "text",
    [
        "क्षत्रिय राष्ट्रीय हिन्दी में", "ผู้ใหญ่ น้ำ กำลัง", "بِسْمِ اللَّهِ الرَّحْمَٰنِ",
        "می‌خواهم نمی‌شود", "בְּרֵאשִׁית בָּרָא", "Tiếng Việt rất đẹp",
        "བསྒྲུབས་ཧཱུྃ", "မြန်မာဘာသာ ကျွန်ုပ်", "தமிழ் நாடு", "한국어와 日本語",
        "Ελληνικά, русский, ქართული", "👩‍🚀👍🏽❤️‍🔥🏴󠁧󠁢󠁥󠁮󠁧󠁿🇺🇦1️⃣", "ភាសាខ្មែរ",
    ],
)  # fmt: skip
def test_no_script_is_broken(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert markdown.parse(text) == [["p", text]]


def test_plain_text_has_a_line_for_each_line_and_is_cut_between_words() -> None:
    tree = markdown.parse("# Title\none **two**\nthree\n\n- four\n- `five`\n\n> six")
    assert markdown.plain_text(tree) == "Title\none two\nthree\nfour\nfive\nsix"
    assert markdown.plain_text(tree, 16) == "Title one two…"
    assert markdown.plain_text(tree, 500) == "Title one two three four five six"
    assert markdown.plain_text(markdown.parse("語" * 50), 10) == "語" * 9 + "…"
    assert markdown.plain_text([]) == ""


def test_hidden_tag_characters_go_except_in_flags() -> None:
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "secret")
    assert markdown.parse(f"a{hidden}b") == [["p", "ab"]]
