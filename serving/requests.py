"""What a caller may send, derived from the contract, and how it is read and refused."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.times import EARLIEST, LATEST
from serving.answers import RequestError

SECONDS_FOR_BODY = 10


class Rows(BaseModel):
    """The shape of every request body: one object per row to predict."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    rows: list[Any]

    def plain(self) -> list[dict[str, Any]]:
        """Return the rows with the contract's names, in its order."""
        return [row.model_dump(by_alias=True) for row in self.rows]


def body_model(contract: Contract, given: Sequence[Column] = ()) -> type[Rows]:
    """Return the model of a request body for a contract's request columns, and for what may be `given` beside them.

    Fields are known by position inside, so that a column may have any name, such as ``copy`` or ``model_config``.
    """
    columns: dict[str, Any] = {
        f"column_{number}": (_annotation(column), Field(alias=column.name, description=_description(column)))
        for number, column in enumerate(contract.request_columns)
    }
    columns |= {
        f"given_{number}": (_annotation(column), Field(None, alias=column.name, description=_description(column)))
        for number, column in enumerate(given)
    }
    row = create_model("Row", __config__=Rows.model_config, __doc__=contract.description, **columns)
    return create_model("PredictionRequest", __base__=Rows, rows=(list[row], Field(min_length=1)))


def _annotation(column: Column) -> Any:
    within: Any = Field(ge=column.min, le=column.max)
    kind: Any
    if column.type == "timestamp":
        kind = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
    elif column.type == "number":
        kind = Annotated[float, within]
    elif column.type == "integer":
        kind = Annotated[int, BeforeValidator(_whole), Field(ge=-(2**63), lt=2**63), within]
    elif column.type == "boolean":
        kind = bool
    else:
        kind = Literal[column.categories] if column.categories and not column.open else str
        if column.pattern is not None:
            shown = Field(json_schema_extra={"pattern": f"^(?:{column.pattern})$"})
            kind = Annotated[kind, AfterValidator(_matching(re.compile(column.pattern))), shown]
    return kind | None if column.nullable else kind


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Return a validator of the whole value; Python's expressions, as batch scoring uses, and not Pydantic's."""

    def matching(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise PydanticCustomError("pattern", "Value should match {pattern}", {"pattern": pattern.pattern})
        return value

    return matching


def _whole(value: Any) -> Any:
    """Return 3 for 3.0: tables with missing values send their integers so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _description(column: Column) -> str:
    return ", ".join(part for part in (column.description, column.unit) if part)


def parse(kind: type[Rows], body: bytes) -> Rows:
    """Return a body as `kind`, or refuse it with the first fault, its row and its field."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        if fault["type"] == "json_invalid":
            raise RequestError(400, "not_json", "SRV003", fault["msg"], next_step="Send a JSON object.") from error
        at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
        got = "" if fault["type"] == "missing" else f", got {repr(fault['input'])[:80]}"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        next_step = "GET /openapi.json names every field with its type and bounds."
        what = f"{fault['msg']}{got}{more}"
        raise RequestError(422, "invalid", "SRV004", what, where=at or "body", next_step=next_step) from error


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """Return the body of a JSON request; stops reading at the limit, whatever the request says of its length."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise RequestError(
            415, "not_json", "SRV001", "the body must be JSON in UTF-8", next_step="Set Content-Type: application/json."
        )
    too_large = RequestError(
        413,
        "too_large",
        "SRV002",
        f"the body is larger than {max_bytes} bytes",
        next_step="Send fewer rows at a time, or raise EVERGREEN_MAX_BODY_BYTES.",
    )
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS_FOR_BODY):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise too_large
    except TimeoutError as error:
        what = f"the body did not arrive within {SECONDS_FOR_BODY} seconds"
        raise RequestError(408, "too_slow", "SRV007", what, next_step="Send it again.") from error
    return bytes(body)
