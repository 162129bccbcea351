"""The other pages: the list of articles, signing in, and what is said when there is nothing to show."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.events import Article
from server.markup.layout import Head, Site, article_path, direction, document
from server.render import escape


@dataclass(frozen=True, slots=True)
class Listed:
    """An article as the list shows it; `excerpt` is plain text."""

    article: Article
    excerpt: str


def page(listed: Sequence[Listed], site: Site, *, cursor: str | None, next: str | None) -> str:
    """One page of the list, newest first. `cursor` is this page's, None on the first; `next` leads to older ones."""
    words = site.words
    heading = words("discussions")
    parts = [f"<h1>{escape(heading)}</h1>"]
    if cursor is not None:
        parts.append(f'<p class="back"><a href="/">{escape(words("newestArticles"))}</a></p>')
    if listed:
        parts += ['<ol class="articles" role="list">', *(_item(one, site) for one in listed), "</ol>"]
    elif cursor is not None:
        parts.append(f'<p class="nothing">{escape(words("noOlder"))}</p>')
    else:
        before, after = escape(words("nothingHow")).split("{command}")
        parts.append(
            f'<div class="nothing"><p>{escape(words("nothingYet"))}</p>'
            f'<p>{before}<code dir="ltr">ripost import FILE</code>{after}</p></div>'
        )
    if next is not None:
        older = escape(words("olderArticles"))
        parts.append(f'<p class="more"><a rel="next" href="/?cursor={escape(next)}">{older}</a></p>')
    head = Head(
        title=f"{heading} · {site.name}",
        description=words("about", site=site.name),
        canonical=f"{site.origin}/" if cursor is None else f"{site.origin}/?cursor={cursor}",
        links=[
            f'<link rel="alternate" type="application/atom+xml" title="{escape(words("latest"))}" '
            'href="/feeds/comments.atom">',
            '<meta property="og:type" content="website">',
            f'<meta property="og:title" content="{escape(f"{heading} · {site.name}")}">',
            f'<meta property="og:url" content="{escape(site.origin)}/">',
        ],
    )
    return document(site, head, "\n".join(parts), kind="index-page", scripts=["counts.js"])


def _item(listed: Listed, site: Site) -> str:
    words = site.words
    language = words.language if site.fixed else ""
    article = listed.article
    path = escape(article_path(article.slug))
    known = []
    if article.byline:
        known.append(f"<bdi>{escape(article.byline)}</bdi>")
    if article.published_at:
        day = words.long_date(article.published_at)
        known.append(f'<time dir="{words.direction}" datetime="{article.published_at}">{day}</time>')
    # What static/counts.js fills in when it changes.
    forms = "".join(f' data-{category}="{escape(form)}"' for category, form in words.forms("comments").items())
    known.append(
        f'<a class="count" dir="{words.direction}" href="{path}#ripost-thread" data-ripost-count="{article.id}"{forms}>'
        f"{escape(words('comments', n=article.comment_count))}</a>"
    )
    if article.state == "closed":
        known.append(f'<span dir="{words.direction}">{escape(words("isClosed"))}</span>')
    excerpt = f'<p class="excerpt" lang="{language}" dir="auto">{escape(listed.excerpt)}</p>' if listed.excerpt else ""
    return (
        f'<li dir="{direction(article.title)}"><h2 lang="{language}" dir="auto">'
        f'<a href="{path}">{escape(article.title)}</a></h2>'
        f'{excerpt}<p class="meta">{"".join(f"<span>{part}</span>" for part in known)}</p></li>'
    )


def sign_in_page(site: Site) -> str:
    """Where a one-time link leads: its script takes the token from the fragment, which no server sees."""
    said = {key: escape(site.words(key)) for key in ("signIn", "signInLead", "signInLink", "signInNeeds")}
    # What the script will say, so that it needs no table of words.
    later = "".join(
        f' data-{name}="{escape(site.words(key, name="{name}"))}"'
        for name, key in (
            ("busy", "signingIn"),
            ("done", "signedIn"),
            ("away", "signInKept"),
            ("used", "signInUsed"),
            ("many", "signInMany"),
        )
    )
    main = (
        f'<div class="card"><h1>{said["signIn"]}</h1>'
        f'<p id="sign-in-status" role="status" aria-live="polite">{said["signInLead"]}</p>'
        f'<form id="sign-in" method="dialog"{later}><label for="link">{said["signInLink"]}</label>'
        '<input id="link" name="link" type="text" autocomplete="off" autocapitalize="off" spellcheck="false" required>'
        f'<button type="submit" class="primary">{said["signIn"]}</button></form>'
        f"<noscript><p>{said['signInNeeds']}</p></noscript></div>"
    )
    head = Head(title=f"{site.words('signIn')} · {site.name}", robots="noindex")
    return document(site, head, main, kind="sign-in-page", scripts=["signin.js"])


def failure_page(site: Site, *, status: int, title: str, detail: str, link: str, further: str) -> str:
    """What a person sees who asked for what is not there. `link` leads on, under the words `further`."""
    main = (
        f'<div class="card failure"><p class="code">{status}</p><h1>{escape(title)}</h1><p>{escape(detail)}</p>'
        f'<p class="more"><a href="{escape(link)}">{escape(further)}</a></p></div>'
    )
    head = Head(title=f"{title} · {site.name}", robots="noindex")
    return document(site, head, main, kind="failure-page")
