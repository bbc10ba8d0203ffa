"""Values that are missing, infinite or in new categories."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest
from daily import FIRST, Array, Break, Make, broken, listed

from evergreen.decisions.drift.faults.missing import find_infinite, find_missing, find_unseen


def unchanged(x: Array, rng: np.random.Generator) -> Array:
    return x


def letters(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
    return rng.choice(5, len(days), p=[0.5, 0.3, 0.1, 0.08, 0.02]).astype(np.float64)


def unseen(share: float) -> Break:
    return lambda x, rng: np.where(rng.random(len(x)) < share, 99, x)


def partly(value: float, share: float) -> Array:
    """Return 100 values of one day, a share of which is the one given."""
    return np.where(np.arange(100) < 100 * share, value, np.arange(100.0))


def test_a_rise_of_missing_values_is_dated_and_counted_by_hand():
    reference, window = listed([partly(np.nan, 0.02)] * 70 + [partly(np.nan, 0.6)] * 10)
    found = find_missing("x", reference, window)
    assert found is not None
    assert (found.kind, found.since, found.share) == ("missing", FIRST + timedelta(days=70), 600 / 2_000)
    assert found.evidence.startswith(
        "60.0% of 1,000 rows are missing from 2024-03-11 to 2024-03-20; in the reference 2.0%"
    )


def test_fewer_missing_values_than_ever_are_no_fault():
    reference, window = listed([partly(np.nan, 0.6)] * 60 + [partly(np.nan, 0.0)] * 30)
    assert find_missing("x", reference, window) is None


def test_an_outage_like_the_reference_s_is_no_fault_and_one_that_does_not_end_is():
    def down(until: int) -> Make:
        def make(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
            out = ((days > 20) & (days < 24)) | ((days >= 65) & (days < until))
            return np.where(out, np.nan, rng.normal(size=len(days)))

        return make

    assert find_missing("x", *broken(down(69), unchanged, seed=8, n_days=30, rows=1_000)) is None
    assert find_missing("x", *broken(down(90), unchanged, seed=8, n_days=30, rows=1_000)) is not None


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_numbers_are_a_fault_unless_the_reference_had_as_many(value: float):
    day, usual = partly(value, 0.2), np.arange(100.0)
    found = find_infinite("x", *listed([usual] * 60 + [day] * 10))
    assert found is not None
    assert (found.kind, found.share) == ("infinite", 0.2)
    assert find_missing("x", *listed([usual] * 60 + [day] * 10)) is None
    assert find_infinite("x", *listed([day] * 70)) is None
    assert find_infinite("x", *listed([np.zeros(9)] * 70, categories=1)) is None


def test_many_unseen_categories_are_a_fault_and_a_few_are_a_note():
    many, note = find_unseen("x", *broken(letters, unseen(0.3), seed=5, n_days=30, rows=1_000, categories=("x",)))
    assert many is not None
    assert (many.kind, note) == ("unseen", None)
    assert 0.25 < many.share < 0.35
    few, note = find_unseen("x", *broken(letters, unseen(0.005), seed=5, n_days=30, rows=5_000, categories=("x",)))
    assert few is None
    assert note is not None
    assert "x: 0." in note
    none = find_unseen("x", *broken(letters, unchanged, seed=5, n_days=30, rows=5_000, categories=("x",)))
    assert none == (None, None)


def test_keys_that_come_and_go_are_no_fault():
    def keys(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
        return days // 10 * 10 + rng.integers(0, 10, len(days)).astype(np.float64)

    assert find_unseen("x", *broken(keys, unchanged, seed=6, n_days=20, rows=1_000, categories=("x",)))[0] is None


def test_numbers_have_no_new_categories():
    assert find_unseen("x", *listed([np.arange(20.0)] * 60 + [np.arange(20.0) + 1e6] * 10)) == (None, None)
