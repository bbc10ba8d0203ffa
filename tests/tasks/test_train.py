"""The train step: what it fits, and that it says what it lacks before it begins."""

import numpy as np
import pytest
import tables

from evergreen.base import memory
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError, ResourceError
from evergreen.config.params.train import TrainParams
from evergreen.learning.model import model as models
from evergreen.learning.tuning.best import Best, Finalist
from evergreen.learning.tuning.calibration import Calibration, CalibrationMap
from tasks.features import features
from tasks.train import train


@pytest.fixture
def fit(tmp_path):
    """Return a function that fits on irises, the file of which it holds."""
    ws = Workspace(root=tmp_path)
    contract = tables.contract_of("multiclass")
    made = features.fn(
        ws.write("valid", tables.table("multiclass")),
        ws=ws,
        contract=contract,
        params=tables.FEATURES,
        seed=tables.SEED,
    )

    def run(family="logistic", params=(), simpler=None, **given):
        best = Best(
            family=family,
            params=dict(params),
            score=0.0,
            scores=(0.0,),
            n_trials=1,
            metric="log_loss",
            simpler=simpler,
        )
        given = TrainParams(**given)
        return train.fn(
            made.train,
            best=best,
            lookups=made.lookups,
            ws=ws,
            contract=contract,
            features=tables.FEATURES,
            params=given,
            seed=tables.SEED,
        )

    run.rows = ws.path(made.train.uri)
    return run


@pytest.mark.parametrize(("shrinkage", "rounds", "rate"), [(1, 5, 0.3), (3, 15, 0.1)])
def test_boosting_is_shrunk_as_the_parameters_say_and_what_was_tuned_is_told(fit, tmp_path, shrinkage, rounds, rate):
    tuned = {"max_iter": 5, "learning_rate": 0.3}

    saved = fit(family="gradient_boosting", params=tuned, shrinkage=shrinkage).model

    loaded = models.load(tmp_path / saved.uri, saved.sha256)
    known = loaded.pipeline["estimator"].get_params()
    assert (known["max_iter"], known["learning_rate"]) == (rounds, pytest.approx(rate))
    assert (loaded.manifest["params"], loaded.manifest["shrinkage"]) == (tuned, shrinkage)


def finalist(*, is_applied=False):
    curve = CalibrationMap(method="temperature", numbers=(2.0,))
    calibration = Calibration(curve=curve, is_applied=is_applied, log_loss=(0.6, 0.5), ece=(0.1, 0.0), n_rows=9)
    return Finalist(family="logistic", params={"C": 0.25}, score=-0.5, scores=(-0.5,), calibration=calibration)


TREES = {"family": "gradient_boosting", "params": {"max_iter": 3}}


@pytest.mark.parametrize(
    ("simpler", "declared", "expected"),
    [
        (finalist(), {}, {"C": 0.25}),
        (finalist(), {"logistic": {"C": 4.0}}, {"C": 0.25}),
        (None, {}, {}),
        (None, {"logistic": {"C": 4.0}}, {"C": 4.0}),
        (None, {"linear": {"alpha": 4.0}}, {}),
    ],
)
def test_baseline_is_the_simpler_finalist_of_the_search_or_else_as_it_is_declared(
    simpler, declared, expected, fit, tmp_path
):
    saved = fit(**TREES, simpler=simpler, baseline=declared).baseline

    loaded = models.load(tmp_path / saved.uri, saved.sha256)
    assert (loaded.manifest["family"], loaded.manifest["params"]) == ("logistic", expected)
    known = loaded.pipeline["estimator"].get_params()
    assert {name: known[name] for name in expected} == expected


def test_baseline_is_calibrated_as_the_winner_is(fit, tmp_path):
    plain, curved = (fit(**TREES, simpler=finalist(is_applied=is_applied)).baseline for is_applied in (False, True))

    plain, curved = (models.load(tmp_path / saved.uri, saved.sha256) for saved in (plain, curved))
    rows = tables.table("multiclass")
    assert plain.manifest["calibration"] is None
    assert curved.manifest["calibration"]["curve"] == {"method": "temperature", "numbers": [2.0]}
    expected = np.sqrt(plain.predict(rows).values)
    expected /= expected.sum(axis=1, keepdims=True)
    assert curved.predict(rows).values == pytest.approx(expected, abs=1e-12)


def test_both_are_compiled_for_either_may_come_to_serve(fit, tmp_path):
    trained = fit("gradient_boosting", {"max_iter": 5})

    for ref in (trained.model, trained.baseline):
        model = models.load(tmp_path / ref.uri, ref.sha256)
        rows = [list(row) for row in model.golden.rows]
        assert model.scorer is not None
        assert np.abs(model.scorer.estimate_raw(rows) - np.array(model.golden.estimates)).max() <= 1e-5
        assert model.manifest["compiled"]["largest_difference"] <= 1e-5


def test_memory_that_is_short_is_said_before_anything_is_fitted(fit, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1_000)
    with pytest.raises(ResourceError, match=r"RES005: fitting on \d+ rows needs about"):
        fit()


def test_train_rows_that_are_gone_are_said_to_be(fit):
    fit.rows.unlink()
    with pytest.raises(IntegrityError, match="INT001: an artifact is gone"):
        fit()
