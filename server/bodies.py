"""Article bodies: Markdown or HTML from publishers and importers, to the safe HTML that pages show.

Owns the allow-list of an article. Promises that sanitising is the last step, so that nothing changes the HTML after it;
that headings are h2 to h4, because the page's title is the h1; and a bound on nesting, so that cost stays linear.
Never touches comments, which have no HTML at all, and never fetches a picture.
"""

import html
import re

import nh3
import pyromark

from server import characters, markdown

BODY_MAX = 1_048_576  # characters; the bound of the request, again for what importers bring
TAGS_MAX = 10_000  # elements; nested in one another they take the sanitiser 0.3 s, ten times as many 30 s
REFERENCES_MAX = 100_000  # characters that are written as entities; the cost grows with their square, 10^6 take 9 s
ATTRIBUTES_MAX = 20_000  # in one element, counted by spaces and slashes, of which embedded pictures have many: 0.2 s

TAGS = frozenset(
    {
        "h2",
        "h3",
        "h4",
        "p",
        "a",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "br",
        "hr",
        "figure",
        "figcaption",
        "img",
    }
    | {"em", "strong", "b", "i", "del", "sub", "sup", "table", "thead", "tbody", "tr", "th", "td"}
)
_DISCARDED_WITH_CONTENT = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math", "head", "title"}
    | {"form", "button", "select", "textarea"}
)
_OPTIONS = pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_TABLES
_TAG = re.compile(r"<[a-zA-Z]")
_HIGH_HEADING = re.compile(r"<(/?)h1(?=[\s/>])", re.IGNORECASE)
_LOW_HEADING = re.compile(r"<(/?)h[56](?=[\s/>])", re.IGNORECASE)
_BREAKING = re.compile(
    r"(</?(?:p|br|hr|h[1-6]|li|ul|ol|div|section|blockquote|pre|figure|figcaption|tr|td|th)(?=[\s/>]))", re.IGNORECASE
)
_PICTURE = re.compile(r"<img [^>]*\bsrc=")
_ATTRIBUTE_BREAK = re.compile(r"[\s/]")
_WEB = re.compile(r"https?://[^\s\\]+", re.IGNORECASE)


def _allowed_attribute(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if _WEB.fullmatch(value) else None
    if attribute in ("width", "height", "start", "colspan", "rowspan"):
        return value if value.isascii() and value.isdigit() and len(value) <= 5 else None
    if attribute == "dir":
        return value if value in ("ltr", "rtl", "auto") else None
    return value


_ARTICLE = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags=set(_DISCARDED_WITH_CONTENT),
    attributes={
        "*": {"dir", "lang"},
        "a": {"href"},
        "img": {"src", "alt", "width", "height"},
        "ol": {"start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
    },
    attribute_filter=_allowed_attribute,
    set_tag_attribute_values={"img": {"loading": "lazy", "decoding": "async", "referrerpolicy": "no-referrer"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",  # relative to whom? the publisher's page is elsewhere
    link_rel="noopener",
)
_WORDS = nh3.Cleaner(tags=set(), clean_content_tags=set(_DISCARDED_WITH_CONTENT), attributes={"*": set()})


def to_html(body: str, format: str) -> str:
    """`body` as HTML that is safe to show. `format` is "markdown" or "html".

    Raises ValueError with a sentence for another format and for a body over one of the bounds above. Takes up to half a
    second of processor time at those bounds, so a server calls it in a thread.
    """
    if format not in ("markdown", "html"):
        raise ValueError(f'An article body is "markdown" or "html", not "{format[:40]}".')
    if len(body) > BODY_MAX:
        raise ValueError(f"An article body has at most {BODY_MAX} characters; this one has {len(body)}.")
    text = markdown.normalise(body)
    if format == "markdown":
        text = markdown.unshield(pyromark.html(markdown.bounded_markers(text), options=_OPTIONS))
    text = _LOW_HEADING.sub(r"<\1h4", _HIGH_HEADING.sub(r"<\1h2", text))
    text = _ARTICLE.clean(_bounded(text))
    for _ in range(3):  # what was taken out may leave headings in headings, which a browser would read otherwise
        before, text = text, _ARTICLE.clean(text)
        if text == before:
            break
    return text


def description(text: str, limit: int = 200) -> str:
    """The words of `text`, HTML or plain, on one line of at most `limit` characters: for `meta`, feeds and previews.

    Plain text, not escaped; the caller escapes. Raises ValueError with a sentence as `to_html` does.
    """
    words = _WORDS.clean(_bounded(_BREAKING.sub(r" \1", text[:BODY_MAX])))
    return characters.cut(markdown.normalise(html.unescape(words)), limit)


def is_empty(body: str, format: str) -> bool:
    """Whether nothing of `body` can be seen: no visible character and no picture. Raises as `to_html` does."""
    shown = to_html(body, format)
    return _PICTURE.search(shown) is None and not characters.is_visible(description(shown))


def _bounded(text: str) -> str:
    """`text`, whose cost to the sanitiser is now bounded. Raises ValueError."""
    if sum(map(text.count, "&<>\xa0")) > REFERENCES_MAX:
        raise ValueError(
            f"An article body has at most {REFERENCES_MAX} ampersands, angle brackets and no-break spaces in all; "
            "this one has more."
        )
    tags = place = 0
    while tag := _TAG.search(text, place):
        tags += 1
        end = text.find(">", tag.end())
        if tags > TAGS_MAX:
            raise ValueError(f"An article body has at most {TAGS_MAX} elements; this one has more.")
        place = len(text) if end < 0 else end
        if sum(1 for _ in _ATTRIBUTE_BREAK.finditer(text, tag.start(), place)) > ATTRIBUTES_MAX:
            raise ValueError(f"An element of an article body has at most {ATTRIBUTES_MAX} attributes.")
    return text
