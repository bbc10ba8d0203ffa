"""What the document says of feedback and explanations is what is taken, and what is answered."""

from typing import Any

import jsonschema_rs
import pytest
import released

from evergreen.config.contract.contract import Contract
from serving.afterwards import paths, schemas
from serving.spellings import SHARED

ID = "0" * 32
ITEMS: list[Any] = [
    {"prediction_id": ID, "label": True},
    {"prediction_id": ID, "label": "FALSE", "decision": None, "key": None, "at": None, "by": None},
    {"prediction_id": ID, "label": 0, "at": "2024-05-03T10:00:00+02:00"},
    {"prediction_id": ID, "decision": "call", "by": "ann", "at": "2024-05-03"},
    {"prediction_id": ID, "decision": "x" * 200, "label": None},
    {"key": {"parcel": 1}, "label": True},
    {"key": {"parcel": "17"}, "decision": "call", "prediction_id": None},
    {"prediction_id": ID},
    {"prediction_id": ID, "label": None, "decision": None},
    {"prediction_id": ID, "label": "perhaps"},
    {"prediction_id": ID, "label": 2},
    {"prediction_id": ID, "label": [True]},
    {"prediction_id": ID, "label": True, "lable": 1},
    {"prediction_id": ID, "label": True, "key": {"parcel": 1}},
    {"prediction_id": ID.upper() + "A", "label": True},
    {"prediction_id": 7, "label": True},
    {"prediction_id": ID, "decision": ""},
    {"prediction_id": ID, "decision": "x" * 201},
    {"prediction_id": ID, "label": True, "by": ""},
    {"prediction_id": ID, "label": True, "at": "yesterday"},
    {"prediction_id": ID, "label": True, "at": 1714700000},
    {"key": {}, "label": True},
    {"key": {"parcel": None}, "label": True},
    {"key": {"parcel": "x"}, "label": True},
    {"key": {"parcel": 1, "more": 2}, "label": True},
    {"label": True},
    {},
    [],
    None,
]


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


def of(document, name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


@pytest.mark.parametrize("item", ITEMS)
def test_item_is_taken_exactly_if_the_document_allows_it(client, document, item):
    body = {"feedback": [item]}

    response = client.post("/feedback", json=body)

    assert response.status_code == (200 if of(document, "FeedbackRequest").is_valid(body) else 422), response.text
    assert of(document, "Taken" if response.status_code == 200 else "Failure").is_valid(response.json())


def test_items_are_of_both_kinds(document):
    allowed = of(document, "Feedback")
    assert [item for item in ITEMS if allowed.is_valid(item)] == ITEMS[:7]


def test_explanation_is_as_the_document_says(client, document):
    row = {"rows": released.requests(1)}
    (answer,) = client.post("/predict", json=row).json()["predictions"]

    response = client.get(f"/explain/{answer['prediction_id']}")

    assert response.status_code == 200
    of(document, "Explanation").validate(response.json())
    for status, name in ((404, "0" * 32), (404, "short")):
        refused = client.get(f"/explain/{name}")
        assert refused.status_code == status
        assert str(status) in document["paths"]["/explain/{prediction_id}"]["get"]["responses"]
        of(document, "Failure").validate(refused.json())


def test_without_a_key_in_the_contract_only_a_prediction_is_named():
    keyless = Contract.model_validate(
        {
            **released.CONTRACT.model_dump(),
            "key": [],
            "columns": [c for c in released.CONTRACT.model_dump()["columns"] if c["role"] != "key"],
        }
    )
    found = schemas(keyless, 10)

    schema = {"$ref": "#/components/schemas/Feedback", "components": {"schemas": {**found, **SHARED}}}
    allowed = jsonschema_rs.Draft202012Validator(schema)
    assert allowed.is_valid(ITEMS[0])
    assert not allowed.is_valid(ITEMS[5])
    assert found["FeedbackRequest"]["properties"]["feedback"]["maxItems"] == 10


def test_statuses_say_what_they_mean():
    found = paths({422: "odd", 400: "a", 401: "b", 405: "c", 503: "d"})

    assert found["/feedback"]["post"]["responses"]["422"]["description"] == "odd"
    assert {"404", "409"} <= {*found["/explain/{prediction_id}"]["get"]["responses"]}
