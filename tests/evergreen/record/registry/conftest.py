"""A story: versions that were promoted, watched, replaced and rolled back, in a real ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import remembered
from remembered import MODEL, digest, judgement

from evergreen.decisions.gate.check import Check
from evergreen.record.ledger.ledger import Ledger

WINDOW = "v1:2013-04-01:2013-05-01"
WORSE = Check(
    name="champion",
    code="GT004",
    outcome="failed",
    text="roc_auc -0.0300 [-0.0500, -0.0100] against version 2: shown to be worse by more than 0.005",
    would_change="a gain above -0.005 that is shown",
)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Ledger]:
    """Version 1, a window that asked for version 2, a refused candidate, and a person who took version 1 back."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.record(MODEL, "gate", digest("candidate 1"), {"rule": "first", "promoted": True})
    remembered.make_champion(ledger, 1)
    columns = [
        {"name": "minutes", "verdict": "drift", "evidence": "p 1e-9, psi 0.4"},
        {"name": "pages", "verdict": "no drift", "evidence": "p 0.5"},
    ]
    decision = {"summary": "retrain: drift", "reasons": ["performance: 0.79, it is tolerated", "drift: 1 of 2 columns"]}
    window = {"version": 1, "start": "2013-04-01", "end": "2013-05-01", "decision": decision}
    ledger.record(MODEL, "window", WINDOW, {**window, "drift": {"columns": columns}})
    ledger.record(MODEL, "gate", digest("candidate 2"), {"rule": "refresh", "promoted": True})
    remembered.make_champion(ledger, 2)
    outcome = judgement(2).model_dump(mode="json")
    ledger.record(MODEL, "judgement", digest("candidate 2"), outcome)
    ledger.record(
        MODEL, "retraining", WINDOW, {"window_end": "2013-05-01", "reason": "retrain: drift", "outcome": outcome}
    )
    refused = judgement(None, checks=(WORSE,), reason=WORSE.text, model_digest=digest("model refused"), rule="refresh")
    ledger.record(MODEL, "gate", digest("candidate refused"), {"rule": "refresh", "promoted": False})
    ledger.record(MODEL, "judgement", digest("candidate refused"), refused.model_dump(mode="json"))
    remembered.make_champion(ledger, 1, kind="rollback", by="ann", reason="worse on Mondays")
    yield ledger
    ledger.close()
