"""A model's history in a ledger whose clock is set by hand: promotions, looks, and what followed them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.drift.audit import Audited
from evergreen.decisions.drift.causes import Cause
from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import ColumnShift, Shift
from evergreen.decisions.performance import Performance
from evergreen.decisions.retrain.decision import Decision
from evergreen.decisions.rollout import decision as rolling
from evergreen.decisions.rollout.plan import parse
from evergreen.record import rollouts
from evergreen.record.labels.verdict import Labels
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.looks import LOOK, Look
from evergreen.record.registry.people import Proposal

MODEL = "visits"
COUNTS = {"n_reference": 900, "n_window": 700}
PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="told")
KEPT = Harm(verdict="kept", evidence="as promised", promise=PROMISE, limit=20.0, n_labels=700)
BROKEN = KEPT.model_copy(update={"verdict": "broken", "evidence": "above the promise", "since": date(2026, 3, 2)})
QUIET = Decision(retrain=False, unknown=False, triggers=(), reasons=(), summary="do not retrain: nothing fired")
DUE = QUIET.model_copy(update={"retrain": True, "triggers": ("harm",), "summary": "retrain: harm"})
NO_FAULT = Faults(verdict="none", evidence="none of 2 columns is broken", **COUNTS)


class Dated(Ledger):
    """A ledger that takes the time from `now`."""

    now = datetime(2026, 1, 1, tzinfo=UTC)

    def clock(self, connection: sa.Connection) -> float:
        return self.now.timestamp()


def ledger_in(folder: Path) -> Dated:
    """Return an empty ledger."""
    return Dated(f"sqlite:///{folder / 'ledger.db'}")


def at(text: str) -> datetime:
    """Return a time of the year in UTC: ``03-01`` or ``03-01T12:00``."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def promote(ledger: Dated, version: int, when: datetime, *, reason: str = "better", by: str | None = None) -> None:
    """Let a version become champion at a time."""
    ledger.now = when
    champion = ledger.champion(MODEL)
    judged = {"metrics": {"roc_auc": 0.8, "brier": 0.1}, "reason": reason, "model_digest": f"{version:064x}"}
    payload: dict[str, Any] = {"judged": judged, "data_end": "2026-01-01", "run_id": "r"}
    if by:
        payload["by"] = by
    ledger.promote(MODEL, version, payload, expected_epoch=champion.epoch if champion else 0)


def column(name: str, **found: Any) -> ColumnShift:
    """Return what is said of a column that is steady."""
    given = {"verdict": "steady", "evidence": "as before", "statistic": 0.1, "effect": 0.01, "importance": 0.1}
    return ColumnShift(name=name, **{**given, "missing_reference": 0.0, "missing_window": 0.0, **found})


def shift(*columns: ColumnShift, verdict: Any = "steady") -> Shift:
    """Return what is said of columns."""
    blocks = {"persistent": False, "blocks_reference": 90, "blocks_window": 7}
    return Shift(verdict=verdict, evidence=f"{verdict}: columns", columns=columns, **blocks, **COUNTS)


def look(start: date, end: date, *, version: int = 1, as_of: datetime | None = None, **found: Any) -> Look:
    """Return a look at a window of a healthy model, or of one that `found` says something else of."""
    as_of = as_of or datetime.combine(end, datetime.min.time(), tzinfo=UTC) + timedelta(hours=2)
    ends = datetime.combine(end, datetime.min.time(), tzinfo=UTC)
    given: dict[str, Any] = {
        "source": "served",
        "rows": 700,
        "quarantined": 0,
        "data": "d",
        "shift": shift(column("age"), column("city")),
        "faults": NO_FAULT,
        "skew": Skew(verdict="none", evidence="the same", n_pairs=700),
        "labels": labels("complete", ends, watermark=ends, n_due=700, n_labelled=690, coverage=0.98),
        "performance": performance(0.8, 0.78, 0.82),
        "estimated": estimated(0.79, loss=0.11),
        "harm": KEPT,
        "causes": (),
        "days": (Day(day=start, n=100, loss=12.0),),
        "profile": None,
        "report": None,
        "model": MODEL,
        "version": version,
        "start": start,
        "end": end,
        "as_of": as_of,
        "made_with": "m",
        "seen_until": None,
        "pages": (),
        "decision": QUIET,
    }
    return Look(**{**given, **found})


def looked(ledger: Dated, one: Look, *, when: datetime | None = None) -> Look:
    """Record a look, by default at the time as of which it looks."""
    ledger.now = when or one.as_of
    ledger.record(MODEL, LOOK, one.key, one.model_dump(mode="json", exclude={"steps"}))
    return one


def rolled_out(ledger: Dated, version: int, when: datetime, *, by: str = "Ada", reason: str = "newer") -> Any:
    """Let a rollout of a version begin at a time."""
    ledger.now = when
    champion = ledger.champion(MODEL)
    assert champion is not None
    return rollouts.start(
        ledger,
        MODEL,
        version=version,
        champion=champion.version,
        epoch=champion.epoch,
        plan=parse("shadow,5,50,100"),
        policy=RolloutParams(),
        unit=(),
        origin="command",
        by=by,
        reason=reason,
    )


def moved(ledger: Dated, one: Any, did: Any, when: datetime, *, reason: str = "every check passed", **more: Any) -> Any:
    """Let a rollout move at a time."""
    ledger.now = when
    return rollouts.move(ledger, one, did, by=one.owner, reason=reason, **more)


def noted(ledger: Dated, one: Any, when: datetime, *, reason: str, person: bool = False, exposed: int = 0) -> None:
    """Let a look at a rollout find something at a time."""
    ledger.now = when
    found = rolling.Decision(answer="hold", reason=reason, checks=(), exposed=exposed, person=person)
    rollouts.note(ledger, one, found)


def week(n: int) -> tuple[date, date]:
    """Return the n-th week of the year from the first Monday of March, from 0."""
    start = date(2026, 3, 2) + timedelta(weeks=n)
    return start, start + timedelta(weeks=1)


def labels(verdict: Any, end: datetime, **found: Any) -> Labels:
    """Return how far rows are labelled."""
    given = {"evidence": f"labels are {verdict}", "as_of": end, "start": None, "n": 700, "needed": 0.9}
    return Labels(verdict=verdict, end=end, **{**given, **found})


def performance(value: float | None, low: float | None = None, high: float | None = None) -> Performance:
    """Return a measured AUC, or one that is unknown."""
    return Performance(
        verdict="unknown" if value is None else "measured",
        evidence="measured",
        n_labelled=690,
        n_unlabelled=10,
        confidence=0.95,
        metric="roc_auc",
        value=value,
        low=low,
        high=high,
    )


def estimated(value: float | None, *, loss: float | None = None) -> Estimated:
    """Return an estimated AUC and Brier score, or none."""
    return Estimated(
        verdict="not enough data" if value is None else "estimated",
        evidence="estimated",
        metric="roc_auc",
        loss_name="brier",
        confidence=0.95,
        value=value,
        loss=loss,
        **COUNTS,
    )


def broken_column(name: str, evidence: str = "all missing") -> Faults:
    """Return a fault in a column."""
    fault = Fault(column=name, kind="missing", evidence=evidence, share=1.0)
    return NO_FAULT.model_copy(update={"verdict": "fault", "evidence": evidence, "columns": (fault,)})


def cause(name: Any) -> tuple[Cause, ...]:
    """Return one named cause."""
    return (Cause(name=name, evidence="told"),)


def audited(low: float) -> Audited:
    """Return what labels that were asked for say."""
    given = {"n_asked": 50, "n_labels": 50, "n_ignored": 0, "confidence": 0.95}
    return Audited(verdict="measured", evidence="asked", loss=low + 0.02, low=low, high=low + 0.05, **given)


def retrained(ledger: Dated, after: Look, verdict: str, *, version: int | None = None, **more: Any) -> None:
    """Record that a look led to a training, which took 40 seconds of CPU and gained 0.012 of AUC."""
    check = {"name": "champion", "code": "GT004", "evidence": {"gain": 0.012, "metric": "roc_auc"}}
    steps = [
        {"name": "tune", "cached": False, "seconds": 30.0, "cpu_seconds": 40.0},
        {"name": "ingest", "cached": True, "seconds": 9.0, "cpu_seconds": 9.0},
    ]
    outcome = {"verdict": verdict, "version": version, "checks": [check], "steps": steps, "reason": "r"}
    payload = {"look": after.key, "window_end": f"{after.end}", "triggers": ["harm"], "reason": "retrain: harm"}
    ledger.record(MODEL, "retraining", after.incident, {**payload, "outcome": outcome, **more})


def propose(ledger: Dated, version: int) -> None:
    """Record that a version waits for a person."""
    proposal = Proposal(
        version=version,
        epoch=1,
        champion=1,
        data_digest="d",
        model_digest="m",
        period=IngestParams(),
        expires=None,
        by=(),
        not_author=False,
    )
    ledger.record(MODEL, "proposal", f"{version}", proposal.model_dump(mode="json"))
