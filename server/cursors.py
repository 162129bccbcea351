"""Page cursors as clients see them: opaque, URL-safe text that comes back unchanged or is refused with a sentence.

Each has one spelling, so that a page is kept once, whoever asks for it.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from server.errors import BadRequest

ID_MAX = 2**62  # above every id; a database takes no number beyond 63 bits
PATH_MAX = 64 * 9  # bytes


def encode(*parts: int | bytes) -> str:
    """The text of a cursor with these parts."""
    return urlsafe_b64encode(msgspec.msgpack.encode(parts)).decode().rstrip("=")


def decode(text: str, *kinds: type) -> tuple[int | bytes, ...]:
    """The parts of a cursor, which must be of these kinds. Raises BadRequest."""
    try:
        parts: list[int | bytes] = msgspec.msgpack.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        known = [type(part) for part in parts] == list(kinds) and all(map(_is_stored, parts))
        if known and encode(*parts) == text:
            return tuple(parts)
    except (ValueError, TypeError, binascii.Error, msgspec.DecodeError):
        pass
    raise BadRequest(f"cursor {text[:40]!r} is not one that a page of this list gave")


def _is_stored(part: int | bytes) -> bool:
    """Whether a database can be asked for it: someone may have made the cursor up."""
    return abs(part) <= ID_MAX if isinstance(part, int) else len(part) <= PATH_MAX
