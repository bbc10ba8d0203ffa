"""The service as a process: what it imports, how it starts and ends, and what is left when it is killed."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
import released
from projects import wait_for
from servers import SECONDS

from evergreen.adapters import packaging
from evergreen.config.settings import Settings
from evergreen.record.predictions import log as predictions

HEAVY = ("prefect", "great_expectations", "evidently", "dvc", "mlflow", "bentoml", "optuna", "fastapi")


def test_application_starts_without_the_training_stack(bundle, tmp_path):
    code = f"""
import sys
from pathlib import Path
from serving.app import create_app
create_app(Path({str(bundle)!r}), Path({str(tmp_path)!r})).state.service.load()
print(sorted(set(sys.modules) & set({HEAVY})))
"""
    env = {"PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)

    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def ask_until_it_is_gone(client: httpx.Client, acknowledged: list[str], enough: threading.Event) -> None:
    rows = released.requests(3)
    while True:
        try:
            response = client.post("/predict", json={"rows": rows})
        except httpx.TransportError:
            return
        if response.status_code == 200:
            acknowledged += [each["prediction_id"] for each in response.json()["predictions"]]
        if len(acknowledged) > 60:
            enough.set()


def test_every_acknowledged_prediction_is_in_the_log_after_a_kill_and_a_new_start(start, tmp_path):
    process, client = start()
    acknowledged: list[str] = []
    enough = threading.Event()
    callers = [threading.Thread(target=ask_until_it_is_gone, args=(client, acknowledged, enough)) for _ in range(6)]
    for caller in callers:
        caller.start()
    enough.wait(SECONDS)
    process.kill()
    for caller in callers:
        caller.join(SECONDS)
    _, client = start()
    answer = client.post("/predict", json={"rows": released.requests(2)}).json()
    acknowledged += [each["prediction_id"] for each in answer["predictions"]]

    logged = predictions.read(tmp_path / "predictions")

    assert len(acknowledged) > 62
    assert set(acknowledged) <= set(logged["prediction_id"])
    assert logged["prediction_id"].is_unique


def begin(host: str, port: int, body: bytes) -> HTTPConnection:
    """Send all of a request but its body, and return once the service has begun to read it."""
    connection = HTTPConnection(host, port, timeout=SECONDS)
    connection.putrequest("POST", "/predict")
    headers = {"Content-Type": "application/json", "Content-Length": len(body), "Expect": "100-continue"}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connection.sock.recv(len(go_on), socket.MSG_WAITALL) == go_on
    return connection


def listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # it stops while this caller waits to be let in
        return True
    return True


def test_termination_answers_open_requests_and_ends_cleanly(start):
    process, client = start()
    body = json.dumps({"rows": released.requests(3) * 100}).encode()
    address = client.base_url.host, client.base_url.port
    callers = [begin(*address, body) for _ in range(8)]

    process.send_signal(signal.SIGTERM)
    wait_for(lambda: not listens(*address), "the service lets nobody else in")
    for caller in callers:
        caller.send(body)
    answers = [caller.getresponse() for caller in callers]

    assert [answer.status for answer in answers] == [200] * 8
    assert [len(json.loads(answer.read())["predictions"]) for answer in answers] == [300] * 8
    assert process.wait(SECONDS) in (0, -signal.SIGTERM)


def test_interrupt_from_the_keyboard_ends_without_a_traceback(start, tmp_path):
    process, client = start()
    assert client.post("/predict", json={"rows": released.requests(1)}).status_code == 200

    process.send_signal(signal.SIGINT)

    assert process.wait(SECONDS) == 0
    assert "Traceback" not in (tmp_path / f"{client.base_url.port}.log").read_text()


def run(bundle: Path, settings: Settings, digest: str | None = None) -> tuple[int, str]:
    argv, env = packaging.command(bundle.parent, settings, digest=digest)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_damaged_model_is_not_served(project, tmp_path):
    copy = tmp_path / "bento" / "src"
    copy.mkdir(parents=True)
    released.bundle(copy)
    (copy / "model" / "features.json").write_text("{}")
    released.pack(copy, project)  # so that the package is as it was sealed, and its model is not

    code, printed = run(copy, Settings(home=tmp_path / "home", serve_port=0))

    assert code == 7
    assert "INT003" in printed
    assert "next:" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("pinned", [True, False])
def test_damaged_package_is_not_served_nor_another_than_the_one_that_is_asked_for(bundle, tmp_path, pinned):
    copy = shutil.copytree(bundle.parent, tmp_path / "bento")
    path = copy / "src" / "release.json"
    path.write_text(path.read_text().replace("0.5", "0.01"))
    settings = Settings(home=tmp_path / "home", serve_port=0)
    digest = hashlib.sha256((copy / "package.json").read_bytes()).hexdigest() if pinned else None

    code, printed = run(copy / "src", settings, digest=digest)
    other, printed_of_other = run(bundle, settings, digest="0" * 64)

    assert (code, other) == (7, 7)
    assert "INT018: file 'src/release.json'" in printed

    assert "INT018: the package manifest is not the one of digest 000000000000" in printed_of_other


def test_log_folder_that_cannot_be_written_stops_the_start(bundle, tmp_path):
    (tmp_path / "predictions").write_text("a file where the folder should be")

    code, printed = run(bundle, Settings(home=tmp_path, serve_port=0))

    assert code == 8
    assert "RES00" in printed


@pytest.mark.parametrize("start_in", ["checkout", "elsewhere"])
def test_command_runs_the_bundles_own_code_wherever_it_is_started(bundle, project, tmp_path, start_in):
    argv, env = packaging.command(bundle.parent, Settings(home=tmp_path))
    code = "from evergreen import project; from serving import app; print(project.__file__, app.__file__)"

    found = subprocess.run(
        [argv[0], argv[1], "-c", code],
        env=env,
        cwd=project if start_in == "checkout" else tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()

    assert found == [os.fspath(bundle / "evergreen" / "project.py"), os.fspath(bundle / "serving" / "app.py")]
