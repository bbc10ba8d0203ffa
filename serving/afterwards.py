"""What the document says of the time after a prediction: what may come back about it, and how it is explained."""

from typing import Any

from evergreen.config.contract.contract import Contract
from evergreen.record.labels.columns import AT, ID, LONGEST, key_columns, label_column
from serving.spellings import Schema, schema_of

Content = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST}
NULL: Schema = {"type": "null"}
OBJECT: Schema = {"type": "object"}
NUMBER: Schema = {"type": "number"}
TAKEN: Schema = {
    "type": "object",
    "description": "What is kept now; `unknown` of them name predictions that this log does not hold, or not any more.",
    "properties": {
        "taken": {"type": "integer", "minimum": 1},
        "unknown": {"type": "integer", "minimum": 0},
        "unknown_ids": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["taken", "unknown", "unknown_ids"],
    "additionalProperties": False,
}
CONTRIBUTION: Schema = {
    "type": "object",
    "description": "What one value adds to the estimate of the typical row.",
    "properties": {
        "feature": {"type": "string"},
        "value": {"type": ["string", "number", "boolean", "null"]},
        "typical": {"type": ["string", "number", "boolean", "null"]},
        "contribution": NUMBER,
        "standard_error": NUMBER,
    },
    "required": ["feature", "value", "typical", "contribution", "standard_error"],
    "additionalProperties": False,
}
EXPLANATION: Schema = {
    "type": "object",
    "properties": {
        "prediction_id": {"type": "string", "pattern": ID},
        "model": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        **dict.fromkeys(("answer", "input", "keys", "features"), OBJECT),
        "contributions": {"type": "array", "items": {"$ref": "#/components/schemas/Contribution"}},
        "estimate": NUMBER,
        "typical_estimate": NUMBER,
        "of": {"type": "string"},
        "permutations": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]},
    },
}
EXPLANATION["required"] = [*EXPLANATION["properties"]]


def schemas(contract: Contract, max_items: int) -> dict[str, Schema]:
    """Return the schemas of what comes back, and of what is answered."""
    items = {"type": "array", "items": {"$ref": "#/components/schemas/Feedback"}, "minItems": 1, "maxItems": max_items}
    return {
        "Feedback": {
            "description": "A label, a decision that a person took, or both, of one prediction or of all of a key. "
            "`at`: when it was known; `by`: who says it. What is null is not sent.",
            "anyOf": _items(contract),
        },
        "FeedbackRequest": {
            "type": "object",
            "properties": {"feedback": items},
            "required": ["feedback"],
            "additionalProperties": False,
        },
        "Taken": TAKEN,
        "Contribution": CONTRIBUTION,
        "Explanation": EXPLANATION,
    }


def _items(contract: Contract) -> list[Schema]:
    """Return one schema for each way to say something: of a prediction or a key, and what for sure is said."""
    key, label = key_columns(contract), schema_of(label_column(contract))
    about: list[dict[str, Schema]] = [{"prediction_id": {"type": "string", "pattern": ID}, "key": NULL}]
    if key:
        columns = {column.name: schema_of(column) for column in key}
        sent = {"type": "object", "properties": columns, "required": [*columns], "additionalProperties": False}
        about.append({"key": sent, "prediction_id": NULL})
    said: list[dict[str, Schema]] = [
        {"label": label, "decision": _or_null(TEXT)},
        {"decision": TEXT, "label": _or_null(label)},
    ]
    more = {"at": _or_null(schema_of(AT)), "by": _or_null(TEXT)}
    return [
        {
            "type": "object",
            "properties": {**of, **what, **more},
            "required": [next(iter(of)), next(iter(what))],
            "additionalProperties": False,
        }
        for of in about
        for what in said
    ]


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, NULL]}


def paths(refusals: dict[int, str]) -> dict[str, Any]:
    """Return the paths below which something comes back or is explained; `refusals`: what a status means."""
    names = {404: "no such prediction in the log", 409: "another version gave it", **refusals}
    prediction_id = {
        "name": "prediction_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": ID},
    }
    return {
        "/feedback": {
            "post": {
                "operationId": "feedback",
                "summary": "Say what became of predictions.",
                "requestBody": {"required": True, **content("FeedbackRequest")},
                "responses": {
                    "200": {"description": "all of it is on record", **content("Taken")},
                    **_refused({status: names[status] for status in refusals}),
                },
            }
        },
        "/explain/{prediction_id}": {
            "get": {
                "operationId": "explain",
                "summary": "Say why a prediction was what it was.",
                "parameters": [prediction_id],
                "responses": {
                    "200": {"description": "what was asked, and what each value added", **content("Explanation")},
                    **_refused({status: names[status] for status in (400, 401, 404, 405, 409, 503)}),
                },
            }
        },
    }


def _refused(statuses: dict[int, str]) -> dict[str, Any]:
    return {str(status): {"description": why, **content("Failure")} for status, why in statuses.items()}


def content(name: str) -> Content:
    """Return a body in JSON of one of the document's schemas."""
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
