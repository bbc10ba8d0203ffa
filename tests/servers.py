"""Servers as processes of their own: started, waited for, and never left behind."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

SECONDS = 60
Server = tuple[subprocess.Popen[bytes], httpx.Client]


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def running(argv: Sequence[str], env: Mapping[str, str], cwd: Path, port: int) -> Iterator[Server]:
    """Start a server and yield it with a client once ``/readyz`` says yes; kill it and its children at the end."""
    process = subprocess.Popen(argv, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            _wait_until_ready(process, client)
            yield process, client
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    pytest.fail(f"not ready; exit code {process.poll()}")
