"""Faulty input, full disks and taken ports: one block, the agreed exit code, and nothing half-written."""

import gzip
import io
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from projects import Small
from validated import load

from cli import engine
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, ResourceError
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources
from tasks.features import features
from tasks.ingest import ingest as ingest_step
from tasks.validate import Validated, validate

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


# One process for all of them, because importing takes longer than they do.
STAGES = """
import sys
from tasks.__main__ import main
for name in sys.argv[1:]:
    sys.argv[1:] = [name]
    if code := main():
        sys.exit(code)
"""


def stages(small: Small, *names: str) -> subprocess.CompletedProcess[str]:
    """Run stages as `dvc repro` does, until one fails."""
    return subprocess.run(
        [sys.executable, "-c", STAGES, *names],
        cwd=small.root,
        env=small.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_stage_on_a_faulty_table_ends_in_one_block(own_data: Small) -> None:
    parcels().assign(depot="east").to_csv(own_data.root / "parcels.csv", index=False)
    done = stages(own_data, "ingest", "validate", "features")
    assert done.returncode == 3, done.stderr
    assert "\nDQ008: " in f"\n{done.stderr}"
    assert "one of north, south" in done.stderr
    assert "Traceback" not in done.stderr


# -- one fault at a time, through the steps in this process ---------------------------------------------------------

N = 200
TODAY = date(2013, 3, 1)
ROWS = [
    f"{n},2013-01-{1 + n % 28:02d}T{n % 24:02d}:30:00Z,{('north', 'south', '007')[n % 3]},{n % 30}.5,{'ny'[n % 2]}"
    for n in range(N)
]
HEADER = "parcel,sent,depot,weight,late"


def strict() -> Contract:
    about: dict[str, Any] = yaml.safe_load(CONTRACT)
    sent, depot, weight, late = about["columns"]
    columns = [
        {"name": "parcel", "type": "integer", "role": "key"},
        sent,
        {**depot, "categories": ["north", "south", "007"]},
        weight,
        {**late, "spelling": ["n", "y"]},
    ]
    return Contract.model_validate({**about, "key": ["parcel"], "columns": columns, "future_days": 1})


def csv(*changed: str, header: str = HEADER, rows: Sequence[str] = ROWS) -> bytes:
    """Return the table as CSV, with `changed` in place of its first rows."""
    return "\n".join([header, *changed, *rows[len(changed) :], ""]).encode()


def parquet() -> bytes:
    content = io.BytesIO()
    pd.read_csv(io.BytesIO(csv()), dtype="str").to_parquet(content)
    return content.getvalue()


def through(folder: Path, content: bytes, name: str = "parcels.csv", *, max_bad_share: float = 0.05) -> Validated:
    """Take a file through the steps up to the features."""
    load()
    path = folder / name
    path.write_bytes(content)
    contract = strict().model_copy(update={"source": FileSource(kind="file", path=name)})
    ws = Workspace(root=folder / "work")
    items = sources.locate(contract, Settings(project=folder))
    raw = ingest_step.fn(items, ws=ws, datasets=folder / "datasets", contract=contract, params=IngestParams()).raw
    validated: Validated = validate.fn(
        raw, ws=ws, contract=contract, expectations=(), today=TODAY, params=ValidateParams(max_bad_share=max_bad_share)
    )
    features.fn(
        validated.valid,
        ws=ws,
        contract=contract,
        params=FeatureParams(test_days=7, embargo_days=0, rare_category=2),
        seed=7,
    )
    found = validated.validation
    assert found.kept + found.quarantined == found.rows == raw.rows
    assert path.read_bytes() == content
    return validated


@pytest.mark.parametrize(
    ("content", "name", "code", "said"),
    [
        pytest.param(csv(rows=[]), "parcels.csv", "DQ007", "the source holds 0 rows", id="header only"),
        pytest.param(b"", "parcels.csv", "DQ007", "the table is empty", id="empty file"),
        pytest.param(b"", "parcels.parquet", "DQ007", "", id="empty Parquet"),
        pytest.param(parquet()[:-9], "parcels.parquet", "DQ002", "", id="truncated Parquet"),
        pytest.param(gzip.compress(csv())[:-9], "parcels.csv.gz", "DQ002", "", id="truncated gzip"),
        pytest.param(gzip.compress(bytes(50_000_000)), "parcels.csv.gz", "DQ002", "", id="gzip of zeros"),
        pytest.param(csv().replace(b",", b";"), "parcels.csv", "DQ029", "", id="semicolons"),
        pytest.param(csv().replace(b",", b"\t"), "parcels.csv", "DQ029", "", id="tabs"),
        pytest.param(csv(header="parcel,sent,depot,depot,late"), "parcels.csv", "DQ029", "depot", id="a name twice"),
        pytest.param(csv(header="parcel,sent,depot,mass,late"), "parcels.csv", "DQ001", "weight", id="a name changed"),
        pytest.param(csv("0,2013-01-01T00:30:00,north,1,n"), "parcels.csv", "DQ002", "", id="one time without offset"),
        pytest.param(csv().replace(b".5,", b",,"), "parcels.csv", "DQ029", "values, the header", id="every row ragged"),
        pytest.param(
            csv(*(row.replace(".5", "") + ",,,," for row in ROWS[:20])), "parcels.csv", "DQ008", "", id="a tenth"
        ),
        pytest.param(csv().replace(b".5", b"e400"), "parcels.csv", "DQ008", "", id="infinite numbers"),
        pytest.param(csv().replace(b".5", b"kg"), "parcels.csv", "DQ008", "of type number", id="wrong type"),
        pytest.param(
            csv().replace(b"north", b"east"), "parcels.csv", "DQ008", "one of north, south", id="unknown category"
        ),
        pytest.param(csv().replace(b",n\n", b",y\n"), "parcels.csv", "DQ009", "one class", id="one class"),
        pytest.param(csv().replace(b"2013-", b"2014-"), "parcels.csv", "DQ008", "", id="a year too late"),
    ],
)
def test_file_that_no_model_may_learn_from_is_refused_in_one_block(
    content: bytes, name: str, code: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as raised:
        through(tmp_path, content, name)
    block = raised.value.block().splitlines()
    assert (raised.value.code, raised.value.exit_code, len(block)) == (code, 3, 3)
    assert said in raised.value.what


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(csv().decode().encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + csv(rows=ROWS[::-1]), id="byte order mark, and rows in no order"),
        pytest.param(csv().replace(b"Z,", b","), id="naive times"),
        pytest.param(csv("0,2013-01-01T01:30:00+01:00,north,1,n"), id="several zones"),
    ],
)
def test_file_that_is_only_written_otherwise_loses_no_row(content: bytes, tmp_path: Path) -> None:
    assert through(tmp_path, content).validation.kept == N


FAULTS = {
    b"0,2013-01-01T00:30:00Z,north,1,n,6": "DQ013",  # ragged
    b"1,2013-01-01T00:30:00Z,north,1": "DQ013",
    b"2,2013-01-01T00:30:00Z,nor\0th,1,n": "DQ013",
    b"3,2013-01-01T00:30:00Z,nor\xed\xa0\x80th,1,n": "DQ013",  # a lone surrogate
    b'4,2013-01-01T00:30:00Z,north,"1,200",n': "DQ002",
    b"5,2013-01-01T00:30:00Z,north,inf,n": "DQ002",
    b"9223372036854775808,2013-01-01T00:30:00Z,north,1,n": "DQ002",
    b"7,soon,north,1,n": "DQ002",
    b"8,2013-01-01T00:30:00Z,north,NaN,n": "DQ003",
    b"9,2013-01-01T00:30:00Z,north,-1,n": "DQ004",
    b"10,2013-01-01T00:30:00Z,7,1,n": "DQ005",  # 007 without its zeros
    b"11,2013-01-01T00:30:00Z,=cmd(),1,n": "DQ005",
    b"199,2013-01-01T00:30:00Z,north,1,n": "DQ006",  # the last row's key
    b"13,2030-01-01T00:30:00Z,north,1,n": "DQ022",
}


def test_rows_that_break_the_contract_are_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    header, *good = csv(rows=ROWS).splitlines()
    rows = [*FAULTS, *good[len(FAULTS) :]]
    rows[-2] = rows[-2][:-8]  # cut short
    validated = through(tmp_path, b"\n".join([header, *rows]), max_bad_share=0.1)
    aside = pd.read_parquet(tmp_path / "work" / validated.quarantine.uri).sort_values("row")
    expected = dict(enumerate(FAULTS.values(), start=1)) | {N - 1: "DQ013", N: "DQ006"}
    assert dict(zip(aside["row"], aside["codes"], strict=True)) == expected


@pytest.mark.parametrize(
    "path", ["../parcels.csv", "/etc/hostname", "file:parcels.csv", "file:///etc/passwd", "link.csv"]
)
def test_path_that_leads_out_of_the_project_is_refused(path: str, tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (tmp_path / "parcels.csv").write_bytes(csv())
    (inside / "link.csv").symlink_to(tmp_path / "parcels.csv")
    contract = strict().model_copy(update={"source": FileSource(kind="file", path=path)})
    with pytest.raises(DataError) as raised:
        sources.locate(contract, Settings(project=inside))
    assert (raised.value.code, raised.value.exit_code) == ("DQ027", 3)


def test_missing_file_is_named(own_data: Small) -> None:
    done = stages(own_data, "ingest")
    assert (done.returncode, "parcels.csv" in done.stderr) == (3, True)
    assert "Traceback" not in done.stderr


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
    written = [path for name in ("data", ".evergreen/data/datasets") for path in (small_project.root / name).rglob("*")]
    assert not [path for path in written if path.is_file()], "a half-written artifact was left"


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
