"""Feedback: what came back is kept, joined to its predictions, and refused with a reason where it cannot be."""

import asyncio
import json

import pytest
import released

from evergreen.base.errors import ResourceError
from evergreen.config.settings import Settings
from evergreen.record.labels import beside
from evergreen.record.predictions import reading
from evergreen.record.predictions.records import Logged
from serving.answers import RequestError
from serving.app import Service
from serving.feedback import feedback


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    folder.mkdir()
    released.bundle(folder)
    return folder


@pytest.fixture
def service(bundle, tmp_path):
    service = Service(bundle, Settings(home=tmp_path / "home", max_rows=60))
    service.load()
    yield service
    service.log.close()


def predicted(service: Service, n: int = 3) -> list[str]:
    """Return the ids of rows that were answered, sent with their key."""
    rows = [{**row, "parcel": number} for number, row in enumerate(released.requests(n))]
    decoded = service.served.decoder.decode(json.dumps({"rows": rows}).encode())
    names, release = service.log.new_ids(n), service.served.release
    records = [
        Logged(name, 1_714_564_815_000_000, release.model, release.version, release.model_digest, row, keys, label=True)
        for name, row, keys in zip(names, decoded.rows, decoded.keys, strict=True)
    ]
    service.log.append(service.served.columns, records)
    return names


def send(service: Service, *items: object) -> dict:
    return json.loads(asyncio.run(feedback(service, json.dumps({"feedback": items}).encode(), "request")))


def joined(service: Service) -> dict[str, tuple]:
    rows = [row for batch in beside.with_feedback(service.settings.predictions) for row in batch.to_pylist()]
    return {row["prediction_id"]: (row["feedback_label"], row["feedback_decision"]) for row in rows}


def test_labels_and_decisions_stand_beside_their_predictions_and_the_latest_wins(service):
    a, b, c = predicted(service)

    early = {"prediction_id": a, "label": True, "at": "2024-05-02"}
    assert send(service, early, {"key": {"parcel": 1}, "label": False})["taken"] == 2
    assert send(service, {"prediction_id": b, "decision": "call", "by": "ann"})["taken"] == 1
    told = send(service, {"prediction_id": a, "label": False, "decision": "wait", "at": "2024-05-03T10:00:00+02:00"})

    assert told == {"taken": 1, "unknown": 0, "unknown_ids": []}
    assert joined(service) == {a: (False, "wait"), b: (False, "call"), c: (None, None)}
    kept = reading.read(service.settings.predictions, "feedback").to_pylist()
    assert [row["label"] for row in kept if row["kind"] == "label"] == [True, False, False]
    known = [row["known_at"].isoformat() for row in kept if row["known_at"]]
    assert known == ["2024-05-01T22:00:00+00:00", *["2024-05-03T08:00:00+00:00"] * 2]
    assert {row["by"] for row in kept} == {None, "ann"}


@pytest.mark.parametrize(("spelled", "means"), [("true", True), ("FALSE", False), (1, True), ("0", False)])
def test_label_is_read_as_the_contract_reads_it(service, spelled, means):
    (name,) = predicted(service, 1)
    send(service, {"prediction_id": name, "label": spelled})
    assert joined(service) == {name: (means, None)}


BAD = [
    ({"prediction_id": "0" * 32, "label": "perhaps"}, ".label", 'must be true or false, got "perhaps"'),
    ({"prediction_id": "0" * 32, "label": 2}, ".label", "must be true or false, got 2"),
    ({"prediction_id": "short", "label": True}, ".prediction_id", "must be a text of the pattern ^[0-9a-f]{32}$"),
    ({"prediction_id": "0" * 32}, "", "there is neither a label nor a decision"),
    ({"label": True}, "", "must name a prediction or a key, and not both"),
    ({"prediction_id": "0" * 32, "key": {"parcel": 1}, "label": True}, "", "must name a prediction"),
    ({"key": {"parcel": "x"}, "label": True}, ".key.parcel", 'must be a whole number, got "x"'),
    ({"key": {"parcel": None}, "label": True}, ".key.parcel", "must"),
    ({"key": {"packet": 1}, "label": True}, ".key", "must have the columns of the contract's key"),
    ({"prediction_id": "0" * 32, "label": True, "lable": 1}, ".lable", "there is no such field"),
    ({"prediction_id": "0" * 32, "label": [True]}, ".label", "must be one value, got a list"),
    ({"prediction_id": "0" * 32, "decision": "x" * 300}, ".decision", "must be a text of at most 200 characters"),
    ({"prediction_id": "0" * 32, "label": True, "at": "yesterday"}, ".at", "must be a time in ISO 8601"),
    ({"prediction_id": "0" * 32, "label": True, "at": 7}, ".at", "must be a text or null, got a whole number"),
    (7, "", "must be an object, got a whole number"),
]


@pytest.mark.parametrize(("item", "field", "what"), BAD)
def test_item_that_cannot_be_taken_is_named_and_nothing_of_the_request_is_kept(service, item, field, what):
    (name,) = predicted(service, 1)

    with pytest.raises(RequestError) as caught:
        send(service, {"prediction_id": name, "label": True}, item)

    assert (caught.value.status, caught.value.code) == (422, "LOG005")
    assert caught.value.where == f"feedback[1]{field}"
    assert caught.value.what.startswith(what)
    assert caught.value.next_step
    assert joined(service) == {name: (None, None)}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"feedback": [', 400),
        (b'{"feedback": [{"label": "\xff"}]}', 400),
        (b'{"feedback": {}}', 422),
        (b'{"feedback": []}', 422),
        (b'{"feedback": [1], "rows": []}', 422),
        (json.dumps({"feedback": [{"prediction_id": "0" * 32, "label": True}] * 61}).encode(), 413),
        (b'{"feedback": ' + b"[" * 100_000, 422),
    ],
)
def test_body_that_holds_no_feedback_is_refused(service, body, status):
    with pytest.raises(RequestError) as caught:
        asyncio.run(feedback(service, body, "request"))
    assert caught.value.status == status
    assert reading.read(service.settings.predictions, "feedback").num_rows == 0


def test_prediction_that_the_log_does_not_hold_is_kept_and_named(service):
    (name,) = predicted(service, 1)
    told = send(service, {"prediction_id": "ab" * 16, "label": True}, {"prediction_id": name, "label": True})
    assert (told["taken"], told["unknown"], told["unknown_ids"]) == (2, 1, ["ab" * 16])
    assert joined(service) == {name: (True, None)}


def test_feedback_that_cannot_be_written_is_not_taken(service, limited_disk):
    predicted(service)
    with limited_disk(10), pytest.raises(ResourceError):
        send(service, {"key": {"parcel": 1}, "label": False})
    assert reading.read(service.settings.predictions, "feedback").num_rows == 0


def test_service_without_a_log_takes_no_feedback(bundle, tmp_path):
    service = Service(bundle, Settings(home=tmp_path / "home", prediction_log="off"))
    service.load()
    with pytest.raises(RequestError) as caught:
        send(service, {"key": {"parcel": 1}, "label": False})
    assert (caught.value.status, caught.value.code) == (503, "LOG006")


def test_feedback_and_explanation_are_given_over_http(serve):
    rows = [{**row, "parcel": number} for number, row in enumerate(released.requests(2))]
    with serve() as client:
        first, second = (
            each["prediction_id"] for each in client.post("/predict", json={"rows": rows}).json()["predictions"]
        )
        items = [{"prediction_id": first, "label": True}, {"key": {"parcel": 1}, "decision": "call"}]
        taken = client.post("/feedback", json={"feedback": items})
        assert (taken.status_code, taken.json()["taken"]) == (200, 2)
        assert client.post("/feedback", json={"feedback": []}).status_code == 422
        assert client.post("/feedback", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
        assert client.get("/feedback").status_code == 405
        explained = client.get(f"/explain/{second}")
        assert (
            explained.json()["keys"] == {"parcel": 1} if explained.status_code == 200 else explained.status_code == 409
        )
        assert client.get("/explain/" + "0" * 32).status_code == 404


def test_feedback_and_explanation_ask_for_the_token(serve):
    with serve(serve_token="secret") as client:
        assert client.post("/feedback", json={"feedback": []}).status_code == 401
        assert client.get("/explain/" + "0" * 32).status_code == 401
        allowed = {"Authorization": "Bearer secret"}
        assert client.post("/feedback", json={"feedback": []}, headers=allowed).status_code == 422
        assert client.get("/explain/" + "0" * 32, headers=allowed).status_code == 404
