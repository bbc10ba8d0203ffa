"""Fixtures of the ledger: an open one, by every database that it supports, and ways around it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from evergreen.record.ledger.database import TABLES
from evergreen.record.ledger.ledger import Ledger


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """An empty ledger in a real PostgreSQL."""
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        TABLES.drop_all(connection)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite_url", "postgres_url"])  # every database that the ledger supports, by its fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def opened(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    yield ledger
    ledger.close()


@pytest.fixture
def sql(url: str) -> Callable[[str], None]:
    """Return a way to change the database behind the ledger's back."""

    def sql(statement: str) -> None:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            changed = connection.execute(sa.text(statement))
        engine.dispose()
        assert changed.rowcount >= 1

    return sql


@pytest.fixture
def story(opened: Ledger) -> Ledger:
    """Six entries: two promotions of m between decisions, and one of another model."""
    opened.record("m", "decision", "1", {"n": 1})
    opened.promote("m", 4, {}, expected_epoch=0)
    opened.record("m", "decision", "2", {"n": 2})
    opened.promote("other", 1, {}, expected_epoch=0)
    opened.promote("m", 5, {}, expected_epoch=1)
    opened.record("m", "decision", "3", {"n": 3})
    assert opened.verify() == 6
    return opened
