"""Every metric of draws of clusters, against what the drawn rows themselves give."""

import numpy as np
import pytest
from sampled import COSTS, alone, days, sample

from evergreen.learning.evaluation import drawn_metrics
from evergreen.learning.evaluation.clusters import draws
from evergreen.learning.evaluation.drawn_metrics import evaluator
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import measure


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_metrics_of_a_draw_are_those_of_its_rows(task):
    labels, estimates, _ = sample(task)
    costs = {} if task == "regression" else COSTS
    drawn = next(iter(draws(len(labels), 5, 1)))
    found = evaluator(labels, estimates, clusters=alone(labels), threshold=0.4, costs=costs)(drawn)

    for number, counts in enumerate(drawn):
        rows = np.repeat(np.arange(len(labels)), counts.astype(int))
        part = Estimates(task, estimates.values[rows], estimates.classes)
        expected = measure(labels[rows], part, threshold=0.4, costs=costs)
        expected.pop("ece", None)  # its bins stay those of all rows
        assert {name: found[name][number] for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_rows_that_are_all_drawn_once_give_the_metrics_themselves(task):
    labels, estimates, _ = sample(task)
    found = evaluator(labels, estimates, clusters=alone(labels), threshold=0.4, costs={})(np.ones((1, len(labels))))

    expected = measure(labels, estimates, threshold=0.4)
    assert {name: found[name][0] for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_draw_without_a_class_or_an_answer_leaves_undefined_what_its_rows_do(task):
    labels, estimates, _ = sample(task)
    drawn = np.zeros((2, len(labels)))
    drawn[0, np.flatnonzero(labels == labels[0])] = 1  # of one class
    answered = estimates.values >= 0.4 if task == "binary" else estimates.compared == "a"
    drawn[1, np.flatnonzero(~answered)] = 1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = evaluator(labels, estimates, clusters=alone(labels), threshold=0.4, costs={})(drawn)

    for number, counts in enumerate(drawn):
        part = Estimates(task, estimates.values[counts > 0], estimates.classes)
        expected = measure(labels[counts > 0], part, threshold=0.4)
        assert {name for name, values in found.items() if np.isfinite(values[number])} == expected.keys()


@pytest.mark.parametrize("few", [0, 100])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_metrics_of_a_draw_of_clusters_are_those_of_their_rows(task, few, monkeypatch):
    monkeypatch.setattr(drawn_metrics, "FEW_CLUSTERS", few)
    labels, estimates, _ = sample(task)
    clusters, costs = days(len(labels), 17), {} if task == "regression" else COSTS
    drawn = next(iter(draws(17, 5, 1)))
    found = evaluator(labels, estimates, clusters=clusters, threshold=0.4, costs=costs)(drawn)

    for number, counts in enumerate(drawn):
        rows = np.repeat(np.arange(len(labels)), counts[clusters.codes].astype(int))
        part = Estimates(task, estimates.values[rows], estimates.classes)
        expected = measure(labels[rows], part, threshold=0.4, costs=costs)
        expected.pop("ece", None)  # its bins stay those of all rows
        assert {name: found[name][number] for name in expected} == pytest.approx(expected, abs=1e-12)
