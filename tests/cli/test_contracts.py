"""A contract proposed again, compared and checked."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cli import contracts, init
from evergreen.base.errors import ConfigError
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings


@pytest.fixture
def settings(project: Path, tmp_path: Path) -> Settings:
    """An empty project with a table of 400 rows in `data/`."""
    root = tmp_path / "project"
    shutil.copytree(project / "configs" / "env", root / "configs" / "env")
    shutil.copy(project / "params.yaml", root)
    (root / "data").mkdir()
    rows().to_csv(root / "data" / "orders.csv", index=False)
    return Settings.load(start=root)


def rows(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    weight = rng.gamma(3, 2, n).round(2)
    return pd.DataFrame(
        {
            "order": [f"A{k:05d}" for k in range(n)],
            "ordered_at": pd.date_range("2024-01-01", periods=n, freq="6h").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "weight": weight,
            "lane": rng.choice(["north", "south"], n),
            "returned": np.where(weight + rng.normal(0, 2, n) > 6, "yes", "no"),
        }
    )


def made(settings: Settings, data: Path | str | None, **given: Any) -> init.Written:
    known = {
        "target": "returned",
        "time": None,
        "key": (),
        "task": None,
        "name": None,
        "connection": None,
        "query": None,
    }
    return init.init(settings, data=None if data is None else str(data), **{**known, **given})


def test_contract_propose_writes_beside_the_contract_and_keeps_decisions(settings: Settings):
    written = made(settings, settings.project / "data" / "orders.csv")
    path = settings.project / written.contract
    path.write_text(path.read_text().replace("name: weight,", "name: weight, unit: kg,"))
    same, _ = contracts.propose(settings, written.params, write=False)
    assert same["difference"] == {"added": [], "dropped": [], "changed": {}, "table": {}}
    table = rows()
    table.loc[3, "weight"] = 900.0
    table.assign(colour="red").to_csv(settings.project / "data" / "orders.csv", index=False)
    result, _ = contracts.propose(settings, written.params, write=True)
    assert result["difference"]["added"] == ["colour"]
    assert set(result["difference"]["changed"]) == {"weight"}
    assert "max" in result["difference"]["changed"]["weight"]
    proposed = Contract.load(settings.project / "configs/orders/contract.proposed.yaml")
    assert next(c for c in proposed.columns if c.name == "weight").unit == "kg"
    assert contracts.diff(path, settings.project / result["proposed"]).added == ("colour",)


def test_contract_check_names_the_line_of_a_fault(settings: Settings):
    written = made(settings, settings.project / "data" / "orders.csv")
    path = settings.project / written.contract
    assert contracts.check(settings, written.params, ())["task"] == "binary"
    lines = path.read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "name: weight" in line)
    path.write_text("\n".join(lines).replace("name: weight,", "name: weight, untis: kg,"))
    with pytest.raises(ConfigError, match="untis") as caught:
        contracts.check(settings, written.params, ())
    assert caught.value.where == f"{path}:{at}"
