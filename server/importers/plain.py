"""Plain text as a comment: the Markdown that shows it as it is.

Copied pages have no markup, but stars, hashes and numbers that Markdown would take for some. Here they are escaped, so
that a moderator who edits an imported comment finds a source that means what is shown. Bare addresses become links.
"""

import re
from collections.abc import Sequence

from server import markdown
from server.markdown import Node
from server.web_links import bare_links

_INLINE = re.compile(r"[\\`*_\[\]<>~]|&(?=[#A-Za-z0-9])")
_FIRST = re.compile(r"[#+=-]")
_NUMBER = re.compile(r"([0-9]{1,9})([.)])(?=\s|$)")


def comment(paragraphs: Sequence[str]) -> tuple[str, list[Node]]:
    """Source and tree of a comment with these paragraphs, each one line of text that is not empty."""
    source = markdown.normalise("\n\n".join(_escaped(" ".join(paragraph.split())) for paragraph in paragraphs))
    tree = markdown.parse(source)
    if not _shows(tree, paragraphs):
        tree = [["p", text] for paragraph in paragraphs if (text := markdown.normalise(" ".join(paragraph.split())))]
    return source, tree


def _escaped(line: str) -> str:
    parts, end = [], 0
    for first, last, _ in bare_links(line):
        parts += [_INLINE.sub(r"\\\g<0>", line[end:first]), line[first:last]]
        end = last
    text = "".join((*parts, _INLINE.sub(r"\\\g<0>", line[end:])))
    if _FIRST.match(text):
        return "\\" + text
    return _NUMBER.sub(r"\1\\\2", text, count=1) if _NUMBER.match(text) else text


def _shows(tree: Sequence[Node], paragraphs: Sequence[str]) -> bool:
    """Whether the tree is these paragraphs, with nothing but links in them."""
    for node in tree:
        if (
            isinstance(node, str)
            or node[0] != "p"
            or any(isinstance(part, list) and part[0] != "a" for part in node[1:])
        ):
            return False
    if markdown.has_links(tree):
        return len(tree) == len(paragraphs)
    wanted = markdown.normalise("\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))
    return markdown.plain_text(tree) == wanted.strip()
