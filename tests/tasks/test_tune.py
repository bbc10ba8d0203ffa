"""The tune step: a search that a study continues under the step's identity, within the memory that there is."""

import numpy as np
import optuna
import pandas as pd
import pytest
import validated
from sklearn.metrics import roc_auc_score

from evergreen.base import memory
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ResourceError
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.tune import TuneParams
from evergreen.learning.tuning.workers import Job
from evergreen.record.plan.identity import identity
from tasks import tune as module
from tasks.tune import COPIES, tune

CONTRACT = validated.contract_of({"name": "x", "type": "number"})
FEATURES = FeatureParams(rare_category=1, test_share=0.2)
SPACE = {"logistic": {"C": {"values": [0.1, 1.0, 10.0]}}}
PARAMS = TuneParams.model_validate({"trials": 2, "folds": 2, "max_rows": 1_000, "calibrate": False, "families": SPACE})


@pytest.fixture
def given(tmp_path):
    ws = Workspace(root=tmp_path)
    x = np.random.default_rng(3).normal(size=200)
    rows = pd.DataFrame({"x": x, "other": x, "y": x + np.sin(9 * x) > 0})
    return {
        "train": ws.write("train", rows), "warm_start": None, "declared": {}, "ws": ws, "contract": CONTRACT,
        "features": FEATURES, "params": PARAMS, "seed": 7, "storage": f"sqlite:///{tmp_path}/studies.db",
    }  # fmt: skip


def test_best_is_the_best_of_the_trials_that_are_kept(given):
    tuned = tune.fn(**given)
    trials = given["ws"].read(tuned.trials)
    assert len(trials) == tuned.best.n_trials == 2
    assert tuned.best.score == trials["score"].max() == pytest.approx(np.mean(tuned.best.scores))
    assert (tuned.best.family, tuned.best.metric) == ("logistic", "roc_auc")


def test_study_is_named_by_the_identity_of_the_step_and_is_continued(given, monkeypatch):
    found = tune.fn(**given)
    decides = {
        name: given[name] for name in ("train", "warm_start", "declared", "contract", "features", "params", "seed")
    }
    (study,) = optuna.get_all_study_names(given["storage"])
    assert study == f"tune-{identity('tune', decides)[:16]}"
    fitted, fit_fold = [], Job.fit_fold
    monkeypatch.setattr(Job, "fit_fold", lambda *asked: fitted.append(asked[2]) or fit_fold(*asked))
    assert tune.fn(**given) == found
    assert sorted(fitted) == [0, 1]  # the winner's folds, for what it says of their validation rows
    tune.fn(**{**given, "seed": 8})  # another seed is another search
    assert len(fitted) == 2 + 2 * PARAMS.trials


def test_validation_rows_are_kept_with_what_the_winner_says_of_them(given):
    tuned = tune.fn(**given)

    table = given["ws"].read(tuned.out_of_fold)

    assert table.columns.tolist() == ["label", "fold", "candidate"]
    assert (tuned.out_of_fold.rows, tuned.best.simpler) == (200, None)
    scores = [roc_auc_score(rows["label"], rows["candidate"]) for _, rows in table.groupby("fold")]
    assert scores == pytest.approx(tuned.best.scores, abs=1e-12)


def test_memory_is_asked_for_before_anything_is_read(given, monkeypatch):
    asked = []

    def require(n_bytes, what, *, next_step):
        asked.append((n_bytes, what))
        raise ResourceError("RES003", "memory is short", next_step=next_step)

    monkeypatch.setattr(memory, "require", require)
    monkeypatch.setattr(module, "search", None)
    params = PARAMS.model_copy(update={"workers": 3})
    with pytest.raises(ResourceError):
        tune.fn(**{**given, "params": params})
    size = memory.of_table(given["ws"].path(given["train"].uri))
    assert asked == [(COPIES * 3 * size, "tuning on 200 rows")]
