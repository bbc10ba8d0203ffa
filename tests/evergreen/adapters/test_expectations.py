"""Great Expectations: its suite comes from the contract, and it counts what our streaming pass counts, on any rows."""

import pandas as pd
import pytest
from validated import asked, contract_of, item, stream

from evergreen.adapters import expectations

CONTRACT = contract_of(
    {"name": "t", "type": "timestamp", "role": "time"},
    {"name": "k", "type": "integer", "role": "key"},
    {"name": "n", "type": "number", "min": 0, "max": 9, "mean": [0, 4], "nullable": False},
    {"name": "c", "type": "category", "categories": ["a", "b"], "open": True, "max_null_share": 0.5},
    {"name": "p", "type": "text", "role": "ignore", "pattern": "[a-z]+", "unique": True},
    rules=[{"name": "ordered", "left": "k", "is": "<=", "right": "n"}],
    key=["t", "k"],
    rows=[1, 100],
    future_days=1,
)


def rows(n=12):
    return {
        "t": [f"2024-{1 + i % 3:02}-{1 + i // 3:02}" for i in range(n)],
        "k": [i % 10 for i in range(n)],
        "n": [None if i == 5 else i % 12 for i in range(n)],
        "c": [("a", "b", "z", None)[i % 4] for i in range(n)],
        "p": [f"{'abcdefgh'[i % 8]}{i // 11 or ''}" for i in range(n)],
    }


@pytest.mark.parametrize("most", [1, 5, 1_000])
def test_pieces_are_put_together_to_the_same_counts(most, monkeypatch):
    run = stream(rows(), CONTRACT, size=5)
    whole = asked(run, CONTRACT)

    monkeypatch.setattr(expectations, "MOST_ROWS", most)
    found = asked(run, CONTRACT)

    expectations.agree(found, run.validation)
    assert (run.counts["DQ003", "n"], run.counts["DQ005", "c"]) == (1, 3)

    def counted(results):
        return [
            (each["expectation_config"], each["success"], each["result"].get("unexpected_count"),
             each["result"].get("observed_value"))
            for each in results.results["results"]
        ]  # fmt: skip

    assert counted(found) == counted(whole)
    assert (found.evaluated, found.failed) == (whole.evaluated, whole.failed)


def test_large_table_is_cut_between_partitions(monkeypatch):
    monkeypatch.setattr(expectations, "MOST_ROWS", 6)
    sizes, real = [], expectations._run
    monkeypatch.setattr(expectations, "_run", lambda rows, *args: (sizes.append(rows.shape), real(rows, *args))[1])
    run = stream(rows(), CONTRACT, size=4)
    layer = expectations.Layer(CONTRACT, rows=12, read=lambda names: run.typed.select(list(names)))

    for partition, batch in zip(("1", "2", "2"), run.typed.to_batches(), strict=True):
        layer.add(partition, 4 if partition == "1" else 8, batch)
    layer.close()

    assert sizes == [(4, 6), (8, 6), (12, 1), (12, 2)]


def test_running_the_suite_changes_no_row_and_writes_no_file(tmp_path, monkeypatch):
    run = stream(rows(), CONTRACT, items=(item(),))
    before = run.typed.to_pandas()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    asked(run, CONTRACT)

    pd.testing.assert_frame_equal(run.typed.to_pandas(), before)
    assert list(tmp_path.iterdir()) == []
