"""Making, finding and changing articles. A change reaches open pages as `article.updated`."""

import asyncio
from dataclasses import replace

import msgspec

from server import auth, bodies, characters, events, limits, slugs
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.models import Actor, Article, ArticleState
from server.state import State
from server.storage import articles, event_log
from server.storage.transaction import Transaction
from server.times import parse_rfc3339

TITLE_MAX = 300  # characters
BYLINE_MAX = 200
CAPTION_MAX = 1000
SLOW_MODE_MAX = 3600  # seconds


class Image(msgspec.Struct, frozen=True):
    url: str
    caption: str | None = None


class NewArticle(msgspec.Struct, frozen=True):
    """What a moderator gives to make an article."""

    title: str
    body: str = ""
    format: str = "markdown"
    url: str | None = None
    byline: str | None = None
    published_at: str | None = None
    image: Image | None = None


class Changes(msgspec.Struct, frozen=True):
    """What a moderator changes; fields left out stay."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    body: str | msgspec.UnsetType = msgspec.UNSET
    format: str = "markdown"
    url: str | msgspec.UnsetType | None = msgspec.UNSET
    byline: str | msgspec.UnsetType | None = msgspec.UNSET
    published_at: str | msgspec.UnsetType | None = msgspec.UNSET
    image: Image | msgspec.UnsetType | None = msgspec.UNSET
    state: ArticleState | msgspec.UnsetType = msgspec.UNSET
    slow_mode_seconds: int | msgspec.UnsetType = msgspec.UNSET


async def create_article(state: State, actor: Actor, new: NewArticle) -> Article:
    """Makes an article. Raises Unauthorized, Forbidden, Invalid, Conflict (its URL has one already)."""
    auth.require_staff(actor)
    title = _title(new.title)
    body = await _body(new.body, new.format)
    url, canonical = _url(new.url)
    published = _time(new.published_at)
    image = _image(new.image)

    def work(tx: Transaction) -> Article:
        known = articles.by_canonical_url(tx, canonical) if canonical else None
        if known is not None:
            raise Conflict(f"article {known.id} has this url already")
        return _get(
            tx,
            articles.add(
                tx,
                slug=articles.free_slug(tx, slugs.slug(title)),
                title=title,
                created_at=state.clock.now(),
                url=url,
                canonical_url=canonical,
                byline=_byline(new.byline),
                body=body,
                image_url=image[0],
                image_caption=image[1],
                published_at=published,
            ),
        )

    return await state.database.write(work)


async def resolve_article(state: State, actor: Actor, url: str, title: str | None, *, allowed: bool) -> Article:
    """The article of a publisher's page, made if it was never seen.

    `allowed`: whether the origin of `url` and the one of the request may embed us; otherwise only staff may make one,
    and nobody else learns more than what exists. Raises Invalid, Forbidden, TooMany.
    """
    stored, canonical = _url(url)
    assert canonical is not None
    now = state.clock.monotonic()
    if not actor.staff:
        state.limits.take(limits.RESOLVE, actor.address, now)
    known = await state.database.read(lambda tx: articles.by_canonical_url(tx, canonical))
    if known is not None:
        return known
    if not allowed and not actor.staff:
        raise Forbidden(
            f"a discussion for {slugs.origin_of(url)} can only be opened from a page of an allowed origin "
            "(ALLOWED_ORIGINS)"
        )
    if not actor.staff:
        state.limits.take(limits.NEW_ARTICLE, actor.address, now)
    name = _title((title or "").strip()[:TITLE_MAX] or canonical.split("?")[0])

    def work(tx: Transaction) -> Article:
        again = articles.by_canonical_url(tx, canonical)
        if again is not None:
            return again
        slug = articles.free_slug(tx, slugs.slug(name))
        return _get(
            tx,
            articles.add(tx, slug=slug, title=name, created_at=state.clock.now(), url=stored, canonical_url=canonical),
        )

    return await state.database.write(work)


async def change_article(state: State, actor: Actor, article_id: int, changes: Changes) -> Article:
    """Changes an article and tells open pages. Raises Unauthorized, Forbidden, NotFound, Invalid, Conflict."""
    auth.require_staff(actor)
    body = None if changes.body is msgspec.UNSET else await _body(str(changes.body), changes.format)

    def work(tx: Transaction) -> Article:
        before = articles.get_for_change(tx, article_id)
        if before is None:
            raise NotFound(f"there is no article {article_id}")
        after = _changed(before, changes, body)
        if after.canonical_url and after.canonical_url != before.canonical_url:
            known = articles.by_canonical_url(tx, after.canonical_url)
            if known is not None and known.id != article_id:
                raise Conflict(f"article {known.id} has this url already")
        wanted = slugs.slug(after.title)
        if after.title != before.title and wanted != before.slug:
            found = articles.by_slug(tx, wanted)
            slug = wanted if found is not None and found.id == article_id else articles.free_slug(tx, wanted)
            if found is None or found.id != article_id:
                articles.add_slug(tx, slug, article_id)
            after = replace(after, slug=slug)
        if after == before:
            return before
        articles.update_article(tx, after)
        event_log.append(
            tx, after.channel, events.ARTICLE_UPDATED, state.clock.now(), {"article": events.article(after)}
        )
        return after

    return await state.database.write(work)


def _changed(article: Article, changes: Changes, body: str | None) -> Article:
    if changes.title is not msgspec.UNSET:
        article = replace(article, title=_title(changes.title))
    if body is not None:
        article = replace(article, body=body)
    if changes.url is not msgspec.UNSET:
        url, canonical = _url(changes.url)
        article = replace(article, url=url, canonical_url=canonical)
    if changes.byline is not msgspec.UNSET:
        article = replace(article, byline=_byline(changes.byline))
    if changes.published_at is not msgspec.UNSET:
        article = replace(article, published_at=_time(changes.published_at))
    if changes.image is not msgspec.UNSET:
        image_url, caption = _image(changes.image)
        article = replace(article, image_url=image_url, image_caption=caption)
    if changes.state is not msgspec.UNSET:
        article = replace(article, state=changes.state)
    if changes.slow_mode_seconds is not msgspec.UNSET:
        seconds = changes.slow_mode_seconds
        if not 0 <= seconds <= SLOW_MODE_MAX:
            raise Invalid.field("slow_mode_seconds", f"0 to {SLOW_MODE_MAX} seconds are accepted")
        article = replace(article, slow_mode_seconds=seconds)
    return article


def _get(tx: Transaction, article_id: int) -> Article:
    article = articles.get(tx, article_id)
    if article is None:
        raise NotFound(f"there is no article {article_id}")
    return article


def _title(text: str) -> str:
    title = _line(text)
    if not characters.is_visible(title):
        raise Invalid.field("title", "an article needs a title")
    if len(title) > TITLE_MAX:
        raise Invalid.field("title", f"at most {TITLE_MAX} characters are accepted, not {len(title)}")
    return title


def _line(text: str) -> str:
    """One line without what cannot be seen or turns the text around."""
    return " ".join(characters.normalise_text(text).split())


def _byline(text: str | None) -> str | None:
    line = _line(text or "")
    if len(line) > BYLINE_MAX:
        raise Invalid.field("byline", f"at most {BYLINE_MAX} characters are accepted")
    return line or None


async def _body(text: str, format: str) -> str:
    try:
        return await asyncio.to_thread(bodies.to_html, text, format)
    except ValueError as error:
        raise Invalid.field("format" if "markdown" in str(error) else "body", str(error)) from None


def _url(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    try:
        return text, slugs.canonical_url(text)
    except ValueError as error:
        raise Invalid.field("url", str(error)) from None


def _image(image: Image | None) -> tuple[str | None, str | None]:
    if image is None:
        return None, None
    try:
        slugs.canonical_url(image.url)
    except ValueError as error:
        raise Invalid.field("image", str(error)) from None
    return image.url, _line(image.caption or "")[:CAPTION_MAX] or None


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise Invalid.field("published_at", "a time as in 2026-03-01T12:00:00Z (RFC 3339) is accepted") from None
