"""Figures for Prometheus: how many requests, how fast, how many jobs; no personal data."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From a quick read to a long write; jobs answer at once and are counted apart.
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "anagen_requests", "Requests answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "anagen_request_seconds", "Time to the answer.", ("method", "route"),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.jobs = Gauge("anagen_jobs", "Jobs by state.", ("state",), registry=self.registry)

    def text(self) -> bytes:
        """Text that Prometheus reads."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
