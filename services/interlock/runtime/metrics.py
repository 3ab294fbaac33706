"""Metrics of one service: recorded with OpenTelemetry, read by Prometheus.

Each `Metrics` owns its provider and its registry, nothing is global: several services can live in one process, as in
tests. Instruments are made once, where the service is put together. Names begin with `interlock_`, labels are from
closed lists (a `Reason`, a topic) or from the policy, so that nobody outside can grow them without bound.
"""

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `Metrics.render` returns: Prometheus' text format."""

SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""From a broker's round trip to the five minutes in which a notice must be accepted."""


class Metrics:
    """The instruments of one service, and their text for Prometheus.

    Args:
        service: The service's name, `decision`; it comes out as `target_info{service_name="decision"}`.
    """

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._provider = MeterProvider(
            metric_readers=[PrometheusMetricReader(registry=self._registry, scope_info_enabled=False)],
            resource=Resource({"service.name": service}),
            shutdown_on_exit=False,
        )
        self._meter = self._provider.get_meter("interlock")

    def counter(self, name: str, unit: str, description: str) -> Counter:
        """Make a counter; Prometheus sees it as `interlock_<name>_<unit>_total`, unit `1` left out."""
        return self._meter.create_counter(f"interlock_{name}", unit, description)

    def gauge(self, name: str, unit: str, description: str) -> Gauge:
        """Make a gauge: the last value that was set; Prometheus sees it as `interlock_<name>_<unit>`."""
        return self._meter.create_gauge(f"interlock_{name}", unit, description)

    def histogram(self, name: str, unit: str, description: str) -> Histogram:
        """Make a histogram; its buckets suit seconds, unit `s`."""
        return self._meter.create_histogram(
            f"interlock_{name}", unit, description, explicit_bucket_boundaries_advisory=SECONDS_BUCKETS
        )

    def render(self) -> bytes:
        """Write all of them in Prometheus' text format, see `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Let go of everything; what is recorded later is lost."""
        self._provider.shutdown()
