"""The ledger's database: what cannot be opened, written or waited for says what to do."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from children import child, go, say

from evergreen.base import sqlite_files
from evergreen.base.errors import ConfigError, IntegrityError, ResourceError, Unavailable
from evergreen.record.ledger import database
from evergreen.record.ledger.ledger import Ledger


def test_new_ledger_may_be_opened_by_several_processes_at_once(url):
    body = "wait('ready')\nLedger(sys.argv[1]).record('m', 'k', sys.argv[2], {})\nprint('done')"
    with child(body, url, 1) as a, child(body, url, 2) as b, child(body, url, 3) as c, child(body, url, 4) as d:
        for process in (a, b, c, d):
            assert say(process) == "ready"
        for process in (a, b, c, d):
            go(process)
        assert [say(process) for process in (a, b, c, d)] == ["done"] * 4
    ledger = Ledger(url)
    assert ledger.verify() == 4
    ledger.close()


def test_file_that_is_no_database_is_an_integrity_error(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(IntegrityError) as caught:
        Ledger(f"sqlite:///{path}")
    assert caught.value.code == "INT005"
    assert str(path) in caught.value.where


def test_ledger_below_a_folder_without_write_access_says_what_to_do(read_only_folder):
    with pytest.raises(ResourceError) as caught:
        Ledger(f"sqlite:///{read_only_folder / 'home' / 'ledger.db'}")
    assert (caught.value.code, caught.value.exit_code) == ("RES003", 8)
    assert "Permission denied" in caught.value.what
    assert "EVERGREEN_HOME" in caught.value.next_step


@pytest.mark.parametrize("place", ["file/ledger.db", "folder"])
def test_ledger_that_cannot_be_opened_says_what_to_do(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResourceError) as caught:
        Ledger(f"sqlite:///{tmp_path / place}")
    assert caught.value.code == "RES003"
    assert len(caught.value.block().splitlines()) == 3


def test_full_disk_is_reported_and_the_ledger_stays_whole(sqlite_url, limited_disk):
    opened = Ledger(sqlite_url)
    opened.record("m", "decision", "1", {})
    large = {"text": "x" * 5_000_000}
    with limited_disk(1_000_000), pytest.raises(ResourceError, match="RES003"):
        opened.record("m", "decision", "2", large)
    assert opened.verify() == 1
    assert opened.record("m", "decision", "2", large).seq == 2
    assert opened.verify() == 2
    opened.close()


def test_ledger_that_another_process_keeps_locked_is_unavailable(sqlite_url, monkeypatch):
    monkeypatch.setattr(database, "BUSY_MS", 10)
    ledger = Ledger(sqlite_url)
    other = sa.create_engine(sqlite_url)
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable) as caught:
            ledger.record("m", "decision", "1", {})
    assert (caught.value.code, caught.value.exit_code) == ("DEP001", 5)
    ledger.record("m", "decision", "1", {})
    assert ledger.verify() == 1
    ledger.close()
    other.dispose()


def test_relative_address_means_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Ledger("sqlite:///ledger.db").close()
    assert (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("url", ["no address", "nosuch://host/db", "postgresql+nosuch://host/db", "oracle://host/db"])
def test_address_that_cannot_be_used_is_a_configuration_error(url):
    with pytest.raises(ConfigError) as caught:
        Ledger(url)
    assert (caught.value.code, caught.value.where) == ("CFG012", "ledger_url")


def test_password_in_the_address_is_never_shown():
    with pytest.raises(ConfigError) as caught:
        Ledger("postgresql+nosuch://me:secret@host/db")
    assert "secret" not in caught.value.block()


def test_ledger_writes_nothing_beside_its_own_files(sqlite_url, tmp_path):
    ledger = Ledger(sqlite_url)
    ledger.record("m", "decision", "1", {})
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"home/ledger.db"} <= names <= {"home/ledger.db", "home/ledger.db-wal", "home/ledger.db-shm"}
    ledger.close()


OLD = [  # the tables of schema 1, as they were made
    "DROP TABLE ledger_schema",
    "DROP TABLE rewards",
    "DROP TABLE leases",
    "CREATE TABLE leases (name VARCHAR PRIMARY KEY, epoch INTEGER NOT NULL, host VARCHAR NOT NULL,"
    " pid INTEGER NOT NULL, started FLOAT NOT NULL)",
]


SECOND = ["DROP TABLE rewards", "UPDATE ledger_schema SET version = 2"]


def older(url, statements):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


@pytest.mark.parametrize(("schema", "statements"), [(1, OLD), (2, SECOND)])
def test_ledger_of_an_older_evergreen_says_how_to_upgrade_it_and_keeps_its_entries(story, url, schema, statements):
    before = story.lines("m")
    story.close()
    older(url, statements)
    with pytest.raises(ConfigError) as caught:
        Ledger(url)
    assert (caught.value.code, caught.value.exit_code) == ("CFG056", 2)
    assert "evergreen upgrade" in caught.value.next_step
    opened = Ledger(url, older=True)
    assert (opened.upgrade(), opened.upgrade()) == (schema, database.SCHEMA)
    opened = Ledger(url)
    assert opened.lines("m") == before
    with opened.lease("training"):
        assert opened.champion("m").version == 5
    assert opened.rewards("m", "bandit-prices") == []


def test_ledger_of_a_newer_evergreen_is_left_alone(story, url, sql):
    sql("UPDATE ledger_schema SET version = 99")
    for older in (False, True):
        with pytest.raises(ConfigError, match="a newer Evergreen") as caught:
            Ledger(url, older=older).upgrade()
        assert "Install" in caught.value.next_step


@pytest.mark.parametrize("table", ["entries", "champions", "leases"])
def test_ledger_that_lacks_a_table_is_damaged_or_empty_never_an_internal_error(story, url, table):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE {table}"))
    engine.dispose()
    with pytest.raises(IntegrityError, match="INT005"), Ledger(url).lease("training"):
        Ledger(url).champion("m")


@contextmanager
def only_readable(folder: Path) -> Iterator[None]:
    """Take the right to write a folder and its files; root gives up its privileges meanwhile."""
    files, root = [*folder.iterdir()], os.geteuid() == 0
    for path in (*files, folder):
        path.chmod(0o555)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path in (folder, *files):
            path.chmod(0o755)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may read, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("name", ["ledger.db", "50% off?.db"])
def test_ledger_that_can_only_be_read_is_read(public_folder, name):
    url = sqlite_files.url_of(public_folder / name)
    Ledger(url).record("m", "decision", "1", {"n": 1})
    with only_readable(public_folder):
        ledger = Ledger(url)
        assert [entry.payload for entry in ledger.entries("m")] == [{"n": 1}]
        assert ledger.verify() == 1
        for write in (lambda: ledger.record("m", "decision", "2", {}), lambda: ledger.lease("run").__enter__()):
            with pytest.raises(ResourceError) as caught:
                write()
            assert caught.value.code == "RES003"
    assert [path.name for path in public_folder.iterdir()] == [name]


def test_reader_without_the_right_to_write_sees_what_a_writer_has_just_added(public_folder):
    url = sqlite_files.url_of(public_folder / "ledger.db")
    writer = Ledger(url)
    writer.record("m", "decision", "1", {})
    held = sa.create_engine(url).connect()  # keeps SQLite's log open, as a writer elsewhere does
    held.execute(sa.text("SELECT * FROM entries")).all()
    writer.record("m", "decision", "2", {})
    assert (public_folder / "ledger.db-wal").stat().st_size
    with only_readable(public_folder):
        assert [entry.key for entry in Ledger(url).entries("m")] == ["1", "2"]
    held.close()


def test_postgresql_that_only_reads_is_read_and_says_so_when_it_is_to_be_written(postgres_url):
    Ledger(postgres_url).record("m", "decision", "1", {})
    asked = {"options": "-cdefault_transaction_read_only=on"}
    reads = Ledger(sa.make_url(postgres_url).update_query_dict(asked).render_as_string(hide_password=False))
    assert [entry.key for entry in reads.entries("m")] == ["1"]
    with pytest.raises(ResourceError) as caught:
        reads.record("m", "decision", "2", {})
    assert (caught.value.code, caught.value.next_step) == (
        "RES003",
        "Let the user of ledger_url write there, then try again.",
    )
