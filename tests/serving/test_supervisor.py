"""The supervisor with real processes: who answers, who takes whose place, and what is left when anybody dies."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import workers
from projects import wait_for
from servers import SECONDS, free_port


@dataclass
class Supervised:
    process: subprocess.Popen[str]
    port: int
    folder: Path

    def ask(self, seconds: float = 0) -> int:
        """Return the process id of the worker that answers one connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            connection.sendall(str(seconds).encode())
            return int(connection.recv(100))

    def answering(self, n: int) -> set[int]:
        """Return who answers, once `n` workers do."""
        seen: set[int] = set()

        def all_answer() -> bool:
            assert self.process.poll() is None
            seen.add(self.ask())
            return len(seen) == n

        wait_for(all_answer, f"{n} workers answer")
        return seen

    def begun(self) -> int:
        return sum(name.startswith("begun") for name in self.left())

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ends(self) -> tuple[int, str]:
        """Return the exit code and what was printed."""
        printed, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, printed


@pytest.fixture
def supervise(project: Path, tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def supervise(n: int = 2, kind: str = "answers") -> Supervised:
        port = free_port()
        argv = [sys.executable, workers.__file__, str(port), str(n), kind, str(tmp_path)]
        env = {**os.environ, "PYTHONPATH": str(project)}
        process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(Supervised(process, port, tmp_path))
        if kind in ("answers", "stubborn", "fails later"):
            wait_for(lambda: started[-1].listens() or process.poll() is not None, "it listens")
        return started[-1]

    yield supervise
    for supervised in started:
        supervised.process.kill()
        supervised.process.communicate()


def gone(*pids: int) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_connections_are_shared_by_all_workers(supervise):
    supervised = supervise(n=3)
    workers = supervised.answering(3)

    answers = [supervised.ask() for _ in range(300)]

    assert set(answers) == workers
    assert min(answers.count(worker) for worker in workers) > 50  # of 100 that each should have


def test_worker_that_is_killed_is_followed_by_another_while_the_others_answer(supervise):
    supervised = supervise()
    for _ in range(5):
        before = supervised.answering(2)
        killed = before.pop()
        os.kill(killed, signal.SIGKILL)

        wait_for(lambda killed=killed: gone(killed), "the worker is gone, and no zombie of it is left")
        after = supervised.answering(2)

        assert before < after
        assert killed not in after
    assert len([name for name in supervised.left() if name.endswith("-again")]) == 5


def test_worker_that_is_asked_to_end_answers_what_is_open_and_is_followed_by_another(supervise):
    supervised = supervise(n=1)
    (worker,) = supervised.answering(1)
    with socket.create_connection(("127.0.0.1", supervised.port), timeout=SECONDS) as connection:
        connection.sendall(b"1")
        wait_for(lambda: supervised.begun() == 1, "the worker has begun")
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: not supervised.listens(), "it lets nobody else in")
        assert int(connection.recv(100)) == worker
    wait_for(supervised.listens, "somebody listens again")
    assert supervised.ask() != worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_answers_what_is_open_and_ends_everybody(supervise, number):
    supervised = supervise()
    pids = supervised.answering(2)
    callers = [socket.create_connection(("127.0.0.1", supervised.port), timeout=SECONDS) for _ in range(8)]
    for caller in callers:
        caller.sendall(b"1")
    wait_for(lambda: supervised.begun() == 8, "all have begun")

    supervised.process.send_signal(number)

    answers = set()
    for caller in callers:
        with caller:
            answers.add(int(caller.recv(100)))
    assert answers <= pids
    code, printed = supervised.ends()
    assert code == 0, printed
    assert gone(*pids)
    assert not supervised.listens()


def test_second_signal_ends_a_worker_that_does_not_listen_to_the_first(supervise):
    supervised = supervise(n=1, kind="stubborn")
    (worker,) = supervised.answering(1)
    supervised.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not psutil.Process(supervised.process.pid).net_connections(), "it lets nobody in")

    supervised.process.send_signal(signal.SIGTERM)

    assert supervised.ends()[0] == 0
    assert gone(worker)


def test_workers_do_not_outlive_a_supervisor_that_is_killed(supervise):
    supervised = supervise()
    pids = supervised.answering(2)

    supervised.process.kill()
    supervised.process.wait()

    wait_for(lambda: gone(*pids) or not any(is_running(pid) for pid in pids), "the workers are gone")
    assert not supervised.listens()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.mark.parametrize(
    ("kind", "code", "n_starts"),
    [("exit7", 7, 1), ("exit8", 8, 1), ("exit9", 9, 5), ("exit0", 1, 5), ("killed", 137, 5)],
)
def test_workers_that_do_not_start_end_it_with_their_code(supervise, kind, code, n_starts):
    supervised = supervise(kind=kind)

    ended, printed = supervised.ends()

    assert ended == code
    assert "SRV030" in printed
    assert len(supervised.left()) == n_starts
    assert not supervised.listens()


def test_workers_that_do_not_start_any_more_end_the_others_too(supervise):
    supervised = supervise(kind="fails later")
    pids = supervised.answering(2)

    os.kill(min(pids), signal.SIGKILL)
    ended, _ = supervised.ends()

    assert ended == 3
    assert len(supervised.left()) == 2 + 5
    assert gone(*pids)


def test_every_worker_is_asked_to_look_again_on_the_hangup_signal(supervise):
    supervised = supervise()
    pids = supervised.answering(2)

    supervised.process.send_signal(signal.SIGHUP)

    asked = {f"{pid}-asked" for pid in pids}
    wait_for(lambda: asked <= set(supervised.left()), "both were asked")
    assert supervised.answering(2) == pids


def test_second_supervisor_at_the_same_address_does_not_start(supervise, project, tmp_path):
    supervised = supervise()
    argv = [sys.executable, workers.__file__, str(supervised.port), "2", "answers", str(tmp_path)]

    done = subprocess.run(
        argv, env={**os.environ, "PYTHONPATH": str(project)}, capture_output=True, text=True, timeout=SECONDS
    )

    assert "SRV010" in done.stderr
    assert len(supervised.answering(2)) == 2
