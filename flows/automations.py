"""From a decision to a retraining without a hand: the event that a look emits, and what it starts in Prefect."""

import logging
from typing import Any

from prefect.events import DeploymentEventTrigger, emit_event

from evergreen.project import Project
from evergreen.record.looks import Look

log = logging.getLogger(__name__)
DUE = "evergreen.retraining.due"
TOLD = ("incident", "env", "params_file", "overrides")  # of the event, under the names of the flow's parameters


def announce(project: Project, look: Look) -> dict[str, Any]:
    """Tell Prefect that a look decided to train again, and return what it was told.

    An event that gets lost costs a day: `retraining` runs by its own schedule too.
    """
    asked = project.asked
    told = {
        "incident": look.incident,
        "look": look.key,
        "env": asked.env,
        "params_file": asked.params_file,
        "overrides": list(asked.overrides),
    }
    resource = {"prefect.resource.id": f"evergreen.model.{project.name}", "evergreen.env": asked.env}
    emit_event(DUE, resource, payload=told)
    log.info("due: %s, told to Prefect: %s", look.incident, look.decision.summary)
    return told


def trigger(env: str) -> DeploymentEventTrigger:
    """Return what starts a deployment, with the event's content, for each model of an environment.

    It is of a single event: a compound trigger hands on the last one alone. Each parameter is one expression, which
    Prefect renders as JSON, so that lists stay lists and nothing in a text is taken for a template again.
    """
    return DeploymentEventTrigger(
        name=f"retraining-due/{env}",
        description="A look decided to train again.",
        match={"prefect.resource.id": "evergreen.model.*", "evergreen.env": env},
        expect={DUE},
        parameters={name: f"{{{{ event.payload.{name} }}}}" for name in TOLD},
    )
