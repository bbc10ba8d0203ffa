"""What the service counts about itself. A request costs it a microsecond or two: no lock, no label looked up."""

import math
import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from evergreen.base.processes import mark
from evergreen.config.contract.decision import Degree
from evergreen.decisions.automation.degrees import DECIDERS, DEGREES, Decider
from evergreen.learning.model.release import Release
from serving.cells import Cells, Series
from serving.exposition import CONTENT_TYPE, Numbers, counted, page
from serving.families import BY_NAME, MOST_VALUES, OTHER, OUTCOMES, ROWS, SECONDS, STATUSES, WHYS
from serving.outputs import Histogram, Meter, Scalar, histogram
from serving.references import reference_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evergreen.learning.model.model import Model

__all__ = ["CONTENT_TYPE", "Metrics"]
LOG_COUNTS = ("bytes", "lost", "vanished")


class Answering(Protocol):
    """What answers: a release in memory."""

    @property
    def release(self) -> Release: ...
    @property
    def model(self) -> "Model": ...


class Log(Protocol):
    """What the prediction log says of itself."""

    @property
    def bytes(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def vanished(self) -> int: ...
    @property
    def unsynced_seconds(self) -> float: ...
    @property
    def writable(self) -> bool: ...


class Metrics:
    """The metrics of this worker, and the page that shows those of all workers as one service.

    Every method but `page` belongs to the event loop's thread. Label values are bounded whatever callers send: routes
    are those given here, features and labels those of the model, causes our own words; everything else is "other".

    Parameters
    ----------
    folder : of the service's run, which its workers share and no other run uses; None for a process by itself.
    routes : the paths that count by themselves.

    Raises
    ------
    ResourceError if the folder cannot be written.
    """

    def __init__(self, folder: Path | None = None, *, routes: Iterable[str] = ()) -> None:
        self._folder, self._routes = folder, frozenset(routes)
        self._cells = Cells(folder)
        self._forget_predecessor()
        self._requests: dict[tuple[str, int], tuple[int, Histogram]] = {}
        self._causes: dict[tuple[str, str], int] = {}
        self._meter: Meter | None = None
        self._seen = dict.fromkeys(LOG_COUNTS, 0)
        self._batch_rows = histogram(self._cells, "evergreen_batch_rows", ROWS)
        self._batch_seconds = histogram(self._cells, "evergreen_prediction_seconds", SECONDS)
        for family in BY_NAME.values():
            if not family.labels and family.kind == "counter" and family.name.startswith("evergreen_"):
                self._cells.at(family.name)
        for outcome in OUTCOMES:
            self._cells.at("evergreen_model_swaps_total", outcome)
        for route in self._routes:
            for status in STATUSES:
                self._cells.at("evergreen_requests_total", route, status)
        for why in WHYS:
            self._cells.at("evergreen_connections_refused_total", why)
        self._deciders = {by: self._cells.at("evergreen_decisions_total", by) for by in DECIDERS}
        self._in_flight = self._cells.at("evergreen_requests_in_flight")
        self._connections = self._cells.at("evergreen_connections")
        self.in_flight(0)
        self.connections(0)
        self._cells.set(1, "evergreen_log_writable")
        self._cells.set(0, "evergreen_log_lag_seconds")
        self._cells.set(0, "evergreen_ready")
        self._cells.set(os.getpid(), "worker.pid")
        self._cells.set(mark().started, "worker.started")

    def requested(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered, `seconds` after its head had come."""
        number, (bounds, buckets, total) = self._requests.get((route, status)) or self._request(route, status)
        values = self._cells.values
        values[number] += 1
        values[buckets[bisect_left(bounds, seconds)]] += 1
        values[total] += seconds

    def predicted(self, served: Answering, estimates: "NDArray[np.float64]", rows: Sequence[Sequence[Scalar]]) -> None:
        """Count the rows of a batch that were predicted and logged.

        Parameters
        ----------
        estimates : as the scorer gives them: shape (n,), or (n, classes).
        rows : the n rows as they were typed, each in the order of the contract's request columns, then the given ones.
        """
        meter = self._meter
        if meter is None or meter.release is not served.release:
            meter = self._adopt(served)
        meter.count_estimates(estimates)
        meter.count_inputs(rows)

    def decided(self, by: Sequence[Decider]) -> None:
        """Count who decides rows that were logged."""
        values = self._cells.values
        for each in by:
            values[self._deciders[each]] += 1

    def degree(self, degree: Degree) -> None:
        """Say which degree of automation holds from now on."""
        for known in DEGREES:
            if known == degree or ("evergreen_degree", known) in self._cells.series():
                self._cells.set(1 if known == degree else math.nan, "evergreen_degree", known)

    def batched(self, n_rows: int, seconds: float) -> None:
        """Count a batch that took `seconds` in model and log."""
        values = self._cells.values
        for (bounds, buckets, total), size in ((self._batch_rows, n_rows), (self._batch_seconds, seconds)):
            values[buckets[bisect_left(bounds, size)]] += 1
            values[total] += size

    def failed(self, cause: str) -> None:
        """Count a request for predictions that got none."""
        self._count("evergreen_prediction_failures_total", cause)

    def refused(self, why: str) -> None:
        """Count a connection that the service ended."""
        self._count("evergreen_connections_refused_total", why)

    def in_flight(self, n: int) -> None:
        """Say how many whole requests wait or are answered now."""
        self._cells.values[self._in_flight] = n

    def connections(self, n: int) -> None:
        """Say how many connections are open now."""
        self._cells.values[self._connections] = n

    def loaded(self, served: Answering, *, since: float) -> None:
        """Say which release answers from now on; `since`: when its package was written, in seconds since 1970."""
        release, meter = served.release, self._adopt(served)
        told: dict[Series, float] = {
            ("evergreen_model_info", release.model, str(release.version), release.model_digest): 1.0
        }
        for name in meter.features:
            if name in meter.reference.missing:
                told["evergreen_reference_missing_share", name] = meter.reference.missing[name]
        for series, value in told.items():
            self._cells.set(value, *series)
        for series in self._cells.series():
            if series[0] in ("evergreen_model_info", "evergreen_reference_missing_share") and series not in told:
                self._cells.set(math.nan, *series)
        self._cells.set(since, "worker.since")
        self._cells.add(1, "evergreen_model_loads_total")

    def swapped(self, outcome: str) -> None:
        """Count an attempt to change the model: "swapped", "refused" or "failed"."""
        self._count("evergreen_model_swaps_total", outcome)

    def sample(self, log: Log | None, *, ready: bool) -> None:
        """Take over what the log says of itself; meant to be called every second and before a page."""
        self._cells.set(ready, "evergreen_ready")
        if log is None:
            return
        for name in LOG_COUNTS:
            now = getattr(log, name)
            self._cells.add(now - self._seen[name] if now >= self._seen[name] else now, f"evergreen_log_{name}_total")
            self._seen[name] = now
        self._cells.set(log.unsynced_seconds, "evergreen_log_lag_seconds")
        self._cells.set(log.writable, "evergreen_log_writable")

    def page(self) -> bytes:
        """Return the metrics of all workers in Prometheus' text format."""
        return page(self._cells, self._folder, now=time.time())

    def counted(self) -> Numbers:
        """Return what the counters of all workers add up to, and the buckets of their histograms."""
        return counted(self._cells, self._folder)

    def _forget_predecessor(self) -> None:
        """Keep the counts of whoever had this place before, and nothing else of it."""
        if self._cells.is_successor:
            self._cells.add(1, "evergreen_worker_restarts_total")
        for series in self._cells.series():
            if series[0].startswith("worker.") or (series[0] in BY_NAME and BY_NAME[series[0]].kind == "gauge"):
                self._cells.set(math.nan, *series)

    def _request(self, route: str, status: int) -> tuple[int, Histogram]:
        known = route if route in self._routes else OTHER
        code = str(status) if 100 <= status <= 599 else OTHER
        found = (
            self._cells.at("evergreen_requests_total", known, code),
            histogram(self._cells, "evergreen_request_seconds", SECONDS, known),
        )
        if known == route and code != OTHER:  # what callers make up is not remembered
            self._requests[route, status] = found
        return found

    def _adopt(self, served: Answering) -> Meter:
        self._meter = Meter(self._cells, served.release, served.model, reference_of(served.model))
        return self._meter

    def _count(self, name: str, value: str) -> None:
        found = self._causes.get((name, value))
        if found is None:
            n_known = sum(known == name for known, _ in self._causes)
            found = self._cells.at(name, value if n_known < MOST_VALUES else OTHER)
            if n_known < MOST_VALUES:
                self._causes[name, value] = found
        self._cells.values[found] += 1
