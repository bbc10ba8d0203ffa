"""Columns of a folder's files: one may come with a later file, and what came stays."""

import pytest

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.data.ingest.appearing import Appearing

COLUMNS = [
    {"name": "x", "type": "number", "role": "feature"},
    {"name": "late", "type": "number", "role": "feature", "nullable": True},
    {"name": "later", "type": "number", "role": "ignore", "nullable": True},
    {"name": "y", "type": "boolean", "role": "target", "nullable": True},
]
SOURCE = {"kind": "file", "path": "t"}
ABOUT = {"name": "t", "description": "", "source": SOURCE, "timezone": "UTC", "label_delay_days": 0}
CONTRACT = Contract.model_validate({**ABOUT, "columns": COLUMNS})


def looked(*files: str, several: bool = True) -> list[tuple[str, ...]]:
    """Return what each file lacks, whose columns are named with spaces between."""
    columns = Appearing(CONTRACT, several=several)
    lacking = []
    for number, names in enumerate(files):
        item = Item(name=f"{number}.csv", uri="", size=1, sha256=str(number), format="csv")
        lacking.append(columns.require(names.split(), item))
        columns.add(item, lacking[-1])
    columns.require_all()
    return lacking


def test_columns_that_may_be_null_may_come_later():
    found = looked("x y", "x y late", "x y later late", "later x y late z")
    assert found == [("late", "later"), ("later",), (), ()]


@pytest.mark.parametrize(
    ("files", "says", "where"),
    [
        (["x y late later", "x y later"], "missing columns: late;", "1.csv"),
        (["x y", "x y late later", "x y late later", "x y late"], "missing columns: later;", "3.csv"),
        (["y late later"], "missing columns: x;", "0.csv"),
        (["x late later", "x y late later"], "missing columns: y;", "0.csv"),
        (["x y", "x y late"], "missing columns: later; no file has them", "1.csv"),
    ],
)
def test_columns_that_vanish_never_come_or_must_be_there_are_refused(files, says, where):
    with pytest.raises(DataError) as caught:
        looked(*files)
    assert (caught.value.code, caught.value.where) == ("DQ001", where)
    assert caught.value.what.startswith(says)


def test_one_file_has_all_columns():
    with pytest.raises(DataError, match="missing columns: late, later; found: x, y"):
        looked("x y", several=False)
    assert looked("x y late later", several=False) == [()]
