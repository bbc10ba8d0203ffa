"""Skew: what was served against what training reads for the same rows."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.decisions.drift.faults import skew

N = 1_000


def table(x: object, *, keys: object = None) -> pa.Table:
    return pa.table({"id": pa.array(range(N)) if keys is None else keys, "x": x})


def verdict_of(served: pa.Table, source: pa.Table, **options: float) -> skew.Skew:
    return skew.decide(served, source, keys=["id"], columns=["x"], **options)


def values(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=N)


def test_the_same_values_in_another_order_and_single_precision_are_no_skew():
    x = values()
    order = np.random.default_rng(1).permutation(N)
    found = verdict_of(table(x[order].astype(np.float32), keys=pa.array(order)), table(x))
    assert (found.verdict, found.n_pairs) == ("none", N)
    assert found.columns[0].n_differing == 0


def test_another_unit_in_what_was_served_is_skew_and_says_how_much():
    found = verdict_of(table(values() * 1_000), table(values()))
    assert found.verdict == "skew"
    assert found.named("skew") == ("x",)
    assert "1000 times the source's" in found.evidence


@pytest.mark.parametrize(("differing", "verdict"), [(0, "none"), (4, "none"), (9, "none"), (10, "skew"), (300, "skew")])
def test_one_in_a_hundred_pairs_is_the_limit(differing: int, verdict: str):
    x = values()
    changed = x.copy()
    changed[:differing] += 1
    found = verdict_of(table(changed), table(x))
    assert found.verdict == verdict
    assert found.columns[0].n_differing == differing


def test_missing_against_present_differs_and_missing_on_both_sides_does_not():
    x = values()
    x[:100] = np.nan
    assert verdict_of(table(x), table(pa.array(x, from_pandas=True))).verdict == "none"
    found = verdict_of(table(values()), table(x))
    assert found.verdict == "skew"
    assert "100 are missing on one side only" in found.evidence


def test_few_pairs_decide_nothing_unless_all_that_is_there_differs():
    x = values()
    few = table(x).slice(0, 40)
    assert verdict_of(few, table(x)).verdict == "not enough data"
    assert verdict_of(few.set_column(1, "x", pa.array(x[:40] + 1)), table(x)).verdict == "skew"
    three = table(x + 1).slice(0, 3)
    assert verdict_of(three, table(x)).verdict == "not enough data"


def test_no_rows_in_common_is_not_enough_data():
    x = values()
    assert verdict_of(table(x, keys=pa.array(range(N, 2 * N))), table(x)).verdict == "not enough data"
    assert verdict_of(table(x).slice(0, 0), table(x)).verdict == "not enough data"
    unkeyed = table(x, keys=pa.nulls(N, pa.int64()))
    assert verdict_of(unkeyed, table(x)).verdict == "not enough data"


def test_a_key_that_the_source_has_twice_makes_no_pair_and_one_served_twice_makes_two():
    x = values()
    doubled = pa.concat_tables([table(x), table(x + 5).slice(0, 1)])
    found = verdict_of(table(x), doubled)
    assert (found.verdict, found.n_pairs) == ("none", N - 1)
    assert "1 keys are in the source more than once" in found.evidence
    assert verdict_of(doubled, table(x)).n_pairs == N + 1


def test_what_cannot_be_compared_is_unknown_and_never_none():
    x = values()
    found = skew.decide(table(x), table(x), keys=["id"], columns=["x", "y"])
    assert found.verdict == "unknown"
    assert found.named("unknown") == ("y",)
    assert skew.decide(table(x), table(x), keys=["row"], columns=["x"]).verdict == "unknown"
    assert skew.decide(table(x), table(x), keys=["id"], columns=[]).verdict == "unknown"
    listed = table(pa.array([[1]] * N))
    assert verdict_of(listed, listed).verdict == "unknown"


def test_texts_against_numbers_that_are_none_differ():
    assert verdict_of(table(["many"] * N), table(values())).verdict == "skew"
