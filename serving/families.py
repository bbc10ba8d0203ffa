"""Every metric of the service: its name, kind, labels and meaning, and how those of several workers become one."""

from dataclasses import dataclass
from typing import Literal

# Of several workers: a counter or histogram is the sum over all, workers that died included. A gauge is of the living:
# their sum, their greatest or least, or a series for each, with the label `worker`.
Across = Literal["sum", "max", "min", "worker"]

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROWS = (1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000)
PROBABILITIES = tuple(bound / 10 for bound in range(1, 11))
OTHER = "other"
MOST_VALUES = 50  # of a label that grows with what happens; what comes later is "other"
# Values of labels that are there from the start: a rate sees their first event.
OUTCOMES = ("swapped", "refused", "failed")
STATES = ("given", "null")
STATUSES = ("200", "500", "503")
WHYS = ("connections", "peer", "slow", "unread", "idle", "malformed")


@dataclass(frozen=True)
class Family:
    """A metric; `about` says what is counted, in which unit. The name of a counter ends in ``_total``.

    `is_signed`: of a histogram whose values may be negative. Their sum may fall, so it is not shown.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    labels: tuple[str, ...]
    across: Across
    is_signed: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        """The labels on the page."""
        return (*self.labels, "worker") if self.across == "worker" else self.labels


def _counter(name: str, about: str, *labels: str, across: Across = "sum") -> Family:
    return Family(name, "counter", about, labels, across)


def _gauge(name: str, about: str, *labels: str, across: Across) -> Family:
    return Family(name, "gauge", about, labels, across)


def _histogram(name: str, about: str, *labels: str, is_signed: bool = False) -> Family:
    return Family(name, "histogram", about, labels, "sum", is_signed)


FAMILIES = (
    _counter("evergreen_requests_total", "Requests answered, by route and HTTP status.", "route", "status"),
    _histogram("evergreen_request_seconds", "Seconds from the head of a request to the end of its answer.", "route"),
    _gauge("evergreen_requests_in_flight", "Whole requests that wait or are answered now.", across="sum"),
    _gauge("evergreen_connections", "Connections that are open now.", across="sum"),
    _counter("evergreen_connections_refused_total", "Connections that the service ended, by why.", "why"),
    _histogram("evergreen_batch_rows", "Rows predicted together."),
    _histogram("evergreen_prediction_seconds", "Seconds that model and log took for the rows predicted together."),
    _counter("evergreen_prediction_failures_total", "Requests for predictions that got none, by cause.", "cause"),
    _counter(
        "evergreen_predictions_total", "Rows predicted and logged, by label, which a number has none of.", "label"
    ),
    _counter(
        "evergreen_decisions_total",
        "Rows logged, by who decides them: automatic, or why a person does (human, shadow, assist, unsure, audit).",
        "by",
    ),
    _gauge("evergreen_degree", "1: the degree of automation that holds.", "degree", across="worker"),
    _histogram("evergreen_probability", "Probability of each predicted row: of true, or of its class."),
    _histogram("evergreen_value", "Value of each predicted row, in the target's unit.", is_signed=True),
    _counter("evergreen_outputs_total", "Rows predicted: given, or null where the model gave no number.", "state"),
    _counter("evergreen_missing_inputs_total", "Rows predicted without a value of the feature.", "feature"),
    _gauge(
        "evergreen_reference_missing_share",
        "Share, 0 to 1, of the rows that the model learned from without a value of the feature.",
        "feature",
        across="max",
    ),
    _counter("evergreen_unseen_categories_total", "Rows with a category that the model did not learn.", "feature"),
    _gauge("evergreen_ready", "1 if the worker could answer a prediction, else 0.", across="worker"),
    _gauge("evergreen_model_info", "1: the model that answers.", "model", "version", "digest", across="worker"),
    _gauge("evergreen_model_age_seconds", "Seconds since the package of the model was written here.", across="worker"),
    _counter("evergreen_model_loads_total", "Models loaded and verified."),
    _counter("evergreen_model_swaps_total", "Attempts to change the model while it answers, by outcome.", "outcome"),
    _counter("evergreen_log_bytes_total", "Bytes written to the prediction log."),
    _gauge("evergreen_log_lag_seconds", "Seconds that the oldest unsynced record of the log has waited.", across="max"),
    _counter("evergreen_log_lost_total", "Rows answered although they could not be logged."),
    _counter("evergreen_log_vanished_total", "Times that the file or folder of the log was found deleted."),
    _gauge("evergreen_log_writable", "1 if the last write to the prediction log succeeded, else 0.", across="min"),
    _counter("evergreen_worker_restarts_total", "Workers started in the place of one that ended."),
    _counter("process_cpu_seconds_total", "Seconds of CPU that the worker used, user and system.", across="worker"),
    _gauge("process_resident_memory_bytes", "Bytes of memory that the worker holds.", across="worker"),
    _gauge("process_virtual_memory_bytes", "Bytes of address space that the worker has.", across="worker"),
    _gauge("process_start_time_seconds", "When the worker started, in seconds since 1970.", across="worker"),
    _gauge("process_open_fds", "Files and connections that the worker has open.", across="worker"),
    _gauge("process_max_fds", "Files and connections that the worker may have open.", across="worker"),
)
BY_NAME = {family.name: family for family in FAMILIES}
