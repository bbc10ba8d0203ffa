"""A promotion is warned of few rows and of a model that knows next to nothing; nothing is refused by it."""

import re

import numpy as np
import pytest
from gates import POLICY, World, contender, prior

from evergreen.decisions.gate.checks import baseline
from evergreen.decisions.gate.doubts import doubts_of
from evergreen.decisions.gate.evidence import Contender, GateRows
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates


def told(rows: GateRows, ours: Estimates, theirs: Estimates, metric: str = "roc_auc") -> tuple[str, ...]:
    policy = POLICY.model_copy(update={"metric": metric, "floor": 0.0})
    candidate = Contender("model", "some", ours, metrics={})
    return doubts_of([baseline.check(rows, candidate, theirs, of="prior", policy=policy)])


def of_numbers(n: int, strength: float, unit: str = "row", n_clusters: int | None = None) -> tuple[str, ...]:
    """Return the doubts about a model of a number, which explains about `strength` squared of it, on n gate rows."""
    rng = np.random.default_rng(5)
    labels = rng.normal(size=n)
    codes = np.arange(n) % (n_clusters or n)
    estimates = strength**2 * labels + strength * (1 - strength**2) ** 0.5 * rng.normal(size=n)
    rows = GateRows(labels, Clusters(unit, codes))
    return told(rows, Estimates("regression", estimates), Estimates("regression", np.zeros(n)), "r2")


@pytest.mark.parametrize("auc", [0.65, 0.75, 0.9])
def test_model_that_knows_something_on_many_rows_is_not_doubted(auc):
    rows, (ours,) = World(2_000).draw(np.random.default_rng(1), auc)
    assert told(rows, ours, prior(len(rows.labels))) == ()


@pytest.mark.parametrize("strength", [0.3, 0.7])
def test_model_of_a_number_that_knows_something_is_not_doubted(strength):
    assert of_numbers(2_000, strength) == ()


@pytest.mark.parametrize("n", [3, 8, 29])
def test_few_rows_are_said(n):
    assert any(f"the gate had {n} rows: so few" in doubt for doubt in of_numbers(n, 0.9))


def test_rows_of_few_groups_are_said_though_there_are_many():
    assert "the gate had 600 rows of 5 patients: so few cannot tell a good model from chance" in of_numbers(
        600, 0.9, unit="patient", n_clusters=5
    )


def test_days_that_hang_together_are_said_to_count_as_fewer():
    rng = np.random.default_rng(1)
    storm = np.repeat([0.0, 1.0], 7)[np.repeat(np.arange(14), 40)]  # a week of fair weather, and one of storms
    labels = rng.normal(size=560)
    ours = Estimates("regression", labels * 0.5 + 3 * storm * rng.random(560))
    rows = GateRows(labels, Clusters("day", np.repeat(np.arange(14), 40), in_time=True))
    (doubt, *_) = told(rows, ours, Estimates("regression", np.zeros(560)), "r2")
    assert re.match(r"the gate had 560 rows of 14 days, which hang together and count as \d\.\d: so few", doubt)


def test_next_to_nothing_is_said_however_sure_it_is():
    doubts = of_numbers(400_000, 0.03)
    assert len(doubts) == 1
    assert "is next to nothing: +0.00" in doubts[0]


def test_r2_near_0_is_next_to_nothing_though_the_mean_of_the_train_rows_has_less():
    rng = np.random.default_rng(4)
    labels = rng.normal(size=900)
    rows = GateRows(labels, Clusters("row", np.arange(900)))
    ours, mean = Estimates("regression", np.full(900, labels.mean())), Estimates("regression", np.full(900, 0.3))
    assert any("r2 0.0000 on the gate rows is next to nothing" in doubt for doubt in told(rows, ours, mean, "r2"))


@pytest.mark.parametrize("seed", range(6))
def test_gain_within_its_error_is_said(seed):
    rows, (ours,) = World(60).draw(np.random.default_rng(seed), 0.6)
    doubts = told(rows, ours, prior(60))
    check = baseline.check(rows, contender(ours), prior(60), of="prior", policy=POLICY)
    unsure = check.evidence["gain"] < 2 * check.evidence["se"]
    assert any("may be chance" in doubt or "next to nothing" in doubt for doubt in doubts) == unsure


def test_candidate_without_a_prior_is_not_doubted():
    rows, (ours,) = World(200).draw(np.random.default_rng(1), 0.8)
    assert doubts_of([baseline.check(rows, contender(ours), None, of="prior", policy=POLICY)]) == ()
    assert doubts_of([]) == ()
