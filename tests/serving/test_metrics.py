"""The page of a service that was asked: exactly what was asked of all its workers, those that were killed included."""

import http.client
import json
import math
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import released
from observed import samples, service
from projects import wait_for

from evergreen.config.settings import Settings
from serving.metrics import Metrics

N_ROWS = 1_000


def rows() -> list[dict[str, Any]]:
    """Return rows of which it is known what is missing and what is unseen."""
    found = released.requests(N_ROWS // 2) * 2
    found = [{**row, "weight": 1.0, "size": "S", "stops": 2} for row in found]
    for number, row in enumerate(found):
        row["weight"] = None if number % 5 == 0 else row["weight"]
        row["size"] = None if number % 7 == 0 else row["size"]
        row["carrier"] = "by rail" if number % 9 == 0 else row["carrier"]
    return found


EXPECTED = {
    'evergreen_missing_inputs_total{feature="weight"}': math.ceil(N_ROWS / 5),
    'evergreen_missing_inputs_total{feature="size"}': math.ceil(N_ROWS / 7),
    'evergreen_missing_inputs_total{feature="stops"}': 0,
    'evergreen_unseen_categories_total{feature="carrier"}': math.ceil(N_ROWS / 9),
    'evergreen_unseen_categories_total{feature="size"}': 0,
    'evergreen_requests_total{route="/predict",status="200"}': N_ROWS,
    'evergreen_request_seconds_count{route="/predict"}': N_ROWS,
    'evergreen_outputs_total{state="given"}': N_ROWS,
    'evergreen_outputs_total{state="null"}': 0,
    "evergreen_probability_count": N_ROWS,
    "evergreen_batch_rows_sum": N_ROWS,
}


def ask(client: httpx.Client, asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask for rows one by one, each over a connection of its own, from a few threads."""

    def one(row: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(send(client, "POST", "/predict", {"rows": [row]}))["predictions"][0]
        return answer

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(one, asked))


def send(client: httpx.Client, method: str, path: str, body: object = None) -> bytes:
    """Return what is answered over a connection of its own, which any worker may get."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port or 80, timeout=60)
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    assert response.status == 200, content
    return content


def page(client: httpx.Client) -> dict[str, float]:
    """Return the numbers of the page, from a worker that lives."""
    found: dict[str, float] = {}

    def answered() -> bool:
        with suppress(OSError, http.client.HTTPException):  # of one that was killed after it had taken the connection
            found.update(samples(send(client, "GET", "/metrics").decode()))
        return bool(found)

    wait_for(answered, "a worker shows the page")
    return found


def agrees(found: dict[str, float], answers: Sequence[dict[str, Any]]) -> None:
    """Check a page against what was asked and answered."""
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    labels = Counter(str(answer["label"]).lower() for answer in answers)
    assert {label: found[f'evergreen_predictions_total{{label="{label}"}}'] for label in labels} == labels
    probabilities = [answer["probability"] for answer in answers]
    for tenth in range(1, 11):
        below = sum(probability <= tenth / 10 for probability in probabilities)
        assert found[f'evergreen_probability_bucket{{le="{tenth / 10:g}"}}'] == below
    assert found["evergreen_probability_sum"] == pytest.approx(sum(probabilities))


@contextmanager
def workers(bundle: Path, home: Path, n: int) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """Serve with n workers; yields a client and their supervisor."""
    with service(bundle.parent, home, serve_workers=n) as client:
        (supervisor,) = [
            process
            for process in psutil.Process().children()
            if process.environ().get("EVERGREEN_SERVE_PORT") == str(client.base_url.port)
        ]
        wait_for(lambda: sum(is_ready(page(client))) == n, f"{n} workers are ready")
        yield client, supervisor


def is_ready(found: dict[str, float]) -> list[float]:
    return [value for name, value in found.items() if name.startswith("evergreen_ready{")]


def test_counts_of_one_process_are_exactly_what_was_asked(bundle, tmp_path, release):
    with workers(bundle, tmp_path, 1) as (client, _):
        answers = ask(client, rows())
        found = page(client)
        bytes_logged = sum(
            path.stat().st_size for path in Settings(home=tmp_path).predictions.rglob("*") if path.is_file()
        )
    agrees(found, answers)
    info = f'evergreen_model_info{{digest="{release.model_digest}",model="parcels",version="3",worker="0"}}'
    assert found[info] == 1
    assert found["evergreen_model_loads_total"] == 1
    assert 0 <= found['evergreen_model_age_seconds{worker="0"}'] < 3_600
    assert found["evergreen_log_bytes_total"] == bytes_logged
    assert found["evergreen_log_writable"] == 1
    assert found['process_resident_memory_bytes{worker="0"}'] > 1e7
    assert found["evergreen_worker_restarts_total"] == 0


def test_counts_of_several_workers_are_the_sum_of_what_was_asked_and_each_is_seen(bundle, tmp_path):
    with workers(bundle, tmp_path, 3) as (client, _):
        answers = ask(client, rows())
        found = page(client)
    agrees(found, answers)
    assert found["evergreen_model_loads_total"] == 3
    for name in ("evergreen_model_info", "evergreen_model_age_seconds", "process_resident_memory_bytes"):
        seen = sorted(key.rpartition('worker="')[2][0] for key in found if key.startswith(name))
        assert seen == ["0", "1", "2"], name


def test_worker_that_is_killed_leaves_its_counts_and_its_successor_counts_on(bundle, tmp_path):
    asked = rows()
    with workers(bundle, tmp_path, 3) as (client, supervisor):
        answers = ask(client, asked[:500])
        wait_for(lambda: page(client)["evergreen_outputs_total" + '{state="given"}'] == 500, "500 rows are counted")
        for number in range(3):
            os.kill(supervisor.children()[0].pid, signal.SIGKILL)
            wait_for(
                lambda restarts=number + 1: (
                    (found := page(client))["evergreen_worker_restarts_total"] == restarts
                    and is_ready(found) == [1, 1, 1]
                ),
                "another worker is ready in its place",
            )
            assert page(client)['evergreen_outputs_total{state="given"}'] == 500
        answers += ask(client, asked[500:])
        found = page(client)
    agrees(found, answers)
    assert found["evergreen_model_loads_total"] == 6


@pytest.mark.long
def test_no_counter_ever_falls_while_workers_are_killed_under_load(bundle, tmp_path):
    row, stop, acknowledged = released.requests(1)[0], threading.Event(), []

    def load() -> None:
        while not stop.is_set():
            with suppress(OSError, http.client.HTTPException):  # of the worker that was killed
                send(client, "POST", "/predict", {"rows": [row]})
                acknowledged.append(1)

    with workers(bundle, tmp_path, 2) as (client, supervisor), ThreadPoolExecutor(3) as threads:
        for _ in range(3):
            threads.submit(load)
        try:
            before: dict[str, float] = {}
            for number in range(4):
                os.kill(supervisor.children()[-1].pid, signal.SIGKILL)
                restarted = False
                while not restarted:
                    now = page(client)
                    counters = {
                        name: value for name, value in now.items() if "_total" in name and "process" not in name
                    }
                    assert [name for name, value in before.items() if counters[name] < value] == []
                    before = counters
                    restarted = now["evergreen_worker_restarts_total"] > number and is_ready(now) == [1, 1]
        finally:
            stop.set()
        threads.shutdown()
        found = page(client)
    answered = found['evergreen_outputs_total{state="given"}']
    assert len(acknowledged) <= answered <= len(acknowledged) + 3 * 4  # what a killed worker had counted and not sent


def test_requests_that_are_refused_count_by_cause_and_not_as_rows(bundle, tmp_path):
    with workers(bundle, tmp_path, 1) as (client, _):
        for content, headers in ((b"{}", {}), (b"{", {"Content-Type": "application/json"})):
            assert client.post("/predict", content=content, headers=headers).status_code in (400, 415)
        assert client.post("/predict", json={"rows": []}).status_code == 422
        for path in ("/no/such", "/wp-admin", "/metrics/../../x"):
            assert client.get(path).status_code == 404
        found = page(client)
    assert found['evergreen_prediction_failures_total{cause="not_json"}'] == 2
    assert found['evergreen_prediction_failures_total{cause="invalid"}'] == 1
    assert found['evergreen_requests_total{route="other",status="404"}'] == 3
    assert found['evergreen_outputs_total{state="given"}'] == 0


# -- the labels ----------------------------------------------------------------------------------------------


def test_labels_stay_few_whatever_is_counted():
    metrics = Metrics(routes=["/predict"])
    for number in range(1_000):
        metrics.requested(f"/{number}", 404, 0.001)
        metrics.requested("/predict", 1_000 + number, 0.001)
        metrics.failed(f"cause {number}")
        metrics.refused(f"why {number}")
    found = samples(metrics.page().decode())
    assert found['evergreen_requests_total{route="other",status="404"}'] == 1_000
    assert found['evergreen_requests_total{route="/predict",status="other"}'] == 1_000
    for name in ("evergreen_prediction_failures_total", "evergreen_connections_refused_total"):
        series = {key: value for key, value in found.items() if key.startswith(name)}
        assert len(series) <= 60
        assert sum(series.values()) == 1_000


class Log:
    """A log that says what it is told to say."""

    bytes = lost = vanished = 0
    unsynced_seconds, writable = 0.0, True


def test_counts_of_a_log_are_taken_over_and_go_on_when_another_log_begins():
    metrics, log = Metrics(), Log()
    log.bytes, log.lost = 100, 1
    metrics.sample(log, ready=True)
    log.bytes, log.unsynced_seconds, log.writable = 250, 0.5, False
    metrics.sample(log, ready=False)
    other = Log()
    other.bytes = 30
    metrics.sample(other, ready=True)
    found = samples(metrics.page().decode())
    assert found["evergreen_log_bytes_total"] == 280
    assert found["evergreen_log_lost_total"] == 1
    assert found["evergreen_log_writable"] == 1
    metrics.sample(log, ready=False)
    found = samples(metrics.page().decode())
    assert (found["evergreen_log_writable"], found["evergreen_log_lag_seconds"]) == (0, 0.5)
    assert found['evergreen_ready{worker="0"}'] == 0


def test_every_metric_is_explained_on_the_page():
    text = Metrics().page().decode()
    helps = dict(line.removeprefix("# HELP ").split(" ", 1) for line in text.splitlines() if line.startswith("# HELP"))
    assert len(helps) > 30
    for name, about in helps.items():
        assert about.endswith("."), name
        assert "second" in about.lower() or not name.removesuffix("_total").endswith("seconds"), name
        assert "byte" in about.lower() or not name.removesuffix("_total").endswith("bytes"), name
