"""What is recorded of a step is read whole or not at all, and a record that is broken is dropped."""

import json
import os
import subprocess
import sys

import pytest

from evergreen.config.settings import Settings
from evergreen.record.plan.records import drop_broken_records, drop_unless_whole, read_record
from evergreen.record.plan.steps import STEPS

BROKEN = [
    "",
    "{",
    '{"result"',
    '{"result": 3}',
    '{"result": "{"}',
    '{"result": "{}"}',
    '{"result": "[]"}',
    "[]",
    "3",
] + [json.dumps({"result": json.dumps({"data": data})}) for data in (None, 3, "x", [])]


@pytest.mark.parametrize("content", BROKEN)
def test_record_that_is_not_whole_is_a_miss_and_is_dropped(look, record, records, ws, content):
    path = record("ingest")
    kept = path.read_bytes()
    path.write_text(content)
    assert read_record(path) is None
    assert not look()["ingest"].cached
    assert drop_broken_records(records, ws) == 1
    assert not path.exists()
    path.write_bytes(kept)
    assert look()["ingest"].cached


def test_record_cut_short_anywhere_is_a_miss(record):
    path = record("ingest")
    content = path.read_bytes()
    assert read_record(path) is not None
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert read_record(path) is None


def test_whole_records_and_foreign_files_are_not_dropped(record, records, ws):
    whole = [record(step) for step in STEPS]
    foreign = [
        records / "0b8f1c9e-6a53-4f0e-9d5c-1d2f3a4b5c6d",
        records / ".git-keep",
        records / f"{whole[0].name}.lock",
    ]
    for path in foreign:
        path.write_text("not ours")
    (records / "some-folder").mkdir()
    assert drop_broken_records(records, ws) == 0
    assert all(path.exists() for path in whole + foreign)


def test_record_whose_artifact_is_gone_is_dropped(record, records, ws):
    path = [record(step) for step in ("ingest", "validate", "features", "tune", "train")][-1]
    model = read_record(path)["model"]
    ws.path(model["uri"]).rename(ws.root / "elsewhere")
    assert drop_broken_records(records, ws) == 1
    assert not path.exists()


def test_record_whose_artifact_was_changed_is_dropped_and_its_step_runs_again(look, record, ws):
    path = record("ingest")
    manifest = ws.path(read_record(path)["raw"]["uri"]) / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"2024", b"2025"))
    assert not look()["ingest"].cached
    assert drop_unless_whole(path, ws)
    assert not path.exists()


def test_no_byte_of_a_record_can_change_unseen(record):
    path = record("ingest")
    content, answer = path.read_bytes(), read_record(path)
    for at in range(len(content)):
        for bit in (0, 2, 5):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            path.write_bytes(bytes(changed))
            assert read_record(path) in (None, answer), (at, bit)


@pytest.mark.parametrize("name", ["expiration", "storage_block_id", "serializer", "storage_key"])
def test_what_the_engine_goes_by_cannot_change_unseen(record, name):
    path = record("ingest")
    written = json.loads(path.read_bytes())
    written["metadata"][name] = "another"
    path.write_text(json.dumps(written))
    assert read_record(path) is None


def test_nothing_is_dropped_where_nothing_was_recorded(tmp_path, ws):
    assert drop_broken_records(tmp_path / "none", ws) == 0


PREFECT_WRITES = """
import sys
from pathlib import Path
from prefect.results import ResultRecord, ResultRecordMetadata
from evergreen.base.artifacts.refs import DatasetRef
from tasks.engine import RECORDED
from tasks.ingest import Ingested
result = Ingested(raw=DatasetRef(uri="raw", rows=1, facts="f", sha256="x"))
metadata = ResultRecordMetadata(serializer=RECORDED["result_serializer"], storage_key="/home/steps/record")
written = ResultRecord(result=result, metadata=metadata).serialize()
assert ResultRecord.deserialize(written).result == result
Path(sys.argv[1]).write_bytes(written)
"""


def test_record_is_read_as_prefect_writes_it(project, tmp_path):
    variables = Settings(project=project, home=tmp_path / "home").environment()
    command = [sys.executable, "-c", PREFECT_WRITES, str(tmp_path / "record")]
    subprocess.run(command, check=True, cwd=project, env={**os.environ, **variables})
    expected = {"raw": {"uri": "raw", "rows": 1, "facts": "f", "sha256": "x"}}
    assert read_record(tmp_path / "record") == expected
