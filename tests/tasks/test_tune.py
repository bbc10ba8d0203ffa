"""The tune step: a search that a study continues under the step's identity, within the memory that there is."""

import numpy as np
import optuna
import pandas as pd
import pytest
import validated

from evergreen.base import memory
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ResourceError
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.tune import TuneParams
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
        "train": ws.write("train", rows), "warm_start": None, "ws": ws, "contract": CONTRACT, "features": FEATURES,
        "params": PARAMS, "seed": 7, "storage": f"sqlite:///{tmp_path}/studies.db",
    }  # fmt: skip


def test_best_is_the_best_of_the_trials_that_are_kept(given):
    tuned = tune.fn(**given)
    trials = given["ws"].read(tuned.trials)
    assert len(trials) == tuned.best.n_trials == 2
    assert tuned.best.score == trials["score"].max() == pytest.approx(np.mean(tuned.best.scores))
    assert (tuned.best.family, tuned.best.metric) == ("logistic", "roc_auc")


def test_study_is_named_by_the_identity_of_the_step_and_is_continued(given, monkeypatch):
    found = tune.fn(**given).best
    decides = {name: given[name] for name in ("train", "warm_start", "contract", "features", "params", "seed")}
    (study,) = optuna.get_all_study_names(given["storage"])
    assert study == f"tune-{identity('tune', decides)[:16]}"
    monkeypatch.setattr("evergreen.learning.tuning.workers.Job.fit_fold", None)  # nothing is left to fit
    assert tune.fn(**given).best == found
    assert tune.fn(**{**given, "seed": 8}).best.score is None  # another seed is another search


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
