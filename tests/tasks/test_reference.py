"""The reference step: profiles that equal a count by pandas, and what the gate's rows say."""

import numpy as np
import pandas as pd
import pytest

from evergreen.decisions.drift.profile.profile import ESTIMATE
from evergreen.decisions.gate import scores
from evergreen.record.reference import Reference
from evergreen.record.registry import proof as proofs
from tasks.reference import reference


@pytest.fixture
def made(visited):
    """The reference that came with the first version of visits, its facts, and its rows."""
    facts, ws = visited.champion(), visited.workspace
    found = Reference.read(ws.path(facts.reference.uri), facts.reference.sha256)
    proof, files = proofs.read(ws.path(facts.proof.uri), facts.proof.sha256)
    return found, facts, proof, files, ws


def test_features_are_the_train_and_gate_rows_counted_by_day_and_cell(made):
    found, facts, proof, _, ws = made
    rows = pd.concat([ws.read(facts.train), ws.read(proof.candidate.test)])
    days = pd.to_datetime(rows["at"], utc=True).dt.date
    assert list(found.features.days) == sorted(days.unique())
    assert found.features.rows.tolist() == days.value_counts().sort_index().tolist()
    assert set(found.features.bins) == {"minutes", "pages", "hour of at"}
    hours = pd.to_datetime(rows["at"], utc=True).dt.strftime("%H")
    assert found.features.bins["hour of at"].categories == tuple(hours.value_counts().sort_index().index)
    assert found.features.total("hour of at")[:-2].tolist() == hours.value_counts().sort_index().tolist()
    for name in ("minutes", "pages"):
        bins = found.features.bins[name]
        cells = np.searchsorted(bins.edges, rows[name], side="left")
        counted = pd.crosstab(days, cells).reindex(columns=range(len(bins.edges) + 1), fill_value=0)
        np.testing.assert_array_equal(found.features.counts[name][:, : counted.shape[1]], counted.to_numpy())
        assert len(bins.edges) + 1 == 10


def test_gate_holds_what_the_promoted_model_said_of_rows_that_it_had_not_seen(made):
    found, facts, proof, files, ws = made
    test = ws.read(proof.candidate.test)
    assert len(found.gate) == len(test) == found.predictions.n_rows
    assert found.gate["target"].tolist() == test["returned"].tolist()
    assert found.gate["day"].dt.date.tolist() == pd.to_datetime(test["at"], utc=True).dt.date.tolist()
    table = pd.read_parquet(pd.io.common.BytesIO(files[proofs.ROWS]))
    column = "candidate" if proof.taken == "model" else "baseline"
    said = table.filter(regex=f"^{column}").iloc[:, 0]
    np.testing.assert_array_equal(found.gate["probability"], said)
    assert found.gate["label"].tolist() == (said >= facts.threshold).tolist()
    assert found.error_at_gate == pytest.approx((found.gate["label"] != found.gate["target"]).mean())
    assert found.predictions.counts[ESTIMATE].sum() == len(test)
    assert scores.LABEL in table


def test_what_the_model_looks_at_counts_more(made):
    found = made[0]
    assert found.importances["pages"] > 5 * found.importances["minutes"] >= 0


def test_version_without_a_proof_is_profiled_on_its_train_rows_alone(visited):
    facts, ws = visited.champion(), visited.workspace
    folder = reference.fn(
        facts.artifact, train=facts.train, proof=None, threshold=0.5, ws=ws, params=visited.params.drift, seed=7
    ).folder
    found = Reference.read(ws.path(folder.uri), folder.sha256)
    assert found.features.n_rows == facts.train.rows
    assert (found.gate, found.predictions, found.test) == (None, None, None)


def test_same_rows_make_the_same_reference(visited):
    facts = visited.champion()
    again = reference.fn(
        facts.artifact, train=facts.train, proof=facts.proof, threshold=facts.threshold, ws=visited.workspace,
        params=visited.params.drift, seed=visited.params.seed,
    )  # fmt: skip
    assert again.folder.sha256 == facts.reference.sha256
