"""How far estimates move with a column: by hand for a model whose weights are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evergreen.learning.analysis.sensitivity import MOST_ROWS, sensitivity

RNG = np.random.default_rng(5)
ROWS = pd.DataFrame({"x": RNG.normal(size=MOST_ROWS), "y": RNG.normal(size=MOST_ROWS), "c": ["a", "b"] * 1_000})


def model_of(predict):
    return SimpleNamespace(predict=lambda rows: SimpleNamespace(values=predict(rows)))


def test_change_is_that_of_exchanged_values_and_grows_with_the_weight():
    found = sensitivity(model_of(lambda rows: (3 * rows["x"] - rows["y"]).to_numpy()), ROWS, ["x", "y", "c"], seed=1)
    # of two independent standard normal values: 2 / sqrt(pi)
    assert found["y"] == pytest.approx(2 / np.sqrt(np.pi), rel=0.1)
    assert found["x"] == pytest.approx(3 * 2 / np.sqrt(np.pi), rel=0.1)
    assert found["c"] == 0.0


def test_change_of_several_classes_is_half_the_sum_of_their_changes():
    def shares(rows):
        a = (rows["c"] == "a").to_numpy(dtype=float)
        return np.column_stack([a, 1 - a, 0 * a])

    # half of the exchanged rows get the other category, and all of the share moves then
    assert sensitivity(model_of(shares), ROWS, ["c"], seed=1)["c"] == pytest.approx(0.5, abs=0.05)


def test_rows_are_left_alone_and_few_are_drawn_of_many():
    asked = []

    def predict(rows):
        asked.append(len(rows))
        return rows["x"].to_numpy()

    many = pd.concat([ROWS, ROWS], ignore_index=True)
    before = many.copy(deep=True)
    first = sensitivity(model_of(predict), many, ["x"], seed=1)
    assert set(asked) == {MOST_ROWS}
    pd.testing.assert_frame_equal(many, before)
    assert sensitivity(model_of(predict), many, ["x"], seed=1) == first
