"""The compare step: a champion is judged on what it looks at itself, its own past included."""

from datetime import date
from typing import NamedTuple

import candidates
import numpy as np
import pandas as pd
import pytest
import released
from sklearn.metrics import roc_auc_score

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features as domain
from evergreen.learning.features import pieces
from evergreen.learning.model import model as models
from evergreen.learning.tuning import families
from evergreen.record.outcomes import ChampionFacts
from tasks.compare import compare
from tasks.features import FeatureSet, features

LAST = {"late_before": {"of": "late", "by": ["carrier"], "lag": 1}}
OTHERWISE = {
    "late_before": {"of": "late", "by": ["carrier", "insured"], "aggregate": "mean", "window_days": 5},
    "arrival_before": {"of": "arrival", "by": ["size"], "aggregate": "max", "window_days": 3},
}


class Trained(NamedTuple):
    valid: TableRef
    tables: FeatureSet
    model: FolderRef


def written(ws: Workspace, contract: Contract) -> TableRef:
    rows = released.table(900).sample(frac=1, random_state=1)
    rows = rows.assign(late=rows["late"].astype("boolean").mask(rows["parcel"] % 11 == 0))
    return ws.write("valid", rows[[column.name for column in contract.columns]])


def trained(ws: Workspace, name: str, contract: Contract = released.CONTRACT, **history) -> Trained:
    """Return a model with features of the past, and the tables that the features step made for it."""
    declared = FeatureParams.model_validate(
        {
            "history": history,
            "rare_category": 5,
            "test_days": 7,
            "embargo_days": 2,
            "ratios": {"r": ["weight", "stops"]},
        }
    )
    valid = written(ws, contract)
    tables = features.fn(valid, ws=ws, contract=contract, params=declared, seed=7)
    inputs = domain.inputs(contract, declared)
    pipeline = families.build(
        "random_forest", {"n_estimators": 20}, task="binary", inputs=inputs, features=declared, seed=7
    )
    rows = ws.read(tables.train)
    pipeline.fit(rows[inputs.names], rows["late"].to_numpy(bool))
    return Trained(valid, tables, models.save(ws, name, pipeline, contract=contract, features=declared, about={}))


def compared(ws: Workspace, champion: Trained, candidate: Trained):
    facts = ChampionFacts(
        version=4,
        judged=released.judged("parcels", 4, champion.model.sha256),
        candidate="k",
        artifact=champion.model,
        train=champion.tables.train,
        data_end=date(2024, 3, 1),
        threshold=0.5,
        run_id="r",
        bento="b",
    )
    rows = ws.read(candidate.tables.test)
    scores = ws.write("scores", pd.DataFrame({"candidate": np.linspace(0, 1, len(rows))}))
    judged = candidates.made(
        ws,
        valid=candidate.valid,
        tables=candidate.tables,
        model=candidate.model,
        scores=scores,
        data_end=date(2024, 4, 1),
    )
    assert judged.split.rule is None
    return compare.fn(judged, champion=facts, ws=ws, confidence=0.95)


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace(root=tmp_path, by_content=True)


def auc_on_its_own_tables(ws: Workspace, champion: Trained) -> float:
    rows = ws.read(champion.tables.test)
    loaded = models.load(ws.path(champion.model.uri), champion.model.sha256)
    return float(roc_auc_score(rows["late"].astype(bool), loaded.predict(rows).values))


@pytest.mark.parametrize("history", [{}, LAST, OTHERWISE], ids=["none", "same", "other"])
@pytest.mark.parametrize("piece_bytes", [2**30, 10_000], ids=["one piece", "pieces"])
def test_champion_is_judged_on_its_own_past_whatever_the_candidate_looks_back_on(ws, history, piece_bytes, monkeypatch):
    champion, candidate = trained(ws, "champion", **OTHERWISE), trained(ws, "candidate", **history)
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece_bytes)
    found = compared(ws, champion, candidate)
    assert found.why_not == ""
    assert found.champion == pytest.approx(auc_on_its_own_tables(ws, champion), abs=1e-12)


def test_same_past_of_a_contract_with_another_delay_is_the_champions_own(ws):
    later = released.CONTRACT.model_copy(update={"label_delay_days": 1})
    champion, candidate = trained(ws, "champion", **OTHERWISE), trained(ws, "candidate", later, **OTHERWISE)
    found = compared(ws, champion, candidate)
    assert found.champion == pytest.approx(auc_on_its_own_tables(ws, champion), abs=1e-12)
    late = [ws.read(each.tables.test)["late_before"] for each in (champion, candidate)]
    assert not late[0].equals(late[1])


@pytest.mark.parametrize(("name", "role"), [("copy", "ignore"), ("arrival", None)])
def test_champion_that_needs_a_column_which_is_gone_is_not_compared(ws, name, role):
    columns = [
        column.model_copy(update={"role": role or column.role}) if column.name == name else column
        for column in released.CONTRACT.columns
        if role or column.name != name
    ]
    without = released.CONTRACT.model_copy(update={"columns": tuple(columns)})
    champion, candidate = trained(ws, "champion", **OTHERWISE), trained(ws, "candidate", without, **LAST)
    why = compared(ws, champion, candidate).why_not
    assert why == f"it needs column '{name}', which the candidate's rows do not have"
