"""The skew step: whether served rows are those that training reads, and what stands where nobody can tell."""

import numpy as np
import pandas as pd
import pytest
import validated

from evergreen.base.artifacts.workspace import Workspace
from tasks.skew import skew

N = 1_000
CONTRACT = validated.contract_of(
    {"name": "id", "type": "integer", "role": "key", "nullable": False},
    {"name": "size", "type": "number"},
    {"name": "kind", "type": "category"},
    {"name": "mail", "type": "text", "pii": "drop", "role": "ignore"},
    key=["id"],
)
RNG = np.random.default_rng(5)
SOURCE = pd.DataFrame({"id": np.arange(N), "size": RNG.lognormal(size=N), "kind": RNG.choice(["a", "b"], N)})


@pytest.fixture
def compared(tmp_path):
    """Return what compares served rows with the source's."""

    def compared(served, source=SOURCE, contract=CONTRACT):
        ws = Workspace(root=tmp_path)
        rows, other = (
            None if table is None else ws.write(name, table)
            for name, table in (("served", served), ("source", source))
        )  # fmt: skip
        return skew.fn(rows, source=other, ws=ws, contract=contract)

    return compared


def test_column_that_is_served_in_thousandths_is_skew_and_the_other_is_not(compared):
    found = compared(SOURCE.assign(size=SOURCE["size"] * 1_000).sample(frac=1, random_state=1))
    assert (found.verdict, found.n_pairs, found.named("skew"), found.named("none")) == ("skew", N, ("size",), ("kind",))
    assert "served is 1000 times the source's" in found.columns[0].evidence
    assert found.columns[0].share == 1.0


def test_rows_as_the_source_has_them_are_none_though_few_of_them_were_served(compared):
    found = compared(SOURCE[::2])
    assert (found.verdict, found.n_pairs, {column.n_differing for column in found.columns}) == ("none", N // 2, {0})


@pytest.mark.parametrize(("n", "verdict"), [(298, "not enough data"), (299, "none")])
def test_so_many_pairs_without_a_difference_are_enough(compared, n, verdict):
    assert 0.99**299 <= 0.05 < 0.99**298
    assert compared(SOURCE[:n]).verdict == verdict


def test_single_precision_is_no_difference_and_a_value_that_was_lost_is_one(compared):
    assert compared(SOURCE.assign(size=SOURCE["size"].astype("float32").astype("float64"))).verdict == "none"
    found = compared(SOURCE.assign(kind=SOURCE["kind"].mask(SOURCE["id"] % 50 == 0)))
    assert (found.named("skew"), found.columns[0].n_differing) == (("kind",), N // 50)
    assert "20 are missing on one side only" in found.evidence


@pytest.mark.parametrize(
    ("served", "source", "lacking"),
    [
        (None, SOURCE, "nothing was served"),
        (None, None, "nothing was served"),
        (SOURCE, None, "the source has no rows of the window that keep the contract"),
        (SOURCE.assign(id=SOURCE["id"] + N), SOURCE, "no key is in both"),
        (SOURCE.head(0), SOURCE, "no key is in both 0 served rows"),
    ],
)
def test_where_there_is_nothing_to_compare_there_is_not_enough_data(compared, served, source, lacking):
    found = compared(served, source)
    assert (found.verdict, found.n_pairs, found.columns) == ("not enough data", 0, ())
    assert lacking in found.evidence


def test_without_a_key_that_both_have_nobody_can_tell(compared):
    keyless = validated.contract_of({"name": "size", "type": "number"})
    found = compared(SOURCE, contract=keyless)
    assert (found.verdict, found.evidence) == ("unknown", "the contract names no key to pair rows by")
    left_out = compared(SOURCE.drop(columns="id"))  # a personal key, of which the log holds a keyed hash
    assert (left_out.verdict, left_out.evidence) == ("unknown", "no key to pair rows by: id")


def test_column_that_was_not_logged_is_unknown_and_does_not_hide_a_skew(compared):
    found = compared(SOURCE.drop(columns="kind"))
    assert (found.verdict, found.named("unknown"), found.named("none")) == ("unknown", ("kind",), ("size",))
    both = compared(SOURCE.drop(columns="kind").assign(size=SOURCE["size"] + 1))
    assert (both.verdict, both.named("skew"), both.named("unknown")) == ("skew", ("size",), ("kind",))
