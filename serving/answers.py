"""What a caller is answered: predictions, or an error in the form of every error of ours; and the document of both."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from evergreen.config.contract.columns import Task
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release


class Identified(BaseModel):
    """What every answer to a row has."""

    prediction_id: str


class Truth(Identified):
    """The answer for one row; `label` is true when `probability` is at or above the release's threshold."""

    label: bool
    probability: Annotated[float, Field(ge=0, le=1)]


class Class(Identified):
    """The answer for one row: its likeliest class and the probability of it."""

    label: str
    probability: Annotated[float, Field(ge=0, le=1)]


class Number(Identified):
    """The answer for one row, in the target's unit."""

    value: float


class Answer(BaseModel):
    """The answers, in the order of the rows, and the registered model version that gave them."""

    model: str
    version: int
    predictions: list[Any]


def answer_model(model: Model) -> type[Answer]:
    """Return the model of what a caller is answered, which depends on what is predicted."""
    by_task: dict[Task, type[Identified]] = {"binary": Truth, "multiclass": Class, "regression": Number}
    predicted = by_task[model.contract.task]
    fields: dict[str, Any] = {}
    if model.classes:
        fields["label"] = (Literal[model.classes], ...)
    target = model.contract.with_role("target")[0]
    if target.unit and predicted is Number:
        fields["value"] = (float, Field(description=target.unit))
    row = create_model("Predicted", __base__=predicted, __doc__=predicted.__doc__, **fields)
    return create_model("Answer", __base__=Answer, __doc__=Answer.__doc__, predictions=(list[row], ...))


class Block(BaseModel):
    """What went wrong, where in the request, and what to do next; `code` is stable."""

    code: str
    what: str
    where: str
    next: str


class Failure(BaseModel):
    """Every answer that is not 200."""

    error: Block


class RequestError(Exception):
    """A request that is answered with an error: its HTTP status, its cause in the metrics, and the error's block."""

    def __init__(self, status: int, cause: str, code: str, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.status, self.cause = status, cause
        self.block = Block(code=code, what=what, where=where, next=next_step)


def refuse(refused: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal as JSON; where the body may not have been read, the connection is closed."""
    more = {"Retry-After": "1"} if refused.status == 503 else {}
    if refused.status in (408, 413, 415, 503):
        more["Connection"] = "close"
    body = Failure(error=refused.block).model_dump_json()
    return Response(body, refused.status, headers={**(headers or {}), **more}, media_type="application/json")


def openapi(release: Release, body: type[BaseModel], answer: type[Answer]) -> dict[str, Any]:
    """Return the OpenAPI document of a release whose request bodies are `body` and whose answers are `answer`."""
    _, schemas = models_json_schema(
        [(body, "validation"), (answer, "serialization"), (Failure, "serialization")],
        ref_template="#/components/schemas/{model}",
    )

    def content(name: str) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    refusals = {400: "not JSON", 408: "too slow", 413: "too large", 415: "not JSON", 422: "wrong rows", 503: "busy"}
    responses = {"200": {"description": "one prediction per row, in the order of the rows", **content("Answer")}}
    responses |= {str(status): {"description": why, **content("Failure")} for status, why in refusals.items()}
    operation = {
        "operationId": "predict",
        "requestBody": {"required": True, **content(body.__name__)},
        "responses": responses,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": release.model, "version": str(release.version)},
        "paths": {"/predict": {"post": operation}},
        "components": {"schemas": schemas["$defs"]},
    }
