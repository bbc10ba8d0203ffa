"""Requests that meet are predicted together, and logged with one write before any of them is answered."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter, time_ns
from typing import Any

from threadpoolctl import threadpool_limits

from evergreen.base.errors import ResourceError
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged, Source
from serving.answers import Predicted, predicted
from serving.decoding import Decoded
from serving.metrics import Metrics
from serving.served import Served

QUICK_ROWS = 64  # predicted on the event loop; more of them go to a thread
MAX_BATCH_ROWS = 4_000


@dataclass(frozen=True, slots=True)
class About:
    """Where rows came from: the request's id, its door, and when it came, in microseconds since 1970."""

    request_id: str
    source: Source
    received_us: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request's rows, the release that is to answer them, and where the answer goes."""

    served: Served
    decoded: Decoded
    about: About
    answer: "asyncio.Future[list[Predicted]]" = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a batch was answered, all rows in one list, and the seconds that model and log took."""

    estimates: Estimates
    answers: list[Predicted]
    seconds: float


Outcome = Answered | Exception


class Batcher:
    """Answers rows. Nobody waits for a batch to fill: it is made of what came while others were read or answered.

    `writes` is None where predictions are not logged.
    """

    def __init__(self, writes: PredictionLog | None, metrics: Metrics) -> None:
        self._log, self._metrics = writes, metrics
        self._waiting: list[Waiting] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict", initializer=_one_core)
        self._is_busy = self._is_called = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def submit(self, served: Served, decoded: Decoded, about: About) -> "asyncio.Future[list[Predicted]]":
        """Return where the answers of rows will be, which `served` gives, in their order.

        It raises ResourceError if they could not be logged.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Predicted]] = loop.create_future()
        self._waiting.append(Waiting(served, decoded, about, answer))
        if not self._is_called and not self._is_busy:
            self._is_called = True
            self._is_idle.clear()
            loop.call_soon(self._next)
        return answer

    async def close(self) -> None:
        """Answer what waits; nothing may be submitted afterwards."""
        await self._is_idle.wait()
        self._thread.shutdown()

    def _next(self) -> None:
        """Answer what waits now: here if it is little, else in the thread, during which more may come."""
        self._is_called = False
        while batch := self._take():
            n_rows = sum(len(waiting.decoded.rows) for waiting in batch)
            if n_rows > QUICK_ROWS or not batch[0].served.is_quick:
                self._is_busy = True
                done = asyncio.get_running_loop().run_in_executor(self._thread, self._outcomes, batch)
                done.add_done_callback(lambda done, batch=batch: self._done(batch, done.result()))  # type: ignore[misc]
                return
            self._settle(batch, self._outcomes(batch))
        self._is_idle.set()

    def _done(self, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        self._is_busy = False
        self._settle(batch, outcomes)
        self._next()

    def _take(self) -> list[Waiting]:
        """Return what is answered next: requests of one release, in the order in which they came."""
        batch: list[Waiting] = []
        left: list[Waiting] = []
        n_rows = 0
        for waiting in self._waiting:
            if waiting.answer.done():  # its caller gave up
                continue
            n = len(waiting.decoded.rows)
            if batch and (waiting.served is not batch[0].served or n_rows + n > MAX_BATCH_ROWS):
                left.append(waiting)
            else:
                batch.append(waiting)
                n_rows += n
        self._waiting = left
        return batch

    def _outcomes(self, batch: list[Waiting]) -> list[Outcome]:
        """Return what becomes of the requests of a batch: one that cannot be answered must not fail the others."""
        try:
            return [self._answer(batch)]
        except ResourceError as error:
            return [error]
        except Exception as error:
            if len(batch) == 1:
                return [error]
        return [outcome for alone in batch for outcome in self._outcomes([alone])]

    def _answer(self, batch: list[Waiting]) -> Answered:
        began = perf_counter()
        served = batch[0].served
        rows = [row for waiting in batch for row in waiting.decoded.rows]
        estimates = served.estimate(rows)
        ids = new_ids(len(rows)) if self._log is None else self._log.new_ids(len(rows))
        answers = predicted(ids, estimates, served.release.threshold)
        if self._log is not None:
            self._log.append(served.columns, _records(batch, answers))
        return Answered(estimates, answers, perf_counter() - began)

    def _settle(self, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        """Give every request of a batch its outcome: that of all of them, or its own."""
        together = [batch] if len(outcomes) == 1 else [[alone] for alone in batch]
        for requests, outcome in zip(together, outcomes, strict=True):
            if isinstance(outcome, Exception):
                for waiting in requests:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(outcome)
                continue
            begin = 0
            for waiting in requests:
                end = begin + len(waiting.decoded.rows)
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome.answers[begin:end])
                begin = end
            self._count(requests, outcome)

    def _count(self, requests: list[Waiting], answered: Answered) -> None:
        rows = [row for waiting in requests for row in waiting.decoded.rows]
        self._metrics.predicted(requests[0].served, answered.estimates.values, rows)
        self._metrics.batched(len(rows), answered.seconds)


def _records(batch: list[Waiting], answers: list[Predicted]) -> list[Logged]:
    """Return what is logged of the rows of a batch, in their order."""
    now_us, at = time_ns() // 1_000, 0
    records = []
    for waiting in batch:
        served, about = waiting.served, waiting.about
        release, time_at = served.release, served.decoder.time
        latency = max(0, now_us - about.received_us)
        for row, keys in zip(waiting.decoded.rows, waiting.decoded.keys, strict=True):
            answer = answers[at]
            at += 1
            event_us: Any = None if time_at is None else row[time_at]
            what = (answer.prediction_id, about.received_us, release.model, release.version, release.model_digest)
            how = (latency, about.source, about.request_id)
            records.append(Logged(*what, row, keys, event_us, *answer.logged, *how))  # type: ignore[call-arg]  # counts them
    return records


def new_ids(n: int) -> list[str]:
    """Return ids for rows that are not logged: 32 hex digits, which nobody can guess."""
    drawn = os.urandom(16 * n).hex()
    return [drawn[begin : begin + 32] for begin in range(0, 32 * n, 32)]


def _one_core() -> None:
    """Keep OpenMP and BLAS to the thread that calls them.

    With a thread per core they spin at barriers: on busy cores a request of 8 ms then took seconds at the 99th percent.
    """
    threadpool_limits(1)
