import numpy as np
import pytest
from scipy import integrate

from evergreen.decisions.rollout.exceeding import evidence_above


@pytest.mark.parametrize(("k", "n", "most"), [(3, 100, 0.01), (0, 50, 0.02), (30, 1_000, 0.01), (8, 10, 0.5)])
def test_evidence_is_the_likelihood_of_all_above_against_the_most_that_may_be(k, n, most) -> None:
    mixed, _ = integrate.quad(lambda p: p**k * (1 - p) ** (n - k), most, 1, points=[max(most, k / n)], epsabs=0)
    assert evidence_above(k, n, most) == pytest.approx(mixed / (1 - most) / most**k / (1 - most) ** (n - k), rel=1e-5)


def test_nothing_seen_is_no_evidence() -> None:
    assert evidence_above(0, 0, 0.01) == 1


def test_what_fails_every_time_is_seen_at_once() -> None:
    assert evidence_above(3, 3, 0.01) > 1_000


def test_what_happens_as_often_as_it_may_is_called_too_often_in_less_than_the_stated_share_of_streams() -> None:
    rng, looks = np.random.default_rng(11), range(20, 2_001, 40)
    streams = np.cumsum(rng.random((400, 2_000)) < 0.01, axis=1)
    called = [any(evidence_above(int(sums[n - 1]), n, 0.01) >= 20 for n in looks) for sums in streams]
    assert np.mean(called) <= 0.05
    streams = np.cumsum(rng.random((100, 2_000)) < 0.04, axis=1)
    assert np.mean([any(evidence_above(int(s[n - 1]), n, 0.01) >= 20 for n in looks) for s in streams]) > 0.95
