"""Who answers whom, as the ledger has it: one rule at a time for a model, each change an entry of the chain."""

from collections.abc import Mapping
from typing import Any

from evergreen.base.errors import LostRace
from evergreen.decisions.rollout.traffic import Traffic
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger

TRAFFIC = "traffic"  # the kind of the entries; their keys count from 1


def standing(ledger: Ledger, model: str) -> Traffic | None:
    """Return the rule that was set last; None where the champion alone answers.

    It may be of another champion than there is now: `Traffic.epoch` says of which.
    """
    last = _last(ledger, model)
    return _traffic(last) if last else None


def change(
    ledger: Ledger, model: str, traffic: Traffic | None, *, owner: str, expected_epoch: int, because: Mapping[str, Any]
) -> Entry:
    """Set another rule, or end the present one with None.

    Parameters
    ----------
    owner : who changes it: of what stands, nobody else may change anything.
    because : what is kept with it beside the rule: `by`, `reason`, and what it was decided on.

    Raises
    ------
    LostRace if another owner's rule stands (RACE006), the champion is another one than at `expected_epoch`, or somebody
    changed the rule at the same time; nothing is changed then.
    """
    last = _last(ledger, model)
    require_free(ledger, model, owner=owner)
    number = int(last.key) + 1 if last else 1
    payload = {**because, "owner": owner, "traffic": traffic.model_dump(mode="json") if traffic else None}
    entry = ledger.record_under(model, TRAFFIC, str(number), payload, expected_epoch=expected_epoch)
    if entry.payload.get("traffic") != payload["traffic"] or entry.payload.get("owner") != owner:
        raise LostRace(
            "RACE006",
            f"{entry.payload.get('owner')} changed the traffic of '{model}' at the same time",
            where="ledger",
            next_step="See what stands now: evergreen status",
        )
    return entry


def require_free(ledger: Ledger, model: str, *, owner: str = "") -> None:
    """Raise LostRace (RACE006), which names it, if somebody else's rule stands."""
    before = standing(ledger, model)
    if before and before.owner != owner:
        raise LostRace(
            "RACE006",
            f"{before.owner} divides the traffic of '{model}'" + (f", so {owner} cannot" if owner else ""),
            where="ledger",
            next_step="Let it end, or end it: "
            f"evergreen {before.kind} {'abort' if before.kind == 'rollout' else 'stop'}",
        )


def _last(ledger: Ledger, model: str) -> Entry | None:
    entries = ledger.entries(model, TRAFFIC)
    return entries[-1] if entries else None


def _traffic(entry: Entry) -> Traffic | None:
    kept = entry.payload.get("traffic")
    return Traffic.model_validate(kept) if kept else None
