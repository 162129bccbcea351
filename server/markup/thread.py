"""A page of a discussion as the markup that <ripost-thread> takes over, in a declarative shadow root.

Owns the elements, classes, parts and attributes that static/ adopts by id; static/comment-view.js and
static/thread-frame.js make the same where the server has made nothing. Words are those of the page's language. Promises
that nothing recurses over the depth of a thread and nests no deeper than LEVELS. Never says who looks at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server import events
from server.events import Article, Comment
from server.markup.languages import Words
from server.markup.layout import Site, data_block, direction
from server.render import escape, to_html

LEVELS = 6  # of nesting; deeper replies stand flat in the container of the last
CONTEXT = 3  # replies deeper than this say whom they answer; on a phone indenting ends there
HUES = 12

_SORTS = ("oldest", "newest", "top")
_ROLES = ("moderator", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """One page of a discussion. `comments` has parents before replies; `snapshot` is the same page as the API has it.

    `asked` is the comment the page is about; `partial`: it does not begin where the discussion does.
    """

    article: Article
    sort: str
    comments: Sequence[Comment]
    branches: Mapping[str, str]
    next: str | None
    snapshot: str
    asked: int | None = None
    partial: bool = False


def element(discussion: Discussion, site: Site) -> str:
    """The custom element with everything a reader needs while no script has run."""
    article, words = discussion.article, site.words
    sort = "" if discussion.sort == "oldest" else f' sort="{escape(discussion.sort)}"'
    # A discussion runs the way its article does, or its reader: avatars and branches stand where lines begin.
    turned = ' dir="rtl"' if "rtl" in (direction(article.title), words.direction) else ""
    closed = article.state == "closed"
    parts = [
        f'<ripost-thread id="ripost-thread" article="{article.id}"{sort} lang="{words.language}"{turned}>'
        '<template shadowrootmode="open">',
        f'<link rel="stylesheet" href="{site.asset("ripost.css")}">',
        f'<section class="thread" part="thread" aria-labelledby="title" lang="{words.language}" '
        f'data-article-state="{escape(article.state)}">',
        _header(discussion, words),
    ]
    if discussion.partial:
        whole = "?" if discussion.sort == "oldest" else f"?sort={escape(discussion.sort)}"
        parts.append(
            f'<p class="note" part="note" data-ripost="all"><a href="{whole}">{escape(words("whole"))}</a></p>'
        )
    if closed:
        parts.append(f'<p class="note" part="note" data-ripost="closed">{escape(words("closed"))}</p>')
    elif article.state == "premoderated":
        parts.append(f'<p class="note" part="note" data-ripost="premoderated">{escape(words("premoderated"))}</p>')
    parts.append(_CLOSED_COMPOSER if closed else _composer(words))
    parts.append('<div class="pill-place" data-ripost="pill"></div>')
    if not discussion.comments:
        said = escape(words("noComments" if closed else "empty"))
        parts.append(f'<p class="empty" part="empty" data-ripost="empty">{said}</p>')
    parts.append('<div class="feed" part="feed" role="feed" aria-labelledby="title" data-ripost="feed">')
    _add_comments(parts, discussion, closed, words)
    parts.append("</div>")
    if discussion.next is not None:
        parts.append(
            '<p class="more" part="more" data-ripost="more-place"><a class="more-link" part="more-link" '
            f'data-ripost="more" rel="next" href="?sort={escape(discussion.sort)}&amp;cursor={escape(discussion.next)}"'
            f">{escape(words('moreComments'))}</a></p>"
        )
    parts += [
        '<p class="status" part="status" data-ripost="status" data-state="offline" role="status"></p>',
        '<p class="said" data-ripost="said" role="status"></p>',
        '<footer class="actions" part="end"><button type="button" class="action" part="action" data-ripost="replay">'
        f"{escape(words('replay'))}</button></footer>",
        "</section>",
        data_block("application/json", discussion.snapshot, ' data-ripost="snapshot"'),
        "</template></ripost-thread>",
    ]
    return "\n".join(parts)


def _composer(words: Words) -> str:
    text, join, name, post = (escape(words(key)) for key in ("text", "join", "name", "post"))
    return (
        '<div class="composer-place" part="composer-place" data-ripost="composer">'
        '<form class="composer" part="composer" method="dialog" autocomplete="on">'
        f'<textarea part="text" name="text" rows="3" dir="auto" aria-label="{text}" '
        f'placeholder="{join}" autocomplete="off"></textarea>'
        f'<div class="composer-row"><input part="name" name="name" type="text" dir="auto" aria-label="{name}" '
        f'placeholder="{name}" autocomplete="nickname" maxlength="60">'
        f'<button part="submit" class="primary" type="submit">{post}</button></div></form>'
        f'<noscript><p class="note" part="note">{escape(words("needsScript"))}</p></noscript></div>'
    )


_CLOSED_COMPOSER = '<div class="composer-place" part="composer-place" data-ripost="composer"></div>'


def _header(discussion: Discussion, words: Words) -> str:
    sorts = "".join(
        f'<a part="sort" href="?sort={sort}" data-ripost="sort" data-sort="{sort}"'
        f"{' aria-current=' + chr(34) + 'true' + chr(34) if sort == discussion.sort else ''}>{escape(words(sort))}</a>"
        for sort in _SORTS
    )
    return (
        '<header class="header" part="header"><h2 class="count" part="count" id="title" data-ripost="count">'
        f"{escape(words('comments', n=discussion.article.comment_count))}</h2>"
        f'<nav class="sorts" part="sorts" aria-label="{escape(words("order"))}">{sorts}</nav>'
        '<button type="button" class="action pause" part="action pause" data-ripost="pause" aria-pressed="false" '
        f'aria-label="{escape(words("pause"))}"></button></header>'
    )


def _add_comments(parts: list[str], discussion: Discussion, closed: bool, words: Words) -> None:
    """Adds the comments, depth-first; replies stand in the order of their ids."""
    by_id = {comment.id: comment for comment in discussion.comments}
    replies: dict[int, list[int]] = {}
    waiting: list[int | str] = []  # ids to write, and markup that comes after all before it was written
    for comment in discussion.comments:
        if comment.parent in by_id:
            replies.setdefault(comment.parent, []).append(comment.id)
        else:
            waiting.append(comment.id)
    waiting.reverse()
    # How many there are is known where this is the whole discussion.
    whole = not discussion.partial and discussion.next is None
    place = {id: at + 1 for at, id in enumerate(reversed(waiting))}
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        comment = by_id[item]
        below = sorted(replies.get(item, ()), reverse=True)
        cursor = discussion.branches.get(str(item))
        more = "" if cursor is None else _more_replies(item, cursor, words)
        above = by_id.get(comment.parent or 0)
        position = ""
        if item in place:
            position = f' aria-posinset="{place[item]}" aria-setsize="{len(place) if whole else -1}"'
        _add_entry(parts, comment, above, words, position, closed=closed, asked=item == discussion.asked)
        if comment.depth >= LEVELS:
            parts.append("</article>")
            waiting.append(more)
        elif below or more:
            author = comment.author
            label = escape(words("replies") if author is None else words("repliesTo", name=author.name))
            parts.append(
                f'<button type="button" class="fold" part="fold" data-ripost="fold" aria-expanded="true" '
                f'aria-controls="replies-{item}" aria-label="{label}"></button>'
                f'<div class="replies" part="replies" id="replies-{item}" role="group" aria-label="{label}">'
            )
            waiting.append(f"{more}</div></article>")
        else:
            parts.append("</article>")
        waiting.extend(below)


def _more_replies(comment: int, cursor: str, words: Words) -> str:
    return (
        '<p class="more" part="more"><a class="more-link" part="more-link" data-ripost="more-replies" '
        f'data-branch="{comment}" href="?comment={comment}&amp;cursor={escape(cursor)}">'
        f"{escape(words('moreReplies'))}</a></p>"
    )


def _add_entry(
    parts: list[str],
    comment: Comment,
    parent: Comment | None,
    words: Words,
    position: str,
    *,
    closed: bool,
    asked: bool,
) -> None:
    """Adds what opens a comment's element and the comment itself, without its replies; `position`: in the feed."""
    id, depth, author = comment.id, comment.depth, comment.author
    deep = " data-deep" if depth > LEVELS else ""
    pinned = " data-pinned" if comment.pinned else ""
    # A fragment does not reach into a shadow tree; focus does, and without a script too.
    here = ' data-asked aria-current="true" autofocus' if asked else ""
    parts.append(
        f'<article class="comment" part="comment" id="comment-{id}" data-comment-id="{id}" '
        f'data-level="{min(depth, LEVELS)}" data-depth="{depth}"{deep} data-status="{escape(comment.status)}"'
        f'{pinned}{here}{position} tabindex="-1" aria-labelledby="by-{id}{f" on-{id}" if depth else ""}">'
        '<div class="entry"><header class="byline" part="byline">'
    )
    if author is None:
        gone = escape(words("deleted" if comment.status == "deleted" else "removed"))
        parts.append(
            '<span class="avatar" part="avatar" aria-hidden="true"></span>'
            f'<span class="gone" part="gone" id="by-{id}">{gone}</span>'
        )
    else:
        name = escape(author.name)
        badge = ""
        if author.role in _ROLES:
            badge = f'<span class="role" part="role" data-role="{author.role}">{escape(words(author.role))}</span>'
        parts.append(
            f'<span class="avatar" part="avatar" data-hue="{author.id % HUES}" aria-hidden="true">'
            f"{escape(author.name[:1].upper())}</span>"
            f'<bdi class="author" part="author" id="by-{id}">{name}</bdi>{badge}'
        )
    if depth:  # what others see by its indent
        parts.append(f'<span class="said" id="on-{id}">{escape(words("level", n=depth + 1))}</span>')
    time = escape(words("link"))
    if comment.dated:
        time = f'<time datetime="{comment.created_at}">{words.short_time(comment.created_at)}</time>'
    parts.append(f'<a class="permalink" part="permalink" href="?comment={id}">{time}</a>')
    readable = author is not None and comment.tree is not None
    if readable and comment.edited_at is not None:
        parts.append(f'<span class="edited" part="edited">{escape(words("edited"))}</span>')
    if comment.pinned:
        parts.append(f'<span class="pin" part="pin">{escape(words("pinned"))}</span>')
    parts.append("</header>")
    if author is None or comment.tree is None:
        parts.append("</div>")
        return
    parts.append(_context(comment, parent, words))
    parts.append(f'<div class="body" part="body" dir="auto">{to_html(events.decode(bytes(comment.tree)))}</div>')
    parts.append(
        f'<footer class="actions" part="actions">{_actions(comment, author.name, closed, words)}</footer></div>'
    )


def _actions(comment: Comment, name: str, closed: bool, words: Words) -> str:
    """What a reader can do to a comment. It takes its room before a script makes it work, so that no text moves."""
    button = '<button type="button" class="action" part="action" data-ripost="{}" aria-label="{}"{}>{}</button>'
    made = []
    if not closed:
        made.append(button.format("reply", escape(words("replyTo", name=name)), "", escape(words("reply"))))
    for act, sign, n in (("up", "\u2191", comment.up), ("down", "\u2193", comment.down)):
        label = escape(words(act, n=n, name=name))
        made.append(button.format(act, label, ' aria-pressed="false"', f"{sign}\u00a0{n}" if n else sign))
    made.append(button.format("options", escape(words("options", name=name)), "", "\u2026"))
    return "".join(made)


def _context(comment: Comment, parent: Comment | None, words: Words) -> str:
    """Whom a deep reply answers."""
    if comment.parent is None or (parent is not None and comment.depth <= CONTEXT):
        return ""
    if parent is None:
        whom = escape(words("anEarlierComment"))  # above what the page shows
    elif parent.author is None:
        whom = escape(words("aRemovedComment"))
    else:
        whom = f"<bdi>{escape(parent.author.name)}</bdi>"
    said = escape(words("replyingTo"))
    return f'<p class="context" part="context">{said} <a href="?comment={comment.parent}">{whom}</a></p>'
