"""Elements as data, in the form that the trees of comments have (CONTRACT): `[tag, {attributes}, ...children]`.

What stands on a page is described once and sent in two forms: as markup where the server writes the page, as JSON where
a script makes the elements (static/drawing.js). A child is an element, a text, or the id of a comment, which stands for
what it says: that is sent already. Names of tags and attributes are ours, never a reader's. Promises that texts and
values come out escaped, once.
"""

from collections.abc import Callable
from typing import Any

from server.render import escape

Element = list[Any]
"""The tag, the attributes by name ("" for one that has no value), then the children."""

_VOID = frozenset({"br", "input"})


def element(tag: str, attributes: dict[str, str] | None = None, *children: Element | str | int) -> Element:
    """An element."""
    return [tag, attributes or {}, *children]


def part(tag: str, name: str, attributes: dict[str, str] | None = None, *children: Element | str | int) -> Element:
    """An element of which our style and a publisher's speak by one name: its class, and its part unless told."""
    return [tag, {"class": name, "part": name, **(attributes or {})}, *children]


def markup(node: Element, said: Callable[[int], str]) -> str:
    """`node` as HTML. `said`: what the comment of an id says, as HTML. Recurses as deep as elements are nested."""
    parts: list[str] = []
    _add(parts, node, said)
    return "".join(parts)


def _add(parts: list[str], node: Element, said: Callable[[int], str]) -> None:
    tag = node[0]
    parts.append(f"<{tag}")
    for name, value in node[1].items():
        parts.append(f' {name}="{escape(value)}"' if value else f" {name}")
    parts.append(">")
    for child in node[2:]:
        if isinstance(child, list):
            _add(parts, child, said)
        else:
            parts.append(escape(child) if isinstance(child, str) else said(child))
    if tag not in _VOID:
        parts.append(f"</{tag}>")
