"""What the service refuses: with which status, naming what, and that it goes on afterwards."""

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest
import released
from asked import logged
from projects import wait_for
from servers import SECONDS

from evergreen.record.predictions import reading

ROW = released.requests(1)[0]


def refused(response: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert response.status_code == status, response.text
    error: dict[str, str] = response.json()["error"]
    assert error["code"] == code
    assert error.keys() == {"code", "what", "where", "next"}
    return error


def test_other_methods_and_paths_are_refused_in_the_same_form(client):
    response = client.get("/predict")
    refused(response, 405, "SRV008")
    assert response.headers["Allow"] == "OPTIONS, POST"
    refused(client.get("/docs"), 404, "SRV008")


def unfinished(client: httpx.Client) -> socket.socket:
    """Return a connection whose request lacks the end of its body."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=SECONDS)
    body = json.dumps({"rows": [ROW]})
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body[:-10]).encode())
    return connection


def test_requests_that_are_not_whole_take_no_place_from_others(serve):
    with serve(max_requests_at_once=1) as client, unfinished(client) as first, unfinished(client):
        for _ in range(5):
            assert client.post("/predict", json={"rows": [ROW]}).status_code == 200

        first.sendall(json.dumps({"rows": [ROW]})[-10:].encode())
        assert first.recv(12) == b"HTTP/1.1 200"


def test_requests_beyond_the_places_are_told_to_come_again_and_health_answers(serve, tmp_path):
    released.bundle(tmp_path / "slow", compiles=False)  # its pipeline answers in a thread
    body = json.dumps({"rows": [ROW] * 500}).encode()
    with serve(tmp_path / "slow", max_requests_at_once=1) as client, ThreadPoolExecutor(8) as callers:
        send = partial(client.post, "/predict", content=body, headers={"Content-Type": "application/json"})
        responses = [each.result() for each in [callers.submit(send) for _ in range(24)]]
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200

    busy = [response for response in responses if response.status_code == 503]
    assert {response.status_code for response in responses} == {200, 503}
    refused(busy[0], 503, "SRV005")
    assert busy[0].headers["Retry-After"] == "1"


def test_nothing_is_answered_before_a_model_is_loaded(serve):
    with serve(lifespan="off") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        refused(client.get("/readyz"), 503, "SRV006")
        refused(client.get("/openapi.json"), 503, "SRV006")
        refused(client.post("/predict", json={"rows": [ROW]}), 503, "SRV006")


def test_prediction_that_cannot_be_logged_is_not_answered_and_the_service_says_it_is_not_ready(
    serve, limited_disk, tmp_path
):
    acknowledged = []
    with serve() as client:
        with limited_disk(3_000):
            response = client.post("/predict", json={"rows": [ROW]})
            while response.status_code == 200:
                acknowledged += [each["prediction_id"] for each in response.json()["predictions"]]
                response = client.post("/predict", json={"rows": [ROW]})
            refused(response, 503, "LOG001")
            refused(client.get("/readyz"), 503, "SRV016")
            assert client.get("/healthz").status_code == 200
        wait_for(lambda: client.get("/readyz").status_code == 200, "the log is well again")
        for _ in range(2):
            response = client.post("/predict", json={"rows": [ROW]})
            acknowledged += [each["prediction_id"] for each in response.json()["predictions"]]

    logged(tmp_path, acknowledged)


def test_prediction_that_cannot_be_logged_is_given_and_counted_where_that_is_the_policy(serve, limited_disk):
    with serve(prediction_log="available") as client, limited_disk(3_000):
        for _ in range(50):
            assert client.post("/predict", json={"rows": [ROW]}).status_code == 200
        assert client.get("/readyz").status_code == 200
        lost = [line for line in client.get("/metrics").text.splitlines() if "log_lost_total " in line]
    assert float(lost[-1].split()[-1]) > 0


def delete_segment(folder):
    next(folder.rglob("*.log")).unlink()


def delete_folder(folder):
    shutil.rmtree(folder)


@pytest.mark.parametrize("policy", ["strict", "available"])
@pytest.mark.parametrize("delete", [delete_segment, delete_folder])
def test_log_that_is_deleted_while_it_serves_loses_no_answer(serve, tmp_path, policy, delete):
    acknowledged = []

    def ask() -> None:
        response = client.post("/predict", json={"rows": [ROW] * 3})
        assert response.status_code == 200
        acknowledged.extend(each["prediction_id"] for each in response.json()["predictions"])

    with serve(prediction_log=policy) as client:
        for _ in range(3):
            ask()
            delete(tmp_path / "predictions")
            ask()
            on_disk = set(reading.read(tmp_path / "predictions")["prediction_id"].to_pylist())
            assert on_disk == set(acknowledged)
        assert client.get("/readyz").status_code == 200
        page = client.get("/metrics").text
        assert "\nevergreen_log_vanished_total 3.0\n" in page
        assert "\nevergreen_log_lost_total 0.0\n" in page

    logged(tmp_path, acknowledged)


def test_path_is_itself_and_never_a_redirect(client):
    for path in ("/healthz/", "//healthz", "/predict/", "/Predict"):
        response = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
        assert response.status_code == 404
        assert "location" not in response.headers


@pytest.mark.parametrize("path", ["/healthz", "/predict", "/nowhere", "/metrics", "/openapi.json"])
def test_every_answer_forbids_guessing_its_type_and_has_the_id_of_its_request(client, path):
    response = client.get(path, headers={"X-Request-Id": "trace-7"})

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-Id"] == "trace-7"
    assert "server" not in response.headers
    for other in ("a b", "x" * 65, "caf\u00e9"):
        assert client.get(path, headers={"X-Request-Id": other.encode("latin-1")}).headers["X-Request-Id"] != other


def test_options_say_what_a_path_takes(client):
    for path, allowed in (("/predict", "OPTIONS, POST"), ("/healthz", "GET, HEAD")):
        response = client.options(path)
        assert (response.status_code, sorted(response.headers["Allow"].split(", "))) == (
            204,
            sorted(allowed.split(", ")),
        )
    assert client.head("/healthz").status_code == 200
