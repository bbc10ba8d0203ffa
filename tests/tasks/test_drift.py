"""The drift step: the verdict of the decision on the features of two tables, and a picture of it beside."""

import numpy as np
import pandas as pd
import pytest
import validated

from evergreen.adapters import drift_report
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.params.drift import DriftParams
from evergreen.decisions.drift import decision
from tasks.drift import drift

CONTRACT = validated.contract_of({"name": "x", "type": "number"}, {"name": "note", "type": "text", "role": "ignore"})
PARAMS = DriftParams(alpha=0.01, min_psi=0.1, bins=5, min_rows=50, min_columns=1)


def rows(shift):
    rng = np.random.default_rng(3)
    return pd.DataFrame({"x": rng.normal(size=500) + shift, "note": "free text", "y": [True, False] * 250})


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "no drift"), (2.0, "drift")])
def test_step_reads_the_features_and_answers_with_the_decision(tmp_path, monkeypatch, shift, verdict):
    drawn = {}

    def draw(before, now, contract, target, *, report, seed):
        drawn.update(before=before, now=now, target=target, report=report, seed=seed)

    monkeypatch.setattr(drift_report, "draw", draw)
    ws = Workspace(root=tmp_path)
    before, now = rows(0.0), rows(shift)
    reference, current = ws.write("train", before), ws.write("window", now)
    found = drift.fn(
        current, reference=reference, window="2024-03", ws=ws, contract=CONTRACT, params=PARAMS, seed=7
    )  # fmt: skip

    assert found.report.verdict == verdict
    assert found.report == decision.compare(before, now, CONTRACT, PARAMS) == drawn["report"]
    assert [list(drawn[side]) for side in ("before", "now")] == [["x"]] * 2
    assert drawn["before"]["x"].tolist() == before["x"].tolist()
    assert found.picture == f"drift-rows-2024-03-{reference.sha256[:8]}.html"
    assert (drawn["target"], drawn["seed"]) == (ws.path(found.picture), 7)
