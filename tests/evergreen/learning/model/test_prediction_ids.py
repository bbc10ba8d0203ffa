"""Ids: one for equal rows, others for different ones, and rows that repeat are told apart wherever they lie."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from evergreen.learning.model import prediction_ids
from evergreen.learning.model.prediction_ids import PredictionIds

DIGEST = "a" * 64


def ids(*batches, digest=DIGEST):
    made = PredictionIds(digest)
    return [each for batch in batches for each in made.take(batch, len(next(iter(batch.values())))).to_pylist()]


def numbers(values):
    return {"x": pa.array(values, pa.float64())}


def test_id_is_32_digits_of_what_is_seen_and_the_model():
    (one,) = ids(numbers([1.5]))
    assert len(one) == 32
    assert int(one, 16) >= 0
    assert ids(numbers([1.5])) == [one]
    assert ids(numbers([1.5]), digest="b" * 64) != [one]
    assert ids({"y": pa.array([1.5])}) != [one]


def test_no_two_different_rows_have_one_id_whatever_differs():
    words = pa.array(["a", "b", None, "", "a", "b", None, ""]).dictionary_encode()
    rows = {
        "x": pa.array([0.0, 0, 0, 0, None, None, None, None]),
        "n": pa.array([1, 1, 1, 1, 1, 1, 1, 1]),
        "w": words,
        "v": pa.array(["c", "d", "e", None, "c", "d", "e", "f"]).dictionary_encode(),
    }
    assert len(set(ids(rows))) == 8
    swapped = {**rows, "w": rows["v"], "v": rows["w"]}
    assert not set(ids(rows)) & set(ids(swapped))


def test_order_of_columns_of_words_in_a_dictionary_and_the_sign_of_zero_do_not_count():
    here = {"x": pa.array([0.0, 1.0]), "w": pa.array(["a", "b"]).dictionary_encode()}
    there = {"w": pa.array(["b", "a", "b"]).dictionary_encode().slice(1), "x": pa.array([-0.0, 1.0])}
    assert ids(here) == ids(there)


def test_ids_do_not_depend_on_how_the_rows_come_in_batches():
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.normal(size=70_000), rng.integers(0, 500, 30_000).astype(float)])
    rng.shuffle(values)
    whole = ids(numbers(values))
    assert ids(*(numbers(values[at : at + 999]) for at in range(0, len(values), 999))) == whole
    assert len(set(whole)) == len(values)


def test_place_of_a_row_among_its_equals_is_counted_over_batches(monkeypatch):
    monkeypatch.setattr(prediction_ids, "LONGEST_RUN", 64)  # so that there are many runs
    rng, seen, expected = np.random.default_rng(7), Counter(), []
    batches = [rng.integers(0, 40, size).astype(float) for size in rng.integers(1, 50, 60)]
    first = {value: ids(numbers([value] * 200)) for value in map(float, range(40))}
    for value in np.concatenate(batches).tolist():
        expected.append(first[value][seen[value]])
        seen[value] += 1
    assert ids(*map(numbers, batches)) == expected


@pytest.mark.parametrize("n", [0, 1])
def test_few_rows(n):
    assert len(ids(numbers([2.0] * n), numbers([]))) == n


def test_ids_are_spread_evenly_over_all_their_bits():
    found = np.array([list(bytes.fromhex(each)) for each in ids(numbers(np.arange(20_000.0)))], dtype=np.uint8)
    shares = np.unpackbits(found, axis=1).mean(axis=0)
    assert shares.shape == (128,)
    assert np.abs(shares - 0.5).max() < 0.02  # 5.6 standard errors
