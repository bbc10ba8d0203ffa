"""The compare step: a champion is judged on what it looks at itself, its own past included."""

from datetime import date, timedelta
from typing import NamedTuple

import candidates
import numpy as np
import pandas as pd
import pytest
import released
from sklearn.metrics import roc_auc_score

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate import scores
from evergreen.learning import features as domain
from evergreen.learning.features import pieces
from evergreen.learning.model import model as models
from evergreen.learning.tuning import families
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import VersionFacts
from tasks.compare import compare
from tasks.features import FeatureSet, features

POLICY = GateParams(metric="roc_auc", floor=0.5, champion_margin=0.01, confidence=0.95)
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
            "test_days": 9,
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


def facts_of(champion: Trained, **changed) -> VersionFacts:
    given = {
        "version": 4,
        "judged": released.judged("parcels", 4, champion.model.sha256),
        "candidate": "k",
        "artifact": champion.model,
        "train": champion.tables.train,
        "data_end": date(2024, 3, 1),
        "threshold": 0.5,
        "run_id": "r",
        "bento": "b",
    }
    return VersionFacts(**{**given, **changed})


def candidate_of(ws: Workspace, candidate: Trained) -> Candidate:
    rows = ws.read(candidate.tables.test)
    said = pd.DataFrame({"label": rows["late"], "candidate": np.linspace(0, 1, len(rows))})
    made = candidates.made(
        ws,
        valid=candidate.valid,
        tables=candidate.tables,
        model=candidate.model,
        scores=ws.write("scores", said),
        data_end=date(2024, 4, 1),
    )
    assert made.split.rule is None
    return made


def compared(ws: Workspace, champion: Trained, candidate: Trained):
    return candidates.held(candidate_of(ws, candidate), facts_of(champion), ws)


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
    paired = compared(ws, champion, candidate)
    assert paired.why_not == ""
    assert paired.theirs == pytest.approx(auc_on_its_own_tables(ws, champion), abs=1e-12)


def test_same_past_of_a_contract_with_another_delay_is_the_champions_own(ws):
    later = released.CONTRACT.model_copy(update={"label_delay_days": 1})
    champion, candidate = trained(ws, "champion", **OTHERWISE), trained(ws, "candidate", later, **OTHERWISE)
    paired = compared(ws, champion, candidate)
    assert paired.theirs == pytest.approx(auc_on_its_own_tables(ws, champion), abs=1e-12)
    late = [ws.read(each.tables.test)["late_before"] for each in (champion, candidate)]
    assert not late[0].equals(late[1])


def without(name: str, role: str | None) -> Contract:
    columns = [
        column.model_copy(update={"role": role or column.role}) if column.name == name else column
        for column in released.CONTRACT.columns
        if role or column.name != name
    ]
    return released.CONTRACT.model_copy(update={"columns": tuple(columns)})


def test_champion_that_looks_back_on_a_column_which_is_gone_is_not_compared(ws):
    champion = trained(ws, "champion", **OTHERWISE)
    candidate = trained(ws, "candidate", without("arrival", None), **LAST)
    why = compared(ws, champion, candidate).why_not
    assert why == "it looks back on column 'arrival', which the candidate's rows do not have"


def test_champion_is_compared_without_a_feature_that_is_gone_as_it_would_be_served(ws):
    champion, candidate = trained(ws, "champion"), trained(ws, "candidate", without("copy", "ignore"))
    rows = ws.read(champion.tables.test).assign(copy=np.nan)
    loaded = models.load(ws.path(champion.model.uri), champion.model.sha256)
    auc = roc_auc_score(rows["late"].astype(bool), loaded.predict(rows).values)
    assert compared(ws, champion, candidate).theirs == pytest.approx(auc, abs=1e-12)


def test_champion_whose_rows_lie_by_another_time_is_not_compared(ws, monkeypatch):
    champion, table = trained(ws, "champion"), released.table
    monkeypatch.setattr(released, "table", lambda n: table(n).rename(columns={"handed_in": "sent"}))
    columns = [
        column.model_copy(update={"name": "sent"}) if column.name == "handed_in" else column
        for column in released.CONTRACT.columns
    ]
    renamed = released.CONTRACT.model_copy(update={"columns": tuple(columns)})
    why = compared(ws, champion, trained(ws, "candidate", renamed)).why_not
    assert why == "its rows lie by 'handed_in', the candidate's by 'sent'"


def test_champion_is_compared_on_the_days_after_the_last_it_was_fitted_on_and_the_embargo_alone(ws):
    champion, candidate = trained(ws, "champion"), trained(ws, "candidate")
    test = ws.read(candidate.tables.test)
    days = test["handed_in"].dt.tz_convert(released.CONTRACT.timezone).dt.date
    third = sorted(days.unique())[2]  # a champion that left fewer days to its own gate has seen the first three
    seen = ws.write("seen", test[days <= third])
    made = compare.fn(
        candidate_of(ws, candidate),
        champion=facts_of(champion, train=seen),
        former=(),
        ws=ws,
        evaluated=EvaluateParams(),
        gate=POLICY,
        seed=7,
    )
    table = ws.read(made.table)
    (rival,) = scores.rivals(table, made, "champion")
    assert rival.why_not == ""
    assert rival.usable.tolist() == (days > third + timedelta(days=2)).tolist()
    assert 0 < rival.usable.sum() < len(rival.usable)


def test_champion_that_was_fitted_on_its_gate_rows_too_is_compared_as_it_was_judged(ws):
    champion, other, candidate = trained(ws, "champion"), trained(ws, "other", **LAST), trained(ws, "candidate")
    facts = facts_of(other, as_judged=champion.model)
    paired = candidates.held(candidate_of(ws, candidate), facts, ws)
    assert paired.theirs == pytest.approx(auc_on_its_own_tables(ws, champion), abs=1e-12)


def test_former_champions_are_scored_beside_it_and_one_whose_folder_is_broken_is_left_out(ws):
    champion, candidate = trained(ws, "champion"), trained(ws, "candidate")
    gone = FolderRef(uri="nowhere", sha256="0" * 64)
    made = compare.fn(
        candidate_of(ws, candidate),
        champion=facts_of(champion),
        former=(facts_of(champion, version=3), facts_of(champion, version=2, artifact=gone)),
        ws=ws,
        evaluated=EvaluateParams(),
        gate=POLICY,
        seed=7,
    )
    table = ws.read(made.table)
    assert [rival.name for rival in scores.rivals(table, made, "former")] == ["version 3"]
    with pytest.raises(EvergreenError):
        candidates.held(candidate_of(ws, candidate), facts_of(champion, artifact=gone), ws)


def test_slices_are_of_declared_columns_and_protected_groups_which_no_table_of_a_model_holds(ws):
    contract = without("insured", "protected")
    candidate = trained(ws, "candidate", contract)
    assert "insured" not in ws.read(candidate.tables.test)
    made = compare.fn(
        candidate_of(ws, candidate),
        champion=None,
        former=(),
        ws=ws,
        evaluated=EvaluateParams(slices=("carrier",)),
        gate=POLICY,
        seed=7,
    )
    rows = scores.gate_rows(ws.read(made.table), made)
    test = ws.read(candidate.tables.test)
    assert {name: int(mask.sum()) for name, mask in rows.slices.items() if name.startswith("carrier")} == {
        f"carrier {value}": n for value, n in test["carrier"].value_counts().items()
    }
    valid = ws.read(candidate.valid).set_index("parcel")["insured"]
    protected = valid.loc[test["parcel"]].astype(str).value_counts()
    assert {name: int(mask.sum()) for name, mask in rows.slices.items() if name.startswith("insured")} == {
        f"insured {value}": n for value, n in protected.items()
    }


def test_answers_are_timed_where_the_gate_has_a_limit_and_sizes_are_known(ws):
    candidate = candidate_of(ws, trained(ws, "candidate"))
    given = {"champion": None, "former": (), "ws": ws, "evaluated": EvaluateParams(), "seed": 7}
    untimed = compare.fn(candidate, gate=POLICY, **given)
    timed = compare.fn(candidate, gate=POLICY.model_copy(update={"max_milliseconds": 1.0}), **given)
    folder = ws.path(candidate.model.uri)
    assert untimed.milliseconds == {}
    assert timed.milliseconds["model"] > 0
    assert timed.megabytes["model"] == sum(file.stat().st_size for file in folder.iterdir()) / 1e6
