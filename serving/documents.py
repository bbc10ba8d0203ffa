"""The OpenAPI document of a release, which equals its contract, and the contract's columns as a page."""

from collections.abc import Sequence
from typing import Any

from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.decisions.automation.degrees import REFERRED
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from serving import afterwards
from serving.afterwards import content
from serving.answers import to_json
from serving.decoding import Decoder
from serving.spellings import Schema, may_be_missing, schema_of, shared

REFUSALS = {
    400: "not JSON, or a foreign Host",
    401: "without the token that is asked for",
    405: "another method",
    408: "too slow",
    413: "too large, or too many rows",
    415: "another media type than JSON",
    422: "a row that the contract does not allow",
    500: "a fault of the service",
    503: "busy, not ready, or it could not be logged",
}
BLOCK = {
    "type": "object",
    "description": "What went wrong, where in the request, and what to do next; `code` is stable.",
    "properties": {name: {"type": "string"} for name in ("code", "what", "where", "next")},
    "required": ["code", "what", "where", "next"],
    "additionalProperties": False,
}
FAILURE = {
    "type": "object",
    "description": "Every answer that is not 200.",
    "properties": {"error": BLOCK},
    "required": ["error"],
    "additionalProperties": False,
}
PAGES = {
    "/healthz": ("alive", "Whether the process answers."),
    "/livez": ("lives", "Whether the process answers."),
    "/readyz": ("ready", "Whether the next request for a prediction could be answered."),
    "/schema": ("schema", "The columns of the contract."),
}
STATUS = {
    "get": {
        "operationId": "status",
        "summary": "A page for people that says how things stand.",
        "responses": {"200": {"description": "the page", "content": {"text/html": {"schema": {"type": "string"}}}}},
    }
}


ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
ADVISED = {"decision": {"const": REFERRED}, "reason": {"type": "string"}}
REFERRED_ROW = {
    "type": "object",
    "description": "A row that a person decides. What the model says of it, if it is asked at all, is logged and shown "
    "to nobody.",
    "properties": {"prediction_id": ID, **ADVISED},
    "required": ["prediction_id", *ADVISED],
    "additionalProperties": False,
}


def beginning(release: Release) -> bytes:
    """Return how the JSON of every answer begins: all up to its predictions."""
    head = to_json({"model": release.model, "version": release.version})
    return head[:-1] + b',"predictions":'


def openapi(release: Release, model: Model, decoder: Decoder) -> bytes:
    """Return the OpenAPI document of a release, as JSON."""
    schemas = {
        "Row": _row(model, decoder),
        "PredictionRequest": {
            "type": "object",
            "properties": {"rows": _array("Row", minItems=1, maxItems=decoder.max_rows)},
            "required": ["rows"],
            "additionalProperties": False,
        },
        "Predicted": _predicted(model),
        "Advised": _advised(model),
        "Referred": REFERRED_ROW,
        "Answer": {
            "type": "object",
            "description": "The answers, in the order of the rows, and the version of the model that gave them.",
            "properties": {
                "model": {"type": "string", "const": release.model},
                "version": {"type": "integer", "minimum": 1},
                "predictions": _array("Predicted", "Advised", "Referred", minItems=1),
            },
            "required": ["model", "version", "predictions"],
            "additionalProperties": False,
        },
        "Failure": FAILURE,
        **afterwards.schemas(model.contract, decoder.max_rows),
        **shared(model.contract.missing),
    }
    predict: dict[str, Any] = {
        "operationId": "predict",
        "summary": "Predict rows.",
        "requestBody": {"required": True, **content("PredictionRequest")},
        "responses": {
            "200": {"description": "one prediction for each row, in the order of the rows", **content("Answer")},
            **{str(status): {"description": why, **content("Failure")} for status, why in REFUSALS.items()},
        },
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": release.model, "version": str(release.version), "description": model.contract.description},
        "paths": {
            "/predict": {"post": predict},
            **afterwards.paths(REFUSALS),
            **{path: _page(*said) for path, said in PAGES.items()},
            "/status": STATUS,
        },
        "components": {"schemas": schemas},
    }
    return to_json(document)


def schema(release: Release, model: Model, decoder: Decoder) -> bytes:
    """Return the columns of the contract and the features of the past, and what may be sent of them, as JSON."""
    sent, others = {c.name for c in decoder.required}, {c.name for c in decoder.others}
    told = {name for column in model.contract.request_columns for name in column.parts}
    target = model.contract.with_role("target")[0]
    columns = [
        {
            "name": column.name,
            "type": column.type,
            "role": column.role,
            "sent": "always" if column.name in sent else "optional",
            "used": column.name not in others or column.name in told,
            "unit": column.unit,
            "nullable": column.nullable,
            "minimum": column.min,
            "maximum": column.max,
            "categories": column.categories,
            "open": column.open or (column.type in ("category", "text") and column.categories is None),
            "pattern": column.pattern,
            "spelling": _plain(column.spelling),
            "missing": column.missing,
            "parts": column.parts,
            "description": column.description,
        }
        for column in (*model.contract.columns, *model.given)
    ]
    about = {"name": model.contract.name, "task": model.contract.task, "target": target.name}
    return to_json({**about, "model": release.model, "version": release.version, "columns": columns})


def _row(model: Model, decoder: Decoder) -> Schema:
    used = {column.name: _described(schema_of(column), column) for column in decoder.columns}
    told = [column for column in decoder.columns if column.parts]
    kept = {column.name: _described(schema_of(column), column) for column in decoder.keys}
    rest = {column.name: _described(_UNUSED, column) for column in decoder.others[len(decoder.keys) :]}
    return {
        "type": "object",
        "description": model.contract.description,
        "properties": {**used, **kept, **rest, **_parts(model, told)},
        "required": [column.name for column in decoder.required],
        **({"allOf": [_told(column) for column in told if not may_be_missing(column)]} if told else {}),
        "additionalProperties": False,
    }


def _parts(model: Model, told: Sequence[Column]) -> dict[str, Schema]:
    """Return the schemas of what tells times and is no input itself; it may be missing where the time may."""
    inputs = {column.name for column in model.contract.request_columns}
    declared = {column.name: column for column in model.contract.as_written(model.contract.columns)}
    found: dict[str, Schema] = {}
    for column in told:
        for name in column.parts:
            part = declared[name].model_copy(update={"nullable": may_be_missing(column)})
            found |= {} if name in inputs else {name: _described(schema_of(part), part)}
    return found


def _told(column: Column) -> Schema:
    """Return that a row has a time, or all its parts."""
    return {"anyOf": [{"required": [column.name]}, {"required": [*column.parts]}]}


def _plain(spelling: object) -> object:
    return spelling.model_dump() if isinstance(spelling, NumberSpelling) else spelling


_UNUSED: Schema = {"type": ["string", "number", "boolean", "null"]}


def _described(schema: Schema, column: Column) -> Schema:
    text = ", ".join(part for part in (column.description, column.unit) if part)
    return {**schema, "description": text} if text and "description" not in schema and "$ref" not in schema else schema


def _predicted(model: Model) -> Schema:
    target, task = model.contract.with_role("target")[0], model.contract.task
    share = {"type": "number", "minimum": 0, "maximum": 1}
    fields: dict[str, Schema]
    if task == "binary":
        fields = {
            "label": {"type": "boolean", "description": "true when `probability` is at or above the threshold"},
            "probability": share,
            "decision": {"enum": ["positive", "negative"]},
            "reason": {"type": "string", "description": "why it was decided so"},
        }
    elif task == "multiclass":
        fields = {"label": {"enum": list(model.classes)}, "probability": share}
    else:
        fields = {"value": {"type": "number", **({"description": target.unit} if target.unit else {})}}
    properties = {"prediction_id": ID, **fields}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _advised(model: Model) -> Schema:
    predicted = _predicted(model)
    properties = {**predicted["properties"], **ADVISED}
    about = "What the model says, for a person, who decides."
    return {**predicted, "description": about, "properties": properties, "required": list(properties)}


def _page(operation: str, summary: str) -> dict[str, Any]:
    anything = {"content": {"application/json": {"schema": {"type": "object"}}}}
    refused = {str(status): {"description": REFUSALS[status], **content("Failure")} for status in (400, 405, 503)}
    answered = {"200": {"description": summary, **anything}, **refused}
    return {"get": {"operationId": operation, "summary": summary, "responses": answered}}


def _array(*names: str, **bounds: int) -> Schema:
    items = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {"type": "array", "items": items[0] if len(items) == 1 else {"anyOf": items}, **bounds}
