"""The page that says how things stand, made by a process of its own, so that no answer waits for it.

`python -m serving.status` is that process: it reads what to make as JSON, and writes the page.
"""

import asyncio
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen.base import parents
from evergreen.base.errors import EvergreenError
from serving.answers import RequestError
from serving.aside import told_by
from serving.families import SECONDS

if TYPE_CHECKING:
    from evergreen.record.review.values import Length
    from evergreen.record.standing.values import Answering, Standing
    from serving.app import Service
    from serving.exposition import Numbers

FRESH_SECONDS = 15.0  # a page is made no more often, however many ask
LEDGER_SECONDS = 20.0  # that the page waits for the ledger
ASKED = ("/predict", "/v2/infer")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class StatusPage:
    """Has the page made, one at a time; whoever asks meanwhile gets the same one."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._making: asyncio.Task[bytes] | None = None
        self._begun = 0.0

    async def page(self) -> bytes:
        """Return the page; one that says what is unknown where the ledger does not answer.

        Raises
        ------
        RequestError 503 if no model is loaded, or the page is not made in time.
        """
        self._service.loaded()
        is_old = time.monotonic() - self._begun > FRESH_SECONDS
        if self._making is None or (self._making.done() and is_old):
            self._begun = time.monotonic()
            self._making = asyncio.create_task(_made(self._asked()))
        return await asyncio.shield(self._making)

    def _asked(self) -> dict[str, Any]:
        service = self._service
        release, numbers = service.loaded().release, service.metrics.counted()
        return {
            "parent": os.getpid(),
            "model": release.model,
            "contract": service.loaded().model.contract.name,
            "home": str(service.settings.home),
            "ledger_url": service.settings.ledger_url,
            "ledger_seconds": LEDGER_SECONDS,
            "schedule": [service.settings.monitoring_cron, service.settings.timezone],
            "answering": {
                "version": release.version,
                "source": service.follower.source,
                "ready": service.is_ready(),
                "requests": round(_sum(numbers, "evergreen_requests_total", ASKED)),
                "failures": round(_sum(numbers, "evergreen_prediction_failures_total")),
                **{f"p{share * 100:g}": quantile(numbers, share) for share in (0.5, 0.95, 0.99)},
            },
        }


async def _made(asked: dict[str, Any]) -> bytes:
    """Return the page that another process makes; raises RequestError 503 if it does not in time."""
    page = await told_by("serving.status", asked)
    if page is None:
        what, next_step = "the page could not be made", "The service's log says why; evergreen report makes it too."
        raise RequestError(503, "", "SRV033", what, next_step=next_step)
    return page


def quantile(numbers: "Numbers", share: float) -> float | None:
    """Return the seconds within which a share of the requests for predictions was answered, up to a bucket's width.

    None before there was one, and where it is beyond the last bucket.
    """
    counts = dict.fromkeys((*SECONDS, float("inf")), 0.0)
    for series, value in numbers.items():
        if series[0] == "evergreen_request_seconds_bucket" and series[1] in ASKED:
            counts[float(series[2])] += value
    below, wanted = 0.0, share * sum(counts.values())
    for bound in SECONDS:
        below += counts[bound]
        if below >= wanted and below:
            return bound
    return None


def _sum(numbers: "Numbers", name: str, routes: tuple[str, ...] = ()) -> float:
    return sum(value for series, value in numbers.items() if series[0] == name and (not routes or series[1] in routes))


def main() -> None:
    """Read what to make, and write the page."""
    asked = json.load(sys.stdin.buffer)
    parents.end_with(asked["parent"])
    from evergreen.record.standing import assemble, webpage
    from evergreen.record.standing.values import Answering

    answering = Answering.model_validate(asked["answering"])
    found: list[Standing] = []
    reading = threading.Thread(target=lambda: found.append(_standing(asked, answering)), daemon=True)
    reading.start()
    reading.join(asked["ledger_seconds"])
    if not found:
        why = f"the ledger does not answer within {asked['ledger_seconds']:g} s"
        found.append(assemble.unread(asked["model"], why, at=datetime.now(UTC), answering=answering))
    length = _review(asked)
    sys.stdout.buffer.write(webpage.render(found[0].model_copy(update={"review": length})).encode())
    sys.stdout.flush()
    os._exit(0)  # a ledger that hangs keeps nobody


def _review(asked: dict[str, Any]) -> "Length | None":
    """Return how much waits for people; None where the log cannot be read, of which the service's log says more."""
    from evergreen.config.settings import Settings
    from evergreen.record.review import queue

    try:
        folder = Settings(home=Path(asked["home"])).predictions
        return queue.length(queue.referred(folder, contract=asked["contract"]))
    except (EvergreenError, OSError, ValueError) as error:
        sys.stderr.write(f"the queue of referred rows cannot be read: {error}\n")
        return None


def _standing(asked: dict[str, Any], answering: "Answering") -> "Standing":
    from evergreen.config.settings import Settings
    from evergreen.record.standing import assemble, schedule
    from serving.champions import Champions

    model, now = asked["model"], datetime.now(UTC)
    settings = Settings(home=Path(asked["home"]), ledger_url=asked["ledger_url"])
    try:
        due = schedule.next_time(*asked["schedule"], after=now)
        return assemble.standing(Champions(settings).ledger(), model, at=now, next_look=due, answering=answering)
    except EvergreenError as error:
        return assemble.unread(model, str(error), at=now, answering=answering)


if __name__ == "__main__":
    main()
