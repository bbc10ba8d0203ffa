"""Fixtures of the readers: files of any content, their rows, and what a reader says of those that it refuses;
databases too, SQLite's flights and a warehouse in PostgreSQL."""

import sqlite3

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING
from evergreen.config.contract.sources import Layout, SqlSource
from evergreen.data.ingest import readers, sql
from evergreen.data.ingest.items import item_of


@pytest.fixture
def item(tmp_path):
    def item(name: str, content: bytes | str, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return item_of(path, name=name, **options)

    return item


@pytest.fixture
def rows(item):
    def rows(name, content, *, missing=MISSING, columns=None, **said):
        layout = Layout(**said)
        batches = readers.read(item(name, content), missing=missing, columns=columns, layout=layout)
        return sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: row["_row"])

    return rows


@pytest.fixture
def refusal(rows):
    def refusal(*args, **options) -> DataError:
        with pytest.raises(DataError) as caught:
            rows(*args, **options)
        return caught.value

    return refusal


@pytest.fixture
def connections(tmp_path):
    with sqlite3.connect(tmp_path / "flights.db") as database:
        database.execute("CREATE TABLE flights (id INTEGER, delay REAL, carrier TEXT)")
        database.executemany("INSERT INTO flights VALUES (?, ?, ?)", [(1, 2.5, "UA"), (2, None, "AA"), (3, -1.0, None)])
    database.close()
    return {"db": SecretStr("sqlite:///flights.db")}


@pytest.fixture
def find(tmp_path, connections):
    def find(query="SELECT * FROM flights", connection="db", **options):
        source = SqlSource(kind="sql", connection=connection, query=query, **options)
        return sql.find(source, folder=tmp_path / "sources", connections=connections, project=tmp_path)

    return find


@pytest.fixture
def warehouse(postgres, connections):
    connections["warehouse"] = SecretStr(postgres)
    engine = sa.create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS events"))
        connection.execute(
            sa.text(
                "CREATE TABLE events (id bigint, price numeric(12,2), code numeric(30,0), at timestamptz, "
                'wall timestamp, day date, ok boolean, note text, "Odd Name" int, tags text[], ident uuid)'
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO events SELECT i, i * 1.25, 100000000000000000000 + i, "
                "timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour', timestamp '2024-01-01' + i * interval "
                "'1 hour', date '2024-01-01' + i, i % 2 = 0, 'n' || i, i, ARRAY['a', 'b'], gen_random_uuid() "
                "FROM generate_series(1, 50) AS i"
            )
        )
    yield engine
    engine.dispose()
