"""Connections of people who mean no good: how large a head may be, how long it may take, and who gives way to whom.

uvicorn's own protocol has no such limits. One timer a second looks after all connections; a request sets none.
"""

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from serving.answers import RequestError

FEWEST = 16  # connections, however few files may be open
FILES_OF_OUR_OWN = 32
PIPELINED = 16  # requests that wait on one connection for the answer to another
BYTES_PER_SECOND = 8_192  # more time for each so many bytes of an answer that wait to be read


class Counted(Protocol):
    """What counts connections."""

    def connections(self, n: int) -> None: ...
    def refused(self, why: str) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What a connection may do. Seconds are counted from the first byte of a head, the last answer, or the moment in
    which an answer was no longer read."""

    connections: int
    connections_per_peer: int
    head_bytes: int = 32_768
    line_bytes: int = 8_192
    headers: int = 100
    head_seconds: float = 10.0
    idle_seconds: float = 60.0
    answer_seconds: float = 10.0


def allowed_connections(wanted: int) -> int:
    """Return how many connections this process can have open, having raised its limit of files as far as it may.

    Twice as many files are asked for: those that give way are still open while those that they make room for come.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + FILES_OF_OUR_OWN
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(FEWEST, min(wanted, (soft - FILES_OF_OUR_OWN) // 2))


class Connections:
    """The connections of a process; where there are too many, the one that has been longest without a whole request
    gives way, and never one that is being answered."""

    def __init__(self, limits: Limits, metrics: Counted) -> None:
        self.limits, self._metrics = limits, metrics
        self._open: set[LimitedProtocol] = set()
        self._peers: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def protocol(self) -> type[HttpToolsProtocol]:
        """Return the protocol to give to uvicorn, as ``Config(http=…)``."""
        return type("LimitedProtocol", (LimitedProtocol,), {"limited_by": self})

    def opened(self, connection: "LimitedProtocol") -> None:
        """Take in a connection, at the cost of another where there are too many."""
        peer = connection.peer
        if self._peers[peer] >= self.limits.connections_per_peer:
            self._give_way("peer", peer)
        elif len(self._open) >= self.limits.connections:
            self._give_way("connections", None)
        self._open.add(connection)
        self._peers[peer] += 1
        self._metrics.connections(len(self._open))
        if self._timer is None:
            self._timer = connection.loop.call_later(1.0, self._sweep, connection.loop)

    def closed(self, connection: "LimitedProtocol") -> None:
        """Forget a connection."""
        if connection in self._open:
            self._open.discard(connection)
            self._peers[connection.peer] -= 1
            if not self._peers[connection.peer]:
                del self._peers[connection.peer]
            self._metrics.connections(len(self._open))

    def _give_way(self, why: str, peer: str | None) -> None:
        waiting = [c for c in self._open if not c.is_answered() and (peer is None or c.peer == peer)]
        if waiting:
            self.end(min(waiting, key=lambda connection: connection.since), why)

    def end(self, connection: "LimitedProtocol", why: str) -> None:
        """Close a connection at once."""
        self._metrics.refused(why)
        self.closed(connection)
        connection.transport.abort()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._open):
            if why := connection.overdue(now):
                self.end(connection, why)
        self._timer = loop.call_later(1.0, self._sweep, loop) if self._open else None


class PipelineFull(Exception):  # noqa: N818  the parser's sign to stop
    """So many requests wait on a connection that the next is not read."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within limits. `since`: when this connection was last answered, or came."""

    limited_by: Connections

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.peer = ""
        self.since = self._began = self.loop.time()
        self._is_in_head, self._is_begun = True, False
        self._head_bytes = self._pending_bytes = self._n_headers = self._n_heads = 0
        self._unread_until: float | None = None
        self._refusal: RequestError | None = None
        self._is_full = False

    def is_answered(self) -> bool:
        """Return whether a whole request is being answered to somebody who reads the answer."""
        return (
            self.cycle is not None
            and not self.cycle.response_complete
            and not self.cycle.more_body
            and self._unread_until is None
        )

    def overdue(self, now: float) -> str:
        """Return what this connection has taken too long for; empty if nothing."""
        limits = self.limited_by.limits
        if self._unread_until is not None:
            return "unread" if now > self._unread_until else ""
        if self.cycle is not None and not self.cycle.response_complete:
            return ""  # its body, if that is not whole, has a deadline of its own
        if self._is_begun:
            return "slow" if now > max(self._began, self.since) + limits.head_seconds else ""
        return "idle" if now > self.since + limits.idle_seconds else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self.limited_by.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.limited_by.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_full:
            self.flow.pause_reading()
            return
        was_in_head, n_heads = self._is_in_head, self._n_heads
        if was_in_head and not self._is_begun:
            self._is_begun, self._began = True, self.loop.time()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self.cycle is not None:
                self.cycle.keep_alive = False  # what follows is not HTTP
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, PipelineFull):
                self._refuse(self._refusal or RequestError(400, "", "SRV017", "this is not HTTP/1.1"))
            return
        if not (was_in_head and self._is_in_head and self._n_heads == n_heads):
            self._pending_bytes = 0
            return
        self._pending_bytes += len(data)
        if self._pending_bytes > self.limited_by.limits.head_bytes:
            self._refuse(_too_large(f"its head has more than {self.limited_by.limits.head_bytes} bytes"))

    def on_message_begin(self) -> None:
        """Begin a request, unless too many wait: the last of them is answered as the last of this connection then.

        Reading on would take as long as all that came in one segment, which may hold thousands.
        """
        if len(self.pipeline) >= PIPELINED:
            self._is_full, self.cycle.keep_alive = True, False
            raise PipelineFull
        super().on_message_begin()
        self._is_begun, self._is_in_head = True, True
        self._head_bytes = self._n_headers = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limited_by.limits.line_bytes:
            what = f"its path has more than {self.limited_by.limits.line_bytes} bytes"
            self._refusal = RequestError(414, "", "SRV018", what)
            raise self._refusal

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._n_headers += 1
        self._head_bytes += len(name) + len(value)
        limits = self.limited_by.limits
        if self._n_headers > limits.headers or self._head_bytes > limits.head_bytes:
            self._refusal = _too_large(f"its head has more than {limits.headers} fields or {limits.head_bytes} bytes")
            raise self._refusal

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._n_heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head, self._is_begun, self._pending_bytes = True, False, 0

    def on_response_complete(self) -> None:
        """Go on as uvicorn does, but without a timer."""
        self.server_state.total_requests += 1
        self.since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        seconds = self.limited_by.limits.answer_seconds + self.transport.get_write_buffer_size() / BYTES_PER_SECOND
        self._unread_until = self.loop.time() + seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread_until = None

    def _should_upgrade(self) -> bool:
        return False

    def _refuse(self, refused: RequestError) -> None:
        """Answer what could not be read as a request, unless another request is being answered, and hang up."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.limited_by.end(self, "malformed")
            return
        body = refused.body()
        head = b"content-type: application/json\r\nx-content-type-options: nosniff\r\nconnection: close\r\n"
        length = b"content-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[refused.status] + head + length + body)
        self.transport.close()


def _too_large(what: str) -> RequestError:
    return RequestError(431, "", "SRV018", what, next_step="Send fewer and shorter header fields.")
