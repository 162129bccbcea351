"""The server's numbers for Prometheus, in one registry per process. docs/metrics.md has them all.

What happens is counted where it happens; what merely is (connections, readers, channels), and counts that others keep
anyway, are read at the moment of the scrape. Nothing here is labelled with an article, a person or an address, so the
number of series is bounded. Everything is called on the event loop, so nothing here needs a lock.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Histogram(Collector):
    """Observations by size, of which many equal ones can be made at once: one batch is written to many readers."""

    def __init__(self, name: str, help: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        self._name = name
        self._help = help
        self._bounds = tuple(map(float, bounds))
        self._labels = tuple(labels)
        self._series: dict[tuple[str, ...], list[float]] = {}  # a count for each bucket, the last one's, and the sum
        if not labels:
            self._count(())

    def observe(self, value: float, times: int = 1, labels: tuple[str, ...] = ()) -> None:
        """So many observations of `value`, in the series of these labels' values."""
        series = self._series.get(labels) or self._count(labels)
        series[bisect_left(self._bounds, value)] += times
        series[-1] += value * times

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for values, series in self._series.items():
            total, buckets = 0.0, []
            for bound, count in zip((*self._bounds, float("inf")), series[:-1], strict=True):
                total += count
                buckets.append(("+Inf" if bound == float("inf") else repr(bound), total))
            family.add_metric(values, buckets, series[-1])
        yield family

    def _count(self, labels: tuple[str, ...]) -> list[float]:
        series = self._series[labels] = [0.0] * (len(self._bounds) + 2)
        return series


class _Read(Collector):
    """A number, or numbers by one label, that somebody else keeps."""

    def __init__(self, make: Callable[[], Metric]) -> None:
        self._make = make

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        yield self._make()


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._appended = self._rewritten = 0
        self._aborts = dict.fromkeys(ABORTS, 0)
        self._requests = self._histogram(
            "http_request_seconds",
            "Time to answer an HTTP request, by method and status class.",
            _SECONDS,
            ("method", "status"),
        )
        self._deliveries = self._histogram(
            "delivery_seconds",
            "From the commit of an event to its write to a reader's socket, once for each reader that is not behind.",
            _SECONDS,
        )
        self._lag = self._histogram("loop_lag_seconds", "How late the event loop came to what was due.", _SECONDS)
        self._batch_writes = self._histogram("commit_writes", "Writes that shared one commit.", _SIZES)
        self._batch_seconds = self._histogram(
            "commit_seconds", "From the beginning of a transaction to the end of its commit.", _SECONDS
        )
        self.counter("events", "Events that commits of this process appended to logs.", lambda: self._appended)
        self.counter("rewritten_frames", "Earlier frames whose content changed or went.", lambda: self._rewritten)
        self.counter("aborts", "Connections that were cut or turned away, by cause.", lambda: self._aborts, "cause")

    def request(self, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered (status 0: the client left before that)."""
        known = method if method in _METHODS else "other"
        self._requests.observe(seconds, labels=(known, f"{status // 100}xx" if status else "gone"))

    def committed(self, appended: int, rewritten: int) -> None:
        """A write was committed that appended and rewrote so many frames."""
        self._appended += appended
        self._rewritten += rewritten

    def batch(self, writes: int, seconds: float) -> None:
        """A transaction of so many writes took so long, its commit included."""
        self._batch_writes.observe(writes)
        self._batch_seconds.observe(seconds)

    def delivered(self, seconds: float, readers: int) -> None:
        """An event was written to so many readers, so long after its commit."""
        self._deliveries.observe(seconds, readers)

    def lag(self, seconds: float) -> None:
        """The loop came so late to what was due."""
        self._lag.observe(seconds)

    def aborted(self, cause: str) -> None:
        """A connection was cut or turned away; `cause` is one of ABORTS."""
        self._aborts[cause] += 1

    def gauge(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A number that is read when it is asked for."""
        self._register(_Read(lambda: GaugeMetricFamily(f"ripost_{name}", help, value=read())))

    def counter(
        self, name: str, help: str, read: Callable[[], float | Mapping[str, float]], label: str | None = None
    ) -> None:
        """A count that somebody keeps, read when it is asked for; with `label`, counts by its values."""

        def make() -> Metric:
            found = read()
            if isinstance(found, Mapping):
                family = CounterMetricFamily(f"ripost_{name}", help, labels=(label or "",))
                for value, count in found.items():
                    family.add_metric((value,), count)
                return family
            return CounterMetricFamily(f"ripost_{name}", help, value=found)

        self._register(_Read(make))

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, help: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
        made = Histogram(f"ripost_{name}", help, bounds, labels)
        self._register(made)
        return made

    def _register(self, collector: Collector) -> None:
        self.registry.register(collector)


ABORTS = ("stalled", "unanswered", "unclosed", "late_request", "too_many", "protocol")
"""Why a connection is cut or turned away: it left what it was sent untaken; did not answer a ping; did not answer a
close; did not send a request in time; was one too many; did not speak the protocol."""
