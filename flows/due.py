"""Monitoring by the clock: the windows that are complete and were not looked at, and those whose labels have come."""

import logging
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from prefect import flow

from evergreen.base import months
from evergreen.base.errors import DataError, LostRace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.decisions.due import Looked, Period, due
from evergreen.project import Project
from evergreen.record.looks import Look
from evergreen.record.outcomes import champion_facts
from evergreen.record.plan.steps import arguments
from evergreen.record.retrainings import RETRAINING
from flows.alerting import tell_or_say
from flows.automations import announce
from flows.monitoring import deciding_looks, last_known_day, look_at
from flows.opened import named_by
from flows.recorder import Recorder
from tasks.ingest import ingest
from tasks.present import present

log = logging.getLogger(__name__)


class CaughtUp(Value):
    """What a tick of the clock led to: the windows that were looked at, and the incident that is due to be acted on.

    `why`: where nothing was looked at.
    """

    looked_at: tuple[str, ...] = ()
    due: str | None = None
    why: str = ""


@flow(name="monitoring", flow_run_name=named_by("monitoring", lambda _, __: "what is due"))
def monitoring(env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None) -> CaughtUp:
    """Look at every window that is due, let a retraining start if the last one says so, and tell what began."""
    project = Project.open(env, params_file, overrides or ())
    caught = catch_up(project)
    tell_or_say(project)
    return caught


def catch_up(project: Project, *, now: datetime | None = None) -> CaughtUp:
    """Look at the windows that are due, in order, and announce what the last one decided, until it is acted on.

    However many ticks were missed, each window is looked at once. Of several schedulers on one ledger, one looks.
    """
    ledger, now = project.ledger(), now or datetime.now(UTC)
    if project.contract.time is None:
        return _nothing("the table has no time, so there are no windows")
    if champion_facts(ledger, project.name) is None:
        return _nothing("there is no champion yet")
    try:
        with ledger.lease(f"due:{project.name}"):
            periods = windows_due(project, now)
            for start, end in periods:
                look_at(project, start, end, as_of=now)
            waiting = to_be_acted_on(project)
            if waiting:
                announce(project, waiting)
    except LostRace as error:
        return _nothing(f"somebody else looks: {error}")
    return CaughtUp(
        looked_at=tuple(months.named(*period) for period in periods),
        due=waiting and waiting.incident,
        why="" if periods else "no window is due",
    )


def windows_due(project: Project, now: datetime) -> tuple[Period, ...]:
    """Return the windows that are due as of a time, by their ends."""
    champion, contract = project.champion(), project.contract
    assert champion.data_end is not None
    looks = deciding_looks(project.ledger(), project.name)
    return due(
        project.params.monitor.window,
        [_looked(look, contract) for look in looks],
        data_end=champion.data_end,
        today=local_day(now, contract),
        known=last_known_day(now, contract),
        with_rows=days_with_rows(project, champion.data_end),
    )


def days_with_rows(project: Project, start: date | None = None) -> tuple[date, ...]:
    """Return the days from `start` on that have rows; a source that cannot be read has none: a look says what it is."""
    do, raw = Recorder(), None
    try:
        period = {**arguments("ingest", project.given, {}), "params": IngestParams(start=start)}
        raw = do(ingest, **period).raw
    except DataError as error:
        log.warning("due: %s", error)
    return do(
        present,
        raw,
        predictions=project.settings.predictions,
        ws=project.workspace,
        contract=project.contract,
        start=start,
    ).days


def until_now(project: Project, *, now: datetime | None = None) -> Project:
    """Return the project for all rows whose labels are due by now, until the day after the last one.

    Until a day with rows, not until today: without new rows a training has nothing new to do.
    """
    if project.contract.time is None:
        return project
    known = last_known_day(now or datetime.now(UTC), project.contract)
    days = [day for day in days_with_rows(project, project.params.ingest.start) if day < known]
    return project.until(days[-1] + timedelta(days=1)) if days else project


def to_be_acted_on(project: Project) -> Look | None:
    """Return the look that decides now, if it decided to train again and nothing came of it yet."""
    ledger = project.ledger()
    looks = deciding_looks(ledger, project.name)
    if not looks or not looks[-1].decision.retrain:
        return None
    acted = ledger.find(project.name, RETRAINING, looks[-1].incident)
    return None if acted else looks[-1]


def local_day(now: datetime, contract: Contract) -> date:
    """Return the day of a time in the contract's time zone."""
    return now.astimezone(ZoneInfo(contract.timezone)).date()


def _looked(look: Look, contract: Contract) -> Looked:
    labels = look.labels
    whole = labels.verdict == "complete" and local_day(labels.end, contract) >= look.end
    return Looked(
        start=look.start,
        end=look.end,
        day=local_day(look.as_of, contract),
        known=last_known_day(look.as_of, contract),
        complete=whole or not look.rows,
        rows=look.rows,
    )


def _nothing(why: str) -> CaughtUp:
    log.info("due: nothing is looked at: %s", why)
    return CaughtUp(why=why)
