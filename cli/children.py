"""Processes that we start: on loopback only, dying with us, and noted so that the next command can sweep."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import psutil

from evergreen.base import parents
from evergreen.base.errors import Unavailable
from evergreen.base.files import write_bytes
from evergreen.base.processes import Mark, mark
from evergreen.base.temporaries import DAY, not_written_for

STOP_SECONDS = 10.0


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def child(
    name: str, argv: Sequence[str], *, run: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `argv` until the block ends; its output goes to ``<run>/<name>-<pid of ours>.log``.

    It is in a session of its own, so that Ctrl-C reaches us alone and we stop it in order. If we are killed, the kernel
    kills it; where the kernel cannot, `sweep` of the next command does.
    """
    sweep(run)
    run.mkdir(parents=True, exist_ok=True)
    log = log_of(name, run)
    with log.open("wb") as output:
        process = subprocess.Popen(
            parents.bound(argv),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    note = run / f"{name}-{process.pid}.json"
    write_bytes(
        note,
        json.dumps({"child": asdict(mark(process.pid)), "parent": asdict(mark())}).encode(),
    )
    try:
        yield process
    finally:
        _stop(process)
        note.unlink(missing_ok=True)
        log.unlink(missing_ok=True)


def log_of(name: str, run: Path) -> Path:
    """Return where a child of this process that is called so writes."""
    return run / f"{name}-{os.getpid()}.log"


def wait_until_ready(process: subprocess.Popen[bytes], url: str, *, seconds: float, what: str, log: Path) -> float:
    """Return the seconds until `url` answered 200.

    Raises
    ------
    Unavailable if the process ends or the time is over first; the end of its log is shown.
    """
    started = time.monotonic()
    while (waited := time.monotonic() - started) < seconds and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310  our own loopback address
            return waited
        time.sleep(0.05)
    ended = process.poll() is not None
    reason = f"ended with code {process.returncode}" if ended else f"did not answer in {seconds:g} s"
    tail = log.read_text(errors="replace")[-600:].strip() if log.exists() else ""
    raise Unavailable("DEP003", f"{what} {reason}. {tail}", where=url, next_step="Run the same command again.")


def sweep(run: Path) -> int:
    """Stop children whose parent is gone, and return how many; only processes named in our notes are touched."""
    swept = 0
    for note in run.glob("*.json"):
        try:
            facts = json.loads(note.read_bytes())
            begun, parent = Mark(**facts["child"]), Mark(**facts["parent"])
        except (ValueError, KeyError, TypeError):  # cut short, or of another version
            note.unlink(missing_ok=True)
            continue
        if parent.is_running or (not parent.is_here and not not_written_for(note, DAY)):
            continue
        if begun.is_running:
            os.kill(begun.pid, signal.SIGKILL)
            swept += 1
        note.unlink(missing_ok=True)
    for log in run.glob("*.log"):
        if not psutil.pid_exists(int(log.stem.rpartition("-")[2])):
            log.unlink(missing_ok=True)
    return swept


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
