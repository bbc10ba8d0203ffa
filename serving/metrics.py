"""What the service says about itself to Prometheus, in a registry of its own."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The service's metrics; every label has few values, whatever callers send."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # no creation time per series
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter("evergreen_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self.request_seconds = Histogram(
            "evergreen_request_seconds", "From request to answer.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self.predictions = Counter(
            "evergreen_predictions",
            "Rows predicted and logged; a number has no label.",
            ["label"],
            registry=self.registry,
        )
        self.failures = Counter(
            "evergreen_prediction_failures", "Requests not predicted.", ["cause"], registry=self.registry
        )
        self.prediction_seconds = Histogram(
            "evergreen_prediction_seconds", "Model and log, per batch.", buckets=SECONDS, registry=self.registry
        )
        self.batch_rows = Histogram(
            "evergreen_batch_rows",
            "Rows predicted together.",
            buckets=(1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000),
            registry=self.registry,
        )
        self.model_loads = Counter("evergreen_model_loads", "Models loaded.", registry=self.registry)
        self.model = Gauge(
            "evergreen_model_info", "The model that answers.", ["model", "version", "digest"], registry=self.registry
        )

    def page(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
