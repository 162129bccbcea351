import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import bodies
from tests.test_render import PAYLOADS

ATTRIBUTES = {"dir", "lang"} | {
    "href",
    "rel",
    "src",
    "alt",
    "width",
    "height",
    "start",
    "colspan",
    "rowspan",
    "loading",
    "decoding",
    "referrerpolicy",
}
HTML_PAYLOADS = [
    *PAYLOADS, "<a href='javascript:x'>a</a>", "<a href=' &#14; javascript:x'>a</a>",
    "<img src='data:image/svg+xml,x'>", "<img src=//evil.org/x>",
    "<iframe src=https://evil.org></iframe>", "<form action=https://evil.org><input></form>",
    "<p style='position:fixed' id=x class=y name=z>a</p>",
    "<svg><a xlink:href='javascript:x'>a</a></svg>",
    "<math><annotation-xml encoding='text/html'><script>x</script></annotation-xml></math>",
    "<template><script>x</script></template>", "<base href=https://evil.org>",
    "<meta http-equiv=refresh content=0>", "<h1 onclick=x>a</h1>",
    "<table><a><style></table><img src=x onerror=x>", "<p><h1><h5 onx=1>",
    "<image src=x onerror=x>", "<xmp><img src=x onerror=x></xmp>", "<plaintext>",
    "<textarea><img src=x onerror=x>", "<select><option><img src=x onerror=x>",
    "<img src=https://x.org/a.png onload=x srcset=//evil.org>",
]  # fmt: skip


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert tag in bodies.TAGS
        for name, value in attrs:
            assert name in ATTRIBUTES
            if name == "href":
                assert value is not None and value.startswith(("http://", "https://", "mailto:"))
            if name == "src":
                assert value is not None and value.startswith(("http://", "https://"))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def tags(html: str) -> list[str]:
    page = Page()
    page.feed(html)
    page.close()
    return page.tags


@pytest.mark.parametrize("payload", HTML_PAYLOADS)
@pytest.mark.parametrize("format", ["html", "markdown"])
def test_payloads_lose_what_is_not_allowed(payload: str, format: str) -> None:
    for body in (payload, f"<p>a {payload} b", f"<blockquote>{payload}</blockquote>"):
        tags(bodies.to_html(body, format))


@given(
    st.lists(st.sampled_from([*HTML_PAYLOADS, "<p>", "</p>", "<table>", "\n\n", "`", '"']), max_size=6).map("".join)
    | st.text()
)
@settings(max_examples=300, deadline=None)
def test_sanitising_twice_changes_nothing(body: str) -> None:
    once = bodies.to_html(body, "html")
    tags(once)
    tags(bodies.to_html(body, "markdown"))
    assert bodies.to_html(once, "html").split() == once.split()
    assert len(bodies.description(body)) <= 200


def test_markdown_and_html_of_an_article_keep_their_structure() -> None:
    body = "# One\n\nText *a* [b](https://x.org/_c_)\n\n##### Five\n\n![d](https://x.org/e.png)\n\n| f |\n|---|\n| g |\n\n- h\n"
    assert tags(bodies.to_html(body, "markdown")) == [
        "h2", "p", "em", "a", "h4", "p", "img", "table", "thead", "tr", "th", "tbody", "tr", "td", "ul", "li"
    ]  # fmt: skip
    figure = bodies.to_html(
        "<figure><img src='https://x.org/a.png' alt='b'><figcaption>c</figcaption></figure>", "html"
    )
    assert tags(figure) == ["figure", "img", "figcaption"]
    assert 'loading="lazy"' in figure and 'alt="b"' in figure
    assert 'href="https://x.org/_c_"' in bodies.to_html("[b](https://x.org/_c_) 5~6", "markdown")


def test_scripts_and_styles_go_with_their_content() -> None:
    assert bodies.to_html("<p>a<script>x</script><style>y</style><!-- z -->b</p>", "html") == "<p>ab</p>"


def test_the_language_and_direction_of_a_passage_stay_and_titles_go() -> None:
    body = '<p lang="ar" dir="rtl" title="x">مرحبا</p><p dir="x">a</p>'
    assert bodies.to_html(body, "html") in (
        '<p lang="ar" dir="rtl">مرحبا</p><p>a</p>',
        '<p dir="rtl" lang="ar">مرحبا</p><p>a</p>',
    )


def test_a_body_that_is_out_of_bounds_is_refused_with_a_sentence() -> None:
    for body, format in (("x", "text"), ("x" * (bodies.BODY_MAX + 1), "html"), ("<i>" * 20_000,
    "html"), ("> " * 20_000 + "<i>" * 20_000, "markdown"),
                         ("&" * 200_000, "html"), ("<p " + "a " * 30_000 + ">", "html")):  # fmt: skip
        with pytest.raises(ValueError, match=r"^An .* is|^An .* at most .*\.$"):
            bodies.to_html(body, format)


@pytest.mark.parametrize(
    "unit",
    ["<div>", "<b><p>", "<table>", "<a href=x>", "<!--", "<!a", "</a", "<p a='", "<", "> ", "*a ", "[a", "http://a.b "],
)
def test_a_hostile_body_takes_a_second_at_most(unit: str) -> None:
    for size in (60_000, 400_000):
        for format in ("html", "markdown"):
            start = time.process_time()
            try:
                bodies.to_html(unit * (size // 2 // len(unit)) + "a\n" * (size // 4), format)
            except ValueError as error:
                assert "at most" in str(error)
            assert time.process_time() - start < 1


def test_a_description_is_plain_words_on_one_line() -> None:
    assert (
        bodies.description("<h2>One</h2><p>two &amp; <b>three</b><br>four</p><script>x</script>")
        == "One two & three four"
    )
    assert bodies.description("plain text, 1 < 2 & so on") == "plain text, 1 < 2 & so on"
    assert bodies.description("<p>" + "word " * 100, limit=19) == "word word word…"
    assert bodies.description("") == ""


def test_a_body_is_empty_when_nothing_of_it_can_be_seen() -> None:
    assert bodies.is_empty(" <p>\u200b</p><script>x</script><img>", "html")
    assert not bodies.is_empty("<img src='https://x.org/a.png'>", "html")
    assert not bodies.is_empty("a", "markdown")
