"""Requests that meet are predicted together, and logged with one write before any of them is answered.

Where traffic is divided, rows of other variants than the champion are asked in those variants' own threads first. What
they do not answer in time, the champion does.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter, time_ns
from typing import Any

import msgspec
from threadpoolctl import threadpool_limits

from evergreen.base.errors import ResourceError
from evergreen.decisions.automation.degrees import Automation
from evergreen.decisions.rollout.traffic import CHAMPION
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged, Source
from serving.answers import Predicted, RequestError, Shown, predicted
from serving.deciding import Decided, Kept, decide, decide_each
from serving.decoding import Decoded
from serving.dividing import Divided, Variants
from serving.metrics import Metrics
from serving.reading import Scalar
from serving.routing import Routing
from serving.served import Served
from serving.shadowing import Seen, Shadows

FEW_BYTES = 4_096  # of a body that does not wait behind larger ones
QUICK_BYTES = 32_768  # of bodies that the event loop answers in one go, in some milliseconds; a larger one: the thread
THREAD_BYTES = 1_000_000  # of bodies that the thread answers together
Read = Callable[[], Decoded]


class About(msgspec.Struct, frozen=True, gc=False):
    """Where rows came from: the request's id, its door, and when it came, in microseconds since 1970."""

    request_id: str
    source: Source
    received_us: int


class Waiting(msgspec.Struct, eq=False):
    """A request: the release that is to answer it, what reads its rows, how many bytes these are, and where the answer
    goes. `decoded` are its rows once they are read, `divided` who answers which where `routing` divides them.
    """

    served: Served
    read: Read
    n_bytes: int
    about: About
    answer: "asyncio.Future[Sequence[Shown]]"
    routing: Routing | None = None
    decoded: Decoded | None = None
    divided: Divided | None = None


class Answered(msgspec.Struct, eq=False):
    """Requests that were answered together, and the seconds that it took.

    `rows`: those that the champion answered, with its `estimates`; None where it answered none.
    """

    requests: list[Waiting]
    rows: Sequence[Sequence[Scalar]]
    estimates: Estimates | None
    decided: Decided
    seconds: float


class Away(msgspec.Struct, eq=False):
    """Requests with rows that other variants are to be asked about."""

    requests: list[Waiting]


class Failed(msgspec.Struct, eq=False):
    """Requests that have no answer."""

    requests: list[Waiting]
    error: Exception


Outcome = Answered | Away | Failed


class Batcher:
    """Answers requests. Nobody waits for a batch to fill: it is made of what came while others were answered, or read.

    Bodies are read when it is their turn, so many a turn of the event loop that it has time for everybody else; those
    of few rows and those of more have a part of each turn, and what is large goes to a thread.
    `writes` is None where predictions are not logged. `automation`: who decides on what is answered from now on; None
    for the model, on every row.
    """

    def __init__(self, writes: PredictionLog | None, metrics: Metrics, automation: Automation | None = None) -> None:
        self._log, self._metrics, self.automation = writes, metrics, automation
        self._few: list[Waiting] = []
        self._more: list[Waiting] = []
        self._large: list[Waiting] = []
        self._is_called = self._is_busy = False
        self._n_away = 0
        self._routing: Routing | None = None
        self._variants = Variants(metrics)
        self._shadows: Shadows | None = None
        self._ending: list[Shadows] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict", initializer=_one_core)
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    @property
    def shadows_wait(self) -> int:
        """How many rows no shadow has been asked about yet."""
        return self._shadows.waiting if self._shadows else 0

    def route(self, routing: Routing | None) -> None:
        """Divide what comes from now on; called in the event loop. What is under way keeps what it began with."""
        self._routing = routing
        self._variants.route(routing)
        if self._shadows is not None:
            self._shadows.end()
            self._ending = [each for each in (*self._ending, self._shadows) if each.is_alive]
            self._shadows = None
        if routing is not None and routing.shadows and self._log is not None:
            self._shadows = Shadows(routing, self._log, self._metrics)

    def submit(
        self, served: Served, read: Read, n_bytes: int, about: About, *, whole: bool = False
    ) -> "asyncio.Future[Sequence[Shown]]":
        """Return where the answers of the rows that `read` returns will be, in their order.

        `served` gives them, or the variants of its routing do; `whole`: no other than `served`. It raises what `read`
        raises, and ResourceError if they could not be logged.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Shown]] = loop.create_future()
        routing = self._routing
        if routing is not None and (routing.champion is not served or (whole and routing.divides)):
            routing = None
        self._queue(Waiting(served, read, n_bytes, about, answer, routing))
        self._call(loop)
        return answer

    def _queue(self, waiting: Waiting) -> None:
        served, n_bytes = waiting.served, waiting.n_bytes
        if n_bytes > QUICK_BYTES or not served.is_quick:
            self._large.append(waiting)
        else:
            (self._few if n_bytes <= FEW_BYTES else self._more).append(waiting)

    async def close(self) -> None:
        """Answer what waits; nothing may be submitted afterwards."""
        await self._is_idle.wait()
        self._thread.shutdown()
        self.route(None)
        for shadows in self._ending:
            await asyncio.to_thread(shadows.join)

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_called:
            self._is_called = True
            self._is_idle.clear()
            loop.call_soon(self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer a request that is alone now; where several wait, after those could join them that the loop reads next.

        Without it callers who ask again once they are answered fall into two halves, each read while the other is
        answered.
        """
        if len(self._few) + len(self._more) > 1:
            loop.call_soon(self._turn, loop)
        else:
            self._turn(loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer some of what waits here, and have the thread answer some of what is large."""
        self._is_called = False
        if self._large and not self._is_busy:
            batch, self._large = _taken(self._large, THREAD_BYTES)
            if batch:
                self._is_busy = True
                done = loop.run_in_executor(self._thread, self._outcomes, batch)
                done.add_done_callback(lambda done: self._done(loop, done.result()))
        for queue in (self._few, self._more):
            if queue:
                batch, queue[:] = _taken(queue, QUICK_BYTES)
                self._settle(self._outcomes(batch))
        if self._few or self._more:
            self._call(loop)
        elif not self._is_busy and not self._n_away:
            self._is_idle.set()

    def _done(self, loop: asyncio.AbstractEventLoop, outcomes: list[Outcome]) -> None:
        self._is_busy = False
        self._settle(outcomes)
        self._call(loop)

    def _outcomes(self, batch: list[Waiting]) -> list[Outcome]:
        """Return what becomes of the requests of a batch: one that cannot be read must not fail the others."""
        outcomes: list[Outcome] = []
        read = []
        for waiting in batch:
            try:
                if waiting.decoded is None:
                    waiting.decoded = waiting.read()
                read.append(waiting)
            except RequestError as refused:
                outcomes.append(Failed([waiting], refused.bare()))
            except Exception as error:
                outcomes.append(Failed([waiting], error))
        if read and read[0].routing is not None and read[0].routing.divides:
            here: list[Waiting] = []
            away: list[Waiting] = []
            for waiting in read:
                is_new, divided = waiting.divided is None, self._divided(waiting, read[0].routing)
                (away if is_new and not divided.is_the_champions else here).append(waiting)
            outcomes += [Away(away)] if away else []
            read = here
        return outcomes + self._predicted(read) if read else outcomes

    def _divided(self, waiting: Waiting, routing: Routing) -> Divided:
        """Return who is to answer each row of a request, which is drawn once."""
        if waiting.divided is None:
            assert waiting.decoded is not None
            waiting.divided = Divided.of(routing, waiting.decoded, self._new_ids(len(waiting.decoded.rows)))
        return waiting.divided

    def _new_ids(self, n: int) -> list[str]:
        return new_ids(n) if self._log is None else self._log.new_ids(n)

    def _predicted(self, batch: list[Waiting]) -> list[Outcome]:
        """Return what becomes of requests that were read: one that cannot be answered must not fail the others."""
        try:
            return [self._answer(batch)]
        except ResourceError as error:
            return [Failed(batch, error)]
        except Exception as error:
            if len(batch) == 1:
                return [Failed(batch, error)]
        return [outcome for alone in batch for outcome in self._predicted([alone])]

    def _answer(self, batch: list[Waiting]) -> Answered:
        began = perf_counter()
        served = batch[0].served
        rows = [row for waiting in batch for row in waiting.decoded.rows]  # type: ignore[union-attr]  # it is read
        if batch[0].divided is not None:
            return self._answer_divided(batch, rows, began)
        estimates = served.estimate(rows)
        ids = self._new_ids(len(rows))
        decided = decide(predicted(ids, estimates, served.release.threshold), self.automation, served.release)
        if self._log is not None:
            self._log.append(served.columns, _records(batch, decided.kept))
        return Answered(batch, rows, estimates, decided, perf_counter() - began)

    def _answer_divided(self, batch: list[Waiting], rows: list[Sequence[Scalar]], began: float) -> Answered:
        """Return the answers of requests whose other variants have said what they had to say."""
        served = batch[0].served
        divided = [waiting.divided for waiting in batch if waiting.divided is not None]
        ids = [name for each in divided for name in each.ids]
        said = [answer for each in divided for answer in each.said]
        left = [at for at, answer in enumerate(said) if answer is None]
        own = [rows[at] for at in left]
        estimates = served.estimate(own) if own else None
        if estimates is not None:
            release = served.release
            for at, answer in zip(left, predicted([ids[at] for at in left], estimates, release.threshold), strict=True):
                answer.version = release.version
                said[at] = answer
        answers = [answer for answer in said if answer is not None]
        releases = [release for each in divided for release in each.releases]
        decided = decide_each(answers, self.automation, releases)
        if self._log is not None:
            self._log.append(served.columns, _records(batch, decided.kept))
        return Answered(batch, own, estimates, decided, perf_counter() - began)

    def _settle(self, outcomes: list[Outcome]) -> None:
        """Give every request its outcome, unless its caller gave up."""
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                for waiting in outcome.requests:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(outcome.error)
                continue
            if isinstance(outcome, Away):
                for waiting in outcome.requests:
                    assert waiting.divided is not None
                    self._n_away += 1
                    self._variants.ask(waiting.divided, partial(self._back, waiting))
                continue
            begin = 0
            for waiting in outcome.requests:
                end = begin + len(waiting.decoded.rows)  # type: ignore[union-attr]  # it is read
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome.decided.shown[begin:end])
                begin = end
            routing = outcome.requests[0].routing
            if routing is not None and routing is self._routing:
                self._count(outcome)
            if outcome.estimates is not None:
                self._metrics.predicted(outcome.requests[0].served, outcome.estimates.values, outcome.rows)
            self._metrics.decided(outcome.decided.by)
            self._metrics.batched(len(outcome.decided.kept), outcome.seconds)

    def _back(self, waiting: Waiting) -> None:
        """Have a request answered whose variants have said what they had to say."""
        self._n_away -= 1
        self._queue(waiting)
        self._call(asyncio.get_running_loop())

    def _count(self, outcome: Answered) -> None:
        """Offer what the champion answered to the shadows, or count what it answered beside other variants."""
        if self._shadows is not None:
            came = [(each.about.received_us, len(each.decoded.rows)) for each in outcome.requests]  # type: ignore[union-attr]  # it is read
            self._shadows.offer(Seen(outcome.rows, outcome.decided.kept, came))
        else:
            n_own = sum(each.divided.n_own for each in outcome.requests if each.divided is not None)
            self._metrics.variant_answered(CHAMPION, n_own)


def _taken(waiting: list[Waiting], most_bytes: int) -> tuple[list[Waiting], list[Waiting]]:
    """Return what is answered next, requests of one release in the order in which they came, and what is left."""
    batch: list[Waiting] = []
    left: list[Waiting] = []
    n_bytes = 0
    for at, each in enumerate(waiting):
        if each.answer.done():  # its caller gave up
            continue
        if batch and n_bytes + each.n_bytes > most_bytes:
            return batch, left + waiting[at:]
        if batch and (each.served is not batch[0].served or each.routing is not batch[0].routing):
            left.append(each)
        else:
            batch.append(each)
            n_bytes += each.n_bytes
    return batch, left


def _records(batch: list[Waiting], answers: Sequence[Predicted | Kept]) -> list[Logged]:
    """Return what is logged of the rows of a batch, in their order."""
    now_us, at = time_ns() // 1_000, 0
    served = batch[0].served
    release, time_at = served.release, served.decoder.time
    who = (release.model, release.version, release.model_digest)
    records = []
    for waiting in batch:
        about, decoded = waiting.about, waiting.decoded
        assert decoded is not None
        how = (max(0, now_us - about.received_us), about.source, about.request_id)
        for row, keys in zip(decoded.rows, decoded.keys, strict=True):
            answer = answers[at]
            at += 1
            event_us: Any = None if time_at is None else row[time_at]
            what = (answer.prediction_id, about.received_us, *who, row, keys, event_us, *answer.logged, *how)
            records.append(Logged(*what))
        if waiting.divided is not None:
            waiting.divided.name_in(records[-len(decoded.rows) :])
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
