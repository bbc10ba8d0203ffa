"""Taking in connections: all who wait, and again once there is room."""

import asyncio
import errno
import socket

from servers import SECONDS

from serving.accepting import AT_ONCE, Acceptor
from serving.listening import listen


class Greeting(asyncio.Protocol):
    """Says one byte and hangs up."""

    def connection_made(self, transport):
        transport.write(b"!")
        transport.close()


class Full(socket.socket):
    """A listening socket whose process cannot open another file, twice."""

    refusals = 2

    def accept(self):
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def greeted(listening: socket.socket, n: int) -> int:
    """Return how many of n callers, who all come before anybody is accepted, are greeted."""

    async def greet() -> int:
        callers = [socket.create_connection(listening.getsockname(), timeout=SECONDS) for _ in range(n)]
        acceptor = Acceptor(listening, Greeting)
        try:
            return sum([await asyncio.to_thread(caller.recv, 1) == b"!" for caller in callers])
        finally:
            acceptor.close()
            await acceptor.wait_closed()
            for caller in callers:
                caller.close()

    return asyncio.run(greet())


def test_all_who_wait_are_accepted():
    with listen("127.0.0.1", 0) as listening:
        assert greeted(listening, 2 * AT_ONCE + 1) == 2 * AT_ONCE + 1


def test_connections_wait_while_no_file_can_be_opened_and_are_accepted_then():
    with listen("127.0.0.1", 0) as made, Full(fileno=made.detach()) as listening:
        assert greeted(listening, 3) == 3
