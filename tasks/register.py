"""Step: a candidate that passed the gate -> a registered version."""

import logging
from collections.abc import Mapping

from prefect import task

from evergreen.adapters import tracking
from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry import projection
from evergreen.record.tracker import Run
from tasks.engine import RETRIED

log = logging.getLogger(__name__)
WAIT_SECONDS = 120.0  # for others that register a version of the model


@task(name="register", timeout_seconds=600, **RETRIED)
def register(
    run: Run, *, name: str, candidate: str, settings: Settings, tags: Mapping[str, str], description: str = ""
) -> int:
    """Return the candidate's version, created once; it is not champion yet.

    Its number is the ledger's, and MLflow's version has exactly that number. Who calls this records the version in the
    ledger, last: until then it is half registered, and registering it again completes it.

    Raises
    ------
    ConfigError if the tags do not say which data it learned from, or say that its code is not committed, unless the
    settings allow it; the version is tagged then.
    Unavailable if MLflow does not work; nothing is half done that another try does not complete.
    LostRace if another process registers a version of the model for longer than WAIT_SECONDS.
    """
    fault = _fault(run, tags)
    if fault and not settings.allow_dirty:
        raise fault
    override = {"override": "allow_dirty"} if fault else {}
    ledger = Ledger.open(settings)
    with ledger.lease(f"registry:{name}", wait=WAIT_SECONDS):
        number = tracking.register(
            settings.tracking_uri(),
            name,
            run,
            candidate=candidate,
            tags={**tags, **override},
            give=lambda taken: ledger.number(name, candidate, taken=taken),
            known=projection.versions(ledger.entries(name, *projection.KINDS)),
            workspace=settings.workspace,
            description=description,
        )
    log.info("register: candidate %s is version %d of '%s'", candidate[:8], number, name)
    return number


def _fault(run: Run, tags: Mapping[str, str]) -> ConfigError | None:
    where = f"MLflow run {run.run_id}"
    if not tags.get("data_digest"):
        return ConfigError(
            "REG002",
            "the candidate has no data digest: nobody could say what it learned from",
            where=where,
            next_step="Train again: evergreen run",
        )
    if tags.get("dirty") != "false":
        return ConfigError(
            "REG001",
            "the candidate was trained with changes that are not committed",
            where=where,
            next_step="Commit and train again, or allow it: --allow-dirty, or EVERGREEN_ALLOW_DIRTY=true.",
        )
    return None
