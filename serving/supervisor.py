"""Several workers behind one address: each a process and a listening socket of its own, started anew when it dies."""

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from evergreen.base.errors import ConfigError, IntegrityError, ResourceError, Unavailable
from serving.listening import beside

DRAIN_SECONDS = 20
KILL_AFTER = DRAIN_SECONDS + 5.0
MAX_FAILED_STARTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
HOPELESS = tuple(kind.exit_code for kind in (ConfigError, IntegrityError, ResourceError, Unavailable))
READY, STOPS = b"r", (signal.SIGTERM, signal.SIGINT)
Command = Callable[[int, int, bool], Sequence[str]]
log = logging.getLogger(__name__)


@dataclass
class Worker:
    """A process that answers. Its end of the pipe says that it is ready, and closes when it is gone."""

    process: subprocess.Popen[bytes]
    pipe: int
    is_ready: bool = False


@dataclass
class Place:
    """Room for one worker: who is there, or when the next one starts; `listening` is its socket where there is one."""

    listening: socket.socket | None = None
    worker: Worker | None = None
    due: float = float("inf")
    taken_before: bool = False


@dataclass
class Supervisor:
    """Keeps `n` workers answering on the address of `listening`, until a signal says otherwise.

    Sockets of one address share its connections evenly enough (`SO_REUSEPORT`); one socket for all of them leaves a few
    connections to whoever wakes first. A worker's socket is open in no other process, so that it goes when the worker
    dies or lets nobody else in: what a dead one had not answered breaks off, and the others answer everybody else.

    Parameters
    ----------
    command : what starts a worker, given the descriptors of its socket and of its pipe, and whether it follows on one
        that died.
    """

    listening: socket.socket
    n: int
    command: Command
    _places: list[Place] = field(default_factory=list)
    _failed_starts: int = 0
    _was_ready: bool = False
    _code: int = 0
    _kill_at: float | None = None

    def run(self) -> int:
        """Return the exit code once all workers have ended: 0 after SIGTERM or SIGINT, else that of the last of them.

        The first worker starts alone: it answers sooner then, and what keeps it from starting is said once.
        """
        self._address = self.listening.getsockname()
        self._places = [Place(listening=self.listening, due=0.0), *(Place() for _ in range(self.n - 1))]
        with selectors.DefaultSelector() as selector, _signals() as signals:
            self._selector = selector
            selector.register(signals, selectors.EVENT_READ, None)
            while self._kill_at is None or any(place.worker for place in self._places):
                self._start_who_is_due()
                for key, _ in selector.select(self._until_next()):
                    if key.data is None:
                        self._signalled(os.read(signals, 64))
                    else:
                        self._told(key.data)
                if self._kill_at is not None and time.monotonic() >= self._kill_at:
                    self._pass_on(signal.SIGKILL)
        return self._code

    def _until_next(self) -> float | None:
        if self._kill_at is not None:
            return max(0.0, self._kill_at - time.monotonic())
        due = min(place.due for place in self._places)
        return None if due == float("inf") else max(0.0, due - time.monotonic())

    def _start_who_is_due(self) -> None:
        for place in self._places:
            if place.worker is None and self._kill_at is None and place.due <= time.monotonic():
                try:
                    self._start(place)
                except (OSError, ResourceError) as error:
                    log.error("no worker can be started: %s", error)
                    self._start_failed(place, 8)

    def _start(self, place: Place) -> None:
        listening, place.listening = place.listening or beside(self._address, self.listening.family), None
        read, write = os.pipe()
        with listening, os.fdopen(write, "wb"):
            try:
                process = subprocess.Popen(  # noqa: S603  our own interpreter and arguments
                    self.command(listening.fileno(), write, place.taken_before),
                    pass_fds=(listening.fileno(), write),
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C in a terminal is ours to answer
                )
            except OSError:
                os.close(read)
                raise
        place.worker, place.due, place.taken_before = Worker(process, read), float("inf"), True
        self._selector.register(read, selectors.EVENT_READ, place)

    def _told(self, place: Place) -> None:
        worker = place.worker
        assert worker
        if os.read(worker.pipe, 1) == READY:
            worker.is_ready = self._was_ready = True
            self._failed_starts = 0
            log.info("worker %d answers", worker.process.pid)
            for other in self._places:
                if not other.worker and not other.taken_before:
                    other.due = 0.0
            return
        self._selector.unregister(worker.pipe)
        os.close(worker.pipe)
        code, place.worker = worker.process.wait(), None
        if self._kill_at is None:
            self._died(place, worker, code)

    def _died(self, place: Place, worker: Worker, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if worker.is_ready:
            log.warning("worker %d ended with %s; another one takes its place", worker.process.pid, how)
            place.due = 0.0
        else:
            log.warning("worker %d ended with %s before it answered", worker.process.pid, how)
            self._start_failed(place, code)

    def _start_failed(self, place: Place, code: int) -> None:
        """Try again after a pause that doubles; end all after the fifth in a row, or where another would not help."""
        self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS or (code in HOPELESS and not self._was_ready):
            log.error("SRV030: no worker starts: all end, after %d that failed in a row", self._failed_starts)
            self._code = 128 - code if code < 0 else code or 1
            self._stop()
        else:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._failed_starts - 1))
            place.due = time.monotonic() + pause

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGHUP:
                self._pass_on(signal.SIGHUP)
            elif self._kill_at is not None:
                self._pass_on(signal.SIGKILL)  # whoever asks twice does not want to wait
            else:
                self._stop()

    def _stop(self) -> None:
        """Let workers answer what is open, for `KILL_AFTER` seconds, and nobody else in."""
        self._kill_at = time.monotonic() + KILL_AFTER
        self._pass_on(signal.SIGTERM)
        for place in self._places:
            if place.listening:
                place.listening.close()

    def _pass_on(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.worker and (place.worker.is_ready or number != signal.SIGHUP):
                with suppress(ProcessLookupError):
                    place.worker.process.send_signal(number)


@contextmanager
def _signals() -> Iterator[int]:
    """Yield the descriptor that says which signals came, one byte each, while they do nothing else."""
    read, write = socket.socketpair()
    with read, write:
        write.setblocking(False)
        before = {number: signal.signal(number, lambda *_: None) for number in (*STOPS, signal.SIGHUP)}
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        try:
            yield read.fileno()
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)


def command(more: Sequence[str], listening: int, pipe: int, again: bool) -> list[str]:
    """Return what starts a worker of this very code, with the interpreter and the environment of this process."""
    after = ["--again"] if again else []
    worker = ["--worker", f"--listen={listening}", f"--pipe={pipe}", f"--parent={os.getpid()}", *after]
    return [sys.executable, "-P", "-m", "serving", *worker, *more]
