"""A file as one table, as batch scoring reads it."""

import pandas as pd
import pytest
import validated
from evergreen.data.ingest.frames import read

from evergreen.base.errors import DataError

CONTRACT = validated.contract_of(
    {"name": "at", "type": "timestamp", "role": "time", "nullable": False},
    {"name": "x", "type": "number"},
    {"name": "word", "type": "category"},
)


def test_values_stay_as_they_are_written_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("extra,word,at,x\n1,b,2024-01-02,1.50\n2,NA,2024-01-01,\n")
    rows = read(path, CONTRACT)
    assert list(rows) == ["extra", "word", "at", "x"]
    assert rows["x"].tolist()[0] == "1.50"
    assert rows["word"].isna().tolist() == [False, True]
    assert rows["at"].tolist() == ["2024-01-02", "2024-01-01"]


def test_typed_file_keeps_its_types(tmp_path):
    pd.DataFrame({"x": [0.5, None], "word": ["a", "b"]}).to_parquet(tmp_path / "rows.parquet")
    rows = read(tmp_path / "rows.parquet", CONTRACT)
    assert rows["x"].dtype == "float64"
    assert rows["word"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (None, "DQ000", "does not exist"),
        ("x,word\n", "DQ007", "empty"),
        ("x,word\n1,a\n1,2,3\n", "DQ002", "row 2 cannot be read"),
        ("at,x\n2024-01-01T00:00Z,1\n2024-01-01T00:00,1\n", "", "offset"),
    ],
)
def test_file_that_cannot_be_scored_says_why(tmp_path, content, code, says):
    path = tmp_path / "rows.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        read(path, CONTRACT)
    assert caught.value.code.startswith(code)
