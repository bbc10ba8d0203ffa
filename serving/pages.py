"""What the service says about itself: alive, ready, its metrics, its document and the columns of its contract."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from evergreen.base.errors import Unavailable
from serving import inference_protocol, reviewing, swap
from serving.answers import RequestError
from serving.explain import explain
from serving.metrics import CONTENT_TYPE
from serving.status import HEADERS, StatusPage

if TYPE_CHECKING:
    from serving.app import Service


def routes(service: "Service") -> list[Route]:
    """Return the routes of a service's pages; without documents in production."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        served = service.ready()
        told = {"status": "ready", **served.release.model_dump(), "from": service.follower.source}
        return JSONResponse(told | _traffic(service))

    async def metrics(_: Request) -> Response:
        return Response(service.page(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(_: Request) -> Response:
        return Response(service.loaded().document, media_type="application/json")

    async def schema(_: Request) -> Response:
        return Response(service.loaded().schema, media_type="application/json")

    page = StatusPage(service)

    async def standing(_: Request) -> Response:
        return HTMLResponse(await page.page(), headers=HEADERS)

    async def reload(_: Request) -> Response:
        try:
            outcome = await swap.reload(service)
        except Unavailable as error:
            raise RequestError(409, "", error.code, error.what, next_step=error.next_step) from error
        return JSONResponse(asdict(outcome), 200 if outcome.outcome in ("swapped", "unchanged") else 409)

    async def explanation(request: Request) -> Response:
        found = await explain(service, request.path_params["prediction_id"])
        return Response(found, media_type="application/json")

    always = [
        Route("/explain/{prediction_id}", explanation),
        Route("/admin/reload", reload, methods=["POST"]),
        Route("/healthz", healthz),
        Route("/livez", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        *inference_protocol.routes(service),
        *reviewing.routes(service),
    ]
    documents = [Route("/openapi.json", openapi), Route("/schema", schema), Route("/status", standing)]
    return always + (documents if service.settings.serve_documents else [])


def _traffic(service: "Service") -> dict[str, Any]:
    """Return by which rule traffic is divided, and by whom; or why the rule that stands is not taken up."""
    routing, routed = service.routing, service.follower.routed
    if routing is not None:
        traffic = routing.traffic
        said = {"rule": traffic.rule, "mode": traffic.mode, "variants": {arm.name: arm.version for arm in traffic.arms}}
        return {"traffic": said}
    return {"traffic": asdict(routed)} if routed.rule else {}


async def refused(request: Request, error: Exception) -> Response:
    """Return a refusal in the form of every other."""
    assert isinstance(error, RequestError)
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(
        inference_protocol.error_body(request.url.path, error),
        error.status,
        headers=headers,
        media_type="application/json",
    )


async def no_such_route(request: Request, error: Exception) -> Response:
    """Return 404 and 405 in the form of every other error; OPTIONS of a route that is there says what it allows."""
    assert isinstance(error, HTTPException)
    headers = error.headers or {}
    if request.method == "OPTIONS" and error.status_code == 405:
        return Response(status_code=204, headers=headers)
    what = f"{request.method[:20]} {request.url.path[:80]}: {error.detail}"
    next_step = "GET /openapi.json describes the service."
    refusal = RequestError(error.status_code, "", "SRV008", what, next_step=next_step)
    return Response(
        inference_protocol.error_body(request.url.path, refusal),
        refusal.status,
        headers=headers,
        media_type="application/json",
    )
