"""The retraining flow: act on the last window's decision, once."""

import logging
from datetime import date
from functools import partial

from prefect import flow

from evergreen.base import failpoints, months
from evergreen.base.errors import ConfigError
from evergreen.config import consistency
from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.retrain.ladder import Rung
from evergreen.learning.repair.recalibrating import CannotRepairError
from evergreen.project import Project
from evergreen.record.candidate import Repair
from evergreen.record.looks import RetrainingOutcome
from evergreen.record.outcomes import TrainingOutcome, version_facts
from evergreen.record.retrainings import RETRAINING
from flows.alerting import tell_or_say
from flows.monitoring import deciding_looks, known_until
from flows.opened import named_by, run_opened
from flows.recorder import Recorder
from flows.review import request
from flows.rungs import history_since, repair_of, rung_of
from flows.training import run_training

log = logging.getLogger(__name__)


@flow(
    name="retraining",
    flow_run_name=named_by("retraining", lambda project, given: cause(project, reason=given["reason"])),
)
def retraining(
    env: str = "local",
    params_file: str = "params.yaml",
    overrides: list[str] | None = None,
    reason: str | None = None,
    incident: str | None = None,
) -> RetrainingOutcome:
    """Train on what is known by the latest look at the last monitored window, if that decided so or for a `reason`.

    The candidate passes the same gate as any other. A window leads to one retraining at most.

    Parameters
    ----------
    incident : the window to act on, as an event says it; another one is the last by now: nothing is done.
    """
    project = Project.open(env, params_file, overrides or ())
    outcome = act_on_window(project, reason=reason, incident=incident)
    request(outcome.training, env, params_file)
    tell_or_say(project)
    return outcome


def run_retraining(project: Project, *, reason: str | None = None, stays: bool = True) -> RetrainingOutcome:
    """Return what `retraining` does, for a project that is open already; `stays` as in `train_and_judge`."""
    body = partial(_act_and_tell, project, reason=reason, stays=stays)
    return run_opened("retraining", project, body, why=cause(project, reason=reason), reason=reason)


def _act_and_tell(project: Project, *, reason: str | None, stays: bool) -> RetrainingOutcome:
    outcome = act_on_window(project, reason=reason, stays=stays)
    tell_or_say(project)
    return outcome


def cause(project: Project, *, reason: str | None) -> str:
    """Return why a retraining runs, and after which window: ``harm, 2013-04``."""
    looks = deciding_looks(project.ledger(), project.name)
    if not looks:
        return reason or "no window yet"
    last = looks[-1]
    return f"{reason or ', '.join(last.decision.triggers) or 'nothing fired'}, {months.named(last.start, last.end)}"


def act_on_window(
    project: Project,
    *,
    reason: str | None,
    stays: bool = True,
    incident: str | None = None,
    do: Recorder | None = None,
) -> RetrainingOutcome:
    """Train if the latest look at the last window, or a reason, says so, and record it.

    The last window is that of the latest period, whenever it was looked at. Nobody else acts meanwhile, so that an
    event and a schedule that meet lead to one training.

    Parameters
    ----------
    incident : as in `retraining`.

    Raises
    ------
    LostRace if somebody else acts; what that leads to is recorded there.
    """
    consistency.require_time(project.contract)
    with project.ledger().lease(f"retraining:{project.name}"):
        return _act(project, reason=reason, stays=stays, incident=incident, do=do)


def _act(
    project: Project, *, reason: str | None, stays: bool, incident: str | None, do: Recorder | None
) -> RetrainingOutcome:
    ledger = project.ledger()
    looks = deciding_looks(ledger, project.name)
    if not looks:
        raise ConfigError(
            "RET001",
            f"no window of '{project.name}' was monitored yet",
            where="ledger",
            next_step="Monitor one first: evergreen monitor --window YYYY-MM",
        )
    last = looks[-1]
    if incident and incident != last.incident:
        log.info("retraining: %s is superseded by %s, which decides now", incident, last.incident)
        return RetrainingOutcome(
            window=incident, decision=last.decision, training=None, already_done=False, superseded_by=last.incident
        )
    already_done = ledger.find(project.name, RETRAINING, last.incident) is not None
    if already_done or not (last.decision.retrain or reason):
        return RetrainingOutcome(window=last.incident, decision=last.decision, training=None, already_done=already_done)
    failpoints.reach("retraining.begun")
    champion = version_facts(ledger, project.name, last.version) or project.champion()  # a repair is of what was seen
    same_recipe = champion.recipe in (None, project.recipe)
    rung = None if reason else rung_of(last)
    known = known_until(last.end, last.as_of, project.contract)
    since = history_since(project, last, rung, known)
    outcome, rung = carry_out(
        project,
        rung,
        repair_of(project, champion, rung, since),
        known=known,
        since=since,
        reason=reason or f"retraining after {last.incident}",
        stays=stays,
        rule="refresh" if same_recipe else None,
        do=do,
    )
    failpoints.reach("retraining.trained")
    ledger.record(
        project.name,
        RETRAINING,
        last.incident,
        {
            "window_end": last.end,
            "look": last.key,
            "triggers": last.decision.triggers,
            "reason": reason or last.decision.summary,
            "rung": rung.name if rung else "search",
            "gain": rung.gain if rung else None,
            "training": rung is None or rung.is_training,
            "outcome": outcome.model_dump(mode="json"),
        },
    )
    return RetrainingOutcome(window=last.incident, decision=last.decision, training=outcome, already_done=False)


def carry_out(
    project: Project,
    rung: Rung | None,
    repair: Repair | None,
    *,
    known: date,
    since: date | None,
    reason: str,
    stays: bool,
    rule: Rule | None,
    do: Recorder | None = None,
) -> tuple[TrainingOutcome, Rung | None]:
    """Make the candidate of a rung and let it be judged; where it cannot be made after all, that of a search.

    Returns
    -------
    What came of it, and the rung that was made; None for a search.
    """
    whole = project.until(known)
    given = whole if repair and repair.keeps_model else project.until(known, since=since)
    try:
        return run_training(given, reason=reason, stays=stays, rule=rule, repair=repair, do=do), rung
    except CannotRepairError as error:
        log.warning("retraining: no %s could be made, so a search follows: %s", rung and rung.name, error.what)
    return run_training(whole, reason=reason, stays=stays, rule=rule, do=do), None
