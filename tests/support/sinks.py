"""Servers on loopback that take messages, and keep what came: HTTP, and SMTP as far as a sender speaks it."""

import email
import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink:
    """What came, in order. `answers`: the statuses of the next requests, then 200; `held`: what keeps all waiting."""

    def __init__(self, answers: Sequence[int] = ()) -> None:
        self.answers = list(answers)
        self.came: list[Any] = []
        self.held: threading.Event | None = None
        self.port = 0

    def answer(self) -> int:
        return self.answers.pop(0) if self.answers else 200


@contextmanager
def http(*answers: int) -> Iterator[Sink]:
    """Yield a sink of JSON that is posted; it answers with these statuses first."""
    sink = Sink(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if sink.held:
                sink.held.wait()
            self.send_response(sink.answer())
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        yield from _running(server, sink)


@contextmanager
def smtp() -> Iterator[Sink]:
    """Yield a sink of mails, each parsed; whoever sends may be anybody."""
    sink = Sink()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 sink")
            while line := self.rfile.readline().decode().strip():
                verb = line.split()[0].upper()
                if verb == "DATA":
                    self.say("354 go on")
                    sink.came.append(self.mail())
                elif verb == "AUTH":
                    self.say("235 welcome")
                    continue
                elif verb == "EHLO":
                    self.say("250-sink")
                    self.say("250 AUTH PLAIN")
                    continue
                self.say("221 bye" if verb == "QUIT" else "250 fine")
                if verb == "QUIT":
                    return

        def mail(self) -> Message:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            return email.message_from_bytes(b"".join(lines), policy=default)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        yield from _running(server, sink)


def _running(server: socketserver.BaseServer, sink: Sink) -> Iterator[Sink]:
    sink.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield sink
    finally:
        if sink.held:
            sink.held.set()
        server.shutdown()
        thread.join()
