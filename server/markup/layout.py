"""What every page has: the document around it, its head, the bar at the top and the line at the bottom.

Owns where pages stand (Site) and how data is put into a script element without ending it. Never writes what a page is
about.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from server.markup.languages import ENGLISH, Words
from server.render import escape, to_xml_text

# A speech bubble; drawn in the colour of the text around it.
_MARK = (
    '<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">'
    '<path fill="currentColor" d="M5 3h14a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3h-6.5l-4.6 3.7A.55.55 0 0 1 7 20.3V17H5'
    "a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3Zm2.5 5a1 1 0 0 0 0 2h9a1 1 0 1 0 0-2h-9Zm0 3.5a1 1 0 1 0 0 2H13"
    'a1 1 0 1 0 0-2H7.5Z"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where pages stand: origin of absolute links, folder of static files, modules that a reader's page loads.

    `words` are those of the language that the page is asked for in, or of the site's own (`fixed`: for all who ask).
    """

    origin: str
    static: str
    modules: tuple[str, ...] = ()
    words: Words = ENGLISH
    fixed: bool = False

    @property
    def name(self) -> str:
        """What the site is called: its host."""
        return self.origin.partition("://")[2]

    def asset(self, name: str) -> str:
        """The address of a static file."""
        return f"{self.static}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a page says about itself. `links` and `data` are markup; the rest is text."""

    title: str
    description: str = ""
    canonical: str | None = None
    links: Sequence[str] = ()
    robots: str | None = None


def document(
    site: Site, head: Head, main: str, *, kind: str, styles: Sequence[str] = ("front.css",), scripts: Sequence[str] = ()
) -> str:
    """A whole page. `main` is the markup of its main element, `kind` the class that style sheets know it by; `styles`
    are those besides the one of every page."""
    words = site.words
    turned = "" if words.direction == "ltr" else f' dir="{words.direction}"'
    lines = [
        f'<!doctype html>\n<html lang="{words.language}"{turned}>\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(head.title)}</title>",
    ]
    if head.description:
        lines.append(f'<meta name="description" content="{escape(head.description)}">')
    if head.robots:
        lines.append(f'<meta name="robots" content="{escape(head.robots)}">')
    if head.canonical:
        lines.append(f'<link rel="canonical" href="{escape(head.canonical)}">')
    lines += [
        '<meta name="color-scheme" content="light dark">',
        f'<link rel="icon" href="{site.asset("icon.svg")}" type="image/svg+xml">',
        *(f'<link rel="stylesheet" href="{site.asset(name)}">' for name in ("site.css", *styles)),
        *head.links,
        *(f'<script type="module" src="{site.asset(name)}"></script>' for name in scripts),
        f'</head>\n<body class="{kind}">',
        f'<header class="site-header"><a class="home" href="/" rel="home">{_MARK}<span>Ripost</span></a></header>',
        f"<main>\n{main}\n</main>",
        f'<footer class="site-footer"><p>{escape(words("by"))} <a href="/">{escape(words("allArticles"))}</a> '
        f'<a href="/feeds/comments.atom">{escape(words("latestFeed"))}</a></p></footer>',
        "</body>\n</html>\n",
    ]
    return "\n".join(lines)


def data_block(kind: str, json: str, attributes: str = "") -> str:
    """A script element that holds data. `json` is JSON text; nothing in it can end the element."""
    safe = json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f'<script type="{kind}"{attributes}>{to_xml_text(safe)}</script>'


def article_path(slug: str) -> str:
    """The path of an article's page."""
    return "/a/" + quote(slug, safe="-._~")


def direction(text: str) -> str:
    """Which way `text` is written, by its first letter that has a direction: "rtl" or "ltr"."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"
