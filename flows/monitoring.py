"""The monitoring flow: a window of traffic, what it says about the champion, and whether to train again."""

from datetime import date
from functools import partial

from prefect import flow

from evergreen.base import months
from evergreen.base.artifacts.refs import TableRef
from evergreen.base.values import digest_of
from evergreen.config import consistency
from evergreen.decisions.retrain import decision as retrain
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan.identity import code_digest, lock_digest
from evergreen.record.plan.records import drop_broken_records
from evergreen.record.plan.steps import arguments
from evergreen.record.windows import WindowOutcome
from flows.opened import named_by, run_opened
from flows.recorder import Recorder
from tasks.drift import drift
from tasks.ingest import ingest
from tasks.performance import performance
from tasks.score import Scored, score
from tasks.validate import validate


@flow(
    name="monitoring",
    flow_run_name=named_by("monitoring", lambda _, given: months.named(given["start"], given["end"])),
)
def monitoring(
    start: date, end: date, env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None
) -> WindowOutcome:
    """Score the rows of [start, end), compare them with the champion's training rows, and decide about retraining.

    The window's targets are taken as arrived. What was found is recorded once for a champion and a window.
    """
    return monitor_window(Project.open(env, params_file, overrides or ()), start, end)


def run_monitoring(project: Project, start: date, end: date) -> WindowOutcome:
    """Return what `monitoring` does, for a project that is open already."""
    body = partial(monitor_window, project, start, end)
    return run_opened("monitoring", project, body, why=months.named(start, end), start=start, end=end)


def monitor_window(project: Project, start: date, end: date) -> WindowOutcome:
    """Look at a window and record what was found, once."""
    project = project.for_period(start, end)
    consistency.require_time(project.contract)
    ledger = project.ledger()
    champion = project.champion()
    with ledger.lease(f"monitoring:{project.name}"):
        drop_broken_records(project.settings.step_records, project.workspace)
        outcome = watch(project, ledger, champion)
        ledger.record(project.name, "window", window_key(outcome), outcome.model_dump(mode="json", exclude={"steps"}))
    return outcome


def watch(project: Project, ledger: Ledger, champion: VersionFacts) -> WindowOutcome:
    """Run the steps of a window and decide."""
    do, p, ws, contract = Recorder(), project.params, project.workspace, project.contract
    start, end = p.ingest.start, p.ingest.end
    assert start is not None
    assert end is not None
    assert champion.data_end is not None
    raw = do(ingest, **arguments("ingest", project.given, {})).raw
    checked = do(validate, **arguments("validate", project.given, {"raw": raw}))
    scored = score_with(champion, checked.valid, project, do)
    drifted = do(
        drift,
        checked.valid,
        reference=champion.train,
        window=f"{start}-{end}",
        ws=ws,
        contract=contract,
        params=p.drift,
        seed=p.seed,
    )
    measured = do(performance, scored.predictions, task=contract.task, ws=ws, confidence=p.gate.confidence)
    decision = retrain.decide(
        drifted.report,
        measured,
        retrain.watching_closely(p.retrain) if is_first_of_refitted(ledger, champion) else p.retrain,
        at_gate=champion.judged.metrics[p.gate.metric],
        champion_data_end=champion.data_end,
        window_end=end,
        last_retraining=last_retraining(ledger, project.name),
    )
    return WindowOutcome(
        model=project.name,
        version=champion.version,
        start=start,
        end=end,
        made_with=made_with(project),
        valid=checked.valid,
        quarantined=checked.quarantine.rows,
        drift=drifted.report,
        performance=measured,
        decision=decision,
        report=str(ws.path(drifted.picture)),
        steps=tuple(do.steps),
    )


def is_first_of_refitted(ledger: Ledger, champion: VersionFacts) -> bool:
    """Return whether a champion was fitted on its gate rows after they had judged it, and was not watched yet."""
    if champion.as_judged is None:
        return False
    windows = ledger.entries(champion.judged.model, "window")
    return all(window.payload["version"] != champion.version for window in windows)


def score_with(version: VersionFacts, rows: TableRef, project: Project, do: Recorder) -> Scored:
    """Score a window's rows with a version, with the rows before them that its features look back on."""
    longer = project.look_back(version)
    earlier = {**arguments("ingest", project.given, {}), "params": longer}
    return do(
        score,
        rows,
        model=version.artifact,
        version=version.version,
        threshold=version.threshold,
        ws=project.workspace,
        past=do(ingest, **earlier).raw if longer else None,
    )


def made_with(project: Project) -> str:
    """Return the digest of what decides a window's outcome besides its rows and its champion."""
    steps = ("ingest", "validate", "score", "drift", "performance")
    code = [code_digest(f"tasks.{step}") for step in steps] + [lock_digest()]
    return digest_of([code, project.contract, project.params.model_dump(mode="json", exclude={"ingest"})])


def window_key(window: WindowOutcome) -> str:
    """Return what names a window in the ledger: the champion and the period. It is the incident's name too."""
    return f"v{window.version}:{window.start}:{window.end}"


def last_retraining(ledger: Ledger, model: str) -> date | None:
    """Return the end of the window that caused the last retraining."""
    entries = ledger.entries(model, "retraining")
    return date.fromisoformat(entries[-1].payload["window_end"]) if entries else None
