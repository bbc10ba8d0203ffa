"""`evergreen init` on an object store and on databases: the contract that it writes is read back and ingests."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import projects
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from servers import ObjectStore

from cli import init
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config import consistency
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import SqlSource, UrlSource
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources, store

N = 300


@pytest.fixture
def settings(project: Path, tmp_path: Path) -> Settings:
    return Settings.load(start=projects.copy_project(project, tmp_path / "project").root)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    weight = rng.gamma(3, 2, N).round(2)
    return pd.DataFrame(
        {
            "order_no": np.arange(N),
            "ordered_at": pd.date_range("2024-01-01", periods=N, freq="6h"),
            "weight": np.where(rng.random(N) < 0.1, np.nan, weight),
            "lane": rng.choice(["north", "south", "=cmd()"], N),
            "returned": np.where(weight + rng.normal(0, 2, N) > 6, "yes", "no"),
        }
    )


def made(settings: Settings, **given: Any) -> Contract:
    """Describe a source, read back what was written, and return the contract."""
    start: dict[str, Any] = {"data": None, "time": None, "key": (), "task": None, "connection": None, "query": None}
    written = init.init(settings, **{**start, "target": "returned", "name": "orders", **given})
    contract = Contract.load(settings.project / written.contract)
    consistency.check(Params.load(settings.project / written.params), contract)
    assert (contract.time, contract.task) == ("ordered_at", "binary")
    return contract


def ingested(settings: Settings, contract: Contract) -> int:
    """Ingest by a contract and return the number of rows."""
    home = settings.project / "store"
    source = sources.locate(contract, settings)
    path, manifest = store.sync(source, contract, home, made_with="", secret=b"k" * 32)
    return store.take(path, manifest, Workspace(root=home), contract, IngestParams()).rows


def test_init_describes_objects_of_a_store(settings: Settings, object_store: ObjectStore, orders: pd.DataFrame) -> None:
    object_store.put("shop", "in/a.csv", orders[:200].to_csv(index=False).encode())
    object_store.put("shop", "in/b.csv", orders[200:].to_csv(index=False).encode())
    known = settings.model_copy(update={"storage": {"s3": {"endpoint_url": object_store.endpoint}}})
    contract = made(known, data="s3://shop/in/*.csv")
    assert contract.source == UrlSource(kind="url", url="s3://shop/in/*.csv")
    assert ingested(known, contract) == N


def test_init_says_which_bucket_is_missing(settings: Settings, object_store: ObjectStore) -> None:
    known = settings.model_copy(update={"storage": {"s3": {"endpoint_url": object_store.endpoint}}})
    with pytest.raises(DataError, match="DQ000"):
        made(known, data="s3://nowhere/in/*.csv")
    assert not (known.project / "configs" / "orders").exists()


def test_init_describes_a_query_of_postgres(settings: Settings, postgres: str, orders: pd.DataFrame) -> None:
    url = postgres.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS init_orders"))
        orders.to_sql("init_orders", connection, index=False)
    engine.dispose()
    known = settings.model_copy(update={"connections": {"shop": SecretStr(postgres)}})
    contract = made(known, connection="shop", query="SELECT * FROM init_orders WHERE order_no >= 100")
    assert isinstance(contract.source, SqlSource)
    assert postgres not in (known.project / "configs" / "orders" / "contract.yaml").read_text()
    assert ingested(known, contract) == N - 100


def test_init_describes_a_query_of_sqlite(settings: Settings, orders: pd.DataFrame) -> None:
    database = settings.project / "shop.db"
    with closing(sqlite3.connect(database)) as connection:
        orders.to_sql("orders", connection, index=False)
        connection.commit()
    known = settings.model_copy(update={"connections": {"shop": SecretStr(f"sqlite:///{database}")}})
    contract = made(known, connection="shop", query="SELECT * FROM orders")
    assert ingested(known, contract) == N


def test_init_takes_connections_from_the_environment(settings: Settings, orders: pd.DataFrame) -> None:
    database = settings.project / "shop.db"
    with closing(sqlite3.connect(database)) as connection:
        orders.to_sql("orders", connection, index=False)
        connection.commit()
    small = projects.Small(settings.project)
    asked = ("init", "--connection", "shop", "--query", "SELECT * FROM orders", "--target", "returned", "--json")
    done = small.run(*asked, EVERGREEN_CONNECTIONS=f'{{"shop": "sqlite:///{database}"}}')
    assert done.returncode == 0, done.stderr
    assert '"rows": 300' in done.stdout
    assert "shop" in small.refused(*asked, "--name", "again", code=2)
