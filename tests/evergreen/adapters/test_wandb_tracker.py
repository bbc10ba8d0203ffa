"""Weights & Biases: what an offline run folder holds, read record by record, and that nothing else is touched."""

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from trainings import CANDIDATE, training

from evergreen.adapters.wandb_tracker import WandbTracker
from evergreen.record.tracker import Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BLOCK, HEADER = 32_768, 7
LOGGER = """
import sys
from pathlib import Path
from trainings import training
from evergreen.adapters.wandb_tracker import WandbTracker

WandbTracker(Path(sys.argv[1])).log(training())
"""


def records(run):
    """Yield the records of an offline run: LevelDB's log format behind a header of seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = Path(run.uri).glob("run-*.wandb")
    content, at, parts = path.read_bytes(), HEADER, []
    assert content.startswith(b":W&B")
    while at + HEADER <= len(content):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        part = content[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind == 0:
            continue
        assert length == len(part)
        parts.append(part)
        if kind in (1, 4):  # whole, or its last part
            record = Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return WandbTracker(tmp_path_factory.mktemp("wandb")).log(training())


def found(run, kind):
    return [getattr(record, kind) for record in records(run) if record.WhichOneof("record_type") == kind]


def test_run_holds_parameters_tags_and_datasets(run):
    (start,) = found(run, "run")
    config = {item.key: json.loads(item.value_json) for item in start.config.update}

    assert (start.project, start.run_id, start.display_name) == ("parcels", CANDIDATE[:16], "training-cccccccc")
    assert config["params"]["best.C"] == 0.5
    assert config["tags"]["data_digest"] == "d" * 64
    assert [dataset["context"] for dataset in config["datasets"]] == ["train", "gate"]


def test_run_holds_metrics_folds_figures_and_trials(run):
    summary = {
        item.key or ".".join(item.nested_key): json.loads(item.value_json)
        for each in found(run, "summary")
        for item in each.update
    }
    history = [
        {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in each.item}
        for each in found(run, "history")
    ]

    assert summary["roc_auc"] == 0.75
    assert [step["fold_score"] for step in history if "fold_score" in step] == [0.74, 0.72]
    files, last = Path(run.uri) / "files", history[-1]
    assert (files / last["figures/roc.path"]).read_bytes() == training().files["figures/roc.png"]
    table = json.loads((files / last["trials.path"]).read_text())
    assert [row[:2] for row in table["data"]] == [[0, "COMPLETE"], [1, "PRUNED"], [2, "FAIL"]]
    (end,) = found(run, "exit")
    assert end.exit_code == 0


def test_training_is_logged_once_and_leaves_no_process(tmp_path):
    tracker = WandbTracker(tmp_path)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    first = tracker.log(training())

    assert tracker.log(training(metrics={"roc_auc": 0.1})) == first
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 1
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child for child in left if child.status() != psutil.STATUS_ZOMBIE] == []


def test_nothing_is_sent_even_with_a_key_and_an_address(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), address)
        given = {
            "WANDB_BASE_URL": address,
            "WANDB_API_KEY": "k" * 40,
            "WANDB_MODE": "online",
            "NO_PROXY": "",
            **proxies,
        }
        done = subprocess.run(
            [sys.executable, "-c", LOGGER, str(tmp_path)],
            env={**os.environ, **given, "PYTHONPATH": str(Path(__file__).parents[2] / "support")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with pytest.raises(BlockingIOError):
            server.accept()
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 1


def test_pictures_are_attached_as_a_run_in_the_group_of_their_candidate_once(tmp_path):
    tracker = WandbTracker(tmp_path)
    for _ in range(2):
        tracker.attach(training().files, experiment="parcels", candidate=CANDIDATE)

    (folder,) = tmp_path.glob("wandb/offline-run-*")
    (start,) = found(Run(run_id="", uri=str(folder)), "run")
    assert (start.run_id, start.run_group) == (f"{CANDIDATE[:16]}-analysis", CANDIDATE[:16])
    assert [path.read_bytes() for path in folder.rglob("*.png")] == [training().files["figures/roc.png"]]
