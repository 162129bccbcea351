"""The other pages: the list of articles, signing in, and what is said when there is nothing to show."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.events import Article
from server.markup.layout import Head, Site, article_path, count_of_comments, direction, document, long_date
from server.render import escape

_FEED = '<link rel="alternate" type="application/atom+xml" title="Latest comments" href="/feeds/comments.atom">'


@dataclass(frozen=True, slots=True)
class Listed:
    """An article as the list shows it; `excerpt` is plain text."""

    article: Article
    excerpt: str


def page(listed: Sequence[Listed], site: Site, *, cursor: str | None, next: str | None) -> str:
    """One page of the list, newest first. `cursor` is this page's, None on the first; `next` leads to older ones."""
    parts = ["<h1>Discussions</h1>"]
    if cursor is not None:
        parts.append('<p class="back"><a href="/">Newest articles</a></p>')
    if listed:
        parts += ['<ol class="articles" role="list">', *map(_item, listed), "</ol>"]
    elif cursor is not None:
        parts.append('<p class="nothing">There are no older articles.</p>')
    else:
        parts.append(
            '<div class="nothing"><p>There is nothing to discuss yet.</p>'
            "<p>An article appears here once it is imported (<code>ripost import FILE</code>), made through the API, "
            "or opened on a page that shows its discussion.</p></div>"
        )
    if next is not None:
        parts.append(f'<p class="more"><a rel="next" href="/?cursor={escape(next)}">Older articles</a></p>')
    head = Head(
        title=f"Discussions · {site.name}",
        description=f"Articles and their discussions on {site.name}.",
        canonical=f"{site.origin}/" if cursor is None else f"{site.origin}/?cursor={cursor}",
        links=[
            _FEED,
            '<meta property="og:type" content="website">',
            f'<meta property="og:title" content="{escape(f"Discussions · {site.name}")}">',
            f'<meta property="og:url" content="{escape(site.origin)}/">',
        ],
    )
    return document(site, head, "\n".join(parts), kind="index-page")


def _item(listed: Listed) -> str:
    article = listed.article
    path = escape(article_path(article.slug))
    known = []
    if article.byline:
        known.append(f"<bdi>{escape(article.byline)}</bdi>")
    if article.published_at:
        known.append(f'<time dir="ltr" datetime="{article.published_at}">{long_date(article.published_at)}</time>')
    known.append(
        f'<a class="count" dir="ltr" href="{path}#ripost-thread">{count_of_comments(article.comment_count)}</a>'
    )
    if article.state == "closed":
        known.append("closed")
    excerpt = f'<p class="excerpt" lang="" dir="auto">{escape(listed.excerpt)}</p>' if listed.excerpt else ""
    return (
        f'<li dir="{direction(article.title)}"><h2 lang="" dir="auto"><a href="{path}">{escape(article.title)}</a></h2>'
        f'{excerpt}<p class="meta">{"".join(f"<span>{part}</span>" for part in known)}</p></li>'
    )


def sign_in_page(site: Site) -> str:
    """Where a one-time link leads: its script takes the token from the fragment, which no server sees."""
    main = (
        '<div class="card"><h1>Sign in</h1>'
        '<p id="sign-in-status" role="status" aria-live="polite">Paste the one-time link you were given.</p>'
        '<form id="sign-in" method="dialog"><label for="link">Sign-in link</label>'
        '<input id="link" name="link" type="text" autocomplete="off" autocapitalize="off" spellcheck="false" required>'
        '<button type="submit" class="primary">Sign in</button></form>'
        "<noscript><p>Signing in needs JavaScript. Reading does not.</p></noscript></div>"
    )
    head = Head(title=f"Sign in · {site.name}", robots="noindex")
    return document(site, head, main, kind="sign-in-page", scripts=["signin.js"])


def failure_page(
    site: Site, *, status: int, title: str, detail: str, link: str = "/", words: str = "All articles"
) -> str:
    """What a person sees who asked for what is not there. `link` leads on, under `words`."""
    main = (
        f'<div class="card failure"><p class="code">{status}</p><h1>{escape(title)}</h1><p>{escape(detail)}</p>'
        f'<p class="more"><a href="{escape(link)}">{escape(words)}</a></p></div>'
    )
    return document(site, Head(title=f"{title} · {site.name}", robots="noindex"), main, kind="failure-page")
