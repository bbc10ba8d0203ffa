"""The train step: it says what it lacks before it begins."""

import pytest
import tables

from evergreen import memory
from evergreen.artifacts import Workspace
from evergreen.errors import IntegrityError, ResourceError
from evergreen.params import TrainParams
from evergreen.tuning.search import Best
from tasks.features import features
from tasks.train import train


@pytest.fixture
def fit(tmp_path):
    """Return a function that fits on irises, and the file of its train rows."""
    ws = Workspace(root=tmp_path)
    contract = tables.contract_of("multiclass")
    made = features.fn(ws.write("valid", tables.table("multiclass")), ws, contract, tables.FEATURES, tables.SEED)
    best = Best(family="logistic", params={}, score=0.0, scores=(0.0,), n_trials=1, metric="log_loss")
    arguments = (made.train, best, made.lookups, ws, contract, tables.FEATURES, TrainParams(), tables.SEED)
    return lambda: train.fn(*arguments), ws.path(made.train.uri)


def test_memory_that_is_short_is_said_before_anything_is_fitted(fit, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1_000)
    with pytest.raises(ResourceError, match=r"RES005: fitting on \d+ rows needs about"):
        fit[0]()


def test_train_rows_that_are_gone_are_said_to_be(fit):
    fit[1].unlink()
    with pytest.raises(IntegrityError, match="INT001: an artifact is gone"):
        fit[0]()
