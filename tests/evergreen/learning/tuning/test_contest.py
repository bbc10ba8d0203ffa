"""The contest: who stands for the gate when a search is over, and with what."""

import numpy as np
import pandas as pd
import pytest
import released
from optuna.trial import TrialState

from evergreen.config.params.tune import TuneParams
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.contest import MOST_GROWTH, Contest
from evergreen.learning.tuning.study import Study
from evergreen.learning.tuning.workers import FoldResult, Job

FOLDS = [(np.arange(0, 40), np.arange(40, 70)), (np.arange(0, 70), np.arange(70, 100))]
LABELS = np.random.default_rng(3).random(100) < 0.5
FAMILIES = {"logistic": {"C": {"values": [1, 2]}}, "lightgbm": {"num_leaves": {"values": [4, 8]}}}
LINE, TREES = Choice(family="logistic", params={"C": 2}), Choice(family="lightgbm", params={"num_leaves": 8})
ABOUT = {"seconds": 0.5, "spent": 2.0}


def results(score=0.5, rounds=None):
    """Return what two folds gave."""
    return [
        FoldResult(score=score, rounds=rounds, seconds=0.1, estimates=np.random.default_rng(fold).random(30))
        for fold in range(2)
    ]


@pytest.fixture
def contest(tmp_path):
    """Return a function that gives the contest after trials of a choice, scores and rounds each."""
    opened = []

    def contest(*trials, n_rows=110, calibrates=False, fitted=None):
        params = TuneParams.model_validate({"trials": 9, "folds": 2, "max_rows": 1_000, "families": FAMILIES})
        first = [choice for choice, *_ in trials]
        study = Study(f"sqlite:///{tmp_path}/studies.db", "s", params, first=first, maximize=True, seed=7)
        opened.append(study)
        for _, scores, rounds in trials:
            study.end(study.ask(), scores, TrialState.COMPLETE, rounds=rounds, **ABOUT)
        job = Job("binary", "roc_auc", None, pd.DataFrame(index=range(100)), LABELS, FOLDS)
        return Contest(
            study=study, job=job, contract=released.CONTRACT, n_rows=n_rows, calibrates=calibrates, declared={},
            fit=lambda choice: fitted or results(), results_of=lambda trial: results(trial.value),
        )  # fmt: skip

    yield contest
    for each in opened:
        each.close()


def test_best_trial_and_that_of_the_simpler_family_stand(contest):
    entries = contest((LINE, [0.5, 0.7], [None, None]), (TREES, [0.8, 0.7], [10, 30])).entries()

    candidate, baseline = entries["candidate"].finalist, entries["baseline"].finalist
    assert (candidate.family, candidate.score, candidate.scores) == ("lightgbm", 0.75, (0.8, 0.7))
    assert candidate.params == {"num_leaves": 8, "n_estimators": round(20 * np.sqrt(110 / 55))}
    assert (baseline.family, baseline.params, baseline.scores) == ("logistic", {"C": 2}, (0.5, 0.7))


def test_rounds_grow_no_more_than_so_much(contest):
    entries = contest((TREES, [0.8, 0.7], [10, 30]), n_rows=100_000).entries()

    assert entries["candidate"].finalist.params["n_estimators"] == 20 * MOST_GROWTH


def test_family_that_was_not_tried_stands_with_its_defaults(contest):
    baseline = contest((TREES, [0.8, 0.7], [None, None]), fitted=results(0.25)).entries()["baseline"].finalist

    assert (baseline.family, baseline.params) == ("logistic", {})
    assert (baseline.score, baseline.scores) == (0.25, (0.25, 0.25))


def test_defaults_with_a_score_that_is_no_number_do_not_stand(contest, caplog):
    entries = contest((TREES, [0.8, 0.7], [None, None]), fitted=results(float("nan"))).entries()

    assert list(entries) == ["candidate"]
    assert "logistic as it is has a score that is no number" in caplog.text


def test_prior_does_not_stand(contest):
    assert list(contest((LINE, [0.5, 0.7], [None, None])).entries()) == ["candidate"]


def test_without_a_complete_trial_nobody_stands(contest):
    assert contest().entries() == {}


@pytest.mark.parametrize("calibrates", [True, False])
def test_estimates_go_through_the_curve_where_it_is_applied(calibrates, contest):
    entry = contest((LINE, [0.5, 0.7], [None, None]), calibrates=calibrates).entries()["candidate"]

    calibration, said = entry.finalist.calibration, np.concatenate([each.estimates for each in results()])
    # The estimates are noise, so that a curve that flattens them is better.
    assert (calibration is not None and calibration.is_applied) == calibrates
    assert entry.estimates.values.tolist() == (calibration.curve(said) if calibrates else said).tolist()
