"""The deployments: flows with a schedule or an event that starts them, which can also be started in Prefect's UI.

`python -m flows.deployments` registers them with the Prefect server of PREFECT_API_URL and runs what is due.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, cast

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.deployments import run_deployment
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner, _starter_engine
from prefect.schedules import Cron, Schedule
from prefect.states import Cancelled
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.processutils import run_process

from evergreen.base import parents
from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings
from flows.alerting import heartbeat
from flows.automations import trigger
from flows.bandit import bandit
from flows.due import monitoring
from flows.experimenting import experiment
from flows.exposing import rollout
from flows.forms import explain
from flows.housekeeping import housekeeping, labels
from flows.retraining import retraining
from flows.review import review
from flows.scoring import scoring
from flows.training import training

log = logging.getLogger(__name__)
POLL_SECONDS = 3.0  # how often the server is asked what is due: an event waits so long, and for a process to start
MOST_AT_ONCE = 200  # runs in one answer of the server


def deployments(settings: Settings, env: str) -> tuple[RunnerDeployment, ...]:
    """Return the deployments of an environment; raises ConfigError for a schedule that cannot be read.

    All that watches and keeps order has a schedule, and so has training; retraining too, for what no event started.
    The review has none: a training starts it whose version waits for a person. Nor has scoring: which files come
    when is for their owner to say. Two runs of one model never train at once: the ledger's lease refuses the second,
    whatever server started it.
    """
    given: dict[Flow[Any, Any], tuple[str | None, dict[str, Any]]] = {
        labels: (settings.labels_cron, {}),
        monitoring: (settings.monitoring_cron, {}),
        retraining: (settings.retraining_cron, {}),
        training: (settings.training_cron, {"reason": "scheduled", "newest": True}),
        experiment: (settings.experiment_cron, {}),
        housekeeping: (settings.housekeeping_cron, {}),
        heartbeat: (settings.heartbeat_cron, {}),
        rollout: (settings.rollout_cron, {}),
        bandit: (settings.bandit_cron, {}),
        review: (None, {}),
        scoring: (None, {}),
    }
    return tuple(_deployment(flow, env, settings, cron, parameters) for flow, (cron, parameters) in given.items())


def _deployment(
    flow: Flow[Any, Any], env: str, settings: Settings, cron: str | None, parameters: dict[str, Any]
) -> RunnerDeployment:
    made = flow.to_deployment(
        name=env,
        schedule=_schedule(f"{flow.name}_cron", cron, settings) if cron else None,
        parameters={"env": env, **parameters},
        triggers=[trigger(env)] if flow is retraining else None,
        # by the file, the folder `flows` would come first on the path of a run
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return explain(cast(RunnerDeployment, made))


def _schedule(setting: str, cron: str, settings: Settings) -> Schedule:
    try:
        return Cron(cron, timezone=settings.timezone)
    except ValueError as error:
        raise ConfigError(
            "CFG005",
            f"'{cron}' is not a schedule in the form of cron",
            where=f"setting {setting}",
            next_step="Write minute, hour, day of the month, month and day of the week, such as '0 2 * * *'.",
        ) from error


def skip_missed(client: SyncPrefectClient, env: str, *, now: datetime) -> int:
    """Cancel the runs of schedules whose time has passed while nobody ran them, and return how many they were.

    What an event or a person started is not skipped.
    """
    skipped = 0
    while True:
        late = client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[env])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                expected_start_time=FlowRunFilterExpectedStartTime(before_=now),
            ),
            limit=MOST_AT_ONCE,
        )
        missed = [run for run in late if run.auto_scheduled]
        for run in missed:
            client.set_flow_run_state(run.id, Cancelled(message="missed: one look catches up for all"), force=True)
        skipped += len(missed)
        if len(late) < MOST_AT_ONCE or not missed:
            return skipped


def bind_runs() -> None:
    """Have the kernel end each run that the runner of this process starts, when this process is gone: also if killed.

    Prefect starts them by a name of this module of its, which it says is there to be replaced.
    """

    def bound(*, command: list[str], **given: Any) -> Awaitable[Any]:
        return run_process(command=parents.bound(command), **given)

    _starter_engine.run_process = bound  # type: ignore[assignment, attr-defined]  # its import


def main() -> None:
    """Register the deployments of the environment named on the command line (default: local) and run them.

    It begins with one look at all that is due, for every tick that was missed.
    """
    env = sys.argv[1] if len(sys.argv) > 1 else "local"
    bind_runs()
    # Schedules stay active when this ends: what they start meanwhile is skipped, once this is back.
    runner = Runner(query_seconds=POLL_SECONDS, limit=None, pause_on_shutdown=False)
    for deployment in deployments(Settings.load(env), env):
        runner.add_deployment(deployment)
    with get_client(sync_client=True) as client:
        skipped = skip_missed(client, env, now=datetime.now(UTC))
    log.info("deployments: %d missed runs are skipped", skipped)
    run_deployment(f"monitoring/{env}", timeout=0, as_subflow=False)
    asyncio.run(runner.start())


if __name__ == "__main__":
    main()
