"""Everything that lives as long as the process does, made once in the lifespan and passed on. Nothing is global."""

import asyncio
from dataclasses import dataclass

from server.broker import Broker
from server.config import Config
from server.hub import Hub
from server.limits import Connections, Limits
from server.metrics import Metrics
from server.presence import Presence
from server.relay import Relay
from server.sessions import Sessions
from server.snapshots import Snapshots
from server.storage.database import Database
from server.tallies import Tallies
from server.times import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The parts of a running server. `secret` keys the hashes of addresses and the tokens of guests."""

    config: Config
    database: Database
    broker: Broker
    hub: Hub
    relay: Relay
    limits: Limits
    connections: Connections
    metrics: Metrics
    presence: Presence
    tallies: Tallies
    snapshots: Snapshots
    sessions: Sessions
    clock: Clock
    secret: bytes
    draining: asyncio.Event  # set once the server is stopping: streams end, nobody new is let in
