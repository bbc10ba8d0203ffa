"""Addresses of SQLite files: the file is the one that was named, by SQLAlchemy, Optuna, MLflow and Prefect."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from evergreen.base.sqlite_files import path_of, url_of

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 200
)
ODD = (
    "50% off?",
    "a b",
    "#1",
    "it's",
    'say "so"',
    "ü→漢",
    "{home}",
    "$HOME",
    "a&b=c;d",
    "%2e%2E",
    "x?mode=memory",
    "file:",
    "[1]*",
)


def here(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@given(names=st.lists(NAMES, min_size=1, max_size=3))
def test_path_is_found_again_whatever_it_holds(names):
    path = Path("/", *names)
    assert path_of(url_of(path)) == path
    assert path_of(url_of(path, driver="aiosqlite")) == path
    assert sa.make_url(url_of(path)).get_backend_name() == "sqlite"


@given(name=NAMES)
def test_sqlalchemy_makes_that_file_and_no_other(name, tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / name / "ledger.db"
    path.parent.mkdir()
    made = sa.create_engine(url_of(path), poolclass=sa.NullPool)
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE one (n INTEGER)"))
    assert here(path.parents[1]) == {path}


@pytest.mark.parametrize("name", ODD)
def test_optuna_keeps_its_studies_in_that_file(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name / "studies.db"
    path.parent.mkdir()
    optuna.create_study(study_name="s", storage=url_of(path))
    assert here(tmp_path) == {path}
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT study_name FROM studies").fetchall() == [("s",)]


def test_mlflow_keeps_its_runs_in_that_file(tmp_path, monkeypatch):
    from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry
    from mlflow.utils.uri import extract_db_type_from_uri

    monkeypatch.chdir(tmp_path)
    for name in ODD:
        path = tmp_path / name / "mlflow.db"
        path.parent.mkdir()
        made = create_sqlalchemy_engine_with_retry(url_of(path))
        with made.begin() as connection:
            connection.execute(sa.text("CREATE TABLE one (n INTEGER)"))
        made.dispose()
        assert extract_db_type_from_uri(url_of(path)) == "sqlite"
    assert here(tmp_path) == {tmp_path / name / "mlflow.db" for name in ODD}
    assert {path.name for path in tmp_path.iterdir()} == {*ODD}


def test_prefect_keeps_its_runs_in_that_file(tmp_path, monkeypatch):
    from prefect.server.database.configurations import AioSqliteConfiguration

    async def make(path: Path) -> None:
        engine = await AioSqliteConfiguration(url_of(path, driver="aiosqlite")).engine()
        async with engine.begin() as connection:
            await connection.execute(sa.text("CREATE TABLE one (n INTEGER)"))
        await engine.dispose()

    monkeypatch.chdir(tmp_path)
    for name in ODD:
        (tmp_path / name).mkdir()
        asyncio.run(make(tmp_path / name / "prefect.db"))
    assert here(tmp_path) == {tmp_path / name / "prefect.db" for name in ODD}


@pytest.mark.parametrize(
    "url", ["postgresql://h/a", "sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true", "http://h/a"]
)
def test_address_of_anything_else_names_no_file(url):
    assert path_of(url) is None


def test_address_of_plain_characters_stays_as_people_write_it(tmp_path):
    assert url_of(Path("/srv/evergreen/ledger.db")) == "sqlite:////srv/evergreen/ledger.db"
    assert path_of("sqlite:///data/shop.db?timeout=5") == Path("data/shop.db")
