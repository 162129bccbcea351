"""Comments as Atom feeds (RFC 4287, threads as RFC 4685 has them), and the sitemap.

Owns the names by which feed readers tell entries apart: they depend on what never changes of a comment, so that a
restored or moved discussion is not read twice. Promises well-formed XML whatever people wrote.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from server import events
from server.events import Article, Comment
from server.markup.languages import ENGLISH, Words
from server.markup.layout import Site, article_path
from server.render import escape, to_html

ENTRIES = 50
_NAMES = uuid.UUID("0d3c1f57-6c0f-5c0e-9a53-5b1f6d1c2b8e")  # any; it must only stay the same
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Entry:
    """A comment in a feed, with its article and the comment that it answers (None at top level)."""

    comment: Comment
    article: Article
    parent: Comment | None


def feed(entries: Sequence[Entry], site: Site, *, article: Article | None, updated: str) -> str:
    """The newest comments, of one article or of all (None). `updated` is when any of it last changed."""
    # Feeds are fetched by programs for many: only the site's own language is anybody's.
    words = site.words if site.fixed else ENGLISH
    spoken = f' xml:lang="{words.language}"' if site.fixed else ""
    if article is None:
        title, own, page = f"{words('latest')} · {site.name}", "/feeds/comments.atom", "/"
        name = site.origin + own
    else:
        page = article_path(article.slug)
        title, own = words("feedOfArticle", title=article.title), f"{page}/comments.atom"
        name = _name("thread", article.created_at, str(article.id))
    parts = [
        f'{_DECLARATION}<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"'
        f"{spoken}>",
        f"<id>{escape(name)}</id>",
        f"<title>{escape(title)}</title>",
        f"<updated>{updated}</updated>",
        f'<link rel="self" type="application/atom+xml" href="{escape(site.origin + own)}"/>',
        f'<link rel="alternate" type="text/html" href="{escape(site.origin + page)}"/>',
        "<generator>Ripost</generator>",
        *(_entry(entry, site, words) for entry in entries),
        "</feed>\n",
    ]
    return "\n".join(parts)


def _entry(entry: Entry, site: Site, words: Words) -> str:
    comment, article, parent = entry.comment, entry.article, entry.parent
    assert comment.author is not None and comment.tree is not None, "only what may be read is in a feed"
    page = site.origin + article_path(article.slug)
    url = escape(f"{page}?comment={comment.id}")
    if parent is None:
        answered, answered_url = _name("article", article.created_at, str(article.id)), page
    else:
        answered, answered_url = _name("comment", parent.created_at, parent.ref), f"{page}?comment={parent.id}"
    published = f"<published>{comment.created_at}</published>" if comment.dated else ""
    return (
        f"<entry><id>{_name('comment', comment.created_at, comment.ref)}</id>"
        f"<title>{escape(words('entryOn', name=comment.author.name, title=article.title))}</title>"
        f"<author><name>{escape(comment.author.name)}</name></author>"
        f"{published}<updated>{comment.edited_at or comment.created_at}</updated>"
        f'<link rel="alternate" type="text/html" href="{url}"/>'
        f'<thr:in-reply-to ref="{answered}" type="text/html" href="{escape(answered_url)}"/>'
        f'<content type="html">{escape(to_html(events.decode(bytes(comment.tree))))}</content></entry>'
    )


def _name(kind: str, created_at: str, key: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMES, f'{kind}:{created_at}:{key}')}"


SITEMAP_START = f'{_DECLARATION}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
SITEMAP_END = "</urlset>\n"


def sitemap_entry(site: Site, slug: str, changed_at: str) -> str:
    """One article of the sitemap."""
    return f"<url><loc>{escape(site.origin + article_path(slug))}</loc><lastmod>{changed_at}</lastmod></url>\n"


def robots(site: Site) -> str:
    """What crawlers may do: everything that is for readers."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {site.origin}/sitemap.xml\n"
