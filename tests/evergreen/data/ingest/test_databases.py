"""A database that only reads: connections, errors without passwords, transactions that cannot write."""

import sqlite3
import time

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from evergreen.base.errors import DataError, EvergreenError, Unavailable
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import databases, readers


@pytest.fixture
def refusal(find):
    def refusal(*args, **options) -> EvergreenError:
        with pytest.raises(EvergreenError) as caught:
            find(*args, **options)
        return caught.value

    return refusal


def rows(item):
    return [row for batch in readers.read(item, missing=MISSING) for row in batch.to_pylist()]


@pytest.mark.parametrize("query", ["SELECT nothing FROM flights", "SELECT FROM", "SELECT * FROM nowhere"])
def test_error_of_the_database_is_given_in_one_line(refusal, query):
    error = refusal(query)
    assert (type(error), error.code, error.where) == (DataError, "DQ000", "connection 'db'")
    assert len(error.block().splitlines()) == 3


def test_unknown_connection_lists_the_known(refusal):
    error = refusal(connection="dw")
    assert (error.code, error.what) == ("CFG029", "no connection 'dw' in the settings")
    assert error.next_step.startswith("Known: db.")


@pytest.mark.parametrize(
    "url", ["postgresql//ann:pw@host", "nosuch://ann:pw@host/db", "", "postgresql://ann:pw@host:x/db"]
)
def test_connection_that_is_no_url_is_refused_without_showing_it(refusal, connections, url):
    connections["db"] = SecretStr(url)
    error = refusal()
    assert error.code == "CFG029"
    assert "pw" not in error.block()


def test_missing_sqlite_file_is_not_created(refusal, connections, tmp_path):
    connections["db"] = SecretStr("sqlite:///none.db")
    assert isinstance(refusal(), Unavailable)
    assert not (tmp_path / "none.db").exists()


def test_locked_sqlite_is_unavailable(refusal, tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "CONNECT_SECONDS", 0.1)
    holder = sqlite3.connect(tmp_path / "flights.db")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert refusal().code == "DEP008"
    finally:
        holder.close()


def test_postgres_forbids_writing_by_way_of_a_function(refusal, warehouse):
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("CREATE OR REPLACE FUNCTION wipe() RETURNS int AS 'DELETE FROM events; SELECT 1' LANGUAGE sql")
        )
    error = refusal("SELECT wipe()", "warehouse")
    assert error.what.endswith("cannot execute DELETE in a read-only transaction")
    with warehouse.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM events")).scalar() == 50


def test_postgres_with_a_wrong_password_is_unavailable_and_keeps_it_secret(refusal, warehouse, connections, postgres):
    with warehouse.begin() as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS ann"))
        connection.execute(sa.text("CREATE ROLE ann"))  # may not log in
    connections["warehouse"] = SecretStr(postgres.replace("postgres:@", "ann:open-sesame@"))
    error = refusal("SELECT 1 AS one", "warehouse")
    assert (type(error), error.code, error.where) == (Unavailable, "DEP008", "connection 'warehouse'")
    assert "sesame" not in error.block() + repr(error) + str(error.__cause__)


def test_postgres_that_is_not_there_is_unavailable_within_seconds(refusal, connections, closed_port):
    connections["db"] = SecretStr(f"postgresql://ann:open-sesame@127.0.0.1:{closed_port}/db")
    begun = time.monotonic()
    error = refusal("SELECT 1 AS one")
    assert (error.code, "sesame" in error.block()) == ("DEP008", False)
    assert time.monotonic() - begun < 30


def test_lost_connection_is_unavailable(refusal, warehouse):
    error = refusal("SELECT pg_terminate_backend(pg_backend_pid()), id FROM events", "warehouse")
    assert error.code == "DEP008"


def test_rows_are_read_batch_by_batch(find, warehouse, monkeypatch):
    monkeypatch.setattr(databases, "BATCH_ROWS", 7)
    (item,) = find("SELECT id FROM events", "warehouse")
    assert pq.read_metadata(item.uri).num_row_groups == 8
    assert len(rows(item)) == 50
