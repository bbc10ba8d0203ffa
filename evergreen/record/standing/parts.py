"""What stands behind the tiles: windows, inputs, decisions, and what names the champion's parts."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from evergreen.record.glances import Fault, Glance, Moved
from evergreen.record.ledger.chain import Entry
from evergreen.record.registry import history
from evergreen.record.registry.history import Reign
from evergreen.record.rollouts import Note, Rollout
from evergreen.record.standing.rows import Retrained, Rows
from evergreen.record.standing.values import Champion, Decided, Input, RolledOut, State, Told, Window

DECISIONS, ROLLOUTS = 10, 5
STATES: Mapping[str, State] = {"steady": "OK", "shifted": "NOTE"}
NAMED = ("model_digest", "data_digest", "code_digest", "params_digest")  # of a judgement


def champion(reign: Reign) -> Champion:
    """Return who answers and who let it in."""
    entry = reign.entry
    judged, made_of = entry.payload.get("judged", {}), entry.payload.get("data_end")
    return Champion(
        version=reign.version,
        since=entry.at,
        by=history.by_of(entry) or "nobody named",
        why=history.reason_of(entry) or "",
        kind=entry.kind,
        made_of=date.fromisoformat(made_of) if made_of else None,
        metrics=judged.get("metrics", {}),
    )


def window(look: Glance) -> Window:
    """Return what a look knows of its window."""
    labels, n = look.labels, sum(day.n for day in look.days)
    return Window(
        start=look.start,
        end=look.end,
        version=look.version,
        as_of=look.as_of,
        source=look.source,
        rows=look.rows,
        refused=look.quarantined,
        value=look.performance.value,
        low=look.performance.low,
        high=look.performance.high,
        estimated=look.estimated.value,
        loss=sum(day.loss for day in look.days) / n if n else None,
        estimated_loss=look.estimated.loss,
        promised=look.harm.promise.at_most if look.harm.promise.at_most < 1 else None,
        labels=labels.verdict,
        n_due=labels.n_due,
        n_labelled=labels.n_labelled,
        coverage=labels.coverage,
        needed=labels.needed,
    )


def inputs(look: Glance) -> tuple[Input, ...]:
    """Return the columns of a look: broken ones first, then by how much the answers moved with them."""
    broken: dict[str, Fault] = {}
    for fault in look.faults.columns:
        broken.setdefault(fault.column, fault)
    moved = {column.name: column for column in look.shift.moved}
    found = [_input(name, moved.get(name), broken.get(name)) for name in dict.fromkeys((*broken, *moved))]
    return tuple(sorted(found, key=lambda one: (one.fault is None, -(one.effect or 0.0), one.name)))


def _input(name: str, moved: Moved | None, fault: Fault | None) -> Input:
    verdict = fault.kind if fault else moved.verdict if moved else "unknown"
    return Input(
        name=name,
        state="BAD" if fault else STATES.get(verdict, "UNKNOWN"),
        verdict=verdict,
        effect=moved.effect if moved else None,
        moved=moved.statistic if moved else None,
        missing=(moved.missing_reference, moved.missing_window) if moved else (None, None),
        fault=fault.evidence if fault else None,
        evidence=fault.evidence if fault else moved.evidence if moved else "",
    )


def decided(rows: Rows) -> tuple[Decided, ...]:
    """Return the last ten decisions, the newest first."""
    done = {one.incident: one for one in rows.retrained}
    return tuple(_decided(look, done.get(look.incident)) for look in reversed(rows.looks[-DECISIONS:]))


def _decided(look: Glance, done: Retrained | None) -> Decided:
    decision, outcome = look.decision, done.outcome if done else None
    said: Literal["retrain", "keep", "held back", "unknown"] = "keep"
    if decision.retrain:
        said = "retrain"
    elif decision.triggers:
        said = "held back"
    elif decision.unknown:
        said = "unknown"
    gain, of = _gain(done) if done else (None, None)
    return Decided(
        at=look.recorded,
        start=look.start,
        end=look.end,
        version=look.version,
        decision=said,
        why=decision.summary,
        decided_by=decision.decided_by or (", ".join(decision.triggers) or None),
        rung=(done and done.rung) or decision.rung,
        would_change=decision.would_change,
        outcome=outcome.verdict if outcome else None,
        became=outcome.version if outcome else None,
        training=bool(done and done.training),
        cost=_cost(done) if done else None,
        gain=gain,
        gain_of=of,
    )


def rolled_out(rows: Rows) -> tuple[RolledOut, ...]:
    """Return the last rollouts, the newest first; of one that is under way with what the last look at it found."""
    found = {note.rollout: note for note in rows.noted}
    return tuple(_rolled_out(one, found.get(one.owner)) for one in reversed(rows.rollouts[-ROLLOUTS:]))


def _rolled_out(one: Rollout, last: Note | None) -> RolledOut:
    move, evidence = one.moves[-1], one.moves[-1].evidence or {}
    looked = last if last and not one.ended and last.at >= move.at else None
    says = move.reason if one.ended or not looked else looked.reason
    waits = bool(one.held or (looked and looked.person))
    states: dict[str, State] = {"returned": "BAD", "finished": "OK", "aborted": "NOTE"}
    return RolledOut(
        name=one.owner,
        version=one.begun.version,
        champion=one.begun.champion,
        plan=one.plan.text,
        step=one.step.name,
        share=0.0 if one.ended and move.did != "finished" else one.step.share,
        since=one.since,
        ended=one.ended.at if one.ended else None,
        did=move.did,
        by=move.by,
        says=says,
        state=states[move.did] if one.ended else "NOTE" if waits else "OK",
        answered=int(evidence.get("exposed") or (looked.exposed if looked else 0)),
    )


def told(rows: Rows) -> tuple[Told, ...]:
    """Return what somebody was to be told of, by when it began."""
    return tuple(
        Told(
            title=one.title,
            subject=one.subject,
            severity=one.severity,
            since=one.since,
            until=one.until,
            evidence=one.evidence,
            next_step=one.next_step,
            runbook=one.runbook,
        )
        for one in rows.incidents
    )


def _gain(done: Retrained) -> tuple[float | None, str | None]:
    """Return what was won over the champion: as the probe measured it, or else as the gate did."""
    if done.gain is not None:
        return done.gain, "loss"
    for check in done.outcome.checks:
        gain, metric = check.evidence.get("gain"), check.evidence.get("metric")
        if check.name == "champion" and isinstance(gain, float) and isinstance(metric, str):
            return gain, metric
    return None, None


def _cost(done: Retrained) -> float | None:
    """Return the seconds of CPU of the steps that ran, or their seconds by the clock where nobody measured more."""
    ran = [step for step in done.outcome.steps if not step.cached]
    return sum(step.seconds if step.cpu_seconds is None else step.cpu_seconds for step in ran) if ran else None


def reigns(changes: Sequence[Entry]) -> tuple[tuple[int, Any], ...]:
    """Return every change of the champion: the version, and since when."""
    return tuple((int(entry.payload["version"]), entry.at) for entry in changes)


def provenance(reign: Reign | None, last: Entry | None) -> tuple[tuple[str, str], ...]:
    """Return what names the champion's parts, and the last row of the ledger that all of this was read from."""
    named: list[tuple[str, str]] = []
    if reign:
        payload = reign.entry.payload
        judged = payload.get("judged", {})
        named += [(name.removesuffix("_digest"), str(judged[name])) for name in NAMED if judged.get(name)]
        named += [(name, str(payload[name])) for name in ("package", "run_id", "author") if payload.get(name)]
        named.append(("promoted by entry", f"{reign.entry.seq}, {reign.entry.hash}"))
    if last:
        named.append(("ledger to entry", f"{last.seq}, {last.hash}"))
    return tuple(named)
