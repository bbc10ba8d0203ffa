"""The flow `rollout`: by the clock, a look at the rollout that is under way, and what follows from it."""

from collections.abc import Mapping
from typing import Any

from prefect import flow

from evergreen.project import Project
from evergreen.record import rollouts
from flows.alerting import tell_or_say
from flows.opened import named_by
from flows.rollout import Looked, look


def _at(project: Project, _given: Mapping[str, Any]) -> str:
    found = rollouts.under_way(project.ledger(), project.name)
    return f"{found.owner} at {found.step.name}" if found else "none is under way"


@flow(name="rollout", flow_run_name=named_by("rollout", _at))
def rollout(env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None) -> Looked:
    """Look once, and tell whoever has to be told; without a rollout only the ledger is read."""
    project = Project.open(env, params_file, overrides or ())
    looked = look(project)
    if looked.rollout:
        tell_or_say(project)
    return looked
