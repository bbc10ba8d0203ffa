"""Who is asked for a label: a share of all, evenly, and the same ones wherever one looks."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.asked import is_asked

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
