"""Rows that the model refers to people, as the service's page gives them out and takes their answers.

`python -m serving.reviewing` is a process of its own that reads the queue in the log, so that no prediction waits for
it: it reads who asks as JSON, and writes the rows that are theirs.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from evergreen.base import parents
from evergreen.base.errors import ConfigError, EvergreenError, ResourceError
from evergreen.decisions.automation.degrees import REFERRED
from evergreen.record.labels.columns import ID, LONGEST
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Columns, Logged, Scalar
from serving.answers import RequestError, to_json
from serving.aside import told_by
from serving.body import Left, check_media_type
from serving.explain import explain
from serving.feedback import Item, rows_of
from serving.guards import Head
from serving.review_page import HEADERS, PAGE
from serving.shapes import misshapen

if TYPE_CHECKING:
    from serving.app import Service
    from serving.served import Served

Kind = TypeVar("Kind")
NOTHING_CACHED = {"Cache-Control": "no-store"}
Named = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
Id = Annotated[str, msgspec.Meta(pattern=ID)]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants how many rows, in which order and without which."""

    by: Named
    order: Literal["oldest", "unsure"] = "oldest"
    skip: Annotated[list[Id], msgspec.Meta(max_length=500)] = []
    rows: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What a person answers; `anyway`: although somebody else has the row in hand, or it is answered."""

    prediction_id: Id
    by: Named
    label: Scalar = None
    decision: Named | None = None
    anyway: bool = False


def routes(service: "Service") -> list[Route]:
    """Return the page and what it asks for; who may is the guard's to say."""

    async def page(_: Request) -> Response:
        return HTMLResponse(PAGE, headers=HEADERS)

    async def following(request: Request) -> Response:
        served, log = _ready(service)
        wanted = await _sent(service, request, Wanted)
        return _json(await _read_queue(served, log, wanted))

    async def answer(request: Request) -> Response:
        served, log = _ready(service)
        said = await _sent(service, request, Answer)
        return _json(await asyncio.to_thread(_kept, served, log, said))

    async def explanation(request: Request) -> Response:
        from evergreen.record.review.queue import ASSIST

        _, log = _ready(service)
        prediction_id = request.path_params["prediction_id"]
        _, row = await asyncio.to_thread(_referred, log, prediction_id)
        if row.rule != ASSIST:
            raise RequestError(404, "", "LOG017", "what the model made of it is not shown", where=prediction_id[:40])
        found = await explain(service, prediction_id)
        return Response(found, media_type="application/json", headers=NOTHING_CACHED)

    return [
        Route("/review", page),
        Route("/review/next", following, methods=["POST"]),
        Route("/review/answer", answer, methods=["POST"]),
        Route("/review/explain/{prediction_id}", explanation),
    ]


def _ready(service: "Service") -> "tuple[Served, PredictionLog]":
    served = service.loaded()
    if service.log is None:
        what, next_step = "this service keeps no prediction log", "Set prediction_log to strict or available."
        raise RequestError(503, "log", "LOG006", what, next_step=next_step)
    return served, service.log


async def _sent(service: "Service", request: Request, kind: type[Kind]) -> Kind:
    head = Head(request.scope["headers"])
    check_media_type(head.content_type)
    try:
        return msgspec.json.decode(await service.bodies.read(request.receive, head.length), type=kind)
    except Left:
        raise RequestError(400, "disconnected", "SRV008", "the caller left before the body was whole") from None
    except msgspec.ValidationError as error:
        fault = misshapen(error)
        where, next_step = fault.where or "body", "Send what the page at /review sends."
        raise RequestError(422, "invalid", "LOG018", fault.what, where=where, next_step=next_step) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"the body is not JSON: {str(error)[:80]}"
        raise RequestError(400, "not_json", "SRV003", what, next_step="Send a JSON object.") from error


async def _read_queue(served: "Served", log: PredictionLog, wanted: Wanted) -> dict[str, Any]:
    """Return the rows that are somebody's to answer now, and how many wait."""
    contract = served.model.contract
    asked = {
        "parent": os.getpid(),
        "folder": str(log.folder.absolute()),
        "contract": contract.name,
        "wanted": msgspec.to_builtins(wanted),
    }
    told = await told_by("serving.reviewing", asked)
    if told is None:
        what, next_step = (
            "the rows that wait could not be read",
            "The service's log says why; so does evergreen review list.",
        )
        raise RequestError(503, "", "SRV034", what, next_step=next_step)
    about = {
        "model": served.release.model,
        "task": contract.task,
        "target": contract.target,
        "description": contract.description,
        "classes": list(served.model.classes),
    }
    return {"about": about, **json.loads(told)}


def _referred(log: PredictionLog, prediction_id: str) -> tuple[Columns, Logged]:
    found = log.find(prediction_id)
    if found is None or found[1].decision != REFERRED:
        what, next_step = "no such prediction was referred to people", "Look again: POST /review/next."
        raise RequestError(404, "", "LOG017", what, where=prediction_id[:40], next_step=next_step)
    return found


def _kept(served: "Served", log: PredictionLog, said: Answer) -> dict[str, Any]:
    """Keep an answer; what came back through other doors since the row was given out is not looked for."""
    from evergreen.record.review import answering

    _, row = _referred(log, said.prediction_id)
    try:
        by = answering.person(said.by, where="by")
    except ConfigError as error:
        raise RequestError(422, "invalid", "LOG018", error.what, where="by", next_step="Send a name.") from error
    if said.label is None and said.decision is None:
        what, next_step = "there is neither a label nor a decision", "Send one of them."
        raise RequestError(422, "invalid", "LOG005", what, next_step=next_step)
    item = Item(prediction_id=said.prediction_id, label=said.label, decision=said.decision, by=by)
    rows = rows_of(served.model.contract, [item], "")
    about = {said.prediction_id: answering.Referred(rule=row.rule)}
    try:
        given = answering.answer(log, served.columns, rows, about, anyway=said.anyway)
    except ResourceError as error:
        next_step = "Answer again once there is room for it."
        raise RequestError(503, "log", error.code, "the answer could not be kept", next_step=next_step) from error
    if given.held:
        next_step = "Take another one, or send it again with anyway."
        raise RequestError(
            409, "", "RACE009", f"not taken: {given.held[0]}", where=said.prediction_id, next_step=next_step
        )
    return {"taken": len(given.taken), "known": len(given.known)}


def _json(value: object) -> Response:
    return Response(to_json(value), media_type="application/json", headers=NOTHING_CACHED)


def main() -> None:
    """Read who asks, and write the rows that are theirs."""
    asked = json.load(sys.stdin.buffer)
    parents.end_with(asked["parent"])
    try:
        told = _taken(Path(asked["folder"]), asked["contract"], msgspec.convert(asked["wanted"], Wanted))
    except EvergreenError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(to_json(told))


def _taken(folder: Path, contract: str, wanted: Wanted) -> dict[str, Any]:
    from evergreen.record.predictions.ids import find
    from evergreen.record.review import queue
    from evergreen.record.review.claims import Claims

    left = queue.waiting(queue.referred(folder, contract=contract), order=wanted.order)
    skipped = set(wanted.skip)
    ids = [name for name in left.column("prediction_id").to_pylist() if name not in skipped]
    taken = Claims(folder).take(ids, by=wanted.by.strip(), most=wanted.rows)
    found = [each for each in (find(folder, name) for name in taken) if each is not None]
    shown = [queue.shown(*each).model_dump(mode="json") for each in found]
    return {"waiting": left.num_rows, "rows": shown}


if __name__ == "__main__":
    main()
