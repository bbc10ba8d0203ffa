"""What counts of what was said about a subject, held against a plain loop over it."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.record.labels.standing import NEVER, standing


def said(rows):
    names = ("subject", "value", "known", "received", "name", "is_ahead", "propensity")
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
    return table.set_column(6, "propensity", table["propensity"].cast(pa.float64()).fill_null(float("nan")))


@pytest.mark.parametrize("values", [("yes", "no"), (True, False), (1.5, 2.5)])
def test_last_known_counts_of_many_in_any_order(values):
    rng = np.random.default_rng(4)
    rows = [
        (f"s{rng.integers(60)}", values[rng.integers(2)], int(rng.integers(9)), int(rng.integers(9)), f"{row:03}",
         bool(rng.integers(2)), 0.5)
        for row in rng.permutation(400)
    ]  # fmt: skip
    found = standing(said(rows))
    assert sorted(found.subjects.to_pylist()) == sorted({row[0] for row in rows})
    for place, subject in enumerate(found.subjects.to_pylist()):
        about = sorted((row for row in rows if row[0] == subject), key=lambda row: row[2:5])
        value, known, received, name = about[-1][1:5]
        assert (found.values[place].as_py(), found.names[place].as_py()) == (value, name)
        assert (found.last[place], found.received[place]) == (known, received)
        assert found.first[place] == min(row[2] for row in about if row[1] == value)
        assert found.other[place] == max((row[2] for row in about if row[1] != value), default=NEVER)
        assert found.n_said[place] == len(about)
        assert found.n_values[place] == len({row[1] for row in about})
        assert found.n_ahead[place] == sum(row[5] for row in about)


def test_propensity_is_kept_whichever_label_counts():
    rows = [
        ("a", True, 1, 1, "x", False, 0.02),
        ("a", False, 2, 2, "y", False, None),
        ("b", True, 1, 1, "z", False, None),
    ]
    found = standing(said(rows))
    assert found.propensity.tolist()[0] == 0.02
    assert np.isnan(found.propensity[1])


def test_subjects_are_found_and_others_and_nulls_are_not():
    found = standing(said([("a", True, 1, 1, "x", False, 0.5), ("b", True, 1, 1, "y", False, 0.5)]))
    assert found.places(pa.array(["b", "c", None, "a"])).tolist() == [1, -1, -1, 0]
    nothing = standing(said([("a", True, 1, 1, "x", False, 0.5)]).slice(0, 0))
    assert nothing.places(pa.array(["b", None])).tolist() == [-1, -1]
