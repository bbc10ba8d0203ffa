"""What other variants would have said of answered rows: asked off the path of any request, and told to nobody.

A shadow has a twenty-fifth of a core and a queue of so many rows. What comes while that is full is dropped and counted;
no request waits for it, and none is answered another way because of it.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, perf_counter, thread_time
from typing import Any, Literal

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from evergreen.base.errors import ResourceError
from evergreen.decisions.rollout.traffic import Arm
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Shadowed
from serving.answers import predicted
from serving.metrics import Metrics
from serving.reading import Scalar
from serving.routing import Routing
from serving.served import Served

MOST_WAITING = 20_000  # rows
MOST_ROWS = 250  # asked, and written, together
SHARE = 0.04  # of a core
SLICE_SECONDS = 0.02  # of that in one go: fewer rows of a model that takes long for each
PAUSE_SECONDS = 0.02  # in which rows gather: many together cost a fraction of what they cost alone
DRAIN_SECONDS = 2.0
Row = Sequence[Scalar]
Why = Literal["full", "log", "end"]
log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Rows of one request that the champion answered, their ids, and when it came."""

    rows: Sequence[Row]
    ids: Sequence[str]
    received_us: int


class Shadows:
    """Asks the shadows of one routing about rows that were answered, in a thread of its own, and writes what they say.

    `waiting`: rows about which nobody was asked yet. It is made in the event loop.
    """

    def __init__(self, routing: Routing, writes: PredictionLog, metrics: Metrics) -> None:
        self.routing, self.waiting = routing, 0
        self._log, self._metrics = writes, metrics
        self._seen: deque[Seen] = deque()
        self._per_row = 0.0  # seconds of CPU
        self._lock, self._wake, self._ending = threading.Lock(), threading.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._ask_until_the_end, name="shadows", daemon=True)
        self._thread.start()

    def offer(self, seen: Seen) -> None:
        """Take rows that were answered, or drop them; called in the event loop, which it takes a microsecond of."""
        n = len(seen.rows)
        if self._ending.is_set() or self.waiting + n > MOST_WAITING:
            self._metrics.shadow_dropped("end" if self._ending.is_set() else "full", n)
            return
        with self._lock:
            self.waiting += n
            self._seen.append(seen)
        if not self._wake.is_set():
            self._wake.set()

    def end(self) -> None:
        """Take nothing any more; what waits is asked about for two seconds at most, and the rest is dropped."""
        self._ending.set()
        self._wake.set()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until it has ended; one that hangs ends with the process."""
        self._thread.join(DRAIN_SECONDS + 0.5)

    def _ask_until_the_end(self) -> None:
        threadpool_limits(1)
        while not self._ending.is_set():
            self._wake.wait()
            self._wake.clear()
            while not self._ending.is_set() and (batch := self._taken()):
                spent = self._ask(batch)
                self._ending.wait(max(PAUSE_SECONDS, spent / SHARE))
        deadline = monotonic() + DRAIN_SECONDS
        while monotonic() < deadline and (batch := self._taken()):
            self._ask(batch)
        with self._lock:
            left, self.waiting = self.waiting, 0
            self._seen.clear()
        self._drop("end", left)

    def _taken(self) -> list[Seen]:
        """Return what is asked next: so many rows as a slice of time has room for."""
        most = min(MOST_ROWS, int(SLICE_SECONDS / self._per_row)) if self._per_row else MOST_ROWS
        batch: list[Seen] = []
        n = 0
        with self._lock:
            while self._seen and (not batch or n + len(self._seen[0].rows) <= most):
                n += len(self._seen[0].rows)
                batch.append(self._seen.popleft())
            self.waiting -= n
        return batch

    def _ask(self, batch: Sequence[Seen]) -> float:
        """Ask every shadow about a batch, and write what they say; return the seconds of CPU that it took."""
        began = thread_time()
        said = [
            record
            for arm in self.routing.shadows
            for record in Asked(arm, self.routing, batch, self._in_loop, self._metrics).answers()
        ]
        try:
            self._log.append_shadows(self.routing.champion.columns, said)
        except ResourceError as error:
            log.debug("what was shadowed is not kept: %s", error)
            self._drop("log", sum(len(seen.rows) for seen in batch))
        spent = thread_time() - began
        self._per_row = spent / sum(len(seen.rows) for seen in batch)
        return spent

    def _drop(self, why: Why, n: int) -> None:
        if n:
            self._in_loop(self._metrics.shadow_dropped, why, n)

    def _in_loop(self, call: Callable[..., object], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody reads what it counted
            self._loop.call_soon_threadsafe(call, *arguments)


class Asked:
    """One variant, asked about the rows of some requests."""

    def __init__(
        self, arm: Arm, routing: Routing, batch: Sequence[Seen], in_loop: Callable[..., None], metrics: Metrics
    ) -> None:
        self._arm, self._routing, self._batch = arm, routing, batch
        self._in_loop, self._metrics = in_loop, metrics
        self._served: Served = routing.variants[arm.name]

    def answers(self) -> list[Shadowed]:
        """Return what it says of every row, in their order."""
        rows = self._routing.rows_for(self._arm.name, [row for seen in self._batch for row in seen.rows])
        alone = rows[: len(self._batch[0].rows)]
        began = perf_counter()
        with suppress(Exception):  # it is asked again below, and what it raises is told there
            self._served.estimate(alone)
        seconds = perf_counter() - began
        self._in_loop(self._metrics.variant_took, self._arm.name, seconds)
        said = self._estimated(rows)
        self._in_loop(self._metrics.variant_answered, self._arm.name, len(rows))
        records = self._records(said, int(seconds * 1e6))
        n_errors = sum(record.error is not None for record in records)
        if n_errors:
            self._in_loop(self._metrics.variant_failed, self._arm.name, n_errors)
        return records

    def _estimated(self, rows: Sequence[Row]) -> list[Estimates | str]:
        """Return estimates of the rows together, or of each alone where they fail together, or what it raised."""
        try:
            together = self._served.estimate(rows)
            if len(together.values) != len(rows):
                raise ValueError(f"{len(together.values)} estimates of {len(rows)} rows")
        except Exception as error:
            log.debug("version %d cannot answer", self._served.release.version, exc_info=True)
            if len(rows) == 1:
                return [type(error).__name__]
            return [said for row in rows for said in self._estimated([row])]
        return [together]

    def _records(self, said: Sequence[Estimates | str], latency_us: int) -> list[Shadowed]:
        release, rule = self._served.release, self._routing.traffic.rule
        who = (release.model, release.version, release.model_digest, self._arm.name)
        about = ((name, seen.received_us) for seen in self._batch for name in seen.ids)
        records = []
        for part in said:
            given = [(None, None, None, part)] if isinstance(part, str) else told(part, release.threshold)
            for (label, probability, value, error), (name, received_us) in zip(given, about, strict=False):
                what = (label, probability, value, latency_us, rule, error)
                records.append(Shadowed(name, received_us, *who, *what))
        return records


def told(estimates: Estimates, threshold: float) -> list[tuple[Any, Any, Any, str | None]]:
    """Return label, probability and value of each estimate, or that it is no finite number."""
    answers = predicted([""] * len(estimates.values), estimates, threshold)
    return [
        (*answer.logged[:3], None) if is_known else (None, None, None, "no number")
        for answer, is_known in zip(answers, known(estimates), strict=True)
    ]


def known(estimates: Estimates) -> list[bool]:
    """Return of each row whether its estimate is finite."""
    values = estimates.values
    found: list[bool] = np.isfinite(values.reshape(len(values), -1)).all(axis=1).tolist()
    return found
