"""Traffic that a service must bear: more than it can answer, and callers that are slow. Bounded in count and time.

Every load runs in a process of its own, so that its clock is not held up by the test's, and ends by itself.
"""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import Any, cast

import psutil

MOST_CONNECTIONS, MOST_SECONDS = 4_096, 120.0
SLOW_KINDS = ("headers", "body", "idle", "reader")


@dataclass
class Answers:
    """What became of requests: `by_status` counts answers, `broken` connections that ended without one.

    `hopeless` answers 429 and 503 did not say when to come again. `unsent` came due while every connection waited for
    an answer or for its Retry-After to pass. `ok_in_second` counts the answers 200 in each second since the start;
    latencies are of those, in milliseconds.
    """

    sent: int = 0
    unsent: int = 0
    broken: int = 0
    hopeless: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    ok_in_second: list[int] = field(default_factory=list)
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def ok(self) -> int:
        return self.by_status.get("200", 0)


@dataclass
class Slow:
    """What became of slow connections: how many were made, how many the server ended, and how many it refused."""

    opened: int = 0
    ended: int = 0
    refused: int = 0


@dataclass
class Stalls:
    """What a prober saw: its answers, those that were not 200 or did not come, and the longest wait in each second."""

    asked: int = 0
    failed: int = 0
    longest_in_second_ms: list[float] = field(default_factory=list)

    @property
    def stall_ms(self) -> float:
        """The longest wait in the best second: others use the machine too, and stop everybody now and then."""
        return min(longest for longest in self.longest_in_second_ms if longest)


@dataclass
class Memory:
    """Resident bytes of a process: when sampling began, and the most since."""

    first: int = 0
    peak: int = 0


def request(path: str, body: str = "", *, method: str = "POST") -> bytes:
    """Return a request for a kept connection as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    return f"{head}\r\n{body}".encode()


class _Connection(asyncio.Protocol):
    """One kept connection, which is free while no answer is due."""

    def __init__(self, load: "_Load") -> None:
        self._load, self._received, self._began = load, b"", 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def ask(self) -> None:
        assert self.transport is not None
        self._began = time.perf_counter()
        self._load.answers.sent += 1
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(rest) < int(fields.get(b"content-length", 0)):
            return
        self._received = b""
        status = head[9:12].decode()
        waits = float(fields[b"retry-after"]) if b"retry-after" in fields else 0.0
        self._load.answered(self, status, time.perf_counter() - self._began, waits)
        if fields.get(b"connection") == b"close" and self.transport is not None:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        self._load.lost(self)


class _Load:
    def __init__(self, host: str, port: int, sent: bytes, connections: int) -> None:
        self.host, self.port, self.request = host, port, sent
        self.answers = Answers()
        self.latencies: list[float] = []
        self.free: list[_Connection] = []
        self.waiting: set[_Connection] = set()
        self.on_free: Callable[[], None] = lambda: None
        self._room, self._over = min(connections, MOST_CONNECTIONS), False
        self._began = time.perf_counter()
        self._opening: set[asyncio.Task[None]] = set()

    def take(self) -> bool:
        """Send a request if a connection is free, or open one for it if there is room; return whether it will go."""
        while self.free:
            connection = self.free.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                self.waiting.add(connection)
                connection.ask()
                return True
        if self._room <= 0:
            return False
        self._room -= 1
        task = asyncio.get_running_loop().create_task(self._open())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _open(self) -> None:
        try:
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), self.host, self.port
            )
        except OSError:
            self.answers.broken += 1
            self._room += 1
            return
        self.waiting.add(made)
        if made.transport is not None:
            made.ask()

    def answered(self, connection: _Connection, status: str, seconds: float, waits: float) -> None:
        self.waiting.discard(connection)
        self.answers.by_status[status] = self.answers.by_status.get(status, 0) + 1
        if status == "200":
            at = int(time.perf_counter() - self._began)
            self.answers.ok_in_second += [0] * (at + 1 - len(self.answers.ok_in_second))
            self.answers.ok_in_second[at] += 1
            self.latencies.append(seconds)
        self.answers.hopeless += status in ("429", "503") and not waits
        if waits:
            asyncio.get_running_loop().call_later(waits, self.release, connection)
        else:
            self.release(connection)

    def release(self, connection: _Connection) -> None:
        if connection.transport is not None:
            self.free.append(connection)
            self.on_free()

    def lost(self, connection: _Connection) -> None:
        self._room += 1
        if connection in self.waiting and not self._over:
            self.waiting.discard(connection)
            self.answers.broken += 1

    def close(self) -> Answers:
        """Give up what is not answered yet, and return what became of the rest."""
        self._over = True
        for connection in (*self.free, *self.waiting):
            if connection.transport is not None:
                connection.transport.abort()
        if len(self.latencies) > 1:
            cuts = quantiles(self.latencies, n=100)
            self.answers.p50_ms, self.answers.p99_ms = cuts[49] * 1e3, cuts[98] * 1e3
        return self.answers


async def open_loop(
    host: str, port: int, *, path: str, body: str, per_second: float, seconds: float, connections: int
) -> Answers:
    """Send requests when they are due, whether or not others were answered, and return what became of them."""
    load, began, due = _Load(host, port, request(path, body), connections), time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < min(seconds, MOST_SECONDS):
        n = int(passed * per_second) - due
        due += n
        for left in range(n, 0, -1):
            if not load.take():
                load.answers.unsent += left
                break
        await asyncio.sleep(0.001)
    deadline = time.perf_counter() + 5
    while load.waiting and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    return load.close()


async def closed_loop(host: str, port: int, *, path: str, body: str, seconds: float, connections: int) -> Answers:
    """Ask over some connections, each again once it is answered, and return what became of the requests."""
    load = _Load(host, port, request(path, body), connections)
    load.on_free = lambda: load.take() and None
    for _ in range(connections):
        load.take()
    await asyncio.sleep(min(seconds, MOST_SECONDS))
    load.on_free = lambda: None
    return load.close()


async def slow(host: str, port: int, *, kind: str, connections: int, seconds: float, path: str, body: str) -> Slow:
    """Hold slow connections of one kind of `SLOW_KINDS` open for some seconds, each replaced once the server ends it.

    ``headers`` and ``body`` send a byte a second of what they began, ``idle`` sends nothing, ``reader`` sends a whole
    request again and again and reads nothing.
    """
    told, until = Slow(), time.perf_counter() + min(seconds, MOST_SECONDS)
    whole = request(path, body)
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    first = {"headers": head[:-4] + b"\r\nX-Slow: ", "body": head + b"{", "idle": b"", "reader": whole}[kind]
    again = {"headers": b"a", "body": b" ", "idle": b"", "reader": whole}[kind]

    async def hold() -> None:
        while time.perf_counter() < until:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            with connection:
                try:
                    await asyncio.wait_for(asyncio.get_running_loop().sock_connect(connection, (host, port)), 10)
                except OSError:
                    told.refused += 1
                    await asyncio.sleep(1)
                    continue
                told.opened += 1
                told.ended += await _dribble(connection, first, again, until, reads=kind != "reader")

    await asyncio.gather(*(hold() for _ in range(min(connections, MOST_CONNECTIONS))))
    return told


async def _dribble(connection: socket.socket, first: bytes, again: bytes, until: float, *, reads: bool) -> bool:
    """Send what a slow caller sends until the time is over; return whether the server ended the connection before."""
    sent = first
    while time.perf_counter() < until:
        try:
            with suppress(BlockingIOError):
                if sent:
                    connection.send(sent)
            with suppress(BlockingIOError):
                if reads and connection.recv(4_096) == b"":
                    return True
        except OSError:
            return True
        sent = again
        await asyncio.sleep(1)
    return False


async def probe(host: str, port: int, *, path: str, every_ms: float, seconds: float) -> Stalls:
    """Ask for a page again and again, and return the longest waits for it."""
    told, sent, first = Stalls(), request(path, method="GET"), time.perf_counter()
    until = first + min(seconds, MOST_SECONDS)
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    while time.perf_counter() < until:
        began = time.perf_counter()
        told.asked += 1
        try:
            async with asyncio.timeout(30):
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection(host, port)
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                (length,) = (line[16:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
                await reader.readexactly(int(length))
            told.failed += head[9:12] != b"200"
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            told.failed += 1
            reader = writer = None
        longest, at = told.longest_in_second_ms, int(began - first)
        longest += [0.0] * (at + 1 - len(longest))
        longest[at] = max(longest[at], (time.perf_counter() - began) * 1e3)
        await asyncio.sleep(every_ms / 1e3)
    if writer is not None:
        writer.close()
    return told


class Running:
    """A load in a process of its own."""

    def __init__(self, kind: type[Any], process: "subprocess.Popen[str]") -> None:
        self._kind, self._process = kind, process

    def outcome(self) -> Any:
        """Wait for the end of the load and return what it saw."""
        printed, _ = self._process.communicate(timeout=MOST_SECONDS + 60)
        assert self._process.returncode == 0, f"the load ended with {self._process.returncode}"
        return self._kind(**json.loads(printed))


LOADS: dict[str, tuple[Any, type[Any]]] = {
    "open_loop": (open_loop, Answers),
    "closed_loop": (closed_loop, Answers),
    "slow": (slow, Slow),
    "probe": (probe, Stalls),
}


@contextmanager
def started(name: str, host: str, port: int, **about: Any) -> Iterator[Running]:
    """Start a load of `LOADS`; it is killed at the end of the context if it has not ended."""
    argv = [sys.executable, __file__, name, host, str(port)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(about))
        process.stdin.close()
        process.stdin = None
        yield Running(LOADS[name][1], process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def sampled(pid: int, *, every: float = 0.05) -> Iterator[Memory]:
    """Sample the resident memory of a process and all below it for as long as the context lasts."""
    watched, over = psutil.Process(pid), threading.Event()
    memory = Memory(first=_resident(watched))

    def sample() -> None:
        while not over.wait(every):
            memory.peak = max(memory.peak, _resident(watched))

    memory.peak = memory.first
    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield memory
    finally:
        over.set()
        thread.join()


def _resident(process: psutil.Process) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
    return total


def _main(name: str, host: str, port: str) -> None:
    import uvloop

    about = json.load(sys.stdin)
    print(json.dumps(asdict(uvloop.run(LOADS[name][0](host, int(port), **about)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
