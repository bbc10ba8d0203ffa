"""Faulty input, full disks and taken ports: one block, the agreed exit code, and nothing half-written."""

import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from projects import Small

from cli import engine
from evergreen.errors import ResourceError
from evergreen.settings import Settings

CONTRACT = """\
name: parcels
description: does a parcel arrive late?
source: {kind: file, path: parcels.csv}
timezone: UTC
label_delay_days: 0
columns:
  - {name: sent, type: timestamp, role: time}
  - {name: depot, type: category, role: feature, categories: [north, south]}
  - {name: weight, type: number, role: feature, min: 0, max: 30, unit: kg}
  - {name: late, type: boolean, role: target, nullable: true}
"""


def parcels(n: int = 6_000) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    weight = rng.uniform(0, 30, n).round(3)
    return pd.DataFrame(
        {
            "sent": pd.date_range("2013-01-01", "2013-02-28", n).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "depot": rng.choice(["north", "south"], n),
            "weight": weight,
            "late": rng.random(n) < 1 / (1 + np.exp(3 - weight / 5)),
        }
    )


@pytest.fixture
def own_data(small_project: Small) -> Small:
    """A project of a user's own table, as the README describes it."""
    folder = small_project.root / "configs" / "parcels"
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT)
    path = small_project.root / "params.yaml"
    path.write_text(path.read_text().replace("dataset: flights", "dataset: parcels"))
    return small_project


def write(small: Small, table: pd.DataFrame | str) -> None:
    path = small.root / "parcels.csv"
    path.write_text(table if isinstance(table, str) else table.to_csv(index=False))


def stages(small: Small, *names: str) -> subprocess.CompletedProcess[str]:
    """Run stages as `dvc repro` does, until one fails."""
    for name in names:
        done = subprocess.run(
            [sys.executable, "-m", "tasks", name],
            cwd=small.root,
            env=small.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            break
    return done


def test_own_table_trains_and_a_faulty_file_leaves_its_champion_untouched(own_data: Small) -> None:
    write(own_data, parcels())
    before = own_data.json("run")
    assert before["verdict"] == "promoted"
    write(own_data, parcels().drop(columns="weight"))
    block = own_data.refused("run", code=3)
    assert "DQ001" in block
    assert "weight" in block
    assert own_data.json("status")["model_digest"] == before["model_digest"]


@pytest.mark.parametrize(
    ("table", "code", "said"),
    [
        pytest.param(parcels().assign(weight="heavy"), "DQ008", "of type number", id="wrong type"),
        pytest.param(parcels().assign(late=True), "DQ009", "one class", id="one class"),
        pytest.param("sent,depot,weight,late\n", "DQ007", "empty", id="header only"),
        pytest.param("", "DQ002", "parcels.csv", id="empty file"),
        pytest.param(parcels().assign(depot="east"), "DQ008", "one of north, south", id="unknown category"),
    ],
)
def test_faulty_table_is_one_block(own_data: Small, table: pd.DataFrame | str, code: str, said: str) -> None:
    write(own_data, table)
    done = stages(own_data, "ingest", "validate", "features")
    assert done.returncode == 3, done.stderr
    assert f"\n{code}: " in f"\n{done.stderr}"
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_file_is_named(own_data: Small) -> None:
    assert "parcels.csv" in own_data.refused("run", code=3)


def test_missing_contract_is_named(own_data: Small) -> None:
    (own_data.root / "configs" / "parcels" / "contract.yaml").unlink()
    assert "contract.yaml" in own_data.refused("run", code=2)


def test_embargo_shorter_than_the_label_delay_is_refused(small_project: Small) -> None:
    assert "CFG014" in small_project.refused("run", "--set", "features.embargo_days=0", code=2)


def test_port_in_use_is_named(trained_project: Small) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        block = trained_project.refused("serve", "--port", str(port), code=8)
    assert str(port) in block
    assert "next:" in block


def test_file_that_the_disk_has_no_room_for_is_one_block_and_leaves_no_half(
    small_project: Small, limited_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    with limited_disk(200_000):
        done = stages(small_project, "ingest")
    assert done.returncode == 8, done.stderr
    assert "RES001" in done.stderr
    assert not list((small_project.root / "data").iterdir()), "a half-written artifact was left"


def test_disk_that_is_full_stops_a_command_before_it_starts_anything(
    small_project: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MIN_FREE_BYTES", 2**60)
    with pytest.raises(ResourceError, match="free") as raised:
        engine.prepare(Settings(home=small_project.home))
    assert (raised.value.code, raised.value.exit_code) == ("RES001", 8)


def test_state_folder_that_cannot_be_made_is_one_block(small_project: Small, tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    block = small_project.refused("run", code=8, EVERGREEN_HOME=str(taken / "state"))
    assert str(taken) in block


def test_read_only_state_folder_is_one_block(read_only_folder: Path) -> None:
    with pytest.raises(ResourceError, match="may not write") as raised:
        engine.prepare(Settings(home=read_only_folder / "state"))
    assert (raised.value.code, raised.value.exit_code) == ("RES002", 8)
    assert not list(read_only_folder.iterdir())
