"""The same rows from files, an object store and databases: every kind of source ends in items."""

import sqlite3

import pytest
from pydantic import SecretStr, TypeAdapter

from evergreen.base.values import digest_of
from evergreen.config.contract.columns import MISSING
from evergreen.config.contract.sources import Source
from evergreen.config.settings import Settings
from evergreen.data.ingest import readers, sources

CONTENT = "id,carrier\n1,UA\n2,\n3,AA\n"


@pytest.fixture
def settings(tmp_path, object_store, postgres):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(CONTENT)
    object_store.put("sources", "a.csv", CONTENT.encode())
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE a (id INTEGER, carrier TEXT)")
        database.executemany("INSERT INTO a VALUES (?, ?)", [(1, "UA"), (2, None), (3, "AA")])
    database.close()
    return Settings(
        project=tmp_path,
        home=tmp_path / "home",
        connections={"lite": SecretStr("sqlite:///a.db"), "warehouse": SecretStr(postgres)},
        storage={"s3": {"endpoint_url": object_store.endpoint}},
    )


QUERY = "SELECT id, carrier FROM (VALUES (1, 'UA'), (2, NULL), (3, 'AA')) AS a (id, carrier)"


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "file", "path": "data"},
        {"kind": "url", "url": "s3://sources/*.csv"},
        {"kind": "sql", "connection": "lite", "query": "SELECT * FROM a", "watermark": "id"},
        {"kind": "sql", "connection": "warehouse", "query": QUERY},
    ],
    ids=["file", "s3", "sqlite", "postgres"],
)
def test_every_kind_of_source_gives_the_same_rows(settings, source):
    (item,) = sources.find(TypeAdapter(Source).validate_python(source), settings)
    rows = [row for batch in readers.read(item, missing=MISSING) for row in batch.to_pylist()]
    assert [(str(row["id"]), row["carrier"], row["_row"]) for row in rows] == [
        ("1", "UA", 1),
        ("2", None, 2),
        ("3", "AA", 3),
    ]
    assert item.stamp
    assert digest_of(item) == digest_of(type(item).model_validate_json(item.model_dump_json()))
