"""The server's numbers for Prometheus, in one registry per process.

What happens is counted where it happens; what merely is (connections, readers, channels) is read at the moment of the
scrape. Nothing here is labelled with an article, a person or an address, so the number of series is bounded.
"""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)


class Metrics:
    """Counters and gauges of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Histogram(
            "ripost_http_request_seconds",
            "Time to answer an HTTP request, by method and status class.",
            ("method", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._events = Counter(
            "ripost_events_total", "Events that commits of this process appended to logs.", registry=self.registry
        )
        self._rewritten = Counter(
            "ripost_rewritten_frames_total", "Earlier frames whose content changed or went.", registry=self.registry
        )

    def request(self, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered (status 0: the client left before that)."""
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._requests.labels(known, f"{status // 100}xx" if status else "gone").observe(seconds)

    def committed(self, appended: int, rewritten: int) -> None:
        """A transaction was committed that appended and rewrote so many frames."""
        self._events.inc(appended)
        self._rewritten.inc(rewritten)

    def gauge(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A number that is read when it is asked for."""
        Gauge(f"ripost_{name}", help, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self.registry)
