"""The Open Inference Protocol of a real service: by Triton's client, and by bodies as MLServer and KServe send them."""

import json
from typing import Any

import httpx
import numpy as np
import pytest
import released
from servers import SECONDS
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from evergreen.record.predictions import reading

KINDS = {
    "handed_in": "BYTES",
    "carrier": "BYTES",
    "size": "BYTES",
    "weight": "FP64",
    "stops": "FP64",
    "insured": "BOOL",
    "copy": "FP64",
}


def rows(n: int = 40) -> list[dict[str, Any]]:
    """Return rows that Triton's client can say: it has no missing text."""
    return [row for row in released.requests(2 * n) if row["size"] is not None][:n]


def columns(sent: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a body with one input for each column, as MLServer's pandas codec shapes it."""
    inputs = [
        {
            "name": name,
            "datatype": kind,
            "shape": [len(sent), 1],
            "data": [row[name] for row in sent],
            "parameters": {"content_type": "str" if kind == "BYTES" else "np"},
        }
        for name, kind in KINDS.items()
    ]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, **more}


def inputs_of(sent: list[dict[str, Any]], *, binary: bool = False) -> list[triton.InferInput]:
    made = []
    for name, kind in KINDS.items():
        values = [np.nan if row[name] is None else row[name] for row in sent]
        array = np.array(values, dtype={"BYTES": object, "FP64": np.float64, "BOOL": bool}[kind]).reshape(-1, 1)
        made.append(triton.InferInput(name, array.shape, kind))
        made[-1].set_data_from_numpy(array, binary_data=binary)
    return made


@pytest.fixture(scope="module")
def asked(client):
    """Triton's client of the shared service."""
    with triton.InferenceServerClient(f"{client.base_url.host}:{client.base_url.port}") as asked:
        yield asked


def outputs(answer: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["data"] for each in answer["outputs"]}


def test_tritons_client_finds_server_and_model_ready_and_what_it_takes(asked):
    assert asked.is_server_live()
    assert asked.is_server_ready()
    assert asked.is_model_ready("parcels")
    assert asked.is_model_ready("parcels", "3")
    assert not asked.is_model_ready("parcels", "4")
    assert not asked.is_model_ready("letters")
    assert asked.get_server_metadata()["name"] == "evergreen"
    told = asked.get_model_metadata("parcels", "3")
    assert told["versions"] == ["3"]
    assert {each["name"]: each["datatype"] for each in told["inputs"]} == {**KINDS, "stops": "INT64"}
    assert told["outputs"][1] == {"name": "probability", "datatype": "FP64", "shape": [-1, 1]}


def test_tritons_client_is_answered_as_predict_answers(asked, client):
    sent = rows()
    expected = client.post("/predict", json={"rows": sent}).json()["predictions"]

    result = asked.infer("parcels", inputs_of(sent), request_id="r-7")

    assert result.get_response()["id"] == "r-7"
    assert result.get_response()["model_version"] == "3"
    found = result.as_numpy("probability")
    assert found.shape == (len(sent), 1)
    assert np.abs(found[:, 0] - [each["probability"] for each in expected]).max() <= 1e-12
    assert result.as_numpy("label")[:, 0].tolist() == [each["label"] for each in expected]
    assert result.as_numpy("decision")[:, 0].tolist() == [each["decision"] for each in expected]


def test_missing_values_and_other_columns_of_the_contract_are_taken_as_predict_takes_them(client):
    sent = released.requests(60)
    expected = client.post("/predict", json={"rows": sent}).json()["predictions"]
    body = columns(sent)
    body["inputs"].append({"name": "parcel", "datatype": "INT64", "shape": [60], "data": list(range(60))})

    answer = client.post("/v2/models/parcels/infer", json=body)

    assert any(row["size"] is None for row in sent)
    found = outputs(answer.json())["probability"]
    assert np.abs(np.subtract(found, [each["probability"] for each in expected])).max() <= 1e-12
    assert answer.headers["x-model-version"] == "3"


def test_requested_outputs_alone_are_answered_and_the_id_of_the_request_is_its_own_where_none_is_given(client):
    body = columns(rows(2), outputs=[{"name": "label", "parameters": {"binary_data": True}}])

    answer = client.post("/v2/models/parcels/versions/3/infer", json=body, headers={"X-Request-Id": "mine"}).json()

    assert [each["name"] for each in answer["outputs"]] == ["label"]
    assert answer["id"] == "mine"


def test_answers_are_logged_with_their_door_before_they_are_given(serve, tmp_path):
    with serve() as client:
        given = outputs(client.post("/v2/models/parcels/infer", json=columns(rows(3))).json())["prediction_id"]

    logged = reading.read(tmp_path / "predictions")

    assert logged["prediction_id"].to_pylist() == given
    assert set(logged["source"].to_pylist()) == {"v2"}


@pytest.mark.parametrize("path", ["/v2/models/letters/infer", "/v2/models/parcels/versions/4/infer"])
def test_another_model_or_version_is_not_found(client, path):
    answer = client.post(path, json=columns(rows(1)))

    assert answer.status_code == 404
    assert "This service answers for parcels, version 3." in answer.json()["error"]


def test_value_that_the_contract_does_not_allow_is_named_by_its_tensor_and_its_place(asked):
    sent = rows(3)
    sent[2]["weight"] = 99.0

    with pytest.raises(InferenceServerException, match=r"SRV004: .*\(weight\[2\]\)") as refused:
        asked.infer("parcels", inputs_of(sent))

    assert refused.value.status() == "422"


def test_binary_tensors_are_refused_with_what_to_set(asked):
    with pytest.raises(InferenceServerException, match="binary_data=False") as refused:
        asked.infer("parcels", inputs_of(rows(2), binary=True))

    assert refused.value.status() == "415"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2/models/parcels/infer", 405), ("GET", "/v2/nothing", 404), ("POST", "/v2/health/live", 405)],
)
def test_every_refusal_has_the_protocols_form(client, method, path, status):
    answer = client.request(method, path)

    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert isinstance(answer.json()["error"], str)


def test_other_media_types_than_json_are_refused(client):
    answer = client.post("/v2/models/parcels/infer", content=b"a=1", headers={"Content-Type": "text/plain"})

    assert (answer.status_code, "SRV001" in answer.json()["error"]) == (415, True)


HOSTILE = {
    "a million elements": b'{"inputs": [{"name": "weight", "datatype": "FP64", "shape": [1000000], "data": ['
    + b"1," * 999_999
    + b"1]}]}",
    "many inputs": json.dumps({"inputs": [{"name": "weight", "datatype": "FP64", "shape": [0], "data": []}] * 900}),
    "no rows": json.dumps(columns([])),
    "deep data": b'{"inputs": [{"name": "weight", "datatype": "FP64", "shape": [1], "data": ' + b"[" * 9_000,
    "deep parameters": b'{"inputs": [], "parameters": ' + b'{"a":' * 3_000 + b"1" + b"}" * 3_001,
    "huge number": b'{"inputs": [{"name": "weight", "datatype": "FP64", "shape": [1], "data": ['
    + b"9" * 9_000
    + b"]}]}",
    "huge integer": json.dumps(columns([{**released.requests(1)[0], "stops": 10**300}])),
    "lone surrogate": json.dumps(columns([{**released.requests(1)[0], "carrier": "\ud800"}])),
    "null": b"null",
    "not text": b"\xff\xfe",
    "empty": b"",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bodies_are_refused_and_never_fail(client, case):
    url = client.base_url.join("/v2/models/parcels/infer")  # a connection of its own, which nobody has let lie idle

    answer = httpx.post(url, content=HOSTILE[case], headers={"Content-Type": "application/json"}, timeout=SECONDS)

    assert 400 <= answer.status_code < 500, answer.text
    assert len(answer.json()["error"]) < 600


def test_description_of_the_inputs_is_a_document_that_production_does_not_show(serve):
    with serve(serve_documents=False) as client:
        assert client.get("/v2/models/parcels").status_code == 404
        assert client.get("/v2/models/parcels/ready").status_code == 200
        assert client.post("/v2/models/parcels/infer", json=columns(rows(1))).status_code == 200
