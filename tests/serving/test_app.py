"""What the service refuses: with which status, naming what, and that it goes on afterwards."""

import json
import socket
import threading

import httpx
import released
from servers import SECONDS

from evergreen.record.predictions import log as predictions

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
    assert response.headers["Allow"] == "POST"
    refused(client.get("/docs"), 404, "SRV008")


def unfinished(client: httpx.Client) -> socket.socket:
    """Return a connection whose request lacks the end of its body."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=SECONDS)
    body = json.dumps({"rows": [ROW]})
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body[:-10]).encode())
    return connection


def test_requests_beyond_the_cap_are_told_to_come_again_and_health_answers(serve):
    with serve(max_requests_at_once=1) as client, unfinished(client) as first:
        response = client.post("/predict", json={"rows": [ROW]})
        while response.status_code == 200:  # until the first request has arrived
            response = client.post("/predict", json={"rows": [ROW]})
        refused(response, 503, "SRV005")
        assert response.headers["Retry-After"] == "1"
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200

        first.sendall(json.dumps({"rows": [ROW]})[-10:].encode())
        assert first.recv(12) == b"HTTP/1.1 200"
        assert client.post("/predict", json={"rows": [ROW]}).status_code == 200


def test_caller_that_leaves_frees_its_place(serve):
    with serve(max_requests_at_once=1) as client:
        unfinished(client).close()
        answered = threading.Event()
        for _ in range(1000):
            if client.post("/predict", json={"rows": [ROW]}).status_code == 200:
                answered.set()
                break
        assert answered.is_set()


def test_nothing_is_answered_before_a_model_is_loaded(serve):
    with serve(lifespan="off") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        refused(client.get("/readyz"), 503, "SRV006")
        refused(client.get("/openapi.json"), 503, "SRV006")
        refused(client.post("/predict", json={"rows": [ROW]}), 503, "SRV006")


def test_prediction_that_cannot_be_logged_is_not_answered(serve, limited_disk, tmp_path):
    acknowledged = []
    with serve() as client:
        with limited_disk(3_000):
            response = client.post("/predict", json={"rows": [ROW]})
            while response.status_code == 200:
                acknowledged += [each["prediction_id"] for each in response.json()["predictions"]]
                response = client.post("/predict", json={"rows": [ROW]})
            refused(response, 503, "RES001")
            refused(client.post("/predict", json={"rows": [ROW]}), 503, "RES001")
            assert client.get("/healthz").status_code == 200
        for _ in range(2):
            response = client.post("/predict", json={"rows": [ROW]})
            acknowledged += [each["prediction_id"] for each in response.json()["predictions"]]

    logged = predictions.read(tmp_path / "predictions")
    assert logged["prediction_id"].tolist() == acknowledged
    assert logged.attrs["torn_lines"] == 1
