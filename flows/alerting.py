"""Alerting: what began and what ended is told to everybody who does not know it yet."""

import logging
from datetime import UTC, datetime

from prefect import flow

from evergreen.base.errors import EvergreenError
from evergreen.decisions.alerts.silence import Rhythm
from evergreen.project import Project
from evergreen.record.alerts.standing import standing_incidents
from flows.opened import named_by
from tasks.notify import Alerted, notify

log = logging.getLogger(__name__)


@flow(name="heartbeat", flow_run_name=named_by("heartbeat", lambda _project, _given: "who is to be told what"))
def heartbeat(env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None) -> Alerted:
    """Find which incidents began and ended, silence among them, and tell every route what it does not know yet."""
    return tell(Project.open(env, params_file, overrides or ()))


def tell(project: Project) -> Alerted:
    """Record incidents and tell them, for a project that is open already; the rest as `tasks.notify.notify`."""
    rhythm = Rhythm.of(project.contract, project.params.monitor.window)
    incidents = standing_incidents(project.ledger(), project.name, at=datetime.now(UTC), rhythm=rhythm)
    return notify(project.name, incidents, settings=project.settings)


def tell_or_say(project: Project) -> None:
    """Do the same after something that must not fail for it: what cannot be told now is told by the next heartbeat."""
    try:
        tell(project)
    except Exception as error:
        why = error.what if isinstance(error, EvergreenError) else type(error).__name__
        log.warning("alerts: nobody could be told (%s); the next heartbeat tries again", why)
