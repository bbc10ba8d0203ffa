"""The page that says how things stand, made beside the answering, of the ledger and of the service."""

import asyncio
import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from evergreen.base.errors import EvergreenError
from serving.families import SECONDS

if TYPE_CHECKING:
    from evergreen.record.ledger.ledger import Ledger
    from evergreen.record.standing.values import Answering
    from serving.app import Service
    from serving.exposition import Numbers

FRESH_SECONDS = 15.0  # a page is made no more often, however many ask
LONGEST_SECONDS = 5.0  # that somebody waits for the ledger
ASKED = ("/predict", "/v2/infer")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class StatusPage:
    """Makes the page on a thread of its own, one at a time; whoever asks meanwhile gets the same one."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._ledger: Ledger | None = None
        self._making: Future[bytes] | None = None
        self._begun = 0.0

    async def page(self) -> bytes:
        """Return the page; one that says what is unknown where the ledger hangs.

        Raises
        ------
        RequestError 503 if no model is loaded.
        """
        model, answering = self._service.loaded().release.model, self._answering()
        is_old = time.monotonic() - self._begun > FRESH_SECONDS
        making = self._making
        if making is None or (making.done() and is_old):
            self._begun = time.monotonic()
            making = self._making = Future()
            work = partial(self._make, making, model, answering)
            threading.Thread(target=work, name="status-page", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(making)), LONGEST_SECONDS)
        except TimeoutError:
            return _without(model, answering, f"the ledger does not answer within {LONGEST_SECONDS:g} s")

    def _make(self, making: "Future[bytes]", model: str, answering: "Answering") -> None:
        try:
            making.set_result(self._made(model, answering))
        except BaseException as error:  # whoever waits for the page raises it
            making.set_exception(error)

    def _made(self, model: str, answering: "Answering") -> bytes:
        from evergreen.record.standing import assemble, webpage
        from serving.champions import Champions

        try:
            if self._ledger is None:
                self._ledger = Champions(self._service.settings).ledger()
            found = assemble.standing(self._ledger, model, at=datetime.now(UTC), answering=answering)
        except EvergreenError as error:
            return _without(model, answering, str(error))
        return webpage.render(found).encode()

    def _answering(self) -> "Answering":
        from evergreen.record.standing.values import Answering

        service = self._service
        numbers = service.metrics.counted()
        return Answering(
            version=service.loaded().release.version,
            source=service.follower.source,
            ready=service.is_ready(),
            requests=round(_sum(numbers, "evergreen_requests_total", ASKED)),
            failures=round(_sum(numbers, "evergreen_prediction_failures_total")),
            **{f"p{share * 100:g}": quantile(numbers, share) for share in (0.5, 0.95, 0.99)},
        )


def _without(model: str, answering: "Answering", why: str) -> bytes:
    from evergreen.record.standing import assemble, webpage

    return webpage.render(assemble.unread(model, why, at=datetime.now(UTC), answering=answering)).encode()


def quantile(numbers: "Numbers", share: float) -> float | None:
    """Return the seconds within which a share of the requests for predictions was answered, up to a bucket's width.

    None before there was one, and where it is beyond the last bucket.
    """
    bounds = (*SECONDS, float("inf"))
    counts = [
        sum(
            value
            for series, value in numbers.items()
            if series[0] == "evergreen_request_seconds_bucket" and series[1] in ASKED and float(series[2]) == bound
        )
        for bound in bounds
    ]
    below, wanted = 0.0, share * sum(counts)
    for bound, count in zip(SECONDS, counts, strict=False):
        below += count
        if below >= wanted and below:
            return bound
    return None


def _sum(numbers: "Numbers", name: str, firsts: tuple[str, ...] = ()) -> float:
    return sum(value for series, value in numbers.items() if series[0] == name and (not firsts or series[1] in firsts))
