"""The retraining flow: act on the last window's decision, once."""

from prefect import flow

from evergreen.base.errors import ConfigError
from evergreen.config import consistency
from evergreen.project import Project
from evergreen.record.windows import RetrainingOutcome, WindowOutcome
from flows.training import training


@flow(name="retraining")
def retraining(
    env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None, reason: str | None = None
) -> RetrainingOutcome:
    """Train on all history up to the end of the last monitored window, if it was decided so or a `reason` is given.

    The candidate passes the same gate as any other. A window leads to one retraining at most.
    """
    project = Project.open(env, params_file, overrides or ())
    consistency.require_time(project.contract)
    ledger = project.ledger()
    windows = ledger.entries(project.name, "window")
    if not windows:
        raise ConfigError(
            "RET001",
            f"no window of '{project.name}' was monitored yet",
            where="ledger",
            next_step="Monitor one first: evergreen monitor --window YYYY-MM",
        )
    window = WindowOutcome.model_validate(windows[-1].payload)
    incident = windows[-1].key
    already_done = ledger.find(project.name, "retraining", incident) is not None
    if already_done or not (window.decision.retrain or reason):
        return RetrainingOutcome(window=incident, decision=window.decision, training=None, already_done=already_done)
    outcome = training(
        env=env,
        params_file=params_file,
        reason=reason or f"retraining after {incident}",
        overrides=[*(overrides or ()), f"ingest.end={window.end}"],
    )
    ledger.record(
        project.name,
        "retraining",
        incident,
        {
            "window_end": window.end,
            "reason": reason or window.decision.summary,
            "outcome": outcome.model_dump(mode="json"),
        },
    )
    return RetrainingOutcome(window=incident, decision=window.decision, training=outcome, already_done=False)
