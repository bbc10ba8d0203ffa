"""A bundle to serve, servers of it in a thread of this process, and servers of it in processes of their own."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import released
import uvicorn
from starlette.applications import Starlette

from evergreen.adapters import packaging
from evergreen.model import Release
from evergreen.settings import Settings
from serving.app import create_app
from serving.listening import listen

SECONDS = 30
Serve = Callable[..., AbstractContextManager[httpx.Client]]
Start = Callable[..., tuple[subprocess.Popen[bytes], httpx.Client]]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """A folder laid out as a bento's: the release, the model, and the code that serves them."""
    folder = tmp_path_factory.mktemp("bento") / "src"
    folder.mkdir()
    released.bundle(folder)
    for package in ("evergreen", "serving"):
        (folder / package).symlink_to(project / package)
    return folder


@pytest.fixture(scope="session")
def release(bundle: Path) -> Release:
    return Release.model_validate_json((bundle / "release.json").read_bytes())


@contextmanager
def served(app: Starlette, lifespan: str = "on") -> Iterator[httpx.Client]:
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan=lifespan))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(SECONDS)


@pytest.fixture
def serve(bundle: Path, tmp_path: Path) -> Serve:
    """Return a context that serves the bundle over HTTP from a thread."""

    def serve(lifespan: str = "on", **limits: int) -> AbstractContextManager[httpx.Client]:
        return served(create_app(bundle, tmp_path / "predictions", **limits), lifespan)

    return serve


@pytest.fixture(scope="session")
def client(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that tests share; none of them may break it."""
    with served(create_app(bundle, tmp_path_factory.mktemp("predictions"), max_body_bytes=20_000)) as client:
        yield client


@pytest.fixture
def start(bundle: Path, tmp_path: Path) -> Iterator[Start]:
    """Return a function that serves the bundle from a process of its own and waits until it is ready."""
    started: list[tuple[subprocess.Popen[bytes], httpx.Client]] = []

    def start() -> tuple[subprocess.Popen[bytes], httpx.Client]:
        with listen("127.0.0.1", 0) as free:
            settings = Settings(home=tmp_path, serve_port=free.getsockname()[1])
        argv, env = packaging.command(bundle.parent, settings)
        process = subprocess.Popen(argv, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL)
        client = httpx.Client(base_url=f"http://127.0.0.1:{settings.serve_port}", timeout=SECONDS)
        started.append((process, client))
        wait_until_ready(process, client)
        return process, client

    yield start
    for process, client in started:
        client.close()
        process.kill()
        process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            threading.Event().wait(0.02)
    pytest.fail(f"not ready; exit code {process.poll()}")
