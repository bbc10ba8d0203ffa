"""`evergreen init` and `evergreen contract` on files: what they read, write, print and refuse."""

import gzip
import io
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import projects
import pytest
from orders import made, rows
from pydantic import SecretStr
from rich.console import Console

from cli import init, show
from evergreen.base.errors import ConfigError, DataError
from evergreen.config import consistency
from evergreen.config.contract.columns import MISSING
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource, SqlSource, UrlSource
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings


def read(settings: Settings, written: init.Written) -> tuple[Contract, Params]:
    contract, params = (
        Contract.load(settings.project / written.contract),
        Params.load(settings.project / written.params),
    )
    consistency.check(params, contract)
    assert params.dataset == contract.name
    return contract, params


def test_init_writes_what_run_reads_whatever_the_file_is(settings: Settings):
    folder, table = settings.project / "data", rows()
    table.to_csv(folder / "t.tsv", index=False, sep="\t")
    table.to_parquet(folder / "t.parquet")
    table.to_json(folder / "t.jsonl", orient="records", lines=True)
    (folder / "t.csv.gz").write_bytes(gzip.compress((folder / "orders.csv").read_bytes()))
    (folder / "parts").mkdir()
    for part in range(2):
        table[part * 200 : part * 200 + 200].to_csv(folder / "parts" / f"p{part}.csv", index=False)
    kinds = {}
    for number, data in enumerate(["orders.csv", "t.tsv", "t.parquet", "t.jsonl", "t.csv.gz", "parts", "parts/*.csv"]):
        contract, params = read(settings, made(settings, folder / data, name=f"n{number}"))
        assert contract.source == FileSource(kind="file", path=f"data/{data}")
        assert (contract.time, contract.task, params.features.test_days) == ("ordered_at", "binary", 20)
        kinds[data] = {c.name: (c.type, c.role, c.min, c.max, c.categories) for c in contract.columns}
    assert all(kind == kinds["orders.csv"] for kind in kinds.values())


def test_init_declares_the_types_of_a_typed_source(settings: Settings):
    rows().to_parquet(settings.project / "data" / "t.parquet")
    contract, _ = read(settings, made(settings, settings.project / "data" / "t.parquet"))
    assert {c.name: c.physical for c in contract.columns}["weight"] == "double"
    contract, _ = read(settings, made(settings, settings.project / "data" / "orders.csv"))
    assert {c.physical for c in contract.columns} == {None}


def test_init_declares_no_type_of_a_column_without_values(settings: Settings):
    rows().assign(empty=None).to_parquet(settings.project / "data" / "t.parquet")
    contract, _ = read(settings, made(settings, settings.project / "data" / "t.parquet"))
    assert {c.name: c.physical for c in contract.columns}["empty"] is None


def test_init_declares_columns_of_any_name(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    names = [
        "source",
        "row",
        "codes",
        "*",
        "a\nb",
        "[/red]",
        "\x1b[31m",
        "=cmd()",
        "# x: {y}",
        "'",
        '"',
        "null",
        "1",
        "é,",
    ]
    rng = np.random.default_rng(2)
    table = rows().assign(**{name: rng.normal(size=400) for name in names})
    table.to_csv(settings.project / "data" / "odd.csv", index=False)
    written = made(settings, settings.project / "data" / "odd.csv")
    contract, _ = read(settings, written)
    assert [c.name for c in contract.columns][-len(names) :] == names
    told = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=told, width=200))
    init.show(written)
    assert "\x1b" not in told.getvalue()
    assert "[/red]" in told.getvalue()


def test_init_says_that_data_lies_outside_the_project(settings: Settings, tmp_path: Path):
    outside = tmp_path / "elsewhere" / "Orders 2024.csv"
    outside.parent.mkdir()
    shutil.copy(settings.project / "data" / "orders.csv", outside)
    written = made(settings, outside)
    contract, _ = read(settings, written)
    assert contract.name == "orders_2024"
    assert contract.source == FileSource(kind="file", root=str(outside.parent), path=outside.name)
    assert any("outside the project" in note for note in written.review)


def test_init_reads_a_question_mark_as_missing(settings: Settings):
    table = rows().astype({"weight": object})
    table.loc[::9, "weight"] = "?"
    table.to_csv(settings.project / "data" / "marked.csv", index=False)
    written = made(settings, settings.project / "data" / "marked.csv")
    contract, _ = read(settings, written)
    weight = next(c for c in contract.columns if c.name == "weight")
    assert (weight.type, weight.nullable, weight.missing) == ("number", True, ("?",))
    assert contract.missing == MISSING
    assert "weight: '?' in it is read as missing" in written.review


def test_init_does_not_overwrite(settings: Settings):
    made(settings, settings.project / "data" / "orders.csv")
    before = (settings.project / "configs/orders/contract.yaml").read_bytes()
    with pytest.raises(ConfigError, match="CFG023") as caught:
        made(settings, settings.project / "data" / "orders.csv")
    assert "evergreen contract propose --params configs/orders/params.yaml" in caught.value.next_step
    assert (settings.project / "configs/orders/contract.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("data", "given", "code"),
    [
        (None, {}, "CFG027"),
        (None, {"connection": "shop"}, "CFG027"),
        ("x.csv", {"connection": "shop", "query": "SELECT 1"}, "CFG027"),
        (None, {"connection": "postgresql://u:p@h/d", "query": "SELECT 1"}, "CFG027"),
        ("data/orders.csv", {"name": "No Name"}, "CFG027"),
        ("data/orders.csv", {"name": "env"}, "CFG027"),
        ("data/orders.csv", {"target": "retruned"}, "CFG025"),
        ("data/none.csv", {}, "DQ000"),
    ],
)
def test_init_refuses_and_writes_nothing(settings: Settings, monkeypatch, data, given: dict[str, Any], code: str):
    monkeypatch.chdir(settings.project)
    with pytest.raises((ConfigError, DataError), match=code):
        made(settings, data, **given)
    assert [path.name for path in (settings.project / "configs").iterdir()] == ["env"]


def test_init_refuses_a_table_without_rows(settings: Settings):
    empty = settings.project / "data" / "empty.csv"
    empty.write_text("a,returned\n")
    with pytest.raises(DataError, match="DQ007"):
        made(settings, empty)


def test_init_names_every_kind_of_source(settings: Settings):
    project = settings.project
    assert init.source_of(project, data="s3://lake/rows/*.parquet", connection=None, query=None) == UrlSource(
        kind="url", url="s3://lake/rows/*.parquet"
    )
    sql = init.source_of(project, data=None, connection="shop", query="SELECT * FROM orders")
    assert sql == SqlSource(kind="sql", connection="shop", query="SELECT * FROM orders")
    assert init.dataset_name(None, sql) == "shop"
    assert init.dataset_name(None, UrlSource(kind="url", url="s3://lake/rows/*.parquet")) == "rows"


def test_init_reads_the_rows_of_a_query(settings: Settings):
    database = settings.project / "shop.db"
    with closing(sqlite3.connect(database)) as connection:
        rows().to_sql("orders", connection, index=False)
        connection.commit()
    known = settings.model_copy(update={"connections": {"shop": SecretStr(f"sqlite:///{database}")}})
    written = made(known, None, connection="shop", query="SELECT * FROM orders WHERE weight > 0")
    contract, _ = read(settings, written)
    assert (contract.name, contract.time, contract.task) == ("shop", "ordered_at", "binary")
    assert isinstance(contract.source, SqlSource)
    assert str(database) not in (settings.project / written.contract).read_text()


def test_init_prints_one_json_object_and_a_table_for_people(settings: Settings):
    run = projects.Small(settings.project).run

    done = run("init", "data/orders.csv", "--target", "returned", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {key: found[key] for key in ("contract", "params", "task", "rows", "leakage", "pii")} == {
        "contract": "configs/orders/contract.yaml",
        "params": "configs/orders/params.yaml",
        "task": "binary",
        "rows": 400,
        "leakage": [],
        "pii": [],
    }
    assert found["columns"][2] == {
        "name": "weight", "type": "number", "role": "feature", "saw": found["columns"][2]["saw"]
    }  # fmt: skip
    assert all(isinstance(note, str) for note in found["review"])
    assert found["gate"][0].startswith("about 80 independent gate rows (20 days): on newer rows, a model that is worse")
    told = run("init", "data/orders.csv", "--target", "returned", "--name", "again")
    assert all(said in " ".join(told.stdout.split()) for said in found["gate"])
    written = (settings.project / "configs/again/params.yaml").read_text()
    assert all(f"# {said}\n" in written for said in found["gate"])
    assert "evergreen run --params configs/again/params.yaml" in told.stdout
    refused = run("init", "data/orders.csv", "--target", "nothing", "--name", "third")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "CFG025" in refused.stderr
    assert "Traceback" not in refused.stderr
    checked = run("contract", "check", "--params", "configs/orders/params.yaml", "--json")
    assert json.loads(checked.stdout)["features"] == 2
    proposed = run("contract", "propose", "--params", "configs/orders/params.yaml")
    assert "role: target" in proposed.stdout
