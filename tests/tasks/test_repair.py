"""The repair step: what each rung makes of a champion, and that it stands where tune and train would have put it."""

from datetime import date, timedelta

import numpy as np
import pytest
import sent_back
from scipy import stats
from sent_back import A_DAY, AFTER, BEFORE, CHANGE, CONTRACT, FEATURES, FIRST
from sklearn.metrics import roc_auc_score

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.tune import TuneParams
from evergreen.learning.model import model as models
from evergreen.learning.repair.recalibrating import CannotRepairError
from evergreen.learning.tuning.recipe import Recipe
from tasks.repair import repair

TUNED = TuneParams.model_validate(
    {"trials": 1, "folds": 2, "max_rows": 1000, "calibrate": False, "families": {"logistic": {}}, "metric": "roc_auc"}
)
CHANGED = FIRST + timedelta(CHANGE)
BOOSTED = {"n_estimators": 30, "num_leaves": 7}


@pytest.fixture
def repaired(tmp_path):
    """Return what repairs the champion of a stream; it gives the rows since, what came of it, and both models."""
    ws = Workspace(root=tmp_path)

    def repaired(rung, *, family="logistic", chosen=None, since=CHANGED, contract=CONTRACT, asked=FEATURES, **changed):
        rows, day = sent_back.stream(4, **changed)
        first = rows[day < BEFORE - 14]
        made = {"family": family, "params": chosen or {}, "seed": 7, "shrinkage": 1, "calibration": None}
        pipeline = Recipe(CONTRACT, FEATURES, family, chosen or {}, 7).fit(first)
        ref = models.save(ws, "model", pipeline, contract=CONTRACT, features=FEATURES, about=made)
        known = ws.write("train", rows)
        found = repair.fn(
            known, rung=rung, artifact=ref, fitted_on=ws.write("first", first), data_end=FIRST + timedelta(BEFORE),
            since=since, ws=ws, contract=contract, features=asked, params=TUNED, seed=7,
        )  # fmt: skip
        was, now = (models.load(ws.path(each.uri), each.sha256) for each in (ref, found.model))
        return ws, rows[day >= CHANGE].reset_index(drop=True), found, was, now

    return repaired


def test_prior_that_shifted_is_answered_by_the_same_ranking_at_another_level(repaired):
    ws, rows, found, was, now = repaired("recalibration", shifted=1.5)
    theirs, ours = was.predict(rows).values, now.predict(rows).values
    assert stats.spearmanr(theirs, ours).statistic == pytest.approx(1)
    assert theirs.mean() < rows["back"].mean() - 0.1
    assert ours.mean() == pytest.approx(rows["back"].mean(), abs=0.005)
    slope, intercept = found.best.calibration.curve.numbers
    assert (slope, intercept) == (pytest.approx(1, abs=0.1), pytest.approx(1.5, abs=0.15))
    assert now.manifest["calibration"]["curve"]["numbers"] == [slope, intercept]
    out_of_fold = ws.read(found.out_of_fold)
    assert out_of_fold["candidate"].mean() == pytest.approx(rows["back"].mean(), abs=0.02)


def test_threshold_leaves_every_answer_as_it_was(repaired):
    ws, rows, found, was, now = repaired("threshold", shifted=1.5)
    np.testing.assert_array_equal(now.predict(rows).values, was.predict(rows).values)
    np.testing.assert_allclose(ws.read(found.out_of_fold)["candidate"], was.predict(rows).values)
    assert found.best.calibration is None


def test_boosting_goes_on_from_the_champions_rounds(repaired):
    _, rows, found, was, now = repaired("boosting", family="lightgbm", chosen=BOOSTED, flips=True)
    n = [model.pipeline["estimator"].booster_.current_iteration() for model in (was, now)]
    assert n == [30, 36]  # a fifth more
    assert found.best.params == BOOSTED
    came = rows["back"].astype(bool)
    assert roc_auc_score(came, now.predict(rows).values) > roc_auc_score(came, was.predict(rows).values)


def test_estimates_out_of_fold_are_by_rows_of_other_days(repaired):
    ws, rows, found, _, now = repaired("boosting", family="lightgbm", chosen=BOOSTED, flips=True)
    table = ws.read(found.out_of_fold)
    assert table["label"].tolist() == rows["back"].tolist()
    by_day = table.groupby(table["at"].dt.date)["fold"].nunique()
    assert (by_day == 1).all()
    assert sorted(table["fold"].unique()) == [1, 2, 3, 4]
    assert len(table) == (BEFORE + AFTER - CHANGE) * A_DAY
    held, in_sample = (roc_auc_score(table["label"], said) for said in (table["candidate"], now.predict(rows).values))
    assert held < in_sample


@pytest.mark.parametrize("rung", ["threshold", "recalibration"])
def test_score_is_the_mean_over_stretches_of_days_by_scikit_learn(repaired, rung):
    ws, _, found, *_ = repaired(rung, shifted=1.5)
    table = ws.read(found.out_of_fold)
    scores = [roc_auc_score(part["label"], part["candidate"]) for _, part in table.groupby("fold")]
    assert found.best.scores == pytest.approx(scores)
    assert found.best.score == pytest.approx(np.mean(scores))
    assert (found.best.metric, found.best.n_trials) == ("roc_auc", 0)


def test_what_is_made_says_what_it_was_made_of_and_is_served_compiled(repaired):
    ws, rows, found, was, now = repaired("recalibration", shifted=1.5)
    about = now.manifest
    assert (about["repair"], about["repaired_from"], about["repaired_on"]) == ("recalibration", was.digest, len(rows))
    assert (about["family"], about["seed"]) == ("logistic", 7)
    assert now.scorer is not None
    np.testing.assert_allclose(now.estimate_raw(now.golden.rows), now.golden.estimates, rtol=1e-5)
    baseline = models.load(ws.path(found.baseline.uri), found.baseline.sha256)
    assert baseline.manifest["family"] == "prior"
    assert np.ptp(baseline.predict(rows).values) == 0
    assert ws.read(found.trials).empty


def test_same_champion_and_rows_give_the_same_repair(repaired):
    *_, one, _, _ = repaired("recalibration", shifted=1.5)
    *_, other, _, _ = repaired("recalibration", shifted=1.5)
    assert one == other


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"rung": "recalibration", "flips": True}, "wrong way round"),
        ({"rung": "boosting"}, "a model of the family logistic cannot be continued"),
        ({"rung": "threshold", "since": date(2024, 4, 28)}, "labelled rows came since"),
        ({"rung": "threshold", "contract": CONTRACT.model_copy(update={"label_delay_days": 5})}, "the contract"),
        ({"rung": "threshold", "asked": FeatureParams(rare_category=9, test_days=14)}, "the features"),
    ],
)
def test_rung_that_the_rows_do_not_do_for_says_why(repaired, given, why):
    with pytest.raises(CannotRepairError, match=why) as caught:
        repaired(**given)
    assert (caught.value.code, "evergreen retrain" in caught.value.next_step) == ("RET002", True)
