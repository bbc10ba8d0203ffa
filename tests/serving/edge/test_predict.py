"""The command of a bundle: its answers, what it refuses, what it checks before it runs, and what a kill leaves."""

import json
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import edges
import numpy as np
import pandas as pd
import pytest
import released
from servers import SECONDS

from evergreen.record.predictions import importing, reading, rolling
from evergreen.record.predictions.log import PredictionLog
from serving.edge import predict

RAN = "\nimport pathlib; pathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.fixture
def rows(tmp_path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(edges.lines(released.requests(600)))
    return path


def logged(folder: Path) -> pd.DataFrame:
    """Return the records of a log whose writer is dead."""
    PredictionLog(folder).close()
    return reading.read(folder).to_pandas()


def test_answers_are_the_models_and_stand_in_the_log(bundle, made, rows):
    done = edges.run(bundle, rows, "--digest", made.bundle.digest)

    assert (done.returncode, done.stderr) == (0, "600 rows, 0 refused\n")
    answers = edges.answers(done.stdout)
    expected = made.model.predict(released.table().head(600)).values
    assert np.abs([each["probability"] for each in answers] - expected).max() <= 1e-9
    assert [each["label"] for each in answers] == (expected >= 0.5).tolist()
    assert {(each["model"], each["version"], each["decision"]) for each in answers} == {
        ("parcels", 3, "positive"),
        ("parcels", 3, "negative"),
    }
    log = logged(bundle.with_name("edge-predictions"))
    assert log["prediction_id"].tolist() == [each["prediction_id"] for each in answers]
    assert log["probability"].tolist() == [each["probability"] for each in answers]
    assert set(log["source"]) == {"edge"}
    assert set(log["model_digest"]) == {made.release.model_digest}
    sent = released.table().head(600)
    assert log["carrier"].tolist() == sent["carrier"].tolist()
    assert log["event_at"].tolist() == sent["handed_in"].tolist()


def test_cells_of_a_csv_file_are_answered_as_values_of_json(bundle, rows, tmp_path):
    sent = pd.DataFrame(released.requests(600))
    sent["insured"] = sent["insured"].map({True: "true", False: "false"})
    sent.to_csv(tmp_path / "rows.csv", index=False)

    of_json, of_csv = edges.run(bundle, rows), edges.run(bundle, tmp_path / "rows.csv", "--out", tmp_path / "out.jsonl")

    assert of_csv.returncode == 0, of_csv.stderr
    assert of_csv.stdout == ""
    said = [edges.answers(text) for text in (of_json.stdout, (tmp_path / "out.jsonl").read_text())]
    for answer in (*said[0], *said[1]):
        del answer["prediction_id"]
    assert said[0] == said[1]


def test_refused_row_is_told_in_its_place_and_ends_with_3(bundle, tmp_path):
    good, bad = released.requests(2), {**released.requests(1)[0], "stops": "two"}
    lines = edges.lines([good[0], bad, good[1]]) + "[1]\nno json\n\n" + edges.lines([good[1]])

    done = edges.run(bundle, "-", input=lines)

    assert done.returncode == 3
    answers = edges.answers(done.stdout)
    assert [bool(each.get("refused")) for each in answers] == [False, True, False, True, True, False]
    refused = answers[1]["refused"]
    assert (refused["row"], refused["field"], refused["value"]) == (1, "stops", "two")
    assert "a whole number" in refused["allowed"]
    assert [answers[at]["refused"]["row"] for at in (3, 4)] == [3, 4]
    assert len(logged(bundle.with_name("edge-predictions"))) == 3


@pytest.mark.parametrize(
    "name",
    [
        "model/compiled/graph.onnx",
        "model/compiled/plan.json",
        "edge.json",
        "requirements.txt",
        "evergreen/learning/model/compiled/scorer.py",
        "evergreen/record/predictions/log.py",
        "serving/edge/predictor.py",
        "serving/edge/more.py",
        "onnxruntime.py",
    ],
)
def test_changed_bundle_ends_before_any_of_it_runs(bundle, rows, name):
    path = bundle / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + RAN.encode())

    done = edges.run(bundle, rows)

    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr.startswith(f"INT018: file '{name}'")
    assert "Traceback" not in done.stderr
    assert not list(bundle.parent.rglob("ran"))
    assert not bundle.with_name("edge-predictions").exists()


def test_bundle_of_another_digest_is_refused(bundle, rows):
    done = edges.run(bundle, rows, "--digest", "0" * 64)

    assert done.returncode == 7
    assert "is not the one of digest 000000000000" in done.stderr


def test_bytecode_that_somebody_left_is_neither_read_nor_in_the_way(bundle, rows):
    edges.run(bundle, rows)
    assert not list(bundle.rglob("*.pyc"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", bundle], check=True)
    assert list(bundle.rglob("*.pyc"))
    for path in bundle.rglob("*.pyc"):
        path.write_bytes(b"not bytecode")

    assert edges.run(bundle, rows).returncode == 0


@pytest.mark.parametrize("source", ["rows.xlsx", "nowhere.jsonl", "nowhere.csv"])
def test_source_that_cannot_be_read_is_one_block(bundle, tmp_path, source):
    (tmp_path / "rows.xlsx").touch()

    done = edges.run(bundle, tmp_path / source)

    assert done.returncode == 2
    assert done.stderr.startswith("PKG007: ")
    assert "next:" in done.stderr


def test_log_that_cannot_be_written_gives_no_answer(bundle, rows, tmp_path):
    (tmp_path / "file").touch()

    done = edges.run(bundle, rows, "--log", tmp_path / "file" / "log")

    assert (done.returncode, done.stdout) == (8, "")
    assert "Traceback" not in done.stderr


LOADED = """
import json, sys
sys.path.insert(0, sys.argv[1])
import predict
from pathlib import Path
predictor = predict.load(log=Path(sys.argv[2]))
print(json.dumps(predictor.predict(json.loads(sys.argv[3]))))
predictor.close()
"""


def test_program_that_imports_a_bundle_gets_the_same_answers(bundle, tmp_path):
    rows = json.dumps(released.requests(3))

    done = subprocess.run(
        [sys.executable, "-c", LOADED, bundle, tmp_path / "log", rows], capture_output=True, text=True, timeout=SECONDS
    )

    said = json.loads(done.stdout)
    told = edges.answers(edges.run(bundle, "-", input=edges.lines(released.requests(3))).stdout)
    assert [each["probability"] for each in said] == [each["probability"] for each in told]
    assert logged(tmp_path / "log")["prediction_id"].tolist() == [each["prediction_id"] for each in said]


def test_other_modules_than_the_bundles_own_are_refused(bundle, tmp_path):
    with pytest.raises(predict.IntegrityError, match="PKG008"):
        predict.load(bundle, log=tmp_path / "log")

    assert not (tmp_path / "log").exists()


def test_every_answer_that_was_given_is_in_the_log_after_a_kill(bundle):
    log, acknowledged = bundle.with_name("edge-predictions"), []
    rows = edges.lines(released.requests(600)).encode()
    for _ in range(5):
        command = [sys.executable, bundle / "predict.py", "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env={}) as process:
            feeding = threading.Thread(target=feed, args=(process, rows))
            feeding.start()
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(300)]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.read().splitlines(keepends=True)
            feeding.join()
        acknowledged += [json.loads(line)["prediction_id"] for line in lines if line.endswith(b"\n")]

    found = logged(log)["prediction_id"]

    assert len(acknowledged) >= 5 * 300
    assert set(acknowledged) <= {*found}
    assert found.is_unique


def feed(process: "subprocess.Popen[bytes]", rows: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        while True:
            process.stdin.write(rows)


def test_line_on_stdin_is_answered_before_the_next_one_comes(bundle):
    command = [sys.executable, bundle / "predict.py", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env={}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for row in released.requests(3):
            process.stdin.write(edges.lines([row]).encode())
            process.stdin.flush()
            assert "probability" in json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(SECONDS) == 0


def test_log_is_handed_over_twice_and_while_it_is_written_without_loss_or_repeats(bundle, tmp_path):
    log, home, acknowledged = bundle.with_name("edge-predictions"), tmp_path / "home", []
    command = [sys.executable, bundle / "predict.py", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env={}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for row in released.requests(40):
            process.stdin.write(edges.lines([row]).encode())
            process.stdin.flush()
            acknowledged.append(json.loads(process.stdout.readline())["prediction_id"])
            if len(acknowledged) in (10, 20):
                importing.take(home, log)
        process.send_signal(signal.SIGKILL)
    edges.run(bundle, "-", input=edges.lines(released.requests(5)))

    taken = [importing.take(home, log) for _ in range(2)]
    rolling.roll(home)
    taken.append(importing.take(home, log))
    rolling.roll(home)

    found = reading.read(home).to_pandas()
    assert set(acknowledged) <= {*found["prediction_id"]}
    assert len(found) == 45
    assert found["prediction_id"].is_unique
    assert [each.segments for each in taken[1:]] == [0, 0]
