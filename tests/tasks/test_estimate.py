"""The estimate step: near the truth where labels mean what they did, from answers alone, and never from the future."""

import looking
import numpy as np
import pandas as pd
import pytest
from looking import LATE, at

from evergreen.learning.model import model as models
from tasks.estimate import estimate


@pytest.fixture
def estimated(visited):
    """Estimate what the champion does on the rows of a period of the source."""
    facts, ws = visited.champion(), visited.workspace
    model = models.load(ws.path(facts.artifact.uri), facts.artifact.sha256)
    source = looking.source(visited)

    def estimated(start, end, *, before=LATE, features=True, answers=True):
        rows = source[(source["at"] >= at(start)) & (source["at"] < at(end))].reset_index(drop=True)
        said = model.predict(rows).values
        table = pd.DataFrame(
            {"probability": said, "label": said >= facts.threshold, "event_at": rows["at"], "target": rows["returned"]}
        )
        found = estimate.fn(
            ws.write("answers", table) if answers else None,
            rows=ws.write("valid", rows) if features and answers else None, reference=facts.reference, ws=ws,
            contract=visited.contract, threshold=facts.threshold, harm=visited.params.harm, confidence=0.95,
            before=before, seed=7,
        )  # fmt: skip
        return found, float(((said - rows["returned"]) ** 2).mean())

    return estimated


@pytest.mark.parametrize("features", [True, False])
def test_loss_of_unchanged_rows_is_inside_its_interval(estimated, features):
    found, loss = estimated("03-01", "04-01", features=features)
    assert (found.verdict, found.metric, found.loss_name) == ("estimated", "roc_auc", "brier")
    assert found.loss_low <= loss <= found.loss_high
    assert found.n_window == 31 * 15
    assert found.blind == "blind to concept drift"


def test_targets_have_no_part_in_it(estimated, visited):
    before, _ = estimated("03-01", "04-01")
    looking.bring(visited, looking.flipped(looking.source(visited), "03-01"))
    assert estimated("03-01", "04-01")[0] == before


def test_answers_that_were_not_given_yet_have_no_part_in_it(estimated):
    early, _ = estimated("03-01", "04-01", before=at("03-16"))
    assert early.n_window == 15 * 15
    assert early == estimated("03-01", "03-16")[0]


def test_no_answers_are_not_enough(estimated):
    found, _ = estimated("03-01", "04-01", answers=False)
    assert (found.verdict, found.n_window, found.value) == ("not enough data", 0, None)


def test_version_without_a_gate_is_estimated_by_nobody(visited):
    from tasks.reference import reference

    facts = visited.champion()
    bare = reference.fn(
        facts.artifact,
        train=facts.train,
        proof=None,
        threshold=0.5,
        ws=visited.workspace,
        params=visited.params.drift,
        seed=7,
    ).folder
    answers = pd.DataFrame(
        {
            "probability": np.full(99, 0.5),
            "label": True,
            "event_at": at("03-02"),
            "target": True,
        }
    )
    found = estimate.fn(
        visited.workspace.write("answers", answers), rows=None, reference=bare, ws=visited.workspace,
        contract=visited.contract, threshold=0.5, harm=visited.params.harm, confidence=0.95, before=LATE, seed=7,
    )  # fmt: skip
    assert found.verdict != "estimated"
    assert (found.n_reference, found.value, found.loss) == (0, None, None)
