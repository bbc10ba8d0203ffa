"""Who decides on a model's answers, as the ledger has it: one degree at a time, each change an entry of the chain."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from evergreen.base.errors import LostRace
from evergreen.decisions.automation.degrees import Automation, is_below
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger

DEGREE = "degree"  # the kind of the entries; their keys count from 1


def standing(ledger: Ledger, model: str) -> Automation | None:
    """Return what was set last; None where nothing ever was, and the model answers every row."""
    last = last_entry(ledger, model)
    return automation_of(last) if last else None


def last_entry(ledger: Ledger, model: str) -> Entry | None:
    """Return the entry of the last change; it says who changed it, why, and on what evidence."""
    entries = ledger.entries(model, DEGREE)
    return entries[-1] if entries else None


def automation_of(entry: Entry) -> Automation:
    """Return what an entry set."""
    return Automation.model_validate(entry.payload["automation"])


def automatic_since(ledger: Ledger, model: str) -> datetime | None:
    """Return when the model was last let answer by itself; None where it never was.

    That it is not any more, because a promise was broken, changes nothing of it.
    """
    began, was = None, False
    for entry in ledger.entries(model, DEGREE):
        does = is_below("assist", automation_of(entry).degree)
        began, was = (entry.at if does and not was else began), does
    return began


def change(
    ledger: Ledger, model: str, automation: Automation, *, after: Entry | None, because: Mapping[str, Any]
) -> Entry:
    """Set who decides from now on; where that stands already, nothing is recorded.

    Parameters
    ----------
    after : the last change that the caller knew of; None where there was none.
    because : what is kept with it: `by`, `reason`, and what it was decided on.

    Raises
    ------
    LostRace if somebody changed it at the same time; nothing is changed then.
    """
    if after and automation_of(after) == automation:
        return after
    number = int(after.key) + 1 if after else 1
    payload = {**because, "automation": automation.model_dump(mode="json")}
    entry = ledger.record(model, DEGREE, str(number), payload)
    if any(entry.payload.get(name) != payload.get(name) for name in ("automation", "by", "reason")):
        raise LostRace(
            "RACE007",
            f"{entry.payload.get('by', 'somebody')} changed who decides on '{model}' at the same time",
            where="ledger",
            next_step="See what stands now: evergreen degree show",
        )
    return entry
