"""Step: the ledger's champion -> the registry's alias, which follows it."""

from prefect import task

from evergreen.adapters import tracking
from evergreen.config.settings import Settings
from tasks.engine import RETRIED


@task(name="mirror", timeout_seconds=600, **RETRIED)
def mirror(name: str, *, version: int, settings: Settings) -> None:
    """Point the alias `champion` at `version`, undoing whatever else moved it."""
    tracking.mirror_champion(settings.tracking_uri(), name, version)
