"""Experiments: begin one, look at it, end it, and do what was agreed. Plain calls, which need no engine."""

import logging
from datetime import UTC, datetime, timedelta

from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.decisions.experiments.design import METRICS, Design, Goal, Guard, Then, Variant
from evergreen.project import Project
from evergreen.record.experiments import kept
from evergreen.record.experiments.course import Report, report, times
from evergreen.record.experiments.kept import Experiment
from evergreen.record.experiments.rows import Rows, gather
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import people
from evergreen.record.registry.people import Person
from flows import rollout
from flows.admission import require_no_approval, require_whole

log = logging.getLogger(__name__)
CLOCKS = timedelta(minutes=10)  # that the clocks of services and of the ledger may differ


class Asked(Value):
    """What a person agrees on: a `Design` but for the champion, which is the present one."""

    name: str
    variants: tuple[Variant, ...]
    goals: tuple[Goal, ...]
    guards: tuple[Guard, ...] = ()
    unit: tuple[str, ...] = ()
    planned: int
    alpha: float = 0.05
    adjust: bool = True
    then: Then = "keep"

    def design(self, *, champion: int) -> Design:
        """Return it with the champion; raises ValueError where it does not add up."""
        return Design(champion=champion, **dict(self))


class Looked(Value):
    """An experiment, and what it shows."""

    experiment: Experiment
    report: Report


def start(project: Project, asked: Asked, person: Person, *, slow_ms: float | None = None) -> Experiment:
    """Divide the traffic among the champion and other versions, by what was agreed.

    Parameters
    ----------
    slow_ms : how long a version may take for a batch before the champion answers, in milliseconds; None for any time.

    Raises
    ------
    ConfigError without a champion, for a version that is not there or was rejected, a metric that the task has not, a
    unit that is not logged (EXP002), or a name that was used (EXP003).
    GateRefused for a version that the gate refused, or that has to be approved.
    LostRace if something else divides the traffic, or the champion changed meanwhile.
    IntegrityError if part of a version is missing or damaged. Nothing is changed then.
    """
    ledger, name = project.ledger(), project.name
    project.champion()
    champion = ledger.champion(name)
    assert champion is not None
    design = asked.design(champion=champion.version)
    _require_measurable(project.contract, design)
    for variant in asked.variants:
        facts = people.require_version(ledger, name, variant.version)
        people.require_not_rejected(ledger, name, variant.version)
        if facts.judged.verdict != "promoted":
            require_no_approval(project, ledger, facts)
        require_whole(project, facts)
    return kept.begin(ledger, name, design, epoch=champion.epoch, by=person.by, reason=person.reason, slow_ms=slow_ms)


def look(project: Project, name: str | None = None, *, as_of: datetime | None = None, points: int = 1) -> Looked:
    """Return what an experiment shows, and showed on its way.

    Parameters
    ----------
    name : by default the one that runs, or else the last.
    as_of : with what was known then; None for now.
    points : looks over time, the last of them at `as_of`.

    Raises
    ------
    ConfigError if there is no such experiment. IntegrityError if the champion's model is damaged.
    """
    experiment = kept.require(project.ledger(), project.name, name)
    now = as_of or datetime.now(UTC)
    last = min(now, _last_of(project, experiment, now))
    rows = _rows(project, experiment, now)
    looks = times(experiment.begun, max(last, experiment.begun), points=points)
    return Looked(experiment=experiment, report=report(experiment.design, rows, looks))


def stop(project: Project, name: str | None, person: Person) -> Experiment:
    """End an experiment because a person says so; all traffic goes back to the champion.

    Raises
    ------
    ConfigError if there is none, or it ended before (EXP005).
    """
    experiment = kept.require(project.ledger(), project.name, name)
    if experiment.ended:
        raise ConfigError(
            "EXP005",
            f"experiment '{experiment.design.name}' ended on {experiment.ended.at:%Y-%m-%d %H:%M} UTC",
            where="ledger",
            next_step="See what it showed: evergreen experiment report",
        )
    decision = look(project, experiment.design.name).report.last.decision
    return kept.end(project.ledger(), project.name, experiment, decision, by=person.by, reason=person.reason)


def follow_up(project: Project) -> Looked | None:
    """Look at the experiment that runs, and do what was agreed; None where none runs, which costs a query.

    A variant that is better gets a rollout, where that was agreed. One that is not, or of which as many units were seen
    as were planned, ends the experiment: the champion stays. Without such an agreement the look is kept, and a person
    ends it. Another champion ends any: its rows are compared with nobody's.
    """
    ledger, name = project.ledger(), project.name
    running = [one for one in kept.experiments(ledger, name) if one.ended is None]
    if not running:
        return None
    looked = look(project, running[-1].design.name)
    experiment, decision = looked.experiment, looked.report.last.decision
    champion = ledger.champion(name)
    if champion is None or champion.epoch != experiment.epoch:
        why = "the champion changed, so that nobody is assigned any more"
        log.warning("experiment %s: %s", experiment.design.name, why)
        kept.end(ledger, name, experiment, decision, by=experiment.design.owner, reason=why)
        return looked
    day = f"{looked.report.last.at:%Y-%m-%d}-{decision.answer}"
    kept.keep_look(ledger, name, experiment, decision, key=day)
    if experiment.design.then == "keep" or (decision.answer == "inconclusive" and not decision.is_over):
        return looked
    by = experiment.design.owner
    kept.end(ledger, name, experiment, decision, by=by, reason=decision.why)
    version = next((one.version for one in experiment.design.variants if one.name == decision.variant), None)
    if decision.answer == "promote" and version is not None and version != champion.version:
        try:
            rollout.begin(project, version, by=by, reason=decision.why, kind="experiment", epoch=champion.epoch)
        except EvergreenError as error:
            log.warning("experiment %s: version %d gets no rollout: %s", experiment.design.name, version, error)
    return looked


def _rows(project: Project, experiment: Experiment, as_of: datetime) -> Rows:
    ledger, design = project.ledger(), experiment.design
    ask = None
    if design.adjust:
        from evergreen.learning.model import model as models
        from evergreen.record.experiments.beforehand import champion_asked

        facts: VersionFacts = people.require_version(ledger, project.name, design.champion)
        path = project.workspace.path(facts.artifact.uri)
        ask = champion_asked(models.load(path, facts.artifact.sha256), facts.threshold)
    return gather(
        project.settings.predictions,
        design,
        model=project.name,
        task=project.contract.task,
        since=experiment.begun - CLOCKS,
        as_of=as_of,
        delay=timedelta(days=project.contract.label_delay_days),
        ask=ask,
    )


def _last_of(project: Project, experiment: Experiment, now: datetime) -> datetime:
    """Return until when looks at an experiment tell more: its labels come for a while after it ended."""
    if experiment.ended is None:
        return now
    return experiment.ended.at + 2 * timedelta(days=project.contract.label_delay_days) + CLOCKS


def _require_measurable(contract: Contract, design: Design) -> None:
    known = METRICS[contract.task]
    for one in design.asked:
        if one.metric not in known:
            _refuse(f"'{one.metric}' is no metric of a {contract.task} task", f"Name one of: {', '.join(known)}.")
    logged = {column.name: column for column in contract.stored if column.role not in ("target", "leakage")}
    for name in design.unit:
        if name not in logged or logged[name].pii == "mask":
            whole = [each for each, column in logged.items() if column.pii != "mask"]
            _refuse(f"the log does not tell one '{name}' from another", f"Name one of: {', '.join(whole)}.")


def _refuse(what: str, next_step: str) -> None:
    raise ConfigError("EXP002", what, where="experiment", next_step=next_step)
