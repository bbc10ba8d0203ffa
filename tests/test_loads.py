"""The traffic of the long campaigns, against small servers whose answers are known."""

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import loads
import pytest
from projects import wait_for
from servers import SECONDS


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers 200, and every fifth POST 503 with Retry-After when `is_busy` says so."""

    protocol_version = "HTTP/1.1"
    is_busy, asked, timeout = False, 0, SECONDS

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked += 1
        refused = self.is_busy and self.asked % 5 == 0
        self.send_response(503 if refused else 200)
        if refused:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Callable[..., tuple[str, int]]]:
    """Return a function that starts a server of a thread for each connection, and says where it listens."""
    started: list[http.server.ThreadingHTTPServer] = []

    def serve(**attributes: object) -> tuple[str, int]:
        handler = type("Handler", (Echo,), {"asked": 0, **attributes})
        made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        made.daemon_threads, made.block_on_close = True, False
        started.append(made)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        return "127.0.0.1", made.server_address[1]

    yield serve
    for made in started:
        made.shutdown()
        made.server_close()


def test_open_loop_sends_what_is_due_and_counts_every_answer(server):
    with loads.started("open_loop", *server(), path="/", body="{}", per_second=100, seconds=2, connections=20) as load:
        told = load.outcome()

    assert told.sent + told.unsent == pytest.approx(200, abs=5)
    assert told.ok == told.sent == sum(told.ok_in_second)
    assert told.broken == 0
    assert 0 < told.p50_ms <= told.p99_ms


def test_open_loop_leaves_a_refused_connection_alone_until_its_retry_after_is_over(server):
    where = server(is_busy=True)

    with loads.started("open_loop", *where, path="/", body="{}", per_second=200, seconds=2, connections=2) as load:
        told = load.outcome()

    assert told.by_status["503"] >= 1
    assert told.sent <= 2 * 5 * 4  # four answers, then a second's pause, on each of two connections
    assert told.unsent > 0


def test_open_loop_sends_no_more_than_its_connections_bear(server):
    silent = socket.create_server(("127.0.0.1", 0))
    with (
        silent,
        loads.started(
            "open_loop", *silent.getsockname(), path="/", body="{}", per_second=500, seconds=1, connections=7
        ) as load,
    ):
        told = load.outcome()

    assert (told.sent, told.ok) == (7, 0)


def test_closed_loop_asks_again_once_it_is_answered(server):
    with loads.started("closed_loop", *server(), path="/", body="{}", seconds=1, connections=3) as load:
        told = load.outcome()

    assert told.ok > 3
    assert 0 <= told.sent - told.ok <= 3


@pytest.mark.parametrize("kind", loads.SLOW_KINDS)
def test_slow_connections_are_all_open_at_a_time_and_end_with_the_load(kind):
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    about = {"path": "/", "body": "{}", "kind": kind, "connections": 30, "seconds": 2}
    held: list[socket.socket] = []
    with silent, loads.started("slow", *silent.getsockname(), **about) as load:
        silent.settimeout(SECONDS)
        held += [silent.accept()[0] for _ in range(30)]
        told = load.outcome()
        first = [each.recv(1_000) for each in held]
        for each in held:
            each.close()

    begins = {"headers": b"POST / HTTP/1.1", "body": b"POST / HTTP/1.1", "idle": b"", "reader": b"POST / HTTP/1.1"}[
        kind
    ]
    assert (told.opened, told.refused) == (30, 0)
    assert all(sent.startswith(begins) for sent in first)
    assert all((b"\r\n\r\n" in sent) == (kind in ("body", "reader")) for sent in first)


def test_slow_connection_that_the_server_ends_is_counted_and_made_again():
    about = {"path": "/", "body": "{}", "kind": "idle", "connections": 1, "seconds": 4}
    with (
        socket.create_server(("127.0.0.1", 0)) as impatient,
        loads.started("slow", *impatient.getsockname(), **about) as load,
    ):
        impatient.settimeout(SECONDS)
        for _ in range(2):
            impatient.accept()[0].close()
        told = load.outcome()

    assert told.opened >= 2
    assert told.ended >= 1


def test_prober_sees_the_longest_stall(server):
    pause = threading.Event()

    def slow_get(handler: Echo) -> None:
        if not pause.is_set():
            pause.set()
            threading.Event().wait(0.4)
        Echo.do_GET(handler)

    with loads.started("probe", *server(do_GET=slow_get), path="/", every_ms=5, seconds=2) as load:
        told = load.outcome()

    assert told.failed == 0
    assert max(told.longest_in_second_ms) >= 400


def test_prober_counts_what_does_not_answer(closed_port):
    with loads.started("probe", "127.0.0.1", closed_port, path="/", every_ms=50, seconds=1) as load:
        told = load.outcome()

    assert told.failed == told.asked > 0


def test_memory_of_a_process_and_its_children_is_sampled():
    code = "import sys; input(); held = bytearray(b'1') * 50_000_000; print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        with loads.sampled(process.pid) as memory:
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            wait_for(lambda: memory.peak - memory.first > 45_000_000, "the sampler has seen it")
        process.communicate(b"\n")


def test_load_that_is_not_waited_for_ends_with_its_context(server):
    with loads.started("closed_loop", *server(), path="/", body="{}", seconds=60, connections=1) as load:
        process = load._process

    assert process.returncode is not None
