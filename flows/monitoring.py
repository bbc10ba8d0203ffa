"""A look at a window as of a time: what it says about the champion, and whether to train again."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from evergreen.base import failpoints, months
from evergreen.base.errors import ConfigError
from evergreen.base.values import digest_of
from evergreen.config import consistency
from evergreen.config.contract.contract import Contract
from evergreen.decisions.retrain import decision as retrain
from evergreen.decisions.retrain.signals import Found
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.looks import LOOK, Look, pages
from evergreen.record.outcomes import of_entry
from evergreen.record.plan.identity import code_digest, lock_digest
from evergreen.record.retrainings import past
from evergreen.record.windows import latest
from flows import degrees
from flows.alerting import tell_or_say
from flows.opened import run_opened
from flows.recorder import Recorder
from flows.watching import watch

WATCHING = ("ingest", "validate", "score", "served", "reference", "drift", "performance", "estimate", "skew", "fresh",
            "features", "probe")  # fmt: skip
CLOCKS: Any = {"steps": True, "probed": {"rungs": {"__all__": {"seconds"}}}}  # which no ledger keeps of a look


def run_monitoring(project: Project, start: date, end: date, *, as_of: datetime | None = None) -> Look:
    """Return what `look_at` does, as a run of the flow `monitoring`, and tell what began and what ended."""
    body = partial(_look_and_tell, project, start, end, as_of=as_of)
    return run_opened("monitoring", project, body, why=months.named(start, end), start=start, end=end, as_of=as_of)


def _look_and_tell(project: Project, start: date, end: date, *, as_of: datetime | None) -> Look:
    look = look_at(project, start, end, as_of=as_of)
    tell_or_say(project)
    return look


def look_at(
    project: Project,
    start: date,
    end: date,
    *,
    as_of: datetime | None = None,
    spares: bool = False,
    do: Recorder | None = None,
) -> Look:
    """Look at a window, decide, and record what was found.

    Parameters
    ----------
    spares : do not probe what no decision by the policy hangs on.
    do : what calls the steps; by default one of the engine's.

    Raises
    ------
    ConfigError if the window begins after `as_of`, or the champion was trained on all of it.
    """
    consistency.require_time(project.contract)
    as_of = (as_of or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    ledger, champion, do = project.ledger(), project.champion(), do or Recorder()
    assert champion.data_end is not None
    require_unseen(champion.data_end, champion.version, end)
    require_begun(project.contract, start, as_of)
    with ledger.lease(f"monitoring:{project.name}"):
        earlier = deciding_looks(ledger, project.name)
        known = known_until(end, as_of, project.contract)
        seen = watch(
            project, champion, start, end, as_of=as_of, known_until=known, earlier=earlier, spares=spares, do=do
        )
        decision = retrain.decide(
            Found(seen.shift, seen.harm, seen.faults, seen.estimated, seen.probed, seen.rows),
            past(ledger, champion, earlier, start=start, end=end, is_harmed=seen.harm.verdict == "broken"),
            project.params.retrain,
            window_end=end,
        )
        look = Look(
            **dict(seen),
            model=project.name,
            version=champion.version,
            start=start,
            end=end,
            as_of=as_of,
            made_with=made_with(project),
            seen_until=champion.data_end if champion.data_end > start else None,
            pages=pages(seen, decision, was_open=bool(earlier) and earlier[-1].decision.circuit_open),
            decision=decision,
            steps=tuple(do.steps),
        )
        failpoints.reach("look.decided")
        ledger.record(project.name, LOOK, look.key, look.model_dump(mode="json", exclude=CLOCKS))
        failpoints.reach("look.recorded")
        if look.automatic and look.automatic.verdict == "broken":
            degrees.take_away(project, look.automatic.evidence)
    return look


def require_unseen(data_end: date, version: int, end: date) -> None:
    """Refuse a window of which the champion has seen every row: nothing can be said of it there."""
    if data_end >= end:
        raise ConfigError(
            "MON001",
            f"the champion, version {version}, was made of rows until {data_end}: it has seen this whole window",
            where="--window",
            next_step=f"Look at a window that ends after {data_end}.",
        )


def require_begun(contract: Contract, start: date, as_of: datetime) -> None:
    """Refuse a window that begins after the time as of which it is looked at."""
    if as_of.astimezone(ZoneInfo(contract.timezone)).date() < start:
        raise ConfigError(
            "MON002",
            f"the window begins on {start}, after {as_of:%Y-%m-%d %H:%M} UTC, as of which nothing of it is known",
            where="--as-of",
            next_step="Look at an earlier window, or as of a later time.",
        )


def deciding_looks(ledger: Ledger, model: str) -> list[Look]:
    """Return the look that decides of each window of a model, by period."""
    return latest(of_entry(ledger, entry, Look) for entry in ledger.entries(model, LOOK))


def known_until(end: date, as_of: datetime, contract: Contract) -> date:
    """Return the day after the last one of which a training may know the labels: those known as of a look."""
    return min(end, last_known_day(as_of, contract))


def last_known_day(as_of: datetime, contract: Contract) -> date:
    """Return the day of the contract's time zone before which every label is known by then."""
    known = as_of - timedelta(days=contract.label_delay_days)
    return known.astimezone(ZoneInfo(contract.timezone)).date()


def made_with(project: Project) -> str:
    """Return the digest of what decides a look besides its rows and its champion."""
    code = [code_digest(f"tasks.{step}") for step in WATCHING] + [lock_digest()]
    return digest_of([code, project.contract, project.params.model_dump(mode="json", exclude={"ingest", "monitor"})])
