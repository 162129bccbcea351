"""The broker of a single process: straight on, in the caller's time."""

from collections.abc import Callable

from server.models import Commit


class MemoryBroker:
    """Delivers inside `publish`; loses, doubles and delays nothing."""

    def __init__(self) -> None:
        self._deliver: Callable[[Commit], None] | None = None

    async def start(self, deliver: Callable[[Commit], None]) -> None:
        self._deliver = deliver

    def publish(self, commit: Commit) -> None:
        if self._deliver is not None:
            self._deliver(commit)

    async def close(self) -> None:
        self._deliver = None
