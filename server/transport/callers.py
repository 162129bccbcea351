"""How many connections each address holds that are no streams yet: one caller must not take every file of the process.

Streams are counted where they begin, behind trusted proxies and with an answer that says why. Here it is the address at
the other end of the socket, and a connection too many is dropped unread: whoever holds hundreds of them is no browser.
"""

import ipaddress
from typing import Any, TypeGuard

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

EACH_STREAM = 4  # plain connections an address may hold for each stream it may hold: browsers open six, briefly


class Callers:
    """The plain connections of one server, by address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[str, int] = {}

    def come(self, host: str) -> str | None:
        """Counts a connection; what `go` takes, or None if it is one too many. IPv6 counts by /64."""
        network = _network(host)
        held = self._held.get(network, 0)
        if held >= self._most:
            return None
        self._held[network] = held + 1
        return network

    def go(self, network: str) -> None:
        """It is closed, or a stream."""
        self._held[network] -= 1
        if not self._held[network]:
            del self._held[network]


def _network(host: str) -> str:
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host)
    return str(address.ipv4_mapped or int(address) >> 64)


def is_proxy(app: Any, host: str) -> TypeGuard[ProxyHeadersMiddleware]:
    """Whether `app` takes the word of this host for whom it speaks for."""
    return isinstance(app, ProxyHeadersMiddleware) and host in app.trusted_hosts
