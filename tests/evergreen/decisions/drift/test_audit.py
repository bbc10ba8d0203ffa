"""The audit: who is asked for a label, what the labels say, and how fast they would say it."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.audit import estimate, is_asked

IDS = [f"{row:032x}" for row in range(20_000)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_selection_takes_its_share_evenly_over_ids(share: float) -> None:
    asked = np.array([is_asked(each, share=share, salt="flights") for each in IDS])
    assert stats.binomtest(int(asked.sum()), len(IDS), share).pvalue > 0.001
    of_parts = asked.reshape(20, -1).sum(axis=1)
    assert stats.chisquare(of_parts).pvalue > 0.001


def test_selection_is_another_with_another_salt() -> None:
    one, other = ([is_asked(each, share=0.5, salt=salt) for each in IDS] for salt in ("a", "b"))
    assert stats.binomtest(int((np.array(one) == np.array(other)).sum()), len(IDS), 0.5).pvalue > 0.001


def test_salt_and_id_do_not_run_into_each_other() -> None:
    one, other = (
        [is_asked(rest + each, share=0.5, salt=salt) for each in IDS] for salt, rest in (("ab", ""), ("a", "b"))
    )
    assert one != other


def test_a_larger_share_asks_for_what_a_smaller_one_did() -> None:
    small, large = ({each for each in IDS if is_asked(each, share=share, salt="s")} for share in (0.05, 0.2))
    assert small < large


def test_nothing_and_everything_can_be_asked_for() -> None:
    assert not any(is_asked(each, share=0.0, salt="s") for each in IDS[:100])
    assert all(is_asked(each, share=1.0, salt="s") for each in IDS[:100])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        is_asked("1", share=share, salt="s")


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
