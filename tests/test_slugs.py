import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import slugs


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World! It's 2026", "hello-world-its-2026"),
        ("  --C++ vs. C#--  ", "c-vs-c"),
        ("Привет, мир", "привет-мир"),
        ("日本語のタイトル：第一回", "日本語のタイトル-第一回"),
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("مرحبا بالعالم", "مرحبا-بالعالم"),
        ("می‌خواهم", "میخواهم"),
        ("Straße nach İzmir", "strasse-nach-izmir"),
        ("Cafe\u0301 Ünïcode", "café-ünïcode"),
        ("100 % — really?", "100-really"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>", "script"),
        ("🦊 !!!", "article"),
        ("", "article"),
        ("\u0301", "article"),
    ],
)
def test_a_title_of_any_script_becomes_a_slug(title: str, slug: str) -> None:
    assert slugs.slug(title) == slug


def test_a_long_title_is_cut_between_words() -> None:
    assert slugs.slug("word " * 40) == "-".join(["word"] * 16)
    assert slugs.slug("x" * 200) == "x" * 80
    assert len(slugs.slug("कि" * 100)) <= 80
    assert slugs.slug("a" * 79 + " b") == "a" * 79


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_a_slug_is_short_and_its_own_slug(title: str) -> None:
    slug = slugs.slug(title)
    assert 0 < len(slug) <= slugs.SLUG_MAX
    assert slugs.slug(slug) == slug
    assert not set(slug) & set(" /?#%&\"'<>\\.")
    assert not slug.startswith("-") and not slug.endswith("-") and "--" not in slug


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/a/b?p=12", "http://news.example/a/b?p=12",
        "HTTPS://WWW.News.Example/a/b/?p=12", "https://news.example:443/a/b?p=12#top",
        "http://news.example:80/a/b/?p=12&utm_source=x&UTM_Medium=y&fbclid=z",
        "https://news.example/a/b?gclid=1&p=12&mc_cid=2", "https://news.example./a/b?p=12&",
        " https://news.example/a/./x/../b?p=12 ", "https://news.example/%61/b?p=%312",
        "https://news.example/a/b?&p=12&replytocom=7#respond",
    ],
)  # fmt: skip
def test_what_does_not_tell_pages_apart_does_not_matter(url: str) -> None:
    assert slugs.canonical_url(url) == "news.example/a/b?p=12"


def test_what_tells_pages_apart_is_kept() -> None:
    pages = [
        "https://x.org", "https://x.org/a", "https://x.org/A", "https://x.org/?p=1",
        "https://x.org/?p=2", "https://x.org/?p=1&q=2", "https://x.org/?q=2&p=1",
        "https://x.org:8443/a", "https://b.x.org/a", "https://x.org/a%2Fb", "https://x.org/a/b",
        "https://x.org/a%3Fb", "https://x.org/a?b", "https://x.org/a%25b",
    ]  # fmt: skip
    assert len({slugs.canonical_url(page) for page in pages}) == len(pages)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%c3%9fe"),
        ("https://BÜCHER.example/", "http://www.bücher.example"),
        ("https://x.org/статья/", "https://x.org/%D1%81%D1%82%D0%B0%D1%82%D1%8C%D1%8F"),
        ("https://x.org/cafe\u0301", "https://x.org/caf%C3%A9"),
        ("https://x.org/می\u200cخواهم", "https://x.org/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85"),
        ("https://x.org/a b", "https://x.org/a%20b"),
        ("https://x.org/%ff%e2", "https://x.org/%FF%E2"),
        ("http://[::1]/x", "http://[::1]:80/x/"),
    ],
)
def test_the_way_letters_are_escaped_does_not_matter(one: str, other: str) -> None:
    assert slugs.canonical_url(one) == slugs.canonical_url(other)


@pytest.mark.parametrize(
    "url",
    [
        "", "news.example/a", "//news.example/a", "/a", "ftp://x.org", "javascript:alert(1)",
        "file:///a", "http://", "http:///a", "https://?x", "https://user@x.org/",
        "https://x.org\\@evil.org", "https://x.org:99999", "https://x.org:a", "https://[::1",
        "https://a b/", "https://x..org", "https://-x.org", "https://x.org/\x00",
        "https://x.org/a\nb", "https://<x>/", "https://" + "x" * 2000, "https://%6a/",
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused_with_a_sentence(url: str) -> None:
    for function in (slugs.canonical_url, slugs.origin_of):
        with pytest.raises(ValueError, match=r"URL|address") as error:
            function(url)
        assert str(error.value).endswith(".")
        assert len(str(error.value)) < 250


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=500, deadline=None)
def test_a_key_is_its_own_key(path: str, query: str) -> None:
    try:
        key = slugs.canonical_url(f"https://x.org/{path}?{query}")
    except ValueError:
        return
    assert slugs.canonical_url(f"http://www.{key}") == key
    assert key.isprintable()
    key.encode()


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_key_or_a_sentence(url: str) -> None:
    for text in (url, f"https://{url}"):
        try:
            slugs.canonical_url(text)
            slugs.origin_of(text)
        except ValueError as error:
            assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://News.Example:443/a?b#c", "https://news.example"),
        ("http://www.x.org:8080/", "http://www.x.org:8080"),
        ("https://x.org:80", "https://x.org:80"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_what_a_browser_sends(url: str, origin: str) -> None:
    assert slugs.origin_of(url) == origin
