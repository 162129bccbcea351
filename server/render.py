"""The tree of a comment as HTML and as text that fits into XML: the page without JavaScript, feeds and mail.

Owns the only serialisation of comments. Promises that nothing but the tags of `markdown.TAGS` (a heading becomes a bold
paragraph) and an escaped `href` to http, https or mailto comes out, whatever the tree holds, and that depth costs no
recursion. Never reads Markdown, never wraps: the caller's element carries `dir="auto"`.
"""

import html
import re
from collections.abc import Sequence
from typing import Any

from server.markdown import TAGS, Node

LINK_REL = "ugc nofollow noopener"  # readers wrote it, we do not vouch for it, and it gets no handle on our window

_SCHEME = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What HTML or XML would not take as it is; most texts have none of it, and most are short.
_SPECIAL = re.compile("[&<>\"']|" + _NOT_XML.pattern)


def escape(text: str) -> str:
    """`text` for HTML, in an element or in a quoted attribute. Surrogates and controls that HTML forbids go."""
    return html.escape(to_xml_text(text), quote=True) if _SPECIAL.search(text) else text


def to_xml_text(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold, not even escaped. It does not escape: XML writers do."""
    return _NOT_XML.sub("", text)


def to_html(tree: Sequence[Node]) -> str:
    """`tree` as HTML, escaped. Of a tag or an address that is not allowed only the children are shown."""
    parts: list[str] = []
    waiting: list[Any] = list(reversed(tree))  # nodes; a tuple is markup that closes an element
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            parts.append(node[0])
        elif isinstance(node, str):
            parts.append(escape(node))
        elif isinstance(node, list) and node:
            before, after = _markup(node)
            parts.append(before)
            waiting.append((after,))
            waiting.extend(reversed(node[1:]))
    return "".join(parts)


def _markup(node: list[Any]) -> tuple[str, str]:
    """What opens and what closes the element of `node`."""
    tag = node[0]
    if tag == "br":
        return "<br>", ""
    if tag == "h":
        return "<p><strong>", "</strong></p>"
    if tag == "a":
        attributes = node[1] if len(node) > 1 else None
        href = attributes.get("href") if isinstance(attributes, dict) else None
        if not isinstance(href, str) or not _SCHEME.match(href):
            return "", ""
        return f'<a href="{escape(href)}" rel="{LINK_REL}">', "</a>"
    if isinstance(tag, str) and tag in TAGS:
        return f"<{tag}>", f"</{tag}>"
    return "", ""
