"""What stands before the gate has as many rows as the gate, or there is one clear error."""

import numpy as np
import pytest
from gates import World, prior

from evergreen.base.errors import DataError
from evergreen.decisions.gate.evidence import GateError, GateRows, check_lengths
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

ROWS, (MODEL,) = World(30).draw(np.random.default_rng(1), 0.7)


def test_all_are_all_rows():
    assert ROWS.all.tolist() == [True] * 30


def test_equal_lengths_and_models_that_are_missing_are_no_error():
    check_lengths(ROWS, {"the candidate": MODEL, "the prior": None})
    check_lengths(GateRows(ROWS.labels, ROWS.clusters, {"AA": ROWS.all}), {})


def test_estimates_of_other_rows_are_an_error_that_names_them():
    with pytest.raises(GateError, match="29 estimates of version 4 for 30 gate rows") as raised:
        check_lengths(ROWS, {"the candidate": MODEL, "version 4": prior(29)})

    assert raised.value.code == "GATE002"
    assert raised.value.next_step == "Score every model on the same rows."
    assert isinstance(raised.value, DataError)


def test_estimates_of_classes_are_counted_by_row():
    with pytest.raises(GateError, match="2 estimates of the candidate for 30 gate rows"):
        check_lengths(ROWS, {"the candidate": Estimates("multiclass", np.ones((2, 30)), ("ash", "beech"))})


def test_clusters_of_other_rows_are_an_error():
    with pytest.raises(GateError, match="31 rows in clusters for 30 gate rows"):
        check_lengths(GateRows(ROWS.labels, Clusters("row", np.arange(31))), {})


def test_slice_of_other_rows_is_an_error_that_names_it():
    with pytest.raises(GateError, match="12 rows in the slice carrier=AA for 30 gate rows"):
        check_lengths(GateRows(ROWS.labels, ROWS.clusters, {"carrier=AA": np.ones(12, dtype=bool)}), {})
