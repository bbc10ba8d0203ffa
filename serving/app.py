"""The service as a plain ASGI application: one verified release, limits, health, metrics and the prediction log."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evergreen.base.errors import ResourceError
from evergreen.config.settings import Settings
from evergreen.learning.model.package import verify_package
from serving.answers import Answer, RequestError, answer_model, openapi, refuse
from serving.metrics import CONTENT_TYPE, Metrics
from serving.predictor import Predictor
from serving.requests import Rows, body_model, parse, read_body

log = logging.getLogger(__name__)


class Service:
    """The endpoints, and what they need once `load` has run: until then only `healthz` and `metrics` say yes."""

    def __init__(
        self,
        bundle: Path,
        log_folder: Path,
        *,
        max_body_bytes: int,
        max_requests_at_once: int,
        verify: Callable[[], None] | None = None,
    ) -> None:
        self.bundle, self.log_folder, self.verify = bundle, log_folder, verify
        self.max_body_bytes, self.max_requests_at_once = max_body_bytes, max_requests_at_once
        self.metrics = Metrics(routes=("/predict", "/healthz", "/readyz", "/metrics", "/openapi.json"))
        self._predictor: Predictor | None = None
        self._body: type[Rows] = Rows
        self._answer: type[Answer] = Answer
        self._n_open = 0

    def load(self) -> None:
        """Load and verify the release; raises what `verify` and `Predictor.load` raise. A second call does nothing."""
        if self._predictor is None:
            if self.verify:
                self.verify()
            predictor = Predictor.load(self.bundle, log_folder=self.log_folder, metrics=self.metrics)
            self._body = body_model(predictor.model.contract, predictor.model.given)
            self._answer = answer_model(predictor.model)
            self._predictor = predictor

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(self.load)
        yield
        predictor, self._predictor = self._loaded(), None
        await predictor.close()

    def _loaded(self) -> Predictor:
        if self._predictor is None:
            raise RequestError(
                503, "not_ready", "SRV006", "no model is loaded", next_step="Wait for /readyz to answer 200."
            )
        return self._predictor

    async def predict(self, request: Request) -> Response:
        try:
            return await self._predict(request)
        except RequestError as refused:
            failure = refused
        except ResourceError as error:
            log.error("not answered, because it could not be logged. %s", error.block())
            what = "the prediction could not be logged, so it is not given"
            failure = RequestError(
                503, "log", error.code, what, next_step="Send it again once there is room for the log."
            )
        except ClientDisconnect:
            failure = RequestError(400, "disconnected", "SRV008", "the caller left before the body was whole")
        except Exception:
            log.exception("SRV009: prediction failed")
            next_step = "Report it, with the time of the request: the service's log has the traceback."
            failure = RequestError(500, "internal", "SRV009", "the prediction failed", next_step=next_step)
        self.metrics.failed(failure.cause)
        return refuse(failure)

    async def _predict(self, request: Request) -> Response:
        predictor = self._loaded()
        if self._n_open >= self.max_requests_at_once:
            what = f"{self._n_open} requests are being answered"
            raise RequestError(503, "busy", "SRV005", what, next_step="Send it again in a second.")
        self._n_open += 1
        try:
            body = await read_body(request, max_bytes=self.max_body_bytes)
            predicted = await predictor.predict(parse(self._body, body).plain())
        finally:
            self._n_open -= 1
        answer = self._answer(
            model=predictor.release.model, version=predictor.release.version, predictions=list(map(vars, predicted))
        )
        return Response(answer.model_dump_json(), media_type="application/json")

    async def healthz(self, _: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(self, _: Request) -> Response:
        try:
            return JSONResponse({"status": "ready", **self._loaded().release.model_dump()})
        except RequestError as refused:
            return refuse(refused)

    async def metrics_page(self, _: Request) -> Response:
        return Response(self.metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi_page(self, _: Request) -> Response:
        try:
            return JSONResponse(openapi(self._loaded().release, self._body, self._answer))
        except RequestError as refused:
            return refuse(refused)


class RequestMeter:
    """Counts and times every request by route and status; a path that is not a route counts as "other"."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            self._metrics.requested(scope["path"], status, perf_counter() - started)


def create_app(
    bundle: Path,
    log_folder: Path,
    *,
    max_body_bytes: int = 1_000_000,
    max_requests_at_once: int = 256,
    verify: Callable[[], None] | None = None,
) -> Starlette:
    """Return the application that serves the release in `bundle`, which is read when the application starts.

    Parameters
    ----------
    bundle : folder with ``release.json`` and ``model/``.
    log_folder : where predictions are logged before they are answered.
    max_requests_at_once : beyond it the answer is 503 at once.
    verify : called before anything of the bundle is read; it raises if the bundle must not be served.
    """
    service = Service(
        bundle,
        log_folder,
        max_body_bytes=max_body_bytes,
        max_requests_at_once=max_requests_at_once,
        verify=verify,
    )
    routes = [
        Route("/predict", service.predict, methods=["POST"]),
        Route("/healthz", service.healthz),
        Route("/readyz", service.readyz),
        Route("/metrics", service.metrics_page),
        Route("/openapi.json", service.openapi_page),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(RequestMeter, metrics=service.metrics)],
        exception_handlers={HTTPException: no_such_route},
        lifespan=service.lifespan,
    )
    app.state.service = service
    return app


def from_environment() -> Starlette:
    """Return the application for the bundle that this very file lies in, set up by EVERGREEN_* variables.

    It checks the package that the bundle lies in, as far as code can that is part of it: `evergreen serve` checks the
    whole of it before any of it runs.
    """
    settings = Settings()
    bundle = Path(__file__).parents[1]
    return create_app(
        bundle,
        settings.predictions,
        max_body_bytes=settings.max_body_bytes,
        max_requests_at_once=settings.max_requests_at_once,
        verify=partial(verify_own_package, bundle, settings),
    )


def verify_own_package(bundle: Path, settings: Settings) -> None:
    """Check what a running service is made of: what lies in `bundle`, against the manifest of its package.

    What BentoML writes beside the bundle in a container, and bytecode where this interpreter writes some, are passed
    over.

    Raises
    ------
    IntegrityError as `verify_package` does.
    """
    verify_package(
        bundle.parent,
        settings.package_digest,
        trusted_keys=settings.trusted_keys,
        below=bundle.name,
        bytecode=not sys.dont_write_bytecode,
    )
    if settings.package_digest is None:
        log.warning("the package is compared with its own manifest only: EVERGREEN_PACKAGE_DIGEST names no digest")


async def no_such_route(request: Request, error: Exception) -> Response:
    """Return 404 and 405 in the form of every other error."""
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path[:80]}: {error.detail}"
    return refuse(
        RequestError(error.status_code, "", "SRV008", what, next_step="GET /openapi.json describes the service."),
        error.headers,
    )
