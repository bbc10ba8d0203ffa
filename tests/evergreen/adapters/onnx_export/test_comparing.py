"""Rows to compare on."""

import pandas as pd
from graphs import table

from evergreen.adapters.onnx_export.comparing import ODD_ROWS, rows_to_compare


def test_rows_to_compare_miss_each_column_alone_and_all_at_once():
    rows = table().dropna(ignore_index=True)
    found = rows_to_compare(rows, 7, at_least=5_000, at_most=20_000)
    missing = found.isna()
    alone = missing[missing.sum(axis=1) == 1]

    assert len(found) == 5_000 + ODD_ROWS
    assert alone.any().all()
    assert missing.all(axis=1).any()
    for column in ("colour", "shop"):
        unseen = found[column] == "never seen"
        assert unseen.any()
        assert (~missing[unseen].drop(columns=column)).all(axis=1).any()


def test_of_many_rows_some_are_taken_in_their_order_and_types_stay():
    rows = table().assign(when=pd.Timestamp("2024-01-01", tz="UTC"), place=range(len(table())))
    found = rows_to_compare(rows, 7, at_least=10, at_most=100)

    assert len(found) == 100 + ODD_ROWS
    assert found["place"].head(100).is_monotonic_increasing
    assert found["when"].dtype == rows["when"].dtype
    assert found["place"].tail(ODD_ROWS).isna().any()
    pd.testing.assert_frame_equal(found, rows_to_compare(rows, 7, at_least=10, at_most=100))
