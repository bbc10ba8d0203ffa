"""Step: a candidate that passed the gate -> a registered version."""

from collections.abc import Mapping

from prefect import task

from evergreen.adapters import tracking
from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings
from evergreen.record.tracker import Run
from tasks.engine import RETRIED


@task(name="register", timeout_seconds=600, **RETRIED)
def register(run: Run, *, name: str, candidate: str, settings: Settings, tags: Mapping[str, str]) -> int:
    """Return the candidate's version, created once; it is not champion yet.

    Raises
    ------
    ConfigError if the tags do not say which data it learned from, or say that its code is not committed, unless the
    settings allow it; the version is tagged then.
    """
    fault = _fault(run, tags)
    if fault and not settings.allow_dirty:
        raise fault
    override = {"override": "allow_dirty"} if fault else {}
    return tracking.register(settings.tracking_uri(), name, run, candidate=candidate, tags={**tags, **override})


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
