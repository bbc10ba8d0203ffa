"""The retraining flow: act on the last window's decision, once."""

from functools import partial

from prefect import flow

from evergreen.base import months
from evergreen.base.errors import ConfigError
from evergreen.config import consistency
from evergreen.project import Project
from evergreen.record.windows import RetrainingOutcome, WindowOutcome
from flows.opened import named_by, run_opened
from flows.review import request
from flows.training import run_training


@flow(
    name="retraining",
    flow_run_name=named_by("retraining", lambda project, given: cause(project, reason=given["reason"])),
)
def retraining(
    env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None, reason: str | None = None
) -> RetrainingOutcome:
    """Train on all history up to the end of the last monitored window, if it was decided so or a `reason` is given.

    The candidate passes the same gate as any other. A window leads to one retraining at most.
    """
    outcome = act_on_window(Project.open(env, params_file, overrides or ()), reason=reason)
    request(outcome.training, env, params_file)
    return outcome


def run_retraining(project: Project, *, reason: str | None = None, stays: bool = True) -> RetrainingOutcome:
    """Return what `retraining` does, for a project that is open already; `stays` as in `train_and_judge`."""
    body = partial(act_on_window, project, reason=reason, stays=stays)
    return run_opened("retraining", project, body, why=cause(project, reason=reason), reason=reason)


def cause(project: Project, *, reason: str | None) -> str:
    """Return why a retraining runs, and after which window: ``harm, 2013-04``."""
    windows = project.ledger().entries(project.name, "window")
    if not windows:
        return reason or "no window yet"
    window = WindowOutcome.model_validate(windows[-1].payload)
    fired = ", ".join("harm" if name == "performance" else name for name in window.decision.triggers)
    return f"{reason or fired or 'nothing fired'}, {months.named(window.start, window.end)}"


def act_on_window(project: Project, *, reason: str | None, stays: bool = True) -> RetrainingOutcome:
    """Train if the last window's decision, or a reason, says so, and record it."""
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
    same_recipe = project.champion().recipe in (None, project.recipe)
    outcome = run_training(
        project.until(window.end),
        reason=reason or f"retraining after {incident}",
        stays=stays,
        rule="refresh" if same_recipe else None,
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
