"""A bundle to serve, servers of it in a thread of this process, and servers of it in processes of their own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import released
import uvicorn
from projects import wait_for
from servers import SECONDS, Server, free_port, running

from evergreen.adapters import packaging
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from serving.app import Application, create_app
from serving.connections import Connections, Limits
from serving.listening import listen

ROOMY = Limits(connections=500, connections_per_peer=500)
Serve = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """The ``src`` of a folder laid out as a bento's: the release, the model, and the code that serves them."""
    folder = tmp_path_factory.mktemp("bento") / "src"
    folder.mkdir()
    released.bundle(folder)
    released.pack(folder, project)
    return folder


@pytest.fixture(scope="session")
def release(bundle: Path) -> Release:
    return Release.model_validate_json((bundle / "release.json").read_bytes())


@contextmanager
def served(app: Application, lifespan: str = "on", limits: Limits = ROOMY) -> Iterator[httpx.Client]:
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app,
        http=Connections(limits, app.service.metrics).protocol(),
        lifespan=lifespan,  # type: ignore[arg-type]
        log_level="error",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    try:
        wait_for(lambda: server.started or not thread.is_alive(), "the service listens or has given up")
        assert server.started, "the service ended before it listened"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(SECONDS)


@pytest.fixture
def serve(bundle: Path, tmp_path: Path) -> Serve:
    """Return a context that serves a bundle over HTTP from a thread."""

    def serve(
        folder: Path = bundle, lifespan: str = "on", limits: Limits = ROOMY, **settings: Any
    ) -> AbstractContextManager[httpx.Client]:
        return served(create_app(folder, Settings(home=tmp_path, **settings)), lifespan, limits)

    return serve


@pytest.fixture(scope="module")
def client(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that the tests of a file share; none of them may break it."""
    with served(create_app(bundle, Settings(home=tmp_path_factory.mktemp("home"), max_body_bytes=20_000))) as client:
        yield client


@pytest.fixture
def start(bundle: Path, tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Return a function that serves the bundle from a process of its own and waits until it is ready."""
    with ExitStack() as started:

        def start(**chosen: Any) -> Server:
            settings = Settings(home=tmp_path, serve_port=free_port(), **chosen)
            argv, env = packaging.command(bundle.parent, settings)
            return started.enter_context(running(argv, env, tmp_path, settings.serve_port))

        yield start
