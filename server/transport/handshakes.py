"""What a WebSocket handshake must have (RFC 6455 section 4.2.1), besides what HTTP asks of any request."""

import binascii
from base64 import b64decode
from collections.abc import Mapping

from server.errors import BadRequest, ProblemError


def key_of(headers: Mapping[str, str]) -> str:
    """The handshake's key. Raises BadRequest (RFC 6455 section 4.2.1)."""
    if headers.get("sec-websocket-version") != "13":
        raise UpgradeRequired("Sec-WebSocket-Version: 13 is accepted")
    key = headers.get("sec-websocket-key", "")
    try:
        if len(b64decode(key, validate=True)) == 16:
            return key
    except binascii.Error:
        pass
    raise BadRequest("Sec-WebSocket-Key is not 16 bytes in base64")


class UpgradeRequired(ProblemError):
    """Another version of the WebSocket protocol."""

    status, title, slug = 426, "Upgrade required", "upgrade-required"

    def headers(self) -> Mapping[str, str]:
        """The version that is spoken."""
        return {"Sec-WebSocket-Version": "13"}
