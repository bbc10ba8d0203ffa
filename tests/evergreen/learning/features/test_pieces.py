"""Labelled rows piece by piece: the table in order, whatever the pieces are."""

import pandas as pd
import pytest
import validated

from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.features import pieces
from evergreen.learning.features.pieces import read, with_past


class NoPast:
    """Looks back on a column that is no feature, and derives a mark of its own."""

    columns = ("before",)

    def __init__(self):
        self.seen = []

    def derive(self, rows):
        self.seen += rows["x"].tolist()
        return rows.assign(past=rows["before"] * 2)


CONTRACT = validated.contract_of(
    {"name": "at", "type": "timestamp", "role": "time"},
    {"name": "x", "type": "number"},
    {"name": "before", "type": "number", "role": "ignore"},
    {"name": "aside", "type": "number", "role": "ignore"},
)


@pytest.fixture
def path(tmp_path):
    rows = pd.DataFrame(
        {
            "at": pd.to_datetime(["2024-01-03", "2024-01-01", None, "2024-01-02", "2024-01-04"], utc=True),
            "x": [3.0, 1.0, 9.0, 2.0, 4.0],
            "before": [30.0, 10.0, 90.0, 20.0, 40.0],
            "aside": 0.0,
            "y": pd.array([True, False, True, None, True], "boolean"),
        }
    )
    ws = Workspace(root=tmp_path)
    return ws.path(ws.write("valid", rows).uri)


@pytest.mark.parametrize("piece_bytes", [1, pieces.PIECE_BYTES])
def test_rows_come_in_order_without_those_that_have_no_target_or_time(path, monkeypatch, piece_bytes):
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece_bytes)
    past = NoPast()
    found = list(with_past(path, CONTRACT, past))
    rows = pd.concat(found)
    assert rows["x"].tolist() == [1.0, 3.0, 4.0]
    assert rows["past"].tolist() == [20.0, 60.0, 80.0]
    assert past.seen == [1.0, 2.0, 3.0, 4.0]  # a row without a target is looked back on
    assert "aside" not in rows
    assert (len(found) > 1) == (piece_bytes == 1)


def test_columns_are_read_in_the_order_that_is_asked_for(path):
    (batch,) = read(path, ["x", "before"])
    assert batch.schema.names == ["x", "before"]
    assert batch.num_rows == 5
