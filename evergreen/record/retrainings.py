"""What retrainings there were, as the ledger tells it, for the decision on the next one."""

from collections.abc import Sequence
from datetime import date, timedelta

from evergreen.decisions.retrain.guards import YEAR_DAYS
from evergreen.decisions.retrain.signals import Past
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.looks import LOOK, Look
from evergreen.record.outcomes import VersionFacts

RETRAINING = "retraining"


def past(
    ledger: Ledger, champion: VersionFacts, looks: Sequence[Look], *, start: date, end: date, is_harmed: bool
) -> Past:
    """Return what happened before a look at the window [start, end).

    Parameters
    ----------
    looks : those that decide of the model's windows, by period.
    is_harmed : whether the promise is broken now.
    """
    assert champion.data_end is not None
    model = champion.judged.model
    entries = ledger.entries(model, RETRAINING)
    trainings = [entry for entry in entries if is_training(entry)]
    rejected = {entry.key for entry in ledger.entries(model, "rejection")}
    since = max([window_end(entry) for entry in trainings] + [champion.data_end])
    before = apart([look for look in looks if look.end > since], start)
    gains = [
        look.probed.gain * look.rows
        for look in before
        if look.version == champion.version and look.probed and look.probed.gain is not None
    ]
    refused = refused_lately(ledger, model, entries)
    return Past(
        champion_data_end=champion.data_end,
        windows=len(before) + (end > since),
        regret=sum(gains) if gains else None,
        promoted_at=max((window_end(entry) for entry in trainings if _stands(entry, rejected)), default=None),
        trainings=sum(end - timedelta(days=YEAR_DAYS) < window_end(entry) <= end for entry in trainings),
        failed=len(
            {entry.key for entry in refused}
            | (outlived(ledger, model, looks, now=(start, end)) if is_harmed else set())
        ),
        refused=tuple(dict.fromkeys(str(entry.payload["rung"]) for entry in refused if entry.payload.get("rung"))),
    )


def apart(looks: Sequence[Look], start: date) -> list[Look]:
    """Return looks at windows before a day that do not overlap, the latest and of those the longest first.

    So no day counts twice where the schedule changed.
    """
    kept: list[Look] = []
    for look in sorted(looks, key=lambda look: (-look.end.toordinal(), look.start)):
        if look.end <= start:
            kept.append(look)
            start = look.start
    return kept


def window_end(entry: Entry) -> date:
    """Return the end of the window that a retraining followed."""
    return date.fromisoformat(entry.payload["window_end"])


def is_training(entry: Entry) -> bool:
    """Return whether a retraining fitted a model; all did from before there were repairs that do not."""
    return bool(entry.payload.get("training", True))


def is_repair(rung: str | None) -> bool:
    """Return whether a rung makes a candidate of the champion; any other is searched for."""
    return rung not in (None, "search")


def rung_of_version(ledger: Ledger, facts: VersionFacts) -> str | None:
    """Return the rung by which a version was made; None of one that no retraining made, or that says nothing of it."""
    for entry in ledger.entries(facts.judged.model, RETRAINING):
        if (entry.payload.get("outcome") or {}).get("version") == facts.version:
            rung: str | None = entry.payload.get("rung")
            return rung
    return None


def verdict_of(entry: Entry) -> str | None:
    """Return how a retraining ended: "promoted", "refused" or "proposed"; None where it does not say."""
    verdict: str | None = (entry.payload.get("outcome") or {}).get("verdict")
    return verdict


def _stands(entry: Entry, rejected: set[str]) -> bool:
    """Return whether a retraining was promoted, or waits for a person who has not rejected it."""
    version = (entry.payload.get("outcome") or {}).get("version")
    return verdict_of(entry) != "refused" and str(version) not in rejected


def refused_lately(ledger: Ledger, model: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return the retrainings that the gate refused since the champion came into service."""
    came = max((change.seq for change in ledger.changes(model)), default=0)
    return [entry for entry in entries if entry.seq > came and verdict_of(entry) == "refused"]


def outlived(ledger: Ledger, model: str, looks: Sequence[Look], *, now: tuple[date, date]) -> set[str]:
    """Return the keys of the retrainings of harmed windows since a promise was last kept, whatever they ended with.

    Parameters
    ----------
    looks : those that decide, by period.
    now : the window that is looked at, whatever an earlier look said of it.
    """
    windows: dict[str, set[str]] = {}  # by period: whichever version was champion then, a later one may decide now
    for entry in ledger.entries(model, RETRAINING):
        if _was_harmed(ledger, entry):
            windows.setdefault(entry.key.partition(":")[2], set()).add(entry.key)
    found: set[str] = set()
    for look in reversed(looks):
        if look.harm.verdict == "kept" and (look.start, look.end) != now:
            break
        found |= windows.get(f"{look.start}:{look.end}", set())
    return found


def _was_harmed(ledger: Ledger, entry: Entry) -> bool:
    look = ledger.find(entry.model, LOOK, str(entry.payload.get("look")))
    if look is None:
        return "harm" in entry.payload.get("triggers", ())
    return bool(look.payload["harm"]["verdict"] == "broken")
