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
    assert set(asked) == {MOST_ROWS}  # as usual, and once for the one column
    pd.testing.assert_frame_equal(many, before)
    assert sensitivity(model_of(predict), many, ["x"], seed=1) == first


def test_work_is_bounded_for_a_wide_table_and_every_column_is_measured():
    asked = []
    wide = pd.DataFrame(RNG.normal(size=(MOST_ROWS, 1_500)), columns=[f"c{n}" for n in range(1_500)])

    def predict(rows):
        asked.append(len(rows))
        return (rows["c3"] - 2 * rows["c1499"]).to_numpy()

    found = sensitivity(model_of(predict), wide, [*wide], seed=1)
    assert list(found) == [*wide]
    assert {name for name, moved in found.items() if moved} == {"c3", "c1499"}
    assert 1 < found["c1499"] / found["c3"] < 4
    assert sum(asked) * wide.shape[1] <= 50_000_000
    assert max(asked) * wide.shape[1] <= 2_000_000


def test_columns_are_measured_together_as_they_are_alone():
    by_hand = model_of(lambda rows: (3 * rows["x"] - rows["y"] * (rows["c"] == "a")).to_numpy())
    together = sensitivity(by_hand, ROWS, ["x", "y", "c"], seed=1)
    alone = {name: sensitivity(by_hand, ROWS, [name], seed=1)[name] for name in ("x", "y", "c")}
    assert together == alone
