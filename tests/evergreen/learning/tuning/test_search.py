"""The search: judged on folds, a kill does not change it, and the same seed finds the same winner."""

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import psutil
import pytest
import released
import tables
from sklearn.base import clone
from sklearn.metrics import log_loss, r2_score, roc_auc_score

from evergreen.base.errors import ConfigError, DataError, ResourceError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.tune import TuneParams
from evergreen.learning import features
from evergreen.learning.tuning import families
from evergreen.learning.tuning.best import Best
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.folds import draw_evenly, shuffled_folds, time_folds
from evergreen.learning.tuning.search import search
from evergreen.learning.tuning.study import suggest

PARAMS = TuneParams.model_validate(
    {
        "trials": 20,
        "folds": 3,
        "max_rows": 1_000,
        "patience": None,
        "families": {
            "logistic": {"C": {"float": [0.001, 10], "log": True}},
            "gradient_boosting": {
                "max_iter": {"int": [2, 12]},
                "learning_rate": {"float": [0.02, 0.2], "log": True},
                "max_leaf_nodes": {"values": [None, 4, 8]},
                "max_features": {"float": [0.3, 0.9]},
            },
        },
    }
)


def train_rows(n=500):
    """Return rows as the features step leaves them."""
    rows = released.table(n)
    return rows.assign(**features.build(rows, released.CONTRACT, released.FEATURES))


def url(folder):
    return f"sqlite:///{folder}/studies.db"


def found(folder, *, seed=7, train=None, params=PARAMS, study="s", storage=None, **given):
    """Return what a search over a table with time ends with."""
    train, storage = train_rows() if train is None else train, storage or url(folder)
    return search(train, released.CONTRACT, released.FEATURES, params, seed=seed, storage=storage, study=study, **given)


def stored(folder, study="s", *, storage=None):
    """Return the parameters and scores of the trials in the database, in their order."""
    database = optuna.storages.RDBStorage(storage or url(folder))
    trials = optuna.load_study(study_name=study, storage=database).trials
    database.remove_session()
    database.engine.dispose()
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}
    return [(trial.params, trial.value, trial.state.name) for trial in trials]


def changed(**values):
    return TuneParams.model_validate({**PARAMS.model_dump(by_alias=True), **values})


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A folder with the study of a whole search, and what it found."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, found(folder)


# The search


def test_drawn_parameters_keep_to_their_space():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    drawn = [suggest(study.ask(), PARAMS.families) for _ in range(200)]

    assert {choice.family for choice in drawn} == {"logistic", "gradient_boosting"}
    strengths = [choice.params["C"] for choice in drawn if choice.family == "logistic"]
    assert min(strengths) >= 0.001
    assert max(strengths) <= 10
    assert 0.3 < np.mean(np.array(strengths) < 0.1) < 0.7  # the middle of the space, which is logarithmic
    trees = [choice.params for choice in drawn if choice.family == "gradient_boosting"]
    assert {chosen["max_iter"] for chosen in trees} == set(range(2, 13))
    assert {chosen["max_leaf_nodes"] for chosen in trees} == {None, 4, 8}
    assert all(set(chosen) == set(PARAMS.families["gradient_boosting"]) for chosen in trees)


def test_winner_has_the_best_mean_of_its_folds_and_its_own_parameters(uninterrupted):
    folder, outcome = uninterrupted
    trials, best = stored(folder), outcome.best

    assert best.n_trials == len(trials) == 20
    assert best.score == max(value for _, value, state in trials if state == "COMPLETE") == np.mean(best.scores)
    chosen = next(drawn for drawn, value, _ in trials if value == best.score)
    assert {"family": best.family, **{f"{best.family}.{name}": value for name, value in best.params.items()}} == chosen


def test_table_of_trials_is_what_the_study_holds(uninterrupted):
    folder, outcome = uninterrupted
    table = outcome.trials

    assert table["number"].tolist() == list(range(20))
    assert table["score"].tolist() == [value for _, value, _ in stored(folder)]
    assert table["state"].tolist() == [state for *_, state in stored(folder)]
    for row in table.itertuples():
        drawn = {f"{row.family}.{name}": value for name, value in json.loads(row.params).items()}
        assert {"family": row.family, **drawn} == stored(folder)[row.number][0]
        assert row.score == pytest.approx(np.mean(row.scores), abs=1e-12)
        assert row.seconds > 0


def test_score_of_the_winner_equals_scikit_learn_on_the_same_folds(uninterrupted):
    best = uninterrupted[1].best
    rows = train_rows()
    inputs = features.inputs(released.CONTRACT, released.FEATURES)
    pipeline = families.build(
        best.family, best.params, task="binary", inputs=inputs, features=released.FEATURES, seed=7
    )
    expected = []
    for number in range(1, 4):
        begin, end = (len(rows) * number) // 4, (len(rows) * (number + 1)) // 4
        known = rows["handed_in"] < rows["handed_in"][begin] - pd.Timedelta(days=1)
        fitted = clone(pipeline).fit(rows.loc[known, inputs.names], rows.loc[known, "late"])
        block_rows = rows[begin:end]
        expected.append(roc_auc_score(block_rows["late"], fitted.predict_proba(block_rows[inputs.names])[:, 1]))

    assert best.scores == pytest.approx(expected, abs=1e-12)


def test_search_begins_with_each_family_near_its_defaults(uninterrupted):
    first = [drawn for drawn, *_ in stored(uninterrupted[0])[:2]]

    assert first[0] == {"family": "logistic", "logistic.C": 1.0}
    assert first[1] == {
        "family": "gradient_boosting",
        "gradient_boosting.max_iter": 12,
        "gradient_boosting.learning_rate": 0.1,
        "gradient_boosting.max_leaf_nodes": 8,
        "gradient_boosting.max_features": 0.9,
    }


def test_start_is_tried_first_and_recorded(tmp_path):
    begun = Choice(family="logistic", params={"C": 0.25, "of_another_year": 3})

    best = found(tmp_path, params=changed(trials=1), warm_start=begun).best

    assert (best.family, best.params, best.warm_start) == ("logistic", {"C": 0.25}, begun)


def test_trial_worse_than_the_median_after_a_fold_is_given_up(uninterrupted):
    trials = optuna.load_study(study_name="s", storage=url(uninterrupted[0])).trials

    pruned = 0
    for position, trial in enumerate(trials):
        running = [
            np.mean(trial.user_attrs["outcome"]["scores"][:n])
            for n in range(1, 4)
            if n <= len(trial.user_attrs["outcome"]["scores"])
        ]
        for folds, value in enumerate(running[:2], start=1):
            others = [
                np.mean(each.user_attrs["outcome"]["scores"][:folds])
                for each in trials[:position]
                if len(each.user_attrs["outcome"]["scores"]) >= folds
            ]
            expected = len(others) >= 4 and value < np.median(others)
            assert expected == (trial.state.name == "PRUNED" and len(running) == folds)
            pruned += expected
    assert pruned > 2


def test_without_pruning_every_trial_sees_every_fold(tmp_path):
    outcome = found(tmp_path, params=changed(prune=False, trials=8))

    assert outcome.trials["state"].tolist() == ["COMPLETE"] * 8
    assert {len(scores) for scores in outcome.trials["scores"]} == {3}


def test_boosting_rounds_of_the_winner_are_those_that_early_stopping_kept_grown_with_the_rows(tmp_path):
    trees = {"gradient_boosting": {"max_iter": {"values": [500]}, "learning_rate": {"float": [0.2, 0.4]}}}

    best = found(tmp_path, params=changed(families=trees, trials=2, patience=5)).best

    assert 1 <= best.params["max_iter"] < 100
    trial = next(
        each for each in optuna.load_study(study_name="s", storage=url(tmp_path)).trials if each.value == best.score
    )
    times, embargo = train_rows()["handed_in"], timedelta(days=released.FEATURES.embargo_days)
    fitted = np.mean([len(fit) for fit, _ in time_folds(times, folds=3, embargo=embargo)])
    growth = np.sqrt(len(times) / fitted)
    assert 1.3 < growth < 2
    assert best.params["max_iter"] == round(growth * np.mean(trial.user_attrs["outcome"]["rounds"]))
    assert trial.params["gradient_boosting.max_iter"] == 500


def test_same_seed_finds_the_same_and_another_seed_draws_others(uninterrupted, tmp_path):
    folder, outcome = uninterrupted

    assert found(tmp_path, study="again").best == outcome.best
    assert stored(tmp_path, "again") == stored(folder)
    found(tmp_path, study="other", seed=8)
    assert stored(tmp_path, "other") != stored(folder)


def test_finished_search_is_not_run_again(uninterrupted, monkeypatch):
    folder, outcome = uninterrupted
    trials = stored(folder)

    again = found(folder)

    assert again.best == outcome.best
    pd.testing.assert_frame_equal(again.trials, outcome.trials)
    assert stored(folder) == trials


def test_order_of_columns_and_consequences_of_the_target_do_not_matter(uninterrupted, tmp_path):
    rows = train_rows()
    arrival = rows["arrival"].sample(frac=1, random_state=1).to_numpy()
    shuffled = rows[sorted(rows.columns, reverse=True)].assign(arrival=arrival)

    assert found(tmp_path, train=shuffled).best == uninterrupted[1].best


def test_more_rows_than_allowed_are_thinned_over_the_whole_period(tmp_path):
    train = train_rows(1_200)
    best = found(tmp_path, train=train, params=changed(trials=2)).best

    thinned = train.iloc[draw_evenly(1_200, at_most=1_000, seed=7)]
    assert found(tmp_path, train=thinned, params=changed(trials=2), study="thin").best == best


def test_best_survives_json(uninterrupted):
    best = uninterrupted[1].best
    assert Best.model_validate_json(best.model_dump_json()) == best


# The simpler finalist


TREES = {"gradient_boosting": PARAMS.model_dump(by_alias=True)["families"]["gradient_boosting"]}


@pytest.fixture(scope="module")
def trees_win(tmp_path_factory):
    """A folder with the study of a search that trees win, and what it found."""
    folder = tmp_path_factory.mktemp("trees_win")
    weak = {"logistic": {"C": {"float": [1e-6, 1e-3], "log": True}}, **TREES}
    return folder, found(folder, train=stepped(), params=changed(families=weak, prune=False, trials=10))


def stepped():
    """Return rows in which a straight line says little of the target."""
    rows = train_rows()
    return rows.assign(late=np.sin(6 * rows["copy"]) > 0)


def test_simpler_finalist_is_the_best_complete_trial_of_its_family(trees_win):
    folder, outcome = trees_win
    best, simpler = outcome.best, outcome.best.simpler
    scores = {
        drawn["logistic.C"]: value
        for drawn, value, state in stored(folder)
        if drawn["family"] == "logistic" and state == "COMPLETE"
    }

    assert (best.family, simpler.family) == ("gradient_boosting", "logistic")
    assert len(scores) > 1
    assert simpler.score == max(scores.values()) == np.mean(simpler.scores) < best.score
    assert scores[simpler.params["C"]] == simpler.score
    assert simpler.calibration.n_rows == best.calibration.n_rows


@pytest.mark.parametrize("declared", [{}, {"logistic": {"C": 0.01}}])
def test_family_that_the_search_did_not_try_is_fitted_as_it_is_declared_or_with_its_defaults(declared, tmp_path):
    outcome = found(tmp_path, params=changed(families=TREES, trials=3), declared=declared)
    space = {name: {"values": [value]} for name, value in declared.get("logistic", {}).items()}
    fitted = found(tmp_path, params=changed(families={"logistic": space}, trials=1), study="defaults")

    simpler = outcome.best.simpler
    assert (simpler.family, simpler.params) == ("logistic", declared.get("logistic", {}))
    assert (simpler.score, simpler.scores) == (fitted.best.score, fitted.best.scores)
    assert simpler.calibration == fitted.best.calibration
    assert outcome.out_of_fold["baseline"].tolist() == fitted.out_of_fold["candidate"].tolist()
    assert outcome.trials["family"].unique().tolist() == ["gradient_boosting"]


def test_prior_is_no_finalist(tmp_path):
    outcome = found(tmp_path, params=changed(families={"logistic": {}}, trials=1))

    assert outcome.best.simpler is None
    assert outcome.out_of_fold.columns.tolist() == ["handed_in", "label", "fold", "candidate"]


def test_finished_search_fits_both_finalists_again_to_the_same(trees_win):
    folder, outcome = trees_win
    weak = {"logistic": {"C": {"float": [1e-6, 1e-3], "log": True}}, **TREES}

    again = found(folder, train=stepped(), params=changed(families=weak, prune=False, trials=10))

    assert again.best == outcome.best
    pd.testing.assert_frame_equal(again.out_of_fold, outcome.out_of_fold)


# Out-of-fold estimates


def test_validation_rows_are_those_of_the_folds_in_their_order(trees_win):
    rows, table = stepped(), trees_win[1].out_of_fold
    embargo = timedelta(days=released.FEATURES.embargo_days)
    blocks = [validate for _, validate in time_folds(rows["handed_in"], folds=3, embargo=embargo)]

    assert table.columns.tolist() == ["handed_in", "label", "fold", "candidate", "baseline"]
    assert table["fold"].tolist() == [number for number, block in enumerate(blocks, start=1) for _ in block]
    positions = np.concatenate(blocks)
    assert table["label"].tolist() == rows["late"].iloc[positions].tolist()
    assert table["handed_in"].tolist() == rows["handed_in"].iloc[positions].tolist()


@pytest.mark.parametrize("calibrate", [True, False])
def test_estimates_are_those_of_the_folds_through_the_curve_that_is_applied(calibrate, tmp_path):
    families_ = {
        "logistic": {},
        "gradient_boosting": {"learning_rate": {"values": [1.0]}, "max_iter": {"values": [60]}},
    }
    train = stepped()
    outcome = found(tmp_path, train=train, params=changed(families=families_, trials=2, calibrate=calibrate))
    table, best = outcome.out_of_fold, outcome.best

    inputs = features.inputs(released.CONTRACT, released.FEATURES)
    embargo = timedelta(days=released.FEATURES.embargo_days)
    for name, finalist in (("candidate", best), ("baseline", best.simpler)):
        pipeline = families.build(
            finalist.family, finalist.params, task="binary", inputs=inputs, features=released.FEATURES, seed=7
        )
        said = []
        for fit, validate in time_folds(train["handed_in"], folds=3, embargo=embargo):
            fitted = clone(pipeline).fit(train[inputs.names].iloc[fit], train["late"].iloc[fit])
            said.append(fitted.predict_proba(train[inputs.names].iloc[validate])[:, 1])
        expected = np.concatenate(said)
        if calibrate and finalist.calibration.is_applied:
            expected = finalist.calibration.curve(expected)
        assert table[name].to_numpy() == pytest.approx(expected, abs=1e-9)
    assert (best.calibration is not None and best.calibration.is_applied) == calibrate


def test_without_a_score_there_is_no_row(tmp_path):
    outcome = found(tmp_path, params=changed(seconds=1.0), clock=Clock(100))

    assert outcome.best.simpler is None
    assert len(outcome.out_of_fold) == 0
    assert outcome.out_of_fold.columns.tolist() == ["handed_in", "label", "fold", "candidate"]


@pytest.mark.parametrize(
    ("which", "simple"), [("binary", "logistic"), ("multiclass", "logistic"), ("regression", "linear")]
)
def test_every_task_has_out_of_fold_estimates_of_both_finalists(which, simple, tmp_path):
    train, outcome = untimed(which, tmp_path, families_={"gradient_boosting": {}}, params={"trials": 1})
    contract = tables.contract_of(which)
    target = features.fit_target(train, contract)
    blocks = [block for _, block in shuffled_folds(target, folds=3, stratified=which != "regression", seed=7)]

    table, classes = outcome.out_of_fold, sorted(set(target)) if which == "multiclass" else [""]
    assert table["label"].tolist() == target[np.concatenate(blocks)].tolist()
    assert outcome.best.simpler.family == simple
    expected = [f"{name}_{label}" if label else name for name in ("candidate", "baseline") for label in classes]
    assert table.columns.tolist() == ["label", "fold", *expected]
    assert table["fold"].value_counts().to_dict() == {number + 1: len(block) for number, block in enumerate(blocks)}


# What is drawn


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_finite_space_is_searched_once_through_and_then_is_over(sampler, tmp_path):
    space = {"logistic": {"C": {"values": [0.1, 1, 10]}}, "gradient_boosting": {"max_iter": {"int": [2, 5]}}}

    outcome = found(tmp_path, params=changed(families=space, sampler=sampler, prune=False))

    drawn = [json.dumps(params, sort_keys=True) for params, *_ in stored(tmp_path)]
    assert len(set(drawn)) == len(drawn) == 7 == outcome.best.n_trials


def test_grid_is_walked_by_the_seed_and_the_budget(tmp_path):
    space = {"logistic": {"C": {"int": [1, 50]}}}
    params = changed(families=space, sampler="grid", trials=6)

    first = found(tmp_path, params=params).best
    assert found(tmp_path, params=params, study="again").best == first
    assert stored(tmp_path, "again") == stored(tmp_path)
    assert len({drawn["logistic.C"] for drawn, *_ in stored(tmp_path)}) == 6


def test_family_without_parameters_is_tried_once_with_its_defaults(tmp_path):
    best = found(tmp_path, params=changed(families={"logistic": {}}, trials=2)).best

    assert (best.family, best.params, best.n_trials) == ("logistic", {}, 1)


def test_family_without_parameters_does_not_end_the_search_of_another(tmp_path):
    space = {
        "logistic": {},
        "gradient_boosting": {"learning_rate": {"float": [0.01, 0.02]}, "max_iter": {"values": [2]}},
    }

    outcome = found(tmp_path, params=changed(families=space, trials=14, prune=False))

    assert outcome.trials["family"].value_counts().to_dict() == {"gradient_boosting": 13, "logistic": 1}


# A kill


CHILD = f"""
import os, signal, sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(released.__file__).parent)]}
import test_search
from evergreen.learning.tuning import study, workers

storage, dies_in, n_asked = sys.argv[1], int(sys.argv[2]), 0
ask, fit_fold = study.Study.ask, workers.Job.fit_fold

def count(self):
    global n_asked
    n_asked += 1
    return ask(self)

def fit_or_die(*arguments):
    if n_asked == dies_in:
        os.kill(os.getpid(), signal.SIGKILL)
    return fit_fold(*arguments)

study.Study.ask, workers.Job.fit_fold = count, fit_or_die
print(test_search.found(None, storage=storage).best.model_dump_json())
"""


def in_a_process(storage, *, dies_in=0, threads=2):
    """Start a search that kills itself in the trial of that number."""
    variables = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, storage, str(dies_in)],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
    )


def assert_killed_and_resumed_ends_as(uninterrupted, folder, storage):
    whole_folder, whole = uninterrupted
    n_known = 0
    for dies_in in (7, 4):
        child = in_a_process(storage, dies_in=dies_in)
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        n_ended = n_known + dies_in - 1
        n_known = len(stored(folder, storage=storage))
        assert n_known in (n_ended - 1, n_ended)  # the last is written while the next is fitted

    outcome = found(folder, storage=storage)

    assert outcome.best == whole.best
    pd.testing.assert_frame_equal(outcome.out_of_fold, whole.out_of_fold)
    trials = stored(folder, storage=storage)
    assert trials == stored(whole_folder)
    assert len({json.dumps(drawn, sort_keys=True) for drawn, *_ in trials}) == len(trials) == 20


def test_search_that_was_killed_in_trial_7_of_20_and_again_ends_as_if_it_never_was(uninterrupted, tmp_path):
    assert_killed_and_resumed_ends_as(uninterrupted, tmp_path, url(tmp_path))


def test_search_on_postgresql_that_was_killed_ends_as_if_it_never_was(uninterrupted, tmp_path, postgres):
    storage = postgres.replace("postgresql://", "postgresql+psycopg://")
    assert_killed_and_resumed_ends_as(uninterrupted, tmp_path, storage)


def test_number_of_threads_does_not_change_what_is_found(uninterrupted, tmp_path):
    child = in_a_process(url(tmp_path), threads=5)
    answer = child.communicate()[0]

    assert Best.model_validate_json(answer) == uninterrupted[1].best


def test_one_core_finds_what_two_find(uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr("evergreen.learning.tuning.workers.LANES", 1)

    assert found(tmp_path).best == uninterrupted[1].best
    assert stored(tmp_path) == stored(uninterrupted[0])


# Several workers


def workers():
    """Return the processes that a search has started; others may end meanwhile."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def test_workers_finish_exactly_the_trials_that_were_asked_for_and_leave_no_process(tmp_path):
    outcome = found(tmp_path, params=changed(workers=2, trials=12))

    trials = stored(tmp_path)
    assert len({json.dumps(drawn, sort_keys=True) for drawn, *_ in trials}) == len(trials) == 12
    assert outcome.best.score == max(value for _, value, state in trials if state == "COMPLETE")
    assert not workers()


class EndWorkers(logging.Handler):
    """Ends the workers of the search in this process once a trial has been kept."""

    def emit(self, record):
        for worker in workers():
            with suppress(psutil.NoSuchProcess):
                worker.kill()


def test_worker_that_is_ended_from_outside_ends_the_search_and_what_was_kept_goes_on(tmp_path):
    ending, params = EndWorkers(), changed(workers=2, trials=12)
    searching = logging.getLogger("evergreen.learning.tuning.search")
    searching.addHandler(ending)
    searching.setLevel(logging.INFO)
    try:
        with pytest.raises(ResourceError) as caught:
            found(tmp_path, params=params)
    finally:
        searching.removeHandler(ending)
        searching.setLevel(logging.NOTSET)
    assert (caught.value.code, caught.value.exit_code, caught.value.where) == ("RES006", 8, "tune.workers")
    kept = stored(tmp_path)
    assert 1 <= len(kept) < 12

    outcome = found(tmp_path, params=params)

    assert outcome.best.n_trials == 12
    assert stored(tmp_path)[: len(kept)] == kept


# The budget


class Clock:
    """A clock on which each look takes a second."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def test_budget_too_small_for_one_trial_leaves_the_simplest_family_without_a_score(tmp_path, caplog):
    best = found(tmp_path, params=changed(seconds=1.0), clock=Clock(100)).best

    assert (best.family, best.params, best.n_trials) == ("logistic", {}, 0)
    assert (best.score, best.scores, best.calibration) == (None, (), None)
    assert Best.model_validate_json(best.model_dump_json()) == best
    assert "the budget is too small for one trial" in caplog.text
    assert stored(tmp_path) == []


def test_seconds_of_the_parts_before_a_kill_count(tmp_path):
    params = changed(seconds=300.0)
    first = found(tmp_path, params=params, clock=Clock(5)).best.n_trials
    assert 2 < first < 20

    assert found(tmp_path, params=params, clock=Clock(5)).best.n_trials <= first + 1


@pytest.mark.long
@pytest.mark.parametrize("seconds", [10, 30])
@pytest.mark.parametrize("workers", [1, 2])
def test_search_takes_the_seconds_that_it_was_given(seconds, workers, tmp_path):
    from time import monotonic

    rows, params = train_rows(30_000), changed(seconds=seconds, trials=10_000, workers=workers, max_rows=30_000)
    began = monotonic()
    found(tmp_path, train=rows, params=params)

    assert monotonic() - began == pytest.approx(seconds, rel=0.1)


# Metrics and calibration


@pytest.mark.parametrize(("metric", "function"), [("brier", min), ("accuracy", max), ("log_loss", min)])
def test_trials_are_judged_by_the_metric_that_is_named_in_its_own_direction(metric, function, tmp_path):
    outcome = found(tmp_path, params=changed(metric=metric, trials=8, prune=False))

    assert outcome.best.metric == metric
    assert outcome.best.score == function(outcome.trials["score"])


def test_calibration_of_the_winner_is_measured_and_can_be_left_out(uninterrupted, tmp_path):
    calibration = uninterrupted[1].best.calibration

    assert calibration.n_rows == 250  # all validation rows but those of the first block
    assert calibration.is_applied == (calibration.log_loss[1] < 0.99 * calibration.log_loss[0])
    assert found(tmp_path, params=changed(calibrate=False, trials=1)).best.calibration is None


# What fails


def test_parameters_that_do_not_go_together_fail_their_trial_and_not_the_search(tmp_path, caplog):
    space = {"logistic": {"l1_ratio": {"values": [0.0, 1.0]}, "solver": {"values": ["lbfgs", "saga"]}}}

    outcome = found(tmp_path, params=changed(families=space, prune=False))

    states = dict(zip(outcome.trials["params"], outcome.trials["state"], strict=True))
    assert len(states) == 4
    assert states.pop('{"l1_ratio": 1.0, "solver": "lbfgs"}') == "FAIL"
    assert set(states.values()) == {"COMPLETE"}
    assert outcome.best.n_trials == 3
    assert "a trial of logistic failed: ValueError" in caplog.text


def test_search_in_which_nearly_every_trial_fails_says_so(tmp_path):
    space = {"logistic": {"l1_ratio": {"float": [0.5, 1.0]}}}  # which the default solver does not take

    with pytest.raises(ConfigError) as caught:
        found(tmp_path, params=changed(families=space))

    assert caught.value.code == "CFG046"
    assert caught.value.what.startswith("4 trials failed, the last one, of logistic, with ValueError")


# Refusals


def test_fold_with_one_class_only_is_a_data_error_that_names_it(tmp_path):
    rows = train_rows()
    rows.loc[250:374, "late"] = True  # the second of three blocks

    with pytest.raises(DataError) as caught:
        found(tmp_path, train=rows)

    assert (caught.value.code, caught.value.exit_code) == ("DQ009", 3)
    assert caught.value.what == "fold 2 of 3 has one class only"
    assert caught.value.where == "tune.folds"


def test_period_shorter_than_the_embargo_is_a_data_error(tmp_path):
    with pytest.raises(DataError) as caught:
        found(tmp_path, train=train_rows(60))  # 37 hours: nothing is a day older than the first block

    assert caught.value.what == "fold 1 of 3 has one class only"


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"logistic": {"leaves": {"int": [1, 2]}}}, "family 'logistic' has no parameter 'leaves'"),
        ({"logistic": {"C": {"float": [-1, 10]}}}, "must be a float in the range (0.0, inf]. Got -1.0"),
        ({"gradient_boosting": {"max_leaf_nodes": {"values": [8, "many"]}}}, "Got 'many'"),
    ],
)
def test_space_that_a_family_does_not_take_is_one_block_before_any_trial(space, says, tmp_path):
    params = changed(families={"logistic": {}, **space})

    with pytest.raises(ConfigError) as caught:
        found(tmp_path, params=params)

    assert (caught.value.code, caught.value.exit_code) == ("CFG010", 2)
    assert says in caught.value.what
    assert not (tmp_path / "studies.db").exists()


# Tables without time, and other tasks


def untimed(which, folder, *, families_, params=None, seed=7):
    contract = tables.contract_of(which)
    rows = tables.table(which)
    train, _ = features.split(rows, contract, tables.FEATURES, seed=seed)
    given = {"trials": 2, "folds": 3, "max_rows": 1_000, "families": families_, **(params or {})}
    storage = f"sqlite:///{folder}/studies.db"
    chosen = TuneParams.model_validate(given)
    return train, search(train, contract, tables.FEATURES, chosen, seed=seed, storage=storage, study="s")


@pytest.mark.parametrize(
    ("which", "family", "scorer"),
    [
        ("binary", "logistic", lambda model, rows, truth: roc_auc_score(truth, model.predict_proba(rows)[:, 1])),
        ("multiclass", "logistic", lambda model, rows, truth: log_loss(truth, model.predict_proba(rows))),
        ("regression", "linear", lambda model, rows, truth: r2_score(truth, model.predict(rows))),
    ],
)
def test_score_of_every_task_equals_scikit_learn_on_the_same_folds(which, family, scorer, tmp_path):
    train, outcome = untimed(which, tmp_path, families_={family: {}})
    best = outcome.best
    contract = tables.contract_of(which)
    inputs = features.inputs(contract, tables.FEATURES)
    numeric = inputs.names
    target = features.fit_target(train, contract)
    pipeline = families.build(family, {}, task=contract.task, inputs=inputs, features=tables.FEATURES, seed=7)
    expected = []
    for fit, validate in shuffled_folds(target, folds=3, stratified=which != "regression", seed=7):
        fitted = clone(pipeline).fit(train[numeric].iloc[fit], target[fit])
        expected.append(scorer(fitted, train[numeric].iloc[validate], target[validate]))

    assert best.scores == pytest.approx(expected, abs=1e-9)
    assert best.score == pytest.approx(np.mean(expected), abs=1e-9)


def test_family_of_another_task_is_refused_before_any_trial(tmp_path):
    with pytest.raises(ConfigError, match="family 'logistic' does not learn a regression target"):
        untimed("regression", tmp_path, families_={"logistic": {}})

    assert not (tmp_path / "studies.db").exists()


def test_class_that_the_fit_rows_lack_costs_every_trial_the_same(tmp_path):
    rows = train_rows().assign(late=lambda t: np.where(t["late"], "yes", "no"))
    rows.loc[rows.index[-40:], "late"] = "new"  # only the last block has it
    contract = Contract.model_validate(
        {
            **released.CONTRACT.model_dump(),
            "columns": [
                {**column, "type": "category"} if column["name"] == "late" else column
                for column in released.CONTRACT.model_dump()["columns"]
            ],
        }
    )
    params = changed(families={"logistic": {}})

    best = search(rows, contract, released.FEATURES, params, seed=7, storage=url(tmp_path), study="s").best

    assert np.isfinite(best.scores).all()
    assert best.scores[2] > max(best.scores[:2])
