"""A page of a discussion as the elements that <ripost-thread> takes over, in a declarative shadow root or drawn by it.

Owns the elements, classes, parts and attributes that static/ adopts by id; static/making.js and static/branching.js
make the same of a comment that comes later. Words are those of the page's language. Promises that nothing recurses over
the depth of a thread and nests no deeper than LEVELS. Never says who looks at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server import events
from server.events import Article, Comment
from server.markup.languages import Words
from server.markup.layout import Site, data_block, direction
from server.markup.nodes import Element, markup, part
from server.markup.nodes import element as make
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
    """The custom element with everything a reader needs while no script has run, as markup."""
    article, words = discussion.article, site.words
    sort = "" if discussion.sort == "oldest" else f' sort="{escape(discussion.sort)}"'
    # A discussion runs the way its article does, or its reader: avatars and branches stand where lines begin.
    turned = ' dir="rtl"' if "rtl" in (direction(article.title), words.direction) else ""
    trees = {comment.id: comment.tree for comment in discussion.comments}
    return "\n".join(
        [
            f'<ripost-thread id="ripost-thread" article="{article.id}"{sort} lang="{words.language}"{turned}>'
            '<template shadowrootmode="open">',
            f'<link rel="stylesheet" href="{site.asset("ripost.css")}">',
            markup(section(discussion, words), lambda id: to_html(events.decode(bytes(trees[id] or b"[]")))),
            data_block("application/json", discussion.snapshot, ' data-ripost="snapshot"'),
            "</template></ripost-thread>",
        ]
    )


def section(discussion: Discussion, words: Words) -> Element:
    """What stands in the element: one section with everything but what the comments say."""
    article = discussion.article
    closed = article.state == "closed"
    feed = part("div", "feed", {"role": "feed", "aria-labelledby": "title", "data-ripost": "feed"})
    _add_comments(feed, discussion, closed, words)
    made = part(
        "section",
        "thread",
        {"aria-labelledby": "title", "lang": words.language, "data-article-state": article.state},
        _header(discussion, words),
    )
    if discussion.partial:
        whole = "?" if discussion.sort == "oldest" else f"?sort={discussion.sort}"
        made.append(part("p", "note", {"data-ripost": "all"}, make("a", {"href": whole}, words("whole"))))
    if article.state in ("closed", "premoderated"):
        made.append(part("p", "note", {"data-ripost": article.state}, words(article.state)))
    composer = part("div", "composer-place", {"data-ripost": "composer"})
    if not closed:
        composer += [_composer(words), make("noscript", {}, part("p", "note", {}, words("needsScript")))]
    made += [composer, make("div", {"class": "pill-place", "data-ripost": "pill"})]
    if not discussion.comments:
        made.append(part("p", "empty", {"data-ripost": "empty"}, words("noComments" if closed else "empty")))
    made.append(feed)
    if discussion.next is not None:
        link = {
            "data-ripost": "more",
            "rel": "next",
            "href": f"?sort={discussion.sort}&cursor={discussion.next}",
        }
        more = part("a", "more-link", link, words("moreComments"))
        made.append(part("p", "more", {"data-ripost": "more-place"}, more))
    made += [
        part("p", "status", {"data-ripost": "status", "data-state": "offline", "role": "status"}),
        make("p", {"class": "said", "data-ripost": "said", "role": "status"}),
        make("footer", {"class": "actions", "part": "end"}, _button("replay", words("replay"))),
    ]
    return made


def _button(action: str, text: str, attributes: dict[str, str] | None = None) -> Element:
    """A button that says what it does by `data-ripost`."""
    kind = {"type": "button", "class": "action", "part": "action", "data-ripost": action}
    return make("button", kind | (attributes or {}), text)


def _composer(words: Words) -> Element:
    text = {
        "part": "text",
        "name": "text",
        "rows": "3",
        "dir": "auto",
        "aria-label": words("text"),
        "placeholder": words("join"),
        "autocomplete": "off",
    }
    name = {
        "part": "name",
        "name": "name",
        "type": "text",
        "dir": "auto",
        "aria-label": words("name"),
        "placeholder": words("name"),
        "autocomplete": "nickname",
        "maxlength": "60",
    }
    post = make("button", {"part": "submit", "class": "primary", "type": "submit"}, words("post"))
    return part(
        "form",
        "composer",
        {"method": "dialog", "autocomplete": "on"},
        make("textarea", text),
        make("div", {"class": "composer-row"}, make("input", name), post),
    )


def _header(discussion: Discussion, words: Words) -> Element:
    sorts = part("nav", "sorts", {"aria-label": words("order")})
    for sort in _SORTS:
        link = {"part": "sort", "href": f"?sort={sort}", "data-ripost": "sort", "data-sort": sort}
        if sort == discussion.sort:
            link["aria-current"] = "true"
        sorts.append(make("a", link, words(sort)))
    count = words("comments", n=discussion.article.comment_count)
    pause = {"class": "action pause", "part": "action pause", "aria-pressed": "false", "aria-label": words("pause")}
    return part(
        "header",
        "header",
        {},
        part("h2", "count", {"id": "title", "data-ripost": "count"}, count),
        sorts,
        _button("pause", "", pause),
    )


def _add_comments(feed: Element, discussion: Discussion, closed: bool, words: Words) -> None:
    """Adds the comments, depth-first; replies stand in the order of their ids."""
    by_id = {comment.id: comment for comment in discussion.comments}
    replies: dict[int, list[int]] = {}
    roots = []
    for comment in discussion.comments:
        if comment.parent in by_id:
            replies.setdefault(comment.parent, []).append(comment.id)
        else:
            roots.append(comment.id)
    # How many there are is known where this is the whole discussion.
    whole = not discussion.partial and discussion.next is None
    size = str(len(roots) if whole else -1)
    places = {id: {"aria-posinset": f"{at}", "aria-setsize": size} for at, id in enumerate(roots, 1)}
    # Comments and made elements, each with what it goes into.
    waiting: list[tuple[int | Element, Element]] = [(id, feed) for id in reversed(roots)]
    while waiting:
        item, container = waiting.pop()
        if isinstance(item, list):
            container.append(item)
            continue
        comment = by_id[item]
        below = sorted(replies.get(item, ()), reverse=True)
        cursor = discussion.branches.get(str(item))
        shown = _comment(
            comment,
            by_id.get(comment.parent or 0),
            words,
            places.get(item, {}),
            closed=closed,
            asked=item == discussion.asked,
        )
        container.append(shown)
        if comment.depth < LEVELS and (below or cursor is not None):
            author = comment.author
            label = words("replies") if author is None else words("repliesTo", name=author.name)
            named = f"replies-{item}"
            fold = {"class": "fold", "part": "fold", "aria-expanded": "true", "aria-controls": named}
            container = part("div", "replies", {"id": named, "role": "group", "aria-label": label})
            shown += [_button("fold", "", fold | {"aria-label": label}), container]
        if cursor is not None:
            waiting.append((_more_replies(item, cursor, words), container))
        waiting.extend((reply, container) for reply in below)


def _more_replies(comment: int, cursor: str, words: Words) -> Element:
    link = {
        "data-ripost": "more-replies",
        "data-branch": f"{comment}",
        "href": f"?comment={comment}&cursor={cursor}",
    }
    return part("p", "more", {}, part("a", "more-link", link, words("moreReplies")))


def _comment(
    comment: Comment,
    parent: Comment | None,
    words: Words,
    position: dict[str, str],
    *,
    closed: bool,
    asked: bool,
) -> Element:
    """A comment without its replies; `position`: in the feed."""
    id, depth = comment.id, comment.depth
    attributes = {
        "id": f"comment-{id}",
        "data-comment-id": f"{id}",
        "data-level": f"{min(depth, LEVELS)}",
        "data-depth": f"{depth}",
    }
    if depth > LEVELS:
        attributes["data-deep"] = ""
    attributes["data-status"] = comment.status
    if comment.pinned:
        attributes["data-pinned"] = ""
    if asked:  # a fragment does not reach into a shadow tree; focus does, and without a script too
        attributes |= {"data-asked": "", "aria-current": "true", "autofocus": ""}
    attributes |= position
    attributes |= {"tabindex": "-1", "aria-labelledby": f"by-{id} on-{id}" if depth else f"by-{id}"}
    entry = make("div", {"class": "entry"}, _byline(comment, words))
    if comment.author is not None and comment.tree is not None:
        if comment.parent is not None and (parent is None or depth > CONTEXT):
            entry.append(_context(comment.parent, parent, words))
        entry += [
            part("div", "body", {"dir": "auto"}, id),
            part("footer", "actions", {}, *_actions(comment, comment.author.name, closed, words)),
        ]
    return part("article", "comment", attributes, entry)


def _byline(comment: Comment, words: Words) -> Element:
    id, author, hidden = comment.id, comment.author, {"aria-hidden": "true"}
    byline = part("header", "byline")
    if author is None:
        gone = words("deleted" if comment.status == "deleted" else "removed")
        byline += [part("span", "avatar", hidden), part("span", "gone", {"id": f"by-{id}"}, gone)]
    else:
        avatar = {"data-hue": f"{author.id % HUES}"} | hidden
        byline += [
            part("span", "avatar", avatar, author.name[:1].upper()),
            part("bdi", "author", {"id": f"by-{id}"}, author.name),
        ]
        if author.role in _ROLES:
            byline.append(part("span", "role", {"data-role": author.role}, words(author.role)))
    if comment.depth:  # what others see by its indent
        byline.append(make("span", {"class": "said", "id": f"on-{id}"}, words("level", n=comment.depth + 1)))
    time: Element | str = words("link")
    if comment.dated:
        time = make("time", {"datetime": comment.created_at}, words.short_time(comment.created_at))
    byline.append(part("a", "permalink", {"href": f"?comment={id}"}, time))
    if author is not None and comment.tree is not None and comment.edited_at is not None:
        byline.append(part("span", "edited", {}, words("edited")))
    if comment.pinned:
        byline.append(part("span", "pin", {}, words("pinned")))
    return byline


def _actions(comment: Comment, name: str, closed: bool, words: Words) -> list[Element]:
    """What a reader can do to a comment. It takes its room before a script makes it work, so that no text moves."""
    made = []
    if not closed:
        made.append(_button("reply", words("reply"), {"aria-label": words("replyTo", name=name)}))
    for act, sign, n in (("up", "\u2191", comment.up), ("down", "\u2193", comment.down)):
        label = {"aria-label": words(act, n=n, name=name), "aria-pressed": "false"}
        made.append(_button(act, f"{sign}\u00a0{n}" if n else sign, label))
    made.append(_button("options", "\u2026", {"aria-label": words("options", name=name)}))
    return made


def _context(id: int, parent: Comment | None, words: Words) -> Element:
    """Whom a deep reply answers: the comment of `id`, which may stand above what the page shows."""
    whom: Element | str
    if parent is None:
        whom = words("anEarlierComment")
    elif parent.author is None:
        whom = words("aRemovedComment")
    else:
        whom = make("bdi", {}, parent.author.name)
    return part("p", "context", {}, f"{words('replyingTo')} ", make("a", {"href": f"?comment={id}"}, whom))
