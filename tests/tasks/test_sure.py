"""The step that chooses a version's threshold: on its own validation rows, or nothing, with the reason."""

import numpy as np
import pytest
from direct import Direct

from evergreen.config.contract.decision import DecisionPolicy
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry import proof as proofs
from flows.training import train_and_judge
from tasks.sure import sure

POLICY = DecisionPolicy(degree="partial", error=0.2)


@pytest.fixture
def given(fresh):
    """What the step is given of the small champion."""
    train_and_judge(fresh, reason="why", do=Direct())
    facts = champion_facts(fresh.ledger(), "visits")
    return {"proof": facts.proof, "threshold": facts.threshold, "ws": fresh.workspace, "contract": fresh.contract}


def test_threshold_is_chosen_on_the_validation_rows_of_tuning(given):
    found = sure.fn(**given, policy=POLICY)

    ws, proof = given["ws"], given["proof"]
    proven, _ = proofs.read(ws.path(proof.uri), proof.sha256)
    rows = ws.read(proven.candidate.out_of_fold)
    likely = rows["candidate" if proven.taken == "model" else "baseline"].to_numpy()
    label = likely >= given["threshold"]
    taken = np.where(label, likely, 1 - likely) >= found.least
    assert (found.n, found.unit) == (len(rows), "day")
    assert found.share == taken.mean()
    assert found.wrong == (label != rows["label"])[taken].mean()
    assert found.wrong < found.at_most <= 0.2


def test_less_that_is_promised_refers_more(given):
    strict = sure.fn(**given, policy=POLICY.model_copy(update={"error": 0.12}))
    assert strict.share < sure.fn(**given, policy=POLICY).share


def test_version_without_a_proof_or_without_its_rows_has_no_threshold_and_says_why(given):
    nothing = sure.fn(**{**given, "proof": None}, policy=POLICY)
    assert (nothing.least, nothing.share) == (None, 0)
    assert "no proof" in nothing.evidence

    ws, proof = given["ws"], given["proof"]
    proven, _ = proofs.read(ws.path(proof.uri), proof.sha256)
    ws.path(proven.candidate.out_of_fold.uri).unlink()
    gone = sure.fn(**given, policy=POLICY)
    assert gone.least is None
    assert "not kept any more" in gone.evidence


def test_no_number_is_sure(given):
    columns = tuple(
        column.model_copy(update={"type": "number"}) if column.role == "target" else column
        for column in given["contract"].columns
    )
    numbers = given["contract"].model_copy(update={"columns": columns})
    assert "how sure a number is" in sure.fn(**{**given, "contract": numbers}, policy=POLICY).evidence
