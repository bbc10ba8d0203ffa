"""What other variants would have said of answered rows: asked off the path of any request, and told to nobody.

Shadows have a hundredth of a core, less while their service is busy, and a queue of so many rows. What comes while that
is full is dropped and counted; no request waits for it, and none is answered another way because of it.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, repeat
from math import inf
from time import monotonic, perf_counter, process_time, thread_time
from typing import Any, Literal

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from evergreen.base.errors import ResourceError
from evergreen.decisions.rollout.traffic import Arm
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.record.predictions.log import PredictionLog
from serving.answers import Predicted
from serving.deciding import Kept
from serving.metrics import Metrics
from serving.reading import Scalar
from serving.routing import Routing
from serving.served import Served

MOST_WAITING = 2_000  # rows; those of one batch more
MOST_ROWS = 500  # asked, and written, together
SHARE = 0.01  # of a core that is idle otherwise
LEAST_SHARE = 0.003  # of one that is not: what it costs those who wait for the interpreter is several times that
SLICE_SECONDS = 0.02  # of that in one go: fewer rows of a model that takes long for each
PAUSE_SECONDS = 0.1  # in which rows gather: many together cost a fraction of what they cost alone
FEW = 200  # rows that are asked one by one; above, column by column
DRAIN_SECONDS = 2.0
Row = Sequence[Scalar]
Record = tuple[Any, ...]  # the fields of `Shadowed`: a thousand of them cost a tenth of what a thousand objects do
Told = tuple[list[Any], list[Any], list[Any], list[Any]]  # label, probability, value, and why there is none
Why = Literal["full", "log", "end"]
NO_NUMBER = "no number"
log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Rows that were answered together, what the champion answered, and of each request when it came, and its rows."""

    rows: Sequence[Row]
    answers: Sequence[Predicted | Kept]
    requests: Sequence[tuple[int, int]]

    def split(self, most: int) -> "tuple[Seen, Seen | None]":
        """Return its first requests, of so many rows together but one request at least, and the rest."""
        n = 0
        for at, (_, n_rows) in enumerate(self.requests):
            if at and n + n_rows > most:
                rest = Seen(self.rows[n:], self.answers[n:], self.requests[at:])
                return Seen(self.rows[:n], self.answers[:n], self.requests[:at]), rest
            n += n_rows
        return self, None


class Shadows:
    """Asks the shadows of one routing about rows that were answered, in a thread of its own, and writes what they say.

    It is made in the event loop, which counts what is offered; the thread counts what it took. So neither waits for
    the other.
    """

    def __init__(self, routing: Routing, writes: PredictionLog, metrics: Metrics) -> None:
        self.routing = routing
        self._log, self._metrics = writes, metrics
        self._seen: deque[Seen] = deque()
        self._per_row = 0.0  # seconds of CPU
        self._n_offered = self._n_taken = 0  # rows
        self._is_over = False
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._until = inf
        self._clocks = monotonic(), process_time()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._ask_until_the_end, name="shadows", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows about which nobody was asked yet."""
        return self._n_offered - self._n_taken

    def offer(self, seen: Seen) -> None:
        """Take rows that were answered, or drop them; called in the event loop, which it takes a microsecond of."""
        n = len(seen.rows)
        if self._n_offered - self._n_taken >= MOST_WAITING or self._is_over:
            self._metrics.shadow_dropped("end" if self._is_over else "full", n)
            return
        self._n_offered += n
        self._seen.append(seen)
        if not self._wake.is_set():
            self._wake.set()

    def end(self) -> None:
        """Take nothing any more; what waits is asked about for two seconds, at the same pace, and the rest dropped."""
        self._until = monotonic() + DRAIN_SECONDS
        self._is_over = True
        self._wake.set()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Have it end without pauses, because nobody is answered any more; one that hangs ends with the process."""
        self._hurry.set()
        self._thread.join(DRAIN_SECONDS + 0.5)

    def _ask_until_the_end(self) -> None:
        threadpool_limits(1)
        is_over = False
        while not is_over:
            self._wake.wait()
            self._wake.clear()
            is_over = self._is_over
            while monotonic() < self._until and (batch := self._taken()):
                spent = self._ask(batch)
                self._hurry.wait(max(PAUSE_SECONDS, spent / self._share(spent)))
        left = [self._seen.popleft() for _ in range(len(self._seen))]
        self._n_taken += (n := sum(len(seen.rows) for seen in left))
        self._drop("end", n)

    def _share(self, spent: float) -> float:
        """Return the part of a core that is theirs until the next batch: the less, the more their service uses."""
        (before, used), self._clocks = self._clocks, (monotonic(), process_time())
        now, used_now = self._clocks
        return share((used_now - used - spent) / (now - before))

    def _taken(self) -> list[Seen]:
        """Return what is asked next: so many rows as a slice of time has room for."""
        most = min(MOST_ROWS, max(1, int(SLICE_SECONDS / self._per_row))) if self._per_row else MOST_ROWS
        batch: list[Seen] = []
        n = 0
        while self._seen and n < most:
            seen, rest = self._seen.popleft().split(most - n)
            if rest is not None:
                self._seen.appendleft(rest)
            n += len(seen.rows)
            batch.append(seen)
        self._n_taken += n
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

    def answers(self) -> list[Record]:
        """Return the records of what it says of every row, in their order."""
        rows = self._routing.rows_for(self._arm.name, [row for seen in self._batch for row in seen.rows])
        alone = rows[: self._batch[0].requests[0][1]]
        began = perf_counter()
        with suppress(Exception):  # it is asked again below, and what it raises is told there
            self._served.estimate(alone)
        seconds = perf_counter() - began
        self._in_loop(self._metrics.variant_took, self._arm.name, seconds)
        said = self._estimated(rows)
        self._in_loop(self._metrics.variant_answered, self._arm.name, len(rows))
        labels, probabilities, values, errors = (list(chain(*column)) for column in zip(*said, strict=True))
        n_errors = len(errors) - errors.count(None)
        if n_errors:
            self._in_loop(self._metrics.variant_failed, self._arm.name, n_errors)
        release = self._served.release
        who = map(repeat, (release.model, release.version, release.model_digest, self._arm.name))
        names = [answer.prediction_id for seen in self._batch for answer in seen.answers]
        times = [us for seen in self._batch for us, n in seen.requests for _ in range(n)]
        how = map(repeat, (int(seconds * 1e6), self._routing.traffic.rule))
        return list(zip(names, times, *who, labels, probabilities, values, *how, errors, strict=False))

    def _estimated(self, rows: Sequence[Row]) -> list[Told]:
        """Return what it says of the rows together, or of each alone where they fail together, or what it raised."""
        try:
            together = self._served.estimate(rows) if len(rows) <= FEW else self._served.estimate_many(rows)
            if len(together.values) != len(rows):
                raise ValueError(f"{len(together.values)} estimates of {len(rows)} rows")
            return [told(together, self._served.release.threshold)]
        except Exception as error:
            log.debug("version %d cannot answer", self._served.release.version, exc_info=True)
            if len(rows) == 1:
                return [([None], [None], [None], [type(error).__name__])]
            return [said for row in rows for said in self._estimated([row])]


def share(busy: float) -> float:
    """Return the part of a core for the shadows of a service that uses so much of one itself.

    >>> share(0), share(0.5), share(1.3)
    (0.01, 0.005, 0.003)
    """
    return max(LEAST_SHARE, SHARE * (1 - busy))


def told(estimates: Estimates, threshold: float) -> Told:
    """Return label, probability and value of each estimate; of what is not finite only that it is no number."""
    n, nothing = len(estimates.values), [None] * len(estimates.values)
    is_known = known(estimates)
    said: Told
    if estimates.task == "regression":
        said = (nothing, nothing, estimates.values.tolist(), nothing)
    elif estimates.task == "binary":
        said = ((estimates.values >= threshold).tolist(), estimates.values.tolist(), nothing, nothing)
    else:
        chosen = estimates.values.argmax(axis=1).tolist()
        said = ([estimates.classes[at] for at in chosen], estimates.values.max(axis=1).tolist(), nothing, nothing)
    if all(is_known):
        return said
    kept = [[value if is_it else None for value, is_it in zip(column, is_known, strict=True)] for column in said[:3]]
    return kept[0], kept[1], kept[2], [None if is_known[at] else NO_NUMBER for at in range(n)]


def known(estimates: Estimates) -> list[bool]:
    """Return of each row whether its estimate is finite."""
    values = estimates.values
    found: list[bool] = np.isfinite(values.reshape(len(values), -1)).all(axis=1).tolist()  # type: ignore[assignment]  # to its stubs it is one value
    return found
