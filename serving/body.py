"""The body of a request: how much of it is read, how long it may take, and what becomes of one that is refused."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from serving.answers import RequestError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

SECONDS_FOR_BODY = 10.0  # for one that makes no progress
BYTES_PER_SECOND = 8_192  # more time for each so many bytes that came
UNFINISHED_BYTES = 64_000_000  # of all bodies that are not whole, in this process
DRAINED_BYTES, SECONDS_FOR_DRAIN = 16_000_000, 5.0  # of a body that is refused, so that its sender sees the answer


class Left(Exception):  # noqa: N818  what the caller did
    """The caller left before its body was whole."""


class Incoming:
    """What a request's sender sends, and whether that was all of it; it is called as ASGI's `receive` is."""

    __slots__ = ("_receive", "is_whole")

    def __init__(self, receive: Receive) -> None:
        self._receive, self.is_whole = receive, False

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self.is_whole = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read what is left of a body that is refused, up to a bound.

        A connection that is closed on unread bytes is reset, and its caller never sees the answer.
        """
        n_bytes = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_FOR_DRAIN):
                while not self.is_whole and n_bytes <= DRAINED_BYTES:
                    n_bytes += len((await self()).get("body", b""))


class Bodies:
    """Reads the bodies of requests, and knows how much of those that are not whole lies in memory.

    Where that is too much, the one that began first gives way.
    """

    def __init__(self, *, max_bytes: int, unfinished_bytes: int = UNFINISHED_BYTES) -> None:
        self.max_bytes, self._budget = max_bytes, unfinished_bytes
        self.held = 0
        self._reading: dict[int, asyncio.Timeout] = {}  # in the order in which they began
        self._evicted: set[int] = set()
        self._count = 0

    async def read(self, receive: Receive, announced: int | None = None) -> bytes:
        """Return a whole body; stops reading at the limit, whatever the request says of its length.

        Raises
        ------
        RequestError 413 above `max_bytes`; 408 if it does not arrive in time; 503 if it had to give way to others.
        Left if the caller did.
        """
        if announced is not None and announced > self.max_bytes:
            raise self._too_large()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Left
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            body = await self._rest(receive, bytearray(body))
        if len(body) > self.max_bytes:
            raise self._too_large()
        return body

    async def _rest(self, receive: Receive, body: bytearray) -> bytes:
        self._count += 1
        me, loop = self._count, asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(began + SECONDS_FOR_BODY + len(body) / BYTES_PER_SECOND) as limit:
                self._reading[me] = limit
                self._hold(len(body))
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Left
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    self._hold(len(chunk))
                    body += chunk
                    if len(body) > self.max_bytes:
                        break
                    if me not in self._evicted:
                        limit.reschedule(began + SECONDS_FOR_BODY + len(body) / BYTES_PER_SECOND)
        except TimeoutError as error:
            raise self._given_up(me) from error
        finally:
            self.held -= len(body)
            self._reading.pop(me, None)
            self._evicted.discard(me)
        return bytes(body)

    def _hold(self, n_bytes: int) -> None:
        self.held += n_bytes
        if self.held > self._budget:
            oldest = next((me for me in self._reading if me not in self._evicted), None)
            if oldest is not None:
                self._evicted.add(oldest)
                self._reading[oldest].reschedule(0)

    def _given_up(self, me: int) -> RequestError:
        if me in self._evicted:
            what = "bodies that are not whole take too much memory, and this one began first"
            return RequestError(503, "busy", "SRV011", what, next_step="Send it again, faster.")
        what = f"the body did not arrive within {SECONDS_FOR_BODY:g} seconds and one more for {BYTES_PER_SECOND} bytes"
        return RequestError(408, "too_slow", "SRV007", what, next_step="Send it again.")

    def _too_large(self) -> RequestError:
        what = f"the body is larger than {self.max_bytes} bytes"
        next_step = "Send fewer rows at a time, or raise EVERGREEN_MAX_BODY_BYTES."
        return RequestError(413, "too_large", "SRV002", what, next_step=next_step)


def check_media_type(content_type: bytes) -> None:
    """Raise RequestError 415 unless a body is JSON in UTF-8."""
    if content_type == b"application/json":
        return
    media_type, _, parameters = content_type.partition(b";")
    charset = parameters.strip().lower().removeprefix(b"charset=").strip(b'"')
    if media_type.strip().lower() != b"application/json" or charset not in (b"", b"utf-8"):
        what, next_step = "the body must be JSON in UTF-8", "Set Content-Type: application/json."
        raise RequestError(415, "not_json", "SRV001", what, next_step=next_step)
