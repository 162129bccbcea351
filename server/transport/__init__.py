"""Transport: uvicorn protocol classes that write prepared bytes, drain, and bound the time to receive a request.

They know sockets and HTTP, nothing of comments: who may connect, what a message means and what is sent is decided by
the door that the app puts into the lifespan's state (`Door`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from server.errors import ProblemError
from server.frames import Batch, Frame


@dataclass(frozen=True, slots=True)
class Handshake:
    """Who wants to connect: lower-case headers (the last of each name), and the address behind trusted proxies."""

    headers: Mapping[str, str]
    address: str


class Link(Protocol):
    """An open connection as its peer sees it. Nothing here blocks or raises."""

    def send(self, text: str) -> None:
        """One text frame, after what was written before it. For control frames: small and few."""

    def write(self, batch: Batch) -> bool:
        """A batch of event frames; False (and nothing is written) while earlier ones wait for the other side."""

    def offer(self, frame: Frame) -> bool:
        """A frame that many get and that may come later or never; False (and nothing is written) while earlier ones
        wait for the other side."""

    def close(self, code: int, reason: str) -> None:
        """Ends the connection with this code."""


class Peer(Protocol):
    """What the app makes of a connection."""

    def receive(self, text: str | None) -> None:
        """A text message came; None: a binary one."""

    def writable(self) -> None:
        """The other side has taken what waited; after a refused write."""

    def heartbeat(self) -> None:
        """About every 25 seconds, while the connection is not paused."""

    def lost(self) -> None:
        """The connection is gone; called once."""


class Door(Protocol):
    """What the app puts into the lifespan's state as `door`."""

    def admit(self, handshake: Handshake) -> ProblemError | None:
        """None if it may connect, else the answer to its handshake."""

    def open(self, link: Link, handshake: Handshake) -> Peer:
        """The handshake is answered. Closing the link in here is allowed."""

    def drain(self) -> None:
        """The server stops: streams end. Called once or more."""
