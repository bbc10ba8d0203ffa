"""How soon which audit share notices what: against streams of another make that the harm watch is asked about."""

from datetime import date, timedelta

import numpy as np
import pytest

from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise, promise_of
from evergreen.decisions.drift.harm.watch import watch
from evergreen.decisions.drift.noticing import Noticed, notice, table
from evergreen.learning.evaluation.clusters import Clusters

FIRST = date(2026, 3, 1)


def _promise(spread: float = 0.0) -> Promise:
    """Return what 30 days of 200 rows and a loss of about 0.1 promise; `spread`: of the days' log rates."""
    generator = np.random.default_rng(0)
    rates = 0.1 * np.exp(generator.normal(0, spread, 30))
    losses = (generator.random((30, 200)) < rates[:, np.newaxis]).astype(np.float64).ravel()
    return promise_of(losses, Clusters("day", np.repeat(np.arange(30), 200), in_time=True), loss="error")


def _streamed(promise: Promise, labels_per_day: int, fault: float, n: int) -> list[int]:
    generator = np.random.default_rng(5)
    delays = []
    for _ in range(n):
        rates = (promise.at_gate or 0) + fault * (np.arange(260) >= 60)
        lost = (generator.random((260, labels_per_day)) < rates[:, np.newaxis]).sum(axis=1)
        days = [
            Day(day=FIRST + timedelta(i), n=labels_per_day, loss=float(loss)) for i, loss in enumerate(lost.tolist())
        ]
        noticed = watch(days, promise).noticed
        delays.append((noticed - FIRST).days - 59 if noticed else 1_000)
    return delays


@pytest.mark.parametrize(("labels_per_day", "fault"), [(20, 0.1), (100, 0.05), (100, 0.1)])
def test_days_are_what_the_watch_takes_for_streams_like_these(labels_per_day: int, fault: float) -> None:
    promise = _promise()
    found = notice(promise, rows_per_day=1_000, share=labels_per_day / 1_000, fault=fault)
    delays = _streamed(promise, labels_per_day, fault, 9)
    assert found.days is not None
    assert min(delays) / 1.3 <= found.days <= max(delays) * 1.3
    assert found.labels == pytest.approx(found.days * labels_per_day, rel=0.2)


def test_more_labels_and_larger_faults_are_noticed_no_later() -> None:
    found = table(_promise(), rows_per_day=2_000, shares=(0.01, 0.1), faults=(0.05, 0.15))
    days = {(each.share, each.fault): each.days for each in found}
    assert list(days) == [(0.01, 0.05), (0.01, 0.15), (0.1, 0.05), (0.1, 0.15)]
    told = {key: 1_000 if value is None else value for key, value in days.items()}
    assert told[0.1, 0.15] < told[0.1, 0.05] < told[0.01, 0.05]
    assert told[0.1, 0.15] < told[0.01, 0.15]


def test_days_that_differ_take_longer() -> None:
    alike, differing = (notice(_promise(spread), rows_per_day=1_000, share=0.3, fault=0.1) for spread in (0.0, 0.8))
    assert alike.days is not None
    assert differing.days is None or differing.days > alike.days


def _nothing() -> Promise:
    return Promise(loss="error", at_gate=None, at_most=1.0, tolerance=0.01, evidence="the gate has no rows")


@pytest.mark.parametrize(
    ("promise", "share", "fault"), [(_nothing(), 0.1, 0.1), (_promise(), 0.1, 0.01), (_promise(), 0.0, 0.5)]
)
def test_what_cannot_be_noticed_has_no_days(promise: Promise, share: float, fault: float) -> None:
    found = notice(promise, rows_per_day=1_000, share=share, fault=fault)
    assert found == Noticed(share=share, fault=fault, labels_per_day=1_000 * share, days=None, labels=None)


def test_the_same_seed_tells_the_same() -> None:
    asked = [notice(_promise(), rows_per_day=500, share=0.2, fault=0.1, seed=3) for _ in range(2)]
    assert asked[0] == asked[1]
