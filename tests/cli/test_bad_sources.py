"""Sources as nobody wants them, beside a champion: set aside or refused in one block, and the champion untouched."""

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from projects import Small
from validated import load

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources, store
from evergreen.data.validation import Validation
from tasks.features import features
from tasks.validate import validate

TODAY = date(2024, 3, 1)
COLUMNS: list[dict[str, Any]] = [
    {"name": "parcel", "type": "integer", "role": "key"},
    {"name": "sent", "type": "timestamp", "role": "time"},
    {"name": "depot", "type": "category", "role": "feature", "nullable": True, "pattern": "[0-9]{3}"},
    {"name": "weight", "type": "number", "role": "feature", "nullable": True, "min": 0, "max": 30},
    {"name": "lane", "type": "category", "role": "feature", "categories": ["north", "south"], "open": True},
    {"name": "kind", "type": "category", "role": "target"},
]


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    load()


def contract_of(*, path: str = "parcels.csv", **changed: Any) -> Contract:
    """Return the contract of the table; `changed` is what differs."""
    base = {
        "name": "parcels", "description": "", "source": {"kind": "file", "path": path}, "timezone": "UTC",
        "label_delay_days": 0, "key": ["parcel"], "future_days": 1,
        "columns": COLUMNS,
    }  # fmt: skip
    return Contract.model_validate({**base, **changed})


def parcels(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "parcel": np.arange(n),
            "sent": pd.date_range("2024-01-01", "2024-02-28", n, tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "depot": rng.choice(["007", "012", "100"], n),
            "weight": rng.uniform(0, 30, n).round(3),
            "lane": rng.choice(["north", "south"], n),
            "kind": rng.choice(["small", "large"], n),
        }
    )


@dataclass(frozen=True)
class Through:
    """What the steps up to features made of a folder of files."""

    validation: Validation
    valid: pd.DataFrame
    aside: pd.DataFrame


def through(folder: Path, contract: Contract, *, max_bad_share: float = 0.05, share: float = 0.25) -> Through:
    """Take the files in a folder through ingest, validation and features."""
    ws = Workspace(root=folder / "work")
    source = sources.locate(contract, Settings(project=folder, home=folder / ".evergreen"))
    path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
    raw = store.take(path, manifest, ws, contract, IngestParams())
    result = validate.fn(
        raw, ws=ws, contract=contract, expectations=(), today=TODAY, params=ValidateParams(max_bad_share=max_bad_share)
    )
    features.fn(
        result.valid,
        ws=ws,
        contract=contract,
        params=FeatureParams(test_days=7, embargo_days=0, rare_category=2),
        seed=7,
    )
    found = result.validation
    assert found.kept + found.quarantined == found.rows == raw.rows
    return Through(found, ws.read(result.valid), ws.read(result.quarantine))


def refused(folder: Path, contract: Contract, **named: float) -> EvergreenError:
    """Return the error that ends the steps: of bad data, and one block."""
    with pytest.raises(DataError) as raised:
        through(folder, contract, **named)
    assert raised.value.exit_code == 3
    assert len(raised.value.block().splitlines()) <= 4
    return raised.value


def outcomes(found: Validation, code: str) -> dict[str, tuple[str, int]]:
    return {rule.column: (rule.outcome, rule.n_bad) for rule in found.rules if rule.code == code}


# -- one fault at a time ----------------------------------------------------------------------------------------------


def test_ids_keep_their_leading_zeros(tmp_path: Path) -> None:
    parcels().to_csv(tmp_path / "parcels.csv", index=False)
    found = through(tmp_path, contract_of())
    assert set(found.valid["depot"]) == {"007", "012", "100"}


def test_integers_beyond_int64_are_set_aside_as_they_were_written(tmp_path: Path) -> None:
    rows = parcels().astype({"parcel": object})
    rows.loc[[3, 4, 5], "parcel"] = [2**63, -(2**63) - 1, 10**30]
    rows.loc[6, "parcel"] = 2**63 - 1
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    found = through(tmp_path, contract_of())
    assert found.aside["parcel"].tolist() == [str(2**63), str(-(2**63) - 1), str(10**30)]
    assert set(found.aside["codes"]) == {"DQ002"}
    assert 2**63 - 1 in set(found.valid["parcel"])


def test_infinite_and_missing_numbers_of_parquet_are_told_apart(tmp_path: Path) -> None:
    rows = parcels()
    rows.loc[[0, 1], "weight"] = [np.inf, -np.inf]
    rows.loc[2, "weight"] = np.nan
    rows.to_parquet(tmp_path / "parcels.parquet")
    found = through(tmp_path, contract_of(path="parcels.parquet"))
    assert found.aside["weight"].tolist() == ["inf", "-inf"]
    assert found.valid["weight"].isna().sum() == 1


def test_null_and_constant_features_are_told_and_kept(tmp_path: Path) -> None:
    parcels().assign(weight=None, lane="north").to_csv(tmp_path / "parcels.csv", index=False)
    found = through(tmp_path, contract_of())
    assert outcomes(found.validation, "DQ023")["weight"] == ("warned", 400)
    assert outcomes(found.validation, "DQ023")["lane"] == ("warned", 400)
    assert found.validation.quarantined == 0


def test_column_that_must_be_there_but_is_all_null_stops(tmp_path: Path) -> None:
    parcels().assign(lane=None).to_csv(tmp_path / "parcels.csv", index=False)
    error = refused(tmp_path, contract_of())
    assert error.code == "DQ008"
    assert "lane" in error.what


def test_class_with_one_row_is_refused_by_name(tmp_path: Path) -> None:
    rows = parcels()
    rows.loc[399, "kind"] = "huge"
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    error = refused(tmp_path, contract_of())
    assert error.code == "DQ009"
    assert "huge" in error.block()


def test_new_category_of_an_open_list_is_told_and_its_row_kept(tmp_path: Path) -> None:
    rows = parcels()
    rows.loc[:9, "lane"] = "west"
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    found = through(tmp_path, contract_of())
    assert outcomes(found.validation, "DQ005") == {"lane": ("warned", 10)}
    assert found.validation.quarantined == 0


def test_rows_of_the_future_are_set_aside_and_past_unsorted_ones_told(tmp_path: Path) -> None:
    rows = parcels().sample(frac=1, random_state=0)
    rows.loc[7, "sent"] = "2024-03-09T00:00:00Z"
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    found = through(tmp_path, contract_of(time_order=True))
    assert found.aside["parcel"].tolist() == ["7"]
    assert found.aside["codes"].tolist() == ["DQ022"]
    assert outcomes(found.validation, "DQ021")[""][0] == "warned"


def test_keys_repeated_across_files_are_set_aside_in_both(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rows = parcels()
    rows[:200].to_csv(tmp_path / "in" / "a.csv", index=False)
    pd.concat([rows[195:200].assign(weight=1.0), rows[200:]]).to_csv(tmp_path / "in" / "b.csv", index=False)
    found = through(tmp_path, contract_of(path="in"))
    assert set(found.aside["codes"]) == {"DQ006"}
    assert found.aside["source"].value_counts().to_dict() == {"in/a.csv": 5, "in/b.csv": 5}


def test_ten_thousand_bad_rows_of_a_hundred_thousand_are_all_set_aside(tmp_path: Path) -> None:
    rows = parcels(100_000)
    rows.loc[::10, "weight"] = -1.0
    rows.to_csv(tmp_path / "parcels.csv", index=False)
    assert refused(tmp_path, contract_of()).code == "DQ008"
    found = through(tmp_path, contract_of(), max_bad_share=0.1)
    assert (found.validation.kept, found.validation.quarantined) == (90_000, 10_000)
    assert outcomes(found.validation, "DQ004") == {"weight": ("failed", 10_000)}
    assert found.aside["codes"].eq("DQ004").all()


@pytest.mark.parametrize(
    ("cut", "code"),
    [
        pytest.param(1, "DQ007", id="in its header"),
        pytest.param(30, "DQ007", id="at the end of its header"),
        pytest.param(-5, "DQ009", id="in its last value, which makes a class of one row"),
    ],
)
def test_csv_cut_short_is_refused(tmp_path: Path, cut: int, code: str) -> None:
    (tmp_path / "parcels.csv").write_bytes(parcels().to_csv(index=False).encode()[:cut])
    assert refused(tmp_path, contract_of()).code == code


@pytest.mark.parametrize(("cut", "aside"), [(-1, []), (-20, ["DQ013"])])
def test_csv_cut_in_its_last_row_loses_no_other(tmp_path: Path, cut: int, aside: list[str]) -> None:
    (tmp_path / "parcels.csv").write_bytes(parcels().to_csv(index=False).encode()[:cut])
    found = through(tmp_path, contract_of())
    assert found.validation.rows == 400
    assert found.aside["codes"].tolist() == aside


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "url", "url": "file:///etc/passwd"},
        {"kind": "url", "url": "http://127.0.0.1:9/rows.csv"},
        {"kind": "url", "url": "http://169.254.169.254/latest/meta-data"},
        {"kind": "url", "url": "http://[::1]/rows.csv"},
        {"kind": "url", "url": "http://10.0.0.1/rows.csv"},
        {"kind": "file", "path": "in/outside.csv"},
        {"kind": "file", "path": "in/*.csv"},
        {"kind": "file", "path": "in"},
    ],
    ids=lambda source: source.get("url") or source["path"],
)
def test_address_that_leads_elsewhere_is_refused(tmp_path: Path, source: dict[str, str]) -> None:
    root = tmp_path / "project"
    (root / "in").mkdir(parents=True)
    (tmp_path / "outside.csv").write_text("parcel\n1\n")
    (root / "in" / "outside.csv").symlink_to(tmp_path / "outside.csv")
    assert refused(root, contract_of(source=source)).code == "DQ027"


# -- through the command line, with a champion ------------------------------------------------------------------------


@pytest.fixture
def champion(trained_project: Small) -> Small:
    """A trained project whose next rows come from a file."""
    path = trained_project.root / "configs" / "flights" / "contract.yaml"
    contract = yaml.safe_load(path.read_text())
    contract |= {"source": {"kind": "file", "path": "in/*"}, "joins": []}
    path.write_text(yaml.safe_dump(contract, sort_keys=False))
    (trained_project.root / "in").mkdir()
    return trained_project


def flights(rows: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    rows.to_csv(content, index=False)
    return content.getvalue()


def parquet_cut(rows: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    rows.to_parquet(content)
    return content.getvalue()[:-100]


FAULTY: dict[str, tuple[str, Callable[[pd.DataFrame], bytes], str]] = {
    "one class": ("flights.csv", lambda rows: flights(rows.assign(late=True)), "late"),
    "cut Parquet": ("flights.parquet", parquet_cut, "flights.parquet"),
}


def test_faulty_sources_end_in_one_block_and_leave_the_champion_and_nothing_to_resume(
    champion: Small, flights_table: pd.DataFrame
) -> None:
    before = champion.json("status")
    for name, (file, make, said) in FAULTY.items():
        path = champion.root / "in" / file
        path.write_bytes(make(flights_table))
        done = champion.run("run")
        assert done.returncode == 3, (name, done.stderr)
        assert "Traceback" not in done.stderr, name
        block = f"\n{done.stderr}".rpartition("\nDQ")[2].splitlines()
        assert len(block) == 3, (name, block)
        assert said in "\n".join(block), (name, block)
        assert path.read_bytes() == make(flights_table), "the input is untouched"
        path.unlink()
    assert champion.json("status") == before
    assert "STA002" in champion.refused("resume", code=2)


def test_statement_in_a_contract_is_never_run(champion: Small) -> None:
    database = champion.root / "shop.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE orders (a INTEGER)")
        connection.execute("INSERT INTO orders VALUES (1)")
        connection.commit()
    path = champion.root / "configs" / "flights" / "contract.yaml"
    contract = yaml.safe_load(path.read_text())
    contract["source"] = {"kind": "sql", "connection": "shop", "query": "SELECT 1; DROP TABLE orders"}
    path.write_text(yaml.safe_dump(contract, sort_keys=False))
    before, content = champion.json("status"), database.read_bytes()
    block = champion.refused("run", code=2, EVERGREEN_CONNECTIONS=f'{{"shop": "sqlite:///{database}"}}')
    assert "SELECT" in block
    assert database.read_bytes() == content
    assert champion.json("status") == before
