"""DQ006: a table key that is there more than once."""

import pytest
from validated import both, contract_of, stream

COLUMNS = (
    {"name": "t", "type": "timestamp", "role": "time"},
    {"name": "a", "type": "integer", "role": "key"},
    {"name": "b", "type": "category", "role": "key"},
)


def keyed(*key, **about):
    return contract_of(*COLUMNS, key=key, **about)


@pytest.mark.parametrize(
    ("key", "columns", "n_bad"),
    [
        (("a",), {"a": [1, 1, 2, 1]}, 3),
        (("a",), {"a": [None, None, 2, 3]}, 0),
        (("a",), {"a": [2**53 + 1, 2**53, 2, 3]}, 0),
        (("a", "b"), {"a": [1, 1, 1, 3], "b": ["x", "x", "y", "x"]}, 2),
        (("a", "b"), {"a": [1, 1, None, None], "b": [None, None, "x", "x"]}, 4),
        (("a", "b"), {"a": [None, None, 1, 2], "b": [None, None, "x", "x"]}, 0),
        (("t", "a"), {"t": ["2024-03-01", "2024-03-01", "2024-03-02", None], "a": [1, 1, 1, 1]}, 2),
    ],
)
@pytest.mark.parametrize("size", [1_000, 1])
def test_every_copy_of_a_repeated_key_is_set_aside_across_batches(key, columns, n_bad, size):
    run = (both if size > 1 else stream)(columns, keyed(*key), size=size)

    found = run.result("DQ006")
    assert (found.column, found.n_bad) == (", ".join(key), n_bad)
    assert found.outcome == ("failed" if n_bad else "passed")
    assert run.validation.quarantined == n_bad


def test_unreadable_row_repeats_no_key():
    run = both({"a": ["1", "1", "2"], "t": ["2024-03-01", "soon", "2024-03-01"]}, keyed("a"))

    assert run.counts == {("DQ002", "t"): 1}


def test_repetition_is_found_behind_unreadable_rows_in_the_same_batch():
    run = stream({"a": ["7", "word", "8", "7"]}, keyed("a"))

    assert run.bad.column("row").to_pylist() == [0, 1, 3]
    assert run.bad.column("codes").to_pylist() == ["DQ006", "DQ002", "DQ006"]
    assert [sample.row for sample in run.result("DQ006").samples] == [0, 3]


def test_warning_keeps_every_copy():
    run = both({"a": [1, 1]}, keyed("a", severity={"DQ006": "warn"}))

    assert (run.result("DQ006").outcome, run.kept.num_rows) == ("warned", 2)


def test_not_applicable_where_no_row_has_a_key():
    assert stream({"a": [None, None]}, keyed("a")).result("DQ006").outcome == "not applicable"
    assert stream({"a": [1, 1]}, keyed()).results("DQ006") == []
