"""How much of a body is read, of which media type, and how long its sender may take."""

import json
import socket
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest
import released
from conftest import served
from projects import wait_for
from servers import SECONDS

from evergreen.config.settings import Settings
from serving import body as bodies
from serving.app import create_app

ROW = released.requests(1)[0]


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/x-pickle",
        "application/vnd.bentoml+pickle",
    ],
)
def test_body_of_another_type_is_refused(client, kind):
    body = json.dumps({"rows": [ROW]}).encode()

    refused(client.post("/predict", content=body, headers={"Content-Type": kind} if kind else {}), 415, "SRV001")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; Charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_is_read_with_its_charset_or_without(client, kind):
    body = json.dumps({"rows": [ROW]}).encode()

    assert client.post("/predict", content=body, headers={"Content-Type": kind}).status_code == 200


def test_body_above_the_limit_is_refused_whether_it_says_so_or_not(client):
    body = json.dumps({"rows": [ROW] * 5_000}).encode()
    headers = {"Content-Type": "application/json"}

    refused(client.post("/predict", content=body, headers=headers), 413, "SRV002")
    chunks = (body[begin : begin + 1000] for begin in range(0, len(body), 1000))
    refused(client.post("/predict", content=chunks, headers=headers), 413, "SRV002")
    assert client.post("/predict", json={"rows": [ROW]}).status_code == 200


def unfinished(client: httpx.Client, n_bytes: int = 40) -> socket.socket:
    """Return a connection whose request lacks the end of its body."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=SECONDS)
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n"
    connection.sendall(head + b"x" * n_bytes)
    return connection


def test_body_that_makes_no_progress_is_refused(serve, monkeypatch):
    monkeypatch.setattr(bodies, "SECONDS_FOR_BODY", 0.05)
    with serve() as client:
        with unfinished(client) as slow:
            assert slow.recv(12) == b"HTTP/1.1 408"
        assert client.post("/predict", json={"rows": [ROW]}).status_code == 200


def test_body_that_began_first_gives_way_where_unfinished_ones_take_too_much_memory(bundle, tmp_path):
    app = create_app(bundle, Settings(home=tmp_path))
    app.service.bodies = bodies.Bodies(max_bytes=1_000_000, unfinished_bytes=150_000)
    with served(app) as client, unfinished(client, 70_000) as first:
        wait_for(lambda: app.service.bodies.held >= 70_000, "the first body has begun")
        with unfinished(client, 70_000), unfinished(client, 70_000):
            assert first.recv(12) == b"HTTP/1.1 503"
            assert client.post("/predict", json={"rows": [ROW]}).status_code == 200
    wait_for(lambda: app.service.bodies.held == 0, "nothing of them is left")


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("POST", "/predict", "application/json", 413),
        ("POST", "/predict", "text/plain", 415),
        ("PUT", "/predict", "application/json", 405),
        ("POST", "/feedback", "text/plain", 415),
        ("POST", "/v2/models/parcels/infer", "text/plain", 415),
        ("POST", "/healthz", "application/json", 405),
        ("POST", "/nowhere", "application/json", 404),
    ],
)
def test_caller_whose_body_is_refused_sees_why_although_the_connection_is_closed(client, method, path, kind, status):
    body = json.dumps({"rows": [ROW] * 40_000}).encode()
    for _ in range(3):
        with closing(HTTPConnection(client.base_url.host, client.base_url.port, timeout=SECONDS)) as connection:
            connection.request(method, path, body, {"Content-Type": kind, "Connection": "close"})
            response = connection.getresponse()
            assert (response.status, "error" in json.loads(response.read())) == (status, True)


def test_caller_without_the_token_sees_that_although_the_body_is_large(serve):
    with serve(serve_token="only-for-tests") as client:
        response = client.post(
            "/predict", content=b" " * 4_000_000, headers={"Content-Type": "application/json", "Connection": "close"}
        )
    refused(response, 401, "SRV014")
