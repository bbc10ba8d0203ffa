"""One table from every kind of source: the same dataset, the same verdict on every row, and the same valid bytes."""

import gzip
import io
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from servers import ObjectStore
from validated import load

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.settings import Settings
from evergreen.data.datasets import Manifest
from evergreen.data.ingest import sources, store
from tasks.validate import Validated, validate

N = 400
QUERY = "SELECT * FROM parcels WHERE weight < :limit OR weight IS NULL ORDER BY sent NULLS LAST"
COLUMNS = [
    {"name": "parcel", "type": "integer", "role": "key"},
    {"name": "sent", "type": "timestamp", "role": "time"},
    {"name": "depot", "type": "category", "role": "feature", "categories": ["007", "12", "Zürich"], "nullable": True},
    {"name": "weight", "type": "number", "role": "feature", "nullable": True, "min": 0, "max": 30},
    {"name": "stops", "type": "integer", "role": "feature", "nullable": True, "max": 9},
    {"name": "note", "type": "text", "role": "ignore", "nullable": True},
    {"name": "late", "type": "boolean", "role": "target", "nullable": True},
]


def contract_of(source: dict[str, Any]) -> Contract:
    about = {"name": "parcels", "description": "", "timezone": "Europe/Paris", "label_delay_days": 0}
    return Contract.model_validate({**about, "key": ["parcel"], "source": source, "columns": COLUMNS})


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Rows of February and March, by time: of 400, four are too heavy, two have a key twice, and one has no time."""
    rng = np.random.default_rng(3)
    sent = pd.date_range("2024-02-20", periods=N, freq="1h", tz="UTC").astype("object").to_numpy(copy=True)
    sent[-1] = None
    rows = pd.DataFrame(
        {
            "parcel": np.arange(N) + 2**53,  # as floats, neighbours would be one
            "sent": pd.Series(sent, dtype="datetime64[us, UTC]"),
            "depot": rng.choice(np.array(["007", "12", "Zürich", None], dtype=object), N),
            "weight": np.where(rng.random(N) < 0.2, np.nan, rng.uniform(0, 30, N)),
            "stops": pd.array(rng.integers(0, 10, N), dtype="Int64"),
            "note": rng.choice(np.array(['plain, "quoted"', "two\nlines", "=cmd()", None], dtype=object), N),
            "late": pd.array(rng.random(N) < 0.3, dtype="boolean"),
        }
    )
    rows.loc[rows.index % 13 == 0, "stops"] = pd.NA
    rows.loc[rows.index % 17 == 0, "late"] = pd.NA
    rows.loc[[5, 50, 150, 250], "weight"] = 99.5
    rows.loc[31, "parcel"] = rows.loc[30, "parcel"]
    return rows


def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as Python's own values, times as text."""
    records = table.astype("object").where(table.notna(), None).to_dict("records")
    return [{**row, "sent": row["sent"] and row["sent"].isoformat()} for row in records]


def as_csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def as_parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    return content.getvalue()


def as_json_lines(table: pd.DataFrame) -> bytes:
    return "\n".join(json.dumps(row) for row in plain(table)).encode()


@dataclass(frozen=True)
class Found:
    """What became of a source."""

    manifest: Manifest
    validated: Validated

    @property
    def counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        rules = self.validated.validation.rules
        return {(rule.code, rule.column): (rule.n_bad, rule.rows) for rule in rules}


def take(source: dict[str, Any], folder: Path, **about: Any) -> Found:
    """Take a source of the project in `folder` through ingest and validate, as a run does."""
    load()
    contract, state = contract_of(source), folder / "state"
    settings = Settings(project=folder, home=state, **about)
    ws = Workspace(root=settings.workspace)
    items = sources.locate(contract, settings)
    path, manifest = store.sync(items, contract, state / "datasets", made_with="code", secret=b"")
    raw = store.take(path, manifest, ws, contract, IngestParams())
    return Found(
        manifest,
        validate.fn(
            raw, ws=ws, contract=contract, expectations=(), today=None, params=ValidateParams(max_bad_share=0.1)
        ),
    )


@pytest.fixture(scope="module")
def expected(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What becomes of the table as one CSV file."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "parcels.csv").write_bytes(as_csv(table))
    return take({"kind": "file", "path": "parcels.csv"}, folder)


def same(found: Found, expected: Found) -> None:
    assert found.manifest.digest == expected.manifest.digest
    assert found.manifest.partitions == expected.manifest.partitions
    assert found.counts == expected.counts
    assert found.validated.valid.sha256 == expected.validated.valid.sha256


def test_table_is_judged_as_it_was_made(expected: Found) -> None:
    assert expected.manifest.partitions == {"2024-02": 239, "2024-03": 160, "undated": 1}
    validation = expected.validated.validation
    assert (validation.rows, validation.kept, validation.quarantined) == (N, N - 7, 7)
    broken = {(rule.code, rule.column): rule.n_bad for rule in validation.broken}
    assert broken == {("DQ004", "weight"): 4, ("DQ006", "parcel"): 2, ("DQ003", "sent"): 1}


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("parcels.tsv", lambda table: table.to_csv(index=False, sep="\t").encode()),
        ("parcels.parquet", as_parquet),
        ("parcels.jsonl", as_json_lines),
        ("parcels.csv.gz", lambda table: gzip.compress(as_csv(table))),
        ("parcels.jsonl.gz", lambda table: gzip.compress(as_json_lines(table))),
    ],
)
def test_file_of_another_format_gives_the_same(
    name: str, write: Any, table: pd.DataFrame, expected: Found, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(write(table))
    same(take({"kind": "file", "path": name}, tmp_path), expected)


def test_folder_of_two_files_gives_the_same(table: pd.DataFrame, expected: Found, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    february = table["sent"] < pd.Timestamp("2024-03-01", tz="Europe/Paris")
    (tmp_path / "inbox" / "a.csv").write_bytes(as_csv(table[february]))
    (tmp_path / "inbox" / "b.parquet").write_bytes(as_parquet(table[~february]))
    same(take({"kind": "file", "path": "inbox"}, tmp_path), expected)


def test_files_that_share_a_month_give_the_same_rows_in_another_order(
    table: pd.DataFrame, expected: Found, tmp_path: Path
) -> None:
    (tmp_path / "inbox").mkdir()
    for n, part in enumerate((table.iloc[200:], table.iloc[31:200], table.iloc[:31])):
        (tmp_path / "inbox" / f"{n}.csv").write_bytes(as_csv(part))
    found = take({"kind": "file", "path": "inbox/*.csv"}, tmp_path)
    assert found.manifest.digest == expected.manifest.digest
    assert found.counts == expected.counts


def test_objects_of_a_store_give_the_same(
    table: pd.DataFrame, expected: Found, tmp_path: Path, object_store: ObjectStore
) -> None:
    february = table["sent"] < pd.Timestamp("2024-03-01", tz="Europe/Paris")
    object_store.put("parcels", "2024/02.csv.gz", gzip.compress(as_csv(table[february])))
    object_store.put("parcels", "2024/03.parquet", as_parquet(table[~february]))
    found = take(
        {"kind": "url", "url": "s3://parcels/2024/*"}, tmp_path, storage={"s3": {"endpoint_url": object_store.endpoint}}
    )
    assert [item.name for item in found.manifest.items] == [
        "s3://parcels/2024/02.csv.gz",
        "s3://parcels/2024/03.parquet",
    ]
    same(found, expected)


def test_query_of_sqlite_gives_the_same(table: pd.DataFrame, expected: Found, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "parcels.db") as database:
        database.execute(
            "CREATE TABLE parcels "
            "(parcel INTEGER, sent TEXT, depot TEXT, weight REAL, stops INTEGER, note TEXT, late INTEGER)"
        )
        database.executemany(
            "INSERT INTO parcels VALUES (:parcel, :sent, :depot, :weight, :stops, :note, :late)", plain(table)
        )
    database.close()
    source = {"kind": "sql", "connection": "db", "query": QUERY, "parameters": {"limit": 100}}
    same(take(source, tmp_path, connections={"db": SecretStr("sqlite:///parcels.db")}), expected)


def test_query_of_postgresql_gives_the_same(
    table: pd.DataFrame, expected: Found, tmp_path: Path, postgres: str
) -> None:
    engine = sa.create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS parcels"))
        connection.execute(
            sa.text(
                "CREATE TABLE parcels (parcel bigint, sent timestamptz, depot varchar(9), weight double precision, "
                "stops smallint, note text, late boolean)"
            )
        )
        connection.execute(
            sa.text("INSERT INTO parcels VALUES (:parcel, :sent, :depot, :weight, :stops, :note, :late)"), plain(table)
        )
    engine.dispose()
    source = {"kind": "sql", "connection": "warehouse", "query": QUERY, "parameters": {"limit": 100}}
    same(take(source, tmp_path, connections={"warehouse": SecretStr(postgres)}), expected)
