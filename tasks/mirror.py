"""Step: what the ledger says of a model -> the registry's aliases, tags and descriptions, which follow it."""

import logging
from uuid import uuid4

from prefect import task

from evergreen.adapters import tracking
from evergreen.base import failpoints
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry import projection
from tasks.engine import RETRIED

log = logging.getLogger(__name__)
WAIT_SECONDS = 120.0  # for others that change the model's registry


@task(name="mirror", timeout_seconds=600, **RETRIED)
def mirror(name: str, *, settings: Settings) -> None:
    """Let MLflow show what the ledger says of a model, undoing whatever somebody changed by hand."""
    follow(Ledger.open(settings), name, settings=settings)
    failpoints.reach("mirror.done")


def follow(
    ledger: Ledger,
    name: str,
    *,
    settings: Settings,
    everything: bool = False,
    repair: bool = True,
) -> tuple[tracking.Change, ...]:
    """Put back whatever MLflow shows otherwise than the ledger says, and return it.

    What somebody else changed is recorded in the ledger as ``foreign`` before it is put back; a change that the ledger
    itself made, and that MLflow did not show yet, is none. Nobody is kept waiting where nothing differs.

    Parameters
    ----------
    everything : whether all versions are looked at, and not only those that an alias points at.
    repair : whether anything is changed at all.

    Raises
    ------
    Unavailable if MLflow does not work; what the ledger says stands, and is shown later.
    """
    uri, workspace = settings.tracking_uri(), settings.workspace

    def wanted() -> projection.Wanted:
        entries = ledger.entries(name, *projection.KINDS)
        return projection.wanted(entries, everything=everything)

    changes, current = tracking.look(uri, name, wanted())
    repairable = [change for change in changes if change.repairable]
    if not repair or (current and not repairable):
        return changes
    with ledger.lease(f"registry:{name}", wait=WAIT_SECONDS):
        now = wanted()
        changes, _ = tracking.look(uri, name, now)
        for change in changes:
            if change.foreign and change.repairable:
                told = {"what": change.what, "was": change.was, "is": change.found}
                ledger.record(name, "foreign", uuid4().hex, told)
                log.warning("mirror: %s of '%s' was %s, put back to %s", change.what, name, change.found, change.was)
        tracking.reconcile(uri, name, now, workspace=workspace)
    return changes
