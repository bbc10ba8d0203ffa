"""Taking in connections: many at a time, so that who comes anew waits for nobody who is there already."""

import asyncio
import logging
import socket
from collections.abc import Callable

AT_ONCE = 64  # a turn of the event loop
BACKLOG = 2_048
SECONDS_WITHOUT_ROOM = 0.5  # until it is tried again, where no more files can be open

log = logging.getLogger(__name__)


class Acceptor:
    """A server for uvicorn that accepts all who wait.

    uvloop's own accepts one connection a turn. Where a turn answers hundreds of others, a new one then waits seconds
    for its first answer, and whoever probes the service finds it dead.
    """

    def __init__(self, listening: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Begin to accept in the running loop."""
        self._listening, self._protocol = listening, protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._is_closed = False
        listening.setblocking(False)
        listening.listen(BACKLOG)
        self._loop.add_reader(listening, self._accept)

    def close(self) -> None:
        """Accept nobody any more; connections that are being opened are closed."""
        self._is_closed = True
        self._loop.remove_reader(self._listening)
        if self._again is not None:
            self._again.cancel()

    async def wait_closed(self) -> None:
        """Wait for connections that are being opened."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection is accepted for a moment: %s", error.strerror)
                self._loop.remove_reader(self._listening)
                self._again = self._loop.call_later(SECONDS_WITHOUT_ROOM, self._resume)
                return
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _resume(self) -> None:
        self._loop.add_reader(self._listening, self._accept)

    async def _open(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await self._loop.connect_accepted_socket(self._protocol, connection)
            if self._is_closed:  # too late for uvicorn, which ended those that it knew of
                transport.close()
        except OSError:  # it is gone already
            connection.close()
