"""Summaries that stay small however long the stream is."""

import numpy as np
import pytest

from evergreen.proposal.sketches import Distinct, hashes_of_numbers


def test_distinct_is_exact_while_small_and_close_when_large():
    small, large = Distinct(), Distinct()
    small.add(hashes_of_numbers(np.arange(20_000)))
    for start in range(0, 3_000_000, 500_000):
        large.add(hashes_of_numbers(np.arange(start, start + 500_000)))
    assert (small.n, small.is_exact, small.repeated_share) == (20_000, True, 0.0)
    assert large.n == pytest.approx(3_000_000, rel=0.03)
    assert len(large.hashes) <= Distinct.SIZE
    assert large.repeated_share == 0.0
    large.add(hashes_of_numbers(np.arange(30_000)))
    assert 0 < large.repeated_share < 0.05
