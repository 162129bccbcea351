"""Page cursors as clients see them: opaque, URL-safe text that comes back unchanged or is refused with a sentence."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from server.errors import BadRequest


def encode(*parts: int | bytes) -> str:
    """The text of a cursor with these parts."""
    return urlsafe_b64encode(msgspec.msgpack.encode(parts)).decode().rstrip("=")


def decode(text: str, *kinds: type) -> tuple[int | bytes, ...]:
    """The parts of a cursor, which must be of these kinds. Raises BadRequest."""
    try:
        parts: list[int | bytes] = msgspec.msgpack.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if [type(part) for part in parts] == list(kinds):
            return tuple(parts)
    except (ValueError, TypeError, binascii.Error, msgspec.DecodeError):
        pass
    raise BadRequest(f"cursor {text[:40]!r} is not one that a page of this list gave")
