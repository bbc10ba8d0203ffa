"""Uniqueness: exact in spite of hashes that collide, in memory of one partition where that is enough."""

import numpy as np
import pytest
from validated import contract_of, stream, typed

from evergreen.data.validation import keys, repeats, unique_rules

KEYED = ({"name": "t", "type": "timestamp", "role": "time"}, {"name": "k", "type": "integer", "role": "key"})


@pytest.mark.parametrize("bits", [1, 2])
def test_different_values_of_one_hash_are_no_repetition(bits, monkeypatch):
    real = keys.row_hashes
    monkeypatch.setattr(keys, "row_hashes", lambda batch, names: real(batch, names) & np.uint64(bits))
    contract = contract_of(*KEYED, key=["k"])

    run = stream({"k": [*range(50), 7, 33, 33]}, contract, size=10)

    assert run.bad.column("row").to_pylist() == [7, 33, 50, 51, 52]


def test_key_with_the_time_is_sorted_partition_by_partition(monkeypatch):
    sizes = []
    twice = keys._twice
    monkeypatch.setattr(keys, "_twice", lambda hashes: (sizes.append(sum(map(len, hashes))), twice(hashes))[1])
    rows = {"t": [f"2024-{month:02}-01" for month in (1, 1, 2, 2, 3)], "k": [1, 1, 1, 2, 1]}

    run = stream(rows, contract_of(*KEYED, key=["t", "k"]), size=2, partitions=("2024-01", "2024-02", "2024-03"))

    assert sizes == [2, 2, 1]
    assert run.bad.column("row").to_pylist() == [0, 1]


def test_clean_rows_are_scanned_once():
    contract = contract_of(*KEYED, key=["k"])
    rows, scans = typed({"k": [1, 2, 3]}, contract), []

    def scan(names):
        scans.append(list(names))
        return [("all", rows.select(list(names)))]

    (rule,) = unique_rules(contract)

    assert len(repeats(rule, scan).positions) == 0
    assert scans == [["k", "_unreadable"]]
