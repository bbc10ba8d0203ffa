"""The evaluate step: what it reports of every task, and what it refuses to measure."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tables
from sklearn.metrics import balanced_accuracy_score

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning import features
from evergreen.learning.evaluation import measure
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.thresholds import choose_threshold
from evergreen.learning.model import model as models
from tasks.evaluate import evaluate

EVERY = pytest.mark.parametrize("which", tables.TASKS)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a function that gives the one chain of a table."""
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


def evaluated(made, **changed):
    given = {
        "model": made.trained.model,
        "baseline": made.trained.baseline,
        "out_of_fold": made.out_of_fold,
        "train": made.tables.train,
        "test": made.tables.test,
        "ws": made.ws,
        "params": EvaluateParams(),
        "seed": tables.SEED,
    }
    return evaluate.fn(**{**given, **changed})


def refused(made, **changed):
    with pytest.raises(IntegrityError) as caught:
        evaluated(made, **changed)
    return caught.value.code


@EVERY
def test_same_inputs_give_the_same_bytes(which, chain, tmp_path):
    made = chain(which)
    again = evaluated(made)

    assert again.model_dump_json() == made.evaluated.model_dump_json()
    other = evaluated(made, seed=8)
    assert other.report.intervals != again.report.intervals
    assert other.report.candidate == again.report.candidate


@EVERY
def test_prior_and_the_linear_family_are_always_compared(which, chain):
    made = chain(which)
    report, metric = made.evaluated.report, GATE_METRIC[which]
    linear = "linear" if which == "regression" else "logistic"
    by_chance = {"binary": 0.5, "multiclass": 1 / 3, "regression": 0.0}[which]

    assert report.baselines.keys() == {"prior", linear}
    assert report.baselines["prior"][metric] == pytest.approx(by_chance, abs=0.05)
    assert report.baselines[linear][metric] > by_chance + 0.3
    assert report.baselines[report.baseline_family] == report.baseline


@EVERY
def test_every_metric_of_the_candidate_has_an_interval_and_a_gain(which, chain):
    report = chain(which).evaluated.report
    low, high = report.intervals[GATE_METRIC[which]]

    assert report.intervals.keys() == report.gains.keys() == report.candidate.keys()
    assert low <= report.candidate[GATE_METRIC[which]] <= high


@EVERY
def test_report_says_that_rows_without_group_and_time_are_drawn_one_by_one(which, chain):
    report = chain(which).evaluated.report

    assert (report.unit, report.n_clusters) == ("row", report.n_test)


def test_rows_that_belong_together_are_drawn_together(chain, monkeypatch):
    made = chain("regression")
    monkeypatch.setattr("tasks.evaluate.clusters_of", lambda rows, _: Clusters("clinic", np.arange(len(rows)) % 12))
    report = evaluated(made).report

    assert (report.unit, report.n_clusters) == ("clinic", 12)
    assert report.intervals != made.evaluated.report.intervals
    assert report.candidate == made.evaluated.report.candidate


def test_costs_are_measured_for_every_model(chain):
    made = chain("binary")
    costs = {"true": {"false": 5.0}, "false": {"true": 1.0}}
    report = evaluated(made, params=EvaluateParams(costs=costs, resamples=200)).report

    rows = made.ws.read(made.tables.test)
    loaded = models.load(made.ws.path(made.trained.model.uri), made.trained.model.sha256)
    missed, flagged = (
        int((rows["benign"] == actual).to_numpy()[(loaded.predict(rows).values >= report.threshold) != actual].sum())
        for actual in (True, False)
    )
    assert report.candidate["cost"] == pytest.approx((5 * missed + flagged) / len(rows))
    assert all("cost" in each for each in (report.baseline, report.train, *report.baselines.values()))
    assert report.intervals["cost"][0] <= report.candidate["cost"] <= report.intervals["cost"][1]


def test_costs_of_a_class_that_the_model_does_not_know_are_refused(chain):
    with pytest.raises(ConfigError) as caught:
        evaluated(chain("multiclass"), params=EvaluateParams(costs={"daisy": {"setosa": 1.0}}))

    assert caught.value.code == "CFG051"
    assert "setosa, versicolor, virginica" in caught.value.next_step


def test_report_follows_the_threshold(chain):
    made = chain("binary")
    report = evaluated(made, params=EvaluateParams(threshold=0.9, resamples=100)).report
    rows = made.ws.read(made.tables.test)
    loaded = models.load(made.ws.path(made.trained.model.uri), made.trained.model.sha256)

    labels = features.fit_target(rows, made.contract)
    assert report.candidate == measure(labels, loaded.predict(rows), threshold=0.9)


@pytest.mark.parametrize(
    "given", [{}, {"threshold": {"recall": 0.9}}, {"costs": {"true": {"false": 3.0}, "false": {"true": 1.0}}}]
)
def test_each_model_is_measured_at_the_threshold_of_its_own_validation_rows(given, chain):
    made, params = chain("binary"), EvaluateParams.model_validate({"resamples": 100, **given})
    rng = np.random.default_rng(3)
    said = pd.DataFrame({"candidate": rng.random(300), "baseline": rng.random(300)})
    said = said.assign(label=rng.random(300) < said["candidate"] * said["baseline"])

    report = evaluated(made, params=params, out_of_fold=made.ws.write("said", said)).report

    rows = made.ws.read(made.tables.test)
    labels = features.fit_target(rows, made.contract)
    for name, at, found in (
        ("candidate", report.threshold, report.candidate),
        ("baseline", report.baseline_threshold, report.baseline),
    ):
        chosen = choose_threshold(
            said["label"].to_numpy(), said[name].to_numpy(), rule=params.threshold, costs=params.costs
        )
        ref = made.trained.model if name == "candidate" else made.trained.baseline
        loaded = models.load(made.ws.path(ref.uri), ref.sha256)
        assert at == chosen
        assert found == measure(labels, loaded.predict(rows), threshold=at, costs=params.costs)
    assert report.threshold != report.baseline_threshold
    assert report.baselines[report.baseline_family] == report.baseline


def test_threshold_is_the_best_of_the_rows_that_tuning_validated_on(chain):
    made = chain("binary")
    report, said = made.evaluated.report, made.ws.read(made.out_of_fold)

    def balanced_accuracy(at):
        answers = (said["candidate"] >= at).to_numpy()
        return balanced_accuracy_score(said["label"], answers)

    assert 0 < report.threshold < 1
    assert balanced_accuracy(report.threshold) == max(map(balanced_accuracy, said["candidate"]))


def test_precision_that_no_validation_row_bears_ends_the_step(chain):
    made = chain("binary")
    said = made.ws.write("hopeless", pd.DataFrame({"label": [True, False], "candidate": [0.5, 0.5]}))

    with pytest.raises(ConfigError) as caught:
        evaluated(made, params=EvaluateParams.model_validate({"threshold": {"precision": 0.9}}), out_of_fold=said)

    assert caught.value.code == "CFG053"


# Refusals


def test_model_of_another_train_table_is_refused(chain, tmp_path: Path):
    made = chain("regression")
    fewer = made.ws.read(made.tables.train).iloc[1:]

    assert refused(made, train=made.ws.write("fewer", fewer)) == "INT014"
    other = tables.run("regression", Workspace(root=tmp_path), tables.table("regression")[20:], family="linear")
    place = other.trained.baseline.uri
    shutil.copytree(other.ws.path(place), made.ws.path(place), dirs_exist_ok=True)
    assert refused(made, baseline=other.trained.baseline) == "INT014"


def test_test_rows_among_the_train_rows_are_refused(chain):
    made = chain("binary")
    train, test = made.ws.read(made.tables.train), made.ws.read(made.tables.test)
    leaking = made.ws.write("leaking", test.head(40).merge(train.head(1), how="outer"))

    assert refused(made, test=leaking) == "INT015"
    assert refused(made, test=made.tables.train) == "INT015"
