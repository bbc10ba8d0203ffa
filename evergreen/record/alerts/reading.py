"""What incidents follow from, out of the ledger's rows."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from evergreen.decisions.alerts.facts import Answered, Changed, Fact, Looked, Proposed, Retrained
from evergreen.decisions.alerts.incident import Kind
from evergreen.record.glances import LOOK, Glance
from evergreen.record.ledger.chain import CHANGES, Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import of_entry
from evergreen.record.registry.history import by_of, reason_of
from evergreen.record.registry.people import Proposal

KINDS = (LOOK, "retraining", "proposal", "approval", "rejection", *CHANGES)


def facts_of(ledger: Ledger, entries: Iterable[Entry], glances: Mapping[int, Glance]) -> list[Fact]:
    """Return what entries of a model say, in their order.

    What follows a look at history is told as of the time of that look, so that a history that is walked through in an
    hour is not an hour long.

    Parameters
    ----------
    glances : the looks among the entries, by the entry's number.

    Raises
    ------
    IntegrityError if an entry does not hold what its kind holds.
    """
    facts: list[Fact] = []
    look: Glance | None = None
    for entry in entries:
        at = look.as_of.astimezone(UTC) if look and look.is_history else entry.at
        if entry.kind == LOOK:
            look = glances[entry.seq]
            facts.append(looked(look))
        elif entry.kind == "retraining":
            facts.append(_retrained(entry, at))
        elif entry.kind == "proposal":
            one = of_entry(ledger, entry, Proposal)
            facts.append(Proposed(at=entry.at, version=one.version, epoch=one.epoch, expires=one.expires))
        elif entry.kind in CHANGES:
            version, epoch = entry.payload["version"], entry.payload["epoch"]
            facts.append(Changed(at=at, recorded=entry.at, version=version, epoch=epoch))
        else:
            answer = f"{entry.kind} by {by_of(entry) or 'nobody named'}: {reason_of(entry)}"
            facts.append(Answered(at=entry.at, version=int(entry.key), answer=answer))
    return facts


def looked(look: Glance) -> Looked:
    """Return what a look says of incidents."""
    return Looked(
        at=look.as_of.astimezone(UTC),
        recorded=look.recorded,
        window=look.incident,
        start=look.start,
        end=look.end,
        version=look.version,
        found=_found(look),
        retrain=look.decision.retrain,
        summary=look.decision.summary,
    )


def _found(look: Glance) -> Mapping[Kind, Mapping[str, str]]:
    found: dict[Kind, Mapping[str, str]] = {}
    faults, skew, harm, labels = look.faults, look.skew, look.harm, look.labels
    if faults.verdict in ("fault", "none"):
        broken: dict[str, str] = {}
        for fault in faults.columns:
            broken[fault.column] = f"{broken.get(fault.column, fault.column)}: {fault.evidence}"
        found["data-fault"] = (broken or {"": faults.evidence}) if faults.verdict == "fault" else {}
    if skew.verdict in ("skew", "none"):
        differing = {one.name: f"{one.name}: {one.evidence}" for one in skew.columns if one.verdict == "skew"}
        found["skew"] = (differing or {"": skew.evidence}) if skew.verdict == "skew" else {}
    if harm.verdict != "unknown":  # days of earlier looks count: what was broken and is not any more was corrected
        found["harm"] = {f"v{look.version}": harm.evidence} if harm.verdict == "broken" else {}
    automatic = look.automatic
    if automatic and automatic.verdict != "unknown":
        found["automation"] = {f"v{look.version}": automatic.evidence} if automatic.verdict == "broken" else {}
    if labels.coverage is not None and labels.needed is not None:
        found["labels-late"] = {"": labels.evidence} if labels.coverage < labels.needed else {}
    if look.probed and (look.probed.failed or look.probed.gain is not None):
        found["probe-failed"] = {"": look.probed.evidence} if look.probed.failed else {}
    found["circuit-open"] = {"": look.decision.summary} if look.decision.circuit_open else {}
    return found


def _retrained(entry: Entry, at: datetime) -> Retrained:
    outcome: Mapping[str, Any] = entry.payload.get("outcome") or {}
    return Retrained(
        at=at, window=entry.key, verdict=str(outcome.get("verdict", "")), reason=str(outcome.get("reason", ""))
    )
