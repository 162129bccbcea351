from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import markdown, render

SEEN = {"p", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "del", "a", "br"}
PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "\"><script>x</script>", "'-alert(1)-'",
    "[x](javascript:alert(1))", "[x](http://a.b/\"onmouseover=alert(1))",
    "[x](http://a.b/'><img/src=x>)", "<http://a.b/\"><b>>",
    "[x](http://a.b \"t\" onclick=alert(1))", "![x](http://a.b/x.png\"onerror=\"alert(1))",
    "`<b>`", "```\n</code></pre><script>\n```",
    "[<img src=x onerror=alert(1)>](http://a.b)", "http://a.b/<script>", "www.a.b\"onx=1",
    "<a href=javascript:x>y</a>", "&lt;script&gt;",
    "<!--><script>x</script>-->", "<![CDATA[<script>]]>", "<style>@import'x'</style>",
    "<math><mtext></form><form><mglyph><style></math><img>",
    "[a]: http://x.y\"><script>\n[a]", "\u2028<script>", "<scr\x00ipt>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](\x01javascript:alert(1))",
    "[x](java\tscript:alert(1))", "<mailto:a@b.c\"onx>",
]  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of it: only what we allow may come up."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SEEN
        if tag == "a":
            href, rel = attrs
            assert href[0] == "href" and href[1] is not None and href[1].startswith(("http://", "https://", "mailto:"))
            assert rel == ("rel", render.LINK_REL)
        else:
            assert attrs == []
        self.depth += tag != "br"

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def seen(html: str) -> str:
    page = Page()
    page.feed(html)
    page.close()
    assert page.depth == 0
    return "".join(page.text)


def words(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_come_out_as_text(payload: str) -> None:
    for source in (payload, f"a {payload} b", f"> {payload}", f"- {payload}", f"**{payload}**", payload * 3):
        tree = markdown.parse(source)
        assert words(seen(render.to_html(tree))) == words(markdown.plain_text(tree))


@given(
    st.lists(st.sampled_from([*PAYLOADS, "*", "`", "\n\n", "> ", "- ", "<", '"', "&"]), max_size=8).map("".join)
    | st.text()
)
@settings(max_examples=300, deadline=None)
def test_html_shows_the_words_of_the_tree_and_is_well_formed(source: str) -> None:
    tree = markdown.parse(source)
    html = render.to_html(tree)
    assert words(seen(html)) == words(markdown.plain_text(tree))
    ElementTree.fromstring(f"<x>{html.replace('<br>', '<br/>')}</x>")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["p", "a", "br", "h", "script", "img"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["href", "onclick"]), inner, max_size=2)
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
@settings(max_examples=300, deadline=None)
def test_even_a_spoilt_tree_is_safe(tree: list[Any]) -> None:
    seen(render.to_html(tree))


def test_a_heading_is_a_bold_paragraph_and_a_link_vouches_for_nothing() -> None:
    tree = markdown.parse('# A & B\n[x](https://x.org/?a=1&b="2")\ny')
    assert render.to_html(tree) == (
        "<p><strong>A &amp; B</strong></p>"
        '<p><a href="https://x.org/?a=1&amp;b=%222%22" rel="ugc nofollow noopener">x</a><br>y</p>'
    )  # fmt: skip


def test_an_address_that_is_not_allowed_leaves_its_words() -> None:
    assert render.to_html([["p", ["a", {"href": "javascript:x"}, "y"], ["script", "z"], ["a"]]]) == "<p>yz</p>"


def test_depth_costs_no_recursion() -> None:
    node: list[Any] = ["p", "deep"]
    for _ in range(100_000):
        node = ["blockquote", node]
    assert render.to_html([node]).count("<blockquote>") == 100_000


def test_text_for_xml_has_only_what_xml_can_hold() -> None:
    text = "a\x00b\x0bc\ufffed\ud800e\tf\ng\U0001f98a<"
    assert render.to_xml_text(text) == "abcde\tf\ng\U0001f98a<"
    assert render.escape("<\"'&\x01>") == "&lt;&quot;&#x27;&amp;&gt;"
