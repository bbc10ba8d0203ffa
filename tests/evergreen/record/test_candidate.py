"""A candidate whose simpler family is promoted: everything that is said of it is said of that one."""

import candidates
import pytest

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.evaluation import Report
from evergreen.learning.tuning.best import Best, Finalist
from evergreen.record.candidate import Candidate

WINNER, SIMPLER = FolderRef(uri="model", sha256="a" * 64), FolderRef(uri="baseline", sha256="b" * 64)
REPORT = Report(
    family="lightgbm",
    baseline_family="logistic",
    candidate={"roc_auc": 0.8},
    baseline={"roc_auc": 0.7},
    train={"roc_auc": 0.9},
    n_train=100,
    n_test=20,
    threshold=0.4,
    baseline_threshold=0.3,
    baselines={"prior": {"roc_auc": 0.5}, "logistic": {"roc_auc": 0.7}},
    intervals={"roc_auc": (0.75, 0.85)},
    gains={"roc_auc": (0.05, 0.15)},
)
BEST = Best(
    family="lightgbm",
    params={},
    score=0.8,
    scores=(0.8,),
    n_trials=1,
    metric="roc_auc",
    simpler=Finalist(family="logistic", params={"C": 2.0}, score=0.7, scores=(0.7,)),
)


@pytest.fixture
def candidate(tmp_path) -> Candidate:
    ws = Workspace(root=tmp_path)
    table = ws.write_folder("lookups", {}, {})
    rows = candidates.pd.DataFrame({"a": [1]})
    tables = candidates.FeatureSet(
        train=ws.write("train", rows),
        test=ws.write("test", rows),
        split={"end": None, "rule": "r", "gate_digest": "g"},
        lookups=table,
    )
    given = {"valid": ws.write("valid", rows), "scores": ws.write("scores", rows), "tables": tables}
    return candidates.made(ws, model=WINNER, baseline=SIMPLER, report=REPORT, best=BEST, **given)


def test_winner_is_the_candidate_as_it_is(candidate):
    assert candidate.taking("model") == candidate


def test_simpler_family_takes_the_candidates_place_and_no_number_of_the_winner_is_said_of_it(candidate):
    taken = candidate.taking("baseline")

    assert (taken.model, taken.baseline, taken.key) == (SIMPLER, WINNER, candidate.key)
    assert (taken.report.family, taken.report.candidate) == ("logistic", {"roc_auc": 0.7})
    assert (taken.report.baseline_family, taken.report.baseline) == ("prior", {"roc_auc": 0.5})
    assert taken.report.threshold == 0.3
    assert (taken.report.train, taken.report.intervals, taken.report.gains) == ({}, {}, {})
    assert (taken.best.family, taken.best.params, taken.best.score) == ("logistic", {"C": 2.0}, 0.7)
