"""Addresses in what people write: which may become links, and where they stand in plain text.

Owns the rule for a link's target and the scanner that finds bare addresses. Promises linear time, and that a target is
http, https (with a host, without a user name) or mailto, free of spaces, controls and backslashes, so that every
browser reads it as we do. Never resolves or fetches an address.
"""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

LINK_MAX = 2000  # characters; what browsers and mail programs still pass on

_WEB = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_MAIL = re.compile(r"mailto:([\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+)", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_SPACES_AND_CONTROLS = re.compile(r"[\s\x00-\x20\x7f-\x9f\\]")
_QUOTED = re.compile(r"[\"<>`{}|^]")

_START = re.compile(r"(?<![A-Za-z0-9])(?:https?://|www\.)", re.IGNORECASE)
# A bare address goes on until a space, what cannot stand in one, or the punctuation of scripts that set no space.
_PIECE = re.compile(
    r"[()\[\]]|[^()\[\]\s\x00-\x20\x7f-\x9f<>\"`\\{}|^「」『』【】《》〈〉（）。，、！？；：“”„«»‹›…؟،؛।॥\ufdd3-\ufdef]+"
)
_TRAILING = "?!.,:;*_~'’‘&"


def safe_href(address: str) -> str | None:
    """`address` as a link's target, or None when it must stay text. Adds https:// to one that begins with `www.`."""
    if len(address) > LINK_MAX or _SPACES_AND_CONTROLS.search(address):
        return None
    if address[:4].lower() == "www.":
        address = f"https://{address}"
    web = _WEB.fullmatch(address)
    if web is None:
        mail = _MAIL.fullmatch(address)
        return f"mailto:{mail[1]}" if mail and "?" not in mail[1] and "&" not in mail[1] else None
    scheme, authority, rest = web.groups()
    if not _is_host(authority):
        return None
    return f"{scheme.lower()}://{authority}{_QUOTED.sub(lambda match: quote(match[0]), rest)}"


def host_of(href: str) -> str:
    """The host that a target leads to, in lower case without `www.`; a mail address's domain."""
    web = _WEB.fullmatch(href)
    authority = web[2] if web else href.rpartition("@")[2]
    return authority.lower().partition(":")[0].removeprefix("www.")


def may_hold_link(text: str) -> bool:
    """False when `bare_links` finds nothing; cheap, for the many texts that hold none."""
    return "://" in text or "www." in text.lower()


def bare_links(text: str) -> Iterator[tuple[int, int, str]]:
    """Where addresses stand in `text`, from left to right: (first, last + 1, target). Needs a dot in the host, ends
    before an unbalanced bracket and before the punctuation of the sentence. Every character is looked at a bounded
    number of times: what was refused is not scanned again."""
    place = 0
    while start := _START.search(text, place):
        place = _end_of_run(text, start.start())
        address = text[start.start() : place].rstrip(_TRAILING)
        href = safe_href(address)
        if href is not None and "." in host_of(href):
            place = start.start() + len(address)
            yield start.start(), place, href


def _end_of_run(text: str, place: int) -> int:
    """Where the address that begins at `place` stops, at the latest at a closing bracket that it did not open."""
    parentheses = brackets = 0
    while piece := _PIECE.match(text, place):
        if piece[0] in ("(", ")"):
            parentheses += 1 if piece[0] == "(" else -1
        elif piece[0] in ("[", "]"):
            brackets += 1 if piece[0] == "[" else -1
        if parentheses < 0 or brackets < 0:
            break
        place = piece.end()
    return place


def _is_host(authority: str) -> bool:
    match = _HOST.fullmatch(authority)
    if match is None or (match[2] is not None and int(match[2]) > 65535):
        return False
    host = match[1]
    if host.startswith("["):
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(labels) and all(map(_is_host_character, host))


def _is_host_character(character: str) -> bool:
    return character in "-._" or unicodedata.category(character)[0] in "LMN"
