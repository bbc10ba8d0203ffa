"""The Open Inference Protocol (version 2, JSON over HTTP), as clients of KServe, Seldon and Triton speak it.

It is another door to the same service: the same reading of values, the same batches, limits and log.
"""

import importlib.metadata
import re
from time import time_ns
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evergreen.config.contract.contract import Contract
from serving import tensors
from serving.answers import Headers, Referred, RequestError, to_json
from serving.batching import About
from serving.body import Receive, check_media_type
from serving.decoding import Decoded
from serving.guards import Head
from serving.served import Served

if TYPE_CHECKING:
    from starlette.types import Scope

    from serving.app import Service

PREFIX = "/v2"
HIDING = ("human", "shadow", "partial")  # degrees of automation at which callers are not shown every answer
BINARY = b"inference-header-content-length"
_PLACE = re.compile(r"rows\[(\d+)\]\.(.*)", re.DOTALL)
_INFER = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")


def is_infer(path: str) -> bool:
    """Return whether a path is one where rows are sent to."""
    return path.startswith("/v2/models/") and path.endswith("/infer")


def error_body(path: str, refused: RequestError) -> bytes:
    """Return a refusal in the form that clients of a path read: one text below ``/v2``, our block elsewhere."""
    if path != PREFIX and not path.startswith(f"{PREFIX}/"):
        return refused.body()
    where = _PLACE.sub(r"\2[\1]", refused.where)
    place = f" ({where})" if where else ""
    return to_json({"error": f"{refused.code}: {refused.what}{place}. {refused.next_step}".rstrip()})


async def infer(service: "Service", scope: "Scope", receive: Receive, head: Head) -> tuple[int, bytes, Headers]:
    """Answer the rows in the tensors of a request.

    Raises
    ------
    RequestError as `Service.predict` does; 404 for another model or version; 415 for binary tensors.
    """
    received_us = time_ns() // 1_000
    if scope["method"] != "POST":
        what, allow = f"{scope['method'][:20]} is not for {scope['path'][:80]}", [(b"allow", b"POST")]
        raise RequestError(405, "method", "SRV008", what, next_step="POST it.", headers=allow)
    if any(name == BINARY for name, _ in scope["headers"]):
        raise RequestError(415, "binary", "SRV051", "binary tensors are not read", next_step=tensors.NO_BINARY)
    if head.content_type:  # tritonclient sends none
        check_media_type(head.content_type)
    body = await service.bodies.read(receive, head.length)
    served = service.loaded()
    found = _INFER.fullmatch(scope["path"])
    _check_name(served, found and found[1], found and found[2])
    if service.automation is not None and service.automation.degree in HIDING:
        raise _a_person_decides()
    asked: list[tuple[str | None, tensors.Outputs]] = []

    def read() -> Decoded:
        request, contract, decoder = tensors.decode(body), served.model.contract, served.decoder
        asked.append((request.id, tensors.outputs_of(request, contract.task)))
        rows = tensors.rows_of(
            request,
            decoder.fields,
            required=len(decoder.required),
            max_rows=decoder.max_rows,
        )
        return decoder.read(rows)

    name = head.request_id.decode()
    shown = await service.answer(served, read, len(body), About(name, "v2", received_us))
    answers = [answer for answer in shown if not isinstance(answer, Referred)]
    if len(answers) < len(shown):  # the degree of automation changed meanwhile
        raise _a_person_decides()
    ((own_id, outputs),) = asked
    release = served.release
    answer = {
        "model_name": release.model,
        "model_version": str(release.version),
        "id": own_id or name,
        "outputs": tensors.tensors(answers, outputs),
    }
    return 200, to_json(answer), served.headers


def _a_person_decides() -> RequestError:
    what = "a person decides on rows of this model, and the protocol has no word for it"
    return RequestError(409, "referred", "SRV053", what, next_step="POST the rows to /predict.")


def _check_name(served: Served, model: str | None, version: str | None) -> None:
    release = served.release
    if model != release.model or version not in (None, str(release.version)):
        asked = f"{model}, version {version}" if version else f"{model}"
        what = f"no such model: {asked[:80]}"
        next_step = f"This service answers for {release.model}, version {release.version}."
        raise RequestError(404, "no_such_model", "SRV052", what, next_step=next_step)


def routes(service: "Service") -> list[Route]:
    """Return what a service says of itself below ``/v2``; what a model's inputs are is among its documents."""

    async def server(_: Request) -> Response:
        return _json({"name": "evergreen", "version": _version(), "extensions": []})

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def ready(_: Request) -> Response:
        service.ready()
        return _json({"ready": True})

    async def model_ready(request: Request) -> Response:
        served = service.ready()
        _check_name(served, request.path_params["model"], request.path_params.get("version"))
        return _json({"name": served.release.model, "ready": True})

    async def model(request: Request) -> Response:
        served = service.loaded()
        _check_name(served, request.path_params["model"], request.path_params.get("version"))
        return _json(metadata(served))

    models = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    always = [
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        *(Route(f"{path}/ready", model_ready) for path in models),
    ]
    documents = [Route(path, model) for path in models]
    return always + (documents if service.settings.serve_documents else [])


def metadata(served: Served) -> dict[str, Any]:
    """Return the description of a model: an input for each column that has to be sent, and those that may be."""
    contract: Contract = served.model.contract
    shape = [-1, 1]
    return {
        "name": served.release.model,
        "versions": [str(served.release.version)],
        "platform": "evergreen",
        "inputs": [
            {"name": column.name, "datatype": tensors.datatype(column), "shape": shape}
            for column in served.decoder.inputs
        ],
        "outputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind in tensors.OUTPUTS[contract.task]],
    }


def _json(value: object) -> Response:
    return Response(to_json(value), media_type="application/json")


def _version() -> str:
    try:
        return importlib.metadata.version("evergreen")
    except importlib.metadata.PackageNotFoundError:  # in a package, where it is files beside this one
        return "unknown"
