"""An experiment over time: what a look shows is what was known then, and how often A against A has a winner."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from experimented import BEGUN, Shop, design, us

from evergreen.decisions.experiments.design import Goal
from evergreen.decisions.experiments.sample_size import clustered, of_rates
from evergreen.record.experiments.course import look, report, times
from evergreen.record.experiments.rows import Rows, gather

LOOKS = 20


def gathered(shop: Shop, as_of: datetime) -> Rows:
    return gather(shop.folder, shop.design, model="shop", task="binary", since=BEGUN, as_of=as_of, delay=timedelta(0))


def test_look_back_shows_what_a_look_then_would_have_shown(tmp_path) -> None:
    shop = Shop(tmp_path, design())
    rng = np.random.default_rng(1)
    customers = rng.integers(0, 700, 2_000).tolist()
    shop.answer(customers, rng.random((2_000, 2)) < [0.2, 0.3])
    now = gathered(shop, shop.end)
    for at in times(BEGUN, shop.end, points=5):
        assert look(shop.design, now, at) == look(shop.design, gathered(shop, at), at)


def test_looks_are_spread_from_the_beginning_to_now() -> None:
    found = times(BEGUN, BEGUN + timedelta(hours=8), points=4)
    assert found == [BEGUN + timedelta(hours=hours) for hours in (2, 4, 6, 8)]
    assert times(BEGUN, BEGUN, points=4) == [BEGUN]


def test_report_of_nothing_names_what_is_missing(tmp_path) -> None:
    shop = Shop(tmp_path, design())
    found = report(shop.design, gathered(shop, shop.end), [shop.end])
    assert (found.rows, found.last.decision.answer) == (0, "inconclusive")
    assert "no row of the champion is known" in found.last.decision.why


def test_labels_that_come_in_one_variant_alone_forbid_a_result(tmp_path) -> None:
    shop = Shop(tmp_path, design())
    rng = np.random.default_rng(2)
    shop.answer(list(range(3_000)), rng.random((3_000, 2)) < [0.2, 0.3])
    rows = gathered(shop, shop.end)
    lost = (rows.arm == 1) & (rng.random(len(rows)) < 0.3)
    rows.known[lost] = np.iinfo(np.int64).max
    found = look(shop.design, rows, shop.end)
    assert found.labelled.is_off
    assert not found.units.is_off
    assert found.decision.answer == "inconclusive"


def simulated(rng: np.random.Generator, agreed, n: int, *, customers: int, lift: float) -> Rows:
    """Return rows of customers who come back, each with a rate of purchase of their own; an hour of them."""
    rate = rng.beta(1, 4, customers)
    who = rng.integers(0, customers, n)
    arm = rng.integers(0, 2, customers)[who]
    bought = rng.random(n) < np.clip(rate[who] + lift * arm, 0, 1)
    at = us(BEGUN) + np.arange(1, n + 1) * (3_600_000_000 // n)
    metrics = {"target": bought.astype(float)}
    return Rows(("champion", "B"), arm, who, at, at, metrics, {}, 0, 0, {})


def naive(agreed, rows: Rows, at: datetime, *, by_row: bool) -> bool:
    """Return whether a 95 % interval for one look leaves 0 out, of customers or as if each row were another one's."""
    until, means = us(at), []
    for arm in (0, 1):
        its = (rows.received <= until) & (rows.arm == arm)
        y = rows.metrics["target"][its]
        code = np.arange(len(y)) if by_row else np.unique(rows.unit[its], return_inverse=True)[1]
        counts = np.bincount(code)
        parts = (np.bincount(code, weights=y) - y.mean() * counts) / counts.mean()
        means.append((y.mean(), parts.var() / len(parts)))
    (a, va), (b, vb) = means
    return abs(b - a) > 1.96 * (va + vb) ** 0.5


def campaign(n_campaigns: int, *, lift: float, planned: int, n: int, customers: int) -> tuple[float, float, float]:
    """Return how often a difference was ever found in 20 looks: ours, naive by customer, and naive by row."""
    agreed = design(planned=planned, goals=(Goal(metric="target", better="higher", effect=0.03),))
    hits = np.zeros(3)
    for seed in range(n_campaigns):
        rows = simulated(np.random.default_rng([7, seed]), agreed, n, customers=customers, lift=lift)
        looks = times(BEGUN, BEGUN + timedelta(hours=1), points=LOOKS)
        found = [look(agreed, rows, at).readings[0] for at in looks]
        hits[0] += any(one.low is not None and (one.low > 0 or one.high < 0) for one in found)
        hits[1] += any(naive(agreed, rows, at, by_row=False) for at in looks)
        hits[2] += any(naive(agreed, rows, at, by_row=True) for at in looks)
    return tuple(hits / n_campaigns)


@pytest.mark.long
def test_a_against_a_has_a_winner_in_at_most_one_of_twenty_campaigns_of_twenty_looks() -> None:
    ours, by_customer, by_row = campaign(400, lift=0.0, planned=1_000, n=8_000, customers=2_000)
    assert ours <= 0.05
    assert by_customer > 0.20
    assert by_row > by_customer


def test_a_against_a_seldom_has_a_winner_and_naive_looking_often() -> None:
    ours, by_customer, by_row = campaign(40, lift=0.0, planned=400, n=2_400, customers=800)
    assert ours <= 0.05
    assert by_row > by_customer > 0.1


@pytest.mark.long
@pytest.mark.parametrize("rate", [0.01, 0.003])
def test_a_against_a_has_few_winners_where_successes_are_rare(rate) -> None:
    n, agreed, won = 8_000, design(planned=4_000), 0
    at = us(BEGUN) + np.arange(1, n + 1) * (3_600_000_000 // n)
    for seed in range(400):
        rng = np.random.default_rng([8, seed])
        metrics = {"target": (rng.random(n) < rate).astype(float)}
        rows = Rows(("champion", "B"), rng.integers(0, 2, n), np.arange(n), at, at, metrics, {}, 0, 0, {})
        looks = times(BEGUN, BEGUN + timedelta(hours=1), points=LOOKS)
        found = [look(agreed, rows, each).readings[0] for each in looks]
        won += any(one.low is not None and (one.low > 0 or one.high < 0) for one in found)
    assert won / 400 <= 0.05


@pytest.mark.long
def test_three_points_are_found_with_the_power_that_was_planned() -> None:
    size = clustered(of_rates(0.2, 0.03), rows=4, alike=0.2)
    customers = size.any_time // 4 * 2
    ours, *_ = campaign(200, lift=0.03, planned=customers // 2, n=customers * 4, customers=customers)
    assert ours >= 0.8
