"""The page of an article: the article itself, its discussion, and what it tells browsers, networks and crawlers."""

from server import bodies
from server.events import Article
from server.markup import linked_data
from server.markup.languages import Words
from server.markup.layout import Head, Site, article_path, data_block, direction, document
from server.markup.thread import Discussion, element
from server.render import escape

_DESCRIBED = 6000  # characters of a body that its description is made from; more cannot be in it


def page(body: str, discussion: Discussion, site: Site, *, cursor: str | None, modified_at: str | None) -> str:
    """The whole page. `body` is safe HTML; `cursor` is the one of this page of the discussion, None on the first."""
    article = discussion.article
    own = site.origin + article_path(article.slug)
    following = cursor is not None and discussion.asked is None and discussion.sort == "oldest"
    # A further page has comments that no other page has, so it may be found by itself; other orders show the same.
    canonical = article.url or (f"{own}?sort=oldest&cursor={cursor}" if following else own)
    described = bodies.description(body[:_DESCRIBED])
    data = linked_data.article(
        article,
        url=article.url or own,
        page=own,
        description=described,
        comments=discussion.comments,
        modified_at=modified_at,
    )
    head = Head(
        title=article.title,
        description=described,
        canonical=canonical,
        links=[
            f'<link rel="preload" as="style" href="{site.asset("ripost.css")}">',
            *(f'<link rel="modulepreload" href="{site.asset(name)}">' for name in site.modules),
            _words(site),
            *_cards(article, described, article.url or own, site),
            f'<link rel="alternate" type="application/atom+xml" title="{escape(site.words("feedOf"))}" '
            f'href="{escape(article_path(article.slug))}/comments.atom">',
            f'<link rel="alternate" type="application/atom+xml" title="{escape(site.words("latest"))}" '
            'href="/feeds/comments.atom">',
            data_block("application/ld+json", data),
        ],
    )
    main = f"{_article(article, body, site)}\n{element(discussion, site)}"
    return document(site, head, main, kind="article-page", styles=(), scripts=["ripost.js"])


def _words(site: Site) -> str:
    """What the script needs to speak the language of the page, asked for before it asks."""
    return f'<link rel="preload" as="fetch" crossorigin href="{site.asset(f"i18n/{site.words.language}.json")}">'


def _cards(article: Article, description: str, url: str, site: Site) -> list[str]:
    """Open Graph, and the size of the card elsewhere."""
    known = [
        ("og:type", "article"),
        ("og:title", article.title),
        ("og:description", description),
        ("og:url", url),
        ("og:site_name", site.name),
        ("og:image", article.image.url if article.image else ""),
        ("article:published_time", article.published_at or ""),
    ]
    card = "summary_large_image" if article.image else "summary"
    return [
        *(f'<meta property="{name}" content="{escape(value)}">' for name, value in known if value),
        f'<meta name="twitter:card" content="{card}">',
    ]


def _article(article: Article, body: str, site: Site) -> str:
    words = site.words
    # Unless the site has one, its language is not known; to call it English would make screen readers mispronounce it.
    language = words.language if site.fixed else ""
    parts = [
        f'<article class="article" lang="{language}" dir="{direction(article.title)}">',
        f'<header class="article-header"><h1 dir="auto">{escape(article.title)}</h1>',
        _meta(article, words),
        "</header>",
    ]
    if article.image is not None:
        caption = article.image.caption
        described = escape(caption or "")
        parts.append(
            f'<figure class="picture"><img src="{escape(article.image.url)}" alt="{described}" decoding="async" '
            'referrerpolicy="no-referrer">'
            + (f'<figcaption dir="auto">{described}</figcaption>' if caption else "")
            + "</figure>"
        )
    if body:
        parts.append(f'<div class="prose" dir="auto">{body}</div>')
    if article.url:
        place = escape(article.url.partition("://")[2].partition("/")[0].removeprefix("www."))
        said = escape(words("readAt" if body else "discussionOf"))
        parts.append(
            f'<p class="elsewhere" {_in(words)}>{said} <a href="{escape(article.url)}" rel="noopener">{place}</a></p>'
        )
    parts.append("</article>")
    return "\n".join(parts)


def _in(words: Words) -> str:
    return f'lang="{words.language}" dir="{words.direction}"'


def _meta(article: Article, words: Words) -> str:
    known = []
    if article.byline:
        known.append(f'<bdi class="by">{escape(article.byline)}</bdi>')
    if article.published_at:
        known.append(
            f'<time {_in(words)} datetime="{article.published_at}">{words.long_date(article.published_at)}</time>'
        )
    known.append(f'<a {_in(words)} href="#ripost-thread">{escape(words("goToDiscussion"))}</a>')
    return f'<p class="meta">{"".join(f"<span>{part}</span>" for part in known)}</p>'
