"""The deployments: flows with a schedule, which can also be started in Prefect's UI.

`python -m flows.deployments` registers them with the Prefect server of PREFECT_API_URL and runs what is due.
"""

import sys
from typing import Any, cast

from prefect import Flow, serve
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from evergreen.config.settings import Settings
from flows.retraining import retraining
from flows.review import review
from flows.scoring import scoring
from flows.training import training


def deployments(settings: Settings, env: str) -> tuple[RunnerDeployment, ...]:
    """Return the deployments of an environment: a training, a look at the last window's decision, and two more.

    The review has no schedule: a training starts it whose version waits for a person. Nor has scoring: which files come
    when is for their owner to say. Two runs of one model never train
    at once: the ledger's lease refuses the second, whatever server started it.
    """
    schedules: dict[Flow[Any, Any], tuple[str, dict[str, str]]] = {
        training: (settings.training_cron, {"env": env, "reason": "scheduled"}),
        retraining: (settings.retraining_cron, {"env": env}),
    }
    scheduled = tuple(
        cast(
            RunnerDeployment,
            flow.to_deployment(name=env, schedule=Cron(cron, timezone=settings.timezone), parameters=parameters),
        )
        for flow, (cron, parameters) in schedules.items()
    )
    by_hand: tuple[Flow[Any, Any], ...] = (review, scoring)
    others = tuple(cast(RunnerDeployment, flow.to_deployment(name=env, parameters={"env": env})) for flow in by_hand)
    return *scheduled, *others


def main() -> None:
    """Register the deployments of the environment named on the command line (default: local) and run them."""
    env = sys.argv[1] if len(sys.argv) > 1 else "local"
    serve(*deployments(Settings.load(env), env))


if __name__ == "__main__":
    main()
