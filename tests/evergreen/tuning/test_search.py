"""The search: folds that respect time, a search that a kill does not change, and the same winner from the same seed."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import released
import tables
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import log_loss, r2_score, roc_auc_score

from evergreen import features
from evergreen.contract import Contract
from evergreen.errors import ConfigError, DataError
from evergreen.params import TuneParams
from evergreen.tuning import families
from evergreen.tuning.search import Best, draw_evenly, search, shuffled_folds, suggest, time_folds

PARAMS = TuneParams.model_validate(
    {
        "trials": 7,
        "folds": 3,
        "max_rows": 1_000,
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


def found(folder, *, seed=7, train=None, params=PARAMS, study="s"):
    train = train_rows() if train is None else train
    storage = f"sqlite:///{folder}/studies.db"
    return search(train, released.CONTRACT, released.FEATURES, params, seed=seed, storage=storage, study=study)


def finished(folder, study="s"):
    """Return the parameters and values of the finished trials, in their order."""
    trials = optuna.load_study(study_name=study, storage=f"sqlite:///{folder}/studies.db").trials
    return [(trial.params, trial.value) for trial in trials if trial.state.name == "COMPLETE"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A folder with the study of a whole search, and its winner."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, found(folder)


# Folds


def hours(*values):
    return pd.Series(pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(values, unit="h"))


def folds_of(times, *, folds, embargo_hours):
    return [
        (fit.tolist(), validate.tolist())
        for fit, validate in time_folds(times, folds=folds, embargo=timedelta(hours=embargo_hours))
    ]


def test_folds_of_twelve_hours_are_those_cut_by_hand():
    times = hours(*range(12))

    assert folds_of(times, folds=2, embargo_hours=0) == [
        ([0, 1, 2, 3], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11]),
    ]
    assert folds_of(times, folds=2, embargo_hours=2) == [
        ([0, 1], [4, 5, 6, 7]),  # the last label of a fit row is known when the block begins
        ([0, 1, 2, 3, 4, 5], [8, 9, 10, 11]),
    ]
    assert folds_of(times, folds=3, embargo_hours=1) == [
        ([0, 1], [3, 4, 5]),
        ([0, 1, 2, 3, 4], [6, 7, 8]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [9, 10, 11]),
    ]


def test_embargo_is_measured_in_time_and_not_in_rows():
    times = hours(0, 0, 0, 10, 10, 10, 11, 11, 30)

    assert folds_of(times, folds=2, embargo_hours=5) == [
        ([0, 1, 2], [3, 4, 5]),
        ([0, 1, 2], [6, 7, 8]),
    ]


def test_row_of_the_same_moment_as_the_block_is_not_fitted_on():
    assert folds_of(hours(0, 1, 1, 1), folds=1, embargo_hours=0) == [([0], [2, 3])]


@given(st.lists(st.integers(0, 500), min_size=8, max_size=60), st.integers(1, 5), st.integers(0, 48))
def test_every_fit_row_is_older_than_its_block_by_the_embargo(values, n_folds, embargo_hours):
    times = hours(*sorted(values))

    folds = folds_of(times, folds=n_folds, embargo_hours=embargo_hours)

    validated = [position for _, validate in folds for position in validate]
    assert validated == list(range(validated[0], len(times)))  # one after the other, up to the end
    sizes = [len(validate) for _, validate in folds]
    assert max(sizes) - min(sizes) <= 1
    for fit, validate in folds:
        assert fit == list(range(len(fit)))
        begins = times[validate].min()
        assert (times[fit] < begins - timedelta(hours=embargo_hours)).all()
        left_out = times[len(fit) : validate[0]]
        assert (left_out >= begins - timedelta(hours=embargo_hours)).all()


@given(st.lists(st.sampled_from("aaaabbc"), min_size=6, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_shuffled_folds_deal_each_class_out_evenly_and_validate_every_row_once(values, n_folds, seed):
    target = np.array(values)

    found = list(shuffled_folds(target, folds=n_folds, stratified=True, seed=seed))

    assert sorted(np.concatenate([validate for _, validate in found]).tolist()) == list(range(len(values)))
    for fit, validate in found:
        assert sorted([*fit, *validate]) == list(range(len(values)))
        for name in set(values):
            assert abs((target[validate] == name).sum() - (target == name).sum() / n_folds) < 1
            assert (target[fit] == name).any() or (target == name).sum() < 2


def test_shuffled_folds_follow_the_seed():
    target = np.arange(30) % 2

    def validated(seed, stratified=True):
        return [part.tolist() for _, part in shuffled_folds(target, folds=3, stratified=stratified, seed=seed)]

    assert validated(1) == validated(1) != validated(2)
    assert [len(part) for part in validated(1, stratified=False)] == [10, 10, 10]


# Rows


def test_few_rows_are_all_drawn():
    assert draw_evenly(5, at_most=5, seed=1).tolist() == [0, 1, 2, 3, 4]
    assert draw_evenly(0, at_most=5, seed=1).tolist() == []


def test_rows_are_drawn_once_in_order_and_by_the_seed():
    drawn = draw_evenly(1_000, at_most=100, seed=1)

    assert len(set(drawn)) == 100
    assert (np.diff(drawn) > 0).all()
    assert draw_evenly(1_000, at_most=100, seed=1).tolist() == drawn.tolist()
    assert draw_evenly(1_000, at_most=100, seed=2).tolist() != drawn.tolist()


def test_each_row_is_equally_likely_to_be_drawn():
    times_drawn = np.bincount(np.concatenate([draw_evenly(20, at_most=5, seed=n) for n in range(2_000)]), minlength=20)

    # Binomial with n = 2,000 and p = 1/4; 5 standard deviations are 97.
    assert abs(times_drawn - 500).max() < 97


# Space


def test_drawn_parameters_keep_to_their_space():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    drawn = [suggest(study.ask(), PARAMS.families) for _ in range(200)]

    assert {family for family, _ in drawn} == {"logistic", "gradient_boosting"}
    strengths = [chosen["C"] for family, chosen in drawn if family == "logistic"]
    assert min(strengths) >= 0.001
    assert max(strengths) <= 10
    assert 0.3 < np.mean(np.array(strengths) < 0.1) < 0.7  # the middle of the space, which is logarithmic
    trees = [chosen for family, chosen in drawn if family == "gradient_boosting"]
    assert {chosen["max_iter"] for chosen in trees} == set(range(2, 13))
    assert {chosen["max_leaf_nodes"] for chosen in trees} == {None, 4, 8}
    assert all(set(chosen) == set(PARAMS.families["gradient_boosting"]) for chosen in trees)


def test_family_without_parameters_is_tried_with_its_defaults(tmp_path):
    params = PARAMS.model_copy(update={"families": {"logistic": {}}, "trials": 2})

    best = found(tmp_path, params=params)

    assert (best.family, best.params, best.n_trials) == ("logistic", {}, 2)


# The search


def test_winner_has_the_best_mean_of_its_folds_and_its_own_parameters(uninterrupted):
    folder, best = uninterrupted
    trials = finished(folder)

    assert best.n_trials == len(trials) == 7
    assert best.score == max(value for _, value in trials) == np.mean(best.scores)
    chosen = next(drawn for drawn, value in trials if value == best.score)
    assert {"family": best.family, **{f"{best.family}.{name}": value for name, value in best.params.items()}} == chosen


def test_score_of_the_winner_equals_scikit_learn_on_the_same_folds(uninterrupted):
    _, best = uninterrupted
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


def test_same_seed_finds_the_same_and_another_seed_draws_others(uninterrupted, tmp_path):
    folder, best = uninterrupted

    assert found(tmp_path, study="again") == best
    assert finished(tmp_path, "again") == finished(folder)
    found(tmp_path, study="other", seed=8)
    assert finished(tmp_path, "other") != finished(folder)


def test_finished_search_is_not_run_again(uninterrupted):
    folder, best = uninterrupted
    trials = finished(folder)

    assert found(folder) == best
    assert finished(folder) == trials


def test_order_of_columns_and_consequences_of_the_target_do_not_matter(uninterrupted, tmp_path):
    rows = train_rows()
    arrival = rows["arrival"].sample(frac=1, random_state=1).to_numpy()
    shuffled = rows[sorted(rows.columns, reverse=True)].assign(arrival=arrival)

    assert found(tmp_path, train=shuffled) == uninterrupted[1]


def test_more_rows_than_allowed_are_thinned_over_the_whole_period(tmp_path):
    train = train_rows(1_200)
    best = found(tmp_path, train=train, params=PARAMS.model_copy(update={"trials": 2}))

    thinned = train.iloc[draw_evenly(1_200, at_most=1_000, seed=7)]
    assert found(tmp_path, train=thinned, params=PARAMS.model_copy(update={"trials": 2}), study="thin") == best


def test_best_survives_json(uninterrupted):
    assert Best.model_validate_json(uninterrupted[1].model_dump_json()) == uninterrupted[1]


CHILD = f"""
import itertools, json, os, signal, sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(released.__file__).parent)]}
import test_search
from evergreen.tuning import search

folder, dies_at = sys.argv[1], int(sys.argv[2])
score, calls = search._score, itertools.count(1)

def score_or_die(*arguments):
    if next(calls) == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return score(*arguments)

search._score = score_or_die
print(test_search.found(folder).model_dump_json())
"""


def in_a_process(folder, *, dies_at=0, threads=2):
    """Start a search that kills itself in the midst of a trial, when it scores the fold of that number."""
    variables = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(dies_at)],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
    )


def test_search_that_was_killed_twice_ends_as_if_it_never_was(uninterrupted, tmp_path):
    whole_folder, whole = uninterrupted
    for dies_at, n_known in ((8, 2), (5, 3)):  # 3 folds a trial: in the third of the first life, the second of the next
        child = in_a_process(tmp_path, dies_at=dies_at)
        child.communicate(timeout=60)
        assert child.returncode == -signal.SIGKILL
        assert len(finished(tmp_path)) == n_known

    best = found(tmp_path)

    assert best == whole
    trials = finished(tmp_path)
    assert trials == finished(whole_folder)
    assert len({json.dumps(drawn, sort_keys=True) for drawn, _ in trials}) == len(trials) == 7
    left = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/studies.db").trials
    assert sorted(trial.state.name for trial in left) == ["COMPLETE"] * 7 + ["FAIL"] * 2


def test_number_of_threads_does_not_change_what_is_found(uninterrupted, tmp_path):
    child = in_a_process(tmp_path, threads=5)
    answer = child.communicate(timeout=120)[0]

    assert Best.model_validate_json(answer) == uninterrupted[1]


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
    params = TuneParams.model_validate({**PARAMS.model_dump(), "families": {"logistic": {}, **space}})

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
        ("multiclass", "logistic", lambda model, rows, truth: -log_loss(truth, model.predict_proba(rows))),
        ("regression", "linear", lambda model, rows, truth: r2_score(truth, model.predict(rows))),
    ],
)
def test_score_of_every_task_equals_scikit_learn_on_the_same_folds(which, family, scorer, tmp_path):
    train, best = untimed(which, tmp_path, families_={family: {}})
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
    params = PARAMS.model_copy(update={"families": {"logistic": {}}, "trials": 1})

    best = search(
        rows, contract, released.FEATURES, params, seed=7, storage=f"sqlite:///{tmp_path}/studies.db", study="s"
    )

    assert np.isfinite(best.scores).all()
    assert best.scores[2] < min(best.scores[:2])
