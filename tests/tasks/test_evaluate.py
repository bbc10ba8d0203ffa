"""The evaluate step: what it reports of every task, and what it refuses to measure."""

from pathlib import Path

import numpy as np
import pytest
import tables

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning import features
from evergreen.learning.evaluation import measure
from evergreen.learning.evaluation.clusters import Clusters
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
        int((rows["benign"] == actual).to_numpy()[(loaded.predict(rows).values >= 0.5) != actual].sum())
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


# Refusals


def test_model_of_another_train_table_is_refused(chain, tmp_path: Path):
    made = chain("regression")
    fewer = made.ws.read(made.tables.train).iloc[1:]

    assert refused(made, train=made.ws.write("fewer", fewer)) == "INT014"
    other = tables.run("regression", Workspace(root=tmp_path), tables.table("regression")[20:], family="linear")
    files = {path: path.read_bytes() for path in other.ws.path(other.trained.baseline.uri).iterdir()}
    target = made.ws.path(other.trained.baseline.uri)
    target.mkdir(exist_ok=True)
    for path, content in files.items():
        (target / path.name).write_bytes(content)
    assert refused(made, baseline=other.trained.baseline) == "INT014"


def test_test_rows_among_the_train_rows_are_refused(chain):
    made = chain("binary")
    train, test = made.ws.read(made.tables.train), made.ws.read(made.tables.test)
    leaking = made.ws.write("leaking", test.head(40).merge(train.head(1), how="outer"))

    assert refused(made, test=leaking) == "INT015"
    assert refused(made, test=made.tables.train) == "INT015"
