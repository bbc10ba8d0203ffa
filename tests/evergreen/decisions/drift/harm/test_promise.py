"""What a gate may promise: wide after few rows or days, and nothing where it cannot tell."""

import numpy as np
import pytest
from scipy import stats
from streams import Shock, gate

from evergreen.decisions.drift.harm.promise import promise_of
from evergreen.learning.evaluation.clusters import Clusters


def rows(n: int) -> Clusters:
    return Clusters("row", np.arange(n))


def by_day(days: int, each: int) -> Clusters:
    return Clusters("day", np.repeat(np.arange(days), each), in_time=True)


@pytest.mark.parametrize(("n", "wrong"), [(142, 14), (1_000, 100), (10_000, 200)])
def test_promise_of_rows_is_the_interval_of_clopper_and_pearson(n, wrong):
    losses = (np.arange(n) < wrong).astype(float)
    exact = stats.binomtest(wrong, n, alternative="less").proportion_ci(confidence_level=0.975).high

    found = promise_of(losses, rows(n), loss="error", tolerance=0.0)

    assert found.at_gate == wrong / n
    assert found.at_most == pytest.approx(exact, abs=0.003)
    assert found.days == ()


def test_tolerance_is_added():
    losses = (np.arange(1_000) < 100).astype(float)
    plain, more = (promise_of(losses, rows(1_000), loss="error", tolerance=t).at_most for t in (0.0, 0.02))

    assert more == pytest.approx(plain + 0.02)


def test_promise_is_wider_where_days_share_their_errors():
    alone = np.tile(np.arange(100) % 10 == 0, 14).astype(float)
    shared = np.concatenate([np.arange(100) < k for k in [2, 18] * 7]).astype(float)

    one, other = (promise_of(losses, by_day(14, 100), loss="error") for losses in (alone, shared))

    assert one.at_gate == other.at_gate
    assert other.at_most > one.at_most + 0.02


def test_promise_knows_the_days_of_the_gate():
    found = promise_of(
        np.array([1.0, 0.0, 0.5, 0.5, 1.0]), Clusters("day", np.array([0, 0, 1, 1, 1]), True), loss="brier"
    )

    assert found.days == ((2, 1.0), (3, 2.0))


def test_gate_without_any_error_promises_no_more_than_its_days_show():
    found = promise_of(np.zeros(1_400), by_day(14, 100), loss="error", tolerance=0.0)

    assert found.at_most == pytest.approx(1 - 0.025 ** (1 / 14))  # the rule of three, of days


def test_promise_stays_below_one():
    assert promise_of(np.repeat([0.9, 1.0], 500), rows(1_000), loss="brier", tolerance=0.5).at_most == 0.99


@pytest.mark.parametrize(
    ("losses", "clusters"),
    [
        ([], rows(0)),
        ([0.5], rows(1)),
        ([0.0, 1.0, 0.0, 0.0], by_day(1, 4)),
        ([1.0, 1.0, 1.0], rows(3)),
        ([0.1, np.nan, 0.2], rows(3)),
        ([0.1, 1.2, 0.2], rows(3)),
    ],
)
def test_gate_that_cannot_tell_promises_nothing(losses, clusters):
    assert promise_of(np.array(losses), clusters, loss="brier").at_most == 1


@pytest.mark.parametrize(("shock", "share"), [(Shock(), 0.05), (Shock(0.02), 0.08)])
def test_expected_loss_lies_above_the_promise_of_few_gates(shock, share):
    rng = np.random.default_rng(3)
    sizes = np.full(14, 50)

    over = np.mean([gate(sizes, 0.1, shock, rng, tolerance=0.0).at_most < 0.1 for _ in range(400)])

    assert over <= share  # 2.5 % are meant; 14 days of skewed shocks say little of the rarest
