"""The model that answers: loaded once, asked for many requests at a time, and never answered from before the log."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from threadpoolctl import threadpool_limits

from evergreen.base.errors import ResourceError
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release, load_release
from evergreen.record.predictions.log import Prediction, PredictionLog
from serving.metrics import Metrics

log = logging.getLogger(__name__)
Row = dict[str, Any]
MAX_BATCH_ROWS = 4_000


@dataclass(frozen=True)
class Waiting:
    """A request's rows and where its answer goes."""

    rows: list[Row]
    answer: "asyncio.Future[Sequence[Prediction]]"


class Predictor:
    """A release in memory and the log of its answers.

    While one batch is predicted, in a thread, new requests wait and become the next batch together: the fixed cost of
    a prediction, most of it for a single row, is then paid once for all of them. Nobody waits for a batch to fill.
    """

    def __init__(self, release: Release, model: Model, *, log_folder: Path, metrics: Metrics) -> None:
        self.release, self.model = release, model
        self._log = PredictionLog(log_folder)
        self._metrics = metrics
        self._waiting: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict", initializer=_one_core)
        self._draining: asyncio.Task[None] | None = None

    @classmethod
    def load(cls, bundle: Path, *, log_folder: Path, metrics: Metrics) -> "Predictor":
        """Return the predictor of a bundle: a folder with ``release.json`` and ``model/``.

        Raises
        ------
        IntegrityError if the bundle is damaged; ResourceError if the log cannot be written.
        """
        release, model = load_release(bundle)
        log.info("serving %s version %d, digest %s", release.model, release.version, release.model_digest[:12])
        predictor = cls(release, model, log_folder=log_folder, metrics=metrics)
        metrics.loaded(predictor, since=bundle.stat().st_mtime)
        return predictor

    async def predict(self, rows: list[Row]) -> Sequence[Prediction]:
        """Return the logged predictions of validated rows, in their order.

        Raises
        ------
        ResourceError if they could not be logged.
        """
        waiting = Waiting(rows, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await waiting.answer

    async def close(self) -> None:
        """Answer what waits, then close the log."""
        if self._draining is not None:
            await self._draining
        self._thread.shutdown()
        self._log.close()

    async def _drain(self) -> None:
        while batch := self._next_batch():
            try:
                await self._answer(batch)
            except ResourceError as error:
                _fail(batch, error)
            except Exception as error:
                if len(batch) == 1:
                    _fail(batch, error)
                    continue
                for alone in batch:  # one request's rows must not fail another's
                    try:
                        await self._answer([alone])
                    except Exception as its_own:
                        _fail([alone], its_own)

    def _next_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        n_rows = 0
        while self._waiting and (not batch or n_rows + len(self._waiting[0].rows) <= MAX_BATCH_ROWS):
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
                n_rows += len(waiting.rows)
        return batch

    async def _answer(self, batch: list[Waiting]) -> None:
        rows = [row for waiting in batch for row in waiting.rows]
        predicted = await asyncio.get_running_loop().run_in_executor(self._thread, self._predict_and_log, rows)
        begin = 0
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_result(predicted[begin : begin + len(waiting.rows)])
            begin += len(waiting.rows)

    def _predict_and_log(self, rows: list[Row]) -> Sequence[Prediction]:
        import pandas as pd

        started = perf_counter()
        estimates = self.model.predict(pd.DataFrame.from_records(rows))
        answers = estimates.answers(self.release.threshold)
        columns = {field: values.tolist() for field, values in answers.items()}
        now = datetime.now(UTC)
        predicted = [
            Prediction(
                prediction_id=uuid4().hex,
                at=now,
                model=self.release.model,
                version=self.release.version,
                model_digest=self.release.model_digest,
                features=row,
                **dict(zip(columns, answer, strict=True)),
            )
            for row, answer in zip(rows, zip(*columns.values(), strict=True), strict=True)
        ]
        self._log.append(predicted)
        names = [column.name for column in (*self.model.contract.request_columns, *self.model.given)]
        self._metrics.batched(len(rows), perf_counter() - started)
        self._metrics.predicted(self, estimates.values, [[row.get(name) for name in names] for row in rows])
        return predicted


def _one_core() -> None:
    """Keep OpenMP and BLAS to the thread that calls them.

    With a thread per core they spin at barriers: on busy cores a request of 8 ms then took seconds at the 99th percent.
    """
    threadpool_limits(1)


def _fail(batch: list[Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
