"""What a caller may send: a body that breaks the contract is refused by its row and field."""

import json
import socket

import httpx
import pytest
import released
from servers import SECONDS

from evergreen.config.contract.contract import Contract
from serving import requests as reading
from serving.answers import RequestError

ROW = released.requests(1)[0]


def refused(response: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert response.status_code == status, response.text
    error: dict[str, str] = response.json()["error"]
    assert error["code"] == code
    assert error.keys() == {"code", "what", "where", "next"}
    return error


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("handed_in", "2024-03-01T00:00:00"),
        ("handed_in", "yesterday"),
        ("handed_in", 1709251200),
        ("handed_in", "9999-12-31T23:59:59Z"),
        ("handed_in", None),
        ("carrier", 7),
        ("carrier", None),
        ("size", "XL"),
        ("size", "s"),
        ("weight", -0.1),
        ("weight", 30.5),
        ("weight", "12"),
        ("weight", True),
        ("stops", 2.5),
        ("stops", 10),
        ("stops", False),
        ("stops", 10**30),
        ("insured", 1),
        ("insured", "true"),
        ("copy", None),
    ],
)
def test_value_that_breaks_the_contract_is_named_by_row_and_field(client, column, value):
    response = client.post("/predict", json={"rows": [ROW, {**ROW, column: value}]})

    error = refused(response, 422, "SRV004")
    assert error["where"] == f"rows[1].{column}"


def test_missing_field_is_named(client):
    row = {name: value for name, value in ROW.items() if name != "carrier"}

    error = refused(client.post("/predict", json={"rows": [ROW, ROW, row]}), 422, "SRV004")

    assert error["where"] == "rows[2].carrier"
    assert "required" in error["what"]


@pytest.mark.parametrize("extra", ["late", "arrival", "parcel", "carier"])
def test_field_beyond_the_request_columns_is_named(client, extra):
    error = refused(client.post("/predict", json={"rows": [{**ROW, extra: 1}]}), 422, "SRV004")

    assert error["where"] == f"rows[0].{extra}"


@pytest.mark.parametrize(
    "body", [{}, [], [ROW], {"rows": []}, {"rows": {}}, {"rows": [ROW], "model": "other"}, {"rows": [1]}]
)
def test_body_of_another_shape_is_refused(client, body):
    refused(client.post("/predict", json=body), 422, "SRV004")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("column", ["weight", "stops"])
def test_number_that_is_not_finite_is_refused(client, column, number):
    body = json.dumps({"rows": [{**ROW, column: 0}]}).replace(f'"{column}": 0', f'"{column}": {number}')

    response = client.post("/predict", content=body, headers={"Content-Type": "application/json"})

    assert refused(response, 422, "SRV004")["where"] == f"rows[0].{column}"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"rows": [}', b"\xff\xfe", b'{"rows": ["\\ud800"]}', b"[" * 5000, b'{"rows": []} x'],
)
def test_body_that_is_not_json_is_refused(client, body):
    response = client.post("/predict", content=body, headers={"Content-Type": "application/json"})

    refused(response, 400, "SRV003")


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/x-pickle",
    ],
)
def test_body_of_another_type_is_refused(client, kind):
    body = json.dumps({"rows": [ROW]}).encode()

    refused(client.post("/predict", content=body, headers={"Content-Type": kind} if kind else {}), 415, "SRV001")


def test_json_with_its_charset_is_read(client):
    body = json.dumps({"rows": [ROW]}).encode()

    response = client.post("/predict", content=body, headers={"Content-Type": "application/json; charset=UTF-8"})

    assert response.status_code == 200


def test_body_above_the_limit_is_refused_whether_it_says_so_or_not(client):
    body = json.dumps({"rows": [ROW] * 1000}).encode()
    headers = {"Content-Type": "application/json"}

    refused(client.post("/predict", content=body, headers=headers), 413, "SRV002")
    chunks = (body[begin : begin + 1000] for begin in range(0, len(body), 1000))
    refused(client.post("/predict", content=chunks, headers=headers), 413, "SRV002")


def unfinished(client: httpx.Client) -> socket.socket:
    """Return a connection whose request lacks the end of its body."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=SECONDS)
    body = json.dumps({"rows": [ROW]})
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body[:-10]).encode())
    return connection


def test_body_that_does_not_arrive_in_time_is_refused(serve, monkeypatch):
    monkeypatch.setattr(reading, "SECONDS_FOR_BODY", 0.05)
    with serve(max_requests_at_once=1) as client:
        with unfinished(client) as slow:
            assert slow.recv(12) == b"HTTP/1.1 408"
        assert client.post("/predict", json={"rows": [ROW]}).status_code == 200


def test_pattern_and_open_set_of_a_category_are_kept_to_and_said():
    columns = [
        {"name": "code", "type": "category", "role": "feature", "pattern": "[A-Z]{2}(?!x)", "nullable": True},
        {"name": "size", "type": "category", "role": "feature", "categories": ["S", "M"], "open": True},
        {"name": "late", "type": "boolean", "role": "target"},
    ]
    about = {"name": "sizes", "description": "", "source": {"kind": "file", "path": "sizes.csv"}, "timezone": "UTC"}
    contract = Contract.model_validate({**about, "label_delay_days": 0, "columns": columns})
    kind = reading.body_model(contract)

    for code in ("AB", None):
        row = {"code": code, "size": "XXL"}
        assert reading.parse(kind, json.dumps({"rows": [row]}).encode()).plain() == [row]
    with pytest.raises(RequestError, match="Value should match") as caught:
        reading.parse(kind, b'{"rows": [{"code": "ABC", "size": "S"}]}')

    assert (caught.value.status, caught.value.block.where) == (422, "rows[0].code")
    shown = kind.model_json_schema()["$defs"]["Row"]["properties"]["code"]["anyOf"]
    assert {"type": "string", "pattern": "^(?:[A-Z]{2}(?!x))$"} in shown
