"""The audit: what the labels that were asked for say, and how fast they would say it."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.audit import estimate

DAYS = np.arange(np.datetime64("2026-01-01"), np.datetime64("2026-01-31"))


def _month(
    generator: np.random.Generator, *, per_day: int = 400, shared: float = 0.3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return losses, days, and which labels come by themselves: six times as often where the answer was wrong."""
    harder = np.repeat(generator.normal(0, shared, 30), per_day)
    wrong = generator.random(30 * per_day) < np.clip(0.2 * np.exp(harder), 0, 1)
    comes = generator.random(len(wrong)) < np.where(wrong, 0.6, 0.1)
    return wrong.astype(float), np.repeat(DAYS, per_day), comes


def test_audited_rows_are_unbiased_where_labels_that_come_by_themselves_are_not() -> None:
    generator = np.random.default_rng(0)
    off: dict[str, list[float]] = {"naive": [], "audit": [], "both": []}
    for _ in range(150):
        losses, days, comes = _month(generator)
        asked = generator.random(len(losses)) < 0.03
        known = np.where(comes | asked, losses, np.nan)
        audit = estimate(known, np.where(asked, 0.03, np.nan), days)
        both = estimate(known, np.where(comes, 1.0, np.where(asked, 0.03, np.nan)), days)
        assert audit.loss is not None
        assert both.loss is not None
        off["naive"].append(float(losses[comes].mean() - losses.mean()))
        off["audit"].append(audit.loss - float(losses.mean()))
        off["both"].append(both.loss - float(losses.mean()))
    assert np.mean(off["naive"]) > 0.35
    for name in ("audit", "both"):
        assert abs(np.mean(off[name])) < 3 * np.std(off[name]) / 150**0.5
    assert np.std(off["both"]) < np.std(off["audit"])


def test_rows_of_several_shares_are_unbiased_where_a_plain_mean_is_not() -> None:
    generator = np.random.default_rng(1)
    weighted, plain = [], []
    for _ in range(150):
        losses, days, _ = _month(generator)
        share = np.where(days < DAYS[15], 0.1, 0.01)
        losses = np.where(
            days < DAYS[15], losses, generator.random(len(losses)) < 0.5
        )  # it got worse, asked about less
        asked = generator.random(len(losses)) < share
        found = estimate(losses, np.where(asked, share, np.nan), days)
        assert found.loss is not None
        weighted.append(found.loss - losses.mean())
        plain.append(losses[asked].mean() - losses.mean())
    assert abs(np.mean(weighted)) < 3 * np.std(weighted) / 150**0.5
    assert np.mean(plain) < -0.1


def _covered(n: int, *, seed: int, share: float, level: float, shared: float) -> float:
    generator = np.random.default_rng(seed)
    held = []
    for _ in range(n):
        rates = np.clip(level * np.exp(generator.normal(0, shared, 30) - shared**2 / 2), 0, 1)
        losses = (generator.random((30, 400)) < rates[:, np.newaxis]).astype(float).ravel()
        asked = generator.random(len(losses)) < share
        found = estimate(losses, np.where(asked, share, np.nan), np.repeat(DAYS, 400))
        held.append(found.low is not None and found.high is not None and found.low <= level <= found.high)
    return float(np.mean(held))


COVERED = [(0.01, 0.02, 0.0), (0.01, 0.2, 0.0), (0.05, 0.2, 0.5), (0.05, 0.02, 0.5)]


@pytest.mark.parametrize(("share", "level", "shared"), COVERED)
def test_intervals_hold_the_expected_loss(share: float, level: float, shared: float) -> None:
    assert _covered(60, seed=0, share=share, level=level, shared=shared) >= 54 / 60


@pytest.mark.long
@pytest.mark.parametrize(("share", "level", "shared"), COVERED)
def test_intervals_hold_the_expected_loss_campaign(share: float, level: float, shared: float) -> None:
    assert _covered(2_000, seed=1, share=share, level=level, shared=shared) >= 0.94


def test_no_error_among_few_labels_is_not_certain() -> None:
    found = estimate(np.zeros(40), np.full(40, 0.01), np.repeat(DAYS[:10], 4))
    assert (found.loss, found.low) == (0.0, 0.0)
    assert found.high is not None
    assert found.high > stats.beta.isf(0.025, 1, 40)


@pytest.mark.parametrize(
    ("losses", "propensities", "verdict"),
    [
        ([], [], "not enough data"),
        ([0.0] * 29, [0.1] * 29, "not enough data"),
        ([0.0] * 300, [np.nan] * 300, "not enough data"),
        ([np.nan] * 300, [0.1] * 300, "not enough data"),
        ([0.0] * 200 + [np.nan] * 100, [0.1] * 300, "not enough data"),
        ([0.0] * 300, [0.0] * 300, "unknown"),
        ([0.0] * 300, [1.5] * 300, "unknown"),
        ([2.0] * 300, [0.1] * 300, "unknown"),
        ([np.inf] * 300, [0.1] * 300, "unknown"),
    ],
)
def test_labels_that_say_nothing_of_all_rows_are_not_measured(
    losses: list[float], propensities: list[float], verdict: str
) -> None:
    found = estimate(losses, propensities, np.resize(DAYS, len(losses)))
    assert found.verdict == verdict
    assert found.loss is found.low is found.high is None


def test_labels_of_few_days_are_not_enough() -> None:
    found = estimate(np.zeros(300), np.full(300, 0.1), np.resize(DAYS[:3], 300))
    assert found.verdict == "not enough data"
    assert "of 3 days" in found.evidence
