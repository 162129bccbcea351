"""A page of a discussion as the markup that <ripost-thread> takes over, in a declarative shadow root.

Owns the elements, classes, parts and attributes that static/ adopts by id; static/comment-view.js and
static/thread-frame.js make the same where the server has made nothing. Words are those of static/i18n/en.js. Promises
that nothing recurses over the depth of a thread and nests no deeper than LEVELS. Never says who looks at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server import events
from server.events import Article, Comment
from server.markup.layout import Site, count_of_comments, data_block, direction, short_time
from server.render import escape, to_html

LEVELS = 6  # of nesting; deeper replies stand flat in the container of the last
CONTEXT = 3  # replies deeper than this say whom they answer; on a phone indenting ends there
HUES = 12

_SORTS = (("oldest", "Oldest"), ("newest", "Newest"), ("top", "Top"))
_ROLES = {"moderator": "Moderator", "admin": "Admin"}


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
    article = discussion.article
    sort = "" if discussion.sort == "oldest" else f' sort="{escape(discussion.sort)}"'
    # A discussion runs the way its article does: avatars and branches stand where its lines begin.
    turned = ' dir="rtl"' if direction(article.title) == "rtl" else ""
    closed = article.state == "closed"
    parts = [
        f'<ripost-thread id="ripost-thread" article="{article.id}"{sort} lang="en"{turned}>'
        '<template shadowrootmode="open">',
        f'<link rel="stylesheet" href="{site.asset("ripost.css")}">',
        '<section class="thread" part="thread" aria-labelledby="title" lang="en" '
        f'data-article-state="{escape(article.state)}">',
        _header(discussion),
    ]
    if discussion.partial:
        whole = "?" if discussion.sort == "oldest" else f"?sort={escape(discussion.sort)}"
        parts.append(
            f'<p class="note" part="note" data-ripost="all"><a href="{whole}">Show the whole discussion</a></p>'
        )
    if closed:
        parts.append('<p class="note" part="note" data-ripost="closed">This discussion is closed.</p>')
    elif article.state == "premoderated":
        parts.append('<p class="note" part="note" data-ripost="premoderated">New comments wait for a moderator.</p>')
    parts.append(_CLOSED_COMPOSER if closed else _COMPOSER)
    parts.append('<div class="pill-place" data-ripost="pill"></div>')
    if not discussion.comments:
        parts.append(
            '<p class="empty" part="empty" data-ripost="empty">No comments yet. Yours could be the first.</p>'
            if not closed
            else '<p class="empty" part="empty" data-ripost="empty">There are no comments.</p>'
        )
    parts.append('<div class="feed" part="feed" role="feed" aria-labelledby="title" data-ripost="feed">')
    _add_comments(parts, discussion, closed)
    parts.append("</div>")
    if discussion.next is not None:
        parts.append(
            '<p class="more" part="more" data-ripost="more-place"><a class="more-link" part="more-link" '
            f'data-ripost="more" rel="next" href="?sort={escape(discussion.sort)}&amp;cursor={escape(discussion.next)}"'
            ">More comments</a></p>"
        )
    parts += [
        '<p class="status" part="status" data-ripost="status" data-state="offline" role="status"></p>',
        "</section>",
        data_block("application/json", discussion.snapshot, ' data-ripost="snapshot"'),
        "</template></ripost-thread>",
    ]
    return "\n".join(parts)


_COMPOSER = (
    '<div class="composer-place" part="composer-place" data-ripost="composer">'
    '<form class="composer" part="composer" method="dialog" autocomplete="on">'
    '<textarea part="text" name="text" rows="3" dir="auto" aria-label="Your comment" '
    'placeholder="Join the discussion" autocomplete="off"></textarea>'
    '<div class="composer-row"><input part="name" name="name" type="text" dir="auto" aria-label="Your name" '
    'placeholder="Your name" autocomplete="nickname" maxlength="60">'
    '<button part="submit" class="primary" type="submit">Post comment</button></div></form>'
    '<noscript><p class="note" part="note">Posting needs JavaScript. Reading does not.</p></noscript></div>'
)
_CLOSED_COMPOSER = '<div class="composer-place" part="composer-place" data-ripost="composer"></div>'


def _header(discussion: Discussion) -> str:
    sorts = "".join(
        f'<a part="sort" href="?sort={sort}" data-ripost="sort" data-sort="{sort}"'
        f"{' aria-current=' + chr(34) + 'true' + chr(34) if sort == discussion.sort else ''}>{name}</a>"
        for sort, name in _SORTS
    )
    return (
        '<header class="header" part="header"><h2 class="count" part="count" id="title" data-ripost="count">'
        f"{count_of_comments(discussion.article.comment_count)}</h2>"
        f'<nav class="sorts" part="sorts" aria-label="Order of comments">{sorts}</nav></header>'
    )


def _add_comments(parts: list[str], discussion: Discussion, closed: bool) -> None:
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
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        comment = by_id[item]
        below = sorted(replies.get(item, ()), reverse=True)
        cursor = discussion.branches.get(str(item))
        more = "" if cursor is None else _more_replies(item, cursor)
        _add_entry(parts, comment, by_id.get(comment.parent or 0), closed=closed, asked=item == discussion.asked)
        if comment.depth >= LEVELS:
            parts.append("</article>")
            waiting.append(more)
        elif below or more:
            label = "Replies" if comment.author is None else f"Replies to {escape(comment.author.name)}"
            parts.append(
                f'<button type="button" class="fold" part="fold" data-ripost="fold" aria-expanded="true" '
                f'aria-controls="replies-{item}" aria-label="{label}"></button>'
                f'<div class="replies" part="replies" id="replies-{item}" role="group" aria-label="{label}">'
            )
            waiting.append(f"{more}</div></article>")
        else:
            parts.append("</article>")
        waiting.extend(below)


def _more_replies(comment: int, cursor: str) -> str:
    return (
        '<p class="more" part="more"><a class="more-link" part="more-link" data-ripost="more-replies" '
        f'data-branch="{comment}" href="?comment={comment}&amp;cursor={escape(cursor)}">More replies</a></p>'
    )


def _add_entry(parts: list[str], comment: Comment, parent: Comment | None, *, closed: bool, asked: bool) -> None:
    """Adds what opens a comment's element and the comment itself, without its replies."""
    id, depth, author = comment.id, comment.depth, comment.author
    deep = " data-deep" if depth > LEVELS else ""
    pinned = " data-pinned" if comment.pinned else ""
    # A fragment does not reach into a shadow tree; focus does, and without a script too.
    here = ' data-asked aria-current="true" autofocus' if asked else ""
    parts.append(
        f'<article class="comment" part="comment" id="comment-{id}" data-comment-id="{id}" '
        f'data-level="{min(depth, LEVELS)}" data-depth="{depth}"{deep} data-status="{escape(comment.status)}"'
        f'{pinned}{here} tabindex="-1" aria-labelledby="by-{id}">'
        '<div class="entry"><header class="byline" part="byline">'
    )
    if author is None:
        gone = "Deleted by its author" if comment.status == "deleted" else "Removed by a moderator"
        parts.append(
            '<span class="avatar" part="avatar" aria-hidden="true"></span>'
            f'<span class="gone" part="gone" id="by-{id}">{gone}</span>'
        )
    else:
        name = escape(author.name)
        role = _ROLES.get(author.role)
        badge = "" if role is None else f'<span class="role" part="role" data-role="{author.role}">{role}</span>'
        parts.append(
            f'<span class="avatar" part="avatar" data-hue="{author.id % HUES}" aria-hidden="true">'
            f"{escape(author.name[:1].upper())}</span>"
            f'<bdi class="author" part="author" id="by-{id}">{name}</bdi>{badge}'
        )
    time = "Link"
    if comment.dated:
        time = f'<time datetime="{comment.created_at}">{short_time(comment.created_at)}</time>'
    parts.append(f'<a class="permalink" part="permalink" href="?comment={id}">{time}</a>')
    readable = author is not None and comment.tree is not None
    if readable and comment.edited_at is not None:
        parts.append('<span class="edited" part="edited">edited</span>')
    if comment.pinned:
        parts.append('<span class="pin" part="pin">Pinned</span>')
    parts.append("</header>")
    if author is None or comment.tree is None:
        parts.append("</div>")
        return
    parts.append(_context(comment, parent))
    parts.append(f'<div class="body" part="body" dir="auto">{to_html(events.decode(bytes(comment.tree)))}</div>')
    reply = (
        '<button type="button" class="action" part="action" data-ripost="reply" '
        f'aria-label="Reply to {escape(author.name)}">Reply</button>'
    )
    parts.append(f'<footer class="actions" part="actions">{"" if closed else reply}</footer></div>')


def _context(comment: Comment, parent: Comment | None) -> str:
    """Whom a deep reply answers."""
    if comment.parent is None or (parent is not None and comment.depth <= CONTEXT):
        return ""
    if parent is None:
        whom = "an earlier comment"  # above what the page shows
    else:
        whom = "a removed comment" if parent.author is None else f"<bdi>{escape(parent.author.name)}</bdi>"
    return f'<p class="context" part="context">replying to <a href="?comment={comment.parent}">{whom}</a></p>'
