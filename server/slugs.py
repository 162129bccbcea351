"""Addresses of articles: the readable part of ours, and the key under which a publisher's is found.

Owns slugs for titles in any script and the normal form of article URLs. Promises that two addresses which a reader
would call the same page have the same key, that a key is its own key, and that whatever distinguishes pages on some
site (path, its case, `?p=12`, the order of parameters) is kept. Never fetches, never decides who may embed.
"""

import re
import unicodedata
from urllib.parse import quote, urlsplit

URL_MAX = 2000  # characters
SLUG_MAX = 80  # characters

_APOSTROPHES = re.compile("['’‘ʼ`´\u00ad\u200b-\u200f]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_PORTS = {"http": 80, "https": 443}
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_ESCAPES = re.compile(r"(?:%[0-9a-fA-F]{2})+")

_TRACKING_NAMES = """
    fbclid fb_action_ids fb_action_types fb_source fb_ref gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid
    msclkid twclid ttclid yclid ysclid igshid igsh li_fat_id epik rdt_cid scid srsltid mc_cid mc_eid mkt_tok
    _ga _gl _hsenc _hsmi __hssc __hstc __hsfp hsctatracking _openstat oly_anon_id oly_enc_id vero_id vero_conv wickedid
    ncid cmpid xtor guccounter guce_referrer guce_referrer_sig __twitter_impression s_cid rb_clickid irclickid
    ref_src ref_url replytocom
"""
_TRACKING = frozenset(_TRACKING_NAMES.split())
_TRACKING_PREFIXES = ("utm_", "pk_", "mtm_", "piwik_", "matomo_", "hsa_", "at_campaign", "at_medium", "ns_")


def slug(title: str) -> str:
    """The readable end of an article's address: lower-case letters, digits and marks of any script, single hyphens,
    at most SLUG_MAX characters cut between words. "article" when nothing is left."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", title).casefold().replace("i\u0307", "i"))
    text = _APOSTROPHES.sub("", text)
    words = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text).split()
    whole = "-".join(filter(None, map(_without_leading_marks, words)))
    if len(whole) > SLUG_MAX:
        end = whole.rfind("-", 0, SLUG_MAX + 1)
        if end < SLUG_MAX // 2:  # one long word, or a script without spaces
            end = SLUG_MAX
            while end > 0 and unicodedata.category(whole[end])[0] == "M":
                end -= 1
        whole = whole[: end or SLUG_MAX].rstrip("-")
    return whole or "article"


def _without_leading_marks(word: str) -> str:
    start = 0
    while start < len(word) and unicodedata.category(word[start])[0] == "M":
        start += 1
    return word[start:]


def canonical_url(url: str) -> str:
    """The key under which the article at `url` is found, such as `news.example/path?p=12`.

    Scheme, `www.`, default port, trailing slash, fragment, tracking parameters, letter case of the host and the way
    characters are escaped do not matter. Raises ValueError with a sentence unless it is an http or https address with
    a host, without a user name, of at most URL_MAX characters.
    """
    _, host, port, path, query = _split(url)
    path = _plain(_without_dots(path)).rstrip("/")
    kept = [part for part in query.split("&") if part and not _is_tracking(part)]
    authority = host.removeprefix("www.") + (f":{port}" if port else "")
    return authority + path + ("?" + _plain("&".join(kept)) if kept else "")


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of `url` as a browser's `Origin` header has it. Raises ValueError as `canonical_url`."""
    scheme, host, port, _, _ = _split(url)
    return f"{scheme}://{host}" + (f":{port}" if port else "")


def _split(url: str) -> tuple[str, str, int | None, str, str]:
    """Scheme, host in ASCII, port unless default, path and query."""
    url = url.strip()
    if len(url) > URL_MAX:
        raise ValueError(f"A URL has at most {URL_MAX} characters; this one has {len(url)}.")
    shown = url if len(url) <= 80 else url[:79] + "…"
    wanted = f'"{shown}" is not an address of a page: http:// or https:// and a host are needed'
    if _CONTROLS.search(url):
        raise ValueError(f"{wanted}, without control characters and backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{wanted}.") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.netloc:
        raise ValueError(f"{wanted}.")
    if "@" in parts.netloc:
        raise ValueError(f"{wanted}, without a user name.")
    host = _ascii_host(parts.hostname or "")
    if host is None:
        raise ValueError(f"{wanted}.")
    return scheme, host, None if port == _PORTS[scheme] else port, parts.path, parts.query


def _ascii_host(host: str) -> str | None:
    """`host` as browsers send it (Punycode for other scripts), or None when it is none."""
    if ":" in host:
        return f"[{host.lower()}]" if re.fullmatch(r"[0-9a-fA-F:.]+", host) else None
    labels = unicodedata.normalize("NFKC", host).lower().replace("。", ".").removesuffix(".").split(".")
    try:
        ascii_labels = [
            label if label.isascii() else "xn--" + unicodedata.normalize("NFC", label).encode("punycode").decode()
            for label in labels
        ]
    except UnicodeError:
        return None
    name = ".".join(ascii_labels)
    return name if len(name) <= 253 and all(ascii_labels) and _HOST.fullmatch(name) else None


def _is_tracking(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _without_dots(path: str) -> str:
    """`path` with `.` and `..` resolved, as browsers do before they ask (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/"):
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            if len(kept) > 1:
                kept.pop()
        elif plain != ".":
            kept.append(segment)
    return "/".join(kept)


def _plain(text: str) -> str:
    """One spelling for each character: letters as themselves in NFC, everything that cannot be seen escaped."""
    text = _ESCAPES.sub(_unescape, text)
    text = unicodedata.normalize("NFC", text)
    return "".join(c if c.isprintable() and c not in ' "<>' else quote(c, errors="replace") for c in text)


def _unescape(match: re.Match[str]) -> str:
    """The run of escapes with those undone that hide a letter; the rest, and broken UTF-8, in upper case."""
    raw = bytes.fromhex(match[0].replace("%", ""))
    text = raw.decode("utf-8", "surrogateescape")
    return "".join(
        c
        if c in _UNRESERVED or (not c.isascii() and c.isprintable())
        else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogateescape"))
        for c in text
    )
