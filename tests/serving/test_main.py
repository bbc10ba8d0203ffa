"""The service as a process: what it imports, how it starts and ends, and what is left when it is killed."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path

import callers
import httpx
import promoted
import psutil
import pytest
import released
from projects import wait_for
from servers import SECONDS

from evergreen.adapters import packaging
from evergreen.config.settings import Settings
from evergreen.record.predictions import reading
from serving import last_served

HEAVY = ("prefect", "great_expectations", "evidently", "dvc", "mlflow", "bentoml", "optuna", "fastapi")
SLOW = ("sklearn", "skops", "sqlalchemy")  # what the first answer of a compiled model does not wait for


def test_application_starts_without_the_training_stack(tmp_path, project):
    bundle = promoted.path_of(promoted.package(tmp_path, 1, project), tmp_path) / "src"
    code = f"""
import sys
from pathlib import Path
from evergreen.config.settings import Settings
from serving.app import create_app
service = create_app(Path({str(bundle)!r}), Settings(home=Path({str(tmp_path)!r}))).service
service.load()
print(sorted(set(sys.modules) & set({(*HEAVY, *SLOW)})), service.served.model.scorer is not None)
service.served.model.pipeline
print("skops" in sys.modules)
"""
    env = {"PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)

    assert (done.stdout.split("\n"), done.returncode) == (["[] True", "True", ""], 0), done.stderr


def logged_in(home: Path) -> list[str]:
    """Return the ids of all logged predictions."""
    ids: list[str] = reading.read(home / "predictions")["prediction_id"].to_pylist()
    return ids


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

    logged = logged_in(tmp_path)

    assert len(acknowledged) > 62
    assert set(acknowledged) <= set(logged)
    assert len(set(logged)) == len(logged)


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
    assert "LOG00" in printed


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


def kill_workers(home: Path, project: Path, *, times: int) -> None:
    """Kill a worker under load, again and again, and check what callers and the log say afterwards."""
    n = 4
    with promoted.running(home, project, serve_workers=2) as service, callers.asking(service.url, n=n) as asked:
        for number in range(times):
            n_before = len(asked.answers)
            killed = service.workers()[number % 2]
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda killed=killed: follows(service, killed), "another worker answers in its place")
            wait_for(lambda n_before=n_before: len(asked.answers) > n_before + 2 * n, "callers are answered")
            assert not psutil.pid_exists(killed)
        asked.is_over.set()

    logged = logged_in(home)
    assert asked.refused == []
    assert len(asked.broken) <= n * times
    assert {answer.prediction_id for answer in asked.answers} <= set(logged)
    assert len(set(logged)) == len(logged)


def test_worker_that_is_killed_under_load_takes_no_acknowledged_prediction_with_it(tmp_path, project):
    kill_workers(tmp_path, project, times=5)


@pytest.mark.long
def test_worker_that_is_killed_a_hundred_times_takes_no_acknowledged_prediction_with_it(tmp_path, project):
    kill_workers(tmp_path, project, times=100)


def test_workers_end_under_load_without_losing_what_they_answered(tmp_path, project):
    with promoted.running(tmp_path, project, serve_workers=2) as service:
        pids = service.workers()
        with callers.asking(service.url) as asked:
            wait_for(lambda: len(asked.answers) > 100, "callers are answered")
            service.process.send_signal(signal.SIGTERM)
            code = service.process.wait(SECONDS)
            asked.is_over.set()

    assert code == 0
    assert not any(map(psutil.pid_exists, pids))
    assert asked.refused == []
    assert {answer.prediction_id for answer in asked.answers} <= set(logged_in(tmp_path))
    assert list((tmp_path / "serving" / "counts").iterdir()) == []


def test_worker_that_follows_on_another_answers_with_what_was_served_last(tmp_path, project):
    with promoted.running(tmp_path, project, serve_workers=2) as service:
        service.promote(2)
        wait_for(lambda: versions(service) == {2}, "all workers answer with version 2")
        (tmp_path / "ledger.db").rename(tmp_path / "away.db")  # so that it is not the ledger that says so
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: follows(service, killed), "another worker answers in its place")

        assert versions(service) == {2}


def follows(service: promoted.Running, killed: int) -> bool:
    """Return whether two workers answer, and a killed one is none of them."""
    workers = service.workers()
    return len(workers) == 2 and killed not in workers


def versions(service: promoted.Running) -> set[int]:
    """Return the versions that answer, of a number of connections that no worker is likely to be missed by."""
    found = [httpx.get(f"{service.url}/readyz", timeout=SECONDS).json()["version"] for _ in range(20)]
    return set(found)


def test_metrics_are_of_all_workers(tmp_path, project):
    with promoted.running(tmp_path, project, serve_workers=2) as service:
        for _ in range(20):
            httpx.post(f"{service.url}/predict", json={"rows": released.requests(2)}, timeout=SECONDS)
        page = httpx.get(f"{service.url}/metrics", timeout=SECONDS).text

    counted = re.findall(r"^evergreen_predictions_total\{.*\} (\S+)$", page, re.MULTILINE)
    assert sum(map(float, counted)) == 40


def swap_under_load(service: promoted.Running, *, times: int) -> callers.Callers:
    """Promote one version after another, and return what callers were answered meanwhile."""
    with callers.asking(service.url, n=2) as asked:
        for number in range(times):
            version, n_before = 1 + (number + 1) % len(promoted.MODELS), len(asked.answers)
            service.promote(version)
            assert service.reload() in ("swapped", "unchanged")  # unchanged: it had been seen already
            wait_for(lambda n_before=n_before: len(asked.answers) > n_before + 4, "callers are answered")
    return asked


def check_unmixed(asked: callers.Callers) -> None:
    """Check that no request failed, and that each answer is the one of the version that it names."""
    expected = {version: promoted.expected(version, callers.ROWS) for version in promoted.MODELS}
    mixed = [
        answer
        for answer in asked.answers
        if answer.header != str(answer.version) or abs(answer.probability - expected[answer.version][answer.row]) > 1e-5
    ]
    assert (mixed, asked.refused, asked.broken) == ([], [], [])
    assert {answer.version for answer in asked.answers} == set(promoted.MODELS)


def test_swaps_under_load_drop_nobody_and_mix_no_answer(tmp_path, project):
    with promoted.running(tmp_path, project) as service:
        asked = swap_under_load(service, times=10)

    check_unmixed(asked)
    last = last_served.read(tmp_path, promoted.MODEL)
    assert last is not None
    assert last.release.version == 2


@pytest.mark.long
def test_two_hundred_swaps_under_load_drop_nobody_mix_no_answer_and_keep_no_memory(tmp_path, project):
    with promoted.running(tmp_path, project) as service:
        process = psutil.Process(service.process.pid)
        first = swap_under_load(service, times=20)
        before = process.memory_info().rss
        asked = swap_under_load(service, times=180)
        after = process.memory_info().rss

    for each in (first, asked):
        check_unmixed(each)
    assert after < 1.1 * before
