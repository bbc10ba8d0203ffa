"""A variant's own thread: what it does there, and how long, is nobody's trouble but that of its own rows."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from evergreen.decisions.rollout.traffic import Why
from evergreen.learning.evaluation.estimates import Estimates
from serving.reading import Scalar
from serving.served import Served

LONGEST_SECONDS = 10.0  # that a row waits for a variant of which nobody said how long it may take
MOST_ROWS = 2_000  # that a variant is asked together
Rows = Sequence[Sequence[Scalar]]
log = logging.getLogger(__name__)


class Ask:
    """Rows for a variant. `told` is called once, in the event loop: with their estimates, or why there are none."""

    def __init__(self, rows: Rows, told: Callable[[Estimates | Why], object]) -> None:
        self.rows, self._told = rows, told
        self.timer: asyncio.TimerHandle | None = None
        self.is_over = False

    def end(self, said: Estimates | Why) -> None:
        """Tell what came of it; what comes later is not told."""
        if not self.is_over:
            self.is_over = True
            if self.timer is not None:
                self.timer.cancel()
            self._told(said)


class Lane:
    """Asks one variant, a batch at a time, in a thread of its own.

    While a batch takes longer than its rows may wait, every other row is told so at once: a variant that hangs costs
    one wait, and not one for each request.

    Parameters
    ----------
    took : told, in the event loop, of each batch in how many seconds it was answered, in time or not.
    """

    def __init__(self, served: Served, loop: asyncio.AbstractEventLoop, took: Callable[[float], object]) -> None:
        self.served, self._loop, self._took = served, loop, took
        self._asked: SimpleQueue[Ask | None] = SimpleQueue()
        self._under_way: list[Ask] = []
        self._is_late = False
        name = f"variant-{served.release.version}"
        self._thread = threading.Thread(target=self._answer_for_ever, name=name, daemon=True)
        self._thread.start()

    def ask(self, ask: Ask, seconds: float = LONGEST_SECONDS) -> None:
        """Have rows answered within so many seconds; called in the event loop, which is not held up."""
        if self._is_late:
            self._loop.call_soon(ask.end, "slow")
            return
        ask.timer = self._loop.call_later(seconds, self._expire, ask)
        self._asked.put(ask)

    def close(self) -> None:
        """End the thread once it has answered what it was asked; one that hangs ends with the process."""
        self._asked.put(None)

    def _expire(self, ask: Ask) -> None:
        self._is_late = self._is_late or ask in self._under_way
        ask.end("slow")

    def _answer_for_ever(self) -> None:
        threadpool_limits(1)
        while True:
            batch, is_last = self._next()
            if batch:
                self._under_way = batch
                began = perf_counter()
                said = self._said(batch)
                self._in_loop(self._done, batch, said, perf_counter() - began)
            if is_last:
                return

    def _next(self) -> tuple[list[Ask], bool]:
        """Return what is asked together: all that waits, but for what nobody waits for any more."""
        batch: list[Ask] = []
        ask = self._asked.get()
        while ask is not None:
            if not ask.is_over:
                batch.append(ask)
            if self._asked.empty() or sum(len(each.rows) for each in batch) >= MOST_ROWS:
                return batch, False
            ask = self._asked.get()
        return batch, True

    def _said(self, batch: Sequence[Ask]) -> list[Estimates | Why]:
        rows = [row for ask in batch for row in ask.rows]
        try:
            estimates = self.served.estimate(rows)
            if len(estimates.values) != len(rows):
                raise ValueError(f"{len(estimates.values)} estimates of {len(rows)} rows")
        except Exception:
            if len(batch) > 1:
                return [said for ask in batch for said in self._said([ask])]
            log.debug("version %d cannot answer", self.served.release.version, exc_info=True)
            return ["error"]
        ends = np.cumsum([len(ask.rows) for ask in batch])[:-1]
        return [Estimates(estimates.task, part, estimates.classes) for part in np.split(estimates.values, ends)]

    def _done(self, batch: Sequence[Ask], said: Sequence[Estimates | Why], seconds: float) -> None:
        self._is_late = False
        self._took(seconds)
        for ask, its in zip(batch, said, strict=True):
            ask.end(its)

    def _in_loop(self, call: Callable[..., object], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            self._loop.call_soon_threadsafe(call, *arguments)
