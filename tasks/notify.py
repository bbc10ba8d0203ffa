"""Step: incidents of a model -> rows of the ledger, and one message to each route of what it was not told yet."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import task

from evergreen.adapters import alerting
from evergreen.base import failpoints
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.alerts.message import message
from evergreen.record.alerts import telling
from evergreen.record.ledger.ledger import Ledger

log = logging.getLogger(__name__)
WAIT_SECONDS = 30.0  # for another process that tells
KINDS = (telling.ALERT, telling.TELLING, telling.TOLD)


class Delivery(Value):
    """What became of the message to a route; `why` says it, and `n_events` how much it told."""

    route: str
    reached: bool
    why: str
    n_events: int


class Alerted(Value):
    """How many incidents began and ended since the last time, and who was told."""

    opened: int
    closed: int
    deliveries: tuple[Delivery, ...]


@task(name="notify", timeout_seconds=600)
def notify(model: str, incidents: Sequence[Incident], *, settings: Settings) -> Alerted:
    """Record what began and ended, and tell every route what it does not know yet, once.

    A route that is not reached is kept waiting, not this step: it is told later, by whoever comes here then. One that
    was cut off between sending and recording is told once more, and that this is so.

    Raises
    ------
    LostRace if another process tells the same routes for longer than half a minute; it is all recorded by then.
    """
    ledger = Ledger.open(settings)
    new = telling.note(ledger, model, incidents)
    with ledger.lease(f"alerts:{model}", wait=WAIT_SECONDS):
        deliveries = [
            delivery
            for name, address in alerting.routes(settings).items()
            if (delivery := _tell(ledger, model, name, address))
        ]
    opened = sum(event.what == "opened" for event in new)
    return Alerted(opened=opened, closed=len(new) - opened, deliveries=tuple(deliveries))


def _tell(ledger: Ledger, model: str, route: str, address: alerting.Address) -> Delivery | None:
    entries = ledger.entries(model, *KINDS)
    due = telling.due(telling.noted(ledger, entries), telling.tries(entries, route), now=datetime.now(UTC))
    if due is None:
        return None
    if due.given_up:
        why = "nobody knows whether it arrived: it was cut off twice, and is not told again"
        telling.end(ledger, model, route, due.given_up.n, reached=None, why=why, doubtful=True)
        log.warning("alerts: %s: %s", route, why)
    if not due.events or not telling.begin(ledger, model, route, due):
        return None
    failpoints.reach("alert.begun")
    sent = alerting.send(address, message(model, due.events, repeats=due.repeats))
    failpoints.reach("alert.sent")
    telling.end(ledger, model, route, due.n, reached=sent.reached, why=sent.why, doubtful=sent.doubtful)
    if not sent.reached:
        log.warning("alerts: %s was not reached (%s); what it was to be told is kept and sent later", route, sent.why)
    return Delivery(route=route, reached=sent.reached, why=sent.why, n_events=len(due.events))
