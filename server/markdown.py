"""Markdown to the tree of allowed nodes: what a comment is, once and for all, made when it is written.

Owns the normal form of a source and the tree that everyone is sent. Promises: `parse` never raises, costs linear time,
yields only the tags of `TAGS` with links to http, https and mailto, at most `DEPTH_MAX` levels deep and at most eight
times as long as the source; raw HTML is text. Never makes HTML, never looks anything up.

Built on pyromark's events, because the worst of 119 hostile inputs of 10,000 characters takes it 3.4 ms where
markdown-it-py without linkify takes 133 ms; the one class that made it quadratic (many lines under a deep quote or
list: 12 ms, four times that for twice the length) is what MARKERS_MAX ends.

A tree is a list of nodes; a node is text or `[tag, *children]`, for links `["a", {"href": URL}, *children]`. A code
block is `["pre", ["code", text]]`, its line breaks kept in the text. An item of a list holds its text directly, and
paragraphs only where it has several. Enter is a new line (`["br"]`), as commenters expect.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, TypeAlias

import pyromark

from server import characters
from server.web_links import bare_links, host_of, may_hold_link, safe_href

Node: TypeAlias = "str | list[Any]"

TAGS = frozenset({"p", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "del", "a", "br", "h"})
NESTING_MAX = 10  # levels of quotes and lists, and again of emphasis; deeper ones are flattened
DEPTH_MAX = 2 * NESTING_MAX + 2 + NESTING_MAX  # a list is two nodes (ul, li); then p and code; then emphasis
MARKERS_MAX = 32  # quote and list markers at the start of one line; beyond it they are text

_BLOCKS = frozenset({"p", "blockquote", "ul", "ol", "li", "pre", "h"})
_INLINE = {"Emphasis": "em", "Strong": "strong", "Strikethrough": "del"}
_OPTIONS = pyromark.Options.ENABLE_STRIKETHROUGH

# Characters that must not act as markup are swapped for noncharacters, which `normalise` keeps out of every source,
# and swapped back in the text, the code and the links that come out.
_SHIELDED = "_*~>-+.):"
_SHIELD = {ord(character): chr(0xFDD0 + place) for place, character in enumerate(_SHIELDED)}
_UNSHIELD = {0xFDD0 + place: character for place, character in enumerate(_SHIELDED)}
_LONE_TILDE = re.compile(r"(?<![~\\])~(?!~)")
# "[Edit]: typo" is what people write; only an address makes it the definition of a link, which would not be shown.
_NO_DEFINITION = re.compile(r"(?<=\]):(?!\s*<?(?:https?://|www\.|mailto:))", re.IGNORECASE)
_MARKER = r"[ \t]*+(?:>|[-*+](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))"
_MARKERS = re.compile(f"^(?:{_MARKER}){{{MARKERS_MAX + 1}}}", re.MULTILINE)


# What makes more of a normalised text than its words: markup anywhere, or at the start of a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>&~\t]|^(?: |[#+=-]|[0-9]{1,9}[.)])", re.MULTILINE)


def normalise(source: str) -> str:
    """The form in which a comment's source is kept: see `characters.normalise_text`. Never raises."""
    return characters.normalise_text(source)


def parse(source: str) -> list[Node]:
    """The tree of `source`, which need not be normalised. Empty when nothing of it would be visible.

    Where Markdown leaves nothing of what can be seen (a rule, a lone `#`, a link definition), the source is the text.
    """
    text = normalise(source)
    if not characters.is_visible(text):
        return []
    if _MARKUP.search(text) is None and not may_hold_link(text):
        return _plain(text)
    tree = _Builder(reference_budget=3 * len(text)).build(_shielded(text))
    if not any(characters.is_visible(node) for node in _walk(tree) if isinstance(node, str)):
        tree = _Builder(reference_budget=0).paragraph(text)
    return tree


def _plain(text: str) -> list[Node]:
    """The tree of a visible, normalised text without markup, as most are: what the parser makes of it in a tenth of
    the time."""
    tree: list[Node] = []
    for paragraph in text.split("\n\n"):
        node: list[Any] = ["p"]
        for line in paragraph.split("\n"):
            if line:  # a third line break in a row belongs to neither paragraph
                node += (["br"], line) if len(node) > 1 else (line,)
        _trim(node)
        if len(node) > 1:
            tree.append(node)
    return tree


def bounded_markers(source: str) -> str:
    """`source` with every list and quote marker beyond MARKERS_MAX on a line made text: without it, many lines below
    a deep nest cost the square of their number. Text that comes of the result is to be `unshield`ed."""
    return _MARKERS.sub(_shield_last_marker, source) if len(source) > 2 * MARKERS_MAX else source


def _shielded(source: str) -> str:
    """A normalised `source` in which `_ * ~` inside addresses and lone tildes (5~6) are no markup
    either, and a colon after brackets only before an address."""
    if "~" in source:
        source = _LONE_TILDE.sub(_SHIELD[ord("~")], source)
    if "]:" in source:
        source = _NO_DEFINITION.sub(_SHIELD[ord(":")], source)
    source = bounded_markers(source)
    parts: list[str] = []
    end = 0
    for first, last, _ in bare_links(source):
        parts += (source[end:first], source[first:last].translate(_ADDRESS_SHIELD))
        end = last
    return "".join((*parts, source[end:])) if parts else source


def unshield(text: str) -> str:
    """`text` with the characters back that were taken out of Markdown's sight."""
    return text if text.isascii() else text.translate(_UNSHIELD)


_ADDRESS_SHIELD = {ord(character): _SHIELD[ord(character)] for character in "_*~"}


def _shield_last_marker(match: re.Match[str]) -> str:
    line_end = match.string.find("\n", match.start())
    line = match.string[match.start() : line_end if line_end >= 0 else None]
    if len(set(line) - {" ", "\t"}) == 1 and ">" not in line and "+" not in line:
        return match[0]  # a rule, not a nest of lists
    return match[0][:-1] + _SHIELD[ord(match[0][-1])]


class _Frame:
    """An open element. `node` is None for one that is not in the tree: its children go to the nearest that is."""

    __slots__ = ("counter", "kind", "node", "tag")

    def __init__(self, kind: str, tag: str, node: list[Any] | None, counter: int | None = None) -> None:
        self.kind = kind  # "block", "line" (holds inline content), "inline" or "code"
        self.tag = tag
        self.node = node
        self.counter = counter  # of an ordered list that does not start at 1: the number of the next item


class _Builder:
    """Turns events into a tree, once. Iterative: the stack is a list, and what is too deep is passed through."""

    def __init__(self, *, reference_budget: int) -> None:
        self._root: list[Any] = ["root"]
        self._stack = [_Frame("block", "root", self._root)]
        self._open: list[list[Any]] = [self._root]  # the nodes of the frames that have one
        self._nesting = 0  # open blockquotes and lists that are in the tree
        self._emphasis = 0  # open em, strong, del and a that are in the tree
        self._in_link = False
        self._budget = reference_budget  # characters that reference links may still add; "[a]" may stand for a long URL
        self._number = ""  # of the item that has begun and has no text yet

    def build(self, source: str) -> list[Node]:
        for event in pyromark.events(source, options=_OPTIONS):
            if isinstance(event, str):
                if event != "Rule":
                    self._line_break()
                continue
            [(name, value)] = event.items()
            if name == "Start":
                self._start(value)
            elif name == "End":
                self._end()
            elif name == "Code":
                self._line()
                self._append(["code", unshield(str(value))])
            else:  # Text, Html, InlineHtml
                self._text(unshield(str(value)))
        return self._finish()

    def paragraph(self, text: str) -> list[Node]:
        self._push("line", "p")
        self._text(text)
        return self._finish()

    def _finish(self) -> list[Node]:
        while len(self._stack) > 1:
            self._pop()
        return self._root[1:]

    def _start(self, value: Any) -> None:
        name, data = (value, None) if isinstance(value, str) else next(iter(value.items()))
        if name in _INLINE:
            self._line()
            self._push_inline(_INLINE[name])
        elif name in ("Link", "Image"):
            self._line()
            self._push_link(data)
        else:
            self._close_implied_line()
            self._start_block(name, data)

    def _start_block(self, name: str, data: Any) -> None:
        if name in ("Paragraph", "HtmlBlock"):
            self._push("line", "p")
            self._take_number()
        elif name == "Heading":
            self._push("line", "h")
            self._take_number()
        elif name == "CodeBlock":
            self._spend_number()
            self._push("code", "pre")
        elif name == "Item":
            self._start_item()
        else:  # BlockQuote, List
            self._spend_number()
            numbered = name == "List" and data is not None
            counter = int(data) if numbered and data != 1 else None
            if self._nesting >= NESTING_MAX or counter is not None:
                self._push("block", "list", in_tree=False, counter=counter)
            else:
                self._nesting += 1
                self._push("block", "blockquote" if name == "BlockQuote" else "ol" if numbered else "ul")

    def _start_item(self) -> None:
        above = self._stack[-1]
        if above.counter is not None:
            self._number = f"{above.counter}. "
            above.counter += 1
        self._push("block", "li", in_tree=above.node is not None)

    def _end(self) -> None:
        self._close_implied_line()
        if self._stack[-1].tag == "li":
            self._spend_number()
        self._pop()

    def _line_break(self) -> None:
        self._line()
        self._append(["br"])

    def _text(self, text: str) -> None:
        if self._stack[-1].kind == "code":
            self._append(text)
            return
        self._line()
        for place, line in enumerate(text.split("\n")):  # only a block of raw HTML has line breaks in its text
            if place:
                self._append(["br"])
            self._append(line)

    def _push(self, kind: str, tag: str, *, in_tree: bool = True, counter: int | None = None) -> None:
        node: list[Any] | None = [tag] if in_tree else None
        self._stack.append(_Frame(kind, tag, node, counter))
        if node is not None:
            self._open.append(node)

    def _push_inline(self, tag: str) -> None:
        in_tree = self._emphasis < NESTING_MAX
        self._emphasis += in_tree
        self._push("inline", tag, in_tree=in_tree)

    def _push_link(self, data: Any) -> None:
        address = unshield(data["dest_url"])
        href = safe_href(f"mailto:{address}" if data["link_type"] == "Email" else address)
        if href is not None and data["link_type"] in ("Reference", "Collapsed", "Shortcut"):
            self._budget -= len(href) + 24
            href = None if self._budget < 0 else href
        if href is None or self._in_link or self._emphasis >= NESTING_MAX:
            self._push("inline", "a", in_tree=False)
            return
        self._in_link = True
        self._push_inline("a")
        self._append({"href": href})

    def _line(self) -> None:
        """Inline content begins: in a block that has none open yet, a line of its own (text of a tight item)."""
        if self._stack[-1].kind == "block":
            self._push("line", "tight")
            self._take_number()

    def _close_implied_line(self) -> None:
        if self._stack[-1].tag == "tight":
            self._pop()

    def _take_number(self) -> None:
        number, self._number = self._number, ""
        self._append(number)

    def _spend_number(self) -> None:
        """The item's number stands alone: what follows it is no text, or nothing does."""
        if self._number:
            self._push("line", "p")
            self._take_number()
            self._pop()

    def _append(self, child: Any) -> None:
        if child:
            self._open[-1].append(child)

    def _pop(self) -> None:
        frame = self._stack.pop()
        node = frame.node
        if node is None:
            return
        self._open.pop()
        if len(node) > 2:
            node[1:] = _merged(node[1:])
        if frame.kind == "inline":
            self._emphasis -= 1
        elif frame.tag in ("blockquote", "ul", "ol"):
            self._nesting -= 1
        if frame.tag == "a":
            self._in_link = False
            _label(node)
        elif frame.kind == "code":
            text = node[1].removesuffix("\n") if len(node) > 1 else ""
            node[1:] = [["code", text]] if text.strip() else []
        elif frame.kind != "block":
            if not self._in_link and any(isinstance(child, str) and may_hold_link(child) for child in node[1:]):
                node[1:] = _linked(node[1:])
            if frame.kind == "line":
                _trim(node)
        if len(node) == 1:
            return
        if frame.tag != "tight":
            self._append(node)
        elif self._open[-1][0] == "li" and self._stack[-1].node is not None:
            for child in node[1:]:
                self._append(child)
        else:
            node[0] = "p"
            self._append(node)


def _merged(children: Sequence[Any]) -> list[Any]:
    """`children` with neighbouring texts joined."""
    result: list[Any] = []
    for is_text, group in groupby(children, key=_is_text):
        if is_text:
            result.append("".join(group))
        else:
            result += group
    return result


def _is_text(node: Any) -> bool:
    return isinstance(node, str)


def _label(node: list[Any]) -> None:
    """Gives a link a text that tells the truth: its address, when it has none or shows another site's address."""
    href = node[1]["href"]
    shown = plain_text(node[2:])
    if not characters.is_visible(shown) or any(host_of(url) != host_of(href) for _, _, url in bare_links(shown)):
        node[2:] = [href]


def _linked(children: Sequence[Any]) -> list[Any]:
    """`children` with the addresses in their text made links. Code and links are nodes by now and stay as they are."""
    result: list[Any] = []
    for child in children:
        if not isinstance(child, str):
            result.append(child)
            continue
        end = 0
        for first, last, url in bare_links(child):
            if end < first:
                result.append(child[end:first])
            result.append(["a", {"href": url}, child[first:last]])
            end = last
        if end < len(child):
            result.append(child[end:])
    return result


def _trim(node: list[Any]) -> None:
    """Takes line breaks and spaces from the two ends of a line."""
    first, last = 1, len(node)
    while first < last and _is_blank(node[first]):
        first += 1
    while last > first and _is_blank(node[last - 1]):
        last -= 1
    node[1:] = node[first:last]
    if len(node) > 1 and isinstance(node[1], str):
        node[1] = node[1].lstrip()
    if len(node) > 1 and isinstance(node[-1], str):
        node[-1] = node[-1].rstrip()


def _is_blank(node: Any) -> bool:
    return not node.strip() if isinstance(node, str) else bool(node == ["br"])


def _walk(tree: Sequence[Any]) -> Iterator[Any]:
    """Every node before its children, in reading order, and None where a block ends."""
    waiting: list[Any] = list(reversed(tree))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, list):
            if node[0] in _BLOCKS:
                waiting.append(None)
            waiting.extend(reversed(node[1:]))


def links(tree: Sequence[Node]) -> list[str]:
    """The addresses that `tree` links to, in reading order, repeats included."""
    return [node["href"] for node in _walk(tree) if isinstance(node, dict)]


def has_links(tree: Sequence[Node]) -> bool:
    """Whether `tree` links to anything."""
    return any(isinstance(node, dict) for node in _walk(tree))


def plain_text(tree: Sequence[Node], limit: int | None = None) -> str:
    """The words of `tree`, a line for each line and block. With a `limit` (characters) it is one line, cut between
    words with an ellipsis, as feeds and link previews want it."""
    parts: list[str] = []
    for node in _walk(tree):
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, dict):
            pass
        elif (node is None or node[0] == "br" or node[0] in _BLOCKS) and parts and parts[-1] != "\n":
            parts.append("\n")
    text = "".join(parts).strip()
    return text if limit is None else characters.cut(text, limit)
