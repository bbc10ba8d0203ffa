"""Step: a candidate that passed the gate -> a registered version."""

from collections.abc import Mapping

from prefect import task

from evergreen.adapters import tracking
from evergreen.adapters.tracking import Run
from evergreen.settings import Settings
from tasks.engine import RETRIED


@task(name="register", timeout_seconds=600, **RETRIED)
def register(name: str, candidate: str, run: Run, settings: Settings, tags: Mapping[str, str]) -> int:
    """Return the candidate's version, created once; it is not champion yet."""
    return tracking.register(settings.tracking_uri(), name, run, candidate=candidate, tags=tags)
