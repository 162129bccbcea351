"""The broker: tells every process what a commit changed in the logs.

The contract, for every implementation:

- `publish` is called on the event loop after the commit, in commit order. It never blocks and never raises: a message
  that cannot be passed on is lost, which costs readers of other processes at most the time to the next head check.
- `start(deliver)` names who hears: `deliver` is called for every message, this process's own included, on the event
  loop. Messages of one process arrive in its order; between processes there is none. A message may be lost, doubled or
  late: the log is the letter box, this is the doorbell (DESIGN law 5).
- `close()` stops delivery; nothing is delivered after it returns.
"""

from collections.abc import Callable
from typing import Protocol

from server.models import Commit


class Broker(Protocol):
    """See the module: the contract."""

    async def start(self, deliver: Callable[[Commit], None]) -> None: ...

    def publish(self, commit: Commit) -> None: ...

    async def close(self) -> None: ...
