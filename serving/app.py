"""The service as a plain ASGI application: predictions by hand, for they are many, and everything else by Starlette."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, time_ns

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from evergreen.base.errors import ResourceError
from evergreen.config.settings import Settings
from evergreen.decisions.automation.degrees import Automation
from evergreen.learning.model.package import verify_package
from evergreen.record.predictions.log import PredictionLog
from serving import inference_protocol, last_degree, logs, pages
from serving.answers import Headers, RequestError, Shown, to_json
from serving.batching import About, Batcher, Read
from serving.body import Bodies, Incoming, Left, check_media_type
from serving.feedback import feedback
from serving.guards import Guard, Head
from serving.metrics import Metrics
from serving.observing import observing
from serving.places import Places
from serving.served import Served
from serving.swap import Follower, Source, following

log = logging.getLogger(__name__)
ROUTES = (
    "/predict",
    "/feedback",
    "/explain",
    "/healthz",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/schema",
    "/status",
    "/v2/infer",
    "/admin/reload",
    "/review",
    "/review/next",
    "/review/answer",
)
NOSNIFF = (b"x-content-type-options", b"nosniff")
JSON = [(b"content-type", b"application/json"), NOSNIFF]
HURRIED = (408, 503)  # of a body that is slow, or in the way of others: nobody waits for the rest of it
Answered = tuple[int, bytes, Headers]
Handler = Callable[[Scope, Receive, Head], Awaitable[Answered]]


class Service:
    """What the endpoints need: until `load` has run, only `healthz` and `metrics` say yes.

    `served` is the one reference to what answers: whoever swaps it assigns another, and requests under way keep theirs.
    """

    def __init__(
        self,
        bundle: Path,
        settings: Settings,
        *,
        verify: Callable[[], None] | None = None,
        source: Source = "package",
        counts: Path | None = None,
    ) -> None:
        self.bundle, self.settings, self.verify = bundle, settings, verify
        self.metrics = Metrics(counts, routes=ROUTES)
        self.follower = Follower(self, source=source)
        self.bodies = Bodies(max_bytes=settings.max_body_bytes)
        self.served: Served | None = None
        self.log: PredictionLog | None = None
        self.batcher: Batcher | None = None
        self.is_draining = False
        self.places = Places(settings.max_requests_at_once)

    def load(self) -> None:
        """Verify and load the release, and open the log; a second call does nothing.

        Raises
        ------
        IntegrityError if the bundle is damaged; whatever `verify` raises; ResourceError if the log cannot be written.
        """
        if self.served is not None:
            return
        if self.verify:
            self.verify()
        served = Served.load(self.bundle, max_rows=self.settings.max_rows)
        policy = self.settings.prediction_log
        self.log = None if policy == "off" else PredictionLog(self.settings.predictions, policy=policy)
        self.batcher = Batcher(self.log, self.metrics)
        self.decide_by(last_degree.at_start(self.settings, served.release.model))
        self.swap(served)

    def swap(self, served: Served) -> None:
        """Let `served` answer from now on; what is under way is answered by the release that it began with."""
        self.metrics.loaded(served, since=served.written)
        self.served = served
        release = served.release
        log.info("serving %s version %d, digest %s", release.model, release.version, release.model_digest[:12])

    @property
    def automation(self) -> Automation | None:
        """Who decides on what is answered now; None: the model, on every row."""
        return self.batcher.automation if self.batcher else None

    def decide_by(self, automation: Automation | None) -> None:
        """Let a degree of automation hold for what is answered from now on."""
        assert self.batcher is not None
        self.batcher.automation = automation
        self.metrics.degree(automation.degree if automation else "auto")

    def loaded(self) -> Served:
        """Return what answers; raises RequestError 503 if nothing does."""
        if self.served is None:
            what, next_step = "no model is loaded", "Wait for /readyz to answer 200."
            raise RequestError(503, "not_ready", "SRV006", what, next_step=next_step)
        return self.served

    def ready(self) -> Served:
        """Return what answers, if the next request for a prediction could be answered; raises RequestError 503 else."""
        served = self.loaded()
        if self.is_draining:
            raise RequestError(503, "not_ready", "SRV015", "the service is ending", next_step="Ask another one.")
        if self.settings.prediction_log == "strict" and self.log is not None and not self.log.writable:
            next_step = "Give the log's folder room and write access; the service's log names it."
            raise RequestError(503, "not_ready", "SRV016", "predictions cannot be logged", next_step=next_step)
        return served

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        self.sample()
        return self.metrics.page()

    def sample(self) -> None:
        """Take into the metrics what changes by itself."""
        self.metrics.in_flight(self.places.taken)
        self.metrics.sample(self.log, ready=self.is_ready())

    def is_ready(self) -> bool:
        """Return whether the next request for a prediction could be answered."""
        try:
            self.ready()
        except RequestError:
            return False
        return True

    async def predict(self, scope: Scope, receive: Receive, head: Head) -> Answered:
        """Answer the rows in the body of a request."""
        received_us = time_ns() // 1_000
        if scope["method"] != "POST":
            return only_post(scope)
        check_media_type(head.content_type)
        body = await self.bodies.read(receive, head.length)
        about = About(head.request_id.decode(), "http", received_us)
        served = self.loaded()
        answers = await self.answer(served, partial(served.decoder.decode, body), len(body), about)
        return 200, b"%s%s}" % (served.begin, to_json(answers)), served.headers

    async def feedback(self, scope: Scope, receive: Receive, head: Head) -> Answered:
        """Keep what came back about predictions."""
        if scope["method"] != "POST":
            return only_post(scope)
        check_media_type(head.content_type)
        body = await self.bodies.read(receive, head.length)
        self.places.take(len(body))
        try:
            return 200, await feedback(self, body, head.request_id.decode()), self.loaded().headers
        finally:
            self.places.give_back(len(body))

    async def answer(self, served: Served, read: Read, n_bytes: int, about: About) -> Sequence[Shown]:
        """Return the logged answers of the rows that `read` returns of a body of so many bytes.

        Raises
        ------
        RequestError 503 if no place is free, or nothing is there to answer with; whatever `read` raises.
        """
        if self.batcher is None:
            self.loaded()
        assert self.batcher is not None
        self.places.take(n_bytes)
        try:
            return await self.batcher.submit(served, read, n_bytes, about)
        finally:
            self.places.give_back(n_bytes)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(self.load)
        async with following(self), observing(self.sample):
            yield
        self.is_draining = True
        if self.batcher is not None:
            await self.batcher.close()
        self.served = self.batcher = None
        if self.log is not None:
            await asyncio.to_thread(self.log.close)


class Application:
    """The ASGI application of a service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._guard = Guard(service.settings)
        self._by_hand: dict[str, Handler] = {"/predict": service.predict, "/feedback": service.feedback}
        self._infer: Handler = partial(inference_protocol.infer, service)
        self._rest = Starlette(
            routes=pages.routes(service),
            exception_handlers={HTTPException: pages.no_such_route, RequestError: pages.refused},
            lifespan=service.lifespan,
        )
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        began, path, head, incoming = perf_counter(), scope["path"], Head(scope["headers"]), Incoming(receive)
        handler = self._by_hand.get(path) or (self._infer if inference_protocol.is_infer(path) else None)
        if handler is not None:
            status, body, headers = await self._answered(handler, scope, incoming, head)
            self._count(scope, "/v2/infer" if handler is self._infer else path, status, began, head)
            await respond(send, status, body, headers, head)
        else:
            status = await self._by_starlette(scope, incoming, send, head)
            self._count(scope, path, status, began, head)

    def _count(self, scope: Scope, route: str, status: int, began: float, head: Head) -> None:
        """Count a request, and log it if it was not answered; predictions before their caller sees them."""
        seconds = perf_counter() - began
        self.service.metrics.requested(route, status, seconds)
        if status >= 400:
            known = route if route in ROUTES else "other"
            logs.answered(scope["method"], known, status, seconds, request_id=head.request_id.decode())

    async def _answered(self, handler: Handler, scope: Scope, incoming: Incoming, head: Head) -> Answered:
        try:
            if not self._guard.is_open:
                self._guard.check(scope["path"], head)
            return await handler(scope, incoming, head)
        except RequestError as refused:  # answered from here: an error in a variable keeps its frames, and the body
            return await self._refused(scope, incoming, refused)
        except ResourceError as error:
            told = {"request_id": head.request_id.decode()}
            log.error("not answered, because it could not be logged", exc_info=error, extra=told)
            what = "the prediction could not be logged, so it is not given"
            next_step = "Send it again once there is room for it."
            return await self._refused(scope, incoming, RequestError(503, "log", error.code, what, next_step=next_step))
        except Left:
            what = "the caller left before the body was whole"
            return await self._refused(scope, incoming, RequestError(400, "disconnected", "SRV008", what))
        except Exception:
            log.exception("SRV009: prediction failed", extra={"request_id": head.request_id.decode()})
            next_step = "Report it, with the time of the request: the service's log has the traceback."
            failure = RequestError(500, "internal", "SRV009", "the prediction failed", next_step=next_step)
            return await self._refused(scope, incoming, failure)

    async def _refused(self, scope: Scope, incoming: Incoming, refused: RequestError) -> Answered:
        self.service.metrics.failed(refused.cause)
        if not incoming.is_whole and refused.status not in HURRIED:
            await incoming.drain()
        return refused.status, inference_protocol.error_body(scope["path"], refused), refused.headers

    async def _by_starlette(self, scope: Scope, incoming: Incoming, send: Send, head: Head) -> int:
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400:
                    await incoming.drain()
                message["headers"] = [*message.get("headers", ()), NOSNIFF, (b"x-request-id", head.request_id)]
            await send(message)

        try:
            self._guard.check(scope["path"], head)
        except RequestError as refused:
            await incoming.drain()
            await respond(
                send, refused.status, inference_protocol.error_body(scope["path"], refused), refused.headers, head
            )
            return refused.status
        await self._rest(scope, incoming, told)
        return status


async def respond(send: Send, status: int, body: bytes, headers: Headers, head: Head) -> None:
    """Send an answer in JSON."""
    length = (b"content-length", b"%d" % len(body))
    start = [*JSON, *headers, (b"x-request-id", head.request_id), length]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def only_post(scope: Scope) -> Answered:
    """Return the answer to another method than POST: what is allowed."""
    allow = [(b"allow", b"OPTIONS, POST")]
    if scope["method"] == "OPTIONS":
        return 204, b"", allow
    what, next_step = f"{scope['method'][:20]} is not for {scope['path'][:80]}", "POST it."
    raise RequestError(405, "method", "SRV008", what, next_step=next_step, headers=allow)


def create_app(
    bundle: Path,
    settings: Settings,
    *,
    verify: Callable[[], None] | None = None,
    source: Source = "package",
    counts: Path | None = None,
) -> Application:
    """Return the application that serves the release in `bundle`, which is read when the application starts.

    Parameters
    ----------
    bundle : folder with ``release.json`` and ``model/``.
    verify : called before anything of the bundle is read; it raises if the bundle must not be served.
    source : how it is known that this is the release to serve.
    counts : the folder in which the workers of one service count together; without it this process counts for itself.
    """
    return Application(Service(bundle, settings, verify=verify, source=source, counts=counts))


def from_environment() -> Application:
    """Return the application for the bundle that this very file lies in, set up by EVERGREEN_* variables.

    It checks the package that the bundle lies in, as far as code can that is part of it: `evergreen serve` checks the
    whole of it before any of it runs.
    """
    settings, bundle = Settings(), Path(__file__).parents[1]
    return create_app(bundle, settings, verify=partial(verify_own_package, bundle, settings))


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
